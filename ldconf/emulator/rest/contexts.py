"""Context kinds and experimentation settings (reference 2.3, 2.4)."""

from __future__ import annotations

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.first import new_context_kind
from ldconf.emulator.http import Call, Refusal, Route, bad_request
from ldconf.emulator.paging import link

CONTEXT_KIND = {
    "name": fields.text,
    "description": fields.text,
    "archived": fields.flag,
    "hideInTargeting": fields.flag,
    "version": fields.integer,
}


def list_context_kinds(call: Call, project: str) -> Json:
    """List all context kinds of a project (no paging)."""
    call.project(project)
    links = {"self": link("projects", project, "context-kinds")}
    return {"items": call.store.documents(project, "contextKinds"), "_links": links}


def put_context_kind(call: Call, project: str, key: str) -> Json:
    """Make or change a context kind; only included fields change. An old `version` is refused."""
    call.project(project)
    fields.key_of({"key": key})
    body = fields.pick(call.fields, CONTEXT_KIND, required=("name",))
    version = body.pop("version", None)
    if "archived" in body or "hideInTargeting" in body:  # aliases of each other
        hidden = body.get("archived", body.get("hideInTargeting"))
        body["archived"] = body["hideInTargeting"] = hidden
    ref = Ref(project, "contextKinds", key)
    kind = call.store.get(ref)
    if kind is None:
        kind = {**new_context_kind(call.store, key, body["name"]), **body}
        status = "created"
    else:
        if version is not None and version != kind["version"]:
            raise Refusal(409, "optimistic_locking_error", "the context kind was changed meanwhile")
        changes = {"version": kind["version"] + 1, "lastModified": call.store.clock()}
        kind = {**kind, **body, **changes}
        status = "updated"
    call.store.put(ref, kind)
    resource = f"proj/{project}:context-kind/{key}"
    audit.record(
        call, resource, kind["name"], Act("updateContextKind", f"{status} the context kind")
    )
    return {"status": status, "_links": {"parent": link("projects", project, "context-kinds")}}


def get_settings(call: Call, project: str) -> Json:
    """Return the randomization units of a project; `user` unless set."""
    found = call.project(project)
    stored = call.store.get(Ref(project, "experimentationSettings", "settings"))
    units = stored["randomizationUnits"] if stored else [{"randomizationUnit": "user"}]
    names = {kind["key"]: kind for kind in call.store.documents(project, "contextKinds")}
    default = next((u["randomizationUnit"] for u in units if u.get("default")), None)
    shown = [
        {
            "randomizationUnit": unit["randomizationUnit"],
            "default": unit["randomizationUnit"] == (default or units[0]["randomizationUnit"]),
            "_hidden": names[unit["randomizationUnit"]]["archived"],
            "_displayName": names[unit["randomizationUnit"]]["name"],
        }
        for unit in units
    ]
    return {
        "_projectId": found["_id"],
        "_projectKey": project,
        "_creationDate": found["createdOn"],
        "randomizationUnits": shown,
        "_links": {"self": link("projects", project, "experimentation-settings")},
    }


def put_settings(call: Call, project: str) -> Json:
    """Replace the randomization units: existing context kinds, at most one default."""
    call.project(project)
    body = fields.pick(
        call.fields, {"randomizationUnits": fields.mappings}, required=("randomizationUnits",)
    )
    units = [
        fields.pick(
            unit,
            {"randomizationUnit": fields.text, "default": fields.flag},
            required=("randomizationUnit",),
        )
        for unit in body["randomizationUnits"]
    ]
    if not units:
        raise bad_request("randomizationUnits must not be empty")
    if sum(unit.get("default", False) for unit in units) > 1:
        raise bad_request("at most one randomization unit can be the default")
    for unit in units:
        if call.store.get(Ref(project, "contextKinds", unit["randomizationUnit"])) is None:
            raise bad_request(f"unknown context kind {unit['randomizationUnit']}")
    settings = {"randomizationUnits": units}
    call.store.put(Ref(project, "experimentationSettings", "settings"), settings)
    audit.record(
        call,
        f"proj/{project}",
        project,
        Act("updateProject", "updated experimentation settings of"),
    )
    return get_settings(call, project)


ROUTES = (
    Route("GET", "/projects/{project}/context-kinds", list_context_kinds),
    Route("PUT", "/projects/{project}/context-kinds/{key}", put_context_kind),
    Route("GET", "/projects/{project}/experimentation-settings", get_settings),
    Route("PUT", "/projects/{project}/experimentation-settings", put_settings),
)
