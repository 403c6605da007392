"""Metrics (reference 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields, filters
from ldconf.emulator.access import member_summary
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.events.last_seen import last_seen
from ldconf.emulator.http import Call, Later, Route, bad_request, conflict
from ldconf.emulator.paging import link, page
from ldconf.emulator.patches.json_patch import apply_json_patch, patch_of
from ldconf.emulator.rest import running
from ldconf.emulator.rest.metric_body import EDITABLE, checked_metric, new_metric

MAXIMUM = 50


def metric_view(call: Call, project: str, metric: Mapping[str, Json]) -> dict[str, Json]:
    """Return a metric; fields that are not set are left out."""
    key = metric["key"]
    shown = {name: value for name, value in metric.items() if value is not None}
    shown["_links"] = {
        "self": link("metrics", project, key),
        "parent": link("metrics", project),
    }
    shown["_site"] = link("projects", project, "metrics", key, site=True)
    shown["lastModified"] = {"date": metric["lastModified"]}
    shown["isActive"] = bool(running.experiments_measuring(call.store, project, key))
    if shown.get("maintainerId"):
        shown["_maintainer"] = {"_links": {}, **member_summary(shown["maintainerId"])}
    return shown


def list_metrics(call: Call, project: str) -> Json:
    """List metrics, at most 50 a page."""
    call.project(project)
    found = call.store.documents(project, "metrics")
    wanted = filters.parse(call.param("filter"))
    found = filters.apply(found, wanted, FILTERS)
    sort = call.param("sort") or ""
    column = {"name": "name", "createdAt": "_creationDate"}.get(sort.lstrip("-"))
    if column:
        found.sort(key=lambda metric: metric[column], reverse=sort.startswith("-"))
    elif sort:
        raise bad_request(f"unknown sort {sort}")
    count = "experimentCount" in call.names("expand")
    answer = page(
        call,
        found,
        lambda metric: {
            **metric_view(call, project, metric),
            **(_counts(call, project, metric["key"], {"experimentCount"}) if count else {}),
        },
        maximum=MAXIMUM,
    )
    return Later(lambda: {**answer, "items": _seen(call, project, answer["items"])})


def get_metric(call: Call, project: str, key: str) -> Json:
    """Return one metric; `expand` adds experiments and metric groups."""
    metric = _find(call, project, key)
    expand = call.names("expand")
    answer = {**metric_view(call, project, metric), **_counts(call, project, key, expand)}
    return Later(lambda: _seen(call, project, [answer])[0])


def create_metric(call: Call, project: str) -> Json:
    """Make a metric. A maintainer is not applied on create (Q21)."""
    call.project(project)
    call.refuse_race()
    body = fields.pick(call.fields, {"key": fields.text}, required=("key",))
    key = fields.key_of(body)
    call.refuse_duplicate(Ref(project, "metrics", key), f"metric {key}", status=409)
    metric = new_metric(call.store, key, call.fields)
    call.store.put(Ref(project, "metrics", key), metric)
    _audit(call, project, metric, Act("createMetric", "created the metric"))
    return metric_view(call, project, metric)


def patch_metric(call: Call, project: str, key: str) -> Json:
    """Edit a metric by JSON patch; a change makes a new `_version` and `_versionId`."""
    before = _find(call, project, key)
    call.refuse_race()
    operations, comment = patch_of(call)
    patched = apply_json_patch({n: v for n, v in before.items() if v is not None}, operations)
    for name in ("key", "_id"):
        if patched.get(name) != before[name]:
            raise bad_request(f"{name} cannot be changed")
    checked = {**dict.fromkeys(EDITABLE), **checked_metric(patched)}
    if checked["kind"] != before["kind"]:
        raise bad_request("kind cannot be changed")
    after = {**before, **checked}
    if after != before:
        after["_version"] += 1
        after["_versionId"] = call.store.object_id()
        after["lastModified"] = call.store.clock()
        call.store.put(Ref(project, "metrics", key), after)
        _audit(call, project, after, Act("updateMetric", "updated the metric", comment))
    return metric_view(call, project, after)


def delete_metric(call: Call, project: str, key: str) -> Json:
    """Delete a metric; 409 while a metric group or an experiment that is not over uses it.

    [INF, U28]
    """
    metric = _find(call, project, key)
    groups = _groups(call, project, key)
    if groups:
        raise conflict(f"metric {key} is used by metric group {groups[0]['key']}")
    experiments = running.experiments_measuring(call.store, project, key)
    if active := running.still_measuring(experiments, key):
        raise conflict(f"metric {key} is used by experiment {active[0]['key']}")
    call.store.delete(Ref(project, "metrics", key))
    _audit(call, project, metric, Act("deleteMetric", "deleted the metric"))
    return None


def _seen(call: Call, project: str, metrics: Sequence[Json]) -> list[Json]:
    """Return the views with the time of their newest event, where there was one."""
    keys = {metric["eventKey"] for metric in metrics if metric.get("eventKey")}
    newest = last_seen(call.events, project, keys)
    return [
        {**metric, "lastSeen": newest[metric["eventKey"]]}
        if metric.get("eventKey") in newest
        else metric
        for metric in metrics
    ]


def _counts(
    call: Call, project: str, key: str, expand: set[str] | frozenset[str]
) -> dict[str, Json]:
    """Return the expanded fields that say who uses a metric."""
    if not expand:
        return {}
    experiments = running.experiments_measuring(call.store, project, key)
    groups = _groups(call, project, key)
    available: dict[str, Json] = {
        "experimentCount": len(experiments),
        "activeExperimentCount": len(running.still_measuring(experiments, key)),
        "metricGroupCount": len(groups),
        "experiments": [
            {
                "key": found["key"],
                "name": found["name"],
                "environmentId": call.environment(project, found["environmentKey"])["_id"],
                "environmentKey": found["environmentKey"],
                "creationDate": found["_creationDate"],
                "_links": {},
            }
            for found in experiments
        ],
        "metricGroups": [
            {
                "key": group["key"],
                "name": group["name"],
                "kind": group["kind"],
                "_links": {"self": link("projects", project, "metric-groups", group["key"])},
            }
            for group in groups
        ],
    }
    if "experimentCount" in expand:
        expand = expand | {"activeExperimentCount"}
    return {name: value for name, value in available.items() if name in expand}


def _groups(call: Call, project: str, key: str) -> list[Json]:
    return [
        group
        for group in call.store.documents(project, "metricGroups")
        if any(member["key"] == key for member in group["metrics"])
    ]


def _find(call: Call, project: str, key: str) -> Json:
    call.project(project)
    return call.find(Ref(project, "metrics", key), f"metric {key}")


def _audit(call: Call, project: str, metric: Json, act: Act) -> None:
    resource = f"proj/{project}:metric/{metric['key']}"
    audit.record(call, resource, metric["name"], act)


FILTERS: Mapping[str, filters.Test] = {
    "query": lambda metric, text: text.lower() in f"{metric['key']} {metric['name']}".lower(),
    "tags": lambda metric, tag: tag in metric["tags"],
    "eventKeys": lambda metric, key: metric["eventKey"] == key,
    "isNumeric": lambda metric, text: metric["isNumeric"] == (text == "true"),
    "maintainerIds": lambda metric, member: metric["maintainerId"] == member,
    "unitAggregationType": lambda metric, kind: metric["unitAggregationType"] == kind,
}
METRICS = "/metrics/{project}"
ROUTES = (
    Route("GET", METRICS, list_metrics),
    Route("POST", METRICS, create_metric, status=201),
    Route("GET", METRICS + "/{metric}", get_metric),
    Route("PATCH", METRICS + "/{metric}", patch_metric),
    Route("DELETE", METRICS + "/{metric}", delete_metric, status=204),
)
