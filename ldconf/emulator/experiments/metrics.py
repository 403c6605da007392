"""The metrics of an iteration: kept in the version that they had when it was made or started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.database import Ref
from ldconf.emulator.http import bad_request
from ldconf.emulator.paging import link
from ldconf.emulator.store import Store

Document = Mapping[str, Json]
INPUT: Mapping[str, fields.Check] = {
    "key": fields.text,
    "isGroup": fields.flag,
    "analysisUnit": fields.text,
}
OF_METRIC = (
    *("key", "_versionId", "name", "kind", "isNumeric", "eventKey"),
    *("analysisType", "unitAggregationType"),
)
OF_GROUP = ("key", "name", "kind")


def metric_rows(store: Store, project: str, bodies: Sequence[Json]) -> list[dict[str, Json]]:
    """Return `metrics[]` of an iteration; 400 for an unknown or doubled metric."""
    rows = [_row(store, project, body) for body in bodies]
    keys = [(row["key"], row["isGroup"]) for row in rows]
    for key in keys:
        if keys.count(key) > 1:
            raise bad_request(f"metric {key[0]!r} is given twice")
    return rows


def primary_of(design: Document, rows: Sequence[Document]) -> dict[str, Json]:
    """Return the key of the primary metric or funnel; it must be one of the metrics. [INF]

    An iteration has one of them, not both (reference 13.2).
    """
    single, funnel = design.get("primarySingleMetricKey"), design.get("primaryFunnelKey")
    if bool(single) == bool(funnel):
        raise bad_request("exactly one of primarySingleMetricKey and primaryFunnelKey is needed")
    name = "primarySingleMetricKey" if single else "primaryFunnelKey"
    key = single or funnel
    kinds = [row["kind"] if row["isGroup"] else "metric" for row in rows if row["key"] == key]
    if ("metric" if single else "funnel") not in kinds:
        what = "metrics" if single else "funnel metric groups"
        raise bad_request(f"{name} {key!r} must be one of the {what} in metrics")
    return {name: key}


def as_metric(row: Document) -> dict[str, Json]:
    """Return a metric as `primarySingleMetric` and `secondaryMetrics` show it."""
    return {name: value for name, value in row.items() if name != "isGroup"}


def _row(store: Store, project: str, body: Json) -> dict[str, Json]:
    checked = fields.pick(body, INPUT, required=("key",))
    key = checked["key"]
    is_group = checked.get("isGroup", False)
    found = store.get(Ref(project, "metricGroups" if is_group else "metrics", key))
    if found is None:
        raise bad_request(f"unknown metric {'group ' if is_group else ''}{key!r}")
    unit = {"analysisUnit": checked["analysisUnit"]} if checked.get("analysisUnit") else {}
    if is_group:
        return {
            **{name: found[name] for name in OF_GROUP},
            "_versionId": f"{found['_id']}-{found['_version']}",
            "isGroup": True,
            "metrics": [_member(store, project, member) for member in found["metrics"]],
            "_links": {"self": link("projects", project, "metric-groups", key)},
            **unit,
        }
    shown = {name: found[name] for name in OF_METRIC if found.get(name) is not None}
    links = {"self": link("metrics", project, key)}
    return {**shown, "isGroup": False, "_links": links, **unit}


def _member(store: Store, project: str, member: Document) -> dict[str, Json]:
    found = store.get(Ref(project, "metrics", member["key"]))
    shown = {name: found[name] for name in OF_METRIC if found.get(name) is not None}
    shown["_links"] = {"self": link("metrics", project, member["key"])}
    if member.get("nameInGroup"):
        shown["nameInGroup"] = member["nameInGroup"]
    return shown
