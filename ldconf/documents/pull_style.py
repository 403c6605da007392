"""New values in the style of the old: what means the same stays as it is written.

Percentages written as `rest`, defaults that are spelt out, the order of sets, tools by key or with
a version: only what differs takes the form of `live_value`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from ldconf.core.address import Address
from ldconf.core.resource import Json, same
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_parts import total_percent

_SETS = frozenset({"tags", "analysisUnits", "included", "excluded", "attributes"})
_GROUPS = frozenset({"targets", "includedContexts", "excludedContexts"})
_NAMES: Mapping[str, str] = {"tools": "key", "metrics": "key", "judges": "judgeConfigKey"}


@dataclass(frozen=True)
class Taken:
    """A live value: `canonical` is what a file must come to, `document` how a person writes it."""

    canonical: Json
    document: Json


def styled(address: Address, field: str, before: Json, taken: Taken) -> Json:
    """Return the live value of a field in the style of the value that the file has for it."""
    if same(canonical(address, field, before), taken.canonical):
        return before
    if not before or not taken.document:
        return _cleared(before) if taken.document is None else taken.document
    if field in _SETS:
        return _set(before, taken.document)
    if field in _GROUPS:
        return _groups(before, taken.document)
    if field == "rules":
        return _rules(address, before, taken)
    if field == "fallthrough":
        return _serve(before, taken.document, taken.canonical)
    if field == "allocation":
        return _allocation(before, taken.document)
    if field == "judgeConfiguration" and before.get("judges"):
        judges = _named(address, "judges", before["judges"], taken.document["judges"])
        return {**before, "judges": judges}
    if field in _NAMES:
        return _named(address, field, before, taken.document)
    return taken.document


def canonical(address: Address, field: str, value: Json) -> Json:
    """Return the canonical form of one field's value in a file; itself if it is not valid alone."""
    model = kind_of(address).model
    needed = {one.alias: "x" for one in model.model_fields.values() if one.is_required()}
    try:
        found = model.model_validate({**needed, field: value}, by_alias=True, by_name=False)
    except ValidationError:
        return value
    return found.managed().get(field, value)


def _cleared(before: Json) -> Json:
    return [] if isinstance(before, list) else None


def _set(before: Sequence[Json], new: Sequence[Json]) -> list[Json]:
    """Return a set in the order of before; what is new comes last."""
    kept = [value for value in before if value in new]
    return [*kept, *(value for value in new if value not in kept)]


def _groups(before: Sequence[Json], new: Sequence[Json]) -> list[Json]:
    """Return lists of contexts: each entry that is there keeps its place and its order."""
    left = {_slot(group): list(group["values"]) for group in new}
    last = {_slot(group): place for place, group in enumerate(before)}
    found: list[Json] = []
    for place, group in enumerate(before):
        slot = _slot(group)
        wanted = left.get(slot, [])
        kept = [value for value in group["values"] if value in wanted]
        left[slot] = [value for value in wanted if value not in kept]
        if place == last[slot]:
            kept += left.pop(slot)
        if kept:
            found.append({**group, "values": kept})
    return [*found, *(group for group in new if _slot(group) in left and left[_slot(group)])]


def _slot(group: Mapping[str, Json]) -> tuple[Json, Json]:
    return group.get("variation"), group.get("contextKind", "user")


def _named(address: Address, field: str, before: Sequence[Json], new: Sequence[Json]) -> list[Json]:
    """Return entries that have a key; one that means the same stays as it is written."""
    old = {_key(field, entry): entry for entry in before}
    fresh = {_key(field, entry): entry for entry in new}
    for name, entry in fresh.items():
        if name in old and _means_the_same(address, field, old[name], entry):
            fresh[name] = old[name]
    is_sequence = address.kind == "metricGroups"  # in experiments metrics are a set
    order = list(fresh) if is_sequence else _set(list(old), list(fresh))
    return [fresh[name] for name in order if name in fresh]


def _key(field: str, entry: Json) -> str:
    return entry if isinstance(entry, str) else str(entry[_NAMES[field]])


def _means_the_same(address: Address, field: str, one: Json, other: Json) -> bool:
    def wrapped(entry: Json) -> Json:
        if field == "judges":
            return canonical(address, "judgeConfiguration", {"judges": [entry]})
        return canonical(address, field, [entry])

    return same(wrapped(one), wrapped(other))


def _rules(address: Address, before: Sequence[Json], taken: Taken) -> list[Json]:
    """Return rules in live order; one that the file has keeps all that means the same."""
    known = [(rule, canonical(address, "rules", [rule])[0]) for rule in before]
    found: list[Json] = []
    for new, document in zip(taken.canonical, taken.document, strict=True):
        place = _counterpart([one for _, one in known], new)
        found.append(
            document if place is None else _merged(*known.pop(place), new=new, plain=document)
        )
    return found


def _counterpart(known: Sequence[Json], new: Mapping[str, Json]) -> int | None:
    """Return the place of the rule that means the same, else of the one of the same name."""
    for place, one in enumerate(known):
        if same(one, new):
            return place
    description = new.get("description")
    for place, one in enumerate(known):
        if description and one.get("description") == description:
            return place
    return None


def _merged(
    written: Mapping[str, Json],
    was: Mapping[str, Json],
    *,
    new: Mapping[str, Json],
    plain: Mapping[str, Json],
) -> Json:
    """Return a map: parts that mean the same as written, the others as a person writes them."""
    if same(was, new):
        return written
    found: dict[str, Json] = {}
    for name, value in written.items():
        if same(was.get(name), new.get(name)):
            found[name] = value
        elif name == "clauses":
            found[name] = [
                _merged(value[place], was[name][place], new=one, plain=plain[name][place])
                if place < len(value)
                else plain[name][place]
                for place, one in enumerate(new[name])
            ]
        elif name == "serve":
            found[name] = _serve(value, plain[name], new[name])
        elif name in plain:
            found[name] = plain[name]
    return {**found, **{name: value for name, value in plain.items() if name not in found}}


def _allocation(before: Mapping[str, Json], new: Mapping[str, Json]) -> dict[str, Json]:
    """Return percents by variation in the order of before; an arm that was `rest` stays so, if
    together they are the whole."""
    whole = total_percent(new) == 100
    return {
        arm: "rest" if whole and before.get(arm) == "rest" else new[arm]
        for arm in _set(list(before), list(new))
    }


def _serve(written: Json, plain: Json, new: Json) -> Json:
    """Return what is served; an arm that was `rest` stays so."""
    if not (isinstance(written, Mapping) and isinstance(new, Mapping)):
        return plain
    arms = _set(list(written["rollout"]), list(new["rollout"]))
    rollout = {
        arm: "rest" if written["rollout"].get(arm) == "rest" else new["rollout"][arm]
        for arm in arms
    }
    kept = {
        name: value
        for name, value in written.items()
        if name not in plain and value == new.get(name)
    }
    return {**plain, "rollout": rollout, **kept}
