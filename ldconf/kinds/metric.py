"""Metrics: what is measured in experiments. Source: reference section 10 (`/api/v2/metrics`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, assert_never

from pydantic import Field, ValidationError, model_validator

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.kind import Facts, Kind, Problem, Reader, Reference, Request
from ldconf.core.resource import Bool, Int, Json, Number, Observed, Part, Resource, Str
from ldconf.kinds.wire import (
    get_or_none,
    given,
    json_patch,
    q,
    sorted_set,
    tags,
    text,
    unsupported,
    words_of,
)

SETS = frozenset({"tags", "analysisUnits"})
CLEARED: Mapping[str, Json] = {
    "description": "",
    "unit": "",
    "tags": [],
    "eventDefault": {"disabled": False, "value": 0},
    "percentileValue": None,
}
# What a file cannot say about a custom metric; it stays as it is in LaunchDarkly.
UNREPRESENTED: Mapping[str, str] = {
    "filters": "event filters",
    "denominator": "a denominator",
    "valueColumn": "a warehouse column",
    "unitAggregationField": "a warehouse column",
}


class EventDefault(Part):
    """What a unit without events counts as (reference 10.2)."""

    disabled: Bool = Field(default=False, description="true: units without events are left out")
    value: Number | None = Field(default=None, description="Value of units without events; 0")


class Metric(Resource):
    """A metric on custom events. Click, page view and trace metrics are not managed yet."""

    immutable: ClassVar[frozenset[str]] = frozenset({"kind"})
    required_to_create: ClassVar[frozenset[str]] = frozenset({"kind", "eventKey", "isNumeric"})

    name: Str = Field(default="", min_length=1, description="Display name; the key if absent")
    description: Str | None = Field(default=None, description="What the metric tells")
    kind: Literal["custom"] = Field(
        default="custom", description="Only `custom` so far; cannot change later"
    )
    event_key: Str = Field(default="", min_length=1, description="Event key, case sensitive")
    is_numeric: Bool = Field(
        default=False, description="true: events carry a value; false: conversions or counts"
    )
    unit: Str | None = Field(
        default=None, description="Label of the unit, e.g. `ms`; a numeric metric needs one"
    )
    success_criteria: Literal["HigherThanBaseline", "LowerThanBaseline"] = Field(
        default="HigherThanBaseline",
        description="Which direction is better; a numeric metric needs it",
    )
    analysis_units: list[Str] = Field(
        default_factory=list, min_length=1, description="Context kinds, a set, e.g. `user`"
    )
    unit_aggregation_type: Literal["average", "sum"] = Field(
        default="average", description="How the events of one unit are combined"
    )
    analysis_type: Literal["mean", "percentile"] = Field(
        default="mean", description="What is compared between variations"
    )
    percentile_value: Int | None = Field(
        default=None, ge=0, le=100, description="Which percentile; with `analysisType: percentile`"
    )
    event_default: EventDefault | None = Field(
        default=None, description="What units without events count as; 0 if absent"
    )
    winsor_lower_percentile: Number | None = Field(
        default=None, gt=0, lt=100, description="Values below this percentile are raised to it"
    )
    winsor_upper_percentile: Number | None = Field(
        default=None, gt=0, lt=100, description="Values above this percentile are lowered to it"
    )
    winsor_include_imputed: Bool | None = Field(
        default=None, description="true: units without events count for these percentiles"
    )
    tags: list[Str] | None = Field(default=None, description="Tags, a set")
    maintainer_id: Str = Field(default="", min_length=1, description="Member id")

    @model_validator(mode="before")
    @classmethod
    def _percentile_leaves_out(cls, document: Json) -> Json:
        """A percentile metric has to leave out units without events (10.2): the API takes no other
        `eventDefault` beside it, so none and null mean that."""
        if not isinstance(document, Mapping) or document.get("analysisType") != "percentile":
            return document
        if document.get("eventDefault") is not None:
            return document
        return {**document, "eventDefault": {"disabled": True}}

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
        if whole and numeric and "successCriteria" not in given:
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

        What the server leaves out has the server's default (10.2).
        Built without validation: a live metric may be of a kind that files cannot describe yet.
        """
        percentile = payload.get("analysisType") == "percentile"
        default = payload.get("eventDefault") or {"disabled": percentile}
        units = payload.get("analysisUnits") or payload.get("randomizationUnits")
        return cls.model_construct(
            name=text(payload.get("name")) or "",
            description=text(payload.get("description")),
            kind=payload.get("kind") or "custom",
            event_key=payload.get("eventKey") or "",
            is_numeric=bool(payload.get("isNumeric")),
            unit=payload.get("unit") or None,
            success_criteria=payload.get("successCriteria") or "HigherThanBaseline",
            analysis_units=units or [],
            unit_aggregation_type=payload.get("unitAggregationType") or "average",
            analysis_type=payload.get("analysisType") or "mean",
            # What is left of an earlier analysis means nothing.
            percentile_value=payload.get("percentileValue") if percentile else None,
            event_default=EventDefault.model_construct(
                disabled=bool(default.get("disabled")), value=default.get("value")
            ),
            winsor_lower_percentile=payload.get("winsorLowerPercentile"),
            winsor_upper_percentile=payload.get("winsorUpperPercentile"),
            winsor_include_imputed=payload.get("winsorIncludeImputed"),
            tags=tags(payload),
            maintainer_id=payload.get("maintainerId") or "",
        )


def observed(payload: Mapping[str, Json]) -> Observed:
    """Return a live metric.

    `meta`: `raw` (a JSON patch must know which paths exist), and `unsupported` if files cannot
    describe the metric or part of it.
    """
    metric = Metric.from_api(payload)
    meta: dict[str, Json] = {"raw": payload}
    kind = payload.get("kind") or "custom"
    beyond = sorted({words for name, words in UNREPRESENTED.items() if payload.get(name)})
    if kind != "custom":
        meta["unsupported"] = f"{kind} metric"
    elif beyond:
        meta["unsupported"] = f"metric with {' and '.join(beyond)}"
    elif problem := unsupported(metric):
        meta["unsupported"] = problem
    return Observed(metric, version=payload.get("_version"), meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read every metric of the project from the list endpoint (max page size 50)."""
    payloads = await reader.list(_collection(reader.project), params={"limit": "50"})
    return [(Address.of("metrics", found["key"]), observed(found)) for found in payloads]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one metric afresh."""
    payload = await get_or_none(reader, _path(reader.project, address))
    return None if payload is None else observed(payload)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST the whole metric; PATCH only changed paths, so that versions do not churn (10.3)."""
    address = change.address
    path = _path(facts.project, address)
    match change:
        case Create(after=after):
            body = _create_body(address, after)
            keeper = body.pop("maintainerId", None)
            create = Request("POST", _collection(facts.project), body, address=address)
            if keeper is None:
                return (create,)
            # The API does not apply a maintainer on create (reference 10.2, Q21).
            patch = [{"op": "add", "path": "/maintainerId", "value": keeper}]
            body = {"comment": facts.comment, "patch": patch}
            return (create, Request("PATCH", path, body, address=address))
        case Update(fields=fields):
            live = facts.live(address)
            patch = json_patch(fields, live.meta["raw"] if live else {}, CLEARED)
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


def clash(change: Update, live: Observed) -> Sequence[Problem]:
    """What the API answers 400 to because of fields that no file gives (10.2), for example an
    enabled `eventDefault` where LaunchDarkly has `analysisType: percentile`."""
    if live.meta.get("unsupported"):
        return ()
    fields = {diff.field: diff.after for diff in change.fields}
    if "eventDefault" in fields and fields["eventDefault"] is None:
        fields["eventDefault"] = CLEARED["eventDefault"]
    try:
        Metric.model_validate({**live.resource.document(), **fields})
    except ValidationError as err:
        return [Problem(words_of(found)) for found in err.errors(include_url=False)]
    return ()


def _create_body(address: Address, after: Resource) -> dict[str, Json]:
    """Return a MetricPost. A cleared `eventDefault` is sent, because it is the server's own."""
    fields = after.managed()
    body = {"name": address.key, **given(fields), "key": address.key}
    if "eventDefault" in fields and fields["eventDefault"] is None:
        body["eventDefault"] = CLEARED["eventDefault"]
    return body


def _collection(project: str) -> str:
    return f"/metrics/{q(project)}"


def _path(project: str, address: Address) -> str:
    return f"{_collection(project)}/{q(address.key)}"


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
    clash=clash,
    example=EXAMPLE,
)
