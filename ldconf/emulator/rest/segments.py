"""Segments, per environment (reference 15)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields, filters
from ldconf.emulator.approval_rules import refuse_unapproved
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request, conflict
from ldconf.emulator.paging import link, page
from ldconf.emulator.patches.json_patch import apply_json_patch, merge_patch, patch_of
from ldconf.emulator.patches.rules import instructions_of, new_clauses
from ldconf.emulator.patches.segment_patch import SegmentPatch, check_membership
from ldconf.emulator.store import Store

POST: Mapping[str, fields.Check] = {
    "key": fields.text,
    "name": fields.text,
    "description": fields.text,
    "tags": fields.texts,
    "unbounded": fields.flag,
    "unboundedContextKind": fields.text,
}
TARGETING: Mapping[str, fields.Check] = {
    "included": fields.texts,
    "excluded": fields.texts,
    "includedContexts": fields.mappings,
    "excludedContexts": fields.mappings,
    "rules": fields.mappings,
}
EDITABLE: Mapping[str, fields.Check] = {
    "name": fields.text,
    "description": fields.text,
    "tags": fields.texts,
    **TARGETING,
}
RULE: Mapping[str, fields.Check] = {
    "_id": fields.text,
    "description": fields.text,
    "weight": fields.integer,
    "rolloutContextKind": fields.text,
    "bucketBy": fields.text,
}


def segment_view(project: str, environment: str, segment: Mapping[str, Json]) -> dict[str, Json]:
    """Return a segment."""
    links = {
        "self": link("segments", project, environment, segment["key"]),
        "parent": link("segments", project, environment),
    }
    return {**segment, "_links": links}


def get_segment(call: Call, project: str, environment: str, key: str) -> Json:
    """Return one segment; `_flags` names the AI Configs whose rules use it."""
    segment = _find(call, project, environment, key)
    users = configs_matching(call.store, project, environment, key)
    flags = [
        {
            "name": call.store.get(Ref(project, "aiConfigs", config))["name"],
            "key": config,
            "_links": {"self": link("flags", project, config)},
        }
        for config in users
    ]
    return {**segment_view(project, environment, segment), "_flags": flags}


def list_segments(call: Call, project: str, environment: str) -> Json:
    """List the segments of an environment."""
    call.environment(project, environment)
    found = call.store.documents(project, "segments", environment)
    found = filters.apply(found, filters.parse(call.param("filter")), FILTERS)
    sort = call.param("sort") or ""
    columns = {"name": "name", "creationDate": "creationDate", "lastModified": "lastModifiedDate"}
    column = columns.get(sort.lstrip("-"))
    if column:
        found.sort(key=lambda segment: segment[column], reverse=sort.startswith("-"))
    elif sort:
        raise bad_request(f"unknown sort {sort}")
    return page(call, found, lambda one: segment_view(project, environment, one))


def create_segment(call: Call, project: str, environment: str) -> Json:
    """Make an empty segment: rules and members in the body are ignored (reference 15)."""
    call.environment(project, environment)
    call.refuse_race()
    body = fields.pick(call.fields, POST, required=("key", "name"))
    key = fields.key_of(body)
    ref = Ref(project, "segments", key, environment)
    call.refuse_duplicate(ref, f"segment {key}", status=409)
    now = call.store.clock()
    segment: dict[str, Json] = {
        "key": key,
        "name": body["name"],
        "description": body.get("description", ""),
        "tags": fields.sorted_tags(body.get("tags")),
        "unbounded": body.get("unbounded", False),
        "included": [],
        "excluded": [],
        "includedContexts": [],
        "excludedContexts": [],
        "rules": [],
        "version": 1,
        "generation": 1,
        "deleted": False,
        "creationDate": now,
        "lastModifiedDate": now,
    }
    if body.get("unbounded"):
        segment["unboundedContextKind"] = body.get("unboundedContextKind") or "user"
    call.store.put(ref, segment)
    _audit(call, project, environment, segment, Act("createSegment", "created the segment"))
    return segment_view(project, environment, segment)


def patch_segment(call: Call, project: str, environment: str, key: str) -> Json:
    """Edit a segment by semantic patch, JSON patch or JSON merge patch; `dryRun` only checks.

    Changes of members and rules may need an approval, name, description and tags never (16.1).
    """
    before = _find(call, project, environment, key)
    call.refuse_race()
    after, comment = _edited(call, environment, before)
    if _touches_targeting(call, before, after):
        refuse_unapproved(call, project, [environment], "segment", before["tags"])
    if after == before:
        return segment_view(project, environment, before)
    if call.param("dryRun") in (None, "false"):
        after = store_change(call, project, environment, after, comment)
    return segment_view(project, environment, after)


def store_change(
    call: Call, project: str, environment: str, after: Json, comment: Json
) -> dict[str, Json]:
    """Store a changed segment as its next version and return it."""
    now = call.store.clock()
    stored = {**after, "version": after["version"] + 1, "lastModifiedDate": now}
    call.store.put(Ref(project, "segments", after["key"], environment), stored)
    _audit(call, project, environment, stored, Act("updateSegment", "updated the segment", comment))
    return stored


def _edited(call: Call, environment: str, before: Json) -> tuple[dict[str, Json], Json]:
    if call.is_semantic:
        body = call.fields
        if body.get("environmentKey") != environment:
            raise bad_request("environmentKey must name the environment of the segment")
        patch = SegmentPatch(before, call.store.uuid)
        patch.apply(instructions_of(body))
        return patch.segment, body.get("comment")
    body = call.body
    if isinstance(body, dict) and isinstance(body.get("merge"), dict):
        return _checked(call.store, before, merge_patch(before, body["merge"])), body.get("comment")
    if "merge-patch" in call.content_type:
        return _checked(call.store, before, merge_patch(before, call.fields)), ""
    operations, comment = patch_of(call)
    return _checked(call.store, before, apply_json_patch(before, operations)), comment


def _checked(store: Store, before: Json, patched: Json) -> dict[str, Json]:
    """Return a segment after a patch of its JSON: only editable fields, with ids in its rules."""
    for name in ("key", "unbounded", "unboundedContextKind"):
        if patched.get(name) != before.get(name):
            raise bad_request(f"{name} cannot be changed")
    body = fields.pick(patched, EDITABLE, required=("name",))
    after = {**before, "description": "", **{n: [] for n in ("tags", *TARGETING)}, **body}
    after["tags"] = fields.sorted_tags(after["tags"])
    for name in ("includedContexts", "excludedContexts"):
        kinds = {"contextKind": fields.text, "values": fields.texts}
        after[name] = [fields.pick(e, kinds, required=("values",)) for e in after[name]]
        for entry in after[name]:
            entry.setdefault("contextKind", "user")
    after["rules"] = [_rule(store, rule) for rule in after["rules"]]
    check_membership(after)
    return after


def _rule(store: Store, rule: Json) -> dict[str, Json]:
    body = fields.pick(rule, RULE)
    body.setdefault("_id", store.uuid())
    if not 0 <= body.get("weight", 0) <= 100_000:
        raise bad_request("weight must be an integer from 0 to 100000")
    clauses = rule.get("clauses") or []
    fresh = new_clauses(clauses, store.uuid)
    for clause, given in zip(fresh, clauses, strict=True):
        clause["_id"] = given.get("_id") or clause["_id"]
    return {**body, "clauses": fresh}


def _touches_targeting(call: Call, before: Json, after: Json) -> bool:
    """True if a patch is about members or rules, even if it changes nothing (Q26, reference 15)."""
    if any(after[name] != before[name] for name in TARGETING):
        return True
    if call.is_semantic or not isinstance(call.body, list | dict):
        return False
    operations = call.body if isinstance(call.body, list) else call.body.get("patch") or ()
    return any(op["path"].split("/")[1] in TARGETING for op in operations if op["op"] != "test")


def delete_segment(call: Call, project: str, environment: str, key: str) -> Json:
    """Delete a segment; 409 while a rule uses it [INF]. Not gated by approvals."""
    segment = _find(call, project, environment, key)
    configs = configs_matching(call.store, project, environment, key)
    if configs:
        raise conflict(f"segment {key} is used by a rule of AI Config {configs[0]}")
    for other in call.store.documents(project, "segments", environment):
        if other["key"] != key and _matches(other["rules"], key):
            raise conflict(f"segment {key} is used by a rule of segment {other['key']}")
    call.store.delete(Ref(project, "segments", key, environment))
    _audit(call, project, environment, segment, Act("deleteSegment", "deleted the segment"))
    return None


def configs_matching(store: Store, project: str, environment: str, segment: str) -> list[str]:
    """Return the keys of the AI Configs with a rule on a segment in this environment."""
    return [
        document["key"]
        for document in store.documents(project, "targeting")
        if _matches(document["environments"][environment]["rules"], segment)
    ]


def _matches(rules: Json, segment: str) -> bool:
    return any(
        clause["op"] == "segmentMatch" and segment in clause["values"]
        for rule in rules
        for clause in rule["clauses"]
    )


def _find(call: Call, project: str, environment: str, key: str) -> Json:
    call.environment(project, environment)
    return call.find(Ref(project, "segments", key, environment), f"segment {key}")


def _audit(call: Call, project: str, environment: str, segment: Json, act: Act) -> None:
    resource = f"proj/{project}:env/{environment}:segment/{segment['key']}"
    audit.record(call, resource, segment["name"], act)


FILTERS: Mapping[str, filters.Test] = {
    "query": lambda segment, text: text.lower() in f"{segment['key']} {segment['name']}".lower(),
    "tags": lambda segment, tag: tag in segment["tags"],
    "includedKeys": lambda segment, key: key in segment["included"],
    "excludedKeys": lambda segment, key: key in segment["excluded"],
    "unbounded": lambda segment, text: segment["unbounded"] == (text == "true"),
}
SEGMENTS = "/segments/{project}/{environment}"
ROUTES = (
    Route("GET", SEGMENTS, list_segments),
    Route("POST", SEGMENTS, create_segment, status=201),
    Route("GET", SEGMENTS + "/{segment}", get_segment),
    Route("PATCH", SEGMENTS + "/{segment}", patch_segment),
    Route("DELETE", SEGMENTS + "/{segment}", delete_segment, status=204),
)
