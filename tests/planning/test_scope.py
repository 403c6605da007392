from __future__ import annotations

import pytest

from ldconf.core.change import NoteKind
from ldconf.core.errors import LdconfError, UsageError
from ldconf.planning.options import PlanOptions
from ldconf.planning.planner import plan
from tests import build
from tests.planning.scenes import (
    BOT,
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
    verbs,
)

C = "aiConfigs/bot/variations/c"
EDITS = edited(
    {
        SEARCH: {"maintainerId": "m1"},
        A: {"name": "New"},
        TEST: {"fallthrough": "a"},
        PRODUCTION: {"fallthrough": "b"},
    }
)


def test_target_leaves_other_changes_out_and_counts_them() -> None:
    found = planned(EDITS, targets=(A,))
    assert verbs(found) == {A: "update"}
    assert found.left_out == 3


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        (BOT, [A, PRODUCTION, TEST]),
        ("aiConfigs/*/targeting/*", [PRODUCTION, TEST]),
        ("tools", [SEARCH]),
    ],
)
def test_target_covers_everything_below_it(target: str, kept: list[str]) -> None:
    assert list(verbs(planned(EDITS, targets=(target,)))) == kept


def test_environment_keeps_only_its_objects() -> None:
    found = planned(EDITS, environments=("test",))
    assert verbs(found) == {TEST: "update"}
    assert found.left_out == 3


def test_target_and_environment_both_count() -> None:
    assert verbs(planned(EDITS, targets=(BOT,), environments=("test",))) == {TEST: "update"}


def test_kept_change_that_needs_a_left_out_create_names_it() -> None:
    desired = edited({C: {"name": "C"}, TEST: {"fallthrough": "c"}})
    with pytest.raises(LdconfError) as caught:
        planned(desired, environments=("test",))
    assert caught.value.summary == f"{TEST} needs {C}, which is left out"
    hint = f"name them instead of the environment: --target {TEST} --target {C}"
    assert caught.value.hint == hint
    assert verbs(planned(desired, targets=(TEST, C))) == {C: "create", TEST: "update"}


def test_kept_change_that_needs_a_left_out_restore_names_it() -> None:
    live = live_with({TEST: {"fallthrough": "a"}})
    archived = build.observed(B, name="B", state="archived")
    live = build.replace(live, observed={**live.observed, build.at(B): archived})
    base = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    with pytest.raises(LdconfError, match="needs aiConfigs/bot/variations/b"):
        planned(files(), live, base, targets=(TEST,))


def test_new_object_needs_its_ai_config() -> None:
    with pytest.raises(LdconfError) as caught:
        plan(files(), build.live(), None, PlanOptions(targets=(B,)))
    assert caught.value.hint == f"add --target {BOT}"


def test_repin_needs_the_tool_that_it_follows() -> None:
    desired = edited({SEARCH: {"description": "Finds more"}})
    with pytest.raises(LdconfError) as caught:
        planned(desired, targets=(A,))
    assert caught.value.hint == f"add --target {SEARCH}"
    assert verbs(planned(desired, targets=(A, SEARCH))) == {SEARCH: "update", A: "update"}


def test_left_out_update_of_what_exists_is_not_needed() -> None:
    desired = edited({BOT: {"description": "New"}, A: {"name": "New"}})
    assert verbs(planned(desired, targets=(A,))) == {A: "update"}


def test_drift_conflicts_and_notes_elsewhere_are_left_out() -> None:
    live = live_with({A: {"name": "By hand"}, B: {"name": "By hand"}})
    desired = edited({B: {"name": "Bee"}})
    found = planned(desired, live, targets=(SEARCH,))
    assert (found.drift, found.conflicts, found.unchanged) == ((), (), 1)
    objects = build.workspace({SEARCH: {"schema": {"type": "object"}}, BOT: {"name": "Bot"}})
    released = notes(planned(objects, targets=(BOT,)), NoteKind.RELEASED)
    assert {str(address).split("/")[0] for address, _ in released} == {"aiConfigs"}


def test_target_that_names_nothing_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="names nothing"):
        planned(EDITS, targets=("aiConfigs/bott",))


def test_environment_that_is_not_managed_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="staging") as caught:
        planned(EDITS, environments=("staging",))
    assert caught.value.hint == "managed: test, production"


def test_target_may_name_what_is_removed_or_was_dropped() -> None:
    desired = edited({SEARCH: None, A: {"tools": None}}, removed=[SEARCH])
    live = live_with({A: {"tools": None}})
    assert verbs(planned(desired, live, targets=(SEARCH,))) == {SEARCH: "delete"}
    dropped = edited({SEARCH: None, A: {"tools": None}})
    assert planned(dropped, live, targets=(SEARCH,)).changes == ()
