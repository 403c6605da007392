"""Tools: functions that a variation may call. Source: reference section 7 (`ai-tools`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, assert_never

from pydantic import Field, model_validator

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.kind import Facts, Kind, Reader, Reference, Request
from ldconf.core.resource import Json, Observed, Resource, Str
from ldconf.kinds.wire import (
    check_maintainer,
    dismissal,
    get_or_none,
    given,
    maintainer,
    object_patch,
    q,
    sorted_set,
    tags,
    text,
    unsupported,
)

CLEARED: Mapping[str, Json] = {"description": "", "customParameters": {}, "tags": []}


class Tool(Resource):
    """A function a variation may call. A change of content makes a new version."""

    required_to_create: ClassVar[frozenset[str]] = frozenset({"schema"})

    description: Str | None = Field(default=None, description="What the model is told about it")
    schema_: dict[Str, Json] = Field(
        default_factory=dict,
        alias="schema",
        description="JSON Schema of the parameters, sent as it stands",
    )
    custom_parameters: dict[Str, Json] | None = Field(
        default=None, description="For the application; the model does not see them"
    )
    tags: list[Str] | None = Field(default=None, description="Tags, a set")
    maintainer_id: Str | None = Field(default=None, description="Member id")
    maintainer_team_key: Str | None = Field(default=None, description="Team key")

    @model_validator(mode="after")
    def _one_maintainer(self) -> Tool:
        check_maintainer(self.maintainer_id, self.maintainer_team_key)
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Tags are a set; the schema is raw JSON, and `{}` is a schema too (reference U26)."""
        if name == "schema":
            return value
        return sorted_set(value) if name == "tags" else super().canonical(name, value)

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> Tool:
        """Project an AITool. A function-calling wrapper around the schema is kept as it is."""
        member, team = maintainer(payload)
        return cls.model_construct(
            description=text(payload.get("description")),
            schema_=payload.get("schema") or {},
            custom_parameters=payload.get("customParameters") or None,
            tags=tags(payload),
            maintainer_id=member,
            maintainer_team_key=team,
        )


def observed(payload: Mapping[str, Json]) -> Observed:
    """Return a live tool. `meta`: `raw`, and `unsupported` if no file could hold it."""
    tool = Tool.from_api(payload)
    meta: dict[str, Json] = {"raw": payload}
    if problem := unsupported(tool):
        meta["unsupported"] = problem
    return Observed(tool, version=payload.get("version"), meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read the latest version of every tool from the list endpoint."""
    payloads = await reader.list(_collection(reader.project), params={"limit": "50"})
    return [(Address.of("tools", found["key"]), observed(found)) for found in payloads]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read the latest version of one tool afresh."""
    payload = await get_or_none(reader, _path(reader.project, address))
    return None if payload is None else observed(payload)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST the tool, PATCH changed fields (a new version), DELETE."""
    address = change.address
    path = _path(facts.project, address)
    match change:
        case Create(after=after):
            managed = after.managed()
            body = {**given(managed), "key": address.key}
            post = Request("POST", _collection(facts.project), body, creates=True, address=address)
            dismissed = dismissal(managed)
            dismiss = Request("PATCH", path, dismissed, address=address)
            return (post, dismiss) if dismissed else (post,)
        case Update(fields=fields):
            patch = object_patch(fields, CLEARED)
            return (Request("PATCH", path, patch, address=address),) if patch else ()
        case Delete():
            return (Request("DELETE", path, address=address),)
        case Archive() | Restore() | Transition():
            raise TypeError(f"tools have no {type(change).__name__}")
        case _:
            assert_never(change)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """A tool names no other managed object."""
    return ()


def _collection(project: str) -> str:
    return f"/projects/{q(project)}/ai-tools"


def _path(project: str, address: Address) -> str:
    return f"{_collection(project)}/{q(address.key)}"


EXAMPLE = """\
tools:
  get_product:
    description: Look up a product by its id
    schema:
      type: object
      properties:
        productId: {type: string, description: Id of the product}
      required: [productId]
      additionalProperties: false
    customParameters: {table: products}
"""

TOOL = Kind(
    name="tools",
    label="tool",
    model=Tool,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    example=EXAMPLE,
)
