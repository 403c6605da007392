"""Sample ratio mismatch against the oracle and scipy."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from ldconf.core.analysis import ALERT
from ldconf.experiments.sample_ratio import chi_squared, log_bayes_factor, sample_ratio
from tests.experiments import building as build

CASES = build.oracle("srm")["cases"]


@pytest.mark.parametrize("case", CASES, ids=[str(case["counts"]) for case in CASES])
def test_mismatch_is_the_oracles(case: dict[str, Any]) -> None:
    counts, weights = case["counts"], case["weights"]
    assert log_bayes_factor(counts, weights) == pytest.approx(case["log_bayes_factor"], abs=1e-9)
    names = [f"v{n}" for n in range(len(counts))]
    design = build.design(
        allocation=dict(zip(names, [w * 60 for w in weights], strict=True)), control="v0"
    )
    found = sample_ratio(design, dict(zip(names, counts, strict=True)))
    assert found is not None
    assert found.probability_of_mismatch == pytest.approx(case["probabilityOfMismatch"], abs=1e-9)
    assert found.p_value == pytest.approx(case["p_value"], rel=1e-9)
    assert (found.probability_of_mismatch >= ALERT) == case["srm_alert"]


def test_chi_squared_is_scipys() -> None:
    statistic, p_value = chi_squared([480, 350, 170], [0.5, 0.3, 0.2])
    exact = stats.chisquare([480, 350, 170], [500, 300, 200])
    assert (statistic, p_value) == pytest.approx((exact.statistic, exact.pvalue))


def test_a_concentrated_prior_finds_a_small_mismatch_sooner() -> None:
    counts, shares = [900, 1090], [0.5, 0.5]
    assert log_bayes_factor(counts, shares, 100) > log_bayes_factor(counts, shares)


def test_arms_without_traffic_are_left_out() -> None:
    design = build.design(allocation={"control": 50, "treatment": 50, "off": 0})
    found = sample_ratio(design, {"control": 10, "treatment": 12, "off": 0})
    assert found is not None
    assert found.expected == {"control": 0.5, "treatment": 0.5}
    assert sample_ratio(design, {"control": 0, "treatment": 0}) is None


def test_hopeless_mismatch_is_certain_without_overflow() -> None:
    found = sample_ratio(build.design(), {"control": 10_000_000, "treatment": 10})
    assert found is not None
    assert found.probability_of_mismatch == 1.0
    even = sample_ratio(build.design(), {"control": 10**12, "treatment": 10**12})
    assert even is not None
    assert even.probability_of_mismatch < 1e-5
