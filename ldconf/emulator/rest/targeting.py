"""Targeting of AI Configs (reference 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.emulator import audit, library
from ldconf.emulator.approval_rules import refuse_unapproved
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request
from ldconf.emulator.patches.rules import instructions_of
from ldconf.emulator.patches.targeting_patch import TargetingPatch, World
from ldconf.emulator.store import Store
from ldconf.emulator.targeting_document import referenced_ids, targeting_view


def get_targeting(call: Call, project: str, config: str) -> Json:
    """Return the targeting of all environments. `Faults.hidden_reads` delays new variations."""
    ai_config, document = _find(call, project, config)
    return view(call.store, project, ai_config, _visible(call, project, document))


def patch_targeting(call: Call, project: str, config: str) -> Json:
    """Apply a semantic patch to one environment, all or nothing; answer the whole document."""
    ai_config, _ = _find(call, project, config)
    if not call.is_semantic:
        raise bad_request(
            "expected a JSON patch array; for a semantic patch add "
            "`domain-model=launchdarkly.semanticpatch` to the content type",
            code="invalid_patch",
        )
    body = call.fields
    environment = body.get("environmentKey")
    if not isinstance(environment, str) or not environment:
        raise bad_request("environmentKey is required")
    call.environment(project, environment)
    instructions = instructions_of(body)
    refuse_unapproved(call, project, [environment], "aiconfig", ai_config["tags"])
    changed = change_targeting(call.store, project, config, environment, instructions)
    if changed:
        record_change(call, project, ai_config, environment, body.get("comment"))
    document = call.store.get(Ref(project, "targeting", config))
    return view(call.store, project, ai_config, document)


def change_targeting(
    store: Store,
    project: str,
    config: str,
    environment: str,
    instructions: Sequence[Mapping[str, Json]],
) -> bool:
    """Apply instructions and store the result; False if they change nothing.

    Versions grow only on a real change (reference 22.9).
    """
    document = store.get(Ref(project, "targeting", config))
    patch = patched(store, project, config, environment, instructions)
    before = document["environments"][environment]
    if patch.environment == before and patch.defaults == document["defaults"]:
        return False
    after = patch.environment
    if after != before:
        after["_version"] += 1
        after["lastModified"] = store.clock()
    store.put(
        Ref(project, "targeting", config),
        {
            **document,
            "_version": document["_version"] + 1,
            "defaults": patch.defaults,
            "environments": {**document["environments"], environment: after},
        },
    )
    return True


def patched(
    store: Store,
    project: str,
    config: str,
    environment: str,
    instructions: Sequence[Mapping[str, Json]],
) -> TargetingPatch:
    """Return the targeting after these instructions without storing it; 400 if they do not fit."""
    ai_config = store.get(Ref(project, "aiConfigs", config))
    document = store.get(Ref(project, "targeting", config))
    values = library.served_values(store, project, ai_config, document)
    archived = {
        row["key"]
        for row in store.documents(project, "variations", config)
        if row["state"] == "archived"
    }
    world = World(
        values={value["_id"]: value["value"] for value in values},
        archived=frozenset(s["_id"] for s in document["slots"] if s["key"] in archived),
        segments=frozenset(s["key"] for s in store.documents(project, "segments", environment)),
        new_id=store.uuid,
    )
    patch = TargetingPatch(document, environment, world)
    patch.apply(instructions)
    return patch


def view(
    store: Store, project: str, ai_config: Mapping[str, Json], document: Mapping[str, Json]
) -> dict[str, Json]:
    """Return the targeting document as the API shows it."""
    values = library.served_values(store, project, ai_config, document)
    names = {found["key"]: found["name"] for found in store.documents(project, "environments")}
    return targeting_view(document, ai_config, values, names)


def record_change(
    call: Call, project: str, ai_config: Json, environment: str, comment: Json
) -> None:
    """Write the audit log entry of a targeting change."""
    resource = f"proj/{project}:env/{environment}:aiconfig/{ai_config['key']}"
    name = ai_config["name"]
    audit.record(call, resource, name, Act("updateTargeting", "updated targeting of", comment))


def _visible(call: Call, project: str, document: Json) -> Json:
    """Return the document without slots that are not visible yet."""
    config = document["key"]
    hidden = {
        slot["_id"]
        for slot in document["slots"]
        if slot["key"] is not None
        and call.faults.is_delayed(("hidden", project, config, slot["key"]))
    }
    for environment in document["environments"].values():
        hidden -= referenced_ids(environment)
    if not hidden:
        return document
    defaults = {
        name: document["slots"][0]["_id"] if value in hidden else value
        for name, value in document["defaults"].items()
    }
    slots = [slot for slot in document["slots"] if slot["_id"] not in hidden]
    return {**document, "slots": slots, "defaults": defaults}


def _find(call: Call, project: str, config: str) -> tuple[Json, Json]:
    call.project(project)
    ai_config = call.find(Ref(project, "aiConfigs", config), f"AI Config {config}")
    return ai_config, call.store.get(Ref(project, "targeting", config))


TARGETING = "/projects/{project}/ai-configs/{config}/targeting"
ROUTES = (
    Route("GET", TARGETING, get_targeting),
    Route("PATCH", TARGETING, patch_targeting),
)
