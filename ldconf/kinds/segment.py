"""Segments: named audiences, one per environment. Source: reference section 15.

Big (`unbounded`) and synced segments are observed only: their members are data, not settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from pydantic import Field, model_validator

from ldconf.core.address import Address, segment
from ldconf.core.change import (
    Archive,
    Change,
    Create,
    Delete,
    FieldDiff,
    Restore,
    Transition,
    Update,
)
from ldconf.core.kind import Facts, Kind, Problem, Reader, Reference, Request
from ldconf.core.resource import Json, Observed, Resource, Str
from ldconf.kinds.clause import segment_references
from ldconf.kinds.segment_members import (
    MEMBERS,
    ContextTargets,
    by_kind,
    is_user,
    members,
    others,
    users,
)
from ldconf.kinds.segment_rule import SegmentRule, canonical_rule, wire_rules
from ldconf.kinds.wire import get_or_none, given, json_patch, q, sorted_set, tags, text, unsupported

SHELL = ("name", "description", "tags")  # all that the API reads of a POST
CLEARED: Mapping[str, Json] = {
    "description": "",
    "tags": [],
    "rules": [],
    **{name: [] for name in (*MEMBERS, *MEMBERS.values())},
}


class Segment(Resource):
    """An audience: individual members, and rules for the rest."""

    name: Str = Field(default="", min_length=1, description="Display name; the key if absent")
    description: Str | None = Field(default=None, description="Who this is")
    tags: list[Str] | None = Field(default=None, description="Tags, a set")
    included: list[Str] | None = Field(default=None, description="Keys of users always inside")
    excluded: list[Str] | None = Field(
        default=None, description="Keys of users never inside by a rule"
    )
    included_contexts: list[ContextTargets] | None = Field(
        default=None, description="Contexts of other kinds always inside"
    )
    excluded_contexts: list[ContextTargets] | None = Field(
        default=None, description="Contexts of other kinds never inside by a rule"
    )
    rules: list[SegmentRule] | None = Field(
        default=None, description="Inside if any of these matches"
    )

    @model_validator(mode="after")
    def _nobody_is_both(self) -> Segment:
        """The API refuses a context that is both included and excluded (reference 15)."""
        inside = members(self.included, self.included_contexts)
        outside = members(self.excluded, self.excluded_contexts)
        for kind, key in sorted(inside & outside):
            raise ValueError(f"{kind} {key!r} is both included and excluded")
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Members are sets, one entry per context kind; rules keep their order."""
        if name == "tags" or name in MEMBERS:
            return sorted_set(value)
        if name in MEMBERS.values():
            return by_kind(value or ())
        if name == "rules":
            return [canonical_rule(rule) for rule in value or ()] or None
        return super().canonical(name, value)

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> Segment:
        """Project a UserSegment; ids, `version`, `generation`, dates and `_flags` drop here."""
        return cls.model_construct(
            name=text(payload.get("name")) or "",
            description=text(payload.get("description")),
            tags=tags(payload),
            included=users(payload, "included"),
            excluded=users(payload, "excluded"),
            included_contexts=others(payload, "includedContexts"),
            excluded_contexts=others(payload, "excludedContexts"),
            rules=[SegmentRule.from_api(rule) for rule in payload.get("rules") or ()],
        )


def observed(payload: Mapping[str, Json]) -> Observed:
    """Return a live segment.

    `meta`: `raw`, and `unsupported` for big and synced segments and for what no file could hold.
    """
    found = Segment.from_api(payload)
    meta: dict[str, Json] = {"raw": payload}
    if payload.get("_external"):
        meta["unsupported"] = f"synced segment ({payload['_external']})"
    elif payload.get("unbounded"):
        meta["unsupported"] = "big segment"
    elif problem := unsupported(found):
        meta["unsupported"] = problem
    return Observed(found, version=payload.get("version"), meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read the segments of every environment, managed or not: users are looked up in all."""
    found: list[tuple[Address, Observed]] = []
    for environment in reader.environments:
        path = _collection(reader.project, environment.key)
        payloads = await reader.list(path, params={"limit": "50"})
        found += [(segment(one["key"], environment.key), observed(one)) for one in payloads]
    return found


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one segment afresh."""
    payload = await get_or_none(reader, _path(reader.project, address))
    return None if payload is None else observed(payload)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST the shell, then JSON patch what a POST ignores (reference 15); JSON patch; DELETE.

    No targeting is patched that is empty or unchanged: approvals gate even a patch without effect.
    """
    address = change.address
    path = _path(facts.project, address)
    match change:
        case Create(after=after):
            fields = given(after.managed())
            shell = {name: fields.pop(name) for name in SHELL if name in fields}
            body = {"name": address.key, **shell, "key": address.key}
            collection = _collection(facts.project, address.environment or "")
            create = Request("POST", collection, body, address=address)
            patch = [_operation("add", name, _wire(name, fields[name])) for name in fields]
            return (create, *_patched(path, patch, address, facts))
        case Update(fields=diffs):
            live = facts.live(address)
            raw = live.meta["raw"] if live else {}
            patch = json_patch(_with_companions(diffs, raw), raw, CLEARED)
            for operation in patch:
                if operation["path"] == "/rules":
                    operation["value"] = wire_rules(operation["value"], raw.get("rules") or ())
            return _patched(path, patch, address, facts)
        case Delete():
            return (Request("DELETE", path, address=address),)
        case Archive() | Restore() | Transition():
            raise TypeError(f"segments have no {type(change).__name__}")
        case _:
            assert_never(change)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """A segment names the segments of its `segmentMatch` clauses, in its own environment."""
    assert isinstance(resource, Segment)
    environment = address.environment or ""
    return [
        reference
        for index, rule in enumerate(resource.rules or ())
        for reference in segment_references(rule.clauses, environment, ("rules", index, "clauses"))
    ]


def check(address: Address, resource: Resource) -> Sequence[Problem]:
    """A segment cannot be defined by itself."""
    return [
        Problem("a segment cannot name itself", reference.path)
        for reference in references(address, resource)
        if reference.target == address
    ]


def _patched(
    path: str, patch: Sequence[Json], address: Address, facts: Facts
) -> tuple[Request, ...]:
    """Return the PATCH of these operations, if there are any."""
    body = {"comment": facts.comment, "patch": patch}
    return (Request("PATCH", path, body, address=address),) if patch else ()


def _operation(verb: str, name: str, value: Json) -> dict[str, Json]:
    return {"op": verb, "path": f"/{name}", "value": value}


def _wire(name: str, value: Json) -> Json:
    return wire_rules(value) if name == "rules" else value


def _with_companions(diffs: Iterable[FieldDiff], raw: Mapping[str, Json]) -> list[FieldDiff]:
    """Return the diffs, and one more for the other place where the API may keep the same users.

    Users can stand in `included` and in `includedContexts`; we compare them as one. If they stand
    in the latter, writing either field alone would leave or lose them.
    """
    found = {diff.field: diff for diff in diffs}
    for plain, contexts in MEMBERS.items():
        changed = plain in found or contexts in found
        if changed and any(is_user(entry) for entry in raw.get(contexts) or ()):
            live = Segment.from_api(raw).managed()
            for name in (plain, contexts):
                found.setdefault(name, FieldDiff(name, live[name], live[name]))
    return list(found.values())


def _collection(project: str, environment: str) -> str:
    return f"/segments/{q(project)}/{q(environment)}"


def _path(project: str, address: Address) -> str:
    return f"{_collection(project, address.environment or '')}/{q(address.key)}"


EXAMPLE = """\
segments:
  premium-customers:
    production:
      name: Premium customers
      included: [vip-1]
      includedContexts: [{contextKind: organization, values: [acme]}]
      rules:
        - description: Paying
          clauses: [{attribute: plan, op: in, values: [premium]}]
          weight: 50
"""

SEGMENT = Kind(
    name="segments",
    label="segment",
    model=Segment,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    check=check,
    example=EXAMPLE,
)
