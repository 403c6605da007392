"""AI Configs (reference 3)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields, library
from ldconf.emulator.access import maintainer_view
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request, not_implemented
from ldconf.emulator.paging import link, page
from ldconf.emulator.rest import running
from ldconf.emulator.rest.variations import POST as VARIATION_POST
from ldconf.emulator.rest.variations import Shown, create_variation, variation_view
from ldconf.emulator.targeting_document import new_targeting, served_ids, slot_id

JUDGE_PREFIX = "$ld:ai:judge:"
MODES = ("completion", "agent", "judge")
PATCH: Mapping[str, fields.Check] = {
    "name": fields.text,
    "description": fields.text,
    "tags": fields.texts,
    "maintainerId": fields.text,
    "maintainerTeamKey": fields.text,
    "evaluationMetricKey": fields.text,
    "isInverted": fields.flag,
    "defaultVariationKey": fields.text,
}
POST: Mapping[str, fields.Check] = {
    **{name: check for name, check in PATCH.items() if name != "defaultVariationKey"},
    "key": fields.text,
    "mode": fields.text,
    "defaultVariation": fields.mapping,
}


def find_ai_config(call: Call, project: str, key: str) -> Json:
    """Return the document of an AI Config; 404 if it or its project does not exist."""
    call.project(project)
    return call.find(Ref(project, "aiConfigs", key), f"AI Config {key}")


def ai_config_view(
    call: Call, project: str, ai_config: Mapping[str, Json], *, listed: bool
) -> dict[str, Json]:
    """Return an AI Config with its variations; a list may leave out texts and tools (U14)."""
    key = ai_config["key"]
    faults = call.faults
    what = Shown(
        texts=faults.texts != "nowhere" and (faults.list_texts or not listed),
        tools=faults.list_tools or not listed,
        empty_texts=not faults.omit_empty_texts,
    )
    rows = call.store.documents(project, "variations", key)
    graphs = library.graphs_naming(call.store, project, key)
    shown: dict[str, Json] = {
        "_links": {
            "self": link("projects", project, "ai-configs", key),
            "parent": link("projects", project, "ai-configs"),
        },
        "_site": link("projects", project, "ai-configs", key, site=True),
        "key": key,
        "name": ai_config["name"],
        "description": ai_config["description"],
        "mode": ai_config["mode"],
        "tags": ai_config["tags"],
        "version": ai_config["version"],
        "isInverted": ai_config["isInverted"],
        "variations": [variation_view(ai_config, project, row, what) for row in rows],
        "dependencies": [{"type": "agent-graph", "key": graph} for graph in graphs],
        "createdAt": ai_config["createdAt"],
        "updatedAt": ai_config["updatedAt"],
    }
    maintainer = maintainer_view(ai_config["maintainerId"], ai_config["maintainerTeamKey"])
    if maintainer is not None:
        shown["_maintainer"] = maintainer
    metric = ai_config["evaluationMetricKey"]
    if metric:
        if faults.prefix_metric_keys and not metric.startswith(JUDGE_PREFIX):
            metric = JUDGE_PREFIX + metric
        shown["evaluationMetricKey"] = metric
        shown["evaluationMetricKeys"] = [metric]
    return shown


def list_ai_configs(call: Call, project: str) -> Json:
    """List AI Configs in order of creation. `sort` and `filter` are undocumented: 501."""
    call.project(project)
    for name in ("sort", "filter"):
        if call.param(name):
            raise not_implemented(f"{name} of the AI Config list")
    found = call.store.documents(project, "aiConfigs")
    return page(call, found, lambda one: ai_config_view(call, project, one, listed=True))


def get_ai_config(call: Call, project: str, key: str) -> Json:
    """Return one AI Config."""
    return ai_config_view(call, project, find_ai_config(call, project, key), listed=False)


def create_ai_config(call: Call, project: str) -> Json:
    """Make an AI Config, its hidden flag, and its first variation if `defaultVariation` is given.

    `description: ""` is refused (Q2). `key` and `mode` cannot change later.
    """
    call.project(project)
    body = fields.pick(call.fields, POST, required=("key", "name"))
    key = fields.key_of(body)
    call.refuse_duplicate(Ref(project, "aiConfigs", key), f"AI Config {key}")
    if body.get("description") == "":
        raise bad_request("description must not be empty")
    mode = body.get("mode", "completion")
    if mode not in MODES:
        raise bad_request(f"mode must be one of {', '.join(MODES)}")
    now = call.store.clock()
    ai_config: dict[str, Json] = {
        "key": key,
        "name": body["name"],
        "description": body.get("description", ""),
        "mode": mode,
        "tags": fields.sorted_tags(body.get("tags")),
        "version": 1,
        "isInverted": body.get("isInverted", False),
        "evaluationMetricKey": body.get("evaluationMetricKey", ""),
        "maintainerId": "",
        "maintainerTeamKey": "",
        "createdAt": now,
        "updatedAt": now,
    }
    fields.set_maintainer(ai_config, body)
    unowned = not (ai_config["maintainerId"] or ai_config["maintainerTeamKey"])
    if unowned and call.faults.default_maintainer:
        ai_config["maintainerId"] = call.actor.member_id or ""
    environments = [found["key"] for found in call.store.documents(project, "environments")]
    call.store.put(Ref(project, "aiConfigs", key), ai_config)
    targeting = new_targeting(call.store, key, environments)
    call.store.put(Ref(project, "targeting", key), targeting)
    _audit(call, project, ai_config, Act("createAIConfig", "created the AI Config"))
    if "defaultVariation" in body:
        first = fields.pick(body["defaultVariation"], VARIATION_POST, required=("key", "name"))
        create_variation(call, project, ai_config, first)
    return ai_config_view(call, project, ai_config, listed=False)


def patch_ai_config(call: Call, project: str, key: str) -> Json:
    """Replace the given fields; `""` clears a text. The version grows on a real change."""
    before = find_ai_config(call, project, key)
    body = fields.pick(call.fields, PATCH)
    if body.get("name") == "":
        raise bad_request("name must not be empty")
    after = {**before}
    fields.set_maintainer(after, body)
    for name in ("name", "description", "evaluationMetricKey", "isInverted"):
        if name in body:
            after[name] = body[name]
    if "tags" in body:
        after["tags"] = fields.sorted_tags(body["tags"])
    if "defaultVariationKey" in body:
        _set_default(call, project, key, body["defaultVariationKey"])
    if after != before:
        after["version"] += 1
        after["updatedAt"] = call.store.clock()
        call.store.put(Ref(project, "aiConfigs", key), after)
        _audit(call, project, after, Act("updateAIConfig", "updated the AI Config"))
    return ai_config_view(call, project, after, listed=False)


def _set_default(call: Call, project: str, key: str, variation: str) -> None:
    targeting = call.store.get(Ref(project, "targeting", key))
    slot = slot_id(targeting, variation) if variation else None
    if slot is None:
        raise bad_request(f"unknown variation {variation!r}")
    changed = {**targeting, "defaults": {**targeting["defaults"], "on": slot}}
    call.store.put(Ref(project, "targeting", key), changed)


def delete_ai_config(call: Call, project: str, key: str) -> Json:
    """Delete an AI Config with its variations and targeting.

    Refused while a graph names it (`dependencies`), and [INF] while it is attached as a judge or a
    running experiment uses it. `Faults.transient_delete` refuses the first try (Q5).
    """
    ai_config = find_ai_config(call, project, key)
    store = call.store
    problem = None
    if graphs := library.graphs_naming(store, project, key):
        problem = f"it is used by agent graph {graphs[0]}"
    elif judged := library.judge_users(store, project, key):
        problem = f"it is attached as a judge to {'/'.join(judged[0])}"
    elif experiments := running.experiments_on(store, project, key):
        problem = f"experiment {experiments[0]['key']} is running"
    elif _is_live(store.get(Ref(project, "targeting", key))) and call.faults.is_first_delete(
        (project, key, ai_config["createdAt"])
    ):
        problem = "its variations are still referenced"
    if problem:
        raise bad_request(f"could not delete AI Config: {problem}")
    for row in store.documents(project, "variations", key):
        store.delete_children(project, "variationVersions", f"{key}/{row['key']}")
    store.delete_children(project, "variations", key)
    store.delete(Ref(project, "targeting", key))
    store.delete(Ref(project, "aiConfigs", key))
    _audit(call, project, ai_config, Act("deleteAIConfig", "deleted the AI Config"))
    return None


def _is_live(targeting: Mapping[str, Json]) -> bool:
    disabled = {targeting["slots"][0]["_id"]}
    return any(served_ids(found) - disabled for found in targeting["environments"].values())


def _audit(call: Call, project: str, ai_config: Json, act: Act) -> None:
    resource = f"proj/{project}:aiconfig/{ai_config['key']}"
    audit.record(call, resource, ai_config["name"], act)


AI_CONFIGS = "/projects/{project}/ai-configs"
ROUTES = (
    Route("GET", AI_CONFIGS, list_ai_configs),
    Route("POST", AI_CONFIGS, create_ai_config, status=201, makes_flag=True),
    Route("GET", AI_CONFIGS + "/{config}", get_ai_config),
    Route("PATCH", AI_CONFIGS + "/{config}", patch_ai_config),
    Route("DELETE", AI_CONFIGS + "/{config}", delete_ai_config, status=204),
    Route("GET", AI_CONFIGS + "/{config}/metrics"),
    Route("GET", AI_CONFIGS + "/{config}/metrics-by-variation"),
    Route("GET", AI_CONFIGS + "/quick-stats"),
    *(
        Route(method, f"{AI_CONFIGS}/{family}{rest}")
        for family in ("prompt-snippets", "skills")
        for method, rest in (
            ("GET", ""),
            ("POST", ""),
            ("GET", "/{key}"),
            ("PATCH", "/{key}"),
            ("DELETE", "/{key}"),
            ("GET", "/{key}/versions"),
            ("GET", "/{key}/references"),
        )
    ),
)
