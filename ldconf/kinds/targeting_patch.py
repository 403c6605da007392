"""The smallest semantic patch that makes live targeting what a file says (reference 5.4).

Pure, in rounds: `addRule` takes no description, so a first patch adds a rule and a second one,
computed from the document read back, describes it. Matched rules keep their ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from ldconf.core.resource import Json, canonical_json, same
from ldconf.kinds.serve import to_wire
from ldconf.kinds.targeting_clauses import clause_edits
from ldconf.kinds.targeting_document import (
    FALLTHROUGH,
    Document,
    LiveRule,
    LiveTargeting,
    VariationIds,
    live_targeting,
)
from ldconf.kinds.targeting_rules import Rule, match_rules

Instruction: TypeAlias = dict[str, Json]
Slot: TypeAlias = tuple[str, str]  # variation key, context kind


def instructions(
    desired: Mapping[str, Json], document: Document, environment: str
) -> tuple[Instruction, ...]:
    """Return the instructions that set these fields; () when nothing differs.

    `desired` maps `targets`, `rules`, `fallthrough` to canonical JSON; fields not in it are left
    alone. After at most two rounds over fresh documents the environment is exactly as desired,
    except that an experiment rollout is never touched to serve one of its own arms.
    """
    live = live_targeting(document, environment)
    found: list[Instruction] = []
    if "targets" in desired:
        found += _target_edits(desired["targets"] or [], live)
    if "rules" in desired:
        found += _rule_edits(desired["rules"] or [], live)
    if FALLTHROUGH in desired:
        found += _fallthrough_edits(desired[FALLTHROUGH], live)
    return tuple(found)


def approval_instructions(
    desired: Mapping[str, Json], document: Document, environment: str
) -> tuple[Instruction, ...]:
    """Return the instructions of an approval request: complete in one round (design 4.11).

    New or reordered rules go in as one `replaceRules` with descriptions; rules that are only
    reordered keep their ids where an experiment runs on one of them.
    """
    found = instructions(desired, document, environment)
    kinds = {instruction["kind"] for instruction in found}
    live = live_targeting(document, environment)
    under_experiment = any(rule.experiment for rule in live.rules)
    if "addRule" not in kinds and ("reorderRules" not in kinds or under_experiment):
        return found
    others = {name: value for name, value in desired.items() if name != "rules"}
    replaced = _replace_rules(desired["rules"] or [], live.ids)
    return (replaced, *instructions(others, document, environment))


def same_instructions(left: Sequence[Json], right: Sequence[Json]) -> bool:
    """True if two lists of instructions ask for the same.

    Their order, the order of sets inside them, defaults that one spells out, and ids that the
    server gave to clauses and rules inside them make no difference.
    """
    return sorted(map(_comparable, left)) == sorted(map(_comparable, right))


def _target_edits(targets: Sequence[Mapping[str, Json]], live: LiveTargeting) -> list[Instruction]:
    """Return removals before additions, or one `replaceTargets` if that is shorter.

    Removals come first because a key that another variation targets cannot be added.
    """
    have, want = _keys_by_slot(live.targets), _keys_by_slot(targets)
    if have == want:
        return []
    edits = [*_target_removals(have, want, live.ids), *_target_additions(have, want, live.ids)]
    whole = {
        "kind": "replaceTargets",
        "targets": [_target(slot, keys, live.ids) for slot, keys in sorted(want.items())],
    }
    return [whole] if want and _size([whole]) < _size(edits) else edits


def _target_removals(
    have: Mapping[Slot, set[str]], want: Mapping[Slot, set[str]], ids: VariationIds
) -> Iterator[Instruction]:
    wanted = {variation for variation, _ in want}
    for variation in sorted({variation for variation, _ in have} - wanted):
        yield {"kind": "clearTargets", "variationId": ids[variation]}
    for slot, keys in sorted(have.items()):
        gone = keys - want.get(slot, set())
        if slot[0] in wanted and gone:
            yield {"kind": "removeTargets", **_target(slot, gone, ids)}


def _target_additions(
    have: Mapping[Slot, set[str]], want: Mapping[Slot, set[str]], ids: VariationIds
) -> Iterator[Instruction]:
    for slot, keys in sorted(want.items()):
        if missing := keys - have.get(slot, set()):
            yield {"kind": "addTargets", **_target(slot, missing, ids)}


def _target(slot: Slot, keys: set[str], ids: VariationIds) -> Instruction:
    variation, kind = slot
    return {"variationId": ids[variation], "contextKind": kind, "values": sorted(keys)}


def _keys_by_slot(targets: Sequence[Mapping[str, Json]]) -> dict[Slot, set[str]]:
    return {
        (target["variation"], target["contextKind"]): set(target["values"]) for target in targets
    }


def _rule_edits(rules: Sequence[Rule], live: LiveTargeting) -> list[Instruction]:
    """Return the edits that make the live rules these, in this order.

    `replaceRules` gives new ids, so it is used only where there is no id to keep.
    """
    if not live.rules or not all(_has_ids(rule) for rule in live.rules):
        unchanged = same(list(rules), [rule.value for rule in live.rules])
        return [] if unchanged else [_replace_rules(rules, live.ids)]
    pairs = match_rules(rules, [rule.value for rule in live.rules])
    live_by_file = {
        in_file: live.rules[in_live]
        for in_file, in_live in pairs
        if in_file is not None and in_live is not None
    }
    doomed = [
        live.rules[in_live].id
        for in_file, in_live in pairs
        if in_file is None and in_live is not None
    ]
    edits = _order([rule.id for rule in live_by_file.values()], doomed, live)
    edits += ({"kind": "removeRule", "ruleId": rule_id} for rule_id in doomed)
    for in_file, found in live_by_file.items():
        edits += _edits_of_rule(rules[in_file], found, live.ids)
    return [*edits, *_additions(rules, live_by_file, live.ids)]


def _order(
    kept: Sequence[str | None], doomed: Sequence[str | None], live: LiveTargeting
) -> list[Instruction]:
    """Return the reordering, if any. It names exactly the rules there, those to go last."""
    present = [rule.id for rule in live.rules if rule.id in kept]
    if present == kept:
        return []
    return [{"kind": "reorderRules", "ruleIds": [*kept, *doomed]}]


def _edits_of_rule(rule: Rule, found: LiveRule, ids: VariationIds) -> Iterator[Instruction]:
    at = {"ruleId": found.id}
    value = found.value
    if rule["description"] != value.get("description"):
        yield {"kind": "updateRuleDescription", **at, "description": rule["description"]}
    yield from clause_edits(str(found.id), value["clauses"], found.clause_ids, rule["clauses"])
    if not same(rule["serve"], value["serve"]) and not _is_arm(rule["serve"], found.experiment):
        yield {"kind": "updateRuleVariationOrRollout", **at, **to_wire(rule["serve"], ids)}


def _additions(
    rules: Sequence[Rule], live_by_file: Mapping[int, LiveRule], ids: VariationIds
) -> Iterator[Instruction]:
    """Yield an `addRule` per new rule, in its place: before the next rule that is there already."""
    for index, rule in enumerate(rules):
        if index in live_by_file:
            continue
        later = (live_by_file[at].id for at in range(index, len(rules)) if at in live_by_file)
        before = next(later, None)
        place = {} if before is None else {"beforeRuleId": before}
        clauses = list(rule["clauses"])
        yield {"kind": "addRule", "clauses": clauses, **place, **to_wire(rule["serve"], ids)}


def _replace_rules(rules: Sequence[Rule], ids: VariationIds) -> Instruction:
    """Return the one instruction that sets rules with descriptions; every rule gets a new id."""
    wire = [
        {
            "description": rule["description"],
            "clauses": list(rule["clauses"]),
            **to_wire(rule["serve"], ids),
        }
        for rule in rules
    ]
    return {"kind": "replaceRules", "rules": wire}


def _fallthrough_edits(fallthrough: Json, live: LiveTargeting) -> list[Instruction]:
    if same(fallthrough, live.fallthrough) or _is_arm(fallthrough, live.experiment):
        return []
    kind = "updateFallthroughVariationOrRollout"
    return [{"kind": kind, **to_wire(fallthrough, live.ids)}]


def _is_arm(serve: Json, arms: frozenset[str]) -> bool:
    return isinstance(serve, str) and serve in arms


def _has_ids(rule: LiveRule) -> bool:
    return rule.id is not None and None not in rule.clause_ids


def _size(edits: Sequence[Instruction]) -> int:
    return len(canonical_json(edits))


def _comparable(instruction: Json) -> str:
    return canonical_json(_plain(instruction))


DEFAULTS: Mapping[str, Json] = {
    "contextKind": "user",
    "rolloutContextKind": "user",
    "rolloutBucketBy": "key",
    "negate": False,
}
SETS = frozenset({"values", "targets", "clauseIds"})


def _plain(value: Json) -> Json:
    """Return an instruction without inner ids and defaults, its sets sorted."""
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    plain: dict[str, Json] = {}
    for name, inner in value.items():
        if name in ("_id", "id") or DEFAULTS.get(name) == inner or inner is None:
            continue
        if name == "rolloutWeights":
            plain[name] = {arm: weight for arm, weight in inner.items() if weight}
        else:
            found = _plain(inner)
            plain[name] = sorted(found, key=canonical_json) if name in SETS else found
    return plain
