from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import NoteKind
from ldconf.planning.options import empty_base
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
    edited,
    files,
    live_with,
    notes,
    planned,
)


def test_new_ai_config_without_targeting_serves_disabled() -> None:
    desired = edited(
        {"aiConfigs/new": {"name": "New"}, "aiConfigs/new/targeting/test": {"rules": None}}
    )
    assert notes(planned(desired), NoteKind.WARNING) == [
        (
            "aiConfigs/new",
            "a new AI Config serves `disabled` in production until targeting says otherwise",
        )
    ]


def test_new_ai_config_with_targeting_everywhere_needs_no_warning() -> None:
    assert notes(plan(files(), build.live(), None), NoteKind.WARNING) == []


def test_targeting_that_was_not_read_is_told_and_left_alone() -> None:
    live = build.as_live(files(), read_targeting=frozenset())
    observed = {a: one for a, one in live.observed.items() if a.kind != "targeting"}
    found = planned(edited({TEST: {"fallthrough": "b"}}), build.replace(live, observed=observed))
    assert (found.changes, found.drift, found.conflicts) == ((), (), ())
    assert [a for a, _ in notes(found, NoteKind.UNKNOWN)] == [PRODUCTION, TEST]


def test_edit_of_a_variation_whose_targeting_was_not_read_is_told() -> None:
    live = build.as_live(files(), read_targeting=frozenset())
    found = planned(edited({A: {"name": "New"}}), live)
    assert [address for address, _ in notes(found, NoteKind.UNKNOWN)] == [A]


def test_change_of_what_files_cannot_describe_is_told() -> None:
    live = build.as_live(files())
    place = build.at(SEARCH)
    odd = build.replace(live.observed[place], meta={"unsupported": "an odd thing"})
    live = build.replace(live, observed={**live.observed, place: odd})
    found = planned(edited({SEARCH: {"maintainerId": "m"}}), live)
    assert (SEARCH, "holds what files cannot describe: an odd thing") in notes(
        found, NoteKind.WARNING
    )
    assert planned(files(), live).notes == ()


# settings


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"guards": build.Guards(max_delete_percent=80)}, "guards.maxDeletePercent: 30 -> 80"),
        ({"guards": build.Guards(protect=("tools",))}, "guards.protect: [] -> [tools]"),
        (
            {"guards": build.Guards(in_place_edits={"test": "allow"})},
            "guards.inPlaceEdits: {} -> {test: allow}",
        ),
        (
            {"environments": ("test", "production", "eu")},
            "environments: [production, test] -> [eu, production, test]",
        ),
        (
            {"external": {"modelConfigs": None, "metrics": []}},
            None,
        ),
        (
            {"external": {"modelConfigs": None, "segments": None}},
            "external.segments: none -> *",
        ),
    ],
)
def test_change_of_settings_is_a_line(more: Any, words: str | None) -> None:
    live = build.as_live(files(), environments=("test", "production", "eu"))
    found = planned(files(**more), live)
    assert notes(found, NoteKind.SETTINGS) == ([] if words is None else [(None, words)])


def test_settings_without_base_are_no_line() -> None:
    found = plan(files(guards=build.Guards(min_objects=1)), build.as_live(files()), None)
    assert found.notes == ()


def test_first_adoption_has_no_change_of_settings() -> None:
    found = planned(files(), base=empty_base(files(), "abc"))
    assert notes(found, NoteKind.SETTINGS) == []
    assert found.base_ref == "abc"


# merged before, not yet applied

MERGED = edited({A: {"name": "Merged"}, TEST: {"fallthrough": "a"}})


def test_change_that_the_merge_base_contains_is_marked() -> None:
    desired = edited({A: {"name": "Merged"}, TEST: {"fallthrough": "a"}, B: {"name": "Mine"}})
    found = planned(desired, merged=MERGED)
    assert [address for address, _ in notes(found, NoteKind.MERGED)] == [A, TEST]
    assert len(found.changes) == 3


def test_object_that_this_request_changes_again_is_not_marked() -> None:
    desired = edited({A: {"name": "Mine"}, TEST: {"fallthrough": "a"}})
    assert [a for a, _ in notes(planned(desired, merged=MERGED), NoteKind.MERGED)] == [TEST]


def test_delete_that_the_merge_base_contains_is_marked() -> None:
    desired = edited({SEARCH: None, A: {"tools": None}}, removed=[SEARCH])
    live = live_with({A: {"tools": None}})
    found = planned(desired, live, merged=desired)
    assert [a for a, _ in notes(found, NoteKind.MERGED)] == [SEARCH]
    assert notes(planned(desired, live, merged=files()), NoteKind.MERGED) == []


def test_repin_is_as_new_as_the_tools_edit() -> None:
    desired = edited({SEARCH: {"description": "Finds more"}})
    assert notes(planned(desired, merged=files()), NoteKind.MERGED) == []
    assert [a for a, _ in notes(planned(desired, merged=desired), NoteKind.MERGED)] == [SEARCH, A]


def test_without_merge_base_nothing_is_marked() -> None:
    assert notes(planned(MERGED), NoteKind.MERGED) == []


def test_revert_by_a_consent_of_the_pull_request_is_not_merged() -> None:
    live = live_with({A: {"name": "by hand"}})
    given = [build.consent(A, "drift")]
    fresh = planned(edited({}, consents=given), live, merged=files())
    assert ([str(c.address) for c in fresh.changes], notes(fresh, NoteKind.MERGED)) == ([A], [])
    waiting = planned(edited({}, consents=given), live, merged=edited({}, consents=given))
    assert [address for address, _ in notes(waiting, NoteKind.MERGED)] == [A]


def test_object_of_the_files_alone_is_not_merged() -> None:
    desired = edited({"aiConfigs/bot/variations/c": {"name": "C"}})
    assert notes(planned(desired, merged=files()), NoteKind.MERGED) == []


def test_released_says_nothing_without_a_base() -> None:
    smaller = build.workspace({SEARCH: OBJECTS[SEARCH], BOT: {"name": "Bot"}})
    assert plan(smaller, build.as_live(files()), None).notes == ()


def test_dropped_environment_is_released() -> None:
    found = planned(edited({PRODUCTION: None}))
    assert [address for address, _ in notes(found, NoteKind.RELEASED)] == [PRODUCTION]
