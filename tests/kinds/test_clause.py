from __future__ import annotations

import pytest
from hypothesis import given, settings
from launchdarkly_api.models.clause import Clause as OfficialClause

from ldconf.core.address import segment
from ldconf.kinds.clause import OPERATORS, Clause, clause_id, segment_references, sorted_values
from tests import strategies_simple as strategies

quick = settings(max_examples=50, deadline=None)


def clause(**fields: object) -> Clause:
    return Clause.model_validate({"attribute": "plan", "op": "in", "values": ["a"], **fields})


def test_all_operators_of_the_api_are_there():
    assert len(OPERATORS) == 15
    assert {*strategies.VALUES_BY_OPERATOR, "segmentMatch"} == set(OPERATORS)


def test_canonical_form_has_all_five_keys():
    assert clause().canonical() == {
        "contextKind": "user",
        "attribute": "plan",
        "op": "in",
        "negate": False,
        "values": ["a"],
    }


def test_dump_is_the_canonical_form_even_without_unset_fields():
    one = clause()
    assert one.model_dump(mode="json", by_alias=True, exclude_unset=True) == one.canonical()


def test_values_are_a_set():
    assert clause(values=["b", "a", "b"]).canonical() == clause(values=["a", "b"]).canonical()


def test_values_keep_their_types():
    values = ["1", 1, True, 1.5, 10, 9]
    assert sorted_values(values) == [True, 1, 1.5, 9, 10, "1"]


def test_whole_float_equals_int_among_values():
    assert len(sorted_values([2, 2.0])) == 1


def test_values_of_unknown_types_sort_last_by_text():
    assert sorted_values([{"a": 1}, "a", None]) == ["a", None, {"a": 1}]


@given(strategies.clauses(["beta-orgs", "staff"]))
@quick
def test_canonical_form_is_valid_and_stable(document: dict[str, object]):
    canonical = Clause.model_validate(document).canonical()
    assert Clause.model_validate(canonical).canonical() == canonical


@given(strategies.clauses(["beta-orgs", "staff"]))
@quick
def test_canonical_form_is_a_clause_of_the_official_client(document: dict[str, object]):
    canonical = Clause.model_validate(document).canonical()
    assert OfficialClause.from_dict(canonical).op == document["op"]


@given(strategies.clauses(["beta-orgs", "staff"]))
@quick
def test_clause_reads_back_from_the_api(document: dict[str, object]):
    canonical = Clause.model_validate(document).canonical()
    assert Clause.from_api({**canonical, "_id": "c-1"}).canonical() == canonical


def test_missing_context_kind_of_the_api_is_user():
    payload = {"_id": "c1", "attribute": "plan", "op": "in", "values": ["a"], "negate": False}
    assert Clause.from_api(payload) == clause()


@pytest.mark.parametrize("payload", [{"attribute": ""}, {"attribute": "segmentMatch"}, {}])
def test_segment_match_has_one_form_whatever_attribute_the_api_shows(payload: dict[str, str]):
    live = Clause.from_api({"op": "segmentMatch", "values": ["s"], "contextKind": "", **payload})
    written = Clause.model_validate({"op": "segmentMatch", "values": ["s"]})
    assert live.canonical() == written.canonical()
    assert live.canonical()["attribute"] == "segmentMatch"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [({"_id": "a"}, "a"), ({"id": "b"}, "b"), ({}, None)],
    ids=["_id", "id", "none"],
)
def test_ids_have_two_spellings(payload: dict[str, str], expected: str | None):
    assert clause_id(payload) == expected


BAD_VALUES = [
    ("contains", 3, "takes texts"),
    ("startsWith", True, "takes texts"),
    ("endsWith", 1.5, "takes texts"),
    ("matches", "[", "takes regular expressions"),
    ("matches", 3, "takes texts"),
    ("lessThan", "3", "takes numbers"),
    ("greaterThanOrEqual", True, "takes numbers"),
    ("lessThanOrEqual", float("nan"), "takes finite numbers"),
    ("in", float("inf"), "takes finite numbers"),
    ("before", "2026-01-31", "takes RFC 3339 dates"),
    ("before", "2026-01-31T10:00:00", "takes RFC 3339 dates"),
    ("after", "yesterday", "takes RFC 3339 dates"),
    ("after", False, "takes RFC 3339 dates"),
    ("semVerEqual", "v1.2.3", "takes semantic versions"),
    ("semVerLessThan", "1.2.3.4", "takes semantic versions"),
    ("semVerGreaterThan", 2, "takes texts"),
    ("segmentMatch", "two words", "takes segment keys"),
]


@pytest.mark.parametrize(("op", "value", "message"), BAD_VALUES)
def test_value_that_the_operator_cannot_compare_is_refused(op: str, value: object, message: str):
    attribute = {} if op == "segmentMatch" else {"attribute": "plan"}
    with pytest.raises(ValueError, match=message):
        Clause.model_validate({**attribute, "op": op, "values": [value]})


GOOD_VALUES = [
    ("matches", r"\p{Greek}+[[:alpha:]]\z"),
    ("matches", r"[[a]"),
    ("after", 1_700_000_000_000),
    ("before", "2026-01-31T10:00:00.123Z"),
    ("semVerEqual", "2"),
    ("semVerEqual", "2.1.0-rc.1+build"),
    ("lessThan", -0.5),
    ("in", False),
]


@pytest.mark.parametrize(("op", "value"), GOOD_VALUES)
def test_value_that_launchdarkly_takes_is_valid(op: str, value: object):
    assert clause(op=op, values=[value]).values == [value]


@pytest.mark.parametrize("attribute", ["/", "/a//b", "/a/", "/a~2"])
def test_broken_path_into_a_context_is_refused(attribute: str):
    with pytest.raises(ValueError, match="is not a path into a context"):
        clause(attribute=attribute)


def test_path_into_a_context_is_valid():
    assert clause(attribute="/address/post~1code~0").attribute == "/address/post~1code~0"


def test_missing_attribute_is_refused():
    with pytest.raises(ValueError, match="`in` needs an `attribute`"):
        Clause.model_validate({"op": "in", "values": ["a"]})


def test_segment_match_refuses_an_attribute():
    with pytest.raises(ValueError, match="takes no `attribute`"):
        clause(op="segmentMatch")


@pytest.mark.parametrize("kind", ["kind", "multi"])
def test_reserved_context_kinds_are_refused(kind: str):
    with pytest.raises(ValueError, match="`contextKind` cannot be"):
        clause(contextKind=kind)


def test_unknown_operator_is_the_only_complaint():
    with pytest.raises(ValueError, match="1 validation error") as caught:
        clause(op="equals", values=["["])
    assert caught.value.errors()[0]["loc"] == ("op",)


def test_bad_value_is_reported_at_the_values():
    with pytest.raises(ValueError, match="takes numbers") as caught:
        clause(op="lessThan", values=["x"])
    assert caught.value.errors()[0]["loc"] == ("values",)


@pytest.mark.parametrize("values", [[], None, [None], [["a"]], "a"])
def test_values_are_a_list_of_scalars(values: object):
    with pytest.raises(ValueError, match="values"):
        clause(values=values)


def test_segments_are_referenced_where_they_are_written():
    clauses = [clause(), Clause.model_validate({"op": "segmentMatch", "values": ["b", "a"]})]
    found = list(segment_references(clauses, "test", ("rules", 0, "clauses")))
    assert [(one.target, one.path) for one in found] == [
        (segment("b", "test"), ("rules", 0, "clauses", 1, "values", 0)),
        (segment("a", "test"), ("rules", 0, "clauses", 1, "values", 1)),
    ]
