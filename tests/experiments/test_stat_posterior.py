"""Posteriors and comparisons against figures that other software computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bayesian_testing.experiments import BinaryDataTest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ldconf.experiments import compare, models, percentile
from ldconf.experiments.numeric import generator
from ldconf.experiments.posterior import Beta, Empirical, Normal
from tests.experiments import building as build

RATES = build.oracle("proportion_beta")["cases"]
MEANS = build.oracle("mean_normal")
BEST = build.oracle("pbest_three_arms")
P95 = build.oracle("p95_bayesian_bootstrap")
NAMES = [f"{case['name']}, {case['prior']}" for case in RATES]


def posteriors(case: dict[str, Any]) -> tuple[Beta, Beta]:
    def one(arm: str) -> Beta:
        prior, found = case["prior_params"][arm], case["input"][arm]
        return models.rate(
            found["conversions"], found["units"], Beta(prior["alpha"], prior["beta"])
        )

    return one("treatment"), one("control")


@pytest.mark.parametrize("case", RATES, ids=NAMES)
def test_rates_are_compared_as_the_oracle_does(case: dict[str, Any]) -> None:
    treatment, control = posteriors(case)
    expected, exact = case["expect"], case["tolerance"]["exact"]
    for arm, found in (("treatment", treatment), ("control", control)):
        assert found.alpha == pytest.approx(expected[arm]["alpha"], abs=1e-9)
        assert found.mean == pytest.approx(expected[arm]["mean"], abs=exact)
        tails = found.quantile(np.array([0.05, 0.95]))
        assert tails == pytest.approx(expected[arm]["ci90"], abs=exact)
    beats = compare.greater(treatment, control)
    assert beats == pytest.approx(expected["p_treatment_gt_control"], abs=exact)
    if "expected_loss_choose_treatment_abs" in expected:
        lost = compare.loss(treatment, control), compare.loss(control, treatment)
        assert lost[0] == pytest.approx(expected["expected_loss_choose_treatment_abs"], abs=exact)
        assert lost[1] == pytest.approx(expected["expected_loss_choose_control_abs"], abs=exact)


@pytest.mark.parametrize(
    "case",
    [case for case in RATES if case["expect"].get("relative_difference_ci90")],
    ids=[
        name
        for name, case in zip(NAMES, RATES, strict=True)
        if case["expect"].get("relative_difference_ci90")
    ],
)
def test_relative_difference_of_rates_is_the_oracles(case: dict[str, Any]) -> None:
    treatment, control = posteriors(case)
    random = generator("any", 1, case["name"])
    draws = treatment.draws(random, 200_000), control.draws(random, 200_000)
    found = compare.difference(treatment, control, draws, relative=True).interval
    lower, upper = case["expect"]["relative_difference_ci90"]
    wide = 0.01 * (upper - lower)  # the tails of 200,000 draws
    assert found.lower == pytest.approx(lower, abs=max(case["tolerance"]["monte_carlo"], wide))
    assert found.upper == pytest.approx(upper, abs=max(case["tolerance"]["monte_carlo"], wide))


@pytest.mark.parametrize(
    "case", [case for case in RATES if "pseudo_units" in case["prior_params"]["treatment"]]
)
def test_prior_of_a_treatment_is_worth_the_pseudo_units(case: dict[str, Any]) -> None:
    """But for one pseudo-unit at least that did not convert: near a rate of 1 the oracle has less,
    with which equal arms look different."""
    expected, units = case["prior_params"]["treatment"], case["input"]["treatment"]["units"]
    mean = expected["priorMean"]
    wanted = max(expected["pseudo_units"], 1 / (1 - mean))
    prior = models.rate_prior(Beta(mean, 1 - mean), 10**9, 0.3)
    assert prior.alpha + prior.beta == pytest.approx(wanted)
    clamped = models.rate_prior(Beta(mean, 1 - mean), units, 0.3)
    assert clamped.alpha + clamped.beta == pytest.approx(min(wanted, units))


@pytest.mark.parametrize(("rate", "units"), [(0.99, 100), (0.999, 100), (0.98, 1000), (0.5, 100)])
def test_equal_arms_near_a_rate_of_1_do_not_look_different(rate: float, units: int) -> None:
    random, sure = np.random.default_rng(6), 0
    for _ in range(300):
        control = models.rate(random.binomial(units, rate), units)
        prior = models.rate_prior(control, units, 0.3)
        treatment = models.rate(random.binomial(units, rate), units, prior)
        sure += compare.greater(treatment, control) >= 0.9
    assert sure / 300 < 0.17


@pytest.mark.parametrize("prior", ["flat", "launchdarkly_shaped_tau_0_3"])
def test_means_are_the_oracles(prior: str) -> None:
    metric, expected = build.mean(lower_is_better=True), MEANS[prior]
    samples = {
        arm: models.sample(metric, build.values(MEANS["data"][arm])) for arm in MEANS["data"]
    }
    control, treatment = samples["control"], samples["treatment"]
    assert control
    assert treatment
    believed = models.mean_prior(control, 0.3) if prior != "flat" else None
    one, other = models.mean(treatment, believed), models.mean(control)
    assert [control.sd, treatment.sd] == pytest.approx(expected["dataStdDev"], abs=1e-9)
    assert one.data_weight == pytest.approx(expected["dataWeight"], abs=1e-12)
    for arm, found in (("treatment", one.posterior), ("control", other.posterior)):
        assert isinstance(found, Normal)
        assert found.mu == pytest.approx(expected["posterior"][arm]["mu"], abs=1e-9)
        assert found.sigma == pytest.approx(expected["posterior"][arm]["sigma"], abs=1e-9)
        ends = found.interval()
        assert [ends.lower, ends.upper] == pytest.approx(expected["ci90"][arm], abs=1e-7)
    above = compare.greater(one.posterior, other.posterior)
    assert above == pytest.approx(expected["p_treatment_gt_control"], abs=1e-12)
    losses = expected["expected_loss_if_higher_better"]
    lost = compare.loss(one.posterior, other.posterior)
    assert lost == pytest.approx(losses["choose_treatment"], abs=1e-9)
    assert compare.loss(other.posterior, one.posterior) == pytest.approx(
        losses["choose_control"], abs=1e-9
    )


def test_flat_means_agree_with_gbstats_to_all_digits() -> None:
    metric = build.mean()
    data = {arm: models.sample(metric, build.values(MEANS["data"][arm])) for arm in MEANS["data"]}
    assert data["control"]
    assert data["treatment"]
    above = compare.greater(
        models.mean(data["treatment"]).posterior, models.mean(data["control"]).posterior
    )
    chance = MEANS["crosscheck_gbstats_0_8"]["absolute_flat"]["chance_to_win"]
    assert 1 - above == pytest.approx(chance, abs=1e-9)


@pytest.mark.parametrize("lower", [False, True], ids=["higher is better", "lower is better"])
def test_best_of_three_arms(lower: bool) -> None:
    random = generator("any", 1, "best")
    arms = [Normal(one["mu"], one["sigma"]) for one in BEST["posterior"]]
    shares, losses = compare.best(
        [arm.draws(random, 400_000) for arm in arms], lower_is_better=lower
    )
    expected = BEST["pBest_lower_mc" if lower else "pBest_higher"]
    assert shares == pytest.approx(expected, abs=BEST["tolerance"])
    assert sum(shares) == pytest.approx(1)
    if not lower:
        assert losses == pytest.approx(BEST["expected_loss_mc"], abs=BEST["tolerance"])


def test_percentiles_of_units_are_the_exact_bayesian_bootstrap() -> None:
    found = {}
    for arm, point in zip(("control", "treatment"), P95["point_linear_quantile_cont"], strict=True):
        values, expected = P95["data"][arm], P95["expect"][arm]
        statistics = build.values(values)
        assert statistics.order is not None
        posterior = percentile.of_units(statistics.order, len(values), 0.95)
        assert posterior is not None
        found[arm] = posterior
        ends = posterior.interval()
        assert [ends.lower, ends.upper] == expected["ci90"]
        assert posterior.quantile(0.5) == expected["median"]
        assert percentile.sample(statistics.order, len(values), 0.95) == pytest.approx(point)
    lower = 1 - compare.greater(found["treatment"], found["control"])
    assert lower == pytest.approx(P95["expect"]["p_treatment_lower"], abs=1e-9)
    random = generator("any", 1, "p95")
    draws = found["treatment"].draws(random, 200_000), found["control"].draws(random, 200_000)
    change = compare.difference(found["treatment"], found["control"], draws, relative=True)
    expected = P95["expect"]["relative_difference_ci90_mc"]
    assert [change.interval.lower, change.interval.upper] == pytest.approx(expected, abs=0.006)


def test_percentile_of_an_even_slice_equals_that_of_all_values() -> None:
    values = np.random.default_rng(5).lognormal(7, 0.7, 4000)
    whole = build.values(values.tolist()).order
    assert whole is not None
    near = type(whole)(whole.ranks[3650:3930])
    one, other = (percentile.of_units(slice_, 4000, 0.95) for slice_ in (whole, near))
    assert one is not None
    assert other is not None
    assert other.mean == pytest.approx(one.mean, rel=1e-9)
    assert percentile.of_units(type(whole)(whole.ranks[:3700]), 4000, 0.95) is None


def test_launchdarklys_own_examples() -> None:
    example = build.oracle("launchdarkly_doc_examples")
    purchases = [value for value in example["avg_purchase"]["per_unit"].values() if value]
    left_out = models.sample(build.mean(), build.values(purchases))
    as_zero = models.sample(build.mean(), build.values([*purchases, 0.0]))
    assert left_out
    assert left_out.mean == example["avg_purchase"]["exclude_units_without_events"]
    assert as_zero
    assert as_zero.mean == example["avg_purchase"]["include_as_zero"]
    p90 = example["p90_of_per_unit_average"]
    order = build.values(p90["per_unit"]).order
    assert order
    assert percentile.sample(order, 11, p90["percentile"]) == p90["expect"]


def test_flat_rates_agree_with_another_library() -> None:
    other = BinaryDataTest()
    other.add_variant_data_agg("c", 400, 120, a_prior=1, b_prior=1)
    other.add_variant_data_agg("t", 410, 141, a_prior=1, b_prior=1)
    best = {row["variant"]: row for row in other.evaluate(200_000, seed=1)}
    ours = compare.greater(models.rate(141, 410), models.rate(120, 400))
    assert ours == pytest.approx(best["t"]["prob_being_best"], abs=0.004)
    lost = compare.loss(models.rate(120, 400), models.rate(141, 410))
    assert lost == pytest.approx(best["c"]["expected_loss"], abs=0.0005)


@given(st.floats(0.3, 3000), st.floats(0.3, 3000))
@settings(max_examples=40, deadline=None)
def test_interval_of_a_rate_is_the_shortest_with_its_mass(alpha: float, beta: float) -> None:
    found, exact = Beta(alpha, beta).interval(), stats.beta(alpha, beta)
    assert exact.cdf(found.upper) - exact.cdf(found.lower) == pytest.approx(0.9, abs=1e-6)
    below = np.linspace(0, 0.1, 301)
    shortest = (exact.ppf(below + 0.9) - exact.ppf(below)).min()
    assert found.upper - found.lower <= shortest + 1e-6


@given(
    st.tuples(st.floats(0.5, 2000), st.floats(0.5, 2000)),
    st.tuples(st.floats(0.5, 2_000_000), st.floats(0.5, 2_000_000)),
    st.floats(0.5, 1.5),
)
@settings(max_examples=30, deadline=None)
def test_either_rate_is_greater(
    one: tuple[float, float], other: tuple[float, float], times: float
) -> None:
    a, b = Beta(*one), Beta(*other)
    above, below = compare.greater(a, b, times), compare.greater(b, a, 1 / times)
    assert above + below == pytest.approx(1, abs=1e-5)
    gap = compare.loss(a, b) - compare.loss(b, a)
    assert gap == pytest.approx(b.mean - a.mean, abs=1e-6)


def test_same_names_give_the_same_random_numbers() -> None:
    first, again = generator("x", 1, "m").random(3), generator("x", 1, "m").random(3)
    assert first.tolist() == again.tolist()
    assert first.tolist() != generator("x", 2, "m").random(3).tolist()


@pytest.mark.parametrize(
    "posterior",
    [Normal(10, 2), Beta(3, 40), Beta(0.97, 213), Beta(40, 0.5)],
    ids=["normal", "beta", "at 0", "at 1"],
)
def test_curves_hold_the_probability_between_their_ends(posterior: Normal | Beta) -> None:
    at, height = zip(*posterior.density(), strict=True)
    below = posterior.cdf(np.array([at[0], at[-1]]))
    assert np.trapezoid(height, at) == pytest.approx(below[1] - below[0], abs=0.03)
    assert below[1] - below[0] > 0.65
    assert all(np.isfinite(height))


def test_curve_of_a_percentile_is_smooth_and_holds_all_probability() -> None:
    order = build.values(P95["data"]["control"]).order
    assert order is not None
    posterior = percentile.of_units(order, 160, 0.95)
    assert posterior is not None
    at, height = zip(*posterior.density(), strict=True)
    assert np.trapezoid(height, at) == pytest.approx(1, abs=0.02)
    points = posterior.distribution().points
    assert len(points) <= 201
    assert [below for _, below in points] == sorted(below for _, below in points)


def test_ties_of_empirical_posteriors_count_half() -> None:
    one = Empirical(np.array([1.0, 2.0]), np.array([0.5, 1.0]))
    assert compare.greater(one, one) == 0.5
    assert compare.loss(one, one) == pytest.approx(0.25)
