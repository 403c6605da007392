"""Posteriors of percentiles, from order statistics near them.

Per unit: the exact Bayesian bootstrap. Under a flat Dirichlet the k smallest of n values weigh
Beta(k, n - k) together, so `P(Q <= x_(k)) = betainc(n - k, k, 1 - p)` (statistics notes, 4).
Over events that come in clusters (units): the share of events at or below a value is a ratio of
per-unit sums, with the delta method's variance, as in gbstats' QuantileClusteredStatistic (MIT);
here at every candidate value instead of at the estimate only.
"""

from __future__ import annotations

from math import ceil, floor

from ldconf.core.aggregates import ClusterSlice, OrderSlice
from ldconf.experiments.numeric import Floats, np, special
from ldconf.experiments.posterior import Empirical

_Z95_SQUARED = 3.8416
_COVERED = 1e-3  # of the probability may lie outside of a slice
_FILLED = 512  # values between the points of a clustered slice


def fewest(share: float) -> int:
    """Return the independent values below which the percentile `share` (0 to 1) is not estimated,
    because its 95 % interval would reach past the largest (or smallest) value: 74 for p95."""
    odds = max(share / (1 - share), (1 - share) / share)
    return ceil(_Z95_SQUARED * odds) + 1


def of_units(slice_: OrderSlice, units: int, share: float) -> Empirical | None:
    """Return the posterior of the percentile of `units` values; None if the slice misses it."""
    if not slice_.ranks or units < 1:
        return None
    ranks = np.array([rank for rank, _ in slice_.ranks], dtype=float)
    values = np.array([value for _, value in slice_.ranks], dtype=float)
    order = np.argsort(ranks)
    ranks, values = ranks[order], values[order]
    inside = ranks < units
    below = np.ones_like(ranks)
    below[inside] = special.betainc(units - ranks[inside], ranks[inside], 1 - share)
    before = 0.0
    if ranks[0] > 1:
        before = float(special.betainc(units - ranks[0] + 1, ranks[0] - 1, 1 - share))
    if before > _COVERED or below[-1] < 1 - _COVERED:
        return None
    below[-1] = 1.0
    return Empirical(values, below)


def sample(slice_: OrderSlice, units: int, share: float) -> float | None:
    """Return the percentile of the data, linear between order statistics as LaunchDarkly's."""
    value_by_rank = dict(slice_.ranks)
    at = (units - 1) * share + 1
    lower, upper = value_by_rank.get(floor(at)), value_by_rank.get(ceil(at))
    if lower is None or upper is None:
        return None
    return lower + (upper - lower) * (at - floor(at))


def shares(slice_: ClusterSlice, units: int) -> tuple[Floats, Floats, Floats]:
    """Return candidate values, the share of events at or below each, and its standard error."""
    points = slice_.points
    values = np.array([point.value for point in points], dtype=float)
    found = np.array([point.below for point in points], dtype=float) / slice_.events
    squares = np.array([point.below_squares for point in points], dtype=float)
    cross = np.array([point.cross for point in points], dtype=float)
    summed = squares - 2 * found * cross + found**2 * slice_.events_squares
    spread = np.maximum(summed, 0.0) * units / (units - 1)
    return values, found, np.sqrt(spread) / slice_.events


def of_events(slice_: ClusterSlice, units: int, share: float) -> Empirical | None:
    """Return the posterior of the percentile over events; None if the slice misses it."""
    if not slice_.points or slice_.events <= 0 or units < 2:
        return None
    values, found, errors = shares(slice_, units)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (found - share) / errors
    z = np.where(errors > 0, z, np.where(found >= share, np.inf, -np.inf))
    below = np.maximum.accumulate(np.asarray(special.ndtr(z)))
    missed = found[0] < share and below[0] > _COVERED
    if missed or below[-1] < 1 - _COVERED:
        return None
    if len(values) > 1 and values[-1] > values[0]:
        grid = np.union1d(values, np.linspace(values[0], values[-1], _FILLED))
        below = np.interp(grid, values, below)
        # a step's probability lies between its ends, so it goes to the middle
        values = np.concatenate((grid[:1], (grid[1:] + grid[:-1]) / 2))
    below[-1] = 1.0
    return Empirical(values, below)


def sample_of_events(slice_: ClusterSlice, share: float) -> float | None:
    """Return the smallest candidate value that `share` of the events are at or below."""
    for point in slice_.points:
        if slice_.events and point.below >= share * slice_.events - 1e-9:
            return point.value
    return None


def independent(slice_: ClusterSlice, units: int, share: float) -> float:
    """Return how many independent events the clustered ones are worth near the percentile."""
    if not slice_.points or slice_.events <= 0 or units < 2:
        return 0.0
    _, found, errors = shares(slice_, units)
    near = int(np.argmin(np.abs(found - share)))
    error = float(errors[near])
    return share * (1 - share) / error**2 if error > 0 else 0.0
