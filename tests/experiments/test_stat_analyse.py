"""Results from counts: a real table, directions, priors, health, warnings, slices and looks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ldconf.core.aggregates import ArmCounts, Denominator, Slice, UnitStatistics
from ldconf.core.analysis import Analysis, Code, HealthStatus, MetricResult
from ldconf.core.errors import UsageError
from ldconf.core.experiment import DecisionRule, Guardrail
from ldconf.experiments.analyse import analyse
from tests.experiments import building as build
from tests.experiments.building import CONTROL, DAY, START, TREATMENT

HOUR = 3_600_000


def codes(found: Analysis | MetricResult) -> set[Code]:
    return {caution.code for caution in found.warnings}


def status(found: Analysis, name: str) -> HealthStatus:
    return next(check.status for check in found.health if check.name == name)


def words(found: Analysis, name: str) -> str:
    return next(check.words for check in found.health if check.name == name)


def two(control: UnitStatistics, treatment: UnitStatistics, key: str = "thumbs-up") -> Any:
    return {CONTROL: {key: control}, TREATMENT: {key: treatment}}


def rates(control: float, treatment: float, units: int = 1000, **more: Any) -> Analysis:
    arms = two(build.conversions(control, units), build.conversions(treatment, units))
    return analyse(build.design(**more), build.aggregates(arms))


@pytest.mark.parametrize(
    ("control", "treatment", "lower", "expected"),
    [
        ((15, 108), (0, 107), False, (0.1455, 0.0916, 0.2004, 0.0531, 0.0255, 0.0803, 0.0048)),
        ((0, 108), (0, 107), True, (0.0091, 0.0, 0.0209, 0.0045, 0.0, 0.0105, 0.6662)),
    ],
    ids=["positive feedback", "negative feedback"],
)
def test_a_real_launchdarkly_table(
    control: tuple[int, int], treatment: tuple[int, int], lower: bool, expected: tuple[float, ...]
) -> None:
    """Published results of two arms (statistics notes, 8)."""
    design = build.design(build.rate(lower_is_better=lower))
    arms = two(build.conversions(*control), build.conversions(*treatment))
    base, other = analyse(design, build.aggregates(arms)).primary.arms
    assert base.interval
    assert other.interval
    ends = base.interval, other.interval
    found = (base.mean, ends[0].lower, ends[0].upper, other.mean, ends[1].lower, ends[1].upper)
    assert found == pytest.approx(expected[:6], abs=0.002)
    assert other.p_beat_control == pytest.approx(expected[6], abs=0.005)


def test_lower_is_better_turns_every_probability_round() -> None:
    rule = DecisionRule(guardrails={"thumbs-up": Guardrail()})
    up = rates(300, 340, decision=rule).primary.arm(TREATMENT)
    design = build.design(build.rate(lower_is_better=True), decision=rule)
    arms = two(build.conversions(300, 1000), build.conversions(340, 1000))
    down = analyse(design, build.aggregates(arms)).primary.arm(TREATMENT)
    assert up.p_beat_control
    assert up.p_best
    assert down.p_beat_control == pytest.approx(1 - up.p_beat_control)
    assert down.p_best == pytest.approx(1 - up.p_best)
    assert down.p_worse_than_margin == pytest.approx(up.p_beat_control)
    assert up.expected_loss
    assert down.expected_loss
    assert down.expected_loss > 100 * up.expected_loss
    assert down.difference == up.difference


def test_guardrail_margin_is_relative_to_control() -> None:
    def worse(margin: float, lower: bool, treatment: int) -> float:
        rule = DecisionRule(guardrails={"thumbs-up": Guardrail(margin=margin)})
        design = build.design(build.rate(lower_is_better=lower), decision=rule, prior="flat")
        arms = two(build.conversions(4000, 10_000), build.conversions(treatment, 10_000))
        found = analyse(design, build.aggregates(arms)).primary.arm(TREATMENT)
        assert found.p_worse_than_margin is not None
        return found.p_worse_than_margin

    assert worse(0.05, True, 4200) == pytest.approx(0.5, abs=0.01)
    assert worse(0.05, False, 3800) == pytest.approx(0.5, abs=0.01)
    assert worse(0.0, True, 4200) > 0.99
    assert worse(0.1, True, 4200) < 0.05


def test_margin_of_a_negative_mean_goes_the_right_way() -> None:
    values = np.random.default_rng(1).normal(-100, 10, 4000)
    rule = DecisionRule(guardrails={"tokens": Guardrail(margin=0.05)})
    design = build.design(build.mean(), decision=rule, prior="flat")
    arms = two(build.values(values), build.values(values - 5), "tokens")
    found = analyse(design, build.aggregates(arms)).primary.arm(TREATMENT)
    assert found.p_worse_than_margin == pytest.approx(0.5, abs=0.05)
    assert found.difference
    assert found.difference.mean == pytest.approx(-0.05, abs=0.003)


def test_prior_pulls_treatments_towards_control_and_can_be_flat() -> None:
    shaped = rates(5, 9, 100).primary.arm(TREATMENT)
    flat = rates(5, 9, 100, prior="flat").primary.arm(TREATMENT)
    assert shaped.data_weight == pytest.approx(0.5)
    assert flat.data_weight == pytest.approx(100 / 102)
    assert shaped.prior_mean == pytest.approx(6 / 102)
    assert shaped.mean
    assert flat.mean
    assert shaped.mean < flat.mean
    assert Code.STRONG_PRIOR in codes(rates(5, 9, 100).primary)
    assert Code.STRONG_PRIOR not in codes(rates(5, 9, 100, prior="flat").primary)
    wide = rates(5, 9, 100, tau=3).primary.arm(TREATMENT)
    assert wide.data_weight
    assert wide.data_weight > 0.95


def test_same_counts_give_the_same_result() -> None:
    assert rates(300, 340) == rates(300, 340)
    other = rates(300, 340, iteration=2).primary.arm(TREATMENT).difference
    assert other != rates(300, 340).primary.arm(TREATMENT).difference


def test_relative_difference_of_a_hand_check() -> None:
    found = rates(300, 330).primary.arm(TREATMENT)
    assert found.difference
    assert found.difference.mean == pytest.approx(0.0958, abs=0.001)  # 10 % less some prior
    assert found.difference.interval.lower < 0 < found.difference.interval.upper


def test_near_zero_baseline_gives_absolute_differences() -> None:
    values = np.random.default_rng(2).normal(0, 10, 400)
    arms = two(build.values(values), build.values(values + 1), "tokens")
    found = analyse(build.design(build.mean()), build.aggregates(arms)).primary
    change = found.arm(TREATMENT).difference
    assert change
    assert not change.relative
    assert Code.NEAR_ZERO_BASELINE in codes(found)


def test_zero_variance_is_not_certainty() -> None:
    arms = two(build.values([7.0] * 150), build.values([8.0] * 150), "tokens")
    found = analyse(build.design(build.mean()), build.aggregates(arms)).primary
    assert found.arm(TREATMENT).mean == 8
    assert found.arm(TREATMENT).p_beat_control is None
    assert Code.ZERO_VARIANCE in codes(found)


def test_units_of_nearly_equal_values_do_not_turn_rounding_into_spread() -> None:
    arms = two(build.values([1e9 + 0.1] * 150), build.values([1e9 + 0.1] * 150), "tokens")
    found = analyse(build.design(build.mean()), build.aggregates(arms)).primary
    assert found.arm(TREATMENT).p_beat_control is None


def test_percentile_needs_its_fewest_values() -> None:
    values = np.random.default_rng(3).lognormal(7, 0.8, 200).tolist()
    design = build.design(build.p95())
    few = two(build.values(values[:73]), build.values(values), "latency")
    found = analyse(design, build.aggregates(few)).primary
    assert found.arm(CONTROL).mean is None
    assert found.arm(CONTROL).data_mean
    assert found.arm(TREATMENT).p_beat_control is None
    assert Code.TOO_FEW_FOR_PERCENTILE in codes(found)
    enough = two(build.values(values[:74]), build.values(values), "latency")
    found = analyse(design, build.aggregates(enough)).primary
    assert found.arm(TREATMENT).p_beat_control is not None
    assert found.arm(TREATMENT).model == "bayesianBootstrap"
    assert Code.TOO_FEW_FOR_PERCENTILE not in codes(found)


def test_percentile_of_sums_warns_and_one_of_requests_does_not() -> None:
    values = build.values(np.random.default_rng(4).lognormal(7, 0.8, 200).tolist())
    arms = two(values, values, "latency")
    summed = replace(build.p95(), per_unit="sum")
    found = analyse(build.design(summed), build.aggregates(arms)).primary
    assert Code.SUM_PER_USER in codes(found)
    requests = replace(summed, over_requests=True)
    found = analyse(build.design(requests), build.aggregates(arms)).primary
    assert Code.SUM_PER_USER not in codes(found)
    assert Code.TOO_FEW_FOR_PERCENTILE in codes(found)  # no slice over requests was given


def test_ratio_has_the_spread_of_a_bootstrap() -> None:
    random = np.random.default_rng(5)
    requests = 1 + random.poisson(3, 2000)
    cost = requests * random.lognormal(0, 0.5, 2000)
    ratio = cost.sum() / requests.sum()
    below = Denominator(
        float(requests.sum()), float((requests**2).sum()), float((cost * requests).sum())
    )
    counted = UnitStatistics(
        2000, float(cost.sum()), float(cost @ cost), int(requests.sum()), denominator=below
    )
    design = build.design(build.mean(denominator="requests"))
    found = analyse(design, build.aggregates(two(counted, counted, "tokens"))).primary
    picked = random.integers(0, 2000, (2000, 2000))
    again = cost[picked].sum(axis=1) / requests[picked].sum(axis=1)
    arm = found.arm(CONTROL)
    assert found.kind == "ratio"
    assert arm.data_mean == pytest.approx(ratio)
    assert arm.distribution
    assert arm.distribution.parameters["sigma"] == pytest.approx(again.std(), rel=0.06)


def test_several_arms_are_each_compared_with_control() -> None:
    arms = {
        "b": {"thumbs-up": build.conversions(330, 1000)},
        CONTROL: {"thumbs-up": build.conversions(300, 1000)},
        TREATMENT: {"thumbs-up": build.conversions(345, 1000)},
    }
    design = build.design(allocation={"b": 33, CONTROL: 34, TREATMENT: 33})
    found = analyse(design, build.aggregates(arms)).primary
    assert [arm.variation for arm in found.arms] == [CONTROL, "b", TREATMENT]
    chances = [arm.p_best for arm in found.arms]
    assert sum(chance or 0 for chance in chances) == pytest.approx(1)
    assert found.arm(CONTROL).p_beat_control is None
    assert found.arm(CONTROL).difference is None
    assert found.arm("b").p_beat_control != found.arm(TREATMENT).p_beat_control


def test_right_after_the_start_waiting_is_normal() -> None:
    counts = build.aggregates({CONTROL: {}, TREATMENT: {}}, as_of=START + HOUR)
    found = analyse(build.design(), counts)
    assert status(found, "exposures") is HealthStatus.WAITING
    assert "no variations exposed yet; this is normal" in words(found, "exposures")
    assert codes(found) == {Code.NO_EXPOSURES}
    assert not [check for check in found.health if check.status is HealthStatus.FAILED]
    assert found.sample_ratio is None


def test_nobody_after_days_is_a_failure() -> None:
    found = analyse(build.design(), build.aggregates({CONTROL: {}, TREATMENT: {}}))
    assert status(found, "exposures") is HealthStatus.FAILED
    assert "fallthrough of pet-agent in production" in words(found, "exposures")


def test_draft_waits_for_its_start() -> None:
    design = build.design(status="draft", started=None)
    counts = build.aggregates({CONTROL: {}, TREATMENT: {}}, started=None)
    assert status(analyse(design, counts), "exposures") is HealthStatus.WAITING


def test_metric_that_never_came_fails_if_it_decides() -> None:
    arms = two(build.conversions(0, 500), build.conversions(0, 500))
    found = analyse(build.design(), build.aggregates(arms))
    assert status(found, "metric events") is HealthStatus.FAILED
    assert "does the application send event-thumbs-up?" in words(found, "metric events")
    early = {CONTROL: 20, TREATMENT: 20}
    counts = build.aggregates(two(build.conversions(0, 20), build.conversions(0, 20)), early)
    assert status(analyse(build.design(), counts), "metric events") is HealthStatus.WAITING


def test_nobody_complaining_is_no_failure() -> None:
    design = build.design(
        build.rate(),
        build.rate("down", lower_is_better=True),
        decision=DecisionRule(guardrails={"down": Guardrail()}),
    )
    one = {"thumbs-up": build.conversions(60, 200), "down": build.conversions(0, 200)}
    found = analyse(design, build.aggregates({CONTROL: one, TREATMENT: one}))
    assert status(found, "metric events") is HealthStatus.WARNING


def test_typed_figures_count_as_seen() -> None:
    assert rates(300, 340).primary.seen == START + 7 * DAY


def test_mismatch_fails_the_sample_ratio() -> None:
    arms = two(build.conversions(30, 900), build.conversions(30, 1100))
    found = analyse(build.design(), build.aggregates(arms))
    assert status(found, "sample ratio") is HealthStatus.FAILED
    assert Code.SRM in codes(found)
    assert "control 900 (meant 50 %) and treatment 1,100" in words(found, "sample ratio")


def test_units_in_several_arms_and_of_wrong_kind_are_told() -> None:
    one = {"thumbs-up": build.conversions(50, 400)}
    arms = {CONTROL: ArmCounts(400, one, crossover=30), TREATMENT: ArmCounts(400, one)}
    counts = replace(build.aggregates({}), arms=arms, wrong_unit=100, unexpected={"old": 3})
    found = analyse(build.design(remainder="rest"), counts)
    assert {Code.CROSSOVER, Code.WRONG_UNIT_KIND, Code.UNEXPECTED_VARIATION} <= codes(found)
    assert status(found, "crossover") is HealthStatus.WARNING
    assert status(found, "randomization unit") is HealthStatus.WARNING
    assert status(found, "variations") is HealthStatus.WARNING
    most = analyse(build.design(), replace(counts, wrong_unit=5000))
    assert status(most, "randomization unit") is HealthStatus.FAILED
    rest = analyse(build.design(remainder="old"), counts)
    assert status(rest, "variations") is HealthStatus.HEALTHY


def test_metric_of_another_context_kind_fails() -> None:
    design = build.design(build.rate(analysis_units=("device",)))
    arms = two(build.conversions(30, 200), build.conversions(30, 200))
    found = analyse(design, build.aggregates(arms))
    assert status(found, "randomization unit") is HealthStatus.FAILED


def test_versions_that_were_mixed_are_told() -> None:
    one = {"thumbs-up": build.conversions(50, 400)}
    arms = {CONTROL: ArmCounts(400, one), TREATMENT: ArmCounts(400, one, 0, {3: START, 4: START})}
    found = analyse(build.design(), replace(build.aggregates({}), arms=arms))
    assert Code.VERSIONS_MIXED in codes(found)


def test_sizes_are_warned_of() -> None:
    assert Code.LOW_SAMPLE in codes(rates(30, 40, 90))
    hundred = rates(60, 66, 100)
    assert codes(hundred) == {Code.UNDERPOWERED}
    assert "+23% relative" in hundred.warnings[0].words
    planned = rates(60, 66, 100, decision=DecisionRule(planned_units_per_arm=582))
    assert "100 of 582 users planned" in planned.warnings[0].words
    assert codes(rates(6000, 6600, 10_000)) == set()


def test_winsorized_metric_is_told() -> None:
    design = build.design(build.mean(winsorized=True))
    values = build.values([1.0, 2.0, 3.0] * 50)
    found = analyse(design, build.aggregates(two(values, values, "tokens"))).primary
    assert Code.NOT_WINSORIZED in codes(found)


def test_slices_are_analysed_by_themselves() -> None:
    arms = two(build.conversions(300, 1000), build.conversions(340, 1000))
    inner = build.aggregates(two(build.conversions(30, 100), build.conversions(60, 100))).arms
    counts = build.aggregates(arms, slices=(Slice("country", "de", inner),))
    found = analyse(build.design(attributes=("country",)), counts)
    (part,) = found.slices
    assert (part.attribute, part.value) == ("country", "de")
    beats = part.metrics[0].arm(TREATMENT).p_beat_control
    assert beats
    assert beats > 0.99
    assert part.metrics[0].arm(TREATMENT).difference


def test_earlier_looks_come_oldest_first() -> None:
    later = build.aggregates(two(build.conversions(200, 700), build.conversions(240, 700)))
    first = build.aggregates(
        two(build.conversions(20, 70), build.conversions(19, 70)), as_of=START + DAY
    )
    arms = two(build.conversions(300, 1000), build.conversions(340, 1000))
    found = analyse(build.design(), build.aggregates(arms), (later, first))
    assert [look.as_of for look in found.history] == [START + DAY, START + 7 * DAY]
    assert found.history[0].exposed == {CONTROL: 70, TREATMENT: 70}
    beats = found.history[1].p_beat_control["thumbs-up"][TREATMENT]
    assert beats
    assert found.history[1].p_best["thumbs-up"][TREATMENT] == pytest.approx(beats)


def test_export_only_is_counted_and_not_estimated() -> None:
    found = rates(300, 340, methodology="export_only").primary
    assert found.arm(TREATMENT).data_mean == 0.34
    assert found.arm(TREATMENT).mean is None


def test_one_arm_without_data_leaves_the_other() -> None:
    arms = {CONTROL: {"thumbs-up": build.conversions(10, 40)}}
    found = analyse(build.design(), build.aggregates(arms))
    assert found.exposed == {CONTROL: 40, TREATMENT: 0}
    assert found.primary.arm(CONTROL).mean
    assert found.primary.arm(TREATMENT).mean is None
    assert status(found, "exposures") is HealthStatus.WAITING


def test_counts_that_cannot_be_are_refused_together() -> None:
    design = build.design(build.rate(), build.mean())
    arms = {
        CONTROL: {"thumbs-up": build.conversions(150, 100), "tokens": build.values([1.0, 2.0])},
        TREATMENT: {
            "thumbs-up": build.conversions(50, 300),
            "tokens": UnitStatistics(100, 500.0, 0.0),
        },
    }
    with pytest.raises(UsageError) as caught:
        analyse(design, build.aggregates(arms, {CONTROL: 100, TREATMENT: 200}))
    words = caught.value.summary
    assert "thumbs-up of control: 150 conversions of 100 units" in words
    assert "thumbs-up of treatment: 300 units of 200 exposed" in words
    assert "tokens of treatment: squares, 0," in words
    inner = {CONTROL: ArmCounts(1, {"tokens": UnitStatistics(1, float("nan"), 1.0)}, crossover=2)}
    counts = build.aggregates({}, slices=(Slice("country", "de", inner),))
    with pytest.raises(UsageError) as caught:
        analyse(design, counts)
    assert "tokens of control where country is de" in caught.value.summary
    assert "crossover" in caught.value.summary


def test_without_the_extra_the_pip_line_is_told() -> None:
    program = """
import sys
sys.modules["numpy"] = None
from ldconf.core.errors import LdconfError
try:
    import ldconf.experiments.analyse
except LdconfError as err:
    print(err.summary, "|", err.hint)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b'numpy, which is not installed | pip install "ldconf[stats]"' in found.stdout
