"""Environments (reference 2.2)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Refusal, Route, bad_request
from ldconf.emulator.paging import link, page
from ldconf.emulator.patches.json_patch import apply_json_patch, patch_of

EDITABLE: Mapping[str, fields.Check] = {
    "name": fields.text,
    "color": fields.text,
    "defaultTtl": fields.integer,
    "secureMode": fields.flag,
    "defaultTrackEvents": fields.flag,
    "requireComments": fields.flag,
    "confirmChanges": fields.flag,
    "tags": fields.texts,
    "critical": fields.flag,
}
POST = {"key": fields.text, **EDITABLE}
APPROVALS = ("approvalSettings", "resourceApprovalSettings")


def environment_view(call: Call, project: str, environment: Mapping[str, Json]) -> dict[str, Json]:
    """Return an environment. Approval settings show only if the feature is on (reference 2.2)."""
    key = environment["key"]
    hidden = {"createdOn"} | (set() if call.faults.approvals_feature else set(APPROVALS))
    links = {"self": link("projects", project, "environments", key)}
    return {"_links": links, **{n: v for n, v in environment.items() if n not in hidden}}


def environments_view(call: Call, project: str, maximum: int) -> dict[str, Json]:
    """Return the environments of a project, expanded into it: the first page of them."""
    found = call.store.documents(project, "environments")
    items = [environment_view(call, project, environment) for environment in found[:maximum]]
    links = {"self": link("projects", project, "environments")}
    return {"items": items, "totalCount": len(found), "_links": links}


def list_environments(call: Call, project: str) -> Json:
    """List environments; filters `query:`, `tags:a+b`, `critical:true`."""
    call.project(project)
    found = call.store.documents(project, "environments")
    for part in (call.param("filter") or "").split(","):
        name, _, value = part.partition(":")
        if name == "query":
            found = [e for e in found if value.lower() in f"{e['key']} {e['name']}".lower()]
        elif name == "tags":
            wanted = set(value.replace(" ", "+").split("+"))
            found = [e for e in found if wanted <= set(e["tags"])]
        elif name == "critical":
            found = [e for e in found if e["critical"] == (value == "true")]
        elif name:
            raise bad_request(f"unknown filter {name}")
    sort = call.param("sort") or ""
    if sort.lstrip("-") in ("name", "createdOn", "critical"):
        found.sort(key=lambda e: e[sort.lstrip("-")], reverse=sort.startswith("-"))
    elif sort:
        raise bad_request(f"unknown sort {sort}")
    return page(call, found, lambda environment: environment_view(call, project, environment))


def get_environment(call: Call, project: str, key: str) -> Json:
    """Return one environment with its SDK keys."""
    return environment_view(call, project, call.environment(project, key))


def create_environment(call: Call, project: str) -> Json:
    """Make an environment; every AI Config serves `disabled` there."""
    call.project(project)
    body = fields.pick(call.fields, POST, required=("key", "name", "color"))
    key = fields.key_of(body)
    call.refuse_duplicate(Ref(project, "environments", key), f"environment {key}", status=409)
    environment = call.store.add_environment(project, body)
    _audit(call, project, environment, Act("createEnvironment", "created the environment"))
    return environment_view(call, project, environment)


def patch_environment(call: Call, project: str, key: str) -> Json:
    """Edit an environment by JSON patch, including its approval settings for flags.

    `required` and `requiredApprovalTags` exclude each other (reference Q29).
    """
    environment = call.environment(project, key)
    editable = {name: environment[name] for name in (*EDITABLE, "approvalSettings")}
    operations, comment = patch_of(call)
    patched = apply_json_patch(editable, operations)
    checked = fields.pick(
        patched, {**EDITABLE, "approvalSettings": fields.mapping}, required=("name",)
    )
    check_approval_settings(checked["approvalSettings"])
    checked["tags"] = fields.sorted_tags(checked.get("tags"))
    environment = {**environment, **checked}
    call.store.put(Ref(project, "environments", key), environment)
    _audit(call, project, environment, Act("updateName", "updated the environment", comment))
    return environment_view(call, project, environment)


def check_approval_settings(settings: Mapping[str, Json]) -> None:
    """400 for approval settings that contradict each other (reference 2.2, Q29)."""
    if settings.get("required") and settings.get("requiredApprovalTags"):
        raise bad_request("required and requiredApprovalTags are mutually exclusive")
    approvals = settings.get("minNumApprovals", 1)
    if not fields.integer(approvals) or not 1 <= approvals <= 5:
        raise bad_request("minNumApprovals must be between 1 and 5")


def delete_environment(call: Call, project: str, key: str) -> Json:
    """Delete an environment with its segments, targeting and experiments; the last one stays."""
    environment = call.environment(project, key)
    store = call.store
    if len(store.documents(project, "environments")) == 1:
        raise Refusal(409, "conflict", "the last environment cannot be deleted")
    for document in store.documents(project, "targeting"):
        kept = {name: value for name, value in document["environments"].items() if name != key}
        store.put(Ref(project, "targeting", document["key"]), {**document, "environments": kept})
    for family in ("segments", "experiments"):
        store.delete_children(project, family, key)
    store.delete(Ref(project, "environments", key))
    _audit(call, project, environment, Act("deleteEnvironment", "deleted the environment"))
    return None


def _audit(call: Call, project: str, environment: Json, act: Act) -> None:
    resource = f"proj/{project}:env/{environment['key']}"
    audit.record(call, resource, environment["name"], act)


ENVIRONMENTS = "/projects/{project}/environments"
ROUTES = (
    Route("GET", ENVIRONMENTS, list_environments),
    Route("POST", ENVIRONMENTS, create_environment, status=201),
    Route("GET", ENVIRONMENTS + "/{environment}", get_environment),
    Route("PATCH", ENVIRONMENTS + "/{environment}", patch_environment),
    Route("DELETE", ENVIRONMENTS + "/{environment}", delete_environment, status=204),
    Route("POST", ENVIRONMENTS + "/{environment}/apiKey"),
    Route("POST", ENVIRONMENTS + "/{environment}/mobileKey"),
)
