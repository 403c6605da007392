"""Plans of experiments: the steps in words, and what an interrupted apply left stopped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ldconf.core.change import Plan
from ldconf.core.outcome import Applied, Failed, Skipped
from ldconf.render import json as as_json
from ldconf.render import markdown, outcomes, report, text
from ldconf.render.canvas import Look
from ldconf.render.rows import Row
from tests.planning.scenes import TEST, B
from tests.planning.trials import EXP, files, live, planned, trial
from tests.render.golden import assert_golden

WIDE = Look(100)
PART = {"allocation": {"a": 40, "b": 40}, "remainder": "a"}
WON = {"winner": "b", "reason": "b converts better"}
BASE = files(trial(**PART))


def new() -> Plan:
    return planned(files(trial(**PART, decision={"minimumUnitsPerArm": 100})), live())


def ship() -> Plan:
    desired = files(trial("stopped", **PART, **WON), {TEST: {"fallthrough": "b"}})
    return planned(desired, live(trial(**PART)), BASE, base_ref="0123456789ab")


def restart() -> Plan:
    fields = {**PART, "allocation": {"a": 50, "b": 50}, "name": "Again"}
    desired = files(trial(iteration=2, **fields), {B: {"instructions": "New"}})
    return planned(desired, live(trial(**PART)), BASE, base_ref="0123456789ab")


PLANS = {"new": new, "ship": ship, "restart": restart}


def rows(found: Plan) -> dict[str, Row]:
    groups = report.build(found).groups
    return {row.word: row for group in groups for row in group.rows if str(row.address) == EXP}


@pytest.mark.parametrize("name", PLANS)
def test_steps_are_lines_of_the_plan(name: str) -> None:
    found = report.build(PLANS[name]())
    assert_golden(f"steps-{name}.txt", text.plan(found, WIDE))
    assert_golden(f"steps-{name}.md", markdown.plan(found))


def test_steps_as_json() -> None:
    assert_golden("steps-restart.json", as_json.document("plan", report.build(restart())))


def test_each_step_is_told_with_its_iteration() -> None:
    labels = {word: row.label for word, row in rows(restart()).items()}
    assert labels == {
        "stop": "iteration 1 of experiment exp (phase 1)",
        "draft": "iteration 2 of experiment exp (phase 5)",
        "update": "experiment exp",
        "start": "iteration 2 of experiment exp (phase 5)",
    }
    assert rows(ship())["stop"].summary == "winner b, because b converts better"


def test_start_tells_who_gets_what() -> None:
    (field,) = rows(new())["start"].fields
    (detail,) = field.details
    assert (detail.who, detail.before) == ("everyone else", "a")  # type: ignore[union-attr]
    assert detail.after == (  # type: ignore[union-attr]
        "experiment by user: a 40 %, b 40 %; 20 % outside get a"
    )


def test_restart_tells_who_got_what_until_then() -> None:
    edited = {**PART, "allocation": {"a": 50, "b": 50}}
    found = planned(files(trial(iteration=2, **edited)), live(trial(**PART)), BASE)
    field = next(one for one in rows(found)["restart"].fields if one.field == "audience")
    (detail,) = field.details
    assert (detail.before, detail.after) == (  # type: ignore[union-attr]
        "experiment by user: a 40 %, b 40 %; 20 % outside get a",
        "experiment by user: a 50 %, b 50 %",
    )
    assert (field.before["rollout"], field.after["rollout"]) == (
        {"a": 60, "b": 40},
        {"a": 50, "b": 50},
    )


def test_every_step_has_a_hash_of_its_own() -> None:
    hashes = [row.hash for row in rows(restart()).values()]
    assert len(set(hashes)) == 4
    assert set(filter(None, hashes)) <= set(report.build(restart()).hashes)


def test_removed_experiment_is_archived_not_deleted() -> None:
    stopped = trial("stopped", **WON)
    found = report.build(planned(files(None, removed=[EXP]), live(stopped), files(stopped)))
    assert found.summary.todo == "1 to archive"
    assert found.summary.risk == "medium"
    row = found.groups[0].rows[0]
    assert (row.symbol, row.word, row.fields) == ("-", "archive", ())
    assert row.summary == "archived: LaunchDarkly keeps it, its results and its key"


def test_drift_of_a_state_is_told_in_words() -> None:
    moved = live(trial("stopped", **PART, winner="a", reason="by hand"))
    found = report.build(planned(BASE, moved, BASE))
    (drift,) = found.drift
    (detail,) = drift.fields[0].details
    assert (detail.before, detail.after) == (  # type: ignore[union-attr]
        "running 1",
        "stopped 1 (winner a, because by hand)",
    )


def ends(found: Plan, done: set[str]) -> list[Any]:
    """Return outcomes: those verbs were done, the first other failed, the rest was skipped."""
    result: list[Any] = []
    for change in found.changes:
        name = getattr(change, "verb", type(change).__name__.lower())
        if name in done:
            result.append(Applied(change))
        elif any(isinstance(one, Failed) for one in result):
            result.append(Skipped(change, None, "comes after what failed"))
        else:
            result.append(Failed(change, "500"))
    return result


def test_experiment_left_stopped_is_said_first() -> None:
    found = restart()
    made = outcomes.build(found, ends(found, {"stop"}))
    first, *_ = outcomes.text(made, Look()).splitlines()
    assert first == (
        f"! {EXP} is stopped at iteration 1 and not started again: its audience gets what"
        " LaunchDarkly left"
    )
    assert json.loads(as_json.document("apply", made))["stranded"]


def test_stop_without_its_targeting_is_said_first() -> None:
    made = outcomes.build(ship(), ends(ship(), {"stop"}))
    assert made.stranded == (f"{EXP} is stopped, but what was to follow is not done: {TEST}",)


@pytest.mark.parametrize("name", PLANS)
def test_nothing_is_stranded_once_all_is_done(name: str) -> None:
    found = PLANS[name]()
    assert outcomes.build(found, [Applied(one) for one in found.changes]).stranded == ()
    assert outcomes.build(found, ends(found, set())).stranded == ()
