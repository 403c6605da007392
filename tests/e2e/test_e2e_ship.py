"""`experiment ship`: from events to the files, to apply, to an empty plan."""

from __future__ import annotations

import pytest

from ldconf.core.analysis import Caution, Code, Decision, Verdict
from ldconf.core.errors import RefusedError, UsageError
from ldconf.kinds.targeting_document import VariationIds
from ldconf.workflow.shipping import ShipWish, ending_of
from tests.e2e.compared import EXPERIMENT, KEY, declare, expose
from tests.e2e.world import PROJECT, World

TARGETING = "pet-store-agent.yaml"
BETTER, SAME = (0.3, 0.6), (0.4, 0.4)


def text(world: World, file: str) -> str:
    return (world.root / file).read_text(encoding="utf-8")


def run(world: World) -> World:
    declare(world)
    return world


def fallthrough(world: World) -> str:
    """What production serves by default, in LaunchDarkly: a variation key."""
    path = f"/projects/{PROJECT}/ai-configs/pet-store-agent/targeting"
    found = world.rest("GET", path)
    key_by_id = {found_id: key for key, found_id in VariationIds(found).items()}
    place = found["environments"]["production"]["fallthrough"]["variation"]
    return key_by_id[found["variations"][place]["_id"]]


def test_a_winner_is_shipped_applied_and_nothing_is_left(world: World) -> None:
    run(world)
    expose(world, BETTER)
    before = text(world, TARGETING)
    shipped = world.run("experiment", "ship", KEY)
    assert shipped.code == 0, shipped.both
    assert "verdict: ship model-variant-2" in shipped.out
    assert "wrote experiments.yaml" in shipped.out
    plan = shipped.out.partition("Plan for")[2]  # what it leads to
    assert any("stop" in line and f"experiment {KEY}" in line for line in plan.splitlines())
    assert text(world, TARGETING) == before.replace(
        "        fallthrough: base-config\n", "        fallthrough: model-variant-2\n"
    )
    lines = text(world, "experiments.yaml").splitlines()
    assert lines[:-3] == EXPERIMENT.splitlines()[:-1]
    assert lines[-3:-1] == ["    status: stopped # since May", "    winner: model-variant-2"]
    assert lines[-1].startswith("    reason: ")
    world.commit("Ship it")
    applied = world.run("apply", "--yes")
    assert applied.code == 0, applied.both
    stop, serve = (line for line in applied.out.splitlines() if line.startswith("  ok "))
    assert (stop.split()[1:], serve.split()[1:]) == (
        ["stop", f"experiments/{KEY}"],
        ["update", "aiConfigs/pet-store-agent/targeting/production"],
    )
    assert fallthrough(world) == "model-variant-2"
    assert world.run("plan", "--detailed-exitcode").code == 0
    again = world.run("experiment", "ship", KEY, "--winner", "model-variant-2", "--reason", "x")
    assert (again.code, again.out) == (0, "")
    assert "Nothing to do" in again.err


def test_losers_are_archived_last(world: World) -> None:
    world.edit("serve: base-config", "serve: model-variant-2")
    world.edit("          rollout: {base-config: 50, model-variant-2: rest}\n", "")
    world.edit("          bucketBy: key\n", "")
    world.edit("          contextKind: user\n", "")
    world.edit("        fallthrough:\n", "        fallthrough: model-variant-2\n")
    # The winner holds the prompt, so that nothing extends the loser.
    world.edit("extends: base-config", "extends: template")
    world.edit("      base-config:\n", "      template:\n")
    world.edit(
        "    targeting:\n", "      base-config: {extends: template, name: Base}\n    targeting:\n"
    )
    run(world)
    shipped = world.run(
        *("experiment", "ship", KEY, "--winner", "model-variant-2", "--reason", "cheaper"),
        "--archive-losers",
    )
    assert shipped.code == 0, shipped.both
    assert "base-config is archived" in shipped.err
    world.commit("Ship it")
    applied = world.run("apply", "--yes")
    done = [line.split()[1] for line in applied.out.splitlines() if line.startswith("  ok ")]
    assert done == ["stop", "update", "archive"], applied.both
    assert world.run("plan", "--detailed-exitcode").code == 0


def test_an_experiment_on_an_inherited_rule(world: World) -> None:
    text_of_rule = EXPERIMENT.replace(
        "    hypothesis", "    rule: {description: Premium users}\n    hypothesis"
    )
    declare(world, text_of_rule)
    words = ("--winner", "model-variant-2", "--reason", "cheaper")
    shipped = world.run("experiment", "ship", f"experiments/{KEY}", *words)
    assert shipped.code == 0, shipped.both
    world.commit("Ship it")
    applied = world.run("apply", "--yes")
    assert applied.code == 0, applied.both
    assert fallthrough(world) == "base-config"
    given = ("--context", '{"kind": "user", "key": "u1", "subscription_status": "premium"}')
    for environment, variation in (("production", "model-variant-2"), ("test", "base-config")):
        where = ("--environment", environment, "--from", "local")
        got = world.run("evaluate", "pet-store-agent", *where, *given)
        assert f"{variation}" in got.out, got.both
    assert world.run("plan", "--detailed-exitcode").code == 0


def test_too_early_is_refused_with_the_reasons_and_writes_nothing(world: World) -> None:
    run(world)
    expose(world, SAME, users=120)
    before = text(world, "experiments.yaml"), text(world, TARGETING)
    refused = world.run("experiment", "ship", KEY)
    assert refused.code == 3
    assert "is not to be shipped: it should keep running" in refused.err
    assert "--winner VARIATION --reason TEXT" in refused.err
    assert (text(world, "experiments.yaml"), text(world, TARGETING)) == before


def test_a_person_overrules_with_a_reason(world: World) -> None:
    run(world)
    assert world.run("experiment", "ship", KEY, "--winner", "base-config").code == 64
    shipped = world.run(
        "experiment", "ship", KEY, "--winner", "base-config", "--reason", "no\n budget"
    )
    assert shipped.code == 0, shipped.both
    assert "reason: no budget" in text(world, "experiments.yaml")
    assert "wrote experiments.yaml\n" in shipped.out
    assert TARGETING not in shipped.out.split("Plan for")[0]  # control is served already


def test_no_winner_at_the_end_goes_on_with_what_was_declared(world: World) -> None:
    declare(world, EXPERIMENT.replace("28,", "0.000001, inconclusive: model-variant-2,"))
    expose(world, SAME)
    shipped = world.run("experiment", "ship", KEY)
    assert shipped.code == 0, shipped.both
    assert "winner: model-variant-2" in text(world, "experiments.yaml")


def test_without_an_account_it_says_how_to_see_the_plan(world: World) -> None:
    run(world)
    words = ("experiment", "ship", KEY, "--winner", "base-config", "--reason", "x")
    shipped = world.command(*words)
    assert shipped.code == 0
    assert "to see the plan it leads to" in shipped.err


@pytest.mark.parametrize("source", [(), ("--aggregates", "nowhere.yaml")])
def test_without_figures_nothing_is_decided(world: World, source: tuple[str, ...]) -> None:
    run(world)
    found = world.command("experiment", "ship", KEY, *source)
    assert found.code in (1, 64)
    assert "status: running" in text(world, "experiments.yaml")


def test_unknown_experiment_names_those_there_are(world: World) -> None:
    run(world)
    found = world.run("experiment", "ship", "nope")
    assert found.code == 64
    assert KEY in found.err


def decided(verdict: Verdict, winner: str | None) -> Decision:
    return Decision(verdict, winner, ("because", "of this"), warnings=(Caution(Code.SRM, "x"),))


def test_reasons_of_the_decision_become_that_of_the_file() -> None:
    found = ending_of("x", ShipWish(), decided(Verdict.SHIP_TREATMENT, "one"))
    assert (found.winner, found.reason) == ("one", "because; of this")
    told = ending_of("x", ShipWish(reason="mine"), decided(Verdict.STOP_INCONCLUSIVE, "two"))
    assert (told.winner, told.reason) == ("two", "mine")


@pytest.mark.parametrize(
    "verdict", [Verdict.KEEP_RUNNING, Verdict.BLOCKED_BY_GUARDRAIL, Verdict.INVALID]
)
def test_other_verdicts_are_refused_unless_a_person_says_so(verdict: Verdict) -> None:
    with pytest.raises(RefusedError, match="because"):
        ending_of("x", ShipWish(), decided(verdict, "one"))
    with pytest.raises(UsageError, match="needs --reason"):
        ending_of("x", ShipWish("one", " "), None)
    assert ending_of("x", ShipWish("two", "said"), decided(verdict, "one")).winner == "two"
