"""Tests, corrections and always-valid inference against scipy and statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from ldconf.core.analysis import Code
from ldconf.core.experiment import DecisionRule, Frequentist, Guardrail
from ldconf.experiments import frequentist, models
from ldconf.experiments.analyse import analyse
from tests.experiments import building as build
from tests.experiments.building import CONTROL, TREATMENT

DATA = build.oracle("mean_normal")["data"]
ONE_SIDED = Frequentist(two_sided=False)


def arm_of(settings: Frequentist, metric: Any, arms: Any, **more: Any) -> Any:
    design = build.design(metric, methodology="frequentist", frequentist=settings, **more)
    found = analyse(design, build.aggregates(arms)).primary
    return found.arm(TREATMENT)


def means(treatment: Any, control: Any) -> Any:
    return {
        CONTROL: {"tokens": build.values(control)},
        TREATMENT: {"tokens": build.values(treatment)},
    }


def rates(treatment: tuple[int, int], control: tuple[int, int]) -> Any:
    return {
        CONTROL: {"thumbs-up": build.conversions(*control)},
        TREATMENT: {"thumbs-up": build.conversions(*treatment)},
    }


def test_means_are_tested_by_welch() -> None:
    treatment, control = DATA["treatment"], DATA["control"]
    exact = stats.ttest_ind(treatment, control, equal_var=False)
    arms = means(treatment, control)
    found = arm_of(Frequentist(), build.mean(lower_is_better=True), arms)
    assert found.significance.p_value == pytest.approx(exact.pvalue, abs=1e-12)
    smaller = stats.ttest_ind(treatment, control, equal_var=False, alternative="less").pvalue
    found = arm_of(ONE_SIDED, build.mean(lower_is_better=True), arms)
    assert found.significance.p_value == pytest.approx(smaller, abs=1e-12)
    found = arm_of(ONE_SIDED, build.mean(), arms)
    assert found.significance.p_value == pytest.approx(1 - smaller, abs=1e-12)


def test_interval_of_a_mean_is_that_of_student() -> None:
    design = build.design(build.mean(), methodology="frequentist", frequentist=Frequentist(0.1))
    found = analyse(design, build.aggregates(means(DATA["treatment"], DATA["control"]))).primary
    values = np.array(DATA["control"])
    exact = stats.t.interval(0.9, len(values) - 1, values.mean(), stats.sem(values))
    ends = found.arm(CONTROL).interval
    assert ends is not None
    assert [ends.lower, ends.upper] == pytest.approx(exact)


def test_absolute_difference_is_welchs_interval() -> None:
    treatment, control = (
        models.sample(build.mean(), build.values(DATA[arm])) for arm in ("treatment", "control")
    )
    assert treatment
    assert control
    test = frequentist.welch(treatment, control)
    assert test
    times = frequentist.multiplier(test, Frequentist(0.1), None)
    ends = frequentist.difference(treatment, control, times, relative=False).interval
    exact = stats.ttest_ind(DATA["treatment"], DATA["control"], equal_var=False)
    assert [ends.lower, ends.upper] == pytest.approx(exact.confidence_interval(0.9))


def test_rates_are_tested_by_two_proportions() -> None:
    found = arm_of(Frequentist(), build.rate(), rates((141, 410), (120, 400)))
    _, exact = proportions_ztest([141, 120], [410, 400])
    assert found.significance.p_value == pytest.approx(exact, abs=1e-12)
    ends = proportion_confint(141, 410, 0.05, method="wilson")
    assert [found.interval.lower, found.interval.upper] == pytest.approx(ends)
    assert found.model == "frequentist"
    assert (found.p_beat_control, found.p_best) == (None, None)


def test_relative_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(600):
        control = models.sample(build.rate(), build.conversions(random.binomial(800, 0.3), 800))
        treatment = models.sample(build.rate(), build.conversions(random.binomial(800, 0.33), 800))
        assert control
        assert treatment
        ends = frequentist.difference(treatment, control, 1.96, relative=True).interval
        covered += ends.lower <= 0.1 <= ends.upper
    assert covered / 600 == pytest.approx(0.95, abs=0.027)


@pytest.mark.parametrize(
    ("method", "name"), [("bonferroni", "bonferroni"), ("benjamini-hochberg", "fdr_bh")]
)
def test_corrections_are_statsmodels(method: Any, name: str) -> None:
    values = [0.04, 0.001, 0.2, 0.011, 0.9, 0.03]
    exact = multipletests(values, method=name)[1]
    assert frequentist.adjust(values, method) == pytest.approx(exact)
    assert frequentist.adjust(values, None) == values


@pytest.mark.parametrize(
    ("scope", "times"),
    [("variations", 2), ("metrics", 3), ("variations-and-metrics", 6)],
)
def test_scope_says_over_what_is_corrected(scope: Any, times: int) -> None:
    metrics = [build.rate("a"), build.rate("b"), build.rate("c")]
    statistics = {
        CONTROL: build.conversions(100, 400),
        TREATMENT: build.conversions(118, 400),
        "third": build.conversions(122, 400),
    }
    arms = {arm: dict.fromkeys("abc", one) for arm, one in statistics.items()}
    design = build.design(
        *metrics,
        methodology="frequentist",
        frequentist=Frequentist(correction="bonferroni", scope=scope),
        allocation={CONTROL: 40, TREATMENT: 30, "third": 30},
    )
    found = analyse(design, build.aggregates(arms)).metrics[1].arm(TREATMENT).significance
    assert found is not None
    assert found.adjusted == pytest.approx(min(found.p_value * times, 1))


def looks(settings: Frequentist, effect: float, runs: int, seed: int) -> float:
    """Share of runs of normal units that are significant at any of 20 looks."""
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(runs):
        control, treatment = random.normal(0, 1, 2000), random.normal(effect, 1, 2000)
        for units in range(100, 2001, 100):
            one, other = (
                models.Sample(units, values.mean(), values.std(ddof=1))
                for values in (treatment[:units], control[:units])
            )
            test = frequentist.welch(one, other)
            assert test
            if frequentist.p_value(test, settings, 4000, lower=False) <= settings.significance:
                found += 1
                break
    return found / runs


def test_sequential_test_may_be_read_at_every_look() -> None:
    assert looks(Frequentist(), 0, 250, 2) > 0.15
    assert looks(Frequentist(sequential=True), 0, 250, 2) <= 0.05
    assert looks(Frequentist(sequential=True, two_sided=False), 0, 250, 2) <= 0.05


def test_sequential_test_finds_what_is_there() -> None:
    assert looks(Frequentist(sequential=True), 0.15, 100, 3) > 0.8


def test_sequential_interval_and_p_value_agree() -> None:
    settings = Frequentist(0.05, sequential=True)
    test = frequentist.Test(0.0, 1000, 3000)
    edge = frequentist.multiplier(test, settings, 4000)
    at_edge = frequentist.Test(edge, 1000, 3000)
    assert frequentist.p_value(at_edge, settings, 4000, lower=False) == pytest.approx(0.05)
    assert edge > 2.5


def test_guardrail_is_worse_by_the_one_sided_test() -> None:
    metrics = [build.rate("a"), build.rate("b", lower_is_better=True)]
    arms = {
        CONTROL: {"a": build.conversions(100, 400), "b": build.conversions(20, 400)},
        TREATMENT: {"a": build.conversions(100, 400), "b": build.conversions(34, 400)},
    }
    rule = DecisionRule(guardrails={"b": Guardrail()})
    design = build.design(*metrics, methodology="frequentist", decision=rule)
    found = analyse(design, build.aggregates(arms)).metrics[1].arm(TREATMENT)
    _, exact = proportions_ztest([34, 20], [400, 400], alternative="larger")
    assert found.p_worse_than_margin == pytest.approx(1 - exact)
    wide = build.design(
        *metrics,
        methodology="frequentist",
        decision=DecisionRule(guardrails={"b": Guardrail(margin=1.0)}),
    )
    found = analyse(wide, build.aggregates(arms)).metrics[1].arm(TREATMENT)
    assert found.p_worse_than_margin is not None
    assert found.p_worse_than_margin < 0.5


def test_percentiles_are_tested_from_their_bootstrap() -> None:
    data = build.oracle("p95_bayesian_bootstrap")["data"]
    arms = {arm: {"latency": build.values(data[arm])} for arm in (CONTROL, TREATMENT)}
    found = arm_of(ONE_SIDED, build.p95(), arms)
    assert found.significance.p_value == pytest.approx(1 - 0.8177, abs=0.04)


def test_units_without_spread_have_no_test() -> None:
    arms = means([5.0] * 120, [5.0] * 120)
    design = build.design(build.mean(), methodology="frequentist")
    found = analyse(design, build.aggregates(arms)).primary
    assert found.arm(TREATMENT).significance is None
    assert Code.ZERO_VARIANCE in {caution.code for caution in found.warnings}
    none = rates((0, 100), (0, 100))
    assert arm_of(Frequentist(), build.rate(), none).significance is None
