"""The API's targeting document of an AI Config, said in the words of files.

The document speaks of variations by index, instructions speak of them by targeting `_id`, people by
key (reference 0.1, 5.2). It is read as raw JSON: the official client drops rule ids (5.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.kinds.clause import Clause, clause_id
from ldconf.kinds.serve import DISABLED, from_weights

Document: TypeAlias = Mapping[str, Json]
FALLTHROUGH = "fallthrough"


@dataclass(frozen=True)
class LiveRule:
    """A live rule: `value` is its canonical JSON (no `description` if it has none)."""

    value: Mapping[str, Json]
    id: str | None
    clause_ids: tuple[str | None, ...]
    experiment: frozenset[str] = frozenset()  # arms of the experiment that runs on it


@dataclass(frozen=True)
class LiveTargeting:
    """The targeting of one environment, in canonical JSON, beside the server's ids.

    Rollouts of a running experiment are projected to its baseline. `problems` say in words what
    could not be read.
    """

    ids: VariationIds
    targets: Sequence[Mapping[str, Json]]
    rules: tuple[LiveRule, ...]
    fallthrough: Json
    experiment: frozenset[str] = frozenset()  # arms of the experiment on the fallthrough
    problems: tuple[str, ...] = ()


class VariationIds(dict[str, str]):
    """Variation key -> targeting `_id`. A key that is not there raises LdconfError."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        entries = document.get("variations") or ()
        keys = variation_keys(document)
        counts = Counter(keys)
        for key, entry in zip(keys, entries, strict=True):
            if counts[key] == 1 and (found := clause_id(entry)):
                self[key] = found
        self._ai_config = document.get("key", "")

    def __missing__(self, key: str) -> str:
        known = ", ".join(sorted(self)) or "none"
        raise LdconfError(
            f"the targeting of AI Config {self._ai_config!r} has no variation {key!r}",
            f"it has: {known}. A variation made a moment ago may take some seconds to appear: "
            "run the command again",
        )


def variation_keys(document: Document) -> tuple[str, ...]:
    """Return the key of each variation by index; `#INDEX` where the document does not tell.

    Tried in the order of reference U3: `_ldMeta.variationKey`, `key`, a unique `name`. The entry
    `disabled` stands at any index; it is the one that is not enabled and has no key.
    """
    entries: Sequence[Mapping[str, Json]] = document.get("variations") or ()
    names = Counter(entry.get("name") for entry in entries)
    return tuple(_key(index, entry, names) for index, entry in enumerate(entries))


def live_targeting(document: Document, environment: str) -> LiveTargeting:
    """Return the targeting of an environment. One that the document lacks has nothing at all."""
    block = (document.get("environments") or {}).get(environment) or {}
    reading = _Reading(variation_keys(document), _baseline_index(document))
    rules = tuple(reading.rule(index, rule) for index, rule in enumerate(block.get("rules") or ()))
    slot = block.get(FALLTHROUGH) or {}
    fallthrough, experiment = reading.serve(slot, "the fallthrough")
    targets = reading.targets([*(block.get("targets") or ()), *(block.get("contextTargets") or ())])
    return LiveTargeting(
        VariationIds(document), targets, rules, fallthrough, experiment, tuple(reading.problems)
    )


def canonical_targets(targets: Iterable[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """Return targets merged by variation and context kind, sorted, keys sorted, none empty."""
    keys_by_slot: dict[tuple[str, str], set[str]] = {}
    for target in targets:
        slot = (target["variation"], target.get("contextKind") or "user")
        keys_by_slot.setdefault(slot, set()).update(target.get("values") or ())
    return [
        {"variation": variation, "contextKind": kind, "values": sorted(keys)}
        for (variation, kind), keys in sorted(keys_by_slot.items())
        if keys
    ]


class _Reading:
    """One pass over an environment's block; collects what it could not read."""

    def __init__(self, keys: Sequence[str], baseline: int | None) -> None:
        self._keys = keys
        self._baseline = baseline
        self.problems: list[str] = []

    def key(self, index: Json, where: str) -> str:
        """Return the key of the variation at an index, `#INDEX` if there is none."""
        if isinstance(index, int) and 0 <= index < len(self._keys):
            key = self._keys[index]
            if not key.startswith("#"):
                return key
        self.problems.append(f"{where} serves a variation without a key (number {index})")
        return f"#{index}"

    def targets(self, targets: Iterable[Mapping[str, Json]]) -> list[dict[str, Json]]:
        """Return canonical targets; user and other kinds may stand in either list."""
        return canonical_targets(
            {**target, "variation": self.key(target.get("variation"), "a target")}
            for target in targets
        )

    def rule(self, index: int, rule: Mapping[str, Json]) -> LiveRule:
        """Return a rule with the ids of itself and its clauses."""
        serve, experiment = self.serve(rule, f"rule {index + 1}")
        if rule.get("disabled"):
            self.problems.append(f"rule {index + 1} is disabled")
        clauses = rule.get("clauses") or ()
        value: dict[str, Json] = {
            "clauses": [Clause.from_api(clause).canonical() for clause in clauses],
            "serve": serve,
        }
        if description := rule.get("description"):
            value = {"description": description, **value}
        ids = tuple(clause_id(clause) for clause in clauses)
        return LiveRule(value, clause_id(rule), ids, experiment)

    def serve(self, slot: Mapping[str, Json], where: str) -> tuple[Json, frozenset[str]]:
        """Return what a rule or the fallthrough serves, and the arms of its experiment if any."""
        rollout = slot.get("rollout")
        if not rollout:
            index = slot.get("variation")
            return (None if index is None else self.key(index, where)), frozenset()
        arms = rollout.get("variations") or ()
        by_key: dict[str, int] = {}
        for arm in arms:
            key = self.key(arm.get("variation"), where)
            by_key[key] = by_key.get(key, 0) + (arm.get("weight") or 0)
        if is_experiment(rollout):
            served = self.key(self._control(rollout), where)
            return served, frozenset(by_key) | {served}
        bucket_by, kind = rollout.get("bucketBy") or "key", rollout.get("contextKind") or "user"
        return from_weights(by_key, bucket_by, kind), frozenset()

    def _control(self, rollout: Mapping[str, Json]) -> Json:
        """Return the index of an experiment's baseline.

        The document names the variation served outside, which is the baseline's unless told
        otherwise (reference 13.2); `baselineIdx` counts only if it is an arm.
        """
        arms = rollout.get("variations") or ()
        allocation = rollout.get("experimentAllocation") or {}
        outside = [arm.get("variation") for arm in arms if arm.get("_untracked")]
        tracked = [arm.get("variation") for arm in arms]
        named = [allocation.get("defaultVariation"), *outside]
        likely = [self._baseline] if self._baseline in tracked else tracked
        return next(index for index in [*named, *likely, None] if index is not None or not tracked)


def _key(index: int, entry: Mapping[str, Json], names: Mapping[Json, int]) -> str:
    value = entry.get("value")
    described = value.get("_ldMeta") if isinstance(value, Mapping) else None
    about: Mapping[str, Json] = described if isinstance(described, Mapping) else {}
    if key := about.get("variationKey") or entry.get("key"):
        return str(key)
    name = entry.get("name")
    if about.get("enabled") is False:
        return DISABLED
    return str(name) if name and names[name] == 1 else f"#{index}"


def is_experiment(rollout: Mapping[str, Json]) -> bool:
    """True for a rollout that a running experiment put there (reference 13.2)."""
    arms = rollout.get("variations") or ()
    return bool(
        rollout.get("experimentAllocation")
        or rollout.get("kind") == "experiment"
        or any(arm.get("_untracked") for arm in arms)
    )


def _baseline_index(document: Document) -> int | None:
    index = (document.get("experiments") or {}).get("baselineIdx")
    return index if isinstance(index, int) else None
