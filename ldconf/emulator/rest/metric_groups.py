"""Metric groups, in beta (reference 11)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields, filters
from ldconf.emulator.access import member_summary
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request, conflict
from ldconf.emulator.paging import link, page
from ldconf.emulator.patches.json_patch import apply_json_patch, patch_of
from ldconf.emulator.rest import running
from ldconf.emulator.rest.metrics import MAXIMUM

EDITABLE: Mapping[str, fields.Check] = {
    "name": fields.text,
    "description": fields.text,
    "maintainerId": fields.text,
    "tags": fields.texts,
    "metrics": fields.mappings,
}
POST: Mapping[str, fields.Check] = {"key": fields.text, "kind": fields.text, **EDITABLE}
REQUIRED = ("key", "name", "kind", "maintainerId", "tags", "metrics")
SHOWN_OF_METRIC = (
    *("key", "_versionId", "name", "kind", "isNumeric", "unitAggregationType"),
    *("analysisType", "eventKey", "randomizationUnits", "analysisUnits"),
)


def group_view(call: Call, project: str, group: Mapping[str, Json]) -> dict[str, Json]:
    """Return a metric group with the metrics' own fields beside `nameInGroup`."""
    shown = {name: value for name, value in group.items() if name != "maintainerId"}
    member = group["maintainerId"]
    shown["maintainer"] = {
        "key": member,
        "kind": "member",
        "_member": {"_links": {}, **member_summary(member)},
    }
    shown["metrics"] = [_member_view(call, project, entry) for entry in group["metrics"]]
    shown["_links"] = {"self": link("projects", project, "metric-groups", group["key"])}
    if "experimentCount" in call.names("expand"):
        experiments = running.experiments_measuring(call.store, project, group["key"])
        shown["experimentCount"] = len(experiments)
        active = running.still_measuring(experiments, group["key"])
        shown["activeExperimentCount"] = len(active)
    return shown


def _member_view(call: Call, project: str, entry: Mapping[str, Json]) -> dict[str, Json]:
    metric = call.store.get(Ref(project, "metrics", entry["key"]))
    shown = {name: metric[name] for name in SHOWN_OF_METRIC if metric[name] is not None}
    shown["_links"] = {"self": link("metrics", project, entry["key"])}
    if entry.get("nameInGroup"):
        shown["nameInGroup"] = entry["nameInGroup"]
    return shown


def list_groups(call: Call, project: str) -> Json:
    """List metric groups, at most 50 a page."""
    call.project(project)
    found = call.store.documents(project, "metricGroups")
    found = filters.apply(found, filters.parse(call.param("filter")), FILTERS)
    sort = call.param("sort") or ""
    column = {"name": "name", "createdAt": "_creationDate"}.get(sort.lstrip("-"))
    if column:
        found.sort(key=lambda group: group[column], reverse=sort.startswith("-"))
    elif sort:
        raise bad_request(f"unknown sort {sort}")
    return page(call, found, lambda group: group_view(call, project, group), maximum=MAXIMUM)


def get_group(call: Call, project: str, key: str) -> Json:
    """Return one metric group."""
    return group_view(call, project, _find(call, project, key))


def create_group(call: Call, project: str) -> Json:
    """Make a metric group; a maintainer is needed (Q20)."""
    call.project(project)
    body = fields.pick(call.fields, POST, required=REQUIRED)
    key = fields.key_of(body)
    call.refuse_duplicate(Ref(project, "metricGroups", key), f"metric group {key}")
    if body["kind"] not in ("funnel", "standard"):
        raise bad_request("kind must be funnel or standard")
    now = call.store.clock()
    group = {
        "description": "",
        **_checked(call, project, body["kind"], body),
        "_id": call.store.object_id(),
        "key": key,
        "kind": body["kind"],
        "_creationDate": now,
        "_lastModified": now,
        "_version": 1,
    }
    call.store.put(Ref(project, "metricGroups", key), group)
    _audit(call, project, group, Act("createMetricGroup", "created the metric group"))
    return group_view(call, project, group)


def patch_group(call: Call, project: str, key: str) -> Json:
    """Edit a metric group by JSON patch; key and kind stay."""
    before = _find(call, project, key)
    operations, comment = patch_of(call)
    patched = apply_json_patch(before, operations)
    for name in ("key", "kind"):
        if patched.get(name) != before[name]:
            raise bad_request(f"{name} cannot be changed")
    after = {**before, "description": "", **_checked(call, project, before["kind"], patched)}
    if after != before:
        after["_version"] += 1
        after["_lastModified"] = call.store.clock()
        call.store.put(Ref(project, "metricGroups", key), after)
        _audit(call, project, after, Act("updateMetricGroup", "updated the metric group", comment))
    return group_view(call, project, after)


def delete_group(call: Call, project: str, key: str) -> Json:
    """Delete a metric group; 409 while an experiment that is not over uses it [INF]."""
    group = _find(call, project, key)
    experiments = running.experiments_measuring(call.store, project, key)
    if active := running.still_measuring(experiments, key):
        raise conflict(f"metric group {key} is used by experiment {active[0]['key']}")
    call.store.delete(Ref(project, "metricGroups", key))
    _audit(call, project, group, Act("deleteMetricGroup", "deleted the metric group"))
    return None


def _checked(call: Call, project: str, kind: str, body: Json) -> dict[str, Json]:
    """Return the editable fields; names are needed in funnels and refused elsewhere."""
    checked = fields.pick(body, EDITABLE, required=("name", "maintainerId", "tags", "metrics"))
    checked["tags"] = fields.sorted_tags(checked["tags"])
    members = [
        fields.pick(entry, {"key": fields.text, "nameInGroup": fields.text}, required=("key",))
        for entry in checked["metrics"]
    ]
    if not members:
        raise bad_request("metrics must not be empty")
    for member in members:
        if call.store.get(Ref(project, "metrics", member["key"])) is None:
            raise bad_request(f"unknown metric {member['key']!r}")
        if kind == "funnel" and not member.get("nameInGroup"):
            raise bad_request("nameInGroup is required in a funnel")
        if kind == "standard" and member.get("nameInGroup"):
            raise bad_request("nameInGroup must be empty in a standard metric group")
    checked["metrics"] = members
    return checked


def _find(call: Call, project: str, key: str) -> Json:
    call.project(project)
    return call.find(Ref(project, "metricGroups", key), f"metric group {key}")


def _audit(call: Call, project: str, group: Json, act: Act) -> None:
    resource = f"proj/{project}:metric-group/{group['key']}"
    audit.record(call, resource, group["name"], act)


FILTERS: Mapping[str, filters.Test] = {
    "query": lambda group, text: text.lower() in f"{group['key']} {group['name']}".lower(),
    "kind": lambda group, kind: group["kind"] == kind,
    "maintainerIds": lambda group, member: group["maintainerId"] == member,
}
GROUPS = "/projects/{project}/metric-groups"
ROUTES = (
    Route("GET", GROUPS, list_groups, beta=True),
    Route("POST", GROUPS, create_group, status=201, beta=True),
    Route("GET", GROUPS + "/{group}", get_group, beta=True),
    Route("PATCH", GROUPS + "/{group}", patch_group, beta=True),
    Route("DELETE", GROUPS + "/{group}", delete_group, status=204, beta=True),
)
