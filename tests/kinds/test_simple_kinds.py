"""What holds for each of the simple kinds: models, reads and requests, over generated documents."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ldconf.core.address import Address
from ldconf.core.change import Archive, Restore, Transition
from ldconf.core.kind import Kind
from ldconf.core.resource import Json, same
from ldconf.kinds.agent_graph import AGENT_GRAPH
from ldconf.kinds.metric import METRIC
from ldconf.kinds.metric_group import METRIC_GROUP
from ldconf.kinds.model_config import MODEL_CONFIG
from ldconf.kinds.segment import SEGMENT
from ldconf.kinds.tool import TOOL
from tests import strategies_simple as strategies
from tests.kinds import fakes
from tests.kinds.official import accepts

KINDS = (METRIC, METRIC_GROUP, MODEL_CONFIG, TOOL, SEGMENT, AGENT_GRAPH)
ADDRESSES = {
    "metrics": Address.of("metrics", "m1"),
    "metricGroups": Address.of("metricGroups", "g1"),
    "modelConfigs": Address.of("modelConfigs", "Acme.m1"),
    "tools": Address.of("tools", "t1"),
    "segments": Address.of("segments", "s1", "test"),
    "agentGraphs": Address.of("agentGraphs", "g1"),
}
DOCUMENTS = {
    "metrics": strategies.metrics(),
    "metricGroups": strategies.metric_groups(["a", "b", "c"]),
    "modelConfigs": strategies.model_configs_documents().map(lambda found: [*found.values()]),
    "tools": strategies.tools_documents().map(lambda found: [*found.values()]),
    "segments": strategies.segments(["x", "y"]),
    "agentGraphs": strategies.agent_graphs(["a", "b"]),
}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
quick = settings(max_examples=25, deadline=None)


def documents(kind: Kind) -> st.SearchStrategy[Json]:
    drawn = DOCUMENTS[kind.name]
    if kind.name in ("modelConfigs", "tools"):
        drawn = drawn.filter(bool).map(lambda found: found[0])
    if kind is MODEL_CONFIG:
        return drawn.map(lambda found: {**found, "provider": "Acme"})
    return drawn


@each_kind
@given(data=st.data())
@quick
def test_managed_values_validate_again_as_the_same_resource(kind: Kind, data: st.DataObject):
    resource = kind.model.model_validate(data.draw(documents(kind)))
    again = kind.model.model_validate(resource.managed())
    assert again.managed() == resource.managed()


@each_kind
@given(data=st.data())
@quick
def test_created_object_reads_back_as_written(kind: Kind, data: st.DataObject):
    address, document = ADDRESSES[kind.name], data.draw(documents(kind))
    desired = kind.model.model_validate(document)
    requests = fakes.create(kind, address, document)
    assert all(accepts(request) for request in requests)
    live = fakes.observe(kind, address, fakes.served(requests)).resource
    assert fakes.differences(live, desired) == ()


@each_kind
@given(data=st.data())
@quick
def test_updated_object_reads_back_as_written(kind: Kind, data: st.DataObject):
    address = ADDRESSES[kind.name]
    before, after = data.draw(documents(kind)), data.draw(documents(kind))
    payload = fakes.served(fakes.create(kind, address, before))
    desired = kind.model.model_validate({**after, **_immutable(kind, before)})
    requests = fakes.update(kind, address, payload, {**after, **_immutable(kind, before)})
    assert all(accepts(request) for request in requests)
    live = fakes.observe(kind, address, _moved(payload, requests)).resource
    assert fakes.differences(live, desired) == ()


@each_kind
@given(data=st.data())
@quick
def test_live_object_validates_as_the_document_that_import_writes(kind: Kind, data: st.DataObject):
    address = ADDRESSES[kind.name]
    payload = fakes.served(fakes.create(kind, address, data.draw(documents(kind))))
    live = fakes.observe(kind, address, payload)
    assert "unsupported" not in live.meta
    imported = kind.model.model_validate(live.resource.document())
    assert fakes.differences(live.resource, imported) == ()


@each_kind
@given(data=st.data())
@quick
def test_equal_object_needs_no_request(kind: Kind, data: st.DataObject):
    address, document = ADDRESSES[kind.name], data.draw(documents(kind))
    payload = fakes.served(fakes.create(kind, address, document))
    assert fakes.update(kind, address, payload, document) == ()


def _immutable(kind: Kind, document: Json) -> dict[str, Json]:
    """Return what an update cannot change, and what has to go with it."""
    if kind is METRIC_GROUP:
        return {name: document[name] for name in ("kind", "metrics")}
    return {name: document[name] for name in kind.model.immutable if name in document}


def _moved(payload: Json, requests: object) -> Json:
    """Return the payload after the requests; maintainers move as the union that they are."""
    moved = fakes.served(requests, payload)
    for name, other in (
        ("maintainerId", "maintainerTeamKey"),
        ("maintainerTeamKey", "maintainerId"),
    ):
        sent = [request.body for request in requests if isinstance(request.body, dict)]
        if any(body.get(name) is not None for body in sent) and moved.get(other):
            moved = {**moved, other: ""}
    return moved


@each_kind
def test_example_is_a_valid_document(kind: Kind):
    section = yaml.safe_load(kind.example)
    assert list(section) == [kind.name]
    for document in section[kind.name].values():
        nested = document.values() if kind.name == "segments" else [document]
        for one in nested:
            assert kind.model.required_to_create <= kind.model.model_validate(one).managed_names


@each_kind
def test_every_field_is_described(kind: Kind):
    schema = kind.model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part["properties"].items():
            assert field.get("description"), f"{part['title']}.{name}"


@each_kind
def test_empty_document_manages_nothing(kind: Kind):
    assert kind.model.model_validate({}).managed() == {}


@each_kind
def test_live_resource_has_every_field_set(kind: Kind):
    live = fakes.observe(kind, ADDRESSES[kind.name], {"key": "k"}).resource
    names = {field.alias or name for name, field in kind.model.model_fields.items()}
    assert live.managed_names == names


@each_kind
def test_unknown_field_is_refused(kind: Kind):
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        kind.model.model_validate({"nmae": "x"})


@each_kind
def test_number_where_text_is_meant_is_refused(kind: Kind):
    with pytest.raises(ValueError, match="valid string"):
        kind.model.model_validate({"description": 3} if kind is not MODEL_CONFIG else {"name": 3})


@each_kind
def test_delete_is_one_request(kind: Kind):
    (request,) = fakes.delete(kind, ADDRESSES[kind.name])
    assert request.method == "DELETE"
    assert request.path.endswith(ADDRESSES[kind.name].key)


@each_kind
@pytest.mark.parametrize("verb", [Archive, Restore, Transition])
def test_other_verbs_are_a_programming_error(kind: Kind, verb: type):
    address, resource = ADDRESSES[kind.name], kind.model.model_construct()
    change = {
        Archive: lambda: Archive(address),
        Restore: lambda: Restore(address, resource),
        Transition: lambda: Transition(address, "start", resource),
    }[verb]()
    with pytest.raises(TypeError, match=verb.__name__):
        kind.requests(change, fakes.FakeFacts())


@each_kind
async def test_absent_object_reads_as_none(kind: Kind):
    assert await kind.read(fakes.FakeReader({}), ADDRESSES[kind.name]) is None


@each_kind
async def test_object_is_read_where_it_is_written(kind: Kind):
    address = ADDRESSES[kind.name]
    (request,) = fakes.delete(kind, address)
    reader = fakes.FakeReader({request.path: {"key": address.key, "description": "here"}})
    found = await kind.read(reader, address)
    assert found is not None
    assert found.meta["raw"]["description"] == "here"
    assert reader.seen == [(request.path, request.beta)]


@each_kind
def test_keys_are_quoted_in_paths(kind: Kind):
    parts = ADDRESSES[kind.name].parts
    (request,) = fakes.delete(kind, Address.of(parts[0], "a/b c", *parts[2:]))
    assert "a%2Fb%20c" in request.path


def test_numbers_are_the_same_whether_whole_or_not():
    assert same({"a": 1}, {"a": 1.0})
