from __future__ import annotations

from ldconf.core.change import Archive, Create, NoteKind, Phase, Restore, Update
from ldconf.planning.options import PlanOptions, empty_base
from ldconf.planning.planner import needs_history, plan
from tests import build
from tests.planning.scenes import (
    BOT,
    OBJECTS,
    PRODUCTION,
    SEARCH,
    TEST,
    A,
    B,
    Objects,
    changes,
    edited,
    files,
    guards,
    live_with,
    notes,
    planned,
    verbs,
)


def test_unchanged_workspace_plans_nothing() -> None:
    found = planned(files())
    assert found.changes == ()
    assert found.notes == ()
    assert found.is_empty
    assert found.unchanged == 6


def test_first_apply_creates_everything_in_order() -> None:
    found = plan(files(), build.live(), empty_base(files()))
    assert [str(change.address) for change in found.changes] == [
        SEARCH, BOT, A, B, PRODUCTION, TEST,
    ]  # fmt: skip
    assert set(verbs(found).values()) == {"create"}
    assert not found.direction_unknown


def test_unset_field_is_not_a_change() -> None:
    live = live_with({BOT: {"description": "by hand", "tags": ["x"]}})
    assert planned(files(), live).is_empty


def test_object_not_in_files_is_never_touched() -> None:
    live = live_with({"tools/other": {"schema": {"type": "object"}}})
    assert planned(files(), live).is_empty


def test_intended_edit_is_an_update_with_only_its_field() -> None:
    found = planned(edited({A: {"instructions": "Be kinder."}}))
    update = changes(found)[A]
    assert isinstance(update, Update)
    assert [(d.field, d.before, d.after) for d in update.fields] == [
        ("instructions", "Be kind.", "Be kinder.")
    ]
    assert update.after.managed() == {"instructions": "Be kinder."}
    assert not update.adopts


def test_cleared_field_is_sent_as_none() -> None:
    found = planned(edited({A: {"tools": None}}))
    update = changes(found)[A]
    assert isinstance(update, Update)
    assert update.after.managed() == {"tools": None}


def test_drift_is_left_alone_while_other_fields_go_on() -> None:
    live = live_with({A: {"instructions": "Be rude."}})
    found = planned(edited({A: {"name": "New"}}), live)
    update = changes(found)[A]
    assert isinstance(update, Update)
    assert [diff.field for diff in update.fields] == ["name"]
    drift = found.drift[0]
    assert (str(drift.address), drift.field, drift.base, drift.live) == (
        A, "instructions", "Be kind.", "Be rude.",
    )  # fmt: skip


def test_conflict_stops_its_object_and_what_depends_on_it() -> None:
    live = live_with({A: {"instructions": "Be rude."}})
    desired = edited(
        {
            A: {"instructions": "Be kinder.", "name": "New"},
            PRODUCTION: {"fallthrough": {"rollout": {"a": 10, "b": 90}}},
            B: {"name": "Bee"},
        }
    )
    found = planned(desired, live)
    assert verbs(found) == {B: "update"}
    conflict = found.conflicts[0]
    assert (conflict.base, conflict.desired, conflict.live) == (
        "Be kind.", "Be kinder.", "Be rude.",
    )  # fmt: skip
    assert [str(change.address) for change in found.refused] == [PRODUCTION]
    assert found.refusals[0].guard == "dependency"
    assert "is in conflict" in found.refusals[0].summary


def test_object_deleted_in_launchdarkly_is_not_made_again() -> None:
    live = live_with({SEARCH: None, A: {"tools": None}})
    found = planned(edited({A: {"tools": None}}), live, edited({A: {"tools": None}}))
    assert found.changes == ()
    assert [(str(d.address), d.field) for d in found.drift] == [(SEARCH, None)]


def test_deleted_ai_config_is_told_once_for_all_it_held() -> None:
    found = planned(files(), build.live({SEARCH: OBJECTS[SEARCH]}))
    assert found.changes == ()
    assert [str(drift.address) for drift in found.drift] == [BOT]


def test_new_object_under_a_deleted_ai_config_is_refused() -> None:
    live = build.live({SEARCH: OBJECTS[SEARCH]})
    found = planned(edited({"aiConfigs/bot/variations/c": {"name": "C"}}), live)
    assert found.changes == ()
    assert [refusal.summary for refusal in found.refusals] == [
        "needs aiConfigs/bot, which was deleted in LaunchDarkly"
    ]


def test_changed_object_that_is_gone_is_a_conflict() -> None:
    live = live_with({SEARCH: None, A: {"tools": None}})
    without = {A: {"tools": None}}
    desired = edited({**without, SEARCH: {"description": "Finds more"}})
    found = planned(desired, live, edited(without))
    conflict = found.conflicts[0]
    assert (str(conflict.address), conflict.field, conflict.live) == (SEARCH, None, None)
    assert conflict.base["description"] == "Finds things"


def test_consent_drift_reverts_and_is_listed() -> None:
    live = live_with({A: {"instructions": "Be rude."}})
    consent = build.consent(A, "drift", "undo a hand edit")
    found = planned(files(consents=[consent]), live)
    update = changes(found)[A]
    assert isinstance(update, Update)
    assert update.fields[0].after == "Be kind."
    assert found.drift == ()
    assert [(str(use.address), use.allow, use.because) for use in found.consents] == [
        (A, "drift", "undo a hand edit")
    ]


def test_consent_drift_makes_a_deleted_object_again() -> None:
    live = build.live({SEARCH: OBJECTS[SEARCH]})
    found = planned(files(consents=[build.consent(BOT, "drift")]), live)
    assert verbs(found) == dict.fromkeys([BOT, A, B, PRODUCTION, TEST], "create")


def test_value_that_the_files_said_meanwhile_is_not_drift() -> None:
    live = live_with({A: {"instructions": "Be kinder."}})
    between = edited({A: {"instructions": "Be kinder."}})
    desired = edited({A: {"instructions": "Be kindest."}})
    assert needs_history(desired, live, files())
    found = planned(desired, live, history=[between])
    assert verbs(found) == {A: "update"}
    assert found.conflicts == ()


def test_object_that_the_files_removed_meanwhile_is_made_again() -> None:
    live = live_with({SEARCH: None, A: {"tools": None}})
    between = edited({SEARCH: None, A: {"tools": None}}, removed=[SEARCH])
    desired = edited({A: {"tools": None}})
    found = planned(desired, live, desired, history=[between])
    assert verbs(found) == {SEARCH: "create"}


def test_history_is_not_needed_when_live_is_the_base() -> None:
    assert not needs_history(edited({A: {"name": "New"}}), build.as_live(files()), files())
    assert not needs_history(files(), live_with({A: {"name": "By hand"}}), None)


def test_adopted_object_shows_its_differences_as_updates() -> None:
    base = edited({SEARCH: None, A: {"tools": None}})
    live = live_with({SEARCH: {"description": "By hand"}})
    found = planned(files(), live, base)
    update = changes(found)[SEARCH]
    assert isinstance(update, Update)
    assert update.adopts
    assert found.drift == ()


def test_adopted_object_without_difference_is_one_line() -> None:
    found = planned(files(), base=empty_base(files()))
    assert found.changes == ()
    assert {address for address, _ in notes(found, NoteKind.ADOPTED)} == set(OBJECTS)


def test_field_managed_from_now_on_is_an_update_not_drift() -> None:
    live = live_with({BOT: {"description": "By hand"}})
    found = planned(edited({BOT: {"description": "By file"}}), live)
    update = changes(found)[BOT]
    assert isinstance(update, Update)
    assert not update.adopts


def test_object_listed_since_the_base_is_not_adopted_again() -> None:
    base = edited({SEARCH: None, A: {"tools": None}})
    found = planned(edited({SEARCH: {"description": "Finds more"}}), base=base, history=[files()])
    update = changes(found)[SEARCH]
    assert isinstance(update, Update)
    assert not update.adopts


def test_without_base_every_difference_is_a_plain_change() -> None:
    live = live_with({A: {"instructions": "Be rude."}, SEARCH: {"description": "By hand"}})
    found = plan(files(), live, None)
    assert verbs(found) == {A: "update", SEARCH: "update"}
    assert found.direction_unknown
    assert found.drift == ()
    assert found.notes == ()


def test_object_whose_base_does_not_load_has_no_direction() -> None:
    base = edited({A: None, TEST: {"fallthrough": "b"}, PRODUCTION: {"fallthrough": "b"}})
    base = build.replace(base, unloadable=frozenset({build.at(A)}))
    live = live_with({A: {"instructions": "Be rude."}})
    found = planned(files(), live, base)
    assert A in verbs(found)
    assert notes(found, NoteKind.UNKNOWN) == [
        (A, "direction unknown: the base's files do not load here")
    ]


def test_retired_variation_is_archived_last() -> None:
    desired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    found = planned(desired)
    assert found.changes[-1] == Archive(build.at(B))
    assert found.changes[-1].phase is Phase.ARCHIVE
    assert verbs(found) == {TEST: "update", B: "archive"}


def test_archived_variation_that_exists_archived_is_unchanged() -> None:
    retired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    live = live_with({TEST: {"fallthrough": "a"}})
    gone = build.observed(B, name="B", state="archived")
    live = build.replace(live, observed={**live.observed, build.at(B): gone})
    assert planned(retired, live, retired).is_empty


def test_archived_variation_that_does_not_exist_is_done() -> None:
    retired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    live = live_with({B: None, TEST: {"fallthrough": "a"}})
    found = planned(retired, live)
    assert found.changes == ()
    assert notes(found, NoteKind.DONE) == [(B, "archived and absent: the entry may be deleted")]


def test_revert_restores_an_archived_variation_and_edits_it() -> None:
    base = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    live = live_with({TEST: {"fallthrough": "a"}})
    archived = build.observed(
        B,
        name="B",
        modelConfigKey=build.MODEL,
        model={"modelName": "gpt-4o"},
        instructions="Be long.",
        state="archived",
    )
    live = build.replace(live, observed={**live.observed, build.at(B): archived})
    found = planned(files(), live, base)
    restore = changes(found)[B]
    assert isinstance(restore, Restore)
    assert [diff.field for diff in restore.fields] == ["instructions"]
    assert restore.after.managed() == {"instructions": "Be brief.", "state": "published"}
    assert verbs(found)[TEST] == "update"


def test_targeting_that_a_new_ai_config_has_anyway_is_not_sent() -> None:
    born = edited({PRODUCTION: {"fallthrough": "disabled"}})
    found = plan(born, build.live(), None)
    assert PRODUCTION not in verbs(found)
    assert planned(born, build.as_live(born), born).is_empty


def test_targeting_of_a_new_ai_config_is_sent_whole() -> None:
    found = plan(files(), build.live(), None)
    create = changes(found)[PRODUCTION]
    assert isinstance(create, Create)
    assert create.phase is Phase.TARGETING
    assert create.after.managed() == {"targets": None, "rules": None, "fallthrough": "a"}


def test_inherited_change_names_the_parent() -> None:
    parent = build.at(A)
    desired = edited({B: {"instructions": "Be kinder."}})
    desired = build.replace(
        desired, inherited={(build.at(B), "instructions"): build.Inherited(parent)}
    )
    update = changes(planned(desired))[B]
    assert isinstance(update, Update)
    assert update.fields[0].inherited == parent


def test_plan_carries_what_it_was_made_from() -> None:
    options = PlanOptions(workspace_name="configs", dirty=True, head_ref="abc", base_ref="def")
    found = plan(files(), build.as_live(files()), files(), options)
    assert (found.project, found.workspace) == ("shop", "configs")
    assert (found.dirty, found.head_ref, found.base_ref) == (True, "abc", "def")


def test_base_ref_is_that_of_the_base() -> None:
    found = planned(files(), base=build.replace(files(), ref="abc"))
    assert found.base_ref == "abc"


def test_targeting_waits_for_a_variation_that_was_archived_by_hand() -> None:
    change: Objects = {PRODUCTION: {"fallthrough": "b"}, TEST: {"fallthrough": "a"}}
    place = build.at(B)
    archived = build.observed(B, state="archived", **OBJECTS[B], model={"modelName": "gpt-4o"})
    live = build.as_live(edited({TEST: {"fallthrough": "a"}}))
    live = build.replace(live, observed={**live.observed, place: archived})
    base = edited({TEST: {"fallthrough": "a"}})
    found = planned(edited(change), live, base)
    assert [(d.address, d.field) for d in found.drift] == [(place, "state")]
    assert (guards(found), found.changes) == ({PRODUCTION: "dependency"}, ())
    assert "archived" in found.refusals[0].summary
    consented = edited(change, consents=[build.consent(B, "drift")])
    assert verbs(planned(consented, live, base)) == {B: "restore", PRODUCTION: "update"}
