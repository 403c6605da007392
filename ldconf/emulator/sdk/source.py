"""The source of what the local LaunchDarkly holds, for the compiler."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.compile import (
    AIConfigSource,
    EnvironmentTargeting,
    Source,
    TargetRule,
    VariationValue,
)
from ldconf.compile.served import split
from ldconf.compile.source import Served, Split
from ldconf.core.resource import Json
from ldconf.emulator import library
from ldconf.emulator.database import Ref
from ldconf.emulator.store import Store
from ldconf.emulator.targeting_document import DISABLED

# What the compiled flags depend on, as families of the store.
FAMILIES = frozenset(
    {
        *("aiConfigs", "variations", "targeting", "segments", "agentGraphs"),
        *("modelConfigs", "toolVersions", "environments"),
    }
)


def store_source(store: Store, project: str) -> Source:
    """Return the source of a project: experiments that run stand in its targeting already."""
    with store.lock:
        segments: dict[str, dict[str, Mapping[str, Json]]] = {}
        for environment, segment in store.children(project, "segments"):
            segments.setdefault(environment, {})[segment["key"]] = segment
        return Source(
            project=project,
            ai_configs={
                config["key"]: _ai_config(store, project, config)
                for config in store.documents(project, "aiConfigs")
            },
            segments=segments,
            graphs={graph["key"]: graph for graph in store.documents(project, "agentGraphs")},
        )


def _ai_config(store: Store, project: str, ai_config: Mapping[str, Json]) -> AIConfigSource:
    key = ai_config["key"]
    document = store.get(Ref(project, "targeting", key))
    keys = {slot["_id"]: slot["key"] or DISABLED for slot in document["slots"]}
    values = {
        keys[shown["_id"]]: shown["value"]
        for shown in library.served_values(store, project, ai_config, document)
    }
    archived = {
        row["key"]
        for row in store.documents(project, "variations", key)
        if row["state"] == "archived"
    }
    return AIConfigSource(
        key,
        [
            VariationValue(name, value, archived=name in archived)
            for name, value in values.items()
            if name != DISABLED
        ],
        {
            environment: _targeting(block, keys)
            for environment, block in document["environments"].items()
        },
    )


def _targeting(block: Mapping[str, Json], keys: Mapping[str, str]) -> EnvironmentTargeting:
    return EnvironmentTargeting(
        targets=[{**target, "variation": keys[target["variation"]]} for target in block["targets"]],
        rules=[
            TargetRule(
                id=rule["_id"],
                clauses=rule["clauses"],
                serve=_served(rule, keys),
                description=rule.get("description") or None,
                track_events=bool(rule.get("trackEvents")),
            )
            for rule in block["rules"]
        ],
        fallthrough=_served(block["fallthrough"], keys),
        on=block["enabled"],
        off_variation=keys[block["offVariation"]],
        track_events=block["trackEvents"],
        track_events_fallthrough=block["trackEventsFallthrough"],
        version=block["_version"],
    )


def _served(slot: Mapping[str, Json], keys: Mapping[str, str]) -> Served:
    """Return what is served. Arms of plain rollouts stand in the order of their keys, so that
    files evaluated offline give everybody the same arm as here."""
    if "rollout" not in slot:
        return keys[slot["variation"]]
    found = split(slot["rollout"], keys)
    if found.experiment:
        return found
    arms = tuple(sorted(found.arms, key=lambda arm: arm.variation))
    return Split(arms, found.context_kind, found.bucket_by, found.seed)
