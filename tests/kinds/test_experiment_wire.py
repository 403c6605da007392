"""The kind `experiments` on the wire: every step of a life, held against the official models and
brought about on the local LaunchDarkly."""

from __future__ import annotations

import pytest

from ldconf.api.reader import LiveReader
from ldconf.core.address import Address
from ldconf.core.change import Create, Delete, Phase, Restore, Transition
from ldconf.core.errors import ApiError, LdconfError
from ldconf.core.resource import Json, Observed
from ldconf.kinds.experiment import EXPERIMENT
from ldconf.kinds.experiment_fields import decimal, differences, operation
from tests.kinds.experiment_world import ADDRESS, ExperimentWorld, experiment
from tests.kinds.official import accepts

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def left(live: Observed, **fields: Json) -> dict[str, Json]:
    """Return what is not as the file wants it, lifecycle included."""
    wanted, actual = experiment(**fields).managed(), live.resource.managed()
    stands = {name: wanted[name] for name in ("status", "iteration") if name in wanted}
    moved = {name: value for name, value in stands.items() if actual[name] != value}
    return differences(actual, wanted) | moved


def locked_fields(live: Observed, wanted: dict[str, Json]) -> tuple[str, ...]:
    """Return the fields of `wanted` that LaunchDarkly does not let change now."""
    actual = live.resource.managed()
    changed = differences(actual, wanted).items()
    return tuple(n for n, value in changed if operation(live, n, actual.get(n), value) is None)


def kinds(world: ExperimentWorld) -> list[str]:
    """Return what was sent, in short."""
    found = []
    for request in world.sent:
        assert accepts(request)
        found += [one["kind"] for one in request.body.get("instructions") or ()] or ["POST"]
    return found


async def test_draft_is_made_whole_and_reads_back_as_written() -> None:
    world = await ExperimentWorld.new()
    live = await world.create()

    assert kinds(world) == ["POST"]
    assert left(live) == {}
    assert "unsupported" not in live.meta
    body = world.sent[0].body
    assert body["methodology"] == "bayesian"
    assert body["analysisConfig"] == {"bayesianThreshold": "90"}
    treatments = body["iteration"]["treatments"]
    assert [(one["name"], one["allocationPercent"], one["baseline"]) for one in treatments] == [
        ("Variation a", "40", True),
        ("Variation b", "12.5", False),
    ]
    (flag,) = body["iteration"]["flags"].values()
    assert flag["ruleId"] == live.meta["rule_id"] != "fallthrough"


async def test_running_is_a_draft_first_that_is_started_once_it_reads_back() -> None:
    world = await ExperimentWorld.new()
    live = await world.create(status="running")

    assert kinds(world) == ["POST", "startIteration"]
    assert left(live, status="running") == {}
    assert live.meta["iterations"][0]["number"] == 1
    assert set(live.meta["treatment_ids"]) == {"a", "b"}


async def test_every_field_of_a_draft_can_be_edited() -> None:
    world = await ExperimentWorld.new()
    live = await world.create()
    edits: dict[str, Json] = {
        "name": "Other",
        "description": "About models",
        "tags": ["q3"],
        "rule": "fallthrough",
        "hypothesis": "A is better",
        "methodology": "frequentist",
        "analysisConfig": {"significanceThreshold": "0.05", "sequentialTestingEnabled": True},
        "metrics": ["slow"],
        "primary": "slow",
        "attributes": ["country"],
        "canReshuffleTraffic": False,
        "allocation": {"b": 50, "c": 50},
        "control": "c",
        "remainder": "b",
    }
    live = await world.update(live, **edits)

    assert kinds(world)[1:] == ["updateExperimentFields"]
    assert left(live, **edits) == {}


async def test_cleared_texts_and_sets_are_empty() -> None:
    world = await ExperimentWorld.new()
    live = await world.create(description="x", tags=["a"], attributes=["country"])
    wanted = {"description": "", "tags": [], "attributes": []}
    live = await world.update(live, **wanted)

    assert left(live, **wanted) == {}


async def test_analysis_settings_that_nobody_wrote_are_no_difference() -> None:
    world = await ExperimentWorld.new()
    live = await world.create(analysisConfig=None)

    assert live.resource.managed()["analysisConfig"] == {"bayesianThreshold": 95}
    assert left(live, analysisConfig=None) == {}
    assert differences(live.resource.managed(), {"analysisConfig": None}) == {}


async def test_start_edits_a_draft_first_if_it_is_another() -> None:
    world = await ExperimentWorld.new()
    await world.create()
    live = await world.step("start", status="running", allocation={"a": 50, "b": 50})

    assert kinds(world)[1:] == ["updateExperimentFields", "startIteration"]
    assert left(live, status="running", allocation={"a": 50, "b": 50}) == {}


async def test_stop_names_winner_and_reason() -> None:
    world = await ExperimentWorld.new()
    await world.create(status="running")
    live = await world.step("stop", status="stopped", winner="b", reason="Better by 3 %")

    assert kinds(world)[2:] == ["stopIteration"]
    found = live.resource.managed()
    assert (found["status"], found["iteration"]) == ("stopped", 1)
    assert (found["winner"], found["reason"]) == ("b", "Better by 3 %")


async def test_restart_is_one_call_with_the_edits() -> None:
    world = await ExperimentWorld.new()
    await world.create(status="running")
    wanted = {"status": "running", "iteration": 2, "allocation": {"a": 20, "b": 30}}
    live = await world.step("restart", **wanted)

    assert kinds(world)[2:] == ["saveAndStartNewIteration"]
    assert set(world.sent[-1].body["instructions"][0]["value"]) == {"treatments"}
    assert left(live, **wanted) == {}
    assert [one["status"] for one in live.meta["iterations"]] == ["stopped", "running"]


async def test_restart_without_edits_sends_no_values() -> None:
    world = await ExperimentWorld.new()
    await world.create(status="running")
    live = await world.step("restart", status="running", iteration=2)

    assert "value" not in world.sent[-1].body["instructions"][0]
    assert live.resource.managed()["iteration"] == 2


async def test_after_a_stop_comes_a_draft_and_a_start() -> None:
    world = await ExperimentWorld.new()
    await world.create(status="running")
    await world.step("stop", status="stopped", winner="a", reason="x")
    wanted = {"status": "running", "iteration": 2, "methodology": "frequentist"}
    wanted |= {"analysisConfig": None, "allocation": {"a": 50, "c": 50}}
    live = await world.step("start", **wanted)

    # An IterationInput has no methodology: it belongs to the experiment.
    assert kinds(world)[3:] == ["POST", "updateExperimentFields", "startIteration"]
    assert world.sent[3].path.endswith("/experiments/e/iterations")
    assert left(live, **wanted) == {}


async def test_what_is_there_already_sends_nothing() -> None:
    world = await ExperimentWorld.new()
    await world.create(status="running")
    world.sent.clear()
    for verb in ("start", "restart"):
        await world.step(verb, status="running")
    assert world.sent == []


@pytest.mark.parametrize(("status", "iteration"), [("draft", 1), ("running", 3), ("stopped", 2)])
async def test_no_step_leads_anywhere_else(status: str, iteration: int) -> None:
    world = await ExperimentWorld.new()
    await world.create(status="running")
    with pytest.raises(LdconfError, match=rf"no way to {status} {iteration}"):
        await world.step("x", status=status, iteration=iteration, winner="a", reason="r")


async def test_running_experiment_takes_only_what_launchdarkly_lets_change() -> None:
    world = await ExperimentWorld.new()
    live = await world.create(status="running", metrics=["solved"], attributes=["country"])
    free = {"name": "New", "metrics": ["solved", "slow"], "attributes": ["country", "plan"]}

    assert locked_fields(live, experiment(**free).managed()) == ()
    live = await world.update(live, **free)
    assert left(live, status="running", **free) == {}
    added = world.sent[-1].body["instructions"][0]["value"]["metrics"]
    assert added == {"operation": "add", "value": [{"key": "slow", "isGroup": False}]}

    locked = experiment(**{**free, "metrics": ["solved"], "hypothesis": "Z", "control": "b"})
    assert locked_fields(live, locked.managed()) == ("hypothesis", "metrics", "control")
    with pytest.raises(LdconfError, match=r"does not let `hypothesis` change while .* running"):
        await world.update(live, **{**free, "hypothesis": "Z"})


async def test_without_a_table_of_mutable_fields_only_words_change_while_running() -> None:
    world = await ExperimentWorld.new()
    live = await world.create(status="running", metrics=["solved"])
    told = {name: value for name, value in live.meta.items() if name != "mutable"}
    silent = Observed(live.resource, meta=told)

    assert locked_fields(silent, experiment(metrics=["solved"], name="New").managed()) == ()
    other = experiment(metrics=["slow"], primary="slow").managed()
    assert locked_fields(silent, other) == ("metrics", "primary")


async def test_archive_is_what_a_delete_does() -> None:
    world = await ExperimentWorld.new()
    live = await world.create()
    live = await world.bring(Delete(ADDRESS, live.resource))

    assert kinds(world)[1:] == ["archiveExperiment"]
    assert live.meta["archived"] is True
    assert (await world.bring(Delete(ADDRESS, live.resource))).meta["archived"] is True
    assert len(world.sent) == 2
    with pytest.raises(LdconfError, match="archived"):
        await world.create()


async def test_running_experiment_is_not_archived() -> None:
    world = await ExperimentWorld.new()
    live = await world.create(status="running")
    with pytest.raises(LdconfError, match="running"):
        await world.bring(Delete(ADDRESS, live.resource))


async def test_rule_that_targeting_lacks_is_named() -> None:
    world = await ExperimentWorld.new()
    with pytest.raises(LdconfError, match="no rule 'Gold'") as caught:
        await world.create(rule={"description": "Gold"})
    assert caught.value.hint == "rules it has: VIP"


async def test_there_is_nothing_to_archive_or_restore_like_a_variation() -> None:
    world = await ExperimentWorld.new()
    with pytest.raises(TypeError):
        await world.bring(Restore(ADDRESS, experiment()))


def refused(status: int, message: str) -> str | None:
    assert EXPERIMENT.advice is not None
    change = Create(ADDRESS, experiment(), Phase.EXPERIMENTS)
    return EXPERIMENT.advice(change, ApiError("x", status=status, message=message))


def test_refusal_of_the_ai_config_says_how_to_go_on_in_the_user_interface() -> None:
    assert "user interface" in (refused(400, "flag bot is not supported") or "")
    assert "user interface" in (refused(404, "Unknown bot") or "")
    assert refused(400, "name must not be empty") is None
    assert refused(403, "flag bot") is None
    assert EXPERIMENT.advice is not None
    start = Transition(ADDRESS, "start", experiment())
    assert EXPERIMENT.advice(start, ApiError("x", status=400, message="flag bot")) is None


def test_decimals_are_written_plainly() -> None:
    assert [decimal(value) for value in (50, 12.5, 33.333, 100, 0)] == [
        *("50", "12.5", "33.333", "100", "0")
    ]


async def test_experiment_of_somebody_else_does_not_disturb_the_read() -> None:
    world = await ExperimentWorld.new()
    await world.create()
    async with world.client() as client:
        reader = LiveReader(client, "shop")
        assert await EXPERIMENT.read(reader, Address.of("experiments", "other")) is None
