"""The semantic patch of segments (reference 15)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.http import bad_request, not_implemented
from ldconf.emulator.patches.rules import SHARED, NewId, Rules, context_kind, new_clauses, texts_of

BATCH = 1500  # keys in one instruction
BIG = frozenset(
    f"{verb}BigSegment{list_}Targets"
    for verb in ("add", "remove")
    for list_ in ("Included", "Excluded")
) | {"processBigSegmentImport"}
DETAILS = frozenset({"addTags", "removeTags", "updateName"})  # never gated by approvals


class SegmentPatch:
    """Applies instructions to a copy of one segment."""

    def __init__(self, segment: Mapping[str, Json], new_id: NewId) -> None:
        self.segment = copy.deepcopy(dict(segment))
        self.new_id = new_id
        self.rules = Rules(self.segment["rules"], new_id)

    def apply(self, instructions: Iterable[Mapping[str, Json]]) -> None:
        """Apply all instructions in order; 400 for the first that cannot be (all or nothing)."""
        for instruction in instructions:
            kind = instruction["kind"]
            if kind in SHARED:
                SHARED[kind](self.rules, instruction)
            elif kind in _OWN:
                _OWN[kind](self, instruction)
            elif kind in _TARGETS:
                self._targets(instruction, *_TARGETS[kind])
            elif kind in BIG:
                raise not_implemented(f"segment instruction {kind}")
            else:
                raise bad_request(f"unknown instruction kind {kind!r}")
        check_membership(self.segment)

    def add_tags(self, instruction: Mapping[str, Json]) -> None:
        """`addTags`."""
        self.segment["tags"] = fields.sorted_tags([*self.segment["tags"], *texts_of(instruction)])

    def remove_tags(self, instruction: Mapping[str, Json]) -> None:
        """`removeTags`."""
        gone = set(texts_of(instruction))
        self.segment["tags"] = [tag for tag in self.segment["tags"] if tag not in gone]

    def update_name(self, instruction: Mapping[str, Json]) -> None:
        """`updateName`."""
        name = instruction.get("value")
        if not isinstance(name, str) or not name:
            raise bad_request("value must be a non-empty string")
        self.segment["name"] = name

    def add_rule(self, instruction: Mapping[str, Json]) -> None:
        """`addRule`, with a description."""
        rule: dict[str, Json] = {
            "_id": self.new_id(),
            "clauses": new_clauses(instruction.get("clauses", []), self.new_id),
        }
        if instruction.get("description"):
            rule["description"] = str(instruction["description"])
        self.rules.add(rule)

    def update_rollout(self, instruction: Mapping[str, Json]) -> None:
        """`updateRuleRolloutAndContextKind`: the documentation's example writes the weight as a
        string."""
        rule = self.rules.find(instruction)
        weight: Json = instruction.get("weight")
        if isinstance(weight, str) and weight.isdecimal():
            weight = int(weight)
        if not fields.integer(weight) or not 0 <= weight <= 100_000:
            raise bad_request("weight must be an integer from 0 to 100000")
        rule["weight"] = weight
        rule["rolloutContextKind"] = context_kind(instruction)

    def _targets(self, instruction: Mapping[str, Json], verb: str, list_: str, user: bool) -> None:
        kind = "user" if user else context_kind(instruction)
        values = texts_of(instruction)
        if len(values) > BATCH:
            raise bad_request(f"an instruction may name at most {BATCH} keys")
        keys = self._keys(list_, kind)
        if verb == "add":
            keys.extend(value for value in dict.fromkeys(values) if value not in keys)
        else:
            keys[:] = [key for key in keys if key not in set(values)]
        contexts = f"{list_}Contexts"
        self.segment[contexts] = [entry for entry in self.segment[contexts] if entry["values"]]

    def _keys(self, list_: str, kind: str) -> list[str]:
        """Return the keys of a kind in `included` or `excluded`, to be changed in place."""
        if kind == "user":
            users: list[str] = self.segment[list_]
            return users
        contexts = self.segment[f"{list_}Contexts"]
        for entry in contexts:
            if entry["contextKind"] == kind:
                found: list[str] = entry["values"]
                return found
        fresh: list[str] = []
        contexts.append({"contextKind": kind, "values": fresh})
        return fresh


_OWN: Mapping[str, Callable[[SegmentPatch, Mapping[str, Json]], None]] = {
    "addTags": SegmentPatch.add_tags,
    "removeTags": SegmentPatch.remove_tags,
    "updateName": SegmentPatch.update_name,
    "addRule": SegmentPatch.add_rule,
    "updateRuleRolloutAndContextKind": SegmentPatch.update_rollout,
}
_TARGETS: Mapping[str, tuple[str, str, bool]] = {
    f"{verb}{list_}{noun}": (verb, list_.lower(), noun == "Users")
    for verb in ("add", "remove")
    for list_ in ("Included", "Excluded")
    for noun in ("Targets", "Users")
}
KINDS = frozenset(SHARED) | frozenset(_OWN) | frozenset(_TARGETS)


def check_membership(segment: Mapping[str, Json]) -> None:
    """400 if a key is both included and excluded (reference 15)."""
    both = set(_members(segment, "included")) & set(_members(segment, "excluded"))
    if both:
        kind, key = sorted(both)[0]
        raise bad_request(f"{kind} {key!r} cannot be both included and excluded")


def _members(segment: Mapping[str, Json], list_: str) -> list[tuple[str, str]]:
    named = [("user", key) for key in segment[list_]]
    for entry in segment[f"{list_}Contexts"]:
        named += [(entry.get("contextKind", "user"), key) for key in entry.get("values", ())]
    return named
