from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import Delete, NoteKind, Phase
from ldconf.core.live import Live, RunningExperiment
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
    guards,
    live_with,
    notes,
    planned,
    verbs,
)

OLD = "aiConfigs/old"
OLD_BOT: dict[str, Any] = {
    OLD: {"name": "Old"},
    f"{OLD}/variations/one": {"name": "One"},
    f"{OLD}/variations/two": {"name": "Two"},
}
UNUSED: dict[str, Any] = {A: {"tools": None}}


def summaries(found: Any) -> list[str]:
    """Return the words of all refusals."""
    return [refusal.summary for refusal in found.refusals]


def with_live(live: Live, address: str, **fields: Any) -> Live:
    """Return the live state with one more object."""
    place = build.at(address)
    return build.replace(live, observed={**live.observed, place: build.observed(place, **fields)})


def test_removed_object_is_deleted_last_and_cannot_return() -> None:
    desired = edited({SEARCH: None, **UNUSED}, removed=[SEARCH])
    found = planned(desired)
    assert verbs(found) == {A: "update", SEARCH: "delete"}
    delete = found.changes[-1]
    assert isinstance(delete, Delete)
    assert delete.phase is Phase.DELETE
    assert delete.before.managed()["description"] == "Finds things"
    assert [address for address, _ in notes(found, NoteKind.WARNING)] == [SEARCH]


def test_removed_and_absent_is_done() -> None:
    desired = edited({SEARCH: None, **UNUSED}, removed=[SEARCH])
    live = live_with({SEARCH: None, **UNUSED})
    found = planned(desired, live)
    assert found.changes == ()
    assert notes(found, NoteKind.DONE) == [(SEARCH, "removed and absent: the entry may be deleted")]
    assert notes(found, NoteKind.RELEASED) == []


def test_removed_entry_acts_once() -> None:
    desired = edited({SEARCH: None, **UNUSED}, removed=[SEARCH])
    found = planned(desired, live_with(UNUSED), desired)
    assert found.changes == ()
    assert [address for address, _ in notes(found, NoteKind.SPENT)] == [SEARCH]


def test_removed_acts_without_a_base() -> None:
    desired = edited({SEARCH: None, **UNUSED}, removed=[SEARCH])
    assert verbs(plan(desired, live_with(UNUSED), None)) == {SEARCH: "delete"}


def test_dropping_is_not_deleting() -> None:
    found = planned(edited({SEARCH: None, **UNUSED}))
    assert verbs(found) == {A: "update"}
    assert notes(found, NoteKind.RELEASED) == [
        (SEARCH, "no longer managed: left as it is in LaunchDarkly")
    ]


def test_dropping_an_ai_config_is_one_line() -> None:
    desired = build.workspace({SEARCH: OBJECTS[SEARCH]})
    found = planned(desired)
    assert [address for address, _ in notes(found, NoteKind.RELEASED)] == [BOT]


def test_dropped_field_is_one_line() -> None:
    objects = {**OBJECTS, SEARCH: {"schema": {"type": "object"}}}
    found = planned(build.workspace(objects))
    assert found.changes == ()
    assert notes(found, NoteKind.RELEASED) == [(SEARCH, "`description` is no longer managed")]


def test_fields_of_a_retired_variation_are_not_told_as_dropped() -> None:
    desired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    assert notes(planned(desired), NoteKind.RELEASED) == []


# in use


def test_tool_in_use_is_not_deleted() -> None:
    desired = edited({SEARCH: None, A: None, TEST: {"fallthrough": "b"}, PRODUCTION: None})
    desired = build.replace(desired, removed={build.at(SEARCH): build.Position("r.yaml")})
    found = planned(desired)
    assert guards(found) == {SEARCH: "in-use"}
    assert summaries(found) == [f"cannot be deleted: used by {A}"]


def test_archived_variation_still_uses_its_tools() -> None:
    retired = {A: {"state": "archived"}, TEST: {"fallthrough": "b"}, PRODUCTION: None}
    live = live_with({TEST: {"fallthrough": "b"}, PRODUCTION: None})
    pins = [{"key": "search", "version": 1}]
    live = with_live(live, A, name="A", tools=pins, state="archived")
    desired = edited({**retired, SEARCH: None}, removed=[SEARCH])
    found = planned(desired, live, edited(retired))
    assert summaries(found) == [f"cannot be deleted: used by {A} (archived)"]


def test_users_are_judged_after_the_changes_of_the_plan() -> None:
    desired = edited({B: None, TEST: {"fallthrough": "a"}}, removed=[B])
    assert verbs(planned(desired)) == {TEST: "update", B: "delete"}


def test_served_variation_is_not_deleted() -> None:
    desired = edited({B: None, TEST: None}, removed=[B])
    found = planned(desired)
    assert summaries(found) == [f"cannot be deleted: used by {TEST}"]


def test_served_variation_is_not_archived() -> None:
    desired = edited({A: {"state": "archived"}, PRODUCTION: None, TEST: None})
    found = planned(desired)
    assert summaries(found) == [f"cannot be archived: used by {PRODUCTION}, {TEST}"]


def test_archive_stays_refused_while_the_targeting_change_is_refused() -> None:
    desired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    base = files(guards=build.Guards(protect=(TEST,)))
    found = planned(desired, base=base)
    assert guards(found) == {TEST: "protected", B: "in-use"}
    assert f"{TEST} (its change is refused)" in summaries(found)[1]


def test_unmanaged_environment_counts_as_user() -> None:
    live = build.as_live(files(), environments=("test", "production", "eu"))
    live = with_live(live, "aiConfigs/bot/targeting/eu", fallthrough="b")
    desired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    assert summaries(planned(desired, live)) == [
        "cannot be archived: used by aiConfigs/bot/targeting/eu"
    ]


def test_variation_of_a_draft_or_running_experiment_is_not_archived() -> None:
    experiment = RunningExperiment(
        "exp", "Exp", "test", "bot", "draft", "fallthrough", frozenset({"a", "b"}), "a"
    )
    live = build.replace(build.as_live(files()), experiments=(experiment,))
    desired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    assert summaries(planned(desired, live)) == [
        "cannot be archived: used by experiments/exp (draft)"
    ]


def test_experiment_on_another_ai_config_is_no_user() -> None:
    experiment = RunningExperiment(
        "exp", "Exp", "test", "other", "draft", "fallthrough", frozenset({"a", "b"}), "a"
    )
    mine = build.replace(experiment, ai_config="bot", variations=frozenset({"a"}))
    live = build.replace(build.as_live(files()), experiments=(experiment, mine))
    desired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    assert verbs(planned(desired, live))[B] == "archive"


def test_targeting_that_was_not_read_counts_as_user() -> None:
    live = build.as_live(files(), read_targeting=frozenset())
    desired = edited({B: {"state": "archived"}, TEST: {"fallthrough": "a"}})
    assert "was not read" in summaries(planned(desired, live))[0]


@pytest.mark.parametrize(
    ("address", "fields", "raw", "user"),
    [
        ("segments/beta/test", {"name": "Beta"}, {"_flags": [{"key": "f1"}]}, "flag f1"),
        (
            "metrics/clicks",
            {"kind": "custom", "eventKey": "c", "isNumeric": False},
            {"experimentCount": 2},
            "2 experiment(s)",
        ),
    ],
)
def test_users_that_only_the_server_knows_count(
    address: str, fields: Any, raw: Any, user: str
) -> None:
    base = build.workspace({address: fields})
    live = build.as_live(base)
    place = build.at(address)
    told = build.replace(live.observed[place], meta={"raw": raw})
    live = build.replace(live, observed={**live.observed, place: told})
    found = plan(build.workspace({}, removed=[address]), live, base)
    assert summaries(found) == [f"cannot be deleted: used by {user}"]


def test_segment_used_by_a_rule_of_its_environment_is_not_deleted() -> None:
    clause = {"op": "segmentMatch", "values": ["beta"]}
    rules = {"rules": [{"description": "R", "clauses": [clause], "serve": "a"}]}
    segments: Any = {
        "segments/beta/test": {"name": "Beta"},
        "segments/beta/production": {"name": "Beta"},
    }
    base = edited({**segments, TEST: rules})
    external = {"segments": None, "modelConfigs": None}
    desired = edited({TEST: rules}, removed=list(segments), external=external)
    found = planned(desired, build.as_live(base), base)
    assert verbs(found) == {"segments/beta/production": "delete"}
    assert summaries(found) == [f"cannot be deleted: used by {TEST}"]


def test_segment_is_removed_in_one_environment_at_a_time() -> None:
    base = files(removed=["segments/beta/test", "segments/beta/production"])
    live = with_live(build.as_live(files()), "segments/beta/test", name="Beta")
    found = planned(base, live, base)
    assert [at for at, _ in notes(found, NoteKind.SPENT)] == ["segments/beta/test"]
    assert [at for at, _ in notes(found, NoteKind.DONE)] == ["segments/beta/production"]


# AI Configs


def without_old(*removed: str, **more: Any) -> Any:
    """Return the plan that removes the old AI Config."""
    base = build.workspace(OLD_BOT)
    desired = build.workspace({}, removed=removed)
    return plan(desired, more.get("live") or build.as_live(base), more.get("base", base))


def test_ai_config_takes_its_managed_variations_along() -> None:
    found = without_old(OLD)
    assert verbs(found) == {OLD: "delete"}
    assert notes(found, NoteKind.RELEASED) == []


def test_children_that_no_file_speaks_of_must_be_listed() -> None:
    live = with_live(
        build.as_live(build.workspace(OLD_BOT)), f"{OLD}/variations/three", name="Three"
    )
    found = without_old(OLD, live=live)
    assert guards(found) == {OLD: "children"}
    assert f"{OLD}/variations/three" in summaries(found)[0]
    listed = without_old(OLD, f"{OLD}/variations/three", live=live)
    assert verbs(listed) == {OLD: "delete"}


def test_without_base_every_child_must_be_listed() -> None:
    assert guards(without_old(OLD, base=None)) == {OLD: "children"}
    children = [f"{OLD}/variations/one", f"{OLD}/variations/two"]
    assert verbs(without_old(OLD, *children, base=None)) == {OLD: "delete"}


def test_served_ai_config_is_not_deleted() -> None:
    live = with_live(
        build.as_live(build.workspace(OLD_BOT)), f"{OLD}/targeting/production", fallthrough="one"
    )
    assert summaries(without_old(OLD, live=live)) == [
        f"cannot be deleted: used by {OLD}/targeting/production"
    ]


def test_ai_config_under_an_experiment_is_not_deleted() -> None:
    experiment = RunningExperiment("exp", "Exp", "test", "old", "running", "fallthrough")
    live = build.replace(build.as_live(build.workspace(OLD_BOT)), experiments=(experiment,))
    assert summaries(without_old(OLD, live=live)) == [
        "cannot be deleted: used by experiments/exp (running)"
    ]


def test_ai_config_of_a_graph_is_not_deleted_unless_the_graph_goes_too() -> None:
    graph: Any = {"agentGraphs/team": {"name": "Team", "rootConfigKey": "old", "edges": {}}}
    base = build.workspace({**OLD_BOT, **graph})
    live = build.as_live(base)
    assert summaries(without_old(OLD, live=live, base=base)) == [
        "cannot be deleted: used by agentGraphs/team"
    ]
    both = without_old(OLD, "agentGraphs/team", live=live, base=base)
    assert list(verbs(both)) == ["agentGraphs/team", OLD]


def test_judge_in_use_is_not_deleted() -> None:
    judges = {"judges": [{"judgeConfigKey": "old", "samplingRate": 1}]}
    base = build.workspace(
        {
            **OLD_BOT,
            "aiConfigs/chat": {"name": "Chat"},
            "aiConfigs/chat/variations/v": {"judgeConfiguration": judges},
        }
    )
    desired = build.workspace({"aiConfigs/chat": {"name": "Chat"}}, removed=[OLD])
    found = plan(desired, build.as_live(base), base)
    assert summaries(found) == ["cannot be deleted: used by aiConfigs/chat/variations/v"]


def test_last_variation_is_not_deleted() -> None:
    base = build.workspace({OLD: {"name": "Old"}, f"{OLD}/variations/one": {"name": "One"}})
    desired = build.workspace({OLD: {"name": "Old"}}, removed=[f"{OLD}/variations/one"])
    found = plan(desired, build.as_live(base), base)
    assert summaries(found) == ["cannot be deleted: it is the last variation"]


def test_last_published_variation_is_not_archived() -> None:
    base = build.workspace({OLD: {"name": "Old"}, f"{OLD}/variations/one": {"name": "One"}})
    desired = build.workspace(
        {OLD: {"name": "Old"}, f"{OLD}/variations/one": {"state": "archived"}}
    )
    found = plan(desired, build.as_live(base), base)
    assert summaries(found) == ["cannot be archived: no published variation would be left"]


def test_all_variations_cannot_be_archived_at_once() -> None:
    base = build.workspace(OLD_BOT)
    desired = build.workspace(
        {OLD: {"name": "Old"}}
        | {f"{OLD}/variations/{k}": {"state": "archived"} for k in ("one", "two")}
    )
    assert verbs(plan(desired, build.as_live(base), base)) == {}


def test_archiving_is_fine_beside_a_variation_of_the_same_plan() -> None:
    base = build.workspace({OLD: {"name": "Old"}, f"{OLD}/variations/one": {"name": "One"}})
    desired = build.workspace(
        {
            OLD: {"name": "Old"},
            f"{OLD}/variations/one": {"state": "archived"},
            f"{OLD}/variations/two": {"name": "Two"},
        }
    )
    assert list(verbs(plan(desired, build.as_live(base), base)).values()) == ["create", "archive"]
