from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import NoteKind, Update
from ldconf.core.live import Live
from tests import build
from tests.planning.scenes import (
    TEST,
    changes,
    edited,
    files,
    notes,
    planned,
)

PREMIUM = {"attribute": "plan", "op": "in", "values": ["premium"]}
BASIC = {"attribute": "plan", "op": "in", "values": ["basic"]}


def rule(description: str | None, clause: Any = PREMIUM, serve: str = "a") -> dict[str, Any]:
    """Return a rule; a live one may have no description."""
    named = {} if description is None else {"description": description}
    return {**named, "clauses": [clause], "serve": serve}


def with_rules(*rules: dict[str, Any]) -> Any:
    """Return the workspace with these rules in test."""
    return edited({TEST: {"rules": list(rules)}})


def live_rules(*rules: dict[str, Any]) -> Live:
    """Return the live state with these rules in test; they may be nameless."""
    live = build.as_live(files())
    place = build.at(TEST)
    named = build.resource(TEST, rules=[{"description": f"{n}", **r} for n, r in enumerate(rules)])
    made = [
        type(one).model_construct(
            _fields_set={"description", "clauses", "serve"} & given.keys(),
            description=given.get("description"),
            clauses=one.clauses,
            serve=one.serve,
        )
        for one, given in zip(named.rules, rules, strict=True)  # type: ignore[attr-defined]
    ]
    found = live.observed[place]
    edited_by_hand = found.resource.model_copy(update={"rules": made})
    observed = {**live.observed, place: build.replace(found, resource=edited_by_hand)}
    return build.replace(live, observed=observed)


def test_rule_just_added_without_its_name_is_ours_and_gets_it() -> None:
    found = planned(with_rules(rule("Premium")), live_rules(rule(None)), with_rules())
    update = changes(found)[TEST]
    assert isinstance(update, Update)
    assert [diff.field for diff in update.fields] == ["rules"]
    assert found.conflicts == ()


def test_rule_that_lost_its_name_by_hand_is_ours_too() -> None:
    desired = with_rules(rule("Premium"))
    found = planned(desired, live_rules(rule(None)), desired)
    assert found.drift == ()
    assert TEST in changes(found)


def test_name_given_by_import_equals_a_nameless_rule() -> None:
    desired = with_rules(rule("rule-1"))
    assert planned(desired, live_rules(rule(None)), desired).is_empty
    assert planned(desired, live_rules(rule(None))).is_empty


def test_rule_added_by_hand_is_drift_of_rules() -> None:
    desired = with_rules(rule("Premium"))
    live = live_rules(rule("Premium"), rule("By hand", BASIC))
    found = planned(desired, live, desired)
    assert found.changes == ()
    assert [drift.field for drift in found.drift] == ["rules"]


def test_rule_added_by_hand_beside_an_edit_is_a_conflict() -> None:
    live = live_rules(rule("Premium"), rule("By hand", BASIC))
    found = planned(with_rules(rule("Premium", serve="b")), live, with_rules(rule("Premium")))
    assert [conflict.field for conflict in found.conflicts] == ["rules"]


def test_rules_said_by_the_files_meanwhile_are_ours() -> None:
    between = with_rules(rule("Premium"))
    desired = with_rules(rule("Premium"), rule("Basic", BASIC))
    found = planned(desired, live_rules(rule(None)), with_rules(), history=[between])
    assert TEST in changes(found)
    assert found.conflicts == ()


def test_order_of_rules_is_part_of_the_field() -> None:
    base = with_rules(rule("Premium"), rule("Basic", BASIC))
    live = live_rules(rule("Premium"), rule("Basic", BASIC))
    found = planned(with_rules(rule("Basic", BASIC), rule("Premium")), live, base)
    assert TEST in changes(found)


@pytest.mark.parametrize(
    "written",
    [
        {"rollout": {"b": 40, "a": "rest"}},
        {"rollout": {"a": 60, "b": 40}, "bucketBy": "key", "contextKind": "user"},
    ],
    ids=["another order and rest", "defaults written out"],
)
def test_equal_rollouts_are_no_change(written: Any) -> None:
    assert planned(edited({TEST: {"fallthrough": written}})).is_empty


def test_targeting_switched_off_in_launchdarkly_is_told() -> None:
    live = build.as_live(files())
    place = build.at(TEST)
    off = build.replace(live.observed[place], meta={"enabled": False})
    found = planned(files(), build.replace(live, observed={**live.observed, place: off}))
    assert [address for address, _ in notes(found, NoteKind.WARNING)] == [TEST]
    assert found.changes == ()


def test_off_serves_disabled_to_everybody() -> None:
    whole = {"targets": None, "rules": [rule("Premium")], "fallthrough": "a"}
    on = edited({TEST: whole})
    found = planned(edited({TEST: {**whole, "off": True}}), build.as_live(on), on)
    update = changes(found)[TEST]
    assert isinstance(update, Update)
    assert update.after.managed() == {"rules": None, "fallthrough": "disabled"}


def test_back_on_brings_all_of_it_back() -> None:
    whole = {"targets": None, "rules": [rule("Premium")], "fallthrough": "a"}
    off = edited({TEST: {**whole, "off": True}})
    update = changes(planned(edited({TEST: whole}), build.as_live(off), off))[TEST]
    assert isinstance(update, Update)
    assert [diff.field for diff in update.fields] == ["rules", "fallthrough"]
