"""Model configs: the global catalogue (read only), custom ones, restrictions (reference 6)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields, library
from ldconf.emulator.access import maintainer_view
from ldconf.emulator.audit import Act
from ldconf.emulator.catalogue import CATALOGUE
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request, not_found
from ldconf.emulator.paging import page

COSTS = ("costPerInputToken", "costPerOutputToken", "costPerCachedInputToken")
PATCH: Mapping[str, fields.Check] = {
    "name": fields.text,
    "id": fields.text,
    "provider": fields.text,
    "params": fields.mapping,
    "customParams": fields.mapping,
    "tags": fields.texts,
    "maintainerId": fields.text,
    "maintainerTeamKey": fields.text,
    **dict.fromkeys(COSTS, fields.number),
}
POST: Mapping[str, fields.Check] = {"key": fields.text, "icon": fields.text, **PATCH}


def model_config_view(
    call: Call, project: str, model: Mapping[str, Json], uses: Mapping[str, int]
) -> dict[str, Json]:
    """Return a model config, custom or global."""
    hidden = ("maintainerId", "maintainerTeamKey", "source")
    shown = {name: value for name, value in model.items() if name not in hidden}
    maintainer = maintainer_view(model.get("maintainerId"), model.get("maintainerTeamKey"))
    if maintainer is not None:
        shown["_maintainer"] = maintainer
    key = model["key"]
    shown["isRestricted"] = call.store.get(Ref(project, "restrictedModels", key)) is not None
    shown["usedInCount"] = uses.get(key, 0)
    return shown


def list_model_configs(call: Call, project: str) -> Json:
    """List custom and global model configs: a bare array, no paging. `restricted=true|false`."""
    call.project(project)
    uses = library.model_config_uses(call.store, project)
    found = [*call.store.documents(project, "modelConfigs"), *CATALOGUE.values()]
    shown = [model_config_view(call, project, model, uses) for model in found]
    wanted = call.param("restricted")
    if wanted is not None:
        shown = [model for model in shown if model["isRestricted"] == (wanted == "true")]
    return shown


def get_model_config(call: Call, project: str, key: str) -> Json:
    """Return one model config, or a historical version of it (`version`)."""
    found = _find(call, project, key)
    if call.param("version") is not None:
        version = call.integer("version", 1)
        older = library.model_config_version(call.store, project, key, version)
        if older is None:
            raise not_found(f"version {version} of model config {key}")
        found = older
    uses = library.model_config_uses(call.store, project)
    return model_config_view(call, project, found, uses)


def list_versions(call: Call, project: str, key: str) -> Json:
    """List the versions of a model config, newest first; global ones have one."""
    found = _find(call, project, key)
    versions = call.store.documents(project, "modelConfigVersions", key)[::-1] or [found]
    uses = library.model_config_uses(call.store, project)
    return page(call, versions, lambda model: model_config_view(call, project, model, uses))


def create_model_config(call: Call, project: str) -> Json:
    """Make a custom model config; answers 200. A maintainer is accepted but not applied."""
    call.project(project)
    body = fields.pick(call.fields, POST, required=("key", "id", "name"))
    fields.one_maintainer(body)
    key = body["key"]
    provider, dot, model_id = key.partition(".")
    if not (provider and dot and model_id):
        raise bad_request(f"key {key!r} must look like Provider.model-id")
    if key in CATALOGUE:
        raise bad_request(f"key {key} is reserved for a global model config")
    if body.get("provider", provider) != provider:
        raise bad_request(f"provider must equal the key's prefix {provider!r}")
    call.refuse_duplicate(Ref(project, "modelConfigs", key), f"model config {key}")
    model: dict[str, Json] = {
        "key": key,
        "provider": provider,
        "global": False,
        "tags": [],
        "version": 1,
        "maintainerId": "",
        "maintainerTeamKey": "",
    }
    ignored = ("maintainerId", "maintainerTeamKey")
    model.update({name: value for name, value in body.items() if name not in ignored})
    model["tags"] = fields.sorted_tags(model["tags"])
    _store(call, project, model)
    _audit(call, project, model, Act("createModelConfig", "created the model config"))
    return model_config_view(call, project, model, {})


def patch_model_config(call: Call, project: str, key: str) -> Json:
    """Replace fields of a custom model config; the version grows on a real change."""
    before = _find(call, project, key)
    if before["global"]:
        raise bad_request(f"model config {key} is global and cannot be changed")
    body = fields.pick(call.fields, PATCH)
    for name in ("id", "provider"):
        if body.get(name, before[name]) != before[name]:
            raise bad_request(f"{name} cannot be changed")
    after = {**before}
    fields.set_maintainer(after, body)
    after.update({n: v for n, v in body.items() if n not in ("maintainerId", "maintainerTeamKey")})
    after["tags"] = fields.sorted_tags(after["tags"])
    if after != before:
        after["version"] += 1
        _store(call, project, after)
        _audit(call, project, after, Act("updateModelConfig", "updated the model config"))
    return model_config_view(call, project, after, library.model_config_uses(call.store, project))


def delete_model_config(call: Call, project: str, key: str) -> Json:
    """Delete a custom model config that no variation uses (Q16)."""
    model = _find(call, project, key)
    if model["global"]:
        raise bad_request(f"model config {key} is global and cannot be deleted")
    if library.model_config_uses(call.store, project).get(key):
        raise bad_request(f"model config is still in use: {key}")
    call.store.delete_children(project, "modelConfigVersions", key)
    call.store.delete(Ref(project, "restrictedModels", key))
    call.store.delete(Ref(project, "modelConfigs", key))
    _audit(call, project, model, Act("deleteModelConfig", "deleted the model config"))
    return None


def restrict(call: Call, project: str) -> Json:
    """Restrict model configs; keys that fail are reported inside the 200."""
    uses: Mapping[str, int] = library.model_config_uses(call.store, project)
    successes, errors = [], []
    for key in _keys(call, project):
        if library.model_config(call.store, project, key) is None:
            errors.append({"key": key, "message": f"unknown model config {key}", "code": 404})
        elif uses.get(key):
            errors.append({"key": key, "message": f"model config {key} is in use", "code": 400})
        else:
            call.store.put(Ref(project, "restrictedModels", key), {"key": key})
            successes.append(key)
    if successes:
        names = ", ".join(successes)
        audit.record(
            call, f"proj/{project}", names, Act("updateProject", "restricted model configs")
        )
    return {"successes": successes, "errors": errors}


def unrestrict(call: Call, project: str) -> Json:
    """Lift restrictions; the DELETE has a body."""
    keys = _keys(call, project)
    for key in keys:
        call.store.delete(Ref(project, "restrictedModels", key))
    names = ", ".join(keys)
    audit.record(call, f"proj/{project}", names, Act("updateProject", "unrestricted model configs"))
    return None


def _keys(call: Call, project: str) -> list[str]:
    call.project(project)
    keys: list[str] = fields.pick(call.fields, {"keys": fields.texts}, required=("keys",))["keys"]
    return keys


def _store(call: Call, project: str, model: dict[str, Json]) -> None:
    call.store.put(Ref(project, "modelConfigs", model["key"]), model)
    version = Ref(project, "modelConfigVersions", str(model["version"]), model["key"])
    call.store.put(version, model)


def _find(call: Call, project: str, key: str) -> Mapping[str, Json]:
    call.project(project)
    found = library.model_config(call.store, project, key)
    if found is None:
        raise not_found(f"model config {key}")
    return found


def _audit(call: Call, project: str, model: Mapping[str, Json], act: Act) -> None:
    resource = f"proj/{project}:ai-model-config/{model['key']}"
    audit.record(call, resource, model["name"], act)


MODELS = "/projects/{project}/ai-configs/model-configs"
ROUTES = (
    Route("GET", MODELS, list_model_configs),
    Route("POST", MODELS, create_model_config),
    Route("POST", MODELS + "/restricted", restrict),
    Route("DELETE", MODELS + "/restricted", unrestrict, status=204),
    Route("GET", MODELS + "/{model}", get_model_config),
    Route("PATCH", MODELS + "/{model}", patch_model_config),
    Route("DELETE", MODELS + "/{model}", delete_model_config, status=204),
    Route("GET", MODELS + "/{model}/versions", list_versions),
)
