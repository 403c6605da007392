"""Percentiles over requests that come in clusters."""

from __future__ import annotations

import numpy as np
import pytest

from ldconf.core.aggregates import ClusterPoint, ClusterSlice
from ldconf.experiments import percentile
from ldconf.experiments.synthetic import cluster_slice

SHARE = 0.95


def requests(units: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, the unit of each, and requests per unit; units differ much from each other."""
    random = np.random.default_rng(seed)
    sizes = 1 + random.poisson(4, units)
    unit = np.repeat(np.arange(units), sizes)
    values = np.exp(random.normal(7, 0.6, units)[unit] + random.normal(0, 0.4, len(unit)))
    return values, unit, sizes.astype(float)


def slice_of(units: int, seed: int) -> ClusterSlice:
    return cluster_slice(*requests(units, seed), SHARE)


def test_points_are_the_sums_over_units() -> None:
    values, unit, sizes = requests(60, 1)
    found = cluster_slice(values, unit, sizes, SHARE)
    point = found.points[len(found.points) // 2]
    below = np.bincount(unit, values <= point.value)
    assert (point.below, point.below_squares) == (below.sum(), (below**2).sum())
    assert point.cross == (below * sizes).sum()
    assert (found.events, found.events_squares) == (sizes.sum(), (sizes**2).sum())


def test_standard_error_is_gbstats() -> None:
    """8 units with 25 requests, 20 of them below: `get_cluster_variance` of gbstats 0.8.0."""
    slice_ = ClusterSlice(25, 109, (ClusterPoint(1.0, 20, 68, 85),))
    _, share, error = percentile.shares(slice_, 8)
    assert share[0] == 0.8
    assert error[0] ** 2 == pytest.approx(0.003218285714285713, abs=1e-15)


def test_standard_error_is_that_of_a_bootstrap_over_units() -> None:
    values, unit, sizes = requests(400, 2)
    found = cluster_slice(values, unit, sizes, SHARE)
    at, shares, errors = percentile.shares(found, 400)
    near = int(np.argmin(np.abs(shares - SHARE)))
    below = np.bincount(unit, values <= at[near])
    picked = np.random.default_rng(3).integers(0, 400, (4000, 400))
    again = below[picked].sum(axis=1) / sizes[picked].sum(axis=1)
    assert errors[near] == pytest.approx(again.std(), rel=0.06)


def test_posterior_is_that_of_a_bayesian_bootstrap_over_units() -> None:
    values, unit, sizes = requests(400, 4)
    posterior = percentile.of_events(cluster_slice(values, unit, sizes, SHARE), 400, SHARE)
    assert posterior is not None
    order = np.argsort(values)
    weights = np.random.default_rng(5).dirichlet(np.ones(400), 1500)[:, unit[order]]
    shares = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    drawn = values[order][(shares >= SHARE).argmax(axis=1)]
    assert posterior.mean == pytest.approx(drawn.mean(), rel=0.01)
    assert posterior.sd == pytest.approx(drawn.std(), rel=0.15)


def test_clusters_make_the_interval_wider_than_independent_requests_would() -> None:
    values, unit, sizes = requests(400, 6)
    alone = np.arange(len(values))
    clustered = percentile.of_events(cluster_slice(values, unit, sizes, SHARE), 400, SHARE)
    independent = percentile.of_events(
        cluster_slice(values, alone, np.ones(len(values)), SHARE), len(values), SHARE
    )
    assert clustered is not None
    assert independent is not None
    assert clustered.sd > 1.3 * independent.sd


def test_requests_of_few_units_are_worth_little() -> None:
    few, many = slice_of(20, 7), slice_of(600, 7)
    assert percentile.independent(few, 20, SHARE) < percentile.fewest(SHARE)
    assert percentile.independent(many, 600, SHARE) > percentile.fewest(SHARE)


def test_fewest_values_that_a_p95_takes() -> None:
    assert percentile.fewest(0.95) == 74
    assert percentile.fewest(0.05) == 74
    assert percentile.fewest(0.5) < 10


def test_slice_that_misses_the_percentile_is_refused() -> None:
    found = slice_of(400, 8)
    low = ClusterSlice(found.events, found.events_squares, found.points[: len(found.points) // 2])
    high = ClusterSlice(found.events, found.events_squares, found.points[-20:])
    assert percentile.of_events(low, 400, SHARE) is None
    assert percentile.of_events(high, 400, SHARE) is not None  # all above it: the smallest is meant
    assert percentile.of_events(ClusterSlice(0, 0, ()), 0, SHARE) is None


def test_percentile_among_ties() -> None:
    tied = cluster_slice(np.repeat([0.0, 5.0], [480, 20]), np.arange(500), np.ones(500), SHARE)
    posterior = percentile.of_events(tied, 500, SHARE)
    assert posterior is not None
    assert percentile.sample_of_events(tied, SHARE) == 0.0
    assert 0 < posterior.mean < 2.5
