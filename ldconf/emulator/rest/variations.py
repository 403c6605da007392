"""Variations of AI Configs and their versions (reference 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields
from ldconf.emulator.approval_rules import refuse_unapproved
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request
from ldconf.emulator.paging import link
from ldconf.emulator.rest.variation_body import checked_body
from ldconf.emulator.targeting_document import (
    DISABLED,
    environments_serving,
    referenced_ids,
    slot_id,
    with_slot,
    without_slot,
)

TEXT_FIELDS = ("instructions", "description")
PATCH: Mapping[str, fields.Check] = {
    "name": fields.text,
    "comment": fields.text,
    "messages": fields.mappings,
    "instructions": fields.text,
    "description": fields.text,
    "model": fields.mapping,
    "modelConfigKey": fields.text,
    "modelConfigVersion": fields.integer,
    "outputFormat": fields.mapping,
    "tools": fields.mappings,
    "judgeConfiguration": fields.mapping,
    "classifiers": fields.mappings,
    "skills": fields.mappings,
    "published": fields.flag,
    "state": fields.text,
}
POST: Mapping[str, fields.Check] = {
    "key": fields.text,
    **{name: check for name, check in PATCH.items() if name != "published"},
}
EMPTY_MODEL = {"modelName": "", "parameters": {}, "custom": {}}
_KEPT_IF_FILLED = ("messages", "tools", "classifiers", "outputFormat", "comment", "modelConfigKey")


@dataclass(frozen=True)
class Shown:
    """What an answer shows of a variation, depending on the switches of `Faults`."""

    texts: bool = True
    tools: bool = True
    empty_texts: bool = True


def variation_view(
    ai_config: Mapping[str, Json], project: str, row: Mapping[str, Json], what: Shown
) -> dict[str, Json]:
    """Return a version of a variation. `instructions` and `description` only in agent mode; empty
    `modelName`, `parameters` and `custom` are injected (Q12)."""
    texts = what.texts and ai_config["mode"] == "agent"
    shown = {
        name: value
        for name, value in row.items()
        if name not in TEXT_FIELDS
        and not (name == "tools" and not what.tools)
        and not (name in _KEPT_IF_FILLED and not value)
    }
    for name in TEXT_FIELDS if texts else ():
        text = row.get(name, "")
        if text or what.empty_texts:
            shown[name] = text
    shown["model"] = {**EMPTY_MODEL, **row["model"]}
    shown["_links"] = {"parent": link("projects", project, "ai-configs", ai_config["key"])}
    return shown


def get_variation(call: Call, project: str, config: str, key: str) -> Json:
    """Return every version, in no particular order (Q8). `Faults.stale_reads` hides the newest."""
    ai_config, _ = _find(call, project, config, key)
    rows = call.store.documents(project, "variationVersions", f"{config}/{key}")
    if len(rows) > 1 and call.faults.is_delayed(("stale", project, config, key)):
        rows = rows[:-1]
    if call.faults.scramble:
        call.store.random.shuffle(rows)
    what = Shown(
        texts=call.faults.texts == "everywhere",
        tools=call.faults.get_tools,
        empty_texts=not call.faults.omit_empty_texts,
    )
    items = [variation_view(ai_config, project, row, what) for row in rows]
    return {"items": items, "totalCount": len(items)}


def post_variation(call: Call, project: str, config: str) -> Json:
    """Make a variation; it appears in the targeting document with an id of its own."""
    call.project(project)
    ai_config = call.find(Ref(project, "aiConfigs", config), f"AI Config {config}")
    body = fields.pick(call.fields, POST, required=("key", "name"))
    row = create_variation(call, project, ai_config, body)
    return variation_view(ai_config, project, row, Shown(texts=not call.faults.create_loses_texts))


def create_variation(call: Call, project: str, ai_config: Json, body: dict[str, Json]) -> Json:
    """Store a new variation (version 1) and its slot in targeting; return the row."""
    store, config = call.store, ai_config["key"]
    key = fields.key_of(body)
    if key == DISABLED:
        raise bad_request("the variation key `disabled` is reserved")  # [INF]
    call.refuse_duplicate(Ref(project, "variations", key, config), f"variation {key}")
    if body.get("state", "published") != "published":
        raise bad_request("the only state of a new variation is published")
    if call.faults.create_loses_texts:
        body = {name: value for name, value in body.items() if name not in TEXT_FIELDS}
    row = {
        "key": key,
        "model": {},
        "state": "published",
        "color": "gray",
        **checked_body(call, project, ai_config, body, None),
    }
    row["_publishedAt"] = store.clock()
    row = _append(call, project, config, row, 1)
    targeting = with_slot(store.get(Ref(project, "targeting", config)), key, store)
    targeting["_version"] += 1
    store.put(Ref(project, "targeting", config), targeting)
    if call.faults.hidden_reads:
        call.faults.delay(("hidden", project, config, key), call.faults.hidden_reads)
    _audit(call, project, ai_config, row, Act("createAIConfigVariation", "created variation"))
    return row


def patch_variation(call: Call, project: str, config: str, key: str) -> Json:
    """Replace the given fields in a new version, even if nothing differs (reference 1.7).

    403 if an environment that serves the variation requires approvals (reference 16.1).
    """
    ai_config, before = _find(call, project, config, key)
    body = fields.pick(call.fields, PATCH)
    targeting = call.store.get(Ref(project, "targeting", config))
    serving = environments_serving(targeting, key)
    refuse_unapproved(call, project, serving, "aiconfig", ai_config["tags"])
    state = body.pop("state", None)
    after = {**before, "comment": "", **checked_body(call, project, ai_config, body, before)}
    if state is not None:
        after.update(_transition(call, project, config, before, state))
        if state == "archived" and serving:  # [INF]
            raise bad_request(f"variation {key} is in use in {', '.join(serving)}")
    row = _append(call, project, config, after, before["version"] + 1)
    if call.faults.stale_reads:
        call.faults.delay(("stale", project, config, key), call.faults.stale_reads)
    _audit(call, project, ai_config, row, Act("updateAIConfigVariation", "updated variation"))
    return variation_view(ai_config, project, row, Shown())


def delete_variation(call: Call, project: str, config: str, key: str) -> Json:
    """Delete a variation: not the last one (Q14), and [INF] not one that targeting names."""
    ai_config, row = _find(call, project, config, key)
    store = call.store
    if len(store.documents(project, "variations", config)) == 1:
        raise bad_request("Cannot delete the last variation of an AI Config")
    targeting = store.get(Ref(project, "targeting", config))
    slot = slot_id(targeting, key)
    for name, environment in targeting["environments"].items():
        if slot in referenced_ids(environment):
            raise bad_request(f"variation {key} is in use by targeting in {name}")
    store.put(Ref(project, "targeting", config), without_slot(targeting, key))
    store.delete_children(project, "variationVersions", f"{config}/{key}")
    store.delete(Ref(project, "variations", key, config))
    _audit(call, project, ai_config, row, Act("deleteAIConfigVariation", "deleted variation"))
    return None


def _transition(call: Call, project: str, config: str, before: Json, state: str) -> dict[str, Json]:
    """Return what a change of `state` sets: a transition, not a set (reference 4.2)."""
    if state not in ("published", "archived"):
        raise bad_request("state must be published or archived")
    if state == before["state"]:
        raise bad_request(f"variation {before['key']} is already {state}")
    if state == "published":
        return {"state": state, "_publishedAt": call.store.clock(), "_archivedAt": None}
    rows = call.store.documents(project, "variations", config)
    if all(row["key"] == before["key"] or row["state"] == "archived" for row in rows):
        raise bad_request("the only variation of an AI Config cannot be archived")
    return {"state": state, "_archivedAt": call.store.clock()}


def _append(call: Call, project: str, config: str, row: Json, version: int) -> Json:
    """Store `row` as a version: with a new `_id` and `createdAt` (Q7)."""
    store = call.store
    stamped = {
        **{name: value for name, value in row.items() if value is not None},
        "_id": store.object_id(),
        "version": version,
        "createdAt": store.clock(),
    }
    store.put(Ref(project, "variations", row["key"], config), stamped)
    parent = f"{config}/{row['key']}"
    store.put(Ref(project, "variationVersions", str(version), parent), stamped)
    return stamped


def _find(call: Call, project: str, config: str, key: str) -> tuple[Json, Json]:
    call.project(project)
    ai_config = call.find(Ref(project, "aiConfigs", config), f"AI Config {config}")
    return ai_config, call.find(Ref(project, "variations", key, config), f"variation {key}")


def _audit(call: Call, project: str, ai_config: Json, row: Json, act: Act) -> None:
    resource = f"proj/{project}:aiconfig/{ai_config['key']}"
    name = f"{row['name']} of {ai_config['name']}"
    audit.record(call, resource, name, Act(act.action, act.verb, row.get("comment")))


VARIATIONS = "/projects/{project}/ai-configs/{config}/variations"
ROUTES = (
    Route("POST", VARIATIONS, post_variation, status=201, makes_flag=True),
    Route("GET", VARIATIONS + "/{variation}", get_variation),
    Route("PATCH", VARIATIONS + "/{variation}", patch_variation),
    Route("DELETE", VARIATIONS + "/{variation}", delete_variation, status=204),
)
