"""The source of what LaunchDarkly says, as far as its REST API tells."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.compile.rows import Library, Row, event_key, variation_value
from ldconf.compile.served import split
from ldconf.compile.source import (
    AIConfigSource,
    EnvironmentTargeting,
    Served,
    Source,
    TargetRule,
    VariationValue,
)
from ldconf.core.address import Address
from ldconf.core.address import ai_config as ai_config_address
from ldconf.core.address import variation as variation_address
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed
from ldconf.kinds.clause import clause_id
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.targeting_document import FALLTHROUGH, variation_keys


def live_source(live: Live) -> Source:
    """Return the source of a live state whose targeting was read.

    The salts of LaunchDarkly are not in its targeting documents: rollouts have the right shares,
    but a given context may get another arm than there. Running experiments have their seeds.
    """
    library = Library(
        tools={address.key: one.meta["raw"] for address, one in _of(live, "tools")},
        model_configs={address.key: one.meta["raw"] for address, one in _of(live, "modelConfigs")},
    )
    segments: dict[str, dict[str, Row]] = {}
    for address, one in _of(live, "segments"):
        segments.setdefault(address.environment or "", {})[address.key] = one.meta["raw"]
    targeting: dict[str, dict[str, Observed]] = {}
    for address, one in _of(live, "targeting"):
        targeting.setdefault(address.parts[1], {})[address.parts[3]] = one
    return Source(
        project=live.project,
        ai_configs={
            key: _ai_config(key, live, environments, library)
            for key, environments in targeting.items()
        },
        segments=segments,
        graphs={address.key: one.meta["raw"] for address, one in _of(live, "agentGraphs")},
    )


def _of(live: Live, kind: str) -> list[tuple[Address, Observed]]:
    return [(address, one) for address, one in live.observed.items() if address.kind == kind]


def _ai_config(
    key: str, live: Live, environments: Mapping[str, Observed], library: Library
) -> AIConfigSource:
    """Return an AI Config; every environment's targeting carries the same document."""
    document: Row = next(iter(environments.values())).meta["document"]
    keys = variation_keys(document)
    entries = zip(keys, document.get("variations") or (), strict=True)
    return AIConfigSource(
        key,
        [
            _variation(key, name, entry, live, library)
            for name, entry in entries
            if name != DISABLED
        ],
        {
            environment: _targeting(one.meta["raw"], keys)
            for environment, one in environments.items()
        },
    )


def _variation(key: str, name: str, entry: Row, live: Live, library: Library) -> VariationValue:
    """Return a variation with the value of the targeting document, which is the one that SDKs get;
    where it shows none, one made from the variation itself."""
    found = live.observed.get(variation_address(key, name))
    row = found.resource.managed() if found else {}
    value = entry.get("value")
    if isinstance(value, Mapping) and "_ldMeta" in value:
        return VariationValue(name, value, archived=row.get("state") == "archived")
    config = live.observed.get(ai_config_address(key))
    about = config.resource.managed() if config else {}
    described = {
        "mode": about.get("mode") or "completion",
        "evaluationMetricKey": event_key(about.get("evaluationMetricKey")),
    }
    version = found.version if found else None
    return variation_value(described, {**row, "key": name, "version": version or 1}, library)


def _targeting(block: Row, keys: tuple[str, ...]) -> EnvironmentTargeting:
    targets = [*(block.get("targets") or ()), *(block.get("contextTargets") or ())]
    off = block.get("offVariation")
    return EnvironmentTargeting(
        targets=[{**target, "variation": keys[target["variation"]]} for target in targets],
        rules=[
            TargetRule(
                id=clause_id(rule) or f"rule-{position + 1}",
                clauses=rule.get("clauses") or (),
                serve=_served(rule, keys),
                description=rule.get("description") or None,
                track_events=bool(rule.get("trackEvents")),
            )
            for position, rule in enumerate(block.get("rules") or ())
            if not rule.get("disabled")
        ],
        fallthrough=_served(block.get(FALLTHROUGH) or {}, keys),
        on=block.get("enabled", True),
        off_variation=DISABLED if off is None else keys[off],
        track_events=bool(block.get("trackEvents")),
        track_events_fallthrough=bool(block.get("trackEventsFallthrough")),
        version=block.get("_version") or 1,
    )


def _served(slot: Row, keys: tuple[str, ...]) -> Served:
    rollout: Json = slot.get("rollout")
    if not rollout:
        index = slot.get("variation")
        return DISABLED if index is None else keys[index]
    return split(rollout, dict(enumerate(keys)))
