"""The flag of one AI Config in one environment (protocol notes 2.2 to 2.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ldconf.compile.clause import compile_clause
from ldconf.compile.salt import salt
from ldconf.compile.source import (
    AIConfigSource,
    EnvironmentTargeting,
    Served,
    Split,
    TargetRule,
)
from ldconf.compile.value import DISABLED_VALUE
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.targeting_document import canonical_targets

NOT_CLIENT_SIDE = {"usingMobileKey": False, "usingEnvironmentId": False}


def compile_flag(project: str, environment: str, ai_config: AIConfigSource) -> dict[str, Json]:
    """Return the flag. Its variation 0 is `disabled`, which is also the off variation."""
    targeting = ai_config.targeting.get(environment, EnvironmentTargeting())
    served = set(_served(targeting))
    kept = [
        variation
        for variation in ai_config.variations
        if not variation.archived or variation.key in served
    ]
    values: dict[str, Mapping[str, Json]] = {DISABLED: DISABLED_VALUE}
    values.update((variation.key, variation.value) for variation in kept)
    index = _Index(ai_config.key, environment, values)
    flag = bare_flag(ai_config.key, list(values.values()))
    flag.update(
        version=targeting.version,
        on=targeting.on,
        salt=targeting.salt or salt(project, environment, "flags", ai_config.key),
        **_targets(targeting.targets, index),
        rules=[_rule(rule, index) for rule in targeting.rules],
        fallthrough=_serve(targeting.fallthrough, index),
        offVariation=index[targeting.off_variation],
        trackEvents=targeting.track_events,
        trackEventsFallthrough=targeting.track_events_fallthrough,
    )
    return flag


class _Index(dict[str, int]):
    """Variation key -> index. A key that is not there raises LdconfError."""

    def __init__(self, ai_config: str, environment: str, keys: Iterable[str]) -> None:
        super().__init__({key: position for position, key in enumerate(keys)})
        self._where = f"the targeting of {ai_config} in {environment}"

    def __missing__(self, key: str) -> int:
        raise LdconfError(f"{self._where} serves variation {key!r}, which is not known here")


def bare_flag(key: str, variations: list[Json]) -> dict[str, Json]:
    """Return a flag that is on and serves its variation 0, with every field that SDKs know."""
    return {
        "key": key,
        "version": 1,
        "on": True,
        "salt": "",
        "sel": "",
        "prerequisites": [],
        "targets": [],
        "contextTargets": [],
        "rules": [],
        "fallthrough": {"variation": 0},
        "offVariation": 0,
        "variations": variations,
        "trackEvents": False,
        "trackEventsFallthrough": False,
        "debugEventsUntilDate": None,
        "clientSideAvailability": dict(NOT_CLIENT_SIDE),
        "clientSide": False,
        "deleted": False,
    }


def _targets(
    targets: Sequence[Mapping[str, Json]], index: Mapping[str, int]
) -> dict[str, list[Json]]:
    """Return `targets` (users) and `contextTargets`.

    If there are contexts of other kinds, `contextTargets` decides the order, and users stand there
    as entries without keys (protocol notes 2.3).
    """
    users: list[Json] = []
    contexts: list[Json] = []
    for target in canonical_targets(targets):
        entry = {"variation": index[target["variation"]], "values": target["values"]}
        if target["contextKind"] == "user":
            users.append(entry)
            entry = {**entry, "values": []}
        contexts.append({"contextKind": target["contextKind"], **entry})
    return {"targets": users, "contextTargets": contexts if len(contexts) > len(users) else []}


def _rule(rule: TargetRule, index: Mapping[str, int]) -> dict[str, Json]:
    return {
        "id": rule.id,
        "clauses": [compile_clause(clause) for clause in rule.clauses],
        **_serve(rule.serve, index),
        "trackEvents": rule.track_events,
    }


def _serve(serve: Served, index: Mapping[str, int]) -> dict[str, Json]:
    if isinstance(serve, str):
        return {"variation": index[serve]}
    return {"rollout": _rollout(serve, index)}


def _rollout(split: Split, index: Mapping[str, int]) -> dict[str, Json]:
    """Return a rollout; all weights are integers, SDKs refuse others (protocol notes 2.1)."""
    arms: list[dict[str, Json]] = [
        {"variation": index[arm.variation], "weight": arm.weight} for arm in split.arms
    ]
    rollout: dict[str, Json] = {"kind": "rollout", "contextKind": split.context_kind}
    if split.seed is not None:
        rollout["seed"] = split.seed
    if split.experiment:  # always divided by the context's key
        rollout["kind"] = "experiment"
        for arm, compiled in zip(split.arms, arms, strict=True):
            compiled["untracked"] = arm.untracked
    else:
        rollout["bucketBy"] = split.bucket_by
    return {**rollout, "variations": arms}


def _served(targeting: EnvironmentTargeting) -> Iterator[str]:
    """Yield the keys of all variations that targeting names."""
    yield targeting.off_variation
    for serve in (targeting.fallthrough, *(rule.serve for rule in targeting.rules)):
        yield from [serve] if isinstance(serve, str) else (arm.variation for arm in serve.arms)
    yield from (target["variation"] for target in targeting.targets)
