"""Sample sizes against the oracle and statsmodels."""

from __future__ import annotations

from math import inf, isinf
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from ldconf.core.errors import UsageError
from ldconf.core.experiment import DecisionRule, Frequentist
from ldconf.core.power import Assumption, Criterion, detectable, problems, units_of_control
from ldconf.experiments import frequentist
from ldconf.experiments.sizing import Question, Split, reaches, size, size_design, threshold_of
from tests.experiments import building as build

CASES = build.oracle("planner")["cases"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_units_are_the_oracles(case: dict[str, Any]) -> None:
    part = case["treatment_per_control"]
    split = Split({"c": 100 / (1 + part), "t": 100 * part / (1 + part)}, "c")
    question = Question(case["baseline"], case["mde_relative"], case["sd"], case["power"])
    found = size(question, case["threshold"], split)
    assert found.arms == {"c": case["n_control"], "t": case["n_treatment"]}
    assert found.per_arm == min(case["n_control"], case["n_treatment"])
    assert found.total == case["n_control"] + case["n_treatment"]


@pytest.mark.parametrize(
    ("baseline", "sd", "effect", "threshold", "ratio"),
    [(1000, 800, 0.05, 0.9, 1), (1000, 800, 0.2, 0.95, 0.25), (20, 31, 0.1, 0.975, 3)],
)
def test_means_agree_with_statsmodels(
    baseline: float, sd: float, effect: float, threshold: float, ratio: float
) -> None:
    exact = NormalIndPower().solve_power(
        baseline * effect / sd, None, 1 - threshold, 0.8, ratio, "larger"
    )
    found = units_of_control(Assumption(baseline, effect, sd), Criterion(threshold, 0.8, ratio))
    assert 0 <= found - exact < 1.001


@given(
    st.floats(0.02, 0.9),
    st.floats(0.02, 0.6),
    st.sampled_from([0.9, 0.95]),
    st.sampled_from([1.0, 0.25]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_what_is_needed_to_find_an_effect_finds_it(
    baseline: float, effect: float, threshold: float, ratio: float, lower: bool
) -> None:
    assumption = Assumption(baseline, -effect if lower else effect)
    criterion = Criterion(threshold, 0.8, ratio)
    if problems(assumption, criterion):
        return
    units = units_of_control(assumption, criterion)
    found = detectable(units, assumption, criterion, lower=lower)
    assert abs(found) <= effect * 1.0001
    assert (found < 0) == lower
    if units > 20:
        assert abs(detectable(units * 0.9, assumption, criterion, lower=lower)) > effect


def test_a_hundred_users_find_a_quarter_only() -> None:
    """The workshop's 100 users per variation, on a rate of 60 % (statistics notes, 3)."""
    found = detectable(100, Assumption(0.6, 0.1), Criterion(0.9))
    assert found == pytest.approx(0.233, abs=0.01)
    assert isinf(detectable(20, Assumption(0.05, 0.1), Criterion(0.9), lower=True))


def test_days_follow_from_traffic_and_the_share_in_the_experiment() -> None:
    question = Question(0.6, 0.1, daily_units=1000)
    half = size(question, 0.9, Split({"c": 25, "t": 25}, "c"))
    whole = size(question, 0.9, Split({"c": 50, "t": 50}, "c"))
    assert whole.days == pytest.approx(1.164)
    assert half.days == pytest.approx(2 * 1.164)


def test_largest_need_of_several_treatments_counts() -> None:
    split = Split({"c": 50, "small": 10, "large": 40, "off": 0}, "c")
    found = size(Question(0.6, 0.1), 0.9, split)
    alone = size(Question(0.6, 0.1), 0.9, Split({"c": 50, "small": 10}, "c"))
    assert found.arms["c"] == alone.arms["c"]
    assert found.arms["large"] == pytest.approx(4 * found.arms["small"], abs=4)
    assert found.per_arm == found.arms["small"]


def test_lower_is_better_asks_for_less() -> None:
    down = size(Question(0.05, 0.2, lower_is_better=True), 0.9)
    up = size(Question(0.05, 0.2), 0.9)
    assert down.per_arm < up.per_arm  # a smaller rate varies less


def test_what_a_design_declares_and_needs() -> None:
    rule = DecisionRule(minimum_units_per_arm=100, planned_units_per_arm=600)
    design = build.design(decision=rule)
    question = Question(0.6, 0.1, daily_units=100)
    assert size_design(design, question).per_arm == 582
    minimum, planned = reaches(design, question)
    assert (minimum.name, minimum.per_arm, minimum.days) == ("minimum", 100, 2.0)
    assert minimum.effect == pytest.approx(0.233, abs=0.01)
    assert planned.effect < 0.1
    assert "several" not in str(size_design(design, question).notes)


@pytest.mark.parametrize(
    ("frequentist", "threshold"),
    [
        (Frequentist(), 0.975),
        (Frequentist(two_sided=False), 0.95),
        (Frequentist(correction="bonferroni", scope="metrics", two_sided=False), 0.975),
        (Frequentist(correction="benjamini-hochberg", two_sided=False), 0.95),
    ],
)
def test_threshold_of_a_test(frequentist: Frequentist, threshold: float) -> None:
    design = build.design(
        build.rate("a"), build.rate("b"), methodology="frequentist", frequentist=frequentist
    )
    assert threshold_of(design) == pytest.approx(threshold)


def test_sequential_tests_take_about_twice_the_units() -> None:
    fixed, sequential = (
        build.design(methodology="frequentist", frequentist=Frequentist(sequential=choice))
        for choice in (False, True)
    )
    question = Question(0.6, 0.1)
    ratio = size_design(sequential, question).per_arm / size_design(fixed, question).per_arm
    assert 1.6 < ratio < 2.3


def test_every_reason_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        size(Question(1.2, 0.0, daily_units=-5), 1.0)
    words = caught.value.summary
    assert "effect to find is 0" in words
    assert "1.2" in words
    assert "threshold" in words
    assert "traffic" in words


def test_effect_that_no_rate_can_have_is_refused() -> None:
    with pytest.raises(UsageError, match="67% more is the most"):
        size(Question(0.6, 0.8), 0.9)


@pytest.mark.parametrize("two_sided", [True, False])
def test_sequential_threshold_is_where_the_test_is_significant(two_sided: bool) -> None:
    settings = Frequentist(sequential=True, two_sided=two_sided)
    bound = NormalDist().inv_cdf(
        threshold_of(build.design(methodology="frequentist", frequentist=settings))
    )
    found = frequentist.p_value(
        frequentist.Test(bound, inf, 2000), settings, planned=2000, lower=False
    )
    assert found == pytest.approx(0.05, rel=1e-6)
