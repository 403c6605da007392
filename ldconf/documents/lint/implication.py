"""What one clause says about another: the logic under the lint of rules.

A context attribute may be a list; then a clause without `negate` matches if any element does.
`implies` holds for lists too; `excludes` says whether it needs a single value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ldconf.core.resource import Json, same

Clause: TypeAlias = Mapping[str, Json]

_UPPER = {"lessThan": False, "lessThanOrEqual": True}
_LOWER = {"greaterThan": False, "greaterThanOrEqual": True}
_SINGLE_VALUED = frozenset({"key", "kind", "anonymous"})


def about_the_same(first: Clause, second: Clause) -> bool:
    """True if two clauses look at the same attribute of the same kind of context."""
    return (first["contextKind"], first["attribute"]) == (
        second["contextKind"],
        second["attribute"],
    )


def implies(narrow: Clause, wide: Clause) -> bool:
    """True if every context that matches `narrow` matches `wide`. False means not known."""
    if same(narrow, wide):
        return True
    if not about_the_same(narrow, wide) or narrow["negate"] != wide["negate"]:
        return False
    if narrow["negate"]:
        positive = ({**wide, "negate": False}, {**narrow, "negate": False})
        return narrow["op"] == wide["op"] and implies(*positive)
    return _values_imply(narrow, wide)


def _values_imply(narrow: Clause, wide: Clause) -> bool:
    small, large = narrow["values"], wide["values"]
    match narrow["op"], wide["op"]:
        case ("in", "in") | ("segmentMatch", "segmentMatch"):
            return all(any(same(one, other) for other in large) for one in small)
        case ("in" | "startsWith", "startsWith"):
            return _each(small, lambda text: any(text.startswith(other) for other in large))
        case ("in" | "endsWith", "endsWith"):
            return _each(small, lambda text: any(text.endswith(other) for other in large))
        case ("in" | "startsWith" | "endsWith" | "contains", "contains"):
            return _each(small, lambda text: any(other in text for other in large))
        case _:
            return _bounds_imply(narrow, wide)


def _each(values: Json, test: Json) -> bool:
    return all(isinstance(value, str) and test(value) for value in values)


def _bounds_imply(narrow: Clause, wide: Clause) -> bool:
    for bounds, sign in ((_UPPER, 1), (_LOWER, -1)):
        if narrow["op"] in bounds and wide["op"] in bounds:
            inner, outer = _loosest(narrow, sign), _loosest(wide, sign)
            if inner is None or outer is None:
                return False
            closed = bounds[wide["op"]] or not bounds[narrow["op"]]
            return inner * sign < outer * sign or (inner == outer and closed)
    return False


def _loosest(clause: Clause, sign: int) -> float | None:
    """Values of a clause are alternatives, so the loosest bound counts."""
    numbers = [
        v for v in clause["values"] if isinstance(v, int | float) and not isinstance(v, bool)
    ]
    if len(numbers) != len(clause["values"]) or not numbers:
        return None
    return max(numbers) if sign > 0 else min(numbers)


def is_empty(clause: Clause) -> bool:
    """True if the clause matches no context at all."""
    return not clause["values"] and not clause["negate"]


def excludes(first: Clause, second: Clause) -> str | None:
    """Return for which contexts two clauses cannot both match, in words; None if they can."""
    if not about_the_same(first, second):
        return None
    if first["negate"] != second["negate"]:
        positive, negative = (second, first) if first["negate"] else (first, second)
        return "every context" if implies(positive, {**negative, "negate": False}) else None
    if first["negate"] or not (_disjoint(first, second) or _gap(first, second)):
        return None
    name = first["attribute"]
    return "every context" if name in _SINGLE_VALUED else f"every context with a single `{name}`"


def _disjoint(first: Clause, second: Clause) -> bool:
    if (first["op"], second["op"]) != ("in", "in"):
        return False
    return not any(same(one, other) for one in first["values"] for other in second["values"])


def _gap(first: Clause, second: Clause) -> bool:
    upper, lower = (first, second) if first["op"] in _UPPER else (second, first)
    if upper["op"] not in _UPPER or lower["op"] not in _LOWER:
        return False
    top, bottom = _loosest(upper, 1), _loosest(lower, -1)
    if top is None or bottom is None:
        return False
    touching = _UPPER[upper["op"]] and _LOWER[lower["op"]]
    return top < bottom or (top == bottom and not touching)
