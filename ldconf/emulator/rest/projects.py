"""Projects (reference 2.1)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Refusal, Route, bad_request
from ldconf.emulator.paging import link, page
from ldconf.emulator.patches.json_patch import apply_json_patch, patch_of
from ldconf.emulator.rest.environments import environment_view, environments_view
from ldconf.emulator.store import ACCOUNT

POST = {
    "key": fields.text,
    "name": fields.text,
    "tags": fields.texts,
    "environments": fields.mappings,
    "includeInSnippetByDefault": fields.flag,
    "defaultClientSideAvailability": fields.mapping,
}
EDITABLE = ("name", "tags", "includeInSnippetByDefault", "defaultClientSideAvailability")
DEFAULT_ENVIRONMENTS = (
    {"key": "test", "name": "Test", "color": "F5A623"},
    {"key": "production", "name": "Production", "color": "417505"},
)


def project_view(project: Mapping[str, Json]) -> dict[str, Json]:
    """Return a project without its environments (they show only when expanded)."""
    key = project["key"]
    links = {
        "self": link("projects", key),
        "environments": link("projects", key, "environments"),
        "flags": link("flags", key),
    }
    shown = {name: value for name, value in project.items() if name != "createdOn"}
    return {"_links": links, **shown}


def list_projects(call: Call) -> Json:
    """List projects; filters `query:`, `tags:a+b` and `keys:a|b`, sort `name` or `createdOn`."""
    found = call.store.documents(ACCOUNT, "projects")
    for part in (call.param("filter") or "").split(","):
        name, _, value = part.partition(":")
        if name == "query":
            found = [p for p in found if value.lower() in f"{p['key']} {p['name']}".lower()]
        elif name == "tags":
            wanted = set(value.replace(" ", "+").split("+"))
            found = [p for p in found if wanted <= set(p["tags"])]
        elif name == "keys":
            found = [p for p in found if p["key"] in value.split("|")]
        elif name:
            raise bad_request(f"unknown filter {name}")
    sort = call.param("sort") or ""
    if sort.lstrip("-") in ("name", "createdOn"):
        found.sort(key=lambda p: p[sort.lstrip("-")], reverse=sort.startswith("-"))
    elif sort:
        raise bad_request(f"unknown sort {sort}")
    return page(call, found, lambda project: _expanded(call, project))


def get_project(call: Call, key: str) -> Json:
    """Return one project; `expand=environments` adds a page of its environments."""
    return _expanded(call, call.project(key))


def create_project(call: Call) -> Json:
    """Make a project, with `test` and `production` unless environments are given."""
    body = fields.pick(call.fields, POST, required=("key", "name"))
    key = fields.key_of(body)
    call.refuse_duplicate(Ref(ACCOUNT, "projects", key), f"project {key}", status=409)
    environments = body.get("environments") or DEFAULT_ENVIRONMENTS
    for environment in environments:
        fields.key_of(fields.pick(environment, {"key": fields.text}, required=("key",)))
    if len({environment["key"] for environment in environments}) < len(environments):
        raise bad_request("environment keys must be unique")
    call.store.ensure_project(key, environments, name=body["name"])
    project = {**call.project(key), **{name: body[name] for name in EDITABLE if name in body}}
    project["tags"] = fields.sorted_tags(project["tags"])
    call.store.put(Ref(ACCOUNT, "projects", key), project)
    audit.record(call, f"proj/{key}", project["name"], Act("createProject", "created the project"))
    return _rep(call, project)


def patch_project(call: Call, key: str) -> Json:
    """Edit a project by JSON patch. Tags come back deduplicated and sorted."""
    project = call.project(key)
    operations, comment = patch_of(call)
    patched = apply_json_patch({name: project[name] for name in EDITABLE}, operations)
    checked = fields.pick(patched, {name: POST[name] for name in EDITABLE}, required=("name",))
    checked["tags"] = fields.sorted_tags(checked.get("tags"))
    project = {**project, **checked}
    call.store.put(Ref(ACCOUNT, "projects", key), project)
    audit.record(
        call,
        f"proj/{key}",
        project["name"],
        Act("updateProjectName", "updated the project", comment),
    )
    return _rep(call, project)


def delete_project(call: Call, key: str) -> Json:
    """Delete a project with all in it; the last one stays (reference 2.1)."""
    project = call.project(key)
    if len(call.store.documents(ACCOUNT, "projects")) == 1:
        raise Refusal(409, "conflict", "the last project cannot be deleted")
    call.store.delete_project(key)
    call.store.delete(Ref(ACCOUNT, "projects", key))
    audit.record(call, f"proj/{key}", project["name"], Act("deleteProject", "deleted the project"))
    return None


def _expanded(call: Call, project: Json) -> Json:
    shown = project_view(project)
    if "environments" in call.names("expand"):
        shown["environments"] = environments_view(call, project["key"], maximum=20)
    return shown


def _rep(call: Call, project: Json) -> Json:
    """Return the answer of create and patch: with environments as a plain list."""
    environments = call.store.documents(project["key"], "environments")
    views = [environment_view(call, project["key"], found) for found in environments]
    return {**project_view(project), "environments": views}


ROUTES = (
    Route("GET", "/projects", list_projects),
    Route("POST", "/projects", create_project, status=201),
    Route("GET", "/projects/{project}", get_project),
    Route("PATCH", "/projects/{project}", patch_project),
    Route("DELETE", "/projects/{project}", delete_project, status=204),
)
