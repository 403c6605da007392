"""The decision rule: every case of the oracle, every step, several arms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ldconf.core.analysis import (
    Analysis,
    ArmResult,
    Difference,
    HealthCheck,
    HealthStatus,
    Interval,
    MetricResult,
    SampleRatio,
    Significance,
    Verdict,
)
from ldconf.core.experiment import DecisionRule, ExperimentDesign, Frequentist, Guardrail
from ldconf.experiments.decide import decide
from tests.experiments import building as build
from tests.experiments.building import CONTROL, DAY, START, TREATMENT

ORACLE = build.oracle("decision")
THIRD = "third"


def arm(
    variation: str, p: float | None = None, best: float | None = None, **more: Any
) -> ArmResult:
    settings: dict[str, Any] = {"data_mean": 0.5, "data_sd": 0.5, "mean": 0.5, "p_best": best}
    found = settings | {"p_beat_control": p} | more
    return ArmResult(variation, variation == CONTROL, 600, 600, 300, **found)


def metric(key: str, *arms: ArmResult, **more: Any) -> MetricResult:
    return MetricResult(key, key.title(), arms, **({"seen": START} | more))


def primary(p: float, best: float, control: float) -> MetricResult:
    return metric("up", arm(CONTROL, best=control), arm(TREATMENT, p, best), primary=True)


def guardrail(key: str, worse: float | None) -> MetricResult:
    arms = arm(CONTROL), arm(TREATMENT, p_worse_than_margin=worse)
    return metric(key, *arms, guardrail=True, lower_is_better=True)


def analysis(*metrics: MetricResult, units: Any = None, srm: float = 0.01, **rule: Any) -> Analysis:
    guards = {one.key: Guardrail() for one in metrics if one.guardrail}
    settings: dict[str, Any] = {"planned_units_per_arm": 582, "guardrails": guards}
    variations = [one.variation for one in metrics[0].arms]
    design = build.design(
        *(build.rate(one.key) for one in metrics),
        allocation={key: 100 / len(variations) for key in variations},
        decision=DecisionRule(**(settings | rule)),
    )
    exposed = dict(zip(variations, units or [600] * len(variations), strict=True))
    ratio = SampleRatio(dict.fromkeys(exposed, 0.5), exposed, srm, 0.5)
    return Analysis(design, START + 7 * DAY, "test", exposed, metrics, sample_ratio=ratio)


def of_design(found: Analysis, **fields: Any) -> Analysis:
    design: ExperimentDesign = replace(found.design, **fields)
    return replace(found, design=design)


@pytest.mark.parametrize(
    "case", ORACLE["cases"], ids=[f"{n} {one['expect']}" for n, one in enumerate(ORACLE["cases"])]
)
def test_rule_is_the_oracles(case: dict[str, Any]) -> None:
    given = case["input"]
    found = analysis(
        primary(given["primary_p"], given["primary_pbest"], given["control_pbest"]),
        *(guardrail(key, worse) for key, worse in given["guardrails"].items()),
        units=given["units"],
        srm=given["srm"],
        planned_units_per_arm=given["planned"],
        minimum_units_per_arm=ORACLE["min_units"],
        maximum_days=7 if given["max_reached"] else 30,
    )
    found = of_design(found, threshold=ORACLE["threshold"])
    decision = decide(found)
    assert decision.verdict is Verdict[case["expect"]], decision.reasons
    assert decision.reasons
    going_on = decision.verdict is Verdict.KEEP_RUNNING
    assert (decision.winner is None) == going_on


def test_reasons_name_the_figures() -> None:
    found = decide(analysis(primary(0.952, 0.952, 0.048), guardrail("latency", 0.4)))
    assert found.winner == TREATMENT
    first, second = found.reasons
    assert first == (
        "treatment beats control on Up with probability 95.2 %; the rule asks for 90 %"
    )
    assert "Latency with probability 40 %, below the limit of 95 %" in second


def test_provisional_winner_is_named_but_not_shipped() -> None:
    found = decide(analysis(primary(0.97, 0.97, 0.03), units=[300, 310], maximum_days=30))
    assert (found.verdict, found.winner, found.provisional) == (
        Verdict.KEEP_RUNNING,
        None,
        TREATMENT,
    )
    assert "control has 300 and treatment has 310 of 582 users planned per arm" in found.reasons
    assert "day 7.0 of at most 30" in found.reasons
    assert "provisional" in found.reasons[-1]


def test_maximum_duration_comes_from_the_start_to_as_of() -> None:
    found = analysis(primary(0.72, 0.72, 0.28), maximum_days=10)
    assert decide(found).verdict is Verdict.KEEP_RUNNING
    later = decide(found, START + 10 * DAY)
    assert (later.verdict, later.winner) == (Verdict.STOP_INCONCLUSIVE, CONTROL)
    assert "10 days" in later.reasons[-1]
    unknown = of_design(found, started=None)
    assert decide(unknown, START + 99 * DAY).verdict is Verdict.KEEP_RUNNING


def test_winner_at_the_maximum_duration_ships_below_the_planned_units() -> None:
    found = decide(analysis(primary(0.97, 0.97, 0.03), units=[300, 310], maximum_days=7))
    assert (found.verdict, found.winner) == (Verdict.SHIP_TREATMENT, TREATMENT)


def test_inconclusive_names_the_variation_to_go_on_with() -> None:
    found = analysis(primary(0.72, 0.72, 0.28), maximum_days=7, inconclusive=TREATMENT)
    assert decide(found).winner == TREATMENT


def test_without_a_plan_the_minimum_is_enough() -> None:
    found = analysis(primary(0.97, 0.97, 0.03), units=[150, 150], planned_units_per_arm=None)
    assert decide(found).verdict is Verdict.SHIP_TREATMENT


def test_few_units_at_the_maximum_duration_say_so() -> None:
    found = decide(analysis(primary(0.97, 0.97, 0.03), units=[80, 95], maximum_days=7))
    assert found.verdict is Verdict.KEEP_RUNNING
    assert "maximum of 7 days is over" in found.reasons[-1]


def test_failed_health_check_is_invalid() -> None:
    check = HealthCheck("metric events", HealthStatus.FAILED, "no events")
    found = decide(replace(analysis(primary(0.97, 0.97, 0.03)), health=(check,)))
    assert (found.verdict, found.reasons) == (Verdict.INVALID, ("metric events: no events",))
    waiting = replace(check, status=HealthStatus.WAITING)
    found = decide(replace(analysis(primary(0.97, 0.97, 0.03)), health=(waiting,)))
    assert found.verdict is Verdict.SHIP_TREATMENT


def test_percentile_without_enough_values_keeps_running() -> None:
    short = metric(
        "p95", arm(CONTROL), arm(TREATMENT, mean=None), guardrail=True, kind="percentile"
    )
    found = decide(analysis(primary(0.97, 0.97, 0.03), short))
    assert found.verdict is Verdict.KEEP_RUNNING
    assert "P95" in found.reasons[0]


def test_non_inferior_guardrails_must_be_shown_not_to_be_worse() -> None:
    metrics = primary(0.97, 0.97, 0.03), guardrail("latency", 0.4)
    found = decide(analysis(*metrics, guardrail_rule="nonInferior"))
    assert found.verdict is Verdict.KEEP_RUNNING
    assert "at most 10 % is allowed" in found.reasons[-2]
    well = primary(0.97, 0.97, 0.03), guardrail("latency", 0.08)
    assert decide(analysis(*well, guardrail_rule="nonInferior")).winner == TREATMENT
    unknown = primary(0.97, 0.97, 0.03), guardrail("latency", None)
    assert decide(analysis(*unknown)).verdict is Verdict.SHIP_TREATMENT
    found = decide(analysis(*unknown, guardrail_rule="nonInferior"))
    assert found.verdict is Verdict.KEEP_RUNNING


def three(
    p: tuple[float, float], best: tuple[float, float, float], worse: tuple[float, float] = (0, 0)
) -> Analysis:
    arms = arm(CONTROL, best=best[0]), arm(TREATMENT, p[0], best[1]), arm(THIRD, p[1], best[2])
    guards = (
        arm(CONTROL),
        arm(TREATMENT, p_worse_than_margin=worse[0]),
        arm(THIRD, p_worse_than_margin=worse[1]),
    )
    return analysis(metric("up", *arms, primary=True), metric("cost", *guards, guardrail=True))


def test_best_of_several_treatments_ships() -> None:
    found = decide(three((0.95, 0.99), (0.01, 0.05, 0.94)))
    assert (found.verdict, found.winner) == (Verdict.SHIP_TREATMENT, THIRD)


def test_treatments_that_both_win_but_are_alike_go_on() -> None:
    found = decide(three((0.99, 0.99), (0.0, 0.45, 0.55)))
    assert found.verdict is Verdict.KEEP_RUNNING
    assert found.provisional == THIRD


def test_one_treatment_blocked_leaves_the_other() -> None:
    found = decide(three((0.5, 0.99), (0.01, 0.05, 0.94), (0.99, 0.1)))
    assert (found.verdict, found.winner) == (Verdict.SHIP_TREATMENT, THIRD)


def test_blocked_leader_blocks() -> None:
    found = decide(three((0.95, 0.99), (0.01, 0.05, 0.94), (0.1, 0.99)))
    assert (found.verdict, found.winner) == (Verdict.BLOCKED_BY_GUARDRAIL, CONTROL)
    assert "third leads on Up" in found.reasons[-1]


def test_all_treatments_unlikely_to_win_ships_control() -> None:
    found = decide(three((0.08, 0.09), (0.85, 0.07, 0.08)))
    assert (found.verdict, found.winner) == (Verdict.SHIP_CONTROL, CONTROL)
    assert len(found.reasons) == 2
    assert decide(three((0.08, 0.3), (0.7, 0.1, 0.2))).verdict is Verdict.KEEP_RUNNING


def by_test(gain: float, p_value: float, significant: bool, **settings: Any) -> Analysis:
    treated = arm(
        TREATMENT,
        difference=Difference(gain, Interval(gain - 0.1, gain + 0.1)),
        significance=Significance(p_value, p_value, significant),
    )
    found = analysis(metric("up", arm(CONTROL), treated, primary=True), maximum_days=30)
    return of_design(found, methodology="frequentist", frequentist=Frequentist(**settings))


def test_tests_decide_by_significance() -> None:
    assert decide(by_test(0.2, 0.03, True)).winner == TREATMENT
    assert decide(by_test(-0.2, 0.03, True)).verdict is Verdict.SHIP_CONTROL
    open_ = decide(by_test(0.2, 0.3, False))
    assert open_.verdict is Verdict.KEEP_RUNNING
    assert "p = 0.300, limit 0.05" in open_.reasons[0]
    assert "p < 0.001, limit 0.05" in decide(by_test(0.2, 0.0001, True)).reasons[0]
    assert decide(by_test(-0.2, 0.98, False, two_sided=False)).verdict is Verdict.SHIP_CONTROL


def test_significant_treatment_is_not_hidden_by_a_larger_uncertain_one() -> None:
    def one(variation: str, gain: float, significant: bool) -> ArmResult:
        return arm(
            variation,
            difference=Difference(gain, Interval(gain - 0.1, gain + 0.1)),
            significance=Significance(0.03, 0.03, significant),
        )

    arms = arm(CONTROL), one(TREATMENT, 0.1, True), one(THIRD, 0.3, False)
    worse = arm(CONTROL), arm(TREATMENT, p_worse_than_margin=0.1), arm(THIRD)
    found = analysis(
        metric("up", *arms, primary=True), metric("cost", *worse, guardrail=True), maximum_days=30
    )
    found = of_design(found, methodology="frequentist")
    assert decide(found).winner == TREATMENT


def test_less_is_gain_where_lower_is_better() -> None:
    found = by_test(-0.2, 0.03, True)
    lower = replace(found.metrics[0], lower_is_better=True)
    assert decide(replace(found, metrics=(lower,))).winner == TREATMENT


def test_export_only_has_no_rule() -> None:
    found = decide(of_design(analysis(primary(0.97, 0.97, 0.03)), methodology="export_only"))
    assert found.verdict is Verdict.INVALID
    assert "export_only" in found.reasons[0]


def test_metric_without_estimate_goes_on_and_says_so() -> None:
    empty = metric("up", arm(CONTROL), arm(TREATMENT), primary=True)
    found = decide(analysis(empty, maximum_days=30))
    assert found.verdict is Verdict.KEEP_RUNNING
    assert found.reasons == ("treatment: no estimate of Up",)


def test_guardrail_without_data_does_not_let_a_treatment_pass() -> None:
    arms = arm(CONTROL), replace(arm(TREATMENT), units=0, mean=None)
    unknown = metric("down", *arms, guardrail=True, lower_is_better=True)
    found = decide(analysis(primary(0.97, 0.97, 0.03), unknown))
    assert found.verdict is Verdict.KEEP_RUNNING
    assert "guardrail Down of treatment is not known" in found.reasons
    assert decide(analysis(primary(0.97, 0.97, 0.03), guardrail("down", None))).winner == TREATMENT


def test_unproven_treatment_does_not_hide_a_proven_one() -> None:
    def tested(key: str, gain: float) -> ArmResult:
        change = Difference(gain, Interval(gain - 0.01, gain + 0.01))
        return arm(key, difference=change, significance=Significance(0.01, 0.01, True))

    up = metric("up", arm(CONTROL), tested(TREATMENT, 0.3), tested(THIRD, 0.2), primary=True)
    down = metric(
        "down",
        arm(CONTROL),
        arm(TREATMENT, p_worse_than_margin=0.4),
        arm(THIRD, p_worse_than_margin=0.01),
        guardrail=True,
    )
    found = of_design(analysis(up, down, guardrail_rule="nonInferior"), methodology="frequentist")
    assert decide(found).winner == THIRD


def test_nothing_is_decided_about_a_draft() -> None:
    found = decide(of_design(analysis(primary(0.97, 0.97, 0.03)), status="draft"))
    assert (found.verdict, found.winner) == (Verdict.KEEP_RUNNING, None)
    assert found.reasons == ("the experiment is a draft: iteration 1 is not started",)
