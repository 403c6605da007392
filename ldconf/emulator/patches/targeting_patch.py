"""The semantic patch of AI Config targeting: exactly the 21 documented kinds (reference 5.4)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.resource import Json, same
from ldconf.emulator import fields
from ldconf.emulator.http import bad_request
from ldconf.emulator.patches.rules import SHARED, NewId, Rules, context_kind, new_clauses, texts_of

WHOLE = 100_000  # weights are thousandths of a percent


@dataclass(frozen=True)
class World:
    """What instructions may name: slot ids with their served values, archived slots, segments."""

    values: Mapping[str, Json]
    archived: frozenset[str]
    segments: frozenset[str]
    new_id: NewId


class TargetingPatch:
    """Applies instructions to a copy of one environment's targeting (and the defaults)."""

    def __init__(self, document: Mapping[str, Json], environment: str, world: World) -> None:
        self.environment = copy.deepcopy(document["environments"][environment])
        self.defaults = dict(document["defaults"])
        self.world = world
        self.rules = Rules(self.environment["rules"], world.new_id)

    def apply(self, instructions: Iterable[Mapping[str, Json]]) -> None:
        """Apply all instructions in order; 400 for the first that cannot be (all or nothing)."""
        for instruction in instructions:
            kind = instruction["kind"]
            if kind in SHARED:
                SHARED[kind](self.rules, instruction)
            elif kind in _OWN:
                _OWN[kind](self, instruction)
            else:
                raise bad_request(f"unknown instruction kind {kind!r}")
        for rule in self.rules.rules:
            self._check_segments(rule["clauses"])

    def add_rule(self, instruction: Mapping[str, Json]) -> None:
        """`addRule`: documented without a description, so one that is sent is ignored."""
        rule = self._new_rule({**instruction, "description": None})
        self.rules.add(rule, instruction.get("beforeRuleId"))

    def replace_rules(self, instruction: Mapping[str, Json]) -> None:
        """`replaceRules`: the rules get new ids."""
        rules = instruction.get("rules")
        if not isinstance(rules, list):
            raise bad_request("rules must be a list of objects")
        self.rules.rules[:] = [self._new_rule(rule) for rule in rules]

    def update_rule_serve(self, instruction: Mapping[str, Json]) -> None:
        """`updateRuleVariationOrRollout`."""
        rule = self.rules.find(instruction)
        rule.pop("variation", None)
        rule.pop("rollout", None)
        rule.update(self._serve(instruction))

    def update_rule_track_events(self, instruction: Mapping[str, Json]) -> None:
        """`updateRuleTrackEvents`."""
        self.rules.find(instruction)["trackEvents"] = _flag(instruction)

    def update_fallthrough(self, instruction: Mapping[str, Json]) -> None:
        """`updateFallthroughVariationOrRollout`."""
        self.environment["fallthrough"] = self._serve(instruction)

    def update_off(self, instruction: Mapping[str, Json]) -> None:
        """`updateOffVariation`."""
        self.environment["offVariation"] = self._variation(instruction.get("variationId"))

    def update_default(self, instruction: Mapping[str, Json]) -> None:
        """`updateDefaultVariation`: by value; the documentation's example writes a capital O."""
        for name, spellings in (
            ("on", ("onVariationValue", "OnVariationValue")),
            ("off", ("offVariationValue", "OffVariationValue")),
        ):
            for spelling in spellings:
                if spelling in instruction:
                    self.defaults[name] = self._by_value(instruction[spelling])

    def update_track_events(self, instruction: Mapping[str, Json]) -> None:
        """`updateTrackEvents`: all rules."""
        self.environment["trackEvents"] = _flag(instruction)

    def update_track_events_fallthrough(self, instruction: Mapping[str, Json]) -> None:
        """`updateTrackEventsFallthrough`."""
        self.environment["trackEventsFallthrough"] = _flag(instruction)

    def add_targets(self, instruction: Mapping[str, Json]) -> None:
        """`addTargets`: fails if another variation targets one of the keys already."""
        variation = self._variation(instruction.get("variationId"))
        kind, values = context_kind(instruction), texts_of(instruction)
        for target in self.environment["targets"]:
            if target["contextKind"] != kind or target["variation"] == variation:
                continue
            taken = sorted(set(target["values"]) & set(values))
            if taken:
                raise bad_request(f"{kind} {taken[0]!r} is already targeted by another variation")
        self._target(kind, variation)["values"].extend(
            value
            for value in dict.fromkeys(values)
            if value not in self._target(kind, variation)["values"]
        )
        self._drop_empty_targets()

    def remove_targets(self, instruction: Mapping[str, Json]) -> None:
        """`removeTargets`: absent keys are ignored."""
        variation = self._variation(instruction.get("variationId"), archived=True)
        target = self._target(context_kind(instruction), variation)
        gone = set(texts_of(instruction))
        target["values"] = [value for value in target["values"] if value not in gone]
        self._drop_empty_targets()

    def replace_targets(self, instruction: Mapping[str, Json]) -> None:
        """`replaceTargets`: replaces all individual targets."""
        targets = instruction.get("targets")
        if not fields.mappings(targets):
            raise bad_request("targets must be a list of objects")
        self.environment["targets"] = []
        for target in targets or ():
            self.add_targets(target)

    def clear_targets(self, instruction: Mapping[str, Json]) -> None:
        """`clearTargets`: of one variation, user and non-user."""
        variation = self._variation(instruction.get("variationId"), archived=True)
        targets = self.environment["targets"]
        self.environment["targets"] = [t for t in targets if t["variation"] != variation]

    def _new_rule(self, rule: Json) -> dict[str, Json]:
        if not isinstance(rule, Mapping):
            raise bad_request("a rule must be an object")
        made: dict[str, Json] = {
            "_id": self.world.new_id(),
            "clauses": new_clauses(rule.get("clauses", []), self.world.new_id),
            "trackEvents": False,
            **self._serve(rule),
        }
        if isinstance(rule.get("description"), str) and rule["description"]:
            made["description"] = rule["description"]
        return made

    def _serve(self, instruction: Mapping[str, Json]) -> dict[str, Json]:
        variation, weights = instruction.get("variationId"), instruction.get("rolloutWeights")
        if (variation is None) == (weights is None):
            raise bad_request("exactly one of variationId and rolloutWeights is needed")
        if weights is None:
            return {"variation": self._variation(variation)}
        return {"rollout": self._rollout(weights, instruction)}

    def _rollout(self, weights: Json, instruction: Mapping[str, Json]) -> dict[str, Json]:
        if not isinstance(weights, Mapping) or not weights:
            raise bad_request("rolloutWeights must map variation ids to weights")
        if not all(fields.integer(weight) and 0 <= weight <= WHOLE for weight in weights.values()):
            raise bad_request(f"rollout weights must be integers from 0 to {WHOLE}")
        if sum(weights.values()) != WHOLE:
            raise bad_request(f"rollout weights must sum to {WHOLE}")
        for variation, weight in weights.items():
            self._variation(variation, archived=weight == 0)
        options = fields.pick(
            instruction, {"rolloutBucketBy": fields.text, "rolloutContextKind": fields.text}
        )
        arms = [  # in the order of the targeting document's variations, as a UI would list them
            {"variation": variation, "weight": weights[variation]}
            for variation in self.world.values
            if variation in weights
        ]
        rollout: dict[str, Json] = {
            "contextKind": options.get("rolloutContextKind") or "user",
            "variations": arms,
        }
        if options.get("rolloutBucketBy"):
            rollout["bucketBy"] = options["rolloutBucketBy"]
        return rollout

    def _variation(self, variation: Json, *, archived: bool = False) -> str:
        if not isinstance(variation, str) or variation not in self.world.values:
            raise bad_request(f"unknown variationId {variation!r}")
        if variation in self.world.archived and not archived:
            raise bad_request(f"variation {variation} is archived and cannot be served")  # [INF]
        return variation

    def _by_value(self, value: Json) -> str:
        for variation, served in self.world.values.items():
            if same(served, value):
                return variation
        raise bad_request("no variation has this value")

    def _target(self, kind: str, variation: str) -> dict[str, Json]:
        for target in self.environment["targets"]:
            if target["contextKind"] == kind and target["variation"] == variation:
                found: dict[str, Json] = target
                return found
        fresh: dict[str, Json] = {"contextKind": kind, "variation": variation, "values": []}
        self.environment["targets"].append(fresh)
        return fresh

    def _drop_empty_targets(self) -> None:
        self.environment["targets"] = [t for t in self.environment["targets"] if t["values"]]

    def _check_segments(self, clauses: Sequence[Mapping[str, Json]]) -> None:
        for clause in clauses:
            for value in clause["values"] if clause["op"] == "segmentMatch" else ():
                if value not in self.world.segments:
                    raise bad_request(f"unknown segment {value!r}")  # [INF]


_OWN: Mapping[str, Callable[[TargetingPatch, Mapping[str, Json]], None]] = {
    "addRule": TargetingPatch.add_rule,
    "replaceRules": TargetingPatch.replace_rules,
    "updateRuleVariationOrRollout": TargetingPatch.update_rule_serve,
    "updateRuleTrackEvents": TargetingPatch.update_rule_track_events,
    "addTargets": TargetingPatch.add_targets,
    "removeTargets": TargetingPatch.remove_targets,
    "replaceTargets": TargetingPatch.replace_targets,
    "clearTargets": TargetingPatch.clear_targets,
    "updateFallthroughVariationOrRollout": TargetingPatch.update_fallthrough,
    "updateOffVariation": TargetingPatch.update_off,
    "updateDefaultVariation": TargetingPatch.update_default,
    "updateTrackEvents": TargetingPatch.update_track_events,
    "updateTrackEventsFallthrough": TargetingPatch.update_track_events_fallthrough,
}
KINDS = frozenset(SHARED) | frozenset(_OWN)


def _flag(instruction: Mapping[str, Json]) -> bool:
    value = instruction.get("trackEvents")
    if not isinstance(value, bool):
        raise bad_request("trackEvents must be a boolean")
    return value
