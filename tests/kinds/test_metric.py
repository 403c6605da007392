from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.live import Environment
from ldconf.core.resource import Json
from ldconf.kinds.metric import METRIC, Metric, observed
from tests.kinds import fakes
from tests.kinds.official import accepts

P95 = Address.of("metrics", "latency-p95")
# As the API answers (reference 10.4), with what the server adds.
PAYLOAD: Json = {
    "_id": "5f1",
    "_versionId": "5f2",
    "_version": 3,
    "_creationDate": 1_700_000_000_000,
    "_links": {"self": {"href": "/api/v2/metrics/pets/latency-p95", "type": "application/json"}},
    "_attachedFlagCount": 0,
    "category": "",
    "isActive": False,
    "key": "latency-p95",
    "name": "Latency p95",
    "kind": "custom",
    "description": "Time to the last token\r\n",
    "isNumeric": True,
    "unit": "ms",
    "eventKey": "$ld:ai:duration:total",
    "successCriteria": "LowerThanBaseline",
    "tags": ["pets", "ai"],
    "randomizationUnits": ["user"],
    "analysisUnits": ["user", "organization"],
    "unitAggregationType": "sum",
    "analysisType": "percentile",
    "percentileValue": 95,
    "eventDefault": {"disabled": True},
    "dataSource": {"key": "launchdarkly-hosted", "_name": "LaunchDarkly hosted"},
    "maintainerId": "member-1",
    "_maintainer": {"_id": "member-1", "email": "a@example.test"},
}
NUMERIC: Json = {
    "kind": "custom",
    "eventKey": "tokens",
    "isNumeric": True,
    "unit": "tokens",
    "successCriteria": "LowerThanBaseline",
}


def test_payload_is_projected_to_canonical_fields():
    assert observed(PAYLOAD).resource.managed() == {
        "name": "Latency p95",
        "description": "Time to the last token",
        "kind": "custom",
        "eventKey": "$ld:ai:duration:total",
        "isNumeric": True,
        "unit": "ms",
        "successCriteria": "LowerThanBaseline",
        "analysisUnits": ["organization", "user"],
        "unitAggregationType": "sum",
        "analysisType": "percentile",
        "percentileValue": 95,
        "eventDefault": {"disabled": True},
        "winsorLowerPercentile": None,
        "winsorUpperPercentile": None,
        "winsorIncludeImputed": None,
        "tags": ["ai", "pets"],
        "maintainerId": "member-1",
    }


def test_version_and_raw_payload_are_observed():
    found = observed(PAYLOAD)
    assert found.version == 3
    assert found.meta == {"raw": PAYLOAD}


def test_old_metrics_name_their_units_as_randomization_units():
    payload = {name: value for name, value in PAYLOAD.items() if name != "analysisUnits"}
    assert observed(payload).resource.managed()["analysisUnits"] == ["user"]


def test_what_the_server_leaves_out_has_its_defaults():
    live = observed({"key": "k", "kind": "custom", "eventKey": "e", "isNumeric": False})
    written = Metric.model_validate(
        {"successCriteria": "HigherThanBaseline", "unitAggregationType": "average"}
    )
    assert fakes.differences(live.resource, written) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "click"}, "click metric"),
        ({"filters": {"type": "group"}}, "metric with event filters"),
        (
            {"denominator": {"eventName": "x"}, "valueColumn": "v", "unitAggregationField": "u"},
            "metric with a denominator and a warehouse column",
        ),
        ({"unitAggregationType": "count_distinct"}, "unitAggregationType: "),
        ({"unit": ""}, "a numeric metric needs `unit`"),
    ],
    ids=["click", "filters", "warehouse", "aggregation", "incomplete"],
)
def test_what_files_cannot_say_is_marked(change: Json, words: str):
    assert observed({**PAYLOAD, **change}).meta["unsupported"].startswith(words)


EVENT_DEFAULTS = [
    ({"disabled": False, "value": 0}, None),
    ({"disabled": False}, None),
    ({"disabled": True, "value": 0}, {"disabled": True}),
    ({"disabled": False, "value": 2}, {"value": 2}),
    ({"value": 1.5}, {"value": 1.5}),
    ({}, None),
]


@pytest.mark.parametrize(("given", "canonical"), EVENT_DEFAULTS)
def test_event_default_has_one_form(given: Json, canonical: Json):
    assert Metric.model_validate({"eventDefault": given}).managed()["eventDefault"] == canonical


BAD: list[tuple[Json, str]] = [
    ({"kind": "custom", "isNumeric": False}, "needs `eventKey`"),
    ({"kind": "custom", "eventKey": "e"}, "needs `isNumeric`"),
    ({**NUMERIC, "unit": ""}, "needs `unit`"),
    ({**NUMERIC, "unit": None}, "needs `unit`"),
    ({key: NUMERIC[key] for key in NUMERIC if key != "successCriteria"}, "needs `successCriteria`"),
    ({**NUMERIC, "analysisType": "percentile"}, "needs `percentileValue`"),
    ({"analysisType": "mean", "percentileValue": 5}, "needs `analysisType: percentile`"),
    (
        {"analysisType": "percentile", "percentileValue": 5, "eventDefault": {"value": 1}},
        "disabled: true",
    ),
    ({"winsorLowerPercentile": 50, "winsorUpperPercentile": 50}, "must be above"),
    ({"winsorLowerPercentile": 0}, "greater than 0"),
    ({"percentileValue": 101}, "less than or equal to 100"),
    ({"kind": "click"}, "'custom'"),
    ({"unitAggregationType": "count_distinct"}, "'average' or 'sum'"),
    ({"isNumeric": "yes"}, "valid boolean"),
    ({"percentileValue": 95.5}, "valid integer"),
    ({"eventKey": ""}, "at least 1 character"),
    ({"analysisUnits": []}, "at least 1 item"),
    ({"name": None}, "valid string"),
]


@pytest.mark.parametrize(("document", "message"), BAD)
def test_document_that_the_api_refuses_is_refused(document: Json, message: str):
    with pytest.raises(ValueError, match=message):
        Metric.model_validate(document)


def test_part_of_a_metric_may_be_managed():
    assert Metric.model_validate({"isNumeric": True, "tags": ["b", "a"]}).managed() == {
        "isNumeric": True,
        "tags": ["a", "b"],
    }


def test_create_names_the_metric_by_its_key():
    (request,) = fakes.create(METRIC, P95, NUMERIC)
    assert (request.method, request.path) == ("POST", "/metrics/pets")
    assert request.body == {**NUMERIC, "key": "latency-p95", "name": "latency-p95"}
    assert accepts(request)


def test_maintainer_follows_in_a_patch_because_create_does_not_apply_it():
    create, patch = fakes.create(METRIC, P95, {**NUMERIC, "maintainerId": "member-2"})
    assert "maintainerId" not in create.body
    assert patch.body == {
        "comment": "ldconf 0123abc",
        "patch": [{"op": "add", "path": "/maintainerId", "value": "member-2"}],
    }


@pytest.mark.parametrize(
    "given", [{}, {"eventDefault": None}, {"eventDefault": {"disabled": True}}]
)
def test_percentile_metric_leaves_out_units_without_events(given: Json):
    document = {"analysisType": "percentile", "percentileValue": 95, **given}
    metric = Metric.model_validate(document)
    assert metric.managed()["eventDefault"] == {"disabled": True}
    (request,) = fakes.create(METRIC, P95, {**NUMERIC, **document})
    assert request.body["eventDefault"] == {"disabled": True}


def test_live_percentile_metric_leaves_out_units_without_events():
    payload = {name: value for name, value in PAYLOAD.items() if name != "eventDefault"}
    assert observed(payload).resource.managed()["eventDefault"] == {"disabled": True}


def test_turning_to_percentiles_disables_the_default_in_the_same_patch():
    payload = {**PAYLOAD, "analysisType": "mean", "percentileValue": None, "eventDefault": {}}
    document = {"analysisType": "percentile", "percentileValue": 95}
    (request,) = fakes.update(METRIC, P95, payload, document)
    paths = {operation["path"]: operation["value"] for operation in request.body["patch"]}
    assert paths == {
        "/analysisType": "percentile",
        "/percentileValue": 95,
        "/eventDefault": {"disabled": True},
    }


def test_cleared_event_default_is_sent_as_the_servers_default():
    (request,) = fakes.create(METRIC, P95, {**NUMERIC, "eventDefault": None})
    assert request.body["eventDefault"] == {"disabled": False, "value": 0}


def test_only_changed_paths_are_patched():
    document = {"unit": "s", "eventKey": "$ld:ai:duration:total", "tags": ["ai", "pets"]}
    (request,) = fakes.update(METRIC, P95, PAYLOAD, document)
    assert (request.method, request.path) == ("PATCH", "/metrics/pets/latency-p95")
    assert request.body == {
        "comment": "ldconf 0123abc",
        "patch": [{"op": "replace", "path": "/unit", "value": "s"}],
    }


@pytest.mark.parametrize(
    ("field", "operation"),
    [
        ("description", {"op": "replace", "path": "/description", "value": ""}),
        ("tags", {"op": "replace", "path": "/tags", "value": []}),
        ("percentileValue", {"op": "replace", "path": "/percentileValue", "value": None}),
        (
            "eventDefault",
            {"op": "replace", "path": "/eventDefault", "value": {"disabled": False, "value": 0}},
        ),
        ("winsorLowerPercentile", {"op": "remove", "path": "/winsorLowerPercentile"}),
    ],
)
def test_cleared_field_is_patched_the_way_the_api_takes_it(field: str, operation: Json):
    payload = {**PAYLOAD, "winsorLowerPercentile": 5}
    (request,) = fakes.update(METRIC, P95, payload, {field: None})
    assert request.body["patch"] == [operation]


def test_new_path_is_added():
    (request,) = fakes.update(METRIC, P95, PAYLOAD, {"winsorUpperPercentile": 99})
    assert request.body["patch"] == [{"op": "add", "path": "/winsorUpperPercentile", "value": 99}]


def test_metric_names_nothing():
    assert METRIC.references(P95, Metric.model_validate(NUMERIC)) == ()


async def test_metrics_are_read_by_one_list():
    reader = fakes.FakeReader({"/metrics/pets": [PAYLOAD, {**PAYLOAD, "key": "other"}]})
    found = await METRIC.fetch(reader)
    assert [address for address, _ in found] == [P95, Address.of("metrics", "other")]
    assert reader.seen == [("/metrics/pets", False)]
    assert reader.params == [{"limit": "50"}]
    assert reader.environments[0] == Environment("test")


def test_percentile_that_is_left_of_an_earlier_analysis_means_nothing():
    left = {"key": "m", "kind": "custom", "analysisType": "mean", "percentileValue": 91}
    assert Metric.from_api(left).managed()["percentileValue"] is None
    now = {**left, "analysisType": "percentile"}
    assert Metric.from_api(now).managed()["percentileValue"] == 91
