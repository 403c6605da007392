"""The three fields of a targeting, before and after, as `who gets what`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from ldconf.core.resource import Json, same
from ldconf.kinds import words
from ldconf.render.rows import WhoChange

_BY_RULES = "left to the rules"
Rules: TypeAlias = Sequence[Mapping[str, Json]]


def targets(before: Json, after: Json) -> Iterator[WhoChange]:
    """Yield one line per group of contexts that move from one variation to another."""
    old, new = _by_context(before), _by_context(after)
    moves: dict[tuple[str, str | None, str | None], list[str]] = defaultdict(list)
    for kind, value in sorted(old.keys() | new.keys()):
        was, becomes = old.get((kind, value)), new.get((kind, value))
        if was != becomes:
            moves[kind, was, becomes].append(value)
    for (kind, was, becomes), values in moves.items():
        who = f"{kind} {words.named(values)}"
        yield WhoChange(who, was or (_BY_RULES if before else None), becomes or _BY_RULES)


def rules(before: Json, after: Json, *, by_apply: bool = True) -> Iterator[WhoChange]:
    """Yield one line per rule that appears, goes, or changes its name, clauses or serve.

    `by_apply`: it is apply that would remove a rule, not somebody in LaunchDarkly who did.
    """
    old, new = list(before or ()), list(after or ())
    pairs = _pairs(old, new)
    matched = {index for index, _ in pairs.values()}
    for place, rule in enumerate(new):
        if place in pairs:
            yield from _changed(pairs[place][1], rule)
        else:
            yield WhoChange(_whole(rule), None, words.serve(rule["serve"]))
    for index, rule in enumerate(old):
        if index not in matched:
            would = "would remove " if by_apply else ""
            yield WhoChange(f"{would}{_whole(rule)}", words.serve(rule["serve"]), None)
    order = [index for index, _ in (pairs[place] for place in sorted(pairs))]
    if order != sorted(order):
        yield WhoChange(
            "order of rules",
            ", ".join(words.rule(old[index]) for index in sorted(order)),
            ", ".join(words.rule(new[place]) for place in sorted(pairs)),
        )


def serves(before: Json, after: Json) -> Iterator[WhoChange]:
    """Yield the line of everyone whom no target and no rule names."""
    yield WhoChange(
        "everyone else",
        None if before is None else words.serve(before),
        None if after is None else words.serve(after),
    )


def _changed(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[WhoChange]:
    name = words.rule(new)
    if old.get("description") != new.get("description"):
        yield WhoChange(
            f"{name}, its name", old.get("description") or "unnamed", new["description"]
        )
    if not same(old["clauses"], new["clauses"]):
        yield WhoChange(
            f"{name}, whom it matches", words.clauses(old["clauses"]), words.clauses(new["clauses"])
        )
    if not same(old["serve"], new["serve"]):
        yield WhoChange(name, words.serve(old["serve"]), words.serve(new["serve"]))


def _whole(rule: Mapping[str, Json]) -> str:
    """How a rule with its clauses is called; ldconf never leaves a rule without description."""
    name = words.rule(rule) if rule.get("description") else "rule added in LaunchDarkly"
    return f"{name}: {words.clauses(rule['clauses'])}"


def _pairs(old: Rules, new: Rules) -> dict[int, tuple[int, Mapping[str, Json]]]:
    """Match rules as design section 9 does: description; clauses and serve; clauses."""
    pairs: dict[int, tuple[int, Mapping[str, Json]]] = {}
    free = dict(enumerate(old))
    for alike in (_same_name, _same_rule, _same_clauses):
        for place, rule in enumerate(new):
            if place in pairs:
                continue
            index = next((i for i, other in free.items() if alike(other, rule)), None)
            if index is not None:
                pairs[place] = (index, free.pop(index))
    return pairs


def _same_name(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    return bool(new.get("description")) and old.get("description") == new.get("description")


def _same_rule(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    return _same_clauses(old, new) and same(old["serve"], new["serve"])


def _same_clauses(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    return same(old["clauses"], new["clauses"])


def _by_context(value: Json) -> dict[tuple[str, str], str]:
    return {
        (target.get("contextKind", "user"), member): target["variation"]
        for target in value or ()
        for member in target["values"]
    }
