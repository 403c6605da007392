from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import NoteKind, Plan
from ldconf.core.live import Live, RunningExperiment
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
    guards,
    notes,
    planned,
    verbs,
)

C = "aiConfigs/bot/variations/c"
PREMIUM: dict[str, Any] = {"attribute": "plan", "op": "in", "values": ["premium"]}
BETA: dict[str, Any] = {"op": "segmentMatch", "values": ["beta"]}
BASIC: dict[str, Any] = {"attribute": "plan", "op": "in", "values": ["basic"]}
JUDGED = {"judges": [{"judgeConfigKey": "judge", "samplingRate": 1}]}

SHOP: dict[str, Any] = {
    C: {"name": "C"},
    B: {"judgeConfiguration": JUDGED},
    "aiConfigs/judge": {"name": "Judge", "mode": "judge"},
    "aiConfigs/judge/variations/j": {"name": "J"},
    "modelConfigs/Custom.small": {"id": "small", "costPerInputToken": 1},
    "segments/beta/test": {
        "name": "Beta",
        "rules": [{"clauses": [{"op": "segmentMatch", "values": ["inner"]}]}],
    },
    "segments/inner/test": {"name": "Inner"},
    "segments/other/test": {"name": "Other"},
    "segments/beta/production": {"name": "Beta"},
    TEST: {
        "targets": None,
        "rules": [
            {"description": "Beta", "clauses": [BETA], "serve": "a"},
            {"description": "Premium", "clauses": [PREMIUM], "serve": "a"},
            {"description": "Basic", "clauses": [BASIC], "serve": "c"},
        ],
        "fallthrough": "a",
    },
}


def shop(changes: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return the workspace, with changes."""
    found = {name: dict(fields) for name, fields in SHOP.items()}
    for name, fields in (changes or {}).items():
        found[name] = {**found.get(name, {}), **fields}
    return edited(found, **more)


def running(rule: str = "fallthrough", status: str = "running", **more: Any) -> RunningExperiment:
    """Return an experiment of a against b in test."""
    given: dict[str, Any] = {"variations": frozenset({"a", "b"}), "baseline": "a", **more}
    return RunningExperiment("exp", "Exp", "test", "bot", status, rule, **given)


def under(experiment: RunningExperiment | None, slots: list[Any] | None = None) -> Live:
    """Return the live state with the experiment's rollout in targeting."""
    live = build.as_live(shop())
    place = build.at(TEST)
    found = live.observed[place]
    ids = ["rule-beta", "rule-premium", "rule-basic"]
    if slots is None:
        slots = [] if experiment is None else [_slot(experiment, ids)]
    meta = {**found.meta, "rule_ids": ids, "experiment_slots": slots}
    observed = {**live.observed, place: build.replace(found, meta=meta)}
    experiments = () if experiment is None else (experiment,)
    return build.replace(live, observed=observed, experiments=experiments)


def _slot(experiment: RunningExperiment, ids: list[str]) -> Any:
    return ids.index(experiment.rule) if experiment.rule in ids else experiment.rule


def changed(
    changes: dict[str, Any], experiment: RunningExperiment | None = None, **more: Any
) -> Plan:
    """Return the plan of changes while an experiment runs."""
    live = under(experiment or running())
    return planned(shop(changes, **more), live, shop())


def rules(*names: str, **serves: str) -> dict[str, Any]:
    """Return the rules of these names in this order, some serving something else."""
    by_name = {rule["description"]: rule for rule in SHOP[TEST]["rules"]}
    found = [{**by_name[name], "serve": serves.get(name, by_name[name]["serve"])} for name in names]
    return {TEST: {"rules": found}}


def test_nothing_changes_while_the_experiment_runs() -> None:
    assert changed({}).is_empty


@pytest.mark.parametrize("key", ["a", "b"])
def test_variation_of_a_running_experiment_is_protected(key: str) -> None:
    found = changed({f"aiConfigs/bot/variations/{key}": {"name": "New"}})
    assert list(guards(found).values()) == ["contaminate"]
    assert "experiment 'exp' runs in test" in found.refusals[0].summary
    assert "stop" in (found.refusals[0].hint or "")


def test_other_variation_is_free() -> None:
    assert verbs(changed({C: {"name": "New"}})) == {C: "update"}


def test_draft_experiment_protects_nothing() -> None:
    found = changed({A: {"name": "New"}}, running(status="draft"))
    assert verbs(found) == {A: "update"}


def test_consent_contaminate_lets_it_through() -> None:
    found = changed({A: {"name": "New"}}, consents=[build.consent(A, "contaminate")])
    assert verbs(found) == {A: "update"}
    assert [use.allow for use in found.consents] == ["contaminate"]


def test_repin_of_a_variation_under_experiment_keeps_the_tool_back() -> None:
    found = changed({SEARCH: {"description": "Finds more"}})
    assert guards(found) == {A: "contaminate", SEARCH: "re-pin"}


# the slot itself


def test_experiment_rollout_equals_its_control() -> None:
    live = under(running(baseline="a"))
    place = build.at(TEST)
    rollout = build.resource(TEST, fallthrough={"rollout": {"a": 50, "b": 50}})
    found = live.observed[place]
    resource = found.resource.model_copy(update={"fallthrough": rollout.fallthrough})  # type: ignore[attr-defined]
    live = build.replace(
        live, observed={**live.observed, place: build.replace(found, resource=resource)}
    )
    assert planned(shop(), live, shop()).is_empty


def test_experiment_rollout_on_a_rule_equals_its_control() -> None:
    live = under(running("rule-premium", baseline="b"))
    found = planned(shop(rules("Beta", "Premium", "Basic", Premium="b")), live, shop())
    assert found.changes == ()


def test_experiment_with_another_control_is_drift() -> None:
    live = under(running(baseline="b"))
    found = planned(shop(), live, shop())
    assert [(drift.field, drift.live) for drift in found.drift] == [("fallthrough", "b")]


def test_serve_under_an_experiment_cannot_change_even_with_consent() -> None:
    found = changed({TEST: {"fallthrough": "c"}}, consents=[build.consent(TEST, "contaminate")])
    assert guards(found) == {TEST: "experiment"}
    assert "`a`" in found.refusals[0].summary


def test_off_is_refused_while_an_experiment_runs_there() -> None:
    found = changed({TEST: {"off": True}})
    assert set(guards(found).values()) <= {"experiment", "contaminate"}
    assert found.changes == ()


def test_serve_of_the_experiments_rule_cannot_change() -> None:
    found = changed(rules("Beta", "Premium", "Basic", Premium="c"), running("rule-premium"))
    assert [r.guard for r in found.refusals] == ["experiment"]


def test_rule_of_an_experiment_cannot_go() -> None:
    found = changed(rules("Beta", "Basic"), running("rule-premium"))
    assert [r.guard for r in found.refusals] == ["experiment"]


def test_slot_of_an_unknown_experiment_is_not_overwritten() -> None:
    live = under(None, ["fallthrough", 1])
    found = planned(shop({TEST: {"fallthrough": "c"}}), live, shop())
    assert guards(found) == {TEST: "experiment"}
    found = planned(shop(rules("Beta", "Premium", "Basic", Premium="c")), live, shop())
    assert guards(found) == {TEST: "experiment"}


def test_rules_beside_the_slot_of_an_unknown_experiment_are_free() -> None:
    live = under(None, [1])
    found = planned(shop(rules("Beta", "Premium")), live, shop())
    assert verbs(found) == {TEST: "update"}


# rules


def test_rules_above_the_default_rule_decide_who_takes_part() -> None:
    found = changed(rules("Beta", "Premium"))
    assert guards(found) == {TEST: "contaminate"}


def test_what_other_rules_serve_is_free() -> None:
    assert verbs(changed(rules("Beta", "Premium", "Basic", Basic="a"))) == {TEST: "update"}


def test_rules_below_the_experiments_rule_are_free() -> None:
    assert verbs(changed(rules("Beta", "Premium"), running("rule-premium"))) == {TEST: "update"}


@pytest.mark.parametrize("order", [("Premium", "Beta", "Basic"), ("Premium", "Basic")])
def test_rules_above_the_experiments_rule_are_protected(order: tuple[str, ...]) -> None:
    found = changed(rules(*order), running("rule-premium"))
    assert guards(found) == {TEST: "contaminate"}


def test_experiment_whose_rule_is_gone_protects_no_rules() -> None:
    live = under(running("rule-gone"), [])
    assert verbs(planned(shop(rules("Beta")), live, shop())) == {TEST: "update"}


def test_another_environment_is_free() -> None:
    assert verbs(changed({PRODUCTION: {"fallthrough": "c"}})) == {PRODUCTION: "update"}


# segments


@pytest.mark.parametrize("key", ["beta", "inner"])
def test_segment_that_rules_name_is_protected(key: str) -> None:
    found = changed({f"segments/{key}/test": {"description": "New"}})
    assert guards(found) == {f"segments/{key}/test": "contaminate"}


@pytest.mark.parametrize("address", ["segments/other/test", "segments/beta/production"])
def test_other_segments_are_free(address: str) -> None:
    assert verbs(changed({address: {"description": "New"}})) == {address: "update"}


def test_segment_of_a_rule_below_is_free() -> None:
    base = shop(rules("Premium", "Beta"))
    desired = shop({**rules("Premium", "Beta"), "segments/beta/test": {"description": "New"}})
    live = under(running("rule-beta"), [])
    place = build.at(TEST)
    found = build.as_live(base).observed[place]
    meta = {"rule_ids": ["rule-beta", "x"], "experiment_slots": [0]}
    live = build.replace(live, observed={**live.observed, place: build.replace(found, meta=meta)})
    assert verbs(planned(desired, live, base)) == {"segments/beta/test": "update"}


def test_experiment_on_targeting_that_was_not_read_protects_no_segment() -> None:
    live = under(running())
    observed = {a: o for a, o in live.observed.items() if str(a) != TEST}
    objects = {name: fields for name, fields in shop().resources.items() if str(name) != TEST}
    files = build.replace(shop(), resources=objects)
    desired = shop({"segments/beta/test": {"description": "New"}})
    desired = build.replace(
        desired, resources={a: r for a, r in desired.resources.items() if str(a) != TEST}
    )
    found = plan(desired, build.replace(live, observed=observed), files)
    assert verbs(found) == {"segments/beta/test": "update"}


# warnings


def test_individual_targets_only_warn() -> None:
    found = changed({TEST: {"targets": [{"variation": "c", "values": ["u"]}]}})
    assert verbs(found) == {TEST: "update"}
    assert notes(found, NoteKind.WARNING) == [
        (TEST, "individual targets change while experiment 'exp' runs")
    ]


def test_judge_of_a_variation_under_experiment_only_warns() -> None:
    found = changed({"aiConfigs/judge/variations/j": {"name": "New"}})
    assert notes(found, NoteKind.WARNING) == [
        ("aiConfigs/judge/variations/j", "a judge of experiment 'exp' changes while it runs")
    ]


def test_price_of_a_model_under_experiment_only_warns() -> None:
    own = {B: {"modelConfigKey": "Custom.small"}}
    base = shop(own)
    live = build.replace(build.as_live(base), experiments=(running(),))
    desired = shop({**own, "modelConfigs/Custom.small": {"costPerInputToken": 2}})
    found = planned(desired, live, base)
    assert (
        "modelConfigs/Custom.small",
        "a model config of experiment 'exp' changes while it runs",
    ) in notes(found, NoteKind.WARNING)


def test_draft_experiment_warns_of_nothing() -> None:
    found = changed(
        {TEST: {"targets": [{"variation": "c", "values": ["u"]}]}}, running(status="draft")
    )
    assert notes(found, NoteKind.WARNING) == []


def test_ai_config_itself_is_free() -> None:
    assert verbs(changed({BOT: {"name": "New"}})) == {BOT: "update"}
