"""What experiments refuse, with the status and the words; and the switches."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.emulator.database import Ref
from tests.emulator.lab import EVERYTHING, EXPERIMENTS, START, Lab, edits
from tests.emulator.ld import Ld

pytestmark = pytest.mark.anyio
STOP = {"kind": "stopIteration"}
RESTART = {"kind": "saveAndStartNewIteration"}


@pytest.fixture
async def lab(ld: Ld) -> Lab:
    return await Lab.make(ld)


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"key": ""}, 400, "key is required"),
        ({"key": "a b"}, 400, "key 'a b' must start with a letter or digit"),
        ({"name": None}, 400, "name is required"),
        ({"iteration": None}, 400, "iteration is required"),
        ({"iteration": []}, 400, "iteration must be an object"),
        ({"tags": "x"}, 400, "tags must be a list of strings"),
        ({"methodology": "psychic"}, 400, "one of bayesian, frequentist, export_only"),
        ({"dataSource": "csv"}, 400, "dataSource must be one of launchdarkly, snowflake"),
        ({"type": "mab"}, 501, "experiments of type 'mab'"),
        ({"type": "holdout"}, 501, "experiments of type 'holdout'"),
        ({"holdoutId": "h"}, 501, "holdoutId of experiments"),
        ({"analysisConfig": {"bayesianThreshold": 95}}, 400, "bayesianThreshold must be a string"),
        ({"analysisConfig": {"bayesianThreshold": "101"}}, 400, "a number from 0 to 100"),
        ({"analysisConfig": {"significanceThreshold": "five"}}, 400, "a number from 0 to 100"),
        (
            {"analysisConfig": {"multipleComparisonCorrectionMethod": "hope"}},
            400,
            "multipleComparisonCorrectionMethod must be one of bonferroni, benjamini-hochberg",
        ),
    ],
)
async def test_a_bad_experiment(lab: Lab, fields: Any, status: int, words: str) -> None:
    assert words in (await lab.create(status=status, **fields))["message"]
    assert (await lab.ld.get(EXPERIMENTS))["total_count"] == 0


BAD_ITERATIONS = [
    ({"hypothesis": None}, 400, "hypothesis is required"),
    ({"metrics": None}, 400, "metrics is required"),
    ({"metrics": [{"key": "none"}]}, 400, "unknown metric 'none'"),
    ({"metrics": [{"key": "m", "isGroup": True}]}, 400, "unknown metric group 'm'"),
    ({"metrics": [{"key": "m"}, {"key": "m"}]}, 400, "metric 'm' is given twice"),
    ({"metrics": [{"key": "n"}]}, 400, "primarySingleMetricKey 'm' must be one of the metrics"),
    ({"primarySingleMetricKey": None}, 400, "exactly one of primarySingleMetricKey"),
    ({"primaryFunnelKey": "g"}, 400, "exactly one of primarySingleMetricKey"),
    (
        {
            "metrics": [{"key": "g", "isGroup": True}],
            "primarySingleMetricKey": None,
            "primaryFunnelKey": "g",
        },
        400,
        "primaryFunnelKey 'g' must be one of the funnel metric groups in metrics",
    ),
    ({"randomizationUnit": "device"}, 400, "randomizationUnit 'device' is not one of the project"),
    ({"flags": {}}, 400, "flags must name a flag"),
    ({"flags": {"bot": None}}, 400, "flags.bot must be an object"),
    ({"flags": {"bot": {"flagConfigVersion": 1}}}, 400, "ruleId is required"),
    ({"flags": {"bot": {"ruleId": "fallthrough"}}}, 400, "flagConfigVersion is required"),
    (
        {"flags": {"bot": {"ruleId": "fallthrough", "flagConfigVersion": "1"}}},
        400,
        "flagConfigVersion must be an integer",
    ),
    (
        {"flags": {"bot": {"ruleId": "fallthrough", "flagConfigVersion": 7}}},
        400,
        "flagConfigVersion 7 of 'bot' is not the present version 1",
    ),
    ({"flags": {"bot": {"ruleId": "r", "flagConfigVersion": 1}}}, 400, "unknown ruleId 'r'"),
    (
        {"flags": {"other": {"ruleId": "fallthrough", "flagConfigVersion": 1}}},
        400,
        "unknown flag 'other'",
    ),
    (
        {
            "flags": {
                "bot": {
                    "ruleId": "fallthrough",
                    "flagConfigVersion": 1,
                    "notInExperimentVariationId": "v",
                }
            }
        },
        400,
        "unknown variationId 'v' of flag 'bot'",
    ),
    ({"flags": {"bot": {}, "other": {}}}, 501, "experiments on several flags"),
    ({"treatments": []}, 400, "exactly one treatment must be the baseline"),
    ({"covariateId": "c"}, 501, "covariateId of iterations"),
    ({"reallocationFrequencyMillis": 1}, 501, "reallocationFrequencyMillis of iterations"),
]


@pytest.mark.parametrize(("fields", "status", "words"), BAD_ITERATIONS)
async def test_a_bad_iteration(lab: Lab, fields: Any, status: int, words: str) -> None:
    assert words in (await lab.draft(status=status, **fields))["message"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"allocationPercent": 50}, "allocationPercent must be a string"),
        ({"allocationPercent": "half"}, "allocationPercent 'half' must be a number from 0 to 100"),
        ({"allocationPercent": "0.0001"}, "at most three decimals"),
        ({"allocationPercent": "-1"}, "must be a number from 0 to 100"),
        ({"allocationPercent": "50.001"}, "allocationPercent adds up to 100.001, more than 100"),
        ({"baseline": True}, "exactly one treatment must be the baseline"),
        ({"baseline": None}, "baseline is required"),
        ({"name": None}, "name is required"),
        ({"parameters": []}, "exactly one parameter, of flag 'bot'"),
        ({"parameters": [{"flagKey": "x", "variationId": "v"}]}, "one parameter, of flag 'bot'"),
        ({"parameters": [{"flagKey": "bot", "variationId": "v"}]}, "unknown variationId 'v'"),
    ],
)
async def test_a_bad_treatment(lab: Lab, fields: Any, words: str) -> None:
    arms = [lab.arm("one", "50"), lab.arm("two", "50", **fields)]
    assert words in (await lab.draft(status=400, treatments=arms))["message"]


async def test_treatments_need_variations_of_their_own_that_can_be_served(lab: Lab) -> None:
    arms = [lab.arm("one", "50"), lab.arm("one", "50", baseline=False)]
    answer = await lab.draft(status=400, treatments=arms)
    assert answer["message"] == "two treatments have the same variation"
    await lab.ld.patch("/projects/p/ai-configs/bot/variations/two", {"state": "archived"})
    answer = await lab.draft(status=400)
    assert answer["message"] == "variation 'two' is archived and cannot be served"


async def test_a_key_is_taken_for_ever(lab: Lab) -> None:
    await lab.create()
    await lab.patch({"kind": "archiveExperiment"})
    assert (await lab.create(status=409))["message"] == "experiment duel already exists"
    lab.ld.faults.duplicate_status = 400
    assert (await lab.create(status=400))["message"] == "experiment duel already exists"
    await lab.ld.delete(f"{EXPERIMENTS}/duel", status=405)


async def test_what_is_not_there(lab: Lab) -> None:
    await lab.patch(START, status=404)
    body = await lab.iteration()
    await lab.ld.post(f"{EXPERIMENTS}/none/iterations", body, 404)
    await lab.ld.post("/projects/p/environments/none/experiments", {}, 404)
    await lab.ld.post("/projects/none/environments/test/experiments", {}, 404)


async def test_start_conditions(lab: Lab) -> None:
    async def refused() -> str:
        return str((await lab.patch(START, status=400))["message"])

    await lab.draft(treatments=lab.arms(one="0", two="0"))
    assert await refused() == "no treatment has an allocationPercent above zero"
    await lab.edit(treatments=lab.arms(one="50", two="50"), randomizationUnit=("remove",))
    assert await refused() == "randomizationUnit is not set"
    await lab.edit(randomizationUnit="user")
    ref = Ref("p", "targeting", "bot")
    before = lab.ld.store.get(ref)
    off = {**before["environments"]["test"], "enabled": False}
    lab.ld.store.put(ref, {**before, "environments": {**before["environments"], "test": off}})
    assert await refused() == "the flag 'bot' is off in test: toggle it on first"
    lab.ld.store.put(ref, before)
    await lab.ld.patch("/projects/p/ai-configs/bot/variations/two", {"state": "archived"})
    assert await refused() == "variation 'two' is archived and cannot be served"
    await lab.ld.delete("/projects/p/ai-configs/bot")
    assert await refused() == "the flag 'bot' does not exist any more"


async def test_start_needs_its_rule(lab: Lab) -> None:
    clause = {"attribute": "plan", "op": "in", "values": ["gold"]}
    add = {"kind": "addRule", "variationId": lab.slots["one"], "clauses": [clause]}
    (rule,) = (await lab.ld.target(add))["rules"]
    await lab.draft(rule=rule["_id"])
    await lab.ld.target({"kind": "removeRule", "ruleId": rule["_id"]})
    answer = await lab.patch(START, status=400)
    assert answer["message"] == f"the rule {rule['_id']!r} does not exist any more"


async def test_one_experiment_at_a_time_on_a_rule(lab: Lab) -> None:
    await lab.create("first")
    await lab.create("second")
    await lab.patch(START, key="first")
    answer = await lab.patch(START, key="second", status=400)
    assert answer["message"] == "experiment 'first' is running on 'fallthrough' of 'bot' already"
    await lab.stop(key="first")
    await lab.patch(START, key="second")


async def test_order_of_the_life_of_an_iteration(lab: Lab) -> None:
    async def refused(instruction: Any) -> str:
        return str((await lab.patch(instruction, status=400))["message"])

    await lab.create()
    assert await refused(STOP) == "no iteration is running"
    assert "no iteration is running" in await refused(RESTART)
    answer = await lab.ld.post(f"{EXPERIMENTS}/duel/iterations", await lab.iteration(), 400)
    assert answer["message"] == "there is a draft iteration already"
    await lab.patch(START)
    assert await refused(START) == "there is no draft iteration to start"
    assert await refused(STOP) == "winningTreatmentId is required"
    winner = {"winningTreatmentId": lab.slots["one"]}
    assert await refused({**STOP, **winner}) == "winningReason is required"
    other = {"winningTreatmentId": lab.slots["three"], "winningReason": "?"}
    assert "is no treatment of the running iteration" in await refused({**STOP, **other})
    await lab.ld.delete("/projects/p/ai-configs/bot", status=400)
    await lab.stop()
    assert await refused(STOP) == "no iteration is running"
    assert await refused(START) == "there is no draft iteration to start"
    flags = {"other": {"ruleId": "fallthrough", "flagConfigVersion": 1}}
    await lab.ld.ai_config("other", "one")
    body = await lab.iteration(flags=flags)
    answer = await lab.ld.post(f"{EXPERIMENTS}/duel/iterations", body, 400)
    assert answer["message"] == "the flag of an experiment cannot be changed: it is 'bot'"


async def test_patches_that_are_none(lab: Lab) -> None:
    await lab.create()
    answer = await lab.ld.patch(f"{EXPERIMENTS}/duel", {"instructions": [START]}, 400)
    assert answer["code"] == "invalid_patch"
    assert "domain-model=launchdarkly.semanticpatch" in answer["message"]
    answer = await lab.patch({"kind": "deleteExperiment"}, status=501)
    assert "instruction 'deleteExperiment' of experiments" in answer["message"]
    for fields, words in (
        ("x", "value must map field names to updates"),
        ({"name": "x"}, "the update of name must be an object"),
        (
            {"name": {"operation": "replace"}},
            "operation of name must be one of add, update, remove",
        ),
        ({"name": {"operation": "update"}}, "value is required to update name"),
        ({"name": {"operation": "update", "value": 5}}, "name must be a string"),
        ({"tags": {"operation": "add", "value": "x"}}, "value of tags must be a list"),
        (edits(hypothesis=5), "hypothesis must be a string"),
        (edits(hypothesis=""), "hypothesis is required"),
        (edits(metrics=("remove", [{"key": "m"}])), "'m' must be one of the metrics"),
        (edits(analysisConfig="x"), "analysisConfig must be an object"),
    ):
        instruction = {"kind": "updateExperimentFields", "value": fields}
        assert words in (await lab.patch(instruction, status=400))["message"]
    await lab.patch(status=400)


async def test_fields_of_a_draft(lab: Lab) -> None:
    await lab.create()
    await lab.edit(
        name="New",
        description="About",
        maintainerId="m1",
        tags=("add", ["b", "a"]),
        methodology="bayesian",
        dataSource="snowflake",
        hypothesis="One is better",
        metrics=("add", [{"key": "n", "analysisUnit": "user"}]),
        primarySingleMetricKey="n",
        treatments=lab.arms(one="10", three="20"),
        attributes=("add", ["country", "plan"]),
        canReshuffleTraffic=False,
        unheard="of",
    )
    found = await lab.read()
    assert (found["name"], found["description"], found["_maintainerId"]) == ("New", "About", "m1")
    assert (found["methodology"], found["dataSource"]) == ("bayesian", "snowflake")
    assert found["analysisConfig"] == {"bayesianThreshold": "95"}
    assert "unheard" not in found
    draft = found["draftIteration"]
    assert (draft["version"], draft["hypothesis"]) == (2, "One is better")
    assert draft["canReshuffleTraffic"] is False
    assert draft["primarySingleMetric"]["analysisUnit"] == "user"
    assert [arm["name"] for arm in draft["treatments"]] == ["one", "three"]
    assert draft["attributes"] == ["country", "plan"]
    await lab.edit(
        description=("remove",),
        tags=("remove", ["a", "c"]),
        attributes=("remove", ["plan"]),
        metrics=("remove", [{"key": "m"}]),
        analysisConfig={"bayesianThreshold": "90"},
    )
    found = await lab.read()
    assert (found["description"], found["tags"]) == ("", ["b"])
    assert found["analysisConfig"] == {"bayesianThreshold": "90"}
    draft = found["draftIteration"]
    assert draft["attributes"] == ["country"]
    assert [metric["key"] for metric in draft["metrics"]] == ["n"]


async def test_an_edit_that_changes_nothing_changes_no_version(lab: Lab) -> None:
    await lab.create()
    before = await lab.read()
    same = {"name": "Duel", "hypothesis": "Two is better", "tags": [], "attributes": []}
    await lab.edit(**same, treatments=lab.arms(one="50", two="50"))
    assert await lab.read() == before


LOCKED = {
    "methodology": "bayesian",
    "dataSource": "snowflake",
    "analysisConfig": {"bayesianThreshold": "90"},
    "hypothesis": "Another",
    "metrics": [{"key": "m"}],
    "primarySingleMetricKey": "m",
    "primaryFunnelKey": "g",
    "treatments": [],
    "flags": {},
    "randomizationUnit": "user",
    "canReshuffleTraffic": False,
    "attributes": ["plan"],
}


@pytest.mark.parametrize("name", LOCKED)
async def test_fields_of_the_design_are_locked_while_it_runs(lab: Lab, name: str) -> None:
    await lab.create()
    await lab.patch(START)
    answer = await lab.edit(status=400, **{name: LOCKED[name]})
    assert (
        f"field {name!r} cannot be changed by 'update' while the iteration is running"
        in (answer["message"])
    )
    assert "mutableFieldsByStatus" in answer["message"]
    lab.ld.faults.locked_status = 422
    await lab.edit(status=422, **{name: LOCKED[name]})
    await lab.stop()
    assert "is stopped: not" in (await lab.edit(status=422, **{name: LOCKED[name]}))["message"]


async def test_the_table_of_fields_is_what_is_enforced(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START)
    table = (await lab.read())["mutableFieldsByStatus"]
    assert set(table["not_started"]) == {*LOCKED, "name", "description", "maintainerId", "tags"}
    for name, value in LOCKED.items():
        given = value if isinstance(value, list) else [value]
        allowed = "add" in table["running"].get(name, ())
        await lab.edit(status=200 if allowed else 400, **{name: ("add", given)})
    await lab.edit(name="New", tags=("add", ["x"]), description="D", maintainerId="y")
    found = await lab.read()
    assert (found["name"], found["tags"]) == ("New", ["x"])
    assert found["currentIteration"]["attributes"] == ["plan"]
    assert await lab.served() == [("one", 50_000, True), ("two", 50_000, True)]


@pytest.mark.parametrize("name", ["key", "environmentKey", "type", "holdoutId"])
async def test_fields_that_never_change(lab: Lab, name: str) -> None:
    await lab.create()
    answer = await lab.edit(status=400, **{name: "x"})
    assert answer["message"] == f"field {name!r} of an experiment can never be changed"


async def test_a_draft_beside_a_running_iteration_is_what_is_edited(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START)
    await lab.ld.post(f"{EXPERIMENTS}/duel/iterations", await lab.iteration(), 200)
    await lab.edit(hypothesis="Of the next one")
    found = await lab.read()
    assert found["currentIteration"]["hypothesis"] == "Two is better"
    assert found["draftIteration"]["hypothesis"] == "Of the next one"
    assert "'methodology'" in (await lab.edit(status=400, methodology="bayesian"))["message"]


async def test_a_restart_may_change_everything_but_its_subject(lab: Lab) -> None:
    await lab.create()
    await lab.patch(START)
    flags = {"bot": {"ruleId": "fallthrough", "flagConfigVersion": 1}}
    answer = await lab.patch({**RESTART, "value": edits(flags=flags)}, status=400)
    assert "is not the present version 2" in answer["message"]
    await lab.patch({**RESTART, "value": edits(methodology="bayesian", hypothesis="New")})
    found = await lab.read()
    assert (found["methodology"], found["currentIteration"]["hypothesis"]) == ("bayesian", "New")
    assert found["currentIteration"]["flags"]["bot"]["flagConfigVersion"] == 2


async def test_switch_ai_configs_refused(lab: Lab) -> None:
    lab.ld.faults.experiments_on_ai_configs = False
    assert (await lab.create(status=400))["message"] == "unknown flag 'bot'"


async def test_switch_whole_audience(lab: Lab) -> None:
    lab.ld.faults.whole_audience = True
    await lab.draft(treatments=lab.arms(one="10", two="10", three="10"))
    draft = (await lab.read())["draftIteration"]
    shares = [arm["allocationPercent"] for arm in draft["treatments"]]
    assert shares == ["33.334", "33.333", "33.333"]
    await lab.patch(START)
    assert all(tracked for _, _, tracked in await lab.served())


async def test_switch_full_audience_only(lab: Lab) -> None:
    lab.ld.faults.full_audience_only = True
    answer = await lab.draft(treatments=lab.arms(one="10", two="10.5"), status=400)
    assert answer["message"] == "allocationPercent adds up to 20.5, not to 100"
    await lab.create()


async def test_switch_rescaled_thresholds(lab: Lab) -> None:
    lab.ld.faults.rescaled_thresholds = True
    await lab.create(analysisConfig={"significanceThreshold": "5", "testDirection": "two-sided"})
    found = (await lab.read())["analysisConfig"]
    assert found == {"significanceThreshold": "0.05", "testDirection": "two-sided"}


async def test_switch_flag_version(lab: Lab) -> None:
    lab.ld.faults.flag_version = "document"
    await lab.ld.serve("one", environment="production")  # moves the document, not `test`
    version = (await lab.ld.targeting())["_version"]
    answer = await lab.create(status=400)
    assert f"is not the present version {version}" in answer["message"]
    flags = {"bot": {"ruleId": "fallthrough", "flagConfigVersion": version}}
    await lab.draft(flags=flags)


async def test_switch_own_treatment_ids(lab: Lab) -> None:
    lab.ld.faults.own_treatment_ids = True
    await lab.create()
    await lab.patch(START)
    await lab.stop(status=400)
    arms = (await lab.read())["currentIteration"]["treatments"]
    assert not {arm["_id"] for arm in arms} & set(lab.slots.values())
    stop = {**STOP, "winningTreatmentId": arms[1]["_id"], "winningReason": "seen"}
    await lab.patch(stop)
    assert await lab.served() == "two"


async def test_switch_refused_expand(lab: Lab) -> None:
    lab.ld.faults.refused_expand = frozenset({"mutableFieldsByStatus"})
    await lab.create()
    answer = await lab.ld.get(f"{EXPERIMENTS}/duel?{EVERYTHING}", status=400)
    assert answer["message"] == "unknown expand value mutableFieldsByStatus"
    await lab.ld.get(f"{EXPERIMENTS}?{EVERYTHING}", status=400)
    await lab.read(query="expand=treatments,draftIteration")


async def test_writes_may_race(lab: Lab) -> None:
    lab.ld.faults.optimistic_conflicts = 1
    assert (await lab.create(status=409))["code"] == "optimistic_locking_error"
    await lab.create()
    lab.ld.faults.optimistic_conflicts = 1
    assert (await lab.patch(START, status=409))["code"] == "optimistic_locking_error"
    assert await lab.served() == "disabled"
    await lab.patch(START)


async def test_units_are_those_of_the_settings(lab: Lab) -> None:
    await lab.ld.put("/projects/p/context-kinds/organization", {"name": "Organization"})
    units = [{"randomizationUnit": "user"}, {"randomizationUnit": "organization"}]
    await lab.ld.put("/projects/p/experimentation-settings", {"randomizationUnits": units})
    await lab.draft(randomizationUnit="organization")
    await lab.patch(START)
    block = (await lab.ld.targeting())["environments"]["test"]
    assert block["fallthrough"]["rollout"]["contextKind"] == "organization"
