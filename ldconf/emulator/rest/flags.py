"""Reads of the hidden feature flags behind AI Configs (reference 12). [INF on their being shown]"""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import library
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route
from ldconf.emulator.paging import link, page
from ldconf.emulator.targeting_document import environment_view


def flag_view(
    call: Call, project: str, ai_config: Mapping[str, Json], shown: frozenset[str] | None
) -> dict[str, Json]:
    """Return the flag of an AI Config; `shown` names the environments to include (None: all)."""
    key = ai_config["key"]
    document = call.store.get(Ref(project, "targeting", key))
    values = library.served_values(call.store, project, ai_config, document)
    index = {slot["_id"]: position for position, slot in enumerate(document["slots"])}
    flag: dict[str, Json] = {
        "_links": {"self": link("flags", project, key), "parent": link("flags", project)},
        "key": key,
        "name": ai_config["name"],
        "kind": "multivariate",
        "description": ai_config["description"],
        "_version": document["_version"],
        "_purpose": "aiconfig",
        "creationDate": document["createdAt"],
        "variations": values,
        "defaults": {
            "onVariation": index[document["defaults"]["on"]],
            "offVariation": index[document["defaults"]["off"]],
        },
        "temporary": False,
        "archived": False,
        "deprecated": False,
        "includeInSnippet": False,
        "clientSideAvailability": {"usingMobileKey": False, "usingEnvironmentId": False},
        "tags": ai_config["tags"],
        "customProperties": {},
        "experiments": {"baselineIdx": 0, "items": []},
    }
    if ai_config["maintainerId"]:
        flag["maintainerId"] = ai_config["maintainerId"]
    environments = {
        name: _environment(call, project, key, name, environment_view(found, index, name))
        for name, found in document["environments"].items()
        if shown is None or name in shown
    }
    if environments:
        flag["environments"] = environments
    return flag


def _environment(
    call: Call, project: str, key: str, name: str, environment: Mapping[str, Json]
) -> dict[str, Json]:
    shown = {field: value for field, value in environment.items() if field != "enabled"}
    found = call.environment(project, name)
    return {
        **shown,
        "on": environment["enabled"],
        "version": environment["_version"],
        "archived": False,
        "salt": found["_id"][:16],
        "sel": found["_id"][8:],
        "prerequisites": [],
        "_environmentName": found["name"],
        "_site": link("projects", project, "flags", key, site=True),
    }


def list_flags(call: Call, project: str) -> Json:
    """List flags; environments show only with `filterEnv` (or `env`), see the API's changelog."""
    call.project(project)
    found = call.store.documents(project, "aiConfigs")
    wanted = call.names("filterEnv") | call.names("env")
    for part in (call.param("filter") or "").split(","):
        name, _, value = part.partition(":")
        if name == "filterEnv":
            wanted |= {value}
        elif name == "query":
            found = [one for one in found if value.lower() in f"{one['key']} {one['name']}".lower()]
    return page(call, found, lambda one: flag_view(call, project, one, wanted))


def get_flag(call: Call, project: str, key: str) -> Json:
    """Return one flag with all environments, or those that `env` names."""
    call.project(project)
    ai_config = call.find(Ref(project, "aiConfigs", key), f"feature flag {key}")
    wanted = frozenset(call.query.get("env", ()))
    return flag_view(call, project, ai_config, wanted or None)


ROUTES = (
    Route("GET", "/flags/{project}", list_flags),
    Route("GET", "/flags/{project}/{flag}", get_flag),
    Route("POST", "/flags/{project}"),
    Route("PATCH", "/flags/{project}/{flag}"),
    Route("DELETE", "/flags/{project}/{flag}"),
)
