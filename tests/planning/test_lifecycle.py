from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from ldconf.core.change import Phase
from ldconf.core.errors import DocumentError
from ldconf.planning.lifecycle import Impossible, State, path
from tests import build
from tests.planning.scenes import TEST
from tests.planning.trials import (
    BETA,
    EXP,
    PREMIUM,
    files,
    lines,
    live,
    planned,
    steps,
    transition,
    trial,
)

STOPPED = {"winner": "b", "reason": "b converts better"}
LEGAL: dict[tuple[str | None, str], tuple[str, ...]] = {
    ("none", "draft 1"): (),
    ("none", "running 1"): ("start",),
    ("draft 2", "draft 2"): (),
    ("draft 2", "running 2"): ("start",),
    ("running 2", "running 2"): (),
    ("running 2", "stopped 2"): ("stop",),
    ("running 2", "running 3"): ("restart",),
    ("stopped 2", "stopped 2"): (),
    ("stopped 2", "draft 3"): ("draft",),
    ("stopped 2", "running 3"): ("draft", "start"),
}
LIVE = ("none", "draft 2", "running 2", "stopped 2")
WANTED = tuple(f"{s} {n}" for s, n in product(("draft", "running", "stopped"), range(1, 5)))


def state(text: str) -> State:
    status, number = text.split()
    return State(status, int(number))


@pytest.mark.parametrize(("at", "wanted"), list(product(LIVE, WANTED)))
def test_only_the_written_steps_are_legal(at: str, wanted: str) -> None:
    found = path(None if at == "none" else state(at), state(wanted))
    if (at, wanted) in LEGAL:
        assert found == LEGAL[at, wanted]
    else:
        assert isinstance(found, Impossible)
        assert found.hint


@pytest.mark.parametrize(
    ("at", "wanted", "words"),
    [
        ("none", "running 2", "begins with iteration 1"),
        ("none", "stopped 1", "nothing to stop"),
        ("running 2", "running 4", "iteration 4 is too far"),
        ("running 2", "running 1", "never goes back"),
        ("running 2", "draft 2", "cannot become a draft again"),
        ("running 2", "draft 3", "cannot be drafted beside it"),
        ("running 2", "stopped 3", "was never started"),
        ("draft 2", "stopped 2", "was never started"),
        ("draft 2", "running 3", "too far"),
        ("stopped 2", "running 2", "cannot become `running` again"),
    ],
)
def test_illegal_step_says_why(at: str, wanted: str, words: str) -> None:
    found = path(None if at == "none" else state(at), state(wanted))
    assert isinstance(found, Impossible)
    assert words in found.summary


def test_unstopping_says_to_write_the_next_iteration() -> None:
    found = path(state("stopped 2"), state("running 2"))
    assert isinstance(found, Impossible)
    assert found.hint == "write `iteration: 3`"


# steps in a plan


def test_new_experiment_is_drafted_and_started() -> None:
    found = planned(files(trial()), live())
    assert lines(found) == [f"5 create {EXP}", f"5 start {EXP}"]
    assert found.changes[0].after.managed()["status"] == "draft"  # type: ignore[union-attr]
    assert planned(files(trial("draft")), live()).change_hashes.keys() == {
        at for at in found.change_hashes if at.verb == "create"
    }


def test_draft_is_edited_before_it_starts() -> None:
    base = files(trial("draft"))
    found = planned(files(trial(hypothesis="Edited")), live(trial("draft")), base)
    assert steps(found) == ["update", "start"]


def test_stop_is_the_first_phase_and_names_winner_and_reason() -> None:
    desired = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "b"}})
    found = planned(desired, live(trial()), files(trial()))
    assert lines(found) == [f"1 stop {EXP}", f"3 update {TEST}"]
    sent = transition(found, "stop").after.managed()
    assert sent == {"status": "stopped", "iteration": 1, **STOPPED}


def test_restart_carries_all_edits_in_one_step() -> None:
    desired = files(trial(iteration=2, allocation={"a": 70, "b": 30}, name="Other"))
    found = planned(desired, live(trial()), files(trial()))
    assert steps(found) == ["restart"]
    assert [diff.field for diff in transition(found, "restart").fields] == [
        "status",
        "name",
        "allocation",
    ]


def test_restart_with_the_same_design_is_one_step() -> None:
    assert steps(planned(files(trial(iteration=2)), live(trial()), files(trial()))) == ["restart"]


def test_next_iteration_after_a_stop_is_drafted_whole() -> None:
    stopped = trial("stopped", **STOPPED)
    desired = files(trial("draft", 2, hypothesis="Again", name="Other"))
    found = planned(desired, live(stopped), files(stopped))
    assert steps(found) == ["draft", "update"]
    draft = transition(found, "draft")
    assert {"allocation", "control", "metrics", "primary", "rule"} <= draft.after.managed().keys()
    assert [diff.field for diff in draft.fields] == ["status", "hypothesis"]


def test_draft_takes_what_no_file_manages_from_live() -> None:
    stopped = trial("stopped", attributes=["plan"], **STOPPED)
    desired = files(trial("draft", 2))
    sent = transition(planned(desired, live(stopped), files(stopped)), "draft").after.managed()
    assert sent["attributes"] == ["plan"]


def test_same_files_and_live_are_an_empty_plan() -> None:
    for fields in (trial(), trial("draft"), trial("stopped", **STOPPED)):
        for base in (None, files(fields)):
            assert planned(files(fields), live(fields), base).is_empty


def test_decision_and_analysis_are_never_compared() -> None:
    desired = files(trial(decision={"minimumUnitsPerArm": 100}, analysis={"prior": "flat"}))
    assert planned(desired, live(trial()), files(trial())).is_empty


def test_impossible_step_is_an_error_at_its_place() -> None:
    desired = files(trial(iteration=3))
    with pytest.raises(DocumentError) as caught:
        planned(desired, live(trial()), files(trial()))
    (found,) = caught.value.diagnostics
    assert (str(found.address), found.rule) == (EXP, "experiment-step")
    assert "iteration 3 is too far" in found.summary


def test_impossible_step_against_a_commit_is_refused() -> None:
    found = planned(files(trial(iteration=3)), live(trial()), files(trial()), offline=True)
    assert found.changes == ()
    assert "iteration 3 is too far" in found.refusals[0].summary


def test_archived_key_is_an_error() -> None:
    with pytest.raises(DocumentError) as caught:
        planned(files(trial("draft")), live(trial("stopped", **STOPPED), archived=True))
    assert "keeps its key for good" in caught.value.diagnostics[0].summary


# what belongs to whom


def test_iteration_started_in_launchdarkly_is_drift() -> None:
    found = planned(files(trial()), live(trial(iteration=2)), files(trial()))
    assert [(d.field, d.live) for d in found.drift] == [
        ("status", {"status": "running", "iteration": 2})
    ]
    assert found.changes == ()


def test_experiment_stopped_in_launchdarkly_is_drift() -> None:
    stopped = trial("stopped", winner="a", reason="by hand")
    found = planned(files(trial()), live(stopped), files(trial()))
    assert [d.field for d in found.drift] == ["status"]


def test_stop_here_and_another_stop_there_is_a_conflict() -> None:
    desired = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "b"}})
    there = live(trial("stopped", winner="a", reason="by hand"))
    found = planned(desired, there, files(trial()))
    assert [conflict.field for conflict in found.conflicts] == ["status"]


def test_another_end_than_the_files_tell_cannot_be_made_up_for() -> None:
    there = live(trial("stopped", winner="a", reason="by hand"))
    with pytest.raises(DocumentError, match="1 problem"):
        planned(files(trial("stopped", **STOPPED)), there)


def restarting() -> Any:
    """Files whose restart needs a stop: what the experiment depends on changes with it."""
    return files(trial(iteration=2), {"aiConfigs/bot/variations/b": {"instructions": "New"}})


def test_own_stop_on_the_way_to_the_next_iteration_is_ours() -> None:
    left = live(trial("stopped", winner="a", reason="restarted as iteration 2"))
    found = planned(restarting(), left, files(trial()))
    assert found.drift == found.conflicts == ()
    assert steps(found) == ["draft", "start"]


def test_other_stop_on_the_way_to_the_next_iteration_is_a_conflict() -> None:
    left = live(trial("stopped", winner="a", reason="by hand"))
    assert [c.field for c in planned(restarting(), left, files(trial())).conflicts] == ["status"]


def test_own_draft_on_the_way_to_the_next_iteration_is_ours() -> None:
    found = planned(restarting(), live(trial("draft", 2)), files(trial()))
    assert found.drift == found.conflicts == ()
    assert steps(found) == ["start"]


def test_draft_made_in_launchdarkly_after_its_own_stop_is_drift() -> None:
    found = planned(files(trial()), live(trial("draft", 2)), files(trial()))
    assert [d.field for d in found.drift] == ["status"]


@pytest.mark.parametrize("served", ["a", "b", {"rollout": {"a": 50, "b": 50}}])
def test_what_our_stop_left_in_targeting_is_ours(served: Any) -> None:
    left = live(trial("stopped", **STOPPED), served=served)
    desired = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "b"}})
    found = planned(desired, left, files(trial()))
    assert found.drift == found.conflicts == ()
    assert lines(found) == ([] if served == "b" else [f"3 update {TEST}"])


def test_what_our_stop_left_on_a_rule_is_ours() -> None:
    on_rule = {"rule": {"description": "Premium"}}
    left = live(trial("stopped", **STOPPED, **on_rule), served={"rollout": {"a": 50, "b": 50}})
    rules = [{**PREMIUM, "serve": "b"}]
    base = files(trial(**on_rule))
    kept = base.resources[build.at(TEST)].managed()["rules"][:1]
    desired = files(trial("stopped", **STOPPED, **on_rule), {TEST: {"rules": [*kept, *rules]}})
    found = planned(desired, left, base)
    assert found.drift == found.conflicts == ()
    assert lines(found) == [f"3 update {TEST}"]


def test_variation_from_elsewhere_after_our_stop_is_not_ours() -> None:
    left = live(trial("stopped", **STOPPED), served="c")
    found = planned(files(trial("stopped", **STOPPED)), left, files(trial()))
    assert [(str(d.address), d.field) for d in found.drift] == [(TEST, "fallthrough")]


def test_targeting_after_a_stop_by_hand_is_not_ours() -> None:
    left = live(trial("stopped", winner="b", reason="by hand"), served="b")
    found = planned(files(trial()), left, files(trial()))
    assert {d.field for d in found.drift} == {"status", "fallthrough"}


def test_steps_left_by_an_interrupted_apply_are_the_reviewed_ones() -> None:
    """Each step has the hash that it had in the whole plan."""
    base, desired = files(trial()), restarting()
    whole = planned(desired, live(trial()), base)
    new = {"aiConfigs/bot/variations/b": {"instructions": "New"}}
    ended = trial("stopped", winner="a", reason="restarted as iteration 2")
    for left in (live(ended), live(ended, new), live(trial("draft", 2), new)):
        rest = planned(desired, left, base)
        assert rest.changes
        assert set(rest.change_hashes.values()) <= set(whole.change_hashes.values())


@pytest.mark.parametrize("served", ["a", {"rollout": {"a": 50, "b": 50}}])
def test_targeting_left_by_an_interrupted_stop_is_the_reviewed_change(served: Any) -> None:
    base = files(trial())
    desired = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "b"}})
    whole = planned(desired, live(trial()), base)
    rest = planned(desired, live(trial("stopped", **STOPPED), served=served), base)
    assert lines(rest) == [f"3 update {TEST}"]
    assert set(rest.change_hashes.values()) <= set(whole.change_hashes.values())


# which edits need which step


@pytest.mark.parametrize(
    "fields",
    [{"name": "Other"}, {"tags": ["x"]}, {"description": "d"}, {"metrics": ["rate", "cost"]}],
)
def test_what_launchdarkly_lets_change_while_running_is_a_plain_update(fields: Any) -> None:
    found = planned(files(trial(**fields)), live(trial()), files(trial()))
    assert steps(found) == ["update"]
    assert found.refusals == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"hypothesis": "Other"},
        {"allocation": {"a": 70, "b": 30}},
        {"metrics": ["cost"], "primary": "cost"},
        {"methodology": "frequentist"},
        {"rule": {"description": "Premium"}},
        {"remainder": "c"},
    ],
)
def test_locked_field_needs_the_next_iteration(fields: Any) -> None:
    found = planned(files(trial(**fields)), live(trial()), files(trial()))
    assert found.changes == ()
    (refusal,) = found.refusals
    assert "LaunchDarkly locks" in refusal.summary
    assert "raise `iteration` to 2" in (refusal.hint or "")
    assert refusal.allow is None
    raised = planned(files(trial(iteration=2, **fields)), live(trial()), files(trial()))
    assert steps(raised) == (["stop", "draft", "start"] if "rule" in fields else ["restart"])


def test_design_cannot_change_once_stopped() -> None:
    stopped = trial("stopped", **STOPPED)
    edited = trial("stopped", hypothesis="Other", **STOPPED)
    found = planned(files(edited), live(stopped), files(stopped))
    assert "cannot change once iteration 1 is stopped" in found.refusals[0].summary
    named = trial("stopped", name="Other", **STOPPED)
    assert steps(planned(files(named), live(stopped), files(stopped))) == ["update"]


def test_what_may_change_is_read_from_launchdarkly() -> None:
    table = {"running": {"hypothesis": ["update"]}}
    there = live(trial(), mutable=table)
    assert steps(planned(files(trial(hypothesis="Other")), there, files(trial()))) == ["update"]
    assert planned(files(trial(name="Other")), there, files(trial())).refusals


def test_plan_says_if_launchdarkly_does_not_tell_what_may_change() -> None:
    found = planned(files(trial(name="Other")), live(trial(), mutable=None), files(trial()))
    assert any("mutableFieldsByStatus" in note.summary for note in found.notes)


@pytest.mark.parametrize("fields", [{"environment": "production"}, {"aiConfig": "other"}])
def test_subject_never_changes(fields: Any) -> None:
    more = {"aiConfigs/other": {"name": "Other", "mode": "agent"}}
    more |= {f"aiConfigs/other/variations/{key}": {"name": key} for key in "ab"}
    desired = files(trial("draft", **fields), more)
    found = planned(desired, live(trial("draft"), more), files(trial("draft"), more))
    assert "immutable" in {refusal.guard for refusal in found.refusals}
    assert steps(found) == []


def test_renamed_rule_is_still_the_rule() -> None:
    base = files(trial(rule={"description": "Premium"}))
    beta = base.resources[build.at(TEST)].managed()["rules"][0]
    renamed = {TEST: {"rules": [beta, {**PREMIUM, "description": "Paying"}]}}
    desired = files(trial(rule={"description": "Paying"}), renamed)
    found = planned(desired, live(trial(rule={"description": "Premium"})), base)
    assert lines(found) == [f"3 update {TEST}"]


def test_start_of_a_draft_that_moved_in_launchdarkly_is_refused() -> None:
    base = files(trial("draft"))
    there = live(trial("draft", allocation={"a": 90, "b": 10}))
    found = planned(files(trial()), there, base)
    assert [d.field for d in found.drift] == ["allocation"]
    assert "`allocation` moved in LaunchDarkly" in found.refusals[0].summary
    assert steps(found) == []
    consented = files(trial(), consents=[build.consent(EXP, "drift")])
    assert steps(planned(consented, there, base)) == ["update", "start"]


# the end of the entry


def test_removed_experiment_is_archived() -> None:
    stopped = trial("stopped", **STOPPED)
    found = planned(files(None, removed=[EXP]), live(stopped), files(stopped))
    assert lines(found) == [f"7 archive {EXP}"]
    assert any("no way to delete" in note.summary for note in found.notes)


def test_removing_a_running_experiment_is_refused() -> None:
    found = planned(files(None, removed=[EXP]), live(trial()), files(trial()))
    assert found.changes == ()
    assert "a running experiment is not removed" in found.refusals[0].summary


def test_removed_and_archived_is_done() -> None:
    stopped = trial("stopped", **STOPPED)
    found = planned(files(None, removed=[EXP]), live(stopped, archived=True), None)
    assert [note.kind.value for note in found.notes if str(note.address) == EXP] == ["done"]


def test_dropped_experiment_is_let_go() -> None:
    found = planned(files(), live(trial()), files(trial()))
    assert found.changes == ()
    assert any("no longer managed" in note.summary for note in found.notes)


def test_losers_are_archived_in_the_commit_that_stops() -> None:
    desired = files(
        trial("stopped", **STOPPED),
        {
            TEST: {"fallthrough": "b", "rules": []},
            "aiConfigs/bot/targeting/production": {"fallthrough": "b"},
            "aiConfigs/bot/variations/a": None,
        },
    )
    retired = build.resource("aiConfigs/bot/variations/a", state="archived")
    desired = build.replace(
        desired, resources={**desired.resources, build.at("aiConfigs/bot/variations/a"): retired}
    )
    found = planned(desired, live(trial()), files(trial()))
    assert found.refusals == ()
    assert lines(found)[0] == f"1 stop {EXP}"
    assert lines(found)[-1] == "6 archive aiConfigs/bot/variations/a"


def test_variation_of_a_running_experiment_is_not_archived() -> None:
    desired = files(trial(), {"aiConfigs/bot/variations/b": None})
    retired = build.resource("aiConfigs/bot/variations/b", state="archived")
    desired = build.replace(
        desired, resources={**desired.resources, build.at("aiConfigs/bot/variations/b"): retired}
    )
    found = planned(desired, live(trial()), files(trial()))
    assert any("used by" in r.summary and EXP in r.summary for r in found.refusals)


def test_phases_are_those_of_the_design() -> None:
    found = planned(restarting(), live(trial()), files(trial()))
    assert [change.phase for change in found.changes] == [
        Phase.STOP,
        Phase.OBJECTS,
        Phase.EXPERIMENTS,
        Phase.EXPERIMENTS,
    ]
    end = transition(found, "stop").after.managed()
    assert (end["winner"], end["reason"]) == ("a", "restarted as iteration 2")


@pytest.mark.parametrize(
    ("where", "moved"),
    [({}, {"fallthrough": "c"}), ({"rule": {"description": "Premium"}}, {"rules": [PREMIUM]})],
)
def test_start_overwrites_nothing_that_moved_in_targeting(where: Any, moved: Any) -> None:
    base = files(trial("draft", **where))
    found = planned(files(trial(**where)), live(trial("draft", **where), {TEST: moved}), base)
    assert steps(found) == []
    assert "the start would overwrite it" in found.refusals[0].summary


def test_experiment_archived_in_launchdarkly_is_drift() -> None:
    stopped = trial("stopped", **STOPPED)
    found = planned(files(stopped), live(stopped, archived=True), files(stopped))
    assert [(str(d.address), d.field) for d in found.drift] == [(EXP, None)]
    assert found.changes == ()


@pytest.mark.parametrize(
    "wanted",
    [
        trial(iteration=2),
        trial("stopped", winner="a", reason="nothing won"),
        trial(metrics=["rate", "cost"]),
    ],
)
def test_draft_made_beside_a_running_iteration_is_in_the_way(wanted: Any) -> None:
    there = live(trial(), meta={"draft": {"_id": "made by hand"}})
    found = planned(files(wanted), there, files(trial()))
    assert found.changes == ()
    assert "has a draft of its next iteration" in found.refusals[0].summary


def test_restart_on_another_rule_puts_the_one_it_leaves_right() -> None:
    moved = trial(iteration=2, rule={"description": "Premium"})
    found = planned(files(moved), live(trial()), files(trial()))
    assert lines(found) == [f"1 stop {EXP}", f"3 update {TEST}", f"5 draft {EXP}", f"5 start {EXP}"]


def test_split_that_a_stop_left_is_no_drift_while_the_next_iteration_is_a_draft() -> None:
    ended = {
        "number": 1,
        "rule_id": "fallthrough",
        "winner": "a",
        "reason": "restarted as iteration 2",
    }
    split = {"rollout": {"a": 50, "b": 50}, "bucketBy": "key", "contextKind": "user"}
    there = live(trial("draft", 2), served=split, meta={"iterations": [ended]})
    found = planned(files(trial(iteration=2)), there, files(trial()))
    assert (lines(found), found.drift) == ([f"5 start {EXP}"], ())


def test_draft_whose_new_rule_is_refused_stays_on_its_own() -> None:
    guards = build.Guards(protect=(TEST,))
    base = files(trial("draft"), guards=guards)
    moved = trial("draft", rule={"description": "New"})
    rules = [BETA, PREMIUM, {**PREMIUM, "description": "New", "serve": "b"}]
    desired = files(moved, {TEST: {"rules": rules}}, guards=guards)
    found = planned(desired, live(trial("draft")), base)
    assert found.changes == ()
    assert {str(one.address): one.guard for one in found.refusals} == {
        TEST: "protected",
        EXP: "dependency",
    }
