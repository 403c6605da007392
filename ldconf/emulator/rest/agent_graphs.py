"""Agent graphs, in beta (reference 9.1)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields
from ldconf.emulator.access import maintainer_view
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request
from ldconf.emulator.paging import link, page

PATCH: Mapping[str, fields.Check] = {
    "name": fields.text,
    "description": fields.text,
    "maintainerId": fields.text,
    "maintainerTeamKey": fields.text,
    "rootConfigKey": fields.text,
    "edges": fields.mappings,
}
POST: Mapping[str, fields.Check] = {"key": fields.text, **PATCH}
EDGE: Mapping[str, fields.Check] = {
    "key": fields.text,
    "sourceConfig": fields.text,
    "targetConfig": fields.text,
    "handoff": fields.mapping,
}


def graph_view(project: str, graph: Mapping[str, Json], *, listed: bool) -> dict[str, Json]:
    """Return a graph; a list leaves out its edges."""
    hidden = {"maintainerId", "maintainerTeamKey"} | ({"edges"} if listed else set())
    shown = {name: value for name, value in graph.items() if name not in hidden}
    maintainer = maintainer_view(graph["maintainerId"], graph["maintainerTeamKey"])
    if maintainer is not None:
        shown["_maintainer"] = maintainer
    shown["_site"] = link("projects", project, "agent-graphs", graph["key"], site=True)
    return shown


def list_graphs(call: Call, project: str) -> Json:
    """List graphs without their edges."""
    call.project(project)
    found = call.store.documents(project, "agentGraphs")
    return page(call, found, lambda graph: graph_view(project, graph, listed=True))


def get_graph(call: Call, project: str, key: str) -> Json:
    """Return one graph."""
    return graph_view(project, _find(call, project, key), listed=False)


def create_graph(call: Call, project: str) -> Json:
    """Make a graph; root and edges together or neither."""
    call.project(project)
    body = fields.pick(call.fields, POST, required=("key", "name"))
    key = fields.key_of(body)
    call.refuse_duplicate(Ref(project, "agentGraphs", key), f"agent graph {key}")
    now = call.store.clock()
    graph: dict[str, Json] = {
        "key": key,
        "name": body["name"],
        "description": body.get("description", ""),
        "maintainerId": "",
        "maintainerTeamKey": "",
        "createdAt": now,
        "updatedAt": now,
    }
    fields.set_maintainer(graph, body)
    if not (graph["maintainerId"] or graph["maintainerTeamKey"]) and call.faults.default_maintainer:
        graph["maintainerId"] = call.actor.member_id or ""
    graph.update(_nodes(call, project, body))
    call.store.put(Ref(project, "agentGraphs", key), graph)
    _audit(call, project, graph, Act("createAgentGraph", "created the agent graph"))
    return graph_view(project, graph, listed=False)


def patch_graph(call: Call, project: str, key: str) -> Json:
    """Replace fields; edges whole. Root and edges cannot be cleared (Q18)."""
    before = _find(call, project, key)
    body = fields.pick(call.fields, PATCH)
    if body.get("name") == "":
        raise bad_request("name must not be empty")
    after = {**before}
    fields.set_maintainer(after, body)
    after.update({name: body[name] for name in ("name", "description") if name in body})
    after.update(_nodes(call, project, body))
    if after != before:
        after["updatedAt"] = call.store.clock()
        call.store.put(Ref(project, "agentGraphs", key), after)
        _audit(call, project, after, Act("updateAgentGraph", "updated the agent graph"))
    return graph_view(project, after, listed=False)


def delete_graph(call: Call, project: str, key: str) -> Json:
    """Delete a graph with its edges."""
    graph = _find(call, project, key)
    call.store.delete(Ref(project, "agentGraphs", key))
    _audit(call, project, graph, Act("deleteAgentGraph", "deleted the agent graph"))
    return None


def _nodes(call: Call, project: str, body: Mapping[str, Json]) -> dict[str, Json]:
    """Return root and edges of a body; 400 if one is missing or names no agent."""
    if ("rootConfigKey" in body) != ("edges" in body):
        raise bad_request("rootConfigKey and edges must be given together")
    if "edges" not in body:
        return {}
    needed = ("key", "sourceConfig", "targetConfig")
    edges = [fields.pick(edge, EDGE, required=needed) for edge in body["edges"]]
    if len({edge["key"] for edge in edges}) < len(edges):
        raise bad_request("edge keys must be unique")
    root = body["rootConfigKey"]
    named = [root, *(edge[end] for edge in edges for end in ("sourceConfig", "targetConfig"))]
    for config in named:
        found = call.store.get(Ref(project, "aiConfigs", config))
        if found is None:
            raise bad_request(f"unknown AI Config {config!r}")
        if found["mode"] != "agent":
            raise bad_request(f"AI Config {config} is not in agent mode")  # [INF]
    return {"rootConfigKey": root, "edges": edges}


def _find(call: Call, project: str, key: str) -> Json:
    call.project(project)
    return call.find(Ref(project, "agentGraphs", key), f"agent graph {key}")


def _audit(call: Call, project: str, graph: Json, act: Act) -> None:
    audit.record(call, f"proj/{project}:agent-graph/{graph['key']}", graph["name"], act)


GRAPHS = "/projects/{project}/agent-graphs"
ROUTES = (
    Route("GET", GRAPHS, list_graphs, beta=True),
    Route("POST", GRAPHS, create_graph, status=201, beta=True),
    Route("GET", GRAPHS + "/{graph}", get_graph, beta=True),
    Route("PATCH", GRAPHS + "/{graph}", patch_graph, beta=True),
    Route("DELETE", GRAPHS + "/{graph}", delete_graph, status=204, beta=True),
)
