"""Counts of units that never were: drawn from a known truth, look after look.

Every unit is drawn by itself and then summed up as real ones are, so that skew, ties and small
samples act as they do in life. Metrics are independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil, floor, log, sqrt

from ldconf.core.aggregates import (
    Aggregates,
    ArmCounts,
    ClusterPoint,
    ClusterSlice,
    Denominator,
    OrderSlice,
    UnitStatistics,
)
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.experiments.fits import kind_of
from ldconf.experiments.numeric import Floats, np

MORE_REQUESTS = 2.0  # requests per unit beyond the first, on average
_UNIT_SHARE = 0.5  # of the variance between requests that lies between units


@dataclass(frozen=True)
class Truth:
    """What one metric is in control: a rate if it counts occurrences, else the mean of values that
    are lognormal with standard deviation `sd`. `effects` are relative, by treatment; none is 0."""

    mean: float
    sd: float | None = None
    effects: Mapping[str, float] = field(default_factory=dict)

    def of(self, variation: str) -> tuple[float, float]:
        """Return mean and standard deviation in one arm; an effect scales both."""
        times = 1 + self.effects.get(variation, 0.0)
        return self.mean * times, (self.sd or 0.0) * times


Sums = Callable[[int], UnitStatistics]  # of the first so many units


def units_of(
    metric: MetricDesign, truth: Truth, variation: str, count: int, random: np.random.Generator
) -> Sums:
    """Draw `count` units of one arm; the result sums up the first so many of them."""
    mean, sd = truth.of(variation)
    kind = kind_of(metric)
    if kind == "rate":
        return _rate(random.random(count) < mean)
    if kind == "ratio":
        return _ratio(_lognormal(mean, sd, count, random), 1 + random.poisson(MORE_REQUESTS, count))
    if metric.over_requests:
        return _clusters(mean, sd, count, random, (metric.percentile or 0.0) / 100)
    values = _lognormal(mean, sd, count, random)
    return _values(values, None if metric.percentile is None else metric.percentile / 100)


def at_look(
    design: ExperimentDesign,
    drawn: Mapping[str, Mapping[str, Sums]],
    units: Mapping[str, int],
    as_of: int,
) -> Aggregates:
    """Return the counts when so many units per arm were exposed; `drawn` by arm and metric."""
    arms = {
        arm: ArmCounts(units[arm], {key: sums(units[arm]) for key, sums in by_metric.items()})
        for arm, by_metric in drawn.items()
    }
    seen: dict[str, int | None] = {metric.key: as_of for metric in design.metrics}
    return Aggregates(arms, as_of, "simulation", design.started, design.started, as_of, seen)


def _rate(did: np.ndarray) -> Sums:
    reached = np.concatenate(([0], np.cumsum(did)))

    def sums(units: int) -> UnitStatistics:
        number = int(reached[units])
        return UnitStatistics(units, number, number, number, number)

    return sums


def _values(values: Floats, share: float | None) -> Sums:
    def sums(units: int) -> UnitStatistics:
        found = values[:units]
        total = float(found.sum())
        order = None if share is None else _order(found, share)
        return UnitStatistics(units, total, float(found @ found), units, total, order=order)

    return sums


def _order(values: Floats, share: float) -> OrderSlice:
    """Return the order statistics that the percentile's posterior needs (statistics notes, 4)."""
    count = len(values)
    reach = 8 * sqrt(count * share * (1 - share)) + 5
    first = max(floor(count * share - reach), 1)
    last = min(ceil(count * share + reach), count)
    near = np.sort(np.partition(values, [first - 1, last - 1])[first - 1 : last])
    return OrderSlice(tuple(zip(range(first, last + 1), near.tolist(), strict=True)))


def _ratio(per_request: Floats, requests: np.ndarray) -> Sums:
    values = per_request * requests

    def sums(units: int) -> UnitStatistics:
        up, down = values[:units], requests[:units].astype(float)
        total, events = float(up.sum()), float(down.sum())
        below = Denominator(events, float(down @ down), float(up @ down))
        return UnitStatistics(units, total, float(up @ up), int(events), total, denominator=below)

    return sums


def _clusters(
    mean: float, sd: float, count: int, random: np.random.Generator, share: float
) -> Sums:
    """Draw requests: lognormal, part of their spread shared by all of a unit's requests."""
    requests = 1 + random.poisson(MORE_REQUESTS, count)
    ends = np.concatenate(([0], np.cumsum(requests)))
    unit = np.repeat(np.arange(count), requests)
    mu, sigma = _logarithmic(mean, sd)
    shared = random.normal(0.0, sigma * sqrt(_UNIT_SHARE), count)[unit]
    own = random.normal(0.0, sigma * sqrt(1 - _UNIT_SHARE), len(unit))
    values = np.exp(mu + shared + own)

    def sums(units: int) -> UnitStatistics:
        last = int(ends[units])
        found, sizes = values[:last], requests[:units].astype(float)
        slice_ = cluster_slice(found, unit[:last], sizes, share)
        total = float(found.sum())
        per_unit = np.bincount(unit[:last], found, minlength=units)
        return UnitStatistics(units, total, float(per_unit @ per_unit), last, total, cluster=slice_)

    return sums


def cluster_slice(values: Floats, unit: np.ndarray, sizes: Floats, share: float) -> ClusterSlice:
    """Return what a percentile over requests needs: `values` and the `unit` of each, and the
    requests per unit; every value near the percentile is a candidate."""
    count = len(values)
    order = np.argsort(values, kind="stable")
    values, unit = values[order], unit[order]
    grouped = np.argsort(unit, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(unit, minlength=len(sizes)))))
    nth = np.empty(count)
    nth[grouped] = np.arange(count) - starts[unit[grouped]] + 1
    squares, cross = np.cumsum(2 * nth - 1), np.cumsum(sizes[unit])
    independent = count**2 / float(sizes @ sizes)
    reach = (8 * sqrt(share * (1 - share) / independent) + 5 / independent) * count
    first = max(floor(count * share - reach), 0)
    last = min(ceil(count * share + reach), count)
    points = tuple(
        ClusterPoint(float(values[i]), float(i + 1), float(squares[i]), float(cross[i]))
        for i in range(first, last)
        if i + 1 == count or values[i + 1] > values[i]
    )
    return ClusterSlice(float(count), float(sizes @ sizes), points)


def _lognormal(mean: float, sd: float, count: int, random: np.random.Generator) -> Floats:
    mu, sigma = _logarithmic(mean, sd)
    return random.lognormal(mu, sigma, count)


def _logarithmic(mean: float, sd: float) -> tuple[float, float]:
    spread = log(1 + (sd / mean) ** 2)
    return log(mean) - spread / 2, sqrt(spread)
