from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import Plan
from ldconf.core.live import Environment, Live
from ldconf.core.resource import Json
from ldconf.core.workspace import Guards
from ldconf.planning.planner import plan
from tests import build
from tests.planning.scenes import (
    BOT,
    OBJECTS,
    PRODUCTION,
    SEARCH,
    TEST,
    A,
    B,
    changes,
    edited,
    files,
    guards,
    live_with,
    planned,
    verbs,
)

EDIT_A = {A: {"instructions": "Be kinder."}}
NEW = "aiConfigs/bot/variations/c"


def guarded(**fields: Any) -> Any:
    """Return the base with these guards."""
    return files(guards=Guards(**fields))


# protect


@pytest.mark.parametrize("pattern", [A, BOT, "aiConfigs/*/variations", "aiConfigs"])
def test_protected_address_is_refused_with_all_below_it(pattern: str) -> None:
    found = planned(edited(EDIT_A), base=guarded(protect=(pattern,)))
    assert found.changes == ()
    assert guards(found) == {A: "protected"}
    assert found.refusals[0].allow == "protected"
    assert [str(change.address) for change in found.refused] == [A]


def test_protected_address_elsewhere_refuses_nothing() -> None:
    found = planned(edited(EDIT_A), base=guarded(protect=(PRODUCTION,)))
    assert verbs(found) == {A: "update"}


def test_creating_at_a_protected_address_is_refused_too() -> None:
    found = planned(edited({NEW: {"name": "C"}}), base=guarded(protect=(BOT,)))
    assert guards(found) == {NEW: "protected"}


def test_delete_that_would_take_a_protected_object_along_is_refused() -> None:
    base = build.workspace(
        {"tools/x": {"schema": {}}, "aiConfigs/old": {"name": "Old"}},
        guards=Guards(protect=("aiConfigs/old/targeting/production",)),
    )
    desired = build.workspace({"tools/x": {"schema": {}}}, removed=["aiConfigs/old"])
    found = plan(desired, build.as_live(base), base)
    assert guards(found) == {"aiConfigs/old": "protected"}


def test_guards_of_the_files_do_not_count_when_there_is_a_base() -> None:
    desired = edited(EDIT_A, guards=Guards(protect=(A,)))
    assert verbs(planned(desired)) == {A: "update"}


def test_guards_come_from_the_files_without_a_base() -> None:
    desired = edited(EDIT_A, guards=Guards(protect=(A,)))
    assert guards(plan(desired, build.as_live(files()), None)) == {A: "protected"}


# in-place edits


def in_production(found: Environment) -> Live:
    """Return the live state with this environment as production."""
    return build.as_live(files(), environments=("test", found))


def test_edit_of_a_variation_in_use_is_refused_where_forbidden() -> None:
    found = planned(edited(EDIT_A), base=guarded(in_place_edits={"production": "forbid"}))
    assert guards(found) == {A: "inPlaceEdit"}
    assert found.refusals[0].allow == "inPlaceEdit"


def test_edit_of_a_variation_that_is_not_served_there_is_free() -> None:
    desired = edited({B: {"instructions": "Be brief!"}})
    found = planned(desired, base=guarded(in_place_edits={"production": "forbid"}))
    assert verbs(found) == {B: "update"}


@pytest.mark.parametrize(
    "targeting",
    [
        {"targets": [{"variation": "b", "values": ["u1"]}]},
        {
            "rules": [
                {
                    "description": "R",
                    "clauses": [{"attribute": "plan", "op": "in", "values": ["x"]}],
                    "serve": {"rollout": {"a": 99, "b": 1}},
                }
            ]
        },
        {"fallthrough": {"rollout": {"a": 99.999, "b": 0.001}}},
    ],
    ids=["a target", "a rule", "a thousandth of the default rule"],
)
def test_any_way_of_serving_counts(targeting: Any) -> None:
    served = {PRODUCTION: targeting}
    base = edited(served, guards=Guards(in_place_edits={"production": "forbid"}))
    found = planned(edited({**served, B: {"name": "Bee"}}), live_with(served), base)
    assert guards(found) == {B: "inPlaceEdit"}


def test_critical_environment_forbids_by_default() -> None:
    found = planned(edited(EDIT_A), in_production(Environment("production", critical=True)))
    assert guards(found) == {A: "inPlaceEdit"}


def test_critical_environment_may_be_allowed() -> None:
    live = in_production(Environment("production", critical=True))
    found = planned(edited(EDIT_A), live, guarded(in_place_edits={"production": "allow"}))
    assert verbs(found) == {A: "update"}


def test_critical_environment_counts_though_it_is_not_managed() -> None:
    objects = {name: fields for name, fields in OBJECTS.items() if name != PRODUCTION}
    only_test: Any = {"environments": ("test",)}
    base = build.workspace(objects, **only_test)
    desired = build.workspace({**objects, A: {**objects[A], **EDIT_A[A]}}, **only_test)
    found = planned(desired, in_production(Environment("production", critical=True)), base)
    assert guards(found) == {A: "inPlaceEdit"}


def test_environment_with_approvals_forbids_and_no_consent_helps() -> None:
    live = in_production(Environment("production", approvals=frozenset({"aiconfig"})))
    desired = edited(EDIT_A, consents=[build.consent(A, "inPlaceEdit")])
    found = planned(desired, live, guarded(in_place_edits={"production": "allow"}))
    assert guards(found) == {A: "inPlaceEdit"}
    assert found.refusals[0].allow is None


def test_targeting_that_was_not_read_counts_as_served() -> None:
    live = build.as_live(files(), read_targeting=frozenset())
    found = planned(edited(EDIT_A), live, guarded(in_place_edits={"production": "forbid"}))
    assert guards(found) == {A: "inPlaceEdit"}


def test_new_variation_is_no_edit() -> None:
    found = planned(
        edited({NEW: {"name": "C"}}), base=guarded(in_place_edits={"production": "forbid"})
    )
    assert verbs(found) == {NEW: "create"}


# what cannot be

SLOW = {
    "name": "Slow",
    "kind": "custom",
    "eventKey": "e",
    "isNumeric": True,
    "unit": "ms",
    "successCriteria": "LowerThanBaseline",
    "analysisType": "percentile",
    "percentileValue": 95,
    "winsorLowerPercentile": 10,
}


def test_immutable_field_is_refused() -> None:
    found = planned(edited({BOT: {"mode": "completion"}}))
    assert guards(found) == {BOT: "immutable"}
    assert "'agent'" in found.refusals[0].summary


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"eventDefault": {"value": 0}}, "eventDefault: {disabled: true}"),
        ({"eventDefault": None}, "eventDefault: {disabled: true}"),
        ({"percentileValue": None}, "needs `percentileValue`"),
        ({"unit": None}, "a numeric metric needs `unit`"),
        ({"winsorUpperPercentile": 5}, "`winsorUpperPercentile` must be above"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_field_that_fits_not_beside_live_fields_is_refused(fields: Json, words: str) -> None:
    """LaunchDarkly would answer 400 (reference 10.2), and only it knows the other fields."""
    live = live_with({"metrics/slow": SLOW})
    found = planned(edited({"metrics/slow": {**fields, "description": "New"}}), live)
    assert guards(found) == {"metrics/slow": "clash"}
    assert words in found.refusals[0].summary
    assert found.changes == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"eventDefault": {"disabled": True}, "description": "New"},
        {"analysisType": "mean", "percentileValue": None, "eventDefault": {"value": 0}},
        {"isNumeric": False, "unit": None},
        {"winsorUpperPercentile": 20},
    ],
)
def test_fields_that_fit_beside_live_fields_are_changed(fields: Json) -> None:
    found = planned(edited({"metrics/slow": fields}), live_with({"metrics/slow": SLOW}))
    assert (guards(found), verbs(found)) == ({}, {"metrics/slow": "update"})


def test_object_that_lacks_what_creating_needs_is_refused() -> None:
    desired = edited({"tools/other": {"description": "No schema"}})
    found = planned(desired)
    assert guards(found) == {"tools/other": "incomplete"}
    assert "`schema`" in found.refusals[0].summary


def test_catalogue_entry_cannot_be_written() -> None:
    desired = edited({f"modelConfigs/{build.MODEL}": {"id": "gpt-4o", "tags": ["ours"]}})
    found = planned(desired)
    assert guards(found) == {f"modelConfigs/{build.MODEL}": "read-only"}


def test_dependant_of_a_refused_create_is_refused() -> None:
    desired = edited({"tools/other": {"description": "No schema"}, B: {"tools": ["other"]}})
    found = planned(desired)
    assert guards(found) == {"tools/other": "incomplete", B: "dependency"}
    assert found.changes == ()


def test_refusal_spares_what_does_not_depend_on_it() -> None:
    desired = edited({**EDIT_A, SEARCH: {"maintainerId": "m1"}})
    found = planned(desired, base=guarded(protect=(A,)))
    assert verbs(found) == {SEARCH: "update"}


# percentages


def many(count: int, edits: int = 0, **more: Any) -> Any:
    """Return a workspace of tools, the first ones edited."""
    tools: dict[str, Any] = {
        f"tools/t{number}": {"schema": {}, "description": "new" if number < edits else "old"}
        for number in range(count)
    }
    return build.workspace(tools, **more)


def limited(count: int, edits: int, **fields: Any) -> Plan:
    """Return the plan of so many edits among so many tools."""
    base = many(count, guards=Guards(**fields))
    return plan(many(count, edits), build.as_live(base), base)


def test_too_many_updates_are_refused_together() -> None:
    found = limited(10, 6)
    assert found.changes == ()
    assert guards(found) == {None: "updates"}
    assert len(found.refused) == 6
    assert "6 of 10 managed objects (60 %)" in found.refusals[0].summary


def test_percentage_at_the_limit_goes_through() -> None:
    assert len(limited(10, 5).changes) == 5


def test_percentages_do_not_count_below_min_objects() -> None:
    assert len(limited(9, 9).changes) == 9
    assert len(limited(3, 3, min_objects=0).changes) == 0


def test_empty_project_has_no_percentages() -> None:
    base = build.workspace({}, guards=Guards(min_objects=0))
    assert len(plan(many(3), build.live(), base).changes) == 3


def removing(gone: int, **more: Any) -> Plan:
    """Return the plan of deleting some of ten tools."""
    base = many(10)
    kept = {f"tools/t{n}": {"schema": {}, "description": "old"} for n in range(gone, 10)}
    desired = build.workspace(kept, removed=[f"tools/t{n}" for n in range(gone)], **more)
    return plan(desired, build.as_live(base), base)


def test_too_many_deletes_are_refused_together() -> None:
    assert len(removing(3).changes) == 3
    found = removing(4)
    assert found.changes == ()
    assert guards(found) == {None: "deletes"}


def test_variations_that_go_with_their_ai_config_count_as_deleted() -> None:
    bot = {BOT: OBJECTS[BOT], **{f"{BOT}/variations/v{n}": {"name": "V"} for n in range(5)}}
    tools = {f"tools/t{n}": {"schema": {}} for n in range(8)}
    base = build.workspace({**bot, **tools})
    found = plan(build.workspace(tools, removed=list(bot)), build.as_live(base), base)
    assert guards(found) == {None: "deletes"}
    assert "6 of 14 managed objects (43 %)" in found.refusals[0].summary
    assert [str(change.address) for change in found.refused] == [BOT]


def test_consent_for_everything_lifts_the_deletes() -> None:
    found = removing(4, consents=[build.consent("*", "deletes", "spring cleaning")])
    assert len(found.changes) == 4
    assert [(str(u.address), u.allow) for u in found.consents] == [("*", "deletes")]


def test_consent_for_one_address_does_not_lift_the_deletes() -> None:
    found = removing(4, consents=[build.consent("tools/t0", "deletes")])
    assert found.changes == ()


def test_refused_changes_do_not_count() -> None:
    base = many(10, guards=Guards(protect=("tools/t0",)))
    found = plan(many(10, 6), build.as_live(base), base)
    assert len(found.changes) == 5
    assert guards(found) == {"tools/t0": "protected"}


def test_updates_that_the_limit_refused_stay_refused_when_repins_fall_away() -> None:
    tools = [f"t{number}" for number in range(6)]
    users = {f"aiConfigs/bot/variations/v{n}": {"name": "V", "tools": tools} for n in range(6)}

    def at(description: str) -> Any:
        listed = {f"tools/{t}": {"schema": {}, "description": description} for t in tools}
        return build.workspace({"aiConfigs/bot": {"name": "Bot"}, **listed, **users})

    found = plan(at("new"), build.as_live(at("old")), at("old"))
    assert found.changes == ()
    assert None in guards(found)


# consents


def test_consent_lifts_its_guard_and_nothing_else() -> None:
    base = guarded(protect=(BOT,), in_place_edits={"production": "forbid"})
    desired = edited(EDIT_A, consents=[build.consent("aiConfigs/*", "protected")])
    found = planned(desired, base=base)
    assert guards(found) == {A: "inPlaceEdit"}
    assert [(str(use.address), use.allow) for use in found.consents] == [(A, "protected")]


def test_consent_that_the_base_holds_already_is_spent() -> None:
    consents = [build.consent(A, "protected")]
    base = files(guards=Guards(protect=(A,)), consents=consents)
    found = planned(edited(EDIT_A, consents=consents), base=base)
    assert guards(found) == {A: "protected"}
    assert [note.kind.value for note in found.notes if note.address is None] == [
        "settings",
        "spent",
    ]


def test_consent_for_another_place_does_not_lift() -> None:
    desired = edited(EDIT_A, consents=[build.consent(B, "protected")])
    assert guards(planned(desired, base=guarded(protect=(BOT,)))) == {A: "protected"}


def test_consent_that_nothing_needs_is_still_open() -> None:
    found = planned(files(consents=[build.consent(A, "protected", "INC-7")]))
    assert [note.summary for note in found.notes] == [f"still open: protected at {A} (INC-7)"]


def test_consent_of_the_files_counts_only_if_the_caller_says_so() -> None:
    consents = [build.consent(A, "protected", "INC-7")]
    found = planned(
        edited(EDIT_A, consents=consents), base=guarded(protect=(A,)), file_consents=False
    )
    assert guards(found) == {A: "protected"}
    assert found.notes[-1].summary.startswith("counts only with")


def test_consent_from_the_terminal_counts() -> None:
    found = planned(
        edited(EDIT_A),
        base=guarded(protect=(A,)),
        extra_consents=(build.consent(A, "protected", "typed"),),
    )
    assert A in changes(found)
    assert [use.because for use in found.consents] == ["typed"]


def test_every_object_that_a_consent_lifts_is_a_line() -> None:
    base = guarded(protect=(BOT,))
    desired = edited({**EDIT_A, B: {"name": "Bee"}}, consents=[build.consent(BOT, "protected")])
    found = planned(desired, base=base)
    assert [str(use.address) for use in found.consents] == [A, B]


def test_served_variation_keeps_its_protection_in_test_only() -> None:
    found = planned(edited({TEST: {"fallthrough": "a"}}), base=guarded(protect=(TEST,)))
    assert guards(found) == {TEST: "protected"}
