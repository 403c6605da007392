from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldconf.core.resource import Json
from ldconf.documents.lint.implication import Clause, excludes, implies


def clause(op: str, *values: Json, negate: bool = False, attribute: str = "a") -> dict[str, Json]:
    return {
        "contextKind": "user",
        "attribute": attribute,
        "op": op,
        "negate": negate,
        "values": list(values),
    }


def holds(one: Clause, value: Json) -> bool:
    """An independent evaluator of the operators tested here, for a single value."""
    tests = {
        "in": lambda want: value == want,
        "startsWith": lambda want: isinstance(value, str) and value.startswith(want),
        "endsWith": lambda want: isinstance(value, str) and value.endswith(want),
        "contains": lambda want: isinstance(value, str) and want in value,
        "lessThan": lambda want: not isinstance(value, str) and value < want,
        "lessThanOrEqual": lambda want: not isinstance(value, str) and value <= want,
        "greaterThan": lambda want: not isinstance(value, str) and value > want,
        "greaterThanOrEqual": lambda want: not isinstance(value, str) and value >= want,
    }
    return any(tests[one["op"]](want) for want in one["values"]) is not one["negate"]


TEXTS = ["", "a", "b", "ab", "ba", "aba", "bab"]
NUMBERS = [0, 1, 2, 3]
text_clauses = st.builds(
    lambda op, values, negate: clause(op, *values, negate=negate),
    st.sampled_from(["in", "startsWith", "endsWith", "contains"]),
    st.lists(st.sampled_from(TEXTS[1:]), min_size=1, max_size=3),
    st.booleans(),
)
number_clauses = st.builds(
    lambda op, values, negate: clause(op, *values, negate=negate),
    st.sampled_from(["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual", "in"]),
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=2),
    st.booleans(),
)
pairs = st.tuples(text_clauses, text_clauses) | st.tuples(number_clauses, number_clauses)


@given(pairs)
def test_what_is_implied_really_holds(pair: tuple[Clause, Clause]) -> None:
    narrow, wide = pair
    if implies(narrow, wide):
        for value in TEXTS if narrow["op"] in ("startsWith", "endsWith", "contains") else NUMBERS:
            assert not holds(narrow, value) or holds(wide, value)


@given(pairs)
def test_what_is_excluded_never_holds(pair: tuple[Clause, Clause]) -> None:
    first, second = pair
    if excludes(first, second):
        assert not any(holds(first, v) and holds(second, v) for v in [*TEXTS, *NUMBERS])


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [
        (clause("in", "x"), clause("in", "x", "y"), True),
        (clause("in", "x", "y"), clause("in", "x"), False),
        (clause("in", "x"), clause("in", "x", attribute="b"), False),
        (clause("in", "x"), clause("in", "x", negate=True), False),
        (clause("in", "x", "y", negate=True), clause("in", "x", negate=True), True),
        (clause("in", "abc"), clause("startsWith", "ab"), True),
        (clause("endsWith", "abc"), clause("endsWith", "bc"), True),
        (clause("startsWith", "abc"), clause("contains", "b"), True),
        (clause("segmentMatch", "s"), clause("segmentMatch", "s", "t"), True),
        (clause("lessThan", 3), clause("lessThan", 4), True),
        (clause("lessThan", 3), clause("lessThanOrEqual", 3), True),
        (clause("lessThanOrEqual", 3), clause("lessThan", 3), False),
        (clause("greaterThan", 4), clause("greaterThan", 3), True),
        (clause("greaterThan", 3), clause("greaterThan", 4), False),
        (clause("greaterThan", "x"), clause("greaterThan", 4), False),
        (clause("in", 1), clause("in", True), False),
        (clause("in", 1), clause("startsWith", "1"), False),
        (clause("matches", "a.*"), clause("matches", "a.*"), True),
        (clause("matches", "ab"), clause("matches", "a"), False),
    ],
)
def test_implication(narrow: Clause, wide: Clause, expected: bool) -> None:
    assert implies(narrow, wide) is expected


@pytest.mark.parametrize(
    ("first", "second", "whom"),
    [
        (clause("in", "x"), clause("in", "y"), "every context with a single `a`"),
        (clause("in", "x", attribute="key"), clause("in", "y", attribute="key"), "every context"),
        (clause("in", "x"), clause("in", "x", "z", negate=True), "every context"),
        (clause("in", "x", negate=True), clause("in", "x"), "every context"),
        (clause("in", "x"), clause("in", "y", negate=True), None),
        (clause("in", "x", negate=True), clause("in", "y", negate=True), None),
        (clause("in", "x"), clause("in", "x", "y"), None),
        (clause("in", "x"), clause("in", "y", attribute="b"), None),
        (clause("lessThan", 3), clause("greaterThan", 5), "every context with a single `a`"),
        (clause("greaterThan", 5), clause("lessThan", 5), "every context with a single `a`"),
        (clause("lessThanOrEqual", 5), clause("greaterThanOrEqual", 5), None),
        (clause("lessThan", 6), clause("greaterThan", 5), None),
        (clause("lessThan", "x"), clause("greaterThan", 5), None),
        (clause("lessThan", 3), clause("lessThan", 5), None),
    ],
)
def test_exclusion(first: Clause, second: Clause, whom: str | None) -> None:
    assert excludes(first, second) == whom
    assert [excludes(one, other) for one, other in product([first], [second])] == [whom]
