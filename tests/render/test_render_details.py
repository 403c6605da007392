from __future__ import annotations

from typing import Any

import pytest

from ldconf.render.details import details
from ldconf.render.rows import SetChange, TextChange, ValueChange, WhoChange
from ldconf.render.textdiff import Op, Span
from tests.render.plans import BY_HAND, HALF, PREMIUM


def of(field: str, before: Any, after: Any, kind: str = "variations") -> tuple[Any, ...]:
    return details(kind, field, before, after)


def test_only_differing_paths_of_a_map_are_shown() -> None:
    found = of(
        "model",
        {"parameters": {"temperature": 0.7, "top_p": 1}, "custom": {"a": 1}},
        {"parameters": {"temperature": 0.3, "top_p": 1.0}},
    )
    assert found == (
        ValueChange("model.parameters.temperature", 0.7, 0.3),
        ValueChange("model.custom.a", 1, None),
    )


def test_tags_are_a_set() -> None:
    assert of("tags", ["a", "b"], ["b", "c"]) == (SetChange("tags", ("c",), ("a",)),)


def test_new_order_of_plain_values_is_shown_whole() -> None:
    assert of("x", ["a", "b"], ["b", "a"]) == (ValueChange("x", ["a", "b"], ["b", "a"]),)


def test_members_with_keys_are_matched_by_key() -> None:
    found = of(
        "tools",
        [{"key": "a", "version": 1}, {"key": "b"}],
        [{"key": "a", "version": 2}, {"key": "c", "version": 5}],
    )
    assert found == (
        SetChange("tools", (), ("b",)),
        ValueChange("tools[a].version", 1, 2),
        ValueChange("tools[c]", None, {"version": 5}),
    )


def test_members_with_keys_in_another_order() -> None:
    found = of("metrics", [{"key": "a"}, {"key": "b"}], [{"key": "b"}, {"key": "a"}])
    assert found == (ValueChange("metrics (order)", ["a", "b"], ["b", "a"]),)


def test_inserted_message_does_not_shift_the_others() -> None:
    first, last = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}
    new = {"role": "system", "content": "Be kind."}
    assert of("messages", [first, last], [first, new, last]) == (
        ValueChange("messages[1].role", None, "system"),
        ValueChange("messages[1].content", None, "Be kind."),
    )


def test_removed_message_is_named_by_its_old_place() -> None:
    first, last = {"role": "a"}, {"role": "b"}
    assert of("messages", [first, last], [first]) == (ValueChange("messages[1].role", "b", None),)


def test_long_text_is_a_word_level_difference() -> None:
    before = "Be kind to every customer. " * 4
    (found,) = of("instructions", before, before + "Always.")
    assert isinstance(found, TextChange)
    assert found.spans[-1] == Span(Op.ADDED, "Always.")


def test_cleared_long_text_is_shown_as_its_beginning() -> None:
    (found,) = of("instructions", "line\n" * 40, None)
    assert found.spans == (Span(Op.REMOVED, "line\n" * 3), Span(Op.FOLDED, "37 lines"))


def test_short_text_is_a_value() -> None:
    assert of("name", "A", "B") == (ValueChange("name", "A", "B"),)


def test_big_new_map_is_one_value() -> None:
    schema = {"properties": {f"p{n}": {"type": "string"} for n in range(20)}}
    assert of("schema", None, schema) == (ValueChange("schema", None, schema),)


def test_small_new_map_is_shown_by_its_leaves() -> None:
    assert of("custom", None, {"a": {"b": 1}}) == (ValueChange("custom.a.b", None, 1),)


def test_type_change_is_one_value() -> None:
    assert of("model", {"a": 1}, ["a"]) == (ValueChange("model", {"a": 1}, ["a"]),)


def test_published_state_of_a_new_variation_goes_without_saying() -> None:
    assert of("state", None, "published") == ()
    assert of("state", "archived", "published") != ()


def who(field: str, before: Any, after: Any, **named: Any) -> list[tuple[Any, ...]]:
    found = details("targeting", field, before, after, **named)
    assert all(isinstance(one, WhoChange) for one in found)
    return [(one.who, one.before, one.after) for one in found]


def target(variation: str, *values: str, kind: str = "user") -> dict[str, Any]:
    return {"variation": variation, "contextKind": kind, "values": list(values)}


def test_targets_name_who_moves_where() -> None:
    before = [target("base", "a", "b"), target("base", "acme", kind="org")]
    after = [target("new", "b"), target("base", "c")]
    assert who("targets", before, after) == [
        ("org acme", "base", "left to the rules"),
        ("user a", "base", "left to the rules"),
        ("user b", "base", "new"),
        ("user c", "left to the rules", "base"),
    ]


def test_many_targets_are_counted() -> None:
    found = who("targets", None, [target("base", *(f"u{n:02}" for n in range(40)))])
    assert found == [("user u00, u01, u02, u03, u04, u05, u06, u07 and 32 more", None, "base")]


def test_new_rule_says_whom_it_matches() -> None:
    assert who("rules", None, [PREMIUM]) == [
        ('rule "Premium users": user subscription_status is premium', None, "base-config")
    ]


def test_rule_added_by_hand_would_be_removed() -> None:
    assert who("rules", [BY_HAND, PREMIUM], [PREMIUM]) == [
        (
            "would remove rule added in LaunchDarkly: user email ends with @x.org",
            "model-variant-2",
            None,
        )
    ]


def test_rule_added_by_hand_as_drift() -> None:
    assert who("rules", [PREMIUM], [BY_HAND, PREMIUM], by_apply=False) == [
        ("rule added in LaunchDarkly: user email ends with @x.org", None, "model-variant-2")
    ]


def test_rule_removed_by_hand_as_drift() -> None:
    found = who("rules", [PREMIUM], None, by_apply=False)
    assert found == [
        ('rule "Premium users": user subscription_status is premium', "base-config", None)
    ]


def test_changed_rule_shows_name_clauses_and_serve_apart() -> None:
    wider = [{**PREMIUM["clauses"][0], "values": ["premium", "trial"]}]
    after = {**PREMIUM, "clauses": wider, "serve": HALF}
    assert who("rules", [PREMIUM], [after]) == [
        (
            'rule "Premium users", whom it matches',
            "user subscription_status is premium",
            "user subscription_status is premium or trial",
        ),
        ('rule "Premium users"', "base-config", "50 % base-config, 50 % model-variant-2"),
    ]


def test_renamed_rule_is_the_same_rule() -> None:
    assert who("rules", [PREMIUM], [{**PREMIUM, "description": "Paying"}]) == [
        ('rule "Paying", its name', "Premium users", "Paying")
    ]


def test_nameless_rule_gets_its_name() -> None:
    nameless = {**PREMIUM, "description": None, "serve": "other"}
    assert who("rules", [nameless], [{**PREMIUM, "serve": "other"}]) == [
        ('rule "Premium users", its name', "unnamed", "Premium users")
    ]


def test_rules_in_another_order() -> None:
    second = {**PREMIUM, "description": "Second", "clauses": BY_HAND["clauses"]}
    assert who("rules", [PREMIUM, second], [second, PREMIUM]) == [
        (
            "order of rules",
            'rule "Premium users", rule "Second"',
            'rule "Second", rule "Premium users"',
        )
    ]


def test_rollout_in_percent() -> None:
    serve = {"rollout": {"a": 12.5, "b": 87.5}, "bucketBy": "plan", "contextKind": "org"}
    assert who("fallthrough", "a", serve) == [
        ("everyone else", "a", "12.5 % a, 87.5 % b (by org plan)")
    ]


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ({"op": "in", "attribute": "plan", "values": ["a", "b"]}, "user plan is a or b"),
        (
            {"op": "in", "attribute": "plan", "negate": True, "values": [True]},
            "user plan is not true",
        ),
        ({"op": "segmentMatch", "attribute": "", "values": ["beta"]}, "user is in segment beta"),
        ({"op": "lessThan", "attribute": "age", "values": [1.5]}, "user age < 1.5"),
        (
            {"op": "in", "contextKind": "org", "attribute": "key", "values": []},
            "org key is nothing",
        ),
        (
            {"op": "sounds", "attribute": "x", "negate": True, "values": ["y"]},
            "user x not sounds y",
        ),
    ],
)
def test_clause_in_words(clause: dict[str, Any], words: str) -> None:
    rule = {"description": "R", "clauses": [clause], "serve": "v"}
    assert who("rules", None, [rule]) == [(f'rule "R": {words}', None, "v")]


def test_nothing_is_served_by_nothing() -> None:
    assert who("fallthrough", "a", None) == [("everyone else", "a", None)]
