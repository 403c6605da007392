"""Metrics: what is measured in experiments. Source: reference section 10 (`/api/v2/metrics`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, assert_never

from pydantic import Field, model_validator

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.errors import NotFound
from ldconf.core.kind import Facts, Kind, Reader, Reference, Request
from ldconf.core.resource import Bool, Int, Json, Number, Observed, Part, Resource, Str
from ldconf.kinds.wire import json_patch, q, sorted_set, tags, text

SETS = frozenset({"tags", "analysisUnits"})


class EventDefault(Part):
    """What a unit without events counts as (reference 10.2)."""

    disabled: Bool = Field(default=False, description="true: units without events are left out")
    value: Number | None = Field(default=None, description="Value of units without events")


class Metric(Resource):
    """A metric on custom events. Click, page view and trace metrics are not managed yet."""

    immutable: ClassVar[frozenset[str]] = frozenset({"kind"})
    required_to_create: ClassVar[frozenset[str]] = frozenset({"kind", "eventKey", "isNumeric"})

    name: Str | None = Field(default=None, description="Display name; the key if absent")
    description: Str | None = Field(default=None, description="What the metric tells")
    kind: Literal["custom"] = Field(default="custom", description="Only `custom` so far")
    event_key: Str = Field(default="", min_length=1, description="Event key, case sensitive")
    is_numeric: Bool = Field(default=False, description="false: conversions or counts")
    unit: Str | None = Field(default=None, description="Label of the unit, e.g. `ms`")
    success_criteria: Literal["HigherThanBaseline", "LowerThanBaseline"] | None = Field(
        default=None, description="Which direction is better"
    )
    analysis_units: list[Str] | None = Field(default=None, description="Context kinds, e.g. user")
    unit_aggregation_type: Literal["average", "sum"] | None = Field(
        default=None, description="How the events of one unit are combined"
    )
    analysis_type: Literal["mean", "percentile"] | None = Field(default=None)
    percentile_value: Int | None = Field(default=None, ge=0, le=100)
    event_default: EventDefault | None = Field(default=None)
    winsor_lower_percentile: Number | None = Field(default=None, gt=0, lt=100)
    winsor_upper_percentile: Number | None = Field(default=None, gt=0, lt=100)
    winsor_include_imputed: Bool | None = Field(default=None)
    tags: list[Str] | None = Field(default=None)
    maintainer_id: Str | None = Field(default=None, description="Member id")

    @model_validator(mode="after")
    def _table_of_reference_10_2(self) -> Metric:
        """Check what the API answers 400 to. A file that gives `kind` defines the metric whole."""
        given = self.managed_names
        whole = "kind" in given
        if whole:
            for name in sorted({"eventKey", "isNumeric"} - given):
                raise ValueError(f"a custom metric needs `{name}`")
        numeric = "isNumeric" in given and self.is_numeric
        if whole and numeric and not self.unit:
            raise ValueError("a numeric metric needs `unit`")
        if whole and numeric and self.success_criteria is None:
            raise ValueError("a numeric metric needs `successCriteria`")
        percentile = self.analysis_type == "percentile"
        if percentile and whole and self.percentile_value is None:
            raise ValueError("`analysisType: percentile` needs `percentileValue`")
        if self.percentile_value is not None and "analysisType" in given and not percentile:
            raise ValueError("`percentileValue` needs `analysisType: percentile`")
        if percentile and self.event_default is not None and not self.event_default.disabled:
            raise ValueError("a percentile metric needs `eventDefault: {disabled: true}`")
        lower, upper = self.winsor_lower_percentile, self.winsor_upper_percentile
        if lower is not None and upper is not None and lower >= upper:
            raise ValueError("`winsorUpperPercentile` must be above `winsorLowerPercentile`")
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Sets are sorted; an enabled `eventDefault` of 0 is the server's own default."""
        if name in SETS:
            return sorted_set(value)
        if name == "eventDefault" and isinstance(value, Mapping):
            if value.get("disabled"):
                return {"disabled": True}
            return {"value": value["value"]} if value.get("value") else None
        return super().canonical(name, value)

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> Metric:
        """Project a MetricRep (reference 10.4); server-owned fields drop here, by name.

        Built without validation: a live metric may be of a kind that files cannot describe yet.
        """
        default = payload.get("eventDefault") or {}
        units = payload.get("analysisUnits") or payload.get("randomizationUnits")
        return cls.model_construct(
            name=text(payload.get("name")),
            description=text(payload.get("description")),
            kind=payload.get("kind", "custom"),
            event_key=payload.get("eventKey") or "",
            is_numeric=bool(payload.get("isNumeric")),
            unit=payload.get("unit") or None,
            success_criteria=payload.get("successCriteria") or None,
            analysis_units=units or None,
            unit_aggregation_type=payload.get("unitAggregationType") or None,
            analysis_type=payload.get("analysisType") or None,
            percentile_value=payload.get("percentileValue"),
            event_default=EventDefault.model_construct(
                disabled=bool(default.get("disabled")), value=default.get("value")
            ),
            winsor_lower_percentile=payload.get("winsorLowerPercentile"),
            winsor_upper_percentile=payload.get("winsorUpperPercentile"),
            winsor_include_imputed=payload.get("winsorIncludeImputed"),
            tags=tags(payload),
            maintainer_id=payload.get("maintainerId") or None,
        )


def observed(payload: Mapping[str, Json]) -> Observed:
    """Return a live metric. `meta`: `unsupported` (kind name) if files cannot describe it,
    `raw` (the payload: a JSON patch must know which paths exist)."""
    kind = payload.get("kind", "custom")
    meta: dict[str, Json] = {"raw": payload}
    if kind != "custom":
        meta["unsupported"] = f"{kind} metric"
    return Observed(Metric.from_api(payload), version=payload.get("_version"), meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read every metric of the project from the list endpoint (max page size 50)."""
    payloads = await reader.list(f"/metrics/{q(reader.project)}", params={"limit": "50"})
    return [(Address.of("metrics", found["key"]), observed(found)) for found in payloads]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one metric afresh."""
    try:
        return observed(await reader.get(_path(reader.project, address)))
    except NotFound:
        return None


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST the whole metric; PATCH only changed paths, so that versions do not churn (10.3)."""
    address = change.address
    path = _path(facts.project, address)
    match change:
        case Create(after=after):
            body = {"key": address.key, "name": address.key, **after.managed()}
            create = Request("POST", f"/metrics/{q(facts.project)}", _given(body), address=address)
            if "maintainerId" not in create.body:
                return (create,)
            # The API does not apply a maintainer on create (reference 10.2, Q21).
            maintainer = {"op": "replace", "path": "/maintainerId", "value": body["maintainerId"]}
            return (create, Request("PATCH", path, [maintainer], address=address))
        case Update(fields=fields):
            live = facts.live(address)
            raw = live.meta["raw"] if live else {}
            patch = json_patch(fields, raw, cleared={"tags": [], "description": "", "unit": ""})
            body = {"comment": facts.comment, "patch": patch}
            return (Request("PATCH", path, body, address=address),) if patch else ()
        case Delete():
            return (Request("DELETE", path, address=address),)
        case Archive() | Restore() | Transition():
            raise TypeError(f"metrics have no {type(change).__name__}")
        case _:
            assert_never(change)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """A metric names no other managed object."""
    return ()


def _path(project: str, address: Address) -> str:
    return f"/metrics/{q(project)}/{q(address.key)}"


def _given(body: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in body.items() if value is not None}


EXAMPLE = """\
metrics:
  p95_total_user_latency:
    name: p95_total_user_latency
    kind: custom
    eventKey: $ld:ai:duration:total
    isNumeric: true
    unit: ms
    unitAggregationType: sum
    analysisType: percentile
    percentileValue: 95
    successCriteria: LowerThanBaseline
    analysisUnits: [user]
"""

METRIC = Kind(
    name="metrics",
    label="metric",
    model=Metric,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    example=EXAMPLE,
)
