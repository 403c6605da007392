"""AI tools and their versions (reference 7)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields, library
from ldconf.emulator.access import maintainer_view
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request
from ldconf.emulator.paging import link, page

PATCH: Mapping[str, fields.Check] = {
    "description": fields.text,
    "schema": fields.mapping,
    "customParameters": fields.mapping,
    "tags": fields.texts,
    "maintainerId": fields.text,
    "maintainerTeamKey": fields.text,
}
POST: Mapping[str, fields.Check] = {"key": fields.text, **PATCH}
VERSIONED = ("description", "schema", "customParameters", "tags")


def tool_view(project: str, tool: Mapping[str, Json]) -> dict[str, Json]:
    """Return a version of a tool."""
    hidden = ("maintainerId", "maintainerTeamKey")
    shown = {name: value for name, value in tool.items() if name not in hidden}
    maintainer = maintainer_view(tool["maintainerId"], tool["maintainerTeamKey"])
    if maintainer is not None:
        shown["_maintainer"] = maintainer
    key = tool["key"]
    shown["_links"] = {
        "self": link("projects", project, "ai-tools", key),
        "parent": link("projects", project, "ai-tools"),
    }
    shown["_site"] = link("projects", project, "ai-tools", key, site=True)
    return shown


def list_tools(call: Call, project: str) -> Json:
    """List the newest versions of all tools."""
    call.project(project)
    return page(call, call.store.documents(project, "tools"), lambda tool: tool_view(project, tool))


def get_tool(call: Call, project: str, key: str) -> Json:
    """Return the newest version of a tool."""
    return tool_view(project, _find(call, project, key))


def list_versions(call: Call, project: str, key: str) -> Json:
    """List all versions of a tool."""
    _find(call, project, key)
    found = call.store.documents(project, "toolVersions", key)
    return page(call, found[::-1], lambda tool: tool_view(project, tool))


def list_references(call: Call, project: str, key: str) -> Json:
    """List the variations that attach a tool at present."""
    _find(call, project, key)
    references = [
        {
            "aiConfigKey": config,
            "aiConfigName": call.store.get(Ref(project, "aiConfigs", config))["name"],
            "variationId": row["_id"],
            "variationKey": row["key"],
            "variationName": row["name"],
            "toolVersion": version,
        }
        for config, row, version in library.tool_users(call.store, project, key)
    ]
    listed = page(call, references, lambda reference: reference)
    return {"resourceKey": key, "resourceType": "tool", **listed}


def create_tool(call: Call, project: str) -> Json:
    """Make a tool, version 1."""
    call.project(project)
    body = fields.pick(call.fields, POST, required=("key", "schema"))
    key = fields.key_of(body)
    call.refuse_duplicate(Ref(project, "tools", key), f"tool {key}")
    tool: dict[str, Json] = {
        "key": key,
        "description": "",
        "tags": [],
        "version": 1,
        "maintainerId": "",
        "maintainerTeamKey": "",
    }
    _change(tool, body)
    if not (tool["maintainerId"] or tool["maintainerTeamKey"]) and call.faults.default_maintainer:
        tool["maintainerId"] = call.actor.member_id or ""
    _store(call, project, tool)
    _audit(call, project, tool, Act("createAITool", "created the AI tool"))
    return tool_view(project, tool)


def patch_tool(call: Call, project: str, key: str) -> Json:
    """Replace fields; description, schema, customParameters and tags make a new version."""
    before = _find(call, project, key)
    after = dict(before)
    _change(after, fields.pick(call.fields, PATCH))
    if after == before:
        return tool_view(project, before)
    if any(after.get(name) != before.get(name) for name in VERSIONED):
        after["version"] += 1
    _store(call, project, after)
    _audit(call, project, after, Act("updateAITool", "updated the AI tool"))
    return tool_view(project, after)


def delete_tool(call: Call, project: str, key: str) -> Json:
    """Delete a tool; 400 while a variation attaches it (status [INF])."""
    tool = _find(call, project, key)
    users = library.tool_users(call.store, project, key)
    if users:
        config, row, _ = users[0]
        raise bad_request(f"tool {key} is still in use by {config}/{row['key']}")
    call.store.delete_children(project, "toolVersions", key)
    call.store.delete(Ref(project, "tools", key))
    _audit(call, project, tool, Act("deleteAITool", "deleted the AI tool"))
    return None


def _change(tool: dict[str, Json], body: dict[str, Json]) -> None:
    fields.set_maintainer(tool, body)
    for name in ("description", "schema", "customParameters"):
        if name in body:
            tool[name] = body[name]
    if "tags" in body:
        tool["tags"] = fields.sorted_tags(body["tags"])


def _store(call: Call, project: str, tool: dict[str, Json]) -> None:
    known = call.store.get(Ref(project, "toolVersions", str(tool["version"]), tool["key"]))
    tool["createdAt"] = known["createdAt"] if known else call.store.clock()
    call.store.put(Ref(project, "tools", tool["key"]), tool)
    call.store.put(Ref(project, "toolVersions", str(tool["version"]), tool["key"]), tool)


def _find(call: Call, project: str, key: str) -> Json:
    call.project(project)
    return call.find(Ref(project, "tools", key), f"AI tool {key}")


def _audit(call: Call, project: str, tool: Json, act: Act) -> None:
    audit.record(call, f"proj/{project}:ai-tool/{tool['key']}", tool["key"], act)


TOOLS = "/projects/{project}/ai-tools"
ROUTES = (
    Route("GET", TOOLS, list_tools),
    Route("POST", TOOLS, create_tool, status=201),
    Route("GET", TOOLS + "/{tool}", get_tool),
    Route("PATCH", TOOLS + "/{tool}", patch_tool),
    Route("DELETE", TOOLS + "/{tool}", delete_tool, status=204),
    Route("GET", TOOLS + "/{tool}/versions", list_versions),
    Route("GET", TOOLS + "/{tool}/references", list_references),
)
