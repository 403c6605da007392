"""Stand-ins for the protocols that kinds are given, and a server just large enough to answer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.change import Create, Delete, FieldDiff, Update
from ldconf.core.errors import NotFound
from ldconf.core.kind import Kind, Request
from ldconf.core.live import Environment
from ldconf.core.resource import Json, Observed, Resource, same
from ldconf.kinds import agent_graph, metric, metric_group, model_config, segment, tool

OBSERVED: Mapping[str, Callable[[Address, Json], Observed]] = {
    "metrics": lambda _, payload: metric.observed(payload),
    "metricGroups": lambda _, payload: metric_group.observed(_with_maintainer(payload)),
    "modelConfigs": model_config.observed,
    "tools": lambda _, payload: tool.observed(payload),
    "segments": lambda _, payload: segment.observed(payload),
    "agentGraphs": lambda _, payload: agent_graph.observed(payload),
}


@dataclass
class FakeFacts:
    """What requests may ask for at the moment of writing."""

    project: str = "pets"
    member: str | None = "member-1"
    comment: str = "ldconf 0123abc"
    commit: str = "0123abc"
    observed: dict[Address, Observed] = field(default_factory=dict)

    def version(self, address: Address) -> int | None:
        found = self.observed.get(address)
        return found.version if found else None

    def model_name(self, model_config_key: str) -> str | None:
        return None

    def live(self, address: Address) -> Observed | None:
        return self.observed.get(address)

    def targeting(self, ai_config: str) -> Mapping[str, Json]:
        raise AssertionError("no targeting here")


@dataclass
class FakeReader:
    """Answers GETs from a map of paths; lists come back whole, as after paging."""

    answers: Mapping[str, Json]
    project: str = "pets"
    environments: Sequence[Environment] = (Environment("test"), Environment("production"))
    seen: list[tuple[str, bool]] = field(default_factory=list)
    params: list[Mapping[str, str] | None] = field(default_factory=list)

    async def list(
        self, path: str, *, beta: bool = False, params: Mapping[str, str] | None = None
    ) -> Sequence[Mapping[str, Json]]:
        self.seen.append((path, beta))
        self.params.append(params)
        return self.answers[path]

    async def get(self, path: str, *, beta: bool = False) -> Mapping[str, Json]:
        self.seen.append((path, beta))
        if self.answers.get(path) is None:
            raise NotFound("not found", status=404)
        return self.answers[path]

    async def gather(
        self, paths: Iterable[str], *, beta: bool = False
    ) -> Sequence[Mapping[str, Json] | None]:
        wanted = tuple(paths)
        self.seen += [(path, beta) for path in wanted]
        return [self.answers.get(path) for path in wanted]

    def wants(self, address: Address, field: str) -> bool:
        return True

    def wants_targeting(self, ai_config: str) -> bool:
        return True


def create(
    kind: Kind, address: Address, document: Json, facts: FakeFacts | None = None
) -> Sequence[Request]:
    """Return the requests that create a document."""
    resource = kind.model.model_validate(document)
    return kind.requests(Create(address, resource), facts or FakeFacts())


def update(kind: Kind, address: Address, payload: Json, document: Json) -> Sequence[Request]:
    """Return the requests that bring a live payload to a document."""
    live = observe(kind, address, payload)
    resource = kind.model.model_validate(document)
    fields = differences(live.resource, resource)
    facts = FakeFacts(observed={address: live})
    return kind.requests(Update(address, resource, fields), facts)


def delete(kind: Kind, address: Address) -> Sequence[Request]:
    """Return the requests that delete an object."""
    return kind.requests(Delete(address, kind.model.model_construct()), FakeFacts())


def observe(kind: Kind, address: Address, payload: Json) -> Observed:
    """Return a payload as the kind reads it."""
    return OBSERVED[kind.name](address, payload)


def _with_maintainer(group: Json) -> Json:
    """Return a metric group as it is answered: its maintainer is an object (reference 11)."""
    rest = {name: value for name, value in group.items() if name != "maintainerId"}
    if "maintainerId" not in group:
        return rest
    return {**rest, "maintainer": {"key": group["maintainerId"], "kind": "member"}}


def differences(live: Resource, desired: Resource) -> tuple[FieldDiff, ...]:
    """Return the managed fields that differ."""
    before = live.managed()
    return tuple(
        FieldDiff(name, before[name], after)
        for name, after in desired.managed().items()
        if not same(before[name], after)
    )


def served(requests: Iterable[Request], payload: Json = None) -> Json:
    """Return what a server keeps after these requests; unknown patches are errors."""
    kept = copy.deepcopy(payload)
    for request in requests:
        body = copy.deepcopy(request.body)
        if request.method == "POST":
            assert kept is None, "created twice"
            kept = body
        elif request.method == "DELETE":
            kept = None
        else:
            assert request.method == "PATCH"
            assert kept is not None, "patched before it exists"
            operations = body.get("patch") if isinstance(body, Mapping) else body
            kept = {**kept, **body} if operations is None else _patched(kept, operations)
    return kept


def _patched(payload: Mapping[str, Json], operations: Iterable[Json]) -> dict[str, Json]:
    found = dict(payload)
    for operation in operations:
        name = operation["path"].removeprefix("/")
        if operation["op"] == "remove":
            del found[name]
        else:
            assert operation["op"] in ("add", "replace")
            assert operation["op"] == "add" or name in found, "replaced an absent path"
            found[name] = operation["value"]
    return found
