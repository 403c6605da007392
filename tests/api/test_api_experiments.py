"""Steps of experiments against the local LaunchDarkly: what happens in between, and in doubt."""

from __future__ import annotations

from typing import Any

import pytest
from ldlocal import Local, workspace

from ldconf.api.trials import stale_step, wrong_share
from ldconf.core.address import Address
from ldconf.core.change import Transition, step
from ldconf.core.outcome import Applied, Failed, Outcome, Skipped
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.kinds import kind_of
from ldconf.planning.planner import plan
from ldconf.render import outcomes as rendered

EXP = "experiments/exp"
PATH = "/projects/shop/environments/test/experiments/exp"
TARGETING = "/projects/shop/ai-configs/agent/targeting"
ONE = "aiConfigs/agent/variations/one"
TEST = "aiConfigs/agent/targeting/test"
DESIGN: dict[str, Json] = {
    "environment": "test",
    "aiConfig": "agent",
    "rule": {"description": "Premium"},
    "hypothesis": "one is better",
    "methodology": "bayesian",
    "analysisConfig": {"bayesianThreshold": 90},
    "metrics": ["clicks"],
    "primary": "clicks",
    "allocation": {"one": 30, "two": 30},
    "control": "two",
    "remainder": "one",
    "status": "running",
    "iteration": 1,
}
WON = {"status": "stopped", "winner": "one", "reason": "one converts better"}
EDIT: dict[str, Any] = {ONE: {"instructions": "Better"}}
_BEGUN: list[Local] = []


def files(experiment: dict[str, Json] | None = None, **changed: Any) -> Workspace:
    """Return the world as files, with the experiment."""
    edits = {name.replace("/", "__"): fields for name, fields in changed.items()}
    return workspace(**edits, **{"experiments__exp": {**DESIGN, **(experiment or {})}})


async def begun() -> Local:
    """Return a local LaunchDarkly in which the experiment runs."""
    if not _BEGUN:
        local = Local.new()
        assert bad(await local.run(files())) == []
        _BEGUN.append(local)
    return _BEGUN[0].clone()


def bad(outcomes: list[Outcome]) -> list[str]:
    return [
        f"{step(found.change).verb} {found.change.address}: {getattr(found, 'reason', '')}"
        for found in outcomes
        if not isinstance(found, Applied)
    ]


async def patch(local: Local, *instructions: Json) -> None:
    """Change the experiment as somebody else."""
    await local.send("PATCH", PATH, {"instructions": list(instructions)}, semantic=True)


async def iteration(local: Local) -> Any:
    found = await local.send("GET", f"{PATH}?expand=treatments")
    return found["currentIteration"]


async def test_plan_after_a_start_is_empty_although_the_rest_gets_another_variation() -> None:
    local = await begun()
    assert (await local.plan(files())).is_empty
    targeting = {TEST: {"fallthrough": "two"}}  # written while the experiment runs on a rule
    assert bad(await local.run(files(**targeting))) == []
    assert (await local.plan(files(**targeting))).is_empty


async def test_restart_is_one_write() -> None:
    local = await begun()
    assert bad(await local.run(files({"iteration": 2, "hypothesis": "Again"}))) == []
    assert local.writes == [("PATCH", PATH)]


async def test_start_of_a_new_experiment_is_two_writes() -> None:
    local = Local.new()
    assert bad(await local.run(workspace())) == []
    assert bad(await local.run(files())) == []
    assert [method for method, _ in local.writes] == ["POST", "PATCH"]


@pytest.mark.parametrize("stopped_serves", ["winner", "split"])
async def test_stop_is_followed_by_what_the_files_serve(stopped_serves: Any) -> None:
    local = await begun()
    local.faults.stopped_serves = stopped_serves
    rules = files().resources[Address.parse(TEST)].managed()["rules"]
    shipped = {TEST: {"rules": [{**rules[0], "serve": "one"}, rules[1]]}}
    outcomes = await local.run(files(WON, **shipped))
    assert bad(outcomes) == []
    assert len(local.writes) == (1 if stopped_serves == "winner" else 2)
    assert (await local.plan(files(WON, **shipped))).is_empty


async def test_failed_stop_leaves_everything_as_it_is() -> None:
    local = await begun()
    local.faults.inject(403, method="PATCH", path="*/experiments/exp", times=99)
    outcomes = await local.run(files({"iteration": 2}, **EDIT))
    assert [type(found) for found in outcomes] == [Failed, Skipped, Skipped, Skipped]
    assert f"builds upon {EXP}, which failed" in bad(outcomes)[1]
    assert local.writes[1:] == []
    assert (await iteration(local))["status"] == "running"


async def test_failure_after_the_stop_leaves_it_stopped_and_says_so_first() -> None:
    local = await begun()
    desired = files({"iteration": 2}, **EDIT)
    live = await local.live()
    found = plan(desired, live, None)
    local.faults.inject(403, method="PATCH", path="*/variations/one", times=99)
    outcomes = await local.apply(found, live)
    verbs = {step(one.change).verb: type(one) for one in outcomes}
    assert verbs == {"stop": Applied, "update": Failed, "draft": Skipped, "start": Skipped}
    assert (
        "is stopped at iteration 1 and not started again"
        in rendered.build(found, outcomes).stranded[0]
    )
    local.faults.injections.clear()
    assert bad(await local.run(desired)) == []
    assert (await local.plan(desired)).is_empty


async def test_step_is_not_taken_if_somebody_was_there_since_the_plan() -> None:
    local = await begun()
    live = await local.live()
    found = plan(files({"iteration": 2}), live, None)
    await patch(local, {"kind": "saveAndStartNewIteration", "changeJustification": "by hand"})
    await patch(local, {"kind": "saveAndStartNewIteration", "changeJustification": "again"})
    (outcome,) = await local.apply(found, live)
    assert isinstance(outcome, Failed)
    assert "it is `running 3` now, not `running 1`" in outcome.reason
    assert local.writes == []


async def test_somebody_who_was_faster_has_done_it() -> None:
    local = await begun()
    live = await local.live()
    found = plan(files({"iteration": 2}), live, None)
    await patch(local, {"kind": "saveAndStartNewIteration", "changeJustification": "by hand"})
    (outcome,) = await local.apply(found, live)
    assert isinstance(outcome, Applied)
    assert local.writes == []


async def test_draft_that_moved_since_the_plan_is_not_started() -> None:
    local = Local.new()
    assert bad(await local.run(files({"status": "draft"}))) == []
    live = await local.live()
    found = plan(files(), live, None)
    edit = {"hypothesis": {"operation": "update", "value": "by hand"}}
    await patch(local, {"kind": "updateExperimentFields", "value": edit})
    (outcome,) = await local.apply(found, live)
    assert isinstance(outcome, Failed)
    assert "`hypothesis` changed in LaunchDarkly since the plan" in outcome.reason


async def test_targeting_that_somebody_else_moved_after_the_stop_is_not_overwritten() -> None:
    local = await begun()
    rules = files().resources[Address.parse(TEST)].managed()["rules"]
    desired = files(WON, **{TEST: {"rules": [rules[0]], "fallthrough": "one"}})
    live = await local.live()
    found = plan(desired, live, None)
    other = {"kind": "updateFallthroughVariationOrRollout", "variationId": "?"}
    document = await local.send("GET", TARGETING)
    ids = {
        one["value"]["_ldMeta"].get("variationKey"): one["_id"] for one in document["variations"]
    }
    body = {"environmentKey": "test", "instructions": [{**other, "variationId": ids["two"]}]}
    await local.send("PATCH", TARGETING, body, semantic=True)
    outcomes = await local.apply(found, live)
    assert [type(one) for one in outcomes] == [Applied, Failed]
    assert "`fallthrough` changed in LaunchDarkly since the plan" in bad(outcomes)[0]


async def test_conflict_is_read_judged_and_tried_again() -> None:
    local = await begun()
    local.faults.optimistic_conflicts = 2
    assert bad(await local.run(files({"iteration": 2}))) == []


@pytest.mark.parametrize("flag_version", ["environment", "document"])
async def test_version_of_targeting_is_the_one_that_launchdarkly_wants(flag_version: Any) -> None:
    local = Local.new()
    assert bad(await local.run(workspace())) == []
    rules = files().resources[Address.parse(TEST)].managed()["rules"]
    assert bad(await local.run(workspace(**{TEST.replace("/", "__"): {"rules": rules[:1]}}))) == []
    local.faults.flag_version = flag_version
    desired = files(**{TEST: {"rules": rules[:1]}})
    assert bad(await local.run(desired)) == []
    assert (await local.plan(desired)).is_empty


async def test_share_that_launchdarkly_changes_is_an_error_and_nothing_starts() -> None:
    local = Local.new()
    assert bad(await local.run(workspace())) == []
    local.faults.whole_audience = True
    outcomes = await local.run(files())
    assert [type(found) for found in outcomes] == [Failed, Skipped]
    assert "did not keep `allocation`" in bad(outcomes)[0]
    found = await local.send("GET", f"{PATH}?expand=draftIteration")
    assert found["draftIteration"]["status"] == "not_started"


async def test_ai_config_that_launchdarkly_refuses_is_never_half_made() -> None:
    local = Local.new()
    assert bad(await local.run(workspace())) == []
    local.faults.experiments_on_ai_configs = False
    first, second = await local.run(files())
    assert isinstance(first, Failed)
    assert "user interface" in (first.hint or "")
    assert isinstance(second, Skipped)
    assert (await local.send("GET", "/projects/shop/experiments"))["items"] == []


async def test_variation_is_awaited_before_it_takes_part() -> None:
    local = Local.new()
    assert bad(await local.run(workspace())) == []
    local.faults.hidden_reads = 3
    new = {"name": "Three", "instructions": "Three"}
    desired = files(
        {"allocation": {"two": 30, "three": 30}}, **{"aiConfigs/agent/variations/three": new}
    )
    assert bad(await local.run(desired)) == []
    assert local.clock.waits


@pytest.mark.parametrize("fault", ["own_treatment_ids", "rescaled_thresholds"])
async def test_traps_of_the_server_make_no_difference(fault: str) -> None:
    local = Local.new()
    setattr(local.faults, fault, True)
    assert fault == "rescaled_thresholds" or bad(await local.run(files())) == []
    if fault == "own_treatment_ids":
        assert bad(await local.run(files(WON))) == []
        assert (await local.plan(files(WON))).is_empty


async def test_removed_experiment_is_archived_and_then_absent() -> None:
    local = await begun()
    assert bad(await local.run(files(WON))) == []
    removed = workspace(removed=(EXP,))
    assert bad(await local.run(removed)) == []
    assert (await local.send("GET", PATH))["archivedDate"]
    assert (await local.plan(removed)).is_empty


# pure parts


def transition(**fields: Json) -> Transition:
    after = kind_of(Address.parse(EXP)).model.model_validate({**DESIGN, **fields})
    return Transition(Address.parse(EXP), "start", after)


async def test_rollout_of_another_share_is_told() -> None:
    local = await begun()
    observed = (await local.live()).observed[Address.parse(EXP)]
    document = await local.send("GET", TARGETING)
    assert wrong_share(transition(), observed, document) is None
    words = wrong_share(transition(allocation={"one": 50, "two": 50}), observed, document)
    assert words == "60 % of the traffic take part, not 100 %"


async def test_edit_that_was_planned_on_another_state_is_stale() -> None:
    local = await begun()
    running = (await local.live()).observed[Address.parse(EXP)]
    assert bad(await local.run(files(WON))) == []
    ended = (await local.live()).observed[Address.parse(EXP)]
    found = plan(files({"name": "Other"}), await (await begun()).live(), None)
    (change,) = found.changes
    assert stale_step(change, running, running) is None
    assert stale_step(change, running, ended) == "it is `stopped 1` now, not `running 1`"
