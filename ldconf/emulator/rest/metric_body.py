"""What a metric may hold, per kind (reference 10.2)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.http import bad_request
from ldconf.emulator.store import Store

KINDS = ("custom", "click", "pageview", "trace")
CRITERIA = ("HigherThanBaseline", "LowerThanBaseline")
EDITABLE: Mapping[str, fields.Check] = {
    "name": fields.text,
    "description": fields.text,
    "kind": fields.text,
    "tags": fields.texts,
    "eventKey": fields.text,
    "isNumeric": fields.flag,
    "unit": fields.text,
    "successCriteria": fields.text,
    "selector": fields.text,
    "urls": fields.mappings,
    "analysisUnits": fields.texts,
    "randomizationUnits": fields.texts,
    "unitAggregationType": fields.text,
    "analysisType": fields.text,
    "percentileValue": fields.integer,
    "eventDefault": fields.mapping,
    "maintainerId": fields.text,
    "dataSource": fields.mapping,
    "filters": fields.mapping,
    "traceQuery": fields.text,
    "traceValueLocation": fields.text,
    "winsorLowerPercentile": fields.number,
    "winsorUpperPercentile": fields.number,
    "winsorIncludeImputed": fields.flag,
}
ENUMS = {
    "successCriteria": CRITERIA,
    "unitAggregationType": ("average", "sum"),
    "analysisType": ("mean", "percentile"),
}
URL_FIELDS = {"exact": "url", "canonical": "url", "substring": "substring", "regex": "pattern"}


def new_metric(store: Store, key: str, body: Mapping[str, Json]) -> dict[str, Json]:
    """Return a metric to keep. A maintainer is not applied on create (Q21)."""
    checked = checked_metric({**body, "maintainerId": None})
    now = store.clock()
    return {
        **dict.fromkeys(EDITABLE),
        "name": key,
        "description": "",
        "tags": [],
        "dataSource": {"key": "launchdarkly"},
        "_id": store.object_id(),
        "_versionId": store.object_id(),
        "key": key,
        "_version": 1,
        "_creationDate": now,
        "lastModified": now,
        **checked,
    }


def checked_metric(body: Json) -> dict[str, Json]:
    """Return the fields to keep of a whole metric; 400 for what the API refuses."""
    metric = fields.pick(body, EDITABLE, required=("kind",))
    for name in ENUMS:  # the provider sends "" for what does not apply (reference 10.4)
        if metric.get(name) == "":
            del metric[name]
    if metric["kind"] not in KINDS:
        raise bad_request(f"kind must be one of {', '.join(KINDS)}")
    metric["tags"] = fields.sorted_tags(metric.get("tags"))
    _check_kind(metric)
    _check_values(metric)
    _check_analysis(metric)
    units = metric.pop("randomizationUnits", None)  # deprecated spelling of analysisUnits
    metric.setdefault("analysisUnits", units or ["user"])
    metric["randomizationUnits"] = metric["analysisUnits"]
    metric.setdefault("successCriteria", CRITERIA[0])
    metric.setdefault("unitAggregationType", "average")
    metric.setdefault("analysisType", "mean")
    metric.setdefault("eventDefault", {"disabled": metric["analysisType"] == "percentile"})
    if not metric["eventDefault"].get("disabled"):
        metric["eventDefault"] = {
            "disabled": False,
            "value": metric["eventDefault"].get("value", 0),
        }
    return metric


def _check_kind(metric: Mapping[str, Json]) -> None:
    kind = metric["kind"]
    needs = {
        "custom": ("eventKey", "isNumeric"),
        "click": ("selector", "urls"),
        "pageview": ("urls",),
        "trace": ("traceQuery", "isNumeric"),
    }[kind]
    for name in needs:
        if metric.get(name) in (None, "", []):
            raise bad_request(f"{name} is required for a {kind} metric")
    for name in ("eventKey", "isNumeric", "unit"):
        if kind in ("click", "pageview") and metric.get(name):
            raise bad_request(f"{name} is not allowed for a {kind} metric")
    if metric.get("isNumeric"):
        for name in ("unit", "successCriteria"):
            if not metric.get(name):
                raise bad_request(f"{name} is required for a numeric metric")
        if kind == "trace" and not metric.get("traceValueLocation"):
            raise bad_request("traceValueLocation is required for a numeric trace metric")
    for url in metric.get("urls") or ():
        field = URL_FIELDS.get(url.get("kind", ""))
        if field is None or not isinstance(url.get(field), str):
            raise bad_request("each url needs a kind and its url, substring or pattern")


def _check_values(metric: Mapping[str, Json]) -> None:
    for name, allowed in ENUMS.items():
        if name in metric and metric[name] not in allowed:
            raise bad_request(f"{name} must be one of {', '.join(allowed)}")


def _check_analysis(metric: Mapping[str, Json]) -> None:
    percentile = metric.get("analysisType") == "percentile"
    value = metric.get("percentileValue")
    if percentile and value is None:
        raise bad_request("percentileValue is required when analysisType is percentile")
    if value is not None and not 0 <= value <= 100:
        raise bad_request("percentileValue must be between 0 and 100")
    default = metric.get("eventDefault")
    if percentile and default is not None and not default.get("disabled"):
        raise bad_request("eventDefault must be disabled when analysisType is percentile")
    lower, upper = metric.get("winsorLowerPercentile"), metric.get("winsorUpperPercentile")
    for bound in (lower, upper):
        if bound is not None and not 0 < bound < 100:
            raise bad_request("winsor percentiles must lie between 0 and 100")
    if lower is not None and upper is not None and lower >= upper:
        raise bad_request("winsorUpperPercentile must be above winsorLowerPercentile")
