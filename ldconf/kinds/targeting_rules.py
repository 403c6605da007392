"""Which live rule is which rule of a file (design section 9, Rules). Pure, on canonical JSON.

Rules have no key: a description is their identity in files, and LaunchDarkly lets a rule have none
(one made by hand, or one just added, because `addRule` takes no description).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from ldconf.core.resource import Json, canonical_json

Rule: TypeAlias = Mapping[str, Json]
Pair: TypeAlias = tuple[int | None, int | None]

IMPORTED = re.compile(r"rule-[1-9]\d*")


def match_rules(file_rules: Sequence[Rule], live_rules: Sequence[Rule]) -> list[Pair]:
    """Return (file index, live index) pairs: file rules in order, then live rules no file names.

    Each rule occurs once; None stands for "no counterpart". Equal descriptions match first, then
    equal clauses and serve, then equal clauses; candidates are taken in live order.
    """
    live_by_file: dict[int, int] = {}
    for identity in (_description, _content, _clauses):
        used = set(live_by_file.values())
        free: dict[str, list[int]] = {}
        for index, rule in enumerate(live_rules):
            if index not in used and (key := identity(rule)):
                free.setdefault(key, []).append(index)
        for index, rule in enumerate(file_rules):
            if index not in live_by_file and (candidates := free.get(identity(rule) or "")):
                live_by_file[index] = candidates.pop(0)
    taken = set(live_by_file.values())
    named: list[Pair] = [(index, live_by_file.get(index)) for index in range(len(file_rules))]
    return named + [(None, index) for index in range(len(live_rules)) if index not in taken]


def settle(file_rules: Sequence[Rule], live_rules: Sequence[Rule]) -> list[Rule]:
    """Return the live rules as they should be compared with the file's.

    A live rule takes the description of its counterpart if it has none and equals it otherwise
    ("ours (a)": its description was not written yet), or if the description is an import's
    `rule-N`, which stands for none or for a repeated one.
    """
    settled = list(live_rules)
    for index, description in _lent(file_rules, live_rules):
        settled[index] = {**live_rules[index], "description": description}
    return settled


def owed_names(file_rules: Sequence[Rule], live_rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return the descriptions that `settle` lends and apply still has to write.

    Those of an import are not among them: they are written only when `rules` changes anyway.
    """
    lent = (description for _, description in _lent(file_rules, live_rules))
    return tuple(description for description in lent if not IMPORTED.fullmatch(description))


def name_rules(live_rules: Sequence[Rule]) -> list[dict[str, Json]]:
    """Return live rules with a description each, as import writes them: `rule-N` where needed.

    N is the place of the rule, or the next number whose name is free.
    """
    taken = {_description(rule) for rule in live_rules}
    repeats = _repeats(live_rules)
    named: list[dict[str, Json]] = []
    for index, rule in enumerate(live_rules):
        description = _description(rule)
        if not description or index in repeats:
            number = index + 1
            while f"rule-{number}" in taken:
                number += 1
            description = f"rule-{number}"
            taken.add(description)
        named.append({"description": description, **_without_description(rule)})
    return named


def _lent(file_rules: Sequence[Rule], live_rules: Sequence[Rule]) -> Iterator[tuple[int, str]]:
    """Yield (live index, description) of each description that a live rule is lent."""
    repeats = _repeats(live_rules)
    for in_file, in_live in match_rules(file_rules, live_rules):
        if in_file is None or in_live is None:
            continue
        wanted: str = file_rules[in_file]["description"]
        found = _description(live_rules[in_live])
        if wanted == found:
            continue
        nameless = found is None
        if IMPORTED.fullmatch(wanted):
            lends = nameless or in_live in repeats
        else:
            lends = nameless and _content(file_rules[in_file]) == _content(live_rules[in_live])
        if lends:
            yield in_live, wanted


def _repeats(rules: Sequence[Rule]) -> set[int]:
    """Return the indexes of rules whose description an earlier rule has."""
    seen: set[str] = set()
    repeats: set[int] = set()
    for index, rule in enumerate(rules):
        description = _description(rule)
        if description in seen:
            repeats.add(index)
        elif description:
            seen.add(description)
    return repeats


def _description(rule: Rule) -> str | None:
    return rule.get("description") or None


def _content(rule: Rule) -> str:
    return canonical_json([rule["clauses"], rule["serve"]])


def _clauses(rule: Rule) -> str:
    return canonical_json(rule["clauses"])


def _without_description(rule: Rule) -> dict[str, Json]:
    return {name: value for name, value in rule.items() if name != "description"}
