"""Metric groups: metrics that are analysed together. Source: reference section 11 (beta)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, assert_never

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.errors import LdconfError
from ldconf.core.kind import Facts, Kind, Reader, Reference, Request
from ldconf.core.resource import Json, Observed, Part, Resource, Str
from ldconf.kinds.wire import (
    get_or_none,
    given,
    json_patch,
    q,
    sorted_set,
    tags,
    text,
    unsupported,
)

CLEARED: Mapping[str, Json] = {"tags": [], "description": ""}


class MetricInGroup(Part):
    """One metric of a group. A bare text is its key."""

    key: Str = Field(min_length=1, description="Key of the metric")
    name_in_group: Str | None = Field(
        default=None, description="Name of the step: funnels need it, standard groups have none"
    )


def _from_text(value: Json) -> Json:
    return {"key": value} if isinstance(value, str) else value


Entry = Annotated[
    MetricInGroup, BeforeValidator(_from_text, json_schema_input_type=Str | MetricInGroup)
]


class MetricGroup(Resource):
    """A group of metrics: a funnel (ordered steps) or a standard group."""

    immutable: ClassVar[frozenset[str]] = frozenset({"kind"})
    required_to_create: ClassVar[frozenset[str]] = frozenset({"kind", "metrics"})

    name: Str = Field(default="", min_length=1, description="Display name; the key if absent")
    description: Str | None = Field(default=None, description="What the group is for")
    kind: Literal["standard", "funnel"] = Field(
        default="standard", description="`funnel`: the metrics are steps; cannot change later"
    )
    tags: list[Str] | None = Field(default=None, description="Tags, a set")
    metrics: list[Entry] = Field(
        default_factory=list, min_length=1, description="Metrics in order; a text is a key"
    )
    maintainer_id: Str = Field(
        default="", min_length=1, description="Member id; the calling member if absent"
    )

    @field_validator("metrics")
    @classmethod
    def _each_metric_once(cls, metrics: list[MetricInGroup]) -> list[MetricInGroup]:
        keys = [metric.key for metric in metrics]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"metric {key!r} is named twice")
        return metrics

    @model_validator(mode="after")
    def _names_fit_kind(self) -> MetricGroup:
        """Reference 11: a funnel needs `nameInGroup` on each metric, a standard group none."""
        if not {"kind", "metrics"} <= self.managed_names:
            return self
        for metric in self.metrics:
            if self.kind == "funnel" and not metric.name_in_group:
                raise ValueError(f"metric {metric.key!r} of a funnel needs `nameInGroup`")
            if self.kind == "standard" and metric.name_in_group:
                raise ValueError(f"metric {metric.key!r} of a standard group has `nameInGroup`")
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Tags are a set; an empty `nameInGroup` is none; the order of metrics is kept."""
        if name == "tags":
            return sorted_set(value)
        if name == "metrics" and value:
            return [{part: inner for part, inner in entry.items() if inner} for entry in value]
        return super().canonical(name, value)

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> MetricGroup:
        """Project a MetricGroupRep; the maintainer is `{key, kind}`, a team has no field here."""
        keeper = payload.get("maintainer") or {}
        return cls.model_construct(
            name=text(payload.get("name")) or "",
            description=text(payload.get("description")),
            kind=payload.get("kind") or "standard",
            tags=tags(payload),
            metrics=[
                MetricInGroup.model_construct(
                    key=metric.get("key") or "", name_in_group=metric.get("nameInGroup") or None
                )
                for metric in payload.get("metrics") or ()
            ],
            maintainer_id="" if keeper.get("kind") == "team" else keeper.get("key") or "",
        )


def observed(payload: Mapping[str, Json]) -> Observed:
    """Return a live metric group. `meta`: `raw`, and `unsupported` if no file could hold it."""
    group = MetricGroup.from_api(payload)
    meta: dict[str, Json] = {"raw": payload}
    if problem := unsupported(group):
        meta["unsupported"] = problem
    return Observed(group, version=payload.get("_version"), meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read every metric group of the project from the list endpoint (max page size 50)."""
    payloads = await reader.list(_collection(reader.project), beta=True, params={"limit": "50"})
    return [(Address.of("metricGroups", found["key"]), observed(found)) for found in payloads]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one metric group afresh."""
    payload = await get_or_none(reader, _path(reader.project, address), beta=True)
    return None if payload is None else observed(payload)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST the whole group, JSON patch changed paths, DELETE; all with the beta header.

    Raises LdconfError when a service token creates a group that names no maintainer: the API
    wants one, and such a token belongs to no member (reference Q20).
    """
    address = change.address
    path = _path(facts.project, address)
    match change:
        case Create(after=after):
            body = _create_body(address, after, facts)
            path = _collection(facts.project)
            return (Request("POST", path, body, beta=True, address=address),)
        case Update(fields=fields):
            live = facts.live(address)
            patch = json_patch(fields, live.meta["raw"] if live else {}, CLEARED)
            for operation in patch:
                if operation["path"] == "/metrics":
                    operation["value"] = _wire_metrics(operation["value"])
            body = {"comment": facts.comment, "patch": patch}
            return (Request("PATCH", path, body, beta=True, address=address),) if patch else ()
        case Delete():
            return (Request("DELETE", path, beta=True, address=address),)
        case Archive() | Restore() | Transition():
            raise TypeError(f"metric groups have no {type(change).__name__}")
        case _:
            assert_never(change)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """A group names its metrics."""
    assert isinstance(resource, MetricGroup)
    return [
        Reference(Address.of("metrics", metric.key), ("metrics", index, "key"))
        for index, metric in enumerate(resource.metrics)
    ]


def _create_body(address: Address, after: Resource, facts: Facts) -> dict[str, Json]:
    """Return a MetricGroupPost: `tags` and each `nameInGroup` are required even when empty."""
    fields = given(after.managed())
    maintainer = fields.get("maintainerId") or facts.member
    if not maintainer:
        raise LdconfError(
            f"{address} needs a `maintainerId`: the access token is a service token",
            hint="write the id of a member as `maintainerId` of the metric group",
        )
    return {
        "name": address.key,
        "tags": [],
        **fields,
        "key": address.key,
        "maintainerId": maintainer,
        "metrics": _wire_metrics(fields.get("metrics") or ()),
    }


def _wire_metrics(metrics: Sequence[Mapping[str, Json]]) -> list[Json]:
    return [{"key": one["key"], "nameInGroup": one.get("nameInGroup") or ""} for one in metrics]


def _collection(project: str) -> str:
    return f"/projects/{q(project)}/metric-groups"


def _path(project: str, address: Address) -> str:
    return f"{_collection(project)}/{q(address.key)}"


EXAMPLE = """\
metricGroups:
  checkout-funnel:
    name: Checkout funnel
    kind: funnel
    metrics:
      - {key: cart_opened, nameInGroup: Cart}
      - {key: order_placed, nameInGroup: Order}
"""

METRIC_GROUP = Kind(
    name="metricGroups",
    label="metric group",
    model=MetricGroup,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    example=EXAMPLE,
)
