"""Experiments between files and LaunchDarkly: import, pull and fmt, on the local LaunchDarkly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ldconf.api.live import read_live
from ldconf.core.live import Live
from ldconf.documents.dump import DumpOptions, dump
from ldconf.documents.format import format_text
from ldconf.documents.load import load
from ldconf.documents.overlay import Overlay
from ldconf.documents.pull import pull_from
from ldconf.kinds.experiment import Experiment
from ldconf.planning.planner import plan
from tests.kinds.experiment_world import ADDRESS, PROJECT, ExperimentWorld
from tests.properties.worlds import Texts, loaded

pytestmark = pytest.mark.anyio
SETTINGS = f"project: {PROJECT}\nenvironments: [test, production]\n"
DESIGN = """\
# What we want to know.
experiments:
  e:
    name: Which model
    environment: production
    aiConfig: bot
    rule: {description: VIP}
    hypothesis: B is better # we hope
    methodology: bayesian
    analysisConfig: {bayesianThreshold: 90}
    metrics: [solved, {key: group, isGroup: true}]
    primary: solved
    allocation: {a: 40, b: 12.500}
    control: a
    remainder: c
    status: draft
    decision: {looks: 2, guardrails: {group: {}}}
"""
BOT = """\
metrics: {solved: {}, slow: {}}
metricGroups: {group: {}}
aiConfigs:
  bot:
    variations: {a: {}, b: {}, c: {}}
    targeting:
      production:
        rules: [{description: VIP, clauses: [{attribute: plan, op: in, values: [vip]}], serve: a}]
"""
FILES = {"ldconf.yaml": SETTINGS, "bot.yaml": BOT, "e.yaml": DESIGN}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def live_of(world: ExperimentWorld) -> Live:
    async with world.client() as client:
        return await read_live(client, PROJECT)


async def world_in(status: str) -> ExperimentWorld:
    """Return an account whose experiment is a draft, runs, or is over."""
    world = await ExperimentWorld.new()
    await world.create(status="draft" if status == "draft" else "running")
    if status == "stopped":
        await world.step("stop", status="stopped", winner="b", reason="Better\nby far")
    return world


@pytest.mark.parametrize("status", ["draft", "running", "stopped"])
async def test_plan_after_an_import_is_empty(status: str) -> None:
    live = await live_of(await world_in(status))
    dumped = dump(live, DumpOptions(environments=("test", "production")))

    workspace = loaded(dumped.files)
    written = workspace.resources[ADDRESS]
    assert isinstance(written, Experiment)
    assert written.status == status
    assert written.decision is None
    assert "decision" not in dumped.files["experiments.yaml"]
    assert [one.summary for one in dumped.diagnostics] == []
    found = plan(workspace, live, None)
    assert found.is_empty, found.changes


async def test_imported_document_is_what_a_person_writes() -> None:
    live = await live_of(await world_in("stopped"))
    text = dump(live, DumpOptions(environments=("test", "production"))).files["experiments.yaml"]

    member = live.observed[ADDRESS].resource.managed()["maintainerId"]
    assert (
        text
        == f"""\
experiments:
  e:
    name: Which model
    maintainerId: {member}
    environment: production
    aiConfig: bot
    rule: {{description: VIP}}
    hypothesis: B is better
    randomizationUnit: user
    methodology: bayesian
    dataSource: launchdarkly
    analysisConfig: {{bayesianThreshold: 90}}
    metrics:
      - solved
      - {{key: group, isGroup: true}}
    primary: solved
    canReshuffleTraffic: true
    allocation: {{a: 40, b: 12.5}}
    control: a
    remainder: c
    status: stopped
    iteration: 1
    winner: b
    reason: |-
      Better
      by far
"""
    )
    assert format_text(text, "a.yaml") == text


async def test_import_of_an_experiment_alone_takes_along_what_it_is_about() -> None:
    live = await live_of(await world_in("running"))
    dumped = dump(live, DumpOptions(only=("experiments/e",), environments=("test", "production")))

    workspace = loaded(dumped.files)
    assert {str(address) for address in workspace.resources} == {
        "experiments/e",
        "aiConfigs/bot",
        *(f"aiConfigs/bot/variations/{key}" for key in "abc"),
        "aiConfigs/bot/targeting/production",
    }
    external = workspace.settings.external.keys
    assert external["metrics"] == {"solved"}
    assert external["metricGroups"] == {"group"}
    assert plan(workspace, live, None).is_empty


async def test_experiments_of_environments_that_are_not_written_stay_out() -> None:
    live = await live_of(await world_in("draft"))
    files = dump(live, DumpOptions(environments=("test",))).files
    assert "experiments.yaml" not in files


async def test_archived_experiments_stay_out() -> None:
    live = await live_of(await world_in("draft"))
    gone = replace(live.observed[ADDRESS], meta={"archived": True})
    found = replace(live, observed={**live.observed, ADDRESS: gone})
    assert "experiments.yaml" not in dump(found, DumpOptions()).files


async def test_what_files_cannot_hold_is_said() -> None:
    live = await live_of(await world_in("draft"))
    observed = live.observed[ADDRESS]
    other = replace(observed, meta={**observed.meta, "unsupported": "a multi-armed bandit"})
    dumped = dump(replace(live, observed={**live.observed, ADDRESS: other}), DumpOptions())

    assert "experiments/e: a multi-armed bandit" in dumped.files["experiments.yaml"]
    assert [one.summary for one in dumped.diagnostics] == [
        "experiments/e is not imported: a multi-armed bandit"
    ]


def pulled(live: Live, text: str = DESIGN) -> str:
    """Return the document of the experiment after a pull of all that differs."""
    files = {**FILES, "e.yaml": text}
    written = pull_from(Texts(files), loaded(files), live, [ADDRESS])
    assert set(written) <= {"e.yaml"}
    found = load(Overlay(Texts(files), written))
    assert [one.summary for one in found.diagnostics if one.is_error] == []
    return written.get("e.yaml", text)


async def test_pull_of_nothing_changes_nothing() -> None:
    assert pulled(await live_of(await world_in("draft"))) == DESIGN


async def test_pull_takes_over_fields_and_leaves_the_rest_as_written() -> None:
    world = await world_in("draft")
    live = await world.read()
    assert live is not None
    await world.update(
        live,
        hypothesis="A is better",
        metrics=[{"key": "group", "isGroup": True}, "slow", "solved"],
        allocation={"a": 40, "b": 20},
        analysisConfig={"bayesianThreshold": 95},
    )
    found = pulled(await live_of(world))

    assert found == (
        DESIGN.replace("hypothesis: B is", "hypothesis: A is")
        .replace(
            "[solved, {key: group, isGroup: true}]", "[solved, {key: group, isGroup: true}, slow]"
        )
        .replace("{a: 40, b: 12.500}", "{a: 40, b: 20}")
        .replace("Threshold: 90", "Threshold: 95")
    )


async def test_arms_keep_their_order_and_the_rest_stays_the_rest() -> None:
    world = await world_in("draft")
    live = await world.read()
    assert live is not None
    await world.update(live, allocation={"a": 30, "b": 70})
    written = DESIGN.replace("{a: 40, b: 12.500}", "{b: rest, a: 40}")

    assert "allocation: {b: rest, a: 30}" in pulled(await live_of(world), written)


async def test_pull_takes_over_the_whole_of_where_it_stands() -> None:
    stopped = pulled(await live_of(await world_in("stopped")))
    assert "status: stopped" in stopped
    assert "winner: b" in stopped
    assert "iteration: 1" in stopped
    assert "decision: {looks: 2, guardrails: {group: {}}}" in stopped

    world = await world_in("stopped")
    await world.step("start", status="running", iteration=2)
    again = pulled(await live_of(world), stopped)
    experiment = loaded({**FILES, "e.yaml": again}).resources[ADDRESS].managed()
    assert (experiment["status"], experiment["iteration"]) == ("running", 2)
    assert (experiment["winner"], experiment["reason"]) == (None, None)


def test_fmt_puts_fields_in_order_and_keeps_comments() -> None:
    lines = DESIGN.splitlines(keepends=True)
    mixed = "".join([*lines[:3], *reversed(lines[3:])])
    assert format_text(mixed, "a.yaml") == DESIGN
