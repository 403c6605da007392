"""Agent graphs: which agent hands over to which. Source: reference section 9.1 (beta)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from pydantic import Field, model_validator

from ldconf.core.address import Address, ai_config
from ldconf.core.change import Archive, Change, Create, Delete, Phase, Restore, Transition, Update
from ldconf.core.errors import LdconfError
from ldconf.core.kind import Facts, Kind, Reader, Reference, Request
from ldconf.core.resource import Json, Observed, Part, Resource, Str
from ldconf.kinds.wire import (
    MAINTAINERS,
    check_maintainer,
    dismissal,
    get_or_none,
    given,
    maintainer,
    object_patch,
    q,
    text,
    unsupported,
)

CLEARED: Mapping[str, Json] = {"description": ""}
SHAPE = ("rootConfigKey", "edges")


class Edge(Part):
    """One hand-over from an AI Config to another."""

    source_config: Str = Field(min_length=1, description="Key of the AI Config that hands over")
    target_config: Str = Field(min_length=1, description="Key of the AI Config that takes over")
    handoff: dict[Str, Json] | None = Field(
        default=None, description="Options of the hand-over, free-form"
    )


class AgentGraph(Resource):
    """A directed graph of AI Configs with a root. Root and edges come together or not at all."""

    name: Str = Field(default="", min_length=1, description="Display name; the key if absent")
    description: Str | None = Field(default=None, description="What the graph does")
    root_config_key: Str | None = Field(
        default=None, min_length=1, description="Key of the AI Config that starts; with `edges`"
    )
    edges: dict[Str, Edge] | None = Field(
        default=None, description="Edges by their key; with `rootConfigKey`"
    )
    maintainer_id: Str | None = Field(default=None, description="Member id")
    maintainer_team_key: Str | None = Field(default=None, description="Team key")

    @model_validator(mode="after")
    def _root_with_edges(self) -> AgentGraph:
        check_maintainer(self.maintainer_id, self.maintainer_team_key)
        shape = [name for name in SHAPE if name in self.managed_names]
        if len(shape) == 1:
            raise ValueError("`rootConfigKey` and `edges` are given together or not at all")
        if (self.root_config_key is None) != (self.edges is None):
            raise ValueError("`rootConfigKey` and `edges` are cleared together or not at all")
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Edges are a map; `{}` beside a root is a graph of one agent. No `handoff` is `{}`."""
        if name == "edges":
            return value if value is None else {key: _edge(edge) for key, edge in value.items()}
        return super().canonical(name, value)

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> AgentGraph:
        """Project an AgentGraph as read singly: the list omits the edges."""
        member, team = maintainer(payload)
        root = payload.get("rootConfigKey") or None
        edges = {
            edge["key"]: Edge.model_construct(
                source_config=edge.get("sourceConfig") or "",
                target_config=edge.get("targetConfig") or "",
                handoff=edge.get("handoff") or None,
            )
            for edge in payload.get("edges") or ()
        }
        return cls.model_construct(
            name=text(payload.get("name")) or "",
            description=text(payload.get("description")),
            root_config_key=root,
            edges=edges if root or edges else None,
            maintainer_id=member,
            maintainer_team_key=team,
        )


def observed(payload: Mapping[str, Json]) -> Observed:
    """Return a live graph. `meta`: `raw`, and `unsupported` if no file could hold it."""
    graph = AgentGraph.from_api(payload)
    meta: dict[str, Json] = {"raw": payload}
    if problem := unsupported(graph):
        meta["unsupported"] = problem
    return Observed(graph, meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read every graph singly, because the list omits the edges (reference 9.1).

    Also unmanaged ones: deleting an AI Config is refused while any graph names it.
    """
    listed = await reader.list(_collection(reader.project), beta=True, params={"limit": "50"})
    addresses = [Address.of("agentGraphs", found["key"]) for found in listed]
    paths = [_path(reader.project, address) for address in addresses]
    payloads = await reader.gather(paths, beta=True)
    return [
        (address, observed(payload))
        for address, payload in zip(addresses, payloads, strict=True)
        if payload is not None
    ]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one graph afresh."""
    payload = await get_or_none(reader, _path(reader.project, address), beta=True)
    return None if payload is None else observed(payload)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST the graph, PATCH changed fields (root and edges always both), DELETE.

    The API cannot clear root and edges by PATCH (reference Q18). Clearing them is a DELETE and a
    POST of the same key without them: the graph is absent for a moment, and if the POST fails it
    stays absent until the next apply with a consent `drift`.
    """
    address = change.address
    path = _path(facts.project, address)
    match change:
        case Create(after=after):
            return _create(address, after.managed(), facts)
        case Update(fields=fields):
            live, changed = _live(address, facts), {diff.field: diff.after for diff in fields}
            if any(name in changed and changed[name] is None for name in SHAPE):
                replaced = dict.fromkeys(MAINTAINERS) if _appoints(changed) else {}
                whole = {**live, **replaced, **changed, **dict.fromkeys(SHAPE)}
                delete = Request("DELETE", path, beta=True, address=address)
                return (delete, *_create(address, whole, facts))
            patch = object_patch([diff for diff in fields if diff.field not in SHAPE], CLEARED)
            if any(name in changed for name in SHAPE):
                shape = {name: changed.get(name, live.get(name)) for name in SHAPE}
                patch |= {**shape, "edges": _wire_edges(shape["edges"])}
            return (Request("PATCH", path, patch, beta=True, address=address),) if patch else ()
        case Delete():
            return (Request("DELETE", path, beta=True, address=address),)
        case Archive() | Restore() | Transition():
            raise TypeError(f"agent graphs have no {type(change).__name__}")
        case _:
            assert_never(change)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """A graph names the AI Configs at its root and at both ends of every edge."""
    assert isinstance(resource, AgentGraph)
    found = []
    if resource.root_config_key:
        found.append(Reference(ai_config(resource.root_config_key), ("rootConfigKey",)))
    for key, edge in (resource.edges or {}).items():
        found.append(Reference(ai_config(edge.source_config), ("edges", key, "sourceConfig")))
        found.append(Reference(ai_config(edge.target_config), ("edges", key, "targetConfig")))
    return found


def _create(address: Address, managed: Mapping[str, Json], facts: Facts) -> tuple[Request, ...]:
    """Return the POST, and the PATCH that dismisses a maintainer whom the server appoints."""
    body = {"name": address.key, **given(managed), "key": address.key}
    if "edges" in body:
        body["edges"] = _wire_edges(body["edges"])
    post = Request("POST", _collection(facts.project), body, beta=True, address=address)
    dismissed = dismissal(managed)
    patch = Request("PATCH", _path(facts.project, address), dismissed, beta=True, address=address)
    return (post, patch) if dismissed else (post,)


def _live(address: Address, facts: Facts) -> Mapping[str, Json]:
    """Return the live graph: what a PATCH or a new POST must carry along."""
    live = facts.live(address)
    if live is None:
        raise LdconfError(f"{address} is gone from LaunchDarkly", hint="plan again")
    return live.resource.managed()


def _appoints(changed: Mapping[str, Json]) -> bool:
    """True if a maintainer is set, who then replaces the live one of either kind."""
    return any(changed.get(name) for name in MAINTAINERS)


def _edge(edge: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in edge.items() if value not in (None, {})}


def _wire_edges(edges: Mapping[str, Mapping[str, Json]] | None) -> list[Json]:
    return [{"key": key, **edge} for key, edge in (edges or {}).items()]


def _collection(project: str) -> str:
    return f"/projects/{q(project)}/agent-graphs"


def _path(project: str, address: Address) -> str:
    return f"{_collection(project)}/{q(address.key)}"


EXAMPLE = """\
agentGraphs:
  support-team:
    name: Support team
    rootConfigKey: supervisor
    edges:
      to-security: {sourceConfig: supervisor, targetConfig: security, handoff: {toolName: scan}}
      to-support: {sourceConfig: supervisor, targetConfig: support}
"""

AGENT_GRAPH = Kind(
    name="agentGraphs",
    label="agent graph",
    model=AgentGraph,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    phase=Phase.GRAPHS,
    example=EXAMPLE,
)
