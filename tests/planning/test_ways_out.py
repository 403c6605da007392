"""Every dependency of a running experiment against every way out (design 4.8 and section 9)."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import Plan
from ldconf.core.live import Environment
from tests import build
from tests.planning.scenes import PRODUCTION, SEARCH, TEST, A, B
from tests.planning.trials import BETA, EXP, PREMIUM, RATE, C, files, lines, live, planned, trial

STOPPED = {"winner": "b", "reason": "b converts better"}
OWN_MODEL = "modelConfigs/Custom.small"
PINNED = {B: {"modelConfigKey": "Custom.small", "modelConfigVersion": 1}}
ON_RULE = {"rule": {"description": "Premium"}}
REMAINDER = {"allocation": {"a": 40, "b": 40}, "remainder": "c"}
VIP = {
    **PREMIUM,
    "description": "VIP",
    "clauses": [{"attribute": "vip", "op": "in", "values": [1]}],
}
INNER = {"rules": [{"clauses": [{"op": "segmentMatch", "values": ["inner"]}]}]}

# name -> fields of the experiment, the world around it, the change, and what is written for it
DEPENDENCIES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str]]] = {
    "control": ({}, {}, {A: {"instructions": "New"}}, [A]),
    "treatment": ({}, {}, {B: {"name": "New"}}, [B]),
    "remainder": (REMAINDER, {}, {C: {"name": "New"}}, [C]),
    "tool pin": ({}, {}, {SEARCH: {"description": "Finds more"}}, [SEARCH, A]),
    "model config pin": (
        {},
        {OWN_MODEL: {"id": "small"}, B: {"modelConfigKey": "Custom.small"}},
        {OWN_MODEL: {"name": "New"}},
        [OWN_MODEL, B],
    ),
    "clauses of its rule": (
        ON_RULE,
        {},
        {TEST: {"rules": [BETA, {**PREMIUM, "clauses": VIP["clauses"]}]}},
        [TEST],
    ),
    "rule added above it": (ON_RULE, {}, {TEST: {"rules": [BETA, VIP, PREMIUM]}}, [TEST]),
    "position of its rule": (ON_RULE, {}, {TEST: {"rules": [PREMIUM, BETA]}}, [TEST]),
    "rule above the fallthrough": ({}, {}, {TEST: {"rules": [BETA, PREMIUM, VIP]}}, [TEST]),
    "rule taken away": ({}, {}, {TEST: {"rules": [PREMIUM]}}, [TEST]),
    "segment": (
        {},
        {},
        {"segments/beta/test": {"included": ["u"]}},
        ["segments/beta/test"],
    ),
    "segment of a segment": (
        {},
        {"segments/beta/test": INNER, "segments/inner/test": {"name": "Inner"}},
        {"segments/inner/test": {"included": ["u"]}},
        ["segments/inner/test"],
    ),
    "serve": ({}, {}, {TEST: {"fallthrough": "c"}}, [TEST]),
    "serve of its rule": (
        ON_RULE,
        {},
        {TEST: {"rules": [BETA, {**PREMIUM, "serve": "c"}]}},
        [TEST],
    ),
    "off": ({}, {}, {TEST: {"off": True}}, [TEST]),
}
NO_CONSENT = {"serve", "serve of its rule", "off"}  # it would not be an experiment any more
CASES = list(DEPENDENCIES)


def scene(name: str, **experiment: Any) -> tuple[Any, Any, Any, list[str]]:
    """Return files with the change, live without it, the base, and the addresses to be written."""
    fields, around, change, addresses = DEPENDENCIES[name]
    there = around if name != "model config pin" else {**around, **PINNED}
    changed = {**around}
    for address, given in change.items():
        changed[address] = {**changed.get(address, {}), **given}
    base = files(trial(**fields), around)
    desired = files(trial(**{**fields, **experiment}), changed)
    return desired, live(trial(**fields), there), base, addresses


def written(found: Plan) -> set[str]:
    return {str(change.address) for change in found.changes} - {EXP}


@pytest.mark.parametrize("name", CASES)
def test_dependency_is_protected_and_the_refusal_names_the_ways_out(name: str) -> None:
    desired, there, base, addresses = scene(name)
    found = planned(desired, there, base)
    assert found.changes == ()
    assert {str(change.address) for change in found.refused} == {addresses[0]}
    own = [r for r in found.refusals if r.guard in ("contaminate", "experiment")]
    assert own
    for refusal in own:
        assert "experiment 'exp' runs in test" in refusal.summary
        assert "raise its `iteration` to 2" in (refusal.hint or "")
        assert "`status: stopped`" in (refusal.hint or "")
        assert "consent" in (refusal.hint or "")


@pytest.mark.parametrize("name", [name for name in CASES if name != "off"])  # validate refuses
def test_raised_iteration_stops_changes_and_starts_again(name: str) -> None:
    desired, there, base, addresses = scene(name, iteration=2)
    found = planned(desired, there, base)
    assert found.refusals == ()
    order = lines(found)
    assert order[0] == f"1 stop {EXP}"
    assert order[-2:] == [f"5 draft {EXP}", f"5 start {EXP}"]
    assert written(found) == set(addresses)


@pytest.mark.parametrize("name", CASES)
def test_stop_in_the_same_commit_frees_it(name: str) -> None:
    desired, there, base, addresses = scene(name, status="stopped", **STOPPED)
    found = planned(desired, there, base)
    assert found.refusals == ()
    assert lines(found)[0] == f"1 stop {EXP}"
    assert written(found) == {*addresses, TEST}  # what it serves is put right, too


@pytest.mark.parametrize("name", CASES)
def test_stopped_experiment_protects_nothing(name: str) -> None:
    fields, around, _, addresses = DEPENDENCIES[name]
    desired, _, _, _ = scene(name, status="stopped", **STOPPED)
    there = around if name != "model config pin" else {**around, **PINNED}
    ended = trial("stopped", **{**fields, **STOPPED})
    found = planned(desired, live(ended, there), files(ended, around))
    assert found.refusals == ()
    assert written(found) == set(addresses)


@pytest.mark.parametrize("name", CASES)
def test_consent_goes_on_with_what_changed(name: str) -> None:
    desired, there, base, addresses = scene(name)
    consents = tuple(build.consent(address, "contaminate") for address in addresses)
    found = planned(build.replace(desired, consents=consents), there, base)
    if name in NO_CONSENT:
        assert found.changes == ()
        return
    assert written(found) == set(addresses)
    assert {use.allow for use in found.consents} == {"contaminate"}


@pytest.mark.parametrize("name", CASES)
def test_experiment_in_no_file_is_protected_as_well(name: str) -> None:
    desired, there, base, _ = scene(name)
    without = {a: r for a, r in desired.resources.items() if str(a) != EXP}
    before = {a: r for a, r in base.resources.items() if str(a) != EXP}
    found = planned(
        build.replace(desired, resources=without), there, build.replace(base, resources=before)
    )
    assert found.changes == ()
    assert any("it is in no file" in (refusal.hint or "") for refusal in found.refusals)


# together or not at all


def test_refused_change_keeps_the_experiment_running() -> None:
    guards = build.Guards(protect=(TEST,))
    change = {TEST: {"rules": [PREMIUM]}, B: {"name": "New"}}
    base = files(trial(), guards=guards)
    desired = files(trial(iteration=2), change, guards=guards)
    found = planned(desired, live(trial()), base)
    assert found.changes == ()
    by_address = {str(r.address): r for r in found.refusals}
    assert by_address[TEST].guard == "protected"
    assert f"goes on running: {TEST}" in by_address[EXP].summary
    assert "its stop is refused" in by_address[B].summary


def test_conflict_keeps_the_experiment_running() -> None:
    base = files(trial())
    desired = files(trial(iteration=2), {B: {"instructions": "Files"}, A: {"name": "New"}})
    there = live(trial(), {B: {"instructions": "LaunchDarkly"}})
    found = planned(desired, there, base)
    assert found.changes == ()
    assert [c.address for c in found.conflicts] == [build.at(B)]
    reasons = {str(r.address): r.summary for r in found.refusals}
    assert f"{B}, which its stop would make way for, is in conflict" in reasons[EXP]
    assert "its stop is refused" in reasons[A]


def test_conflict_in_what_it_does_not_depend_on_is_no_hindrance() -> None:
    base = files(trial(), {C: {"instructions": "Old"}})
    desired = files(trial(iteration=2), {C: {"instructions": "Files"}, A: {"name": "New"}})
    found = planned(desired, live(trial(), {C: {"instructions": "LaunchDarkly"}}), base)
    assert lines(found)[0] == f"1 stop {EXP}"


def test_stop_waits_if_its_targeting_needs_an_approval() -> None:
    gated = Environment("test", approvals=frozenset({"aiconfig"}))
    environments = (gated, Environment("production"))
    base = files(trial())
    desired = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "c"}})
    found = planned(desired, live(trial(), environments=environments), base)
    assert found.changes == ()
    assert any("needs an approval first" in r.summary for r in found.refusals)
    shipped = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "b"}})
    found = planned(shipped, live(trial(), environments=environments), base)
    assert lines(found) == [f"1 stop {EXP}"]  # LaunchDarkly serves the winner


def test_stop_is_refused_with_the_targeting_change_of_its_rule() -> None:
    guards = build.Guards(protect=(TEST,))
    desired = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "b"}}, guards=guards)
    found = planned(desired, live(trial()), files(trial(), guards=guards))
    assert found.changes == ()
    assert {str(r.address) for r in found.refusals} == {EXP, TEST}


def test_consent_lifts_the_guard_and_all_goes_together() -> None:
    guards = build.Guards(protect=(TEST,))
    desired = files(
        trial("stopped", **STOPPED),
        {TEST: {"fallthrough": "b"}},
        guards=guards,
        consents=[build.consent(TEST, "protected")],
    )
    found = planned(desired, live(trial()), files(trial(), guards=guards))
    assert lines(found) == [f"1 stop {EXP}", f"3 update {TEST}"]


def test_protected_experiment_is_not_stopped() -> None:
    guards = build.Guards(protect=("experiments/*",))
    desired = files(trial("stopped", **STOPPED), {TEST: {"fallthrough": "b"}}, guards=guards)
    found = planned(desired, live(trial()), files(trial(), guards=guards))
    assert found.changes == ()
    assert {r.guard for r in found.refusals} == {"protected", "experiment"}


def test_edit_in_place_is_judged_apart_from_the_experiment() -> None:
    guards = build.Guards(in_place_edits={"test": "forbid"})
    desired = files(trial(iteration=2), {B: {"name": "New"}}, guards=guards)
    found = planned(desired, live(trial()), files(trial(), guards=guards))
    assert found.changes == ()
    assert {str(r.address): r.guard for r in found.refusals} == {
        B: "inPlaceEdit",
        EXP: "experiment",
    }


def test_another_environment_is_free_and_the_restart_is_one_call() -> None:
    desired = files(trial(iteration=2), {PRODUCTION: {"fallthrough": "c"}})
    found = planned(desired, live(trial()), files(trial()))
    assert lines(found) == [f"3 update {PRODUCTION}", f"5 restart {EXP}"]


def test_steps_rely_on_each_other() -> None:
    desired, there, base, _ = scene("treatment", iteration=2)
    found = planned(desired, there, base)
    relies = {
        f"{at.verb} {at.address}": sorted(f"{one.verb} {one.address}" for one in needed)
        for at, needed in found.relies.items()
    }
    assert relies == {
        f"update {B}": [f"stop {EXP}"],
        f"draft {EXP}": [f"update {B}"],
        f"start {EXP}": [f"update {B}"],
    }


def test_repin_that_is_refused_takes_the_restart_along() -> None:
    """It is not to start anew without the tool that it should start with."""
    guards = build.Guards(in_place_edits={"test": "forbid"})
    desired = files(trial(iteration=2), {SEARCH: {"description": "Finds more"}}, guards=guards)
    found = planned(desired, live(trial()), files(trial(), guards=guards))
    assert found.changes == ()
    assert {str(r.address) for r in found.refusals} == {A, EXP, SEARCH}


def test_metric_only_warns() -> None:
    found = planned(files(trial(), {RATE: {"name": "New"}}), live(trial()), files(trial()))
    assert lines(found) == [f"2 update {RATE}"]
    assert any(f"{RATE} is measured by experiment 'exp'" in note.summary for note in found.notes)


def test_merged_before_is_said_once_for_all_steps() -> None:
    desired = files(trial(iteration=2), {B: {"instructions": "New"}})
    found = planned(desired, live(trial()), files(trial()), merged=desired)
    merged = [str(note.address) for note in found.notes if note.kind.value == "merged"]
    assert sorted(merged) == [B, EXP]


def test_rules_of_a_draft_keep_their_ids_where_approvals_are_required() -> None:
    environments = (Environment("test", approvals=frozenset({"aiconfig"})),)
    base = files(trial("draft", **ON_RULE))
    there = live(trial("draft", **ON_RULE), environments=(*environments, Environment("production")))
    reordered = files(trial("draft", **ON_RULE), {TEST: {"rules": [PREMIUM, BETA]}})
    found = planned(reordered, there, base)
    assert found.changes == ()
    assert "would give a new id" in found.refusals[0].summary
