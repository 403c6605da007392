from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.change import FieldDiff, Phase, Update
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.kinds.agent_graph import AGENT_GRAPH, AgentGraph, observed
from tests.kinds import fakes
from tests.kinds.official import accepts

TEAM = Address.of("agentGraphs", "support-team")
COLLECTION = "/projects/pets/agent-graphs"
PAYLOAD: Json = {
    "_access": {},
    "_site": {},
    "_maintainer": {"_id": "member-1"},
    "key": "support-team",
    "name": "Support team",
    "description": "Who answers",
    "rootConfigKey": "supervisor",
    "edges": [
        {
            "key": "to-security",
            "sourceConfig": "supervisor",
            "targetConfig": "security",
            "handoff": {"toolName": "scan"},
        },
        {"key": "back", "sourceConfig": "security", "targetConfig": "supervisor", "handoff": {}},
    ],
    "createdAt": 1_700_000_000_000,
    "updatedAt": 1_700_000_000_000,
}
EDGES: Json = {
    "to-security": {
        "sourceConfig": "supervisor",
        "targetConfig": "security",
        "handoff": {"toolName": "scan"},
    },
    "back": {"sourceConfig": "security", "targetConfig": "supervisor"},
}


def test_payload_is_projected_with_edges_by_key():
    assert observed(PAYLOAD).resource.managed() == {
        "name": "Support team",
        "description": "Who answers",
        "rootConfigKey": "supervisor",
        "edges": EDGES,
        "maintainerId": "member-1",
        "maintainerTeamKey": None,
    }


def test_order_of_edges_is_no_difference():
    backwards = {**PAYLOAD, "edges": PAYLOAD["edges"][::-1]}
    document = {"rootConfigKey": "supervisor", "edges": EDGES}
    assert fakes.update(AGENT_GRAPH, TEAM, backwards, document) == ()


def test_graph_of_one_agent_has_a_root_and_no_edges():
    live = observed({**PAYLOAD, "edges": []}).resource
    assert live.managed()["edges"] == {}
    assert AgentGraph.model_validate(live.document()).managed()["edges"] == {}


def test_graph_of_metadata_only_has_neither():
    payload = {key: PAYLOAD[key] for key in PAYLOAD if key not in ("rootConfigKey", "edges")}
    managed = observed(payload).resource.managed()
    assert (managed["rootConfigKey"], managed["edges"]) == (None, None)


def test_edges_without_a_root_fit_no_file():
    assert "together" in observed({**PAYLOAD, "rootConfigKey": ""}).meta["unsupported"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"rootConfigKey": "a"}, "given together"),
        ({"edges": {}}, "given together"),
        ({"rootConfigKey": "a", "edges": None}, "cleared together"),
        ({"rootConfigKey": None, "edges": {}}, "cleared together"),
        ({"rootConfigKey": "", "edges": {}}, "at least 1 character"),
        ({"rootConfigKey": "a", "edges": {"e": {"sourceConfig": "a"}}}, "edges.e.targetConfig"),
        ({"rootConfigKey": "a", "edges": {"e": {"handoff": 1}}}, "edges.e.handoff"),
        ({"rootConfigKey": "a", "edges": []}, "valid dictionary"),
        ({"maintainerId": "m", "maintainerTeamKey": "t"}, "exclude each other"),
    ],
)
def test_wrong_document_is_refused(document: Json, message: str):
    with pytest.raises(ValueError, match=message):
        AgentGraph.model_validate(document)


def test_graphs_are_written_after_targeting():
    assert AGENT_GRAPH.phase is Phase.GRAPHS


def test_create_sends_edges_as_a_list():
    document = {"rootConfigKey": "supervisor", "edges": EDGES}
    (request,) = fakes.create(AGENT_GRAPH, TEAM, document)
    assert (request.method, request.path, request.beta) == ("POST", COLLECTION, True)
    assert request.body == {
        "key": "support-team",
        "name": "support-team",
        "rootConfigKey": "supervisor",
        "edges": [{"key": key, **edge} for key, edge in EDGES.items()],
    }
    assert accepts(request)


def test_create_without_shape_sends_neither_root_nor_edges():
    (request,) = fakes.create(AGENT_GRAPH, TEAM, {"rootConfigKey": None, "edges": None})
    assert request.body == {"key": "support-team", "name": "support-team"}


def test_root_and_edges_are_always_sent_together():
    edges = {**EDGES, "more": {"sourceConfig": "security", "targetConfig": "audit"}}
    document = {"rootConfigKey": "supervisor", "edges": edges, "description": None}
    (request,) = fakes.update(AGENT_GRAPH, TEAM, PAYLOAD, document)
    assert (request.method, request.path) == ("PATCH", f"{COLLECTION}/support-team")
    assert request.beta
    assert request.body["rootConfigKey"] == "supervisor"
    assert [edge["key"] for edge in request.body["edges"]] == ["to-security", "back", "more"]
    assert request.body["description"] == ""
    assert accepts(request)


def test_new_root_keeps_the_live_edges():
    document = {"rootConfigKey": "security", "edges": EDGES}
    (request,) = fakes.update(AGENT_GRAPH, TEAM, PAYLOAD, document)
    assert request.body == {
        "rootConfigKey": "security",
        "edges": [{"key": key, **edge} for key, edge in EDGES.items()],
    }


def test_other_fields_are_patched_without_the_shape():
    (request,) = fakes.update(AGENT_GRAPH, TEAM, PAYLOAD, {"name": "Team"})
    assert request.body == {"name": "Team"}


def test_clearing_the_shape_recreates_the_graph_with_all_else_kept():
    document = {"rootConfigKey": None, "edges": None, "name": "Team"}
    delete, create = fakes.update(AGENT_GRAPH, TEAM, PAYLOAD, document)
    assert (delete.method, delete.path, delete.beta) == (
        "DELETE",
        f"{COLLECTION}/support-team",
        True,
    )
    assert (create.method, create.path) == ("POST", COLLECTION)
    assert create.body == {
        "key": "support-team",
        "name": "Team",
        "description": "Who answers",
        "maintainerId": "member-1",
    }
    assert accepts(create)


def test_recreated_graph_has_one_maintainer():
    document = {"rootConfigKey": None, "edges": None, "maintainerTeamKey": "team-1"}
    _, create = fakes.update(AGENT_GRAPH, TEAM, PAYLOAD, document)
    assert create.body["maintainerTeamKey"] == "team-1"
    assert "maintainerId" not in create.body


def test_recreated_graph_without_maintainer_keeps_none():
    payload = {key: PAYLOAD[key] for key in PAYLOAD if key != "_maintainer"}
    document = {"rootConfigKey": None, "edges": None}
    _, create, dismiss = fakes.update(AGENT_GRAPH, TEAM, payload, document)
    assert "maintainerId" not in create.body
    assert (dismiss.method, dismiss.path) == ("PATCH", f"{COLLECTION}/support-team")
    assert dismiss.beta
    assert dismiss.body == {"maintainerId": ""}


def test_null_maintainer_is_dismissed_after_create():
    _, patch = fakes.create(AGENT_GRAPH, TEAM, {"maintainerId": None})
    assert patch.body == {"maintainerId": ""}


def test_graph_that_is_gone_is_not_updated():
    change = Update(TEAM, AgentGraph(), (FieldDiff("name", "a", "b"),))
    with pytest.raises(LdconfError, match="agentGraphs/support-team is gone"):
        AGENT_GRAPH.requests(change, fakes.FakeFacts())


def test_graph_names_its_agents_where_they_are_written():
    graph = AgentGraph.model_validate({"rootConfigKey": "supervisor", "edges": EDGES})
    found = [(str(one.target), one.path) for one in AGENT_GRAPH.references(TEAM, graph)]
    assert found == [
        ("aiConfigs/supervisor", ("rootConfigKey",)),
        ("aiConfigs/supervisor", ("edges", "to-security", "sourceConfig")),
        ("aiConfigs/security", ("edges", "to-security", "targetConfig")),
        ("aiConfigs/security", ("edges", "back", "sourceConfig")),
        ("aiConfigs/supervisor", ("edges", "back", "targetConfig")),
    ]
    assert AGENT_GRAPH.references(TEAM, AgentGraph()) == []


async def test_each_graph_is_read_singly_because_the_list_omits_edges():
    listed = [{"key": "support-team", "name": "Support team"}, {"key": "gone", "name": "Gone"}]
    path = f"{COLLECTION}/support-team"
    reader = fakes.FakeReader({COLLECTION: listed, path: PAYLOAD})
    ((address, found),) = await AGENT_GRAPH.fetch(reader)
    assert address == TEAM
    assert found.resource.managed()["edges"] == EDGES
    assert reader.seen == [(COLLECTION, True), (path, True), (f"{COLLECTION}/gone", True)]
