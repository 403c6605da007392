"""Experiments: life of an iteration, what targeting serves, history, audit log."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from ldconf.emulator.experiments.rollout import kept_in_place
from ldconf.emulator.faults import ConnectionDropped, Drop
from ldconf.emulator.store import Store
from tests.emulator.lab import EXPERIMENTS, START, Lab, edits
from tests.emulator.ld import Ld

pytestmark = pytest.mark.anyio
RESTART = {"kind": "saveAndStartNewIteration", "changeJustification": "another split"}


@pytest.fixture
async def lab(ld: Ld) -> Lab:
    return await Lab.make(ld)


async def test_a_new_experiment_is_a_draft_and_serves_nothing(lab: Lab) -> None:
    made = await lab.create(tags=["b", "a", "b"], description="Which is better?")
    assert made["tags"] == ["a", "b"]
    assert not {"currentIteration", "draftIteration", "analysisConfig"} & set(made)
    found = await lab.read()
    assert (found["methodology"], found["dataSource"]) == ("frequentist", "launchdarkly")
    assert (found["type"], found["environmentKey"]) == ("experiment", "test")
    draft = found["draftIteration"]
    assert (draft["status"], draft["version"]) == ("not_started", 1)
    assert not {"startedAt", "endedAt", "_seed", "primarySingleMetricKey"} & set(draft)
    assert (draft["randomizationUnit"], draft["canReshuffleTraffic"]) == ("user", True)
    assert [arm["_id"] for arm in draft["treatments"]] == [lab.slots["one"], lab.slots["two"]]
    flag = draft["flags"]["bot"]
    assert flag["notInExperimentVariationId"] == lab.slots["one"]
    assert (flag["targetingRule"], flag["flagConfigVersion"]) == ("fallthrough", 1)
    assert await lab.served() == "disabled"
    listed = await lab.ld.get(f"{EXPERIMENTS}?filter=status:not_started")
    assert listed["total_count"] == 1


async def test_start_serves_the_arms_and_the_untracked_rest(lab: Lab) -> None:
    await lab.draft(
        treatments=lab.arms(one="12.5", two="30.125", three="20"),
        flags={
            "bot": {
                "ruleId": "fallthrough",
                "flagConfigVersion": await lab.version(),
                "notInExperimentVariationId": lab.slots["three"],
            }
        },
    )
    before = await lab.version()
    started = await lab.patch(START)
    assert started["currentIteration"]["startedAt"]
    assert await lab.version() == before + 1
    assert await lab.served() == [
        ("one", 12_500, True),
        ("two", 30_125, True),
        ("three", 20_000, True),
        ("three", 37_375, False),
    ]
    block = (await lab.ld.targeting())["environments"]["test"]
    allocation = block["fallthrough"]["rollout"]["experimentAllocation"]
    assert allocation == {"type": "percentage", "canReshuffle": True, "defaultVariation": 3}


async def test_start_on_a_rule_leaves_the_rest_of_targeting(lab: Lab) -> None:
    clause = {"attribute": "plan", "op": "in", "values": ["gold"]}
    add = {"kind": "addRule", "variationId": lab.slots["three"], "clauses": [clause]}
    (rule,) = (await lab.ld.target(add))["rules"]
    named = {"kind": "updateRuleDescription", "ruleId": rule["_id"], "description": "Gold"}
    await lab.ld.target(named)
    await lab.draft(rule=rule["_id"])
    flag = (await lab.read())["draftIteration"]["flags"]["bot"]
    assert (flag["targetingRule"], flag["targetingRuleDescription"]) == (rule["_id"], "Gold")
    assert flag["targetingRuleClauses"][0]["values"] == ["gold"]
    await lab.patch(START)
    assert await lab.served(0) == [("one", 50_000, True), ("two", 50_000, True)]
    assert await lab.served() == "disabled"
    await lab.stop("two")
    assert await lab.served(0) == "two"
    (after,) = (await lab.ld.targeting())["environments"]["test"]["rules"]
    assert (after["_id"], after["description"]) == (rule["_id"], "Gold")
    assert after["clauses"][0]["values"] == ["gold"]


async def test_stop_serves_the_winner_and_not_what_was_there_before(lab: Lab) -> None:
    await lab.ld.serve("three")
    await lab.create()
    await lab.patch(START)
    stopped = (await lab.stop("two"))["currentIteration"]
    assert (stopped["status"], stopped["winningReason"]) == ("stopped", "enough seen")
    assert stopped["winningTreatmentId"] == lab.slots["two"]
    assert stopped["endedAt"] > stopped["startedAt"]
    assert await lab.served() == "two"


async def test_stop_may_leave_the_split(lab: Lab) -> None:
    lab.ld.faults.stopped_serves = "split"
    await lab.draft(treatments=lab.arms(one="30", two="30"))
    await lab.patch(START)
    await lab.stop()
    block = (await lab.ld.targeting())["environments"]["test"]
    assert "experimentAllocation" not in block["fallthrough"]["rollout"]
    assert await lab.served() == [("one", 70_000, True), ("two", 30_000, True)]


async def test_iterations_become_history(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START)
    await lab.patch({**RESTART, "value": edits(treatments=lab.arms(one="20", two="80"))})
    await lab.stop("two")
    body = await lab.iteration(hypothesis="Once more", treatments=lab.arms(two="10", one="10"))
    made = await lab.ld.post(f"{EXPERIMENTS}/duel/iterations", body, 200)
    assert (made["status"], made["hypothesis"]) == ("not_started", "Once more")
    between = await lab.read()
    assert between["currentIteration"]["status"] == "stopped"
    assert between["draftIteration"]["_id"] == made["_id"]
    await lab.patch(START)
    found = await lab.read()
    assert "draftIteration" not in found
    assert found["currentIteration"]["_id"] == made["_id"]
    first, second = found["previousIterations"]
    assert [one["status"] for one in (first, second)] == ["stopped", "stopped"]
    assert "winningTreatmentId" not in first
    assert first["endedAt"] == second["startedAt"]
    assert second["winningTreatmentId"] == lab.slots["two"]
    shares = [[arm["allocationPercent"] for arm in one["treatments"]] for one in (first, second)]
    assert shares == [["50", "50"], ["20", "80"]]


async def test_start_beside_a_running_iteration_needs_a_reason(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START)
    body = await lab.iteration(treatments=lab.arms(one="10", three="10"))
    await lab.ld.post(f"{EXPERIMENTS}/duel/iterations", body, 200)
    answer = await lab.patch(START, status=400)
    assert answer["message"] == "changeJustification is required: an iteration is running"
    answer = await lab.patch(RESTART, status=400)
    assert "there is a draft iteration already" in answer["message"]
    await lab.patch({**START, "changeJustification": "three is ready"})
    assert [arm[0] for arm in await lab.served()] == ["one", "three", "one"]


async def test_new_iterations_shuffle_unless_told_otherwise(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START)
    first = await lab.seed()
    await lab.patch({**RESTART, "value": edits(canReshuffleTraffic=False)})
    assert await lab.seed() == first
    await lab.patch({**RESTART, "value": edits(canReshuffleTraffic=True)})
    assert (second := await lab.seed()) != first
    await lab.patch({**RESTART, "value": edits(canReshuffleTraffic=False)})
    assert await lab.seed() == second
    await lab.stop()
    body = await lab.iteration(canReshuffleTraffic=False)
    await lab.ld.post(f"{EXPERIMENTS}/duel/iterations", body, 200)
    await lab.patch(START)
    assert await lab.seed() != second  # after a stop everybody is shuffled anew


async def test_a_larger_audience_moves_nobody_if_told_so(lab: Lab) -> None:
    await lab.draft(canReshuffleTraffic=False, treatments=lab.arms(one="20", two="20"))
    await lab.patch(START)
    await lab.patch({**RESTART, "value": edits(treatments=lab.arms(one="45", two="45"))})
    assert await lab.served() == [
        ("one", 20_000, True),
        ("two", 20_000, True),
        ("one", 25_000, True),
        ("two", 25_000, True),
        ("one", 10_000, False),
    ]


def owner(arms: Any, bucket: int) -> tuple[str, bool]:
    ends = itertools.accumulate(arm["weight"] for arm in arms)
    arm = next(arm for arm, end in zip(arms, ends, strict=True) if bucket < end)
    return arm["variation"], bool(arm.get("_untracked"))


def total(arms: Any, variation: str) -> int:
    return sum(a["weight"] for a in arms if a["variation"] == variation and "_untracked" not in a)


def test_arms_that_grow_keep_everybody() -> None:
    chance = random.Random(3)
    for _ in range(200):
        cuts = [sorted(chance.sample(range(100_001), 3)) for _ in range(2)]
        before, after = (
            [
                {"variation": "a", "weight": x},
                {"variation": "b", "weight": y - x},
                {"variation": "c", "weight": z - y},
                {"variation": "a", "weight": 100_000 - z, "_untracked": True},
            ]
            for x, y, z in cuts
        )
        found = kept_in_place(before, after)
        assert sum(arm["weight"] for arm in found) == 100_000
        for variation in "abc":
            assert total(found, variation) == total(after, variation)
            if total(after, variation) >= total(before, variation):
                inside = [
                    b for b in range(0, 100_000, 997) if owner(before, b) == (variation, False)
                ]
                assert all(owner(found, bucket) == (variation, False) for bucket in inside)


async def test_archive_and_restore(lab: Lab) -> None:
    await lab.create()
    archived = await lab.patch({"kind": "archiveExperiment"})
    assert archived["archivedDate"]
    again = await lab.patch({"kind": "archiveExperiment"})
    assert again["archivedDate"] == archived["archivedDate"]
    assert (await lab.ld.get(EXPERIMENTS))["total_count"] == 0
    assert (await lab.ld.get(f"{EXPERIMENTS}?lifecycleState=archived"))["total_count"] == 1
    answer = await lab.patch(START, status=400)
    assert answer["message"] == "the experiment is archived: restore it to start an iteration"
    assert "archivedDate" not in await lab.patch({"kind": "restoreExperiment"})
    await lab.patch(START)
    answer = await lab.patch({"kind": "archiveExperiment"}, status=400)
    assert "stop it before archiving" in answer["message"]


async def test_a_patch_is_all_or_nothing(lab: Lab) -> None:
    await lab.create()
    before, version = await lab.read(), await lab.version()
    bad = {"kind": "updateName", "value": ""}
    await lab.patch({"kind": "updateName", "value": "Renamed"}, START, bad, status=400)
    assert await lab.read() == before
    assert (await lab.version(), await lab.served()) == (version, "disabled")


async def test_deprecated_instructions(lab: Lab) -> None:
    await lab.create()
    name = {"kind": "updateName", "value": "Renamed"}
    await lab.patch(name, {"kind": "updateDescription", "value": "About"})
    found = await lab.read()
    assert (found["name"], found["description"]) == ("Renamed", "About")


async def test_audit_log_says_who_did_what_and_why(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START, comment="ldconf abc")
    await lab.patch({**RESTART, "value": edits(hypothesis="Three")}, comment="ldconf def")
    await lab.stop()
    await lab.edit(name="Duel")  # as it is: no entry
    log = await lab.ld.get("/auditlog?limit=20&spec=proj/p:env/test:experiment/duel")
    assert [(one["titleVerb"], one["comment"]) for one in log["items"]] == [
        ("stopped an iteration of the experiment", "enough seen"),
        ("started an iteration of the experiment", "ldconf def: another split"),
        ("started an iteration of the experiment", "ldconf abc"),
        ("created the experiment", ""),
    ]
    log = await lab.ld.get("/auditlog?limit=20&spec=proj/p:env/test:aiconfig/bot")
    found = [one["comment"] for one in log["items"] if one["titleVerb"] == "updated targeting of"]
    assert found == ["enough seen", "ldconf def: another split", "ldconf abc"]


async def test_metrics_know_their_experiments(lab: Lab) -> None:
    await lab.draft(metrics=[{"key": "m"}, {"key": "g", "isGroup": True}])
    query = "/metrics/p/m?expand=experiments,experimentCount"

    async def counts() -> tuple[int, int]:
        found = await lab.ld.get(query)
        return found["experimentCount"], found["activeExperimentCount"]

    assert await counts() == (1, 1)
    answer = await lab.ld.delete("/metrics/p/m", status=409)
    assert answer["message"] == "metric m is used by experiment duel"
    await lab.patch(START)
    await lab.stop()
    assert await counts() == (1, 0)
    await lab.ld.delete("/projects/p/metric-groups/g", beta=True)
    await lab.ld.delete("/metrics/p/m")
    kept = (await lab.read())["currentIteration"]
    assert [metric["key"] for metric in kept["metrics"]] == ["m", "g"]


async def test_a_running_iteration_keeps_its_version_of_a_metric(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START)
    before = (await lab.read())["currentIteration"]["metrics"][0]
    operation = {"op": "replace", "path": "/name", "value": "New name"}
    await lab.ld.patch("/metrics/p/m", [operation])
    await lab.edit(metrics=("add", [{"key": "n"}, {"key": "m", "isGroup": True}]))
    metrics = (await lab.read())["currentIteration"]["metrics"]
    assert metrics[0] == before
    assert [metric["key"] for metric in metrics] == ["m", "n"]
    await lab.patch(RESTART)
    assert (await lab.read())["currentIteration"]["metrics"][0]["name"] == "New name"


async def test_a_funnel_can_be_primary(lab: Lab) -> None:
    group = {"key": "f", "name": "F", "kind": "funnel", "maintainerId": "x", "tags": []}
    steps = [{"key": "n", "nameInGroup": "first"}, {"key": "m", "nameInGroup": "second"}]
    await lab.ld.post("/projects/p/metric-groups", {**group, "metrics": steps}, beta=True)
    await lab.draft(
        metrics=[{"key": "f", "isGroup": True}, {"key": "m"}],
        primaryFunnelKey="f",
        primarySingleMetricKey=None,
    )
    draft = (await lab.read())["draftIteration"]
    assert [step["nameInGroup"] for step in draft["primaryFunnel"]["metrics"]] == [
        "first",
        "second",
    ]
    assert "primarySingleMetric" not in draft
    assert [metric["key"] for metric in draft["secondaryMetrics"]] == ["m"]
    await lab.edit(primarySingleMetricKey="m")
    draft = (await lab.read())["draftIteration"]
    assert draft["primarySingleMetric"]["key"] == "m"
    assert "primaryFunnel" not in draft


async def test_state_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = Ld(Store(path))
    lab = await Lab.make(first)
    await lab.draft(canReshuffleTraffic=False)
    await lab.patch(START)
    found, seed = await lab.read(), await lab.seed()
    await first.http.aclose()
    first.store.close()
    again = Lab(Ld(Store(path)), lab.slots)
    assert (await again.read(), await again.seed()) == (found, seed)
    await again.patch(RESTART)
    assert await again.seed() == seed
    await again.stop()
    assert await again.served() == "one"
    await again.ld.http.aclose()
    again.ld.store.close()


@pytest.mark.parametrize(("drop", "done"), [(Drop.BEFORE, False), (Drop.AFTER, True)])
async def test_a_start_that_is_cut_off_happened_whole_or_not(
    lab: Lab, drop: Drop, done: bool
) -> None:
    await lab.create()
    lab.ld.faults.inject(drop, method="PATCH")
    with pytest.raises(ConnectionDropped):
        await lab.patch(START)
    assert ("currentIteration" in await lab.read()) is done
    assert (await lab.served() != "disabled") is done


async def test_targeting_may_overwrite_a_running_experiment(lab: Lab) -> None:
    """As in LaunchDarkly, which does not document any protection: tools have to care."""
    await lab.create()
    await lab.patch(START)
    await lab.ld.serve("three")
    assert await lab.served() == "three"
    assert (await lab.read())["currentIteration"]["status"] == "running"
    await lab.stop("two")
    assert await lab.served() == "two"
