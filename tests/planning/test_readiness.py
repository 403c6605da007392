from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import NoteKind, Plan
from ldconf.core.live import RunningExperiment
from tests import build
from tests.planning.scenes import TEST, notes
from tests.planning.trials import EXP, PREMIUM, RATE, files, lines, live, planned, steps, trial


def warned(found: Plan) -> str:
    return "\n".join(summary for _, summary in notes(found, NoteKind.WARNING))


def started(fields: Any = None, around: Any = None, **more: Any) -> Plan:
    """Return the plan that makes and starts the experiment."""
    return planned(files(trial(**(fields or {})), around), live(None, **more))


def off(**more: Any) -> Any:
    """Live targeting that is switched off."""
    there = live(**more)
    place = build.at(TEST)
    found = there.observed[place]
    meta = {**found.meta, "enabled": False}
    return build.replace(there, observed={**there.observed, place: build.replace(found, meta=meta)})


def test_nothing_starts_where_targeting_is_switched_off() -> None:
    found = planned(files(trial()), off())
    assert steps(found) == []
    assert "switched off in LaunchDarkly" in found.refusals[0].summary
    assert steps(planned(files(trial("draft")), off())) == ["create"]


def test_control_takes_part() -> None:
    fields = {k: v for k, v in trial("draft").items() if k != "control"}
    there = live(trial("draft", control="c", remainder="c"))
    found = planned(files({**fields, "status": "running"}), there)
    assert "control 'c' takes no part" in found.refusals[0].summary


def test_rule_must_be_there() -> None:
    rules = {TEST: {"rules": [PREMIUM]}}
    gone = started({"rule": {"description": "Beta"}}, rules)
    assert f"{TEST} has no rule 'Beta'" in gone.refusals[0].summary
    assert "'Premium'" in (gone.refusals[0].hint or "")
    assert steps(started({"rule": {"description": "Premium"}}, rules)) == ["create", "start"]


def test_rule_of_unmanaged_targeting_is_looked_up_live() -> None:
    desired = files(trial(rule={"description": "Nobody"}))
    resources = {a: r for a, r in desired.resources.items() if str(a) != TEST}
    found = planned(build.replace(desired, resources=resources), live())
    assert "has no rule 'Nobody'" in found.refusals[0].summary


def test_one_experiment_runs_on_a_rule() -> None:
    other = RunningExperiment(
        "other", "Other", "test", "bot", "running", "fallthrough", frozenset("ab"), "a"
    )
    there = live()
    observed = build.observed("experiments/other", **trial())
    meta = {**observed.meta, "rule_id": "fallthrough"}
    there = build.replace(
        there,
        experiments=(other,),
        observed={
            **there.observed,
            build.at("experiments/other"): build.replace(observed, meta=meta),
        },
    )
    found = planned(files(trial()), there)
    assert "experiment 'other' runs on the same rule" in found.refusals[0].summary
    on_rule = files(trial(rule={"description": "Premium"}))
    assert steps(planned(on_rule, there)) == ["create", "start"]


def test_metric_of_other_units_has_no_results() -> None:
    other = {RATE: {"analysisUnits": ["organization"]}}
    assert "metric 'rate' is analysed by organization" in warned(started({}, other))
    assert "is analysed by" not in warned(started())


def test_rule_of_other_contexts_leaves_units_out() -> None:
    clause = {**PREMIUM["clauses"][0], "contextKind": "organization"}
    rules = {TEST: {"rules": [{**PREMIUM, "clauses": [clause]}]}}
    found = started({"rule": {"description": "Premium"}}, rules)
    assert "its rule looks at organization contexts" in warned(found)


@pytest.mark.parametrize(
    ("decision", "enough"),
    [({"plannedUnitsPerArm": 600}, None), ({"plannedUnitsPerArm": 500}, "582"), ({}, "582")],
)
def test_too_few_units_are_underpowered(decision: Any, enough: str | None) -> None:
    fields = {"decision": decision, "analysisConfig": {"bayesianThreshold": 90}}
    words = warned(started(fields))
    assert ("underpowered" in words) == (enough is not None)
    if enough:
        assert f"{enough} per arm are enough for 10 %" in words


def test_hundred_units_find_a_quarter_more() -> None:
    """Statistics notes, section 3: about 24 % of a 60 % rate (23.4 %)."""
    fields = {
        "decision": {"minimumUnitsPerArm": 100},
        "analysisConfig": {"bayesianThreshold": 90},
    }
    assert "100 units per arm find an effect of 23 %" in warned(started(fields))


def test_figures_are_not_in_the_digest() -> None:
    assert started({"decision": {"plannedUnitsPerArm": 1}}).digest == started().digest


def test_start_says_once_where_results_come_from() -> None:
    found = started()
    (note,) = [note for note in found.notes if note.kind is NoteKind.EXPERIMENT]
    assert "`ldconf experiment results exp`" in note.summary
    assert not notes(planned(files(trial("draft")), live()), NoteKind.EXPERIMENT)


def test_stop_says_what_does_not_come_back() -> None:
    stopped = files(trial("stopped", winner="b", reason="won"), {TEST: {"fallthrough": "b"}})
    words = warned(planned(stopped, live(trial()), files(trial())))
    assert "iteration 1 ends for good" in words
    assert "until targeting is written, its audience gets what LaunchDarkly leaves" in words
    edit = {"aiConfigs/bot/variations/b": {"name": "New"}}
    restart = planned(files(trial(iteration=2), edit), live(trial()), files(trial()))
    assert "until its next iteration starts" in warned(restart)
    alone = planned(files(trial(iteration=2)), live(trial()), files(trial()))
    assert "iteration 1 ends for good and does not come back; results begin anew" in warned(alone)


def test_what_files_cannot_describe_is_never_written() -> None:
    there = live(trial("draft"), meta={"unsupported": "a multi-armed bandit"})
    found = planned(files(trial("draft", name="Other")), there, files(trial("draft")))
    assert found.changes == ()
    assert "a multi-armed bandit" in found.refusals[0].summary


# scope


def test_environment_keeps_its_experiments() -> None:
    found = planned(files(trial()), live(), environments=("test",))
    assert lines(found) == [f"5 create {EXP}", f"5 start {EXP}"]
    other = planned(files(trial()), live(), environments=("production",))
    assert (other.changes, other.left_out) == ((), 2)


def test_target_names_an_experiment() -> None:
    found = planned(files(trial()), live(), targets=(EXP,))
    assert lines(found) == [f"5 create {EXP}", f"5 start {EXP}"]


def test_stop_and_what_it_makes_way_for_are_kept_together() -> None:
    edit = {"aiConfigs/bot/variations/b": {"name": "New"}}
    desired = files(trial(iteration=2), edit)
    for target, missing in (
        (EXP, "aiConfigs/bot/variations/b"),
        ("aiConfigs/bot/variations/b", EXP),
    ):
        with pytest.raises(Exception, match="which is left out") as caught:
            planned(desired, live(trial()), files(trial()), targets=(target,))
        assert f"--target {missing}" in (getattr(caught.value, "hint", "") or "")


def test_updates_in_percent_count_an_experiment_once() -> None:
    guards = build.Guards(max_update_percent=1, min_objects=1)
    base = files(trial("draft"), guards=guards)
    found = planned(files(trial(name="Other"), guards=guards), live(trial("draft")), base)
    (refusal,) = [r for r in found.refusals if r.guard == "updates"]
    assert refusal.summary.startswith("1 of ")
    assert steps(found) == []


def test_rule_that_another_experiment_leaves_is_free() -> None:
    first = trial(iteration=2, rule={"description": "Premium"})
    second = {**trial("running"), "name": "Second"}
    desired = files(first, {"experiments/second": second})
    found = planned(desired, live(trial()), files(trial()))
    assert found.refusals == ()
    assert "start experiments/second" in " ".join(lines(found))


def test_stop_where_no_file_says_what_is_served_does_not_promise_it() -> None:
    ended = trial("stopped", winner="b", reason="b converts better")
    found = planned(files(ended, {TEST: None}), live(trial()), files(trial()))
    assert any("as no file manages what is served there" in note.summary for note in found.notes)


def test_dropped_experiment_that_runs_is_said_to_go_on() -> None:
    found = planned(files(), live(trial()), files(trial()))
    (note,) = (note for note in found.notes if note.kind is NoteKind.RELEASED)
    assert note.summary == "no longer managed: left as it is in LaunchDarkly, where it runs"
    assert note.hint == "list it under `removed` to archive it, once it is stopped"


def test_variation_put_in_the_place_of_a_running_experiment_is_drift() -> None:
    found = planned(files(trial()), live(trial(), served="c", meta={}), files(trial()))
    assert found.drift == ()  # the slot is marked as an experiment's
    there = live(trial(), served="c", slots=())
    found = planned(files(trial()), there, files(trial()))
    assert [(str(one.address), one.field, one.live) for one in found.drift] == [
        (TEST, "fallthrough", "c")
    ]
