"""Look-ups that several families share: versions of tools and model configs, and who uses what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ldconf.compile.value import DISABLED_VALUE, served_value
from ldconf.core.resource import Json
from ldconf.emulator.catalogue import CATALOGUE
from ldconf.emulator.database import Ref
from ldconf.emulator.store import Store
from ldconf.emulator.targeting_document import DISABLED


def model_config(store: Store, project: str, key: str | None) -> Mapping[str, Json] | None:
    """Return a custom or global model config, newest version."""
    if not key:
        return None
    found: Mapping[str, Json] | None = store.get(Ref(project, "modelConfigs", key))
    return found or CATALOGUE.get(key)


def model_config_version(
    store: Store, project: str, key: str, version: int
) -> Mapping[str, Json] | None:
    """Return one version of a model config (global ones have version 1 only)."""
    if store.get(Ref(project, "modelConfigs", key)) is None:
        return CATALOGUE.get(key) if version in (0, 1) else None
    found: Mapping[str, Json] | None = store.get(
        Ref(project, "modelConfigVersions", str(version), key)
    )
    return found


def tool_version(store: Store, project: str, key: str, version: int) -> Mapping[str, Json] | None:
    """Return one version of a tool."""
    found: Mapping[str, Json] | None = store.get(Ref(project, "toolVersions", str(version), key))
    return found


def variations(store: Store, project: str) -> Iterator[tuple[str, Json]]:
    """Yield (AI Config key, newest row) of all variations of a project."""
    return store.children(project, "variations")


def tool_users(store: Store, project: str, tool: str) -> list[tuple[str, Json, int]]:
    """Return (AI Config key, variation row, tool version) of the variations that attach a tool."""
    return [
        (ai_config, row, attached["version"])
        for ai_config, row in variations(store, project)
        for attached in row.get("tools") or ()
        if attached["key"] == tool
    ]


def model_config_uses(store: Store, project: str) -> dict[str, int]:
    """Return how many variations use each model config."""
    counts: dict[str, int] = {}
    for _, row in variations(store, project):
        key = row.get("modelConfigKey")
        if key:
            counts[key] = counts.get(key, 0) + 1
    return counts


def judge_users(store: Store, project: str, judge: str) -> list[tuple[str, str]]:
    """Return (AI Config key, variation key) of the variations that a judge is attached to."""
    return [
        (ai_config, row["key"])
        for ai_config, row in variations(store, project)
        for attached in (row.get("judgeConfiguration") or {}).get("judges") or ()
        if attached["judgeConfigKey"] == judge
    ]


def graphs_naming(store: Store, project: str, ai_config: str) -> list[str]:
    """Return the keys of the agent graphs that name an AI Config."""
    return [
        graph["key"]
        for graph in store.documents(project, "agentGraphs")
        if graph.get("rootConfigKey") == ai_config
        or any(
            ai_config in (edge["sourceConfig"], edge["targetConfig"])
            for edge in graph.get("edges") or ()
        )
    ]


def served_values(
    store: Store, project: str, ai_config: Mapping[str, Json], document: Mapping[str, Json]
) -> list[dict[str, Json]]:
    """Return `variations[]` of a targeting document: one entry per slot, with the served value."""
    return [_slot_view(store, project, ai_config, slot) for slot in document["slots"]]


def _slot_view(
    store: Store, project: str, ai_config: Mapping[str, Json], slot: Mapping[str, Json]
) -> dict[str, Json]:
    if slot["key"] is None:
        value: Mapping[str, Json] = DISABLED_VALUE
        return {"_id": slot["_id"], "name": DISABLED, "description": "", "value": value}
    row = store.get(Ref(project, "variations", slot["key"], ai_config["key"]))
    tools = [
        tool
        for attached in row.get("tools") or ()
        if (tool := tool_version(store, project, attached["key"], attached["version"]))
    ]
    model = model_config(store, project, row.get("modelConfigKey"))
    value = served_value(ai_config, row, model, tools)
    return {"_id": slot["_id"], "name": row["name"], "description": "", "value": value}
