"""Live experiments in the words of files, from answers in the shape of reference 13.5."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ldconf.core.address import Address
from ldconf.core.errors import ApiError
from ldconf.core.resource import Json, Observed
from ldconf.kinds.experiment import EXPERIMENT, Experiment, environment_of
from ldconf.kinds.experiment_live import observed, stage
from ldconf.kinds.experiment_payloads import EXPAND
from ldconf.kinds.targeting_document import VariationIds
from tests.kinds.ai_fakes import Reader
from tests.kinds.targeting_server import block, document

ADDRESS = Address.of("experiments", "concise-vs-detailed")
LIST = "/projects/pets/experiments"
CONFIGS = "/projects/pets/ai-configs"
TARGETING = f"{CONFIGS}/support-bot/targeting"
RULE = {
    "_id": "rule-id-1",
    "description": "VIP",
    "clauses": [{"_id": "c1", "attribute": "plan", "op": "in", "values": ["vip"]}],
    "variation": 1,
}
DOCUMENT = document({"production": block(rules=[RULE])}, ["detailed", "concise"])
IDS = dict(VariationIds(DOCUMENT))


def treatment(key: str, percent: str, *, baseline: bool = False, name: str = "x") -> Json:
    """Return a treatment; its name is the variation's display name, its id the server's."""
    return {
        "_id": f"treatment-{key}",
        "name": name,
        "allocationPercent": percent,
        "baseline": baseline,
        "parameters": [{"variationName": name, "flagKey": "support-bot", "variationId": IDS[key]}],
    }


def iteration(number: int = 1, status: str = "running", **fields: Json) -> dict[str, Json]:
    """Return an iteration as `expand=treatments` shows it."""
    found: dict[str, Json] = {
        "_id": f"iteration-{number}",
        "hypothesis": "Short answers raise resolution by 3%",
        "status": status,
        "createdAt": 1_700_000_000_000 + number,
        "canReshuffleTraffic": False,
        "randomizationUnit": "user",
        "attributes": ["plan", "country"],
        "version": 1,
        "flags": {
            "support-bot": {
                "targetingRule": "fallthrough",
                "flagConfigVersion": 9,
                "notInExperimentVariationId": IDS["detailed"],
                "_links": {},
            }
        },
        "primarySingleMetric": {"key": "ticket-resolved", "name": "x", "kind": "custom"},
        "metrics": [
            {"key": "ticket-resolved", "name": "x", "kind": "custom", "isGroup": False},
            {"key": "latency", "name": "y", "kind": "custom", "isGroup": True},
        ],
        "treatments": [
            treatment("detailed", "50", baseline=True, name="Detailed"),
            treatment("concise", "50.0", name="Concise"),
        ],
    }
    if status != "not_started":
        found["startedAt"] = 1_700_000_100_000 + number
    if status == "stopped":
        found |= {"endedAt": 1_700_000_200_000, "winningTreatmentId": "treatment-concise"}
        found["winningReason"] = "Better\r\n"
    return {**found, **fields}


def payload(**fields: Json) -> dict[str, Json]:
    """Return an experiment as the API shows it, without iterations."""
    return {
        "_id": "5f0cd446a77cba0b4c5644a7",
        "key": "concise-vs-detailed",
        "name": "Concise vs detailed",
        "_maintainerId": "member-1",
        "_creationDate": 1_700_000_000_000,
        "environmentKey": "production",
        "methodology": "bayesian",
        "dataSource": "launchdarkly",
        "tags": ["b", "a"],
        "type": "experiment",
        "_links": {},
        "analysisConfig": {"bayesianThreshold": "95.0", "sequentialTestingEnabled": False},
        "mutableFieldsByStatus": {"running": {"name": ["update"]}},
        **fields,
    }


def seen(**fields: Json) -> Observed:
    return observed(payload(**fields), DOCUMENT)


def managed(**fields: Json) -> dict[str, Json]:
    return seen(**fields).resource.managed()


def test_running_experiment_in_the_words_of_files() -> None:
    found = seen(currentIteration=iteration(), previousIterations=[])

    assert "unsupported" not in found.meta
    assert found.resource.managed() == {
        "name": "Concise vs detailed",
        "description": None,
        "tags": ["a", "b"],
        "maintainerId": "member-1",
        "environment": "production",
        "aiConfig": "support-bot",
        "rule": "fallthrough",
        "hypothesis": "Short answers raise resolution by 3%",
        "randomizationUnit": "user",
        "methodology": "bayesian",
        "dataSource": "launchdarkly",
        "analysisConfig": {"bayesianThreshold": 95, "sequentialTestingEnabled": False},
        "metrics": [{"key": "latency", "isGroup": True}, "ticket-resolved"],
        "primary": "ticket-resolved",
        "attributes": ["country", "plan"],
        "canReshuffleTraffic": False,
        "allocation": {"concise": 50, "detailed": 50},
        "control": "detailed",
        "remainder": "detailed",
        "status": "running",
        "iteration": 1,
        "winner": None,
        "reason": None,
    }
    assert found.meta["treatment_ids"] == {
        "detailed": "treatment-detailed",
        "concise": "treatment-concise",
    }
    assert found.meta["iteration_id"] == "iteration-1"
    assert found.meta["mutable"] == {"running": {"name": ["update"]}}


def test_document_is_what_a_person_would_write_in_the_order_of_the_api() -> None:
    written = seen(currentIteration=iteration()).resource.document()

    assert written["metrics"] == ["ticket-resolved", {"key": "latency", "isGroup": True}]
    assert list(written["allocation"]) == ["detailed", "concise"]
    assert "decision" not in written
    again = Experiment.model_validate(written).managed()
    live = managed(currentIteration=iteration())
    assert again == {name: value for name, value in live.items() if value is not None}


@pytest.mark.parametrize(
    ("iterations", "status", "number"),
    [
        ({"draftIteration": iteration(1, "not_started")}, "draft", 1),
        ({"currentIteration": iteration(1, "not_started")}, "draft", 1),
        ({"currentIteration": iteration(1)}, "running", 1),
        ({"currentIteration": iteration(1, "stopped")}, "stopped", 1),
        (
            {
                "currentIteration": iteration(1, "stopped"),
                "draftIteration": iteration(2, "not_started"),
            },
            "draft",
            2,
        ),
        (
            {"currentIteration": iteration(2), "previousIterations": [iteration(1, "stopped")]},
            "running",
            2,
        ),
        (
            {
                "currentIteration": iteration(3, "stopped"),
                "previousIterations": [iteration(2, "stopped"), iteration(1, "stopped")],
            },
            "stopped",
            3,
        ),
        (  # the current one among the previous ones counts once
            {"currentIteration": iteration(1), "previousIterations": [iteration(1)]},
            "running",
            1,
        ),
        (  # a draft beside a running iteration says nothing of where it stands
            {"currentIteration": iteration(1), "draftIteration": iteration(2, "not_started")},
            "running",
            1,
        ),
        (  # a draft that was never started is no iteration of the past
            {
                "currentIteration": iteration(2),
                "previousIterations": [iteration(1, "not_started")],
            },
            "running",
            1,
        ),
    ],
)
def test_status_and_number_of_the_iteration(
    iterations: Mapping[str, Json], status: str, number: int
) -> None:
    found = managed(**iterations)
    assert (found["status"], found["iteration"]) == (status, number)


def test_design_is_that_of_the_iteration_that_the_status_speaks_of() -> None:
    draft = iteration(2, "not_started", hypothesis="Another")
    beside = seen(currentIteration=iteration(1), draftIteration=draft)

    assert beside.resource.managed()["hypothesis"] == "Short answers raise resolution by 3%"
    assert beside.meta["draft"] == draft
    over = managed(currentIteration=iteration(1, "stopped"), draftIteration=draft)
    assert over["hypothesis"] == "Another"
    assert (over["winner"], over["reason"]) == (None, None)


def test_winner_is_a_variation_and_history_is_numbered() -> None:
    found = seen(
        currentIteration=iteration(2),
        previousIterations=[iteration(1, "stopped", winningTreatmentId=IDS["detailed"])],
    )
    assert found.meta["iterations"] == [
        {
            "number": 1,
            "id": "iteration-1",
            "status": "stopped",
            "startedAt": 1_700_000_100_001,
            "endedAt": 1_700_000_200_000,
            "winner": "detailed",  # by the id of the variation: the field help calls it so
            "reason": "Better",
            "rule_id": "fallthrough",
        },
        {
            "number": 2,
            "id": "iteration-2",
            "status": "running",
            "startedAt": 1_700_000_100_002,
            "endedAt": None,
            "winner": None,
            "reason": None,
            "rule_id": "fallthrough",
        },
    ]
    stopped = managed(currentIteration=iteration(1, "stopped"))
    assert (stopped["winner"], stopped["reason"]) == ("concise", "Better")


def on_rule(**fields: Json) -> dict[str, Json]:
    flag = {**iteration()["flags"]["support-bot"], "targetingRule": "rule-id-1", **fields}
    return iteration(flags={"support-bot": flag})


def test_rule_is_told_by_its_description() -> None:
    found = seen(currentIteration=on_rule(targetingRuleDescription="Old name"))
    assert found.resource.managed()["rule"] == {"description": "VIP"}
    assert found.meta["rule_id"] == "rule-id-1"


def test_rule_that_is_gone_keeps_the_description_that_the_iteration_has() -> None:
    gone = on_rule(targetingRule="rule-id-9", targetingRuleDescription="Old name")
    assert managed(currentIteration=gone)["rule"] == {"description": "Old name"}


def test_nameless_rule_is_called_as_import_calls_it() -> None:
    rule = {name: value for name, value in RULE.items() if name != "description"}
    nameless = document({"production": block(rules=[rule])}, ["detailed", "concise"])
    found = observed(payload(currentIteration=on_rule()), nameless)
    assert found.resource.managed()["rule"] == {"description": "rule-1"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "mab"}, "a multi-armed bandit"),
        ({"type": "holdout"}, "a holdout"),
        ({"holdoutId": "x"}, "an experiment in a holdout"),
        ({"currentIteration": None}, "an experiment without iterations"),
        (
            {"currentIteration": iteration(flags={"a": {}, "support-bot": {}})},
            "an experiment on several flags",
        ),
        (
            {"currentIteration": iteration(primaryFunnel={"key": "f"}, primarySingleMetric=None)},
            "an experiment whose primary metric is a funnel",
        ),
        (
            {"currentIteration": iteration(layerSnapshot={"key": "l"})},
            "an experiment in a layer",
        ),
        (
            {"currentIteration": iteration(treatments=[treatment("concise", "100")])},
            "allocation: needs at least two variations with traffic: one of them is the control",
        ),
    ],
)
def test_what_files_cannot_hold_is_said(fields: Mapping[str, Json], words: str) -> None:
    assert seen(**{"currentIteration": iteration(), **fields}).meta["unsupported"] == words


def test_treatments_that_are_not_shown_are_not_guessed() -> None:
    hidden = iteration()
    del hidden["treatments"]
    assert "treatments" in seen(currentIteration=hidden).meta["unsupported"]


def test_variation_that_is_gone_is_said() -> None:
    smaller = document({"production": block()}, ["detailed"])
    found = observed(payload(currentIteration=iteration()), smaller)
    assert (
        found.meta["unsupported"] == "an experiment on a variation that its AI Config no longer has"
    )


def test_flag_that_is_no_ai_config_is_said() -> None:
    found = observed(payload(currentIteration=iteration()), None)
    assert "'support-bot', which is no AI Config" in found.meta["unsupported"]
    assert stage(payload()) is None


def test_environment_is_a_field_of_experiments_and_in_the_address_of_others() -> None:
    resource = seen(currentIteration=iteration()).resource
    assert environment_of(ADDRESS, resource) == "production"
    assert environment_of(Address.parse("aiConfigs/a/targeting/test"), None) == "test"


# Reads


def reader(*found: Json, wanted: frozenset[str] = frozenset({"support-bot"})) -> Reader:
    answers = {LIST: list(found), CONFIGS: [{"key": "support-bot"}], TARGETING: DOCUMENT}
    return Reader(answers, targetings=wanted)


@pytest.mark.anyio
async def test_one_list_brings_every_experiment_with_all_that_can_be_expanded() -> None:
    asked = reader(payload(currentIteration=iteration()))
    ((address, found),) = await EXPERIMENT.fetch(asked)

    assert address == ADDRESS
    assert "unsupported" not in found.meta
    assert asked.seen == [(LIST, False), (CONFIGS, False), (TARGETING, False)]
    assert asked.params[0] == {
        "limit": "50",
        "lifecycleState": "active,archived",
        "expand": ",".join(EXPAND),
    }


@pytest.mark.anyio
async def test_targeting_is_read_for_what_goes_on_and_for_what_is_wanted() -> None:
    over = payload(currentIteration=iteration(1, "stopped"))
    asked = reader(over, wanted=frozenset())
    ((_, found),) = await EXPERIMENT.fetch(asked)
    assert (TARGETING, False) not in asked.seen
    assert "unsupported" in found.meta

    asked = reader(payload(currentIteration=iteration()), wanted=frozenset())
    await EXPERIMENT.fetch(asked)
    assert (TARGETING, False) in asked.seen

    asked = reader(payload(currentIteration=iteration(), archivedDate=1), wanted=frozenset())
    ((_, found),) = await EXPERIMENT.fetch(asked)
    assert (TARGETING, False) not in asked.seen
    assert found.meta["archived"] is True


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "tolerated"), [(403, True), (404, True), (500, False)])
async def test_account_without_experimentation_has_no_experiments(
    status: int, tolerated: bool
) -> None:
    class Refusing(Reader):
        async def list(self, *_args: Json, **_named: Json) -> Json:
            raise ApiError("no", status=status)

    if tolerated:
        assert await EXPERIMENT.fetch(Refusing({})) == []
    else:
        with pytest.raises(ApiError):
            await EXPERIMENT.fetch(Refusing({}))


@pytest.mark.anyio
async def test_one_experiment_is_read_by_its_key_in_whatever_environment() -> None:
    asked = reader(payload(key="other"), payload(currentIteration=iteration()))
    found = await EXPERIMENT.read(asked, ADDRESS)
    assert found is not None
    assert found.resource.managed()["environment"] == "production"
    assert await EXPERIMENT.read(asked, Address.of("experiments", "gone")) is None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
