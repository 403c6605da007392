from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.kinds.metric_group import METRIC_GROUP, MetricGroup, observed
from tests.kinds import fakes
from tests.kinds.official import accepts

FUNNEL = Address.of("metricGroups", "checkout")
PAYLOAD: Json = {
    "_id": "6a1",
    "_version": 2,
    "_creationDate": 1_700_000_000_000,
    "_lastModified": 1_700_000_000_001,
    "_links": {},
    "key": "checkout",
    "name": "Checkout",
    "kind": "funnel",
    "description": "",
    "tags": ["shop"],
    "maintainer": {"key": "member-1", "kind": "member", "_member": {"_id": "member-1"}},
    "metrics": [
        {"key": "cart", "name": "Cart", "kind": "custom", "nameInGroup": "1 Cart", "_links": {}},
        {"key": "order", "name": "Order", "kind": "custom", "nameInGroup": "2 Order", "_links": {}},
    ],
    "experimentCount": 0,
}
STANDARD: Json = {"kind": "standard", "metrics": ["latency", {"key": "cost"}]}


def test_payload_is_projected_to_canonical_fields():
    assert observed(PAYLOAD).resource.managed() == {
        "name": "Checkout",
        "description": None,
        "kind": "funnel",
        "tags": ["shop"],
        "metrics": [
            {"key": "cart", "nameInGroup": "1 Cart"},
            {"key": "order", "nameInGroup": "2 Order"},
        ],
        "maintainerId": "member-1",
    }
    assert observed(PAYLOAD).version == 2


def test_team_as_maintainer_is_no_member():
    payload = {**PAYLOAD, "maintainer": {"key": "team-1", "kind": "team"}}
    assert observed(payload).resource.managed()["maintainerId"] is None


def test_group_that_names_a_metric_twice_fits_no_file():
    named_twice = {**PAYLOAD, "metrics": [PAYLOAD["metrics"][0]] * 2}
    assert observed(named_twice).meta["unsupported"] == "metrics: metric 'cart' is named twice"


def test_text_is_the_key_of_a_metric():
    assert MetricGroup.model_validate(STANDARD).managed()["metrics"] == [
        {"key": "latency"},
        {"key": "cost"},
    ]


def test_editor_schema_offers_both_forms_of_a_metric():
    items = MetricGroup.model_json_schema()["properties"]["metrics"]["items"]
    assert {"type": "string"} in items["anyOf"]


def test_order_of_metrics_is_a_difference():
    document = {**STANDARD, "metrics": ["cost", "latency"]}
    assert MetricGroup.model_validate(document).managed() != (
        MetricGroup.model_validate(STANDARD).managed()
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "funnel", "metrics": ["a"]}, "'a' of a funnel needs `nameInGroup`"),
        (
            {"kind": "standard", "metrics": [{"key": "a", "nameInGroup": "A"}]},
            "'a' of a standard group has `nameInGroup`",
        ),
        ({"metrics": ["a", "b", "a"]}, "'a' is named twice"),
        ({"metrics": []}, "at least 1 item"),
        ({"metrics": [3]}, "metrics.0"),
        ({"kind": "other"}, "'standard' or 'funnel'"),
        ({"maintainerId": None}, "valid string"),
    ],
)
def test_document_that_the_api_refuses_is_refused(document: Json, message: str):
    with pytest.raises(ValueError, match=message):
        MetricGroup.model_validate(document)


def test_names_are_not_judged_without_the_kind():
    assert MetricGroup.model_validate({"metrics": ["a"]}).managed() == {"metrics": [{"key": "a"}]}


def test_create_sends_all_that_the_api_requires():
    (request,) = fakes.create(METRIC_GROUP, FUNNEL, STANDARD)
    assert (request.method, request.path) == ("POST", "/projects/pets/metric-groups")
    assert request.beta
    assert request.body == {
        "key": "checkout",
        "name": "checkout",
        "kind": "standard",
        "tags": [],
        "maintainerId": "member-1",
        "metrics": [
            {"key": "latency", "nameInGroup": ""},
            {"key": "cost", "nameInGroup": ""},
        ],
    }
    assert accepts(request)


def test_service_token_has_to_name_a_maintainer():
    service = fakes.FakeFacts(member=None)
    with pytest.raises(LdconfError, match="metricGroups/checkout needs a `maintainerId`") as caught:
        fakes.create(METRIC_GROUP, FUNNEL, STANDARD, service)
    assert "id of a member" in (caught.value.hint or "")


def test_service_token_with_a_written_maintainer_creates():
    service = fakes.FakeFacts(member=None)
    document = {**STANDARD, "maintainerId": "member-2"}
    (request,) = fakes.create(METRIC_GROUP, FUNNEL, document, service)
    assert request.body["maintainerId"] == "member-2"


def test_metrics_are_patched_whole_with_every_name():
    document = {"metrics": [{"key": "order", "nameInGroup": "1"}, {"key": "cart"}]}
    (request,) = fakes.update(METRIC_GROUP, FUNNEL, PAYLOAD, document)
    assert request.beta
    assert request.body == {
        "comment": "ldconf 0123abc",
        "patch": [
            {
                "op": "replace",
                "path": "/metrics",
                "value": [{"key": "order", "nameInGroup": "1"}, {"key": "cart", "nameInGroup": ""}],
            }
        ],
    }


def test_tags_are_cleared_by_an_empty_list():
    (request,) = fakes.update(METRIC_GROUP, FUNNEL, PAYLOAD, {"tags": None})
    assert request.body["patch"] == [{"op": "replace", "path": "/tags", "value": []}]


def test_group_names_its_metrics_where_they_are_written():
    group = MetricGroup.model_validate(STANDARD)
    assert [(str(one.target), one.path) for one in METRIC_GROUP.references(FUNNEL, group)] == [
        ("metrics/latency", ("metrics", 0, "key")),
        ("metrics/cost", ("metrics", 1, "key")),
    ]


async def test_groups_are_read_by_one_list_with_the_beta_header():
    reader = fakes.FakeReader({"/projects/pets/metric-groups": [PAYLOAD]})
    found = await METRIC_GROUP.fetch(reader)
    assert [address for address, _ in found] == [FUNNEL]
    assert reader.seen == [("/projects/pets/metric-groups", True)]
