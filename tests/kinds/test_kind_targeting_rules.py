"""Which live rule is which rule of a file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ldconf.core.resource import Json
from ldconf.kinds.targeting_rules import match_rules, name_rules, owed_names, settle


def rule(description: str | None = None, content: str = "a", serve: str = "one") -> Json:
    clause = {"contextKind": "user", "attribute": "x", "op": "in", "negate": False}
    named = {"description": description} if description else {}
    return {**named, "clauses": [{**clause, "values": [content]}], "serve": serve}


some_rules = st.lists(
    st.builds(
        rule,
        st.sampled_from([None, "A", "B", "rule-1", "rule-2"]),
        st.sampled_from("ab"),
        st.sampled_from(["one", "two"]),
    ),
    max_size=5,
)


def test_equal_description_matches_before_equal_content():
    file_rules = [rule("A", "x")]
    assert match_rules(file_rules, [rule("B", "x"), rule("A", "y")]) == [(0, 1), (None, 0)]


def test_equal_content_matches_before_equal_clauses():
    live = [rule(None, serve="two"), rule(None, serve="one")]
    assert match_rules([rule("A", serve="one")], live) == [(0, 1), (None, 0)]


def test_equal_clauses_match_last():
    assert match_rules([rule("A", serve="one")], [rule("B", serve="two")]) == [(0, 0)]


def test_candidates_are_taken_in_live_order():
    live = [rule("X"), rule("A"), rule("A")]
    assert match_rules([rule("A"), rule("Y")], live) == [(0, 1), (1, 0), (None, 2)]


def test_nameless_rules_do_not_match_by_having_no_description():
    assert match_rules([rule(None, "x")], [rule(None, "y")]) == [(0, None), (None, 0)]


@given(some_rules, some_rules)
def test_each_rule_occurs_exactly_once(file_rules: Json, live_rules: Json):
    pairs = match_rules(file_rules, live_rules)
    in_file = [one for one, _ in pairs if one is not None]
    in_live = [other for _, other in pairs if other is not None]
    assert in_file == list(range(len(file_rules)))
    assert sorted(in_live) == list(range(len(live_rules)))


def test_nameless_rule_with_equal_content_is_lent_the_name():
    assert settle([rule("A")], [rule()]) == [rule("A")]


def test_lent_name_is_owed_until_it_is_written():
    assert owed_names([rule("A")], [rule()]) == ("A",)


def test_nameless_rule_with_another_serve_is_not_lent_a_name():
    live = [rule(serve="two")]
    assert settle([rule("A", serve="one")], live) == live


def test_rule_with_another_name_keeps_it():
    assert settle([rule("A")], [rule("B")]) == [rule("B")]


def test_rules_without_counterpart_stay_as_they_are():
    live = [rule(None, "x"), rule("B", "y")]
    assert settle([rule("A", "z")], live) == live


def test_imported_name_equals_none_even_if_the_serve_differs():
    assert settle([rule("rule-1", serve="one")], [rule(serve="two")]) == [
        rule("rule-1", serve="two")
    ]


def test_imported_name_is_not_owed():
    assert owed_names([rule("rule-1")], [rule()]) == ()


def test_imported_name_equals_a_repeated_one():
    live = [rule("A", "x"), rule("A", "y")]
    assert settle([rule("A", "x"), rule("rule-2", "y")], live) == [
        rule("A", "x"),
        rule("rule-2", "y"),
    ]


def test_imported_name_does_not_equal_a_name_of_its_own():
    assert settle([rule("rule-1")], [rule("A")]) == [rule("A")]


@given(some_rules)
def test_named_rules_settle_to_what_import_wrote(live_rules: Json):
    written = name_rules(live_rules)
    assert settle(written, live_rules) == written
    assert owed_names(written, live_rules) == ()


@given(some_rules)
def test_named_rules_have_unique_descriptions(live_rules: Json):
    descriptions = [one["description"] for one in name_rules(live_rules)]
    assert len(set(descriptions)) == len(descriptions)


def test_a_number_that_is_taken_is_not_given_again():
    named = name_rules([rule(), rule("rule-1", "x"), rule("rule-3", "y")])
    assert [one["description"] for one in named] == ["rule-2", "rule-1", "rule-3"]
