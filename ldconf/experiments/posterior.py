"""What is believed of one arm after its data: normal, beta or empirical distributions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt

from ldconf.core.analysis import Distribution, Interval
from ldconf.core.experiment import CREDIBLE_MASS
from ldconf.experiments.numeric import Floats, np, special

_DRAWN = 101  # points of a curve
_KEPT = 200  # points of an empirical distribution that a result carries
_TAIL = 1e-14
Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Normal:
    """`sigma` is the standard error, so of the mean and not of one unit."""

    mu: float
    sigma: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.mu

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.sigma

    def interval(self, mass: float = CREDIBLE_MASS) -> Interval:
        """Return the highest-density interval."""
        half = float(special.ndtri((1 + mass) / 2)) * self.sigma
        return Interval(self.mu - half, self.mu + half)

    def cdf(self, at: Floats) -> Floats:
        """Return the probability of at most each value."""
        return np.asarray(special.ndtr((at - self.mu) / self.sigma))

    def draws(self, random: np.random.Generator, count: int) -> Floats:
        """Return random values."""
        return random.normal(self.mu, self.sigma, count)

    def density(self) -> Curve:
        """Return points of the curve to draw."""
        at = np.linspace(self.mu - 4 * self.sigma, self.mu + 4 * self.sigma, _DRAWN)
        z = (at - self.mu) / self.sigma
        return _pairs(at, np.exp(-(z**2) / 2) / (self.sigma * sqrt(2 * np.pi)))

    def distribution(self) -> Distribution:
        """Return what LaunchDarkly calls it."""
        return Distribution("normal", {"mu": self.mu, "sigma": self.sigma})


@dataclass(frozen=True)
class Beta:
    """Of a rate."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return sqrt(self.mean * (1 - self.mean) / (self.alpha + self.beta + 1))

    def quantile(self, share: Floats | float) -> Floats:
        """Return the values that `share` of the probability is at or below."""
        return np.asarray(special.betaincinv(self.alpha, self.beta, share))

    def interval(self, mass: float = CREDIBLE_MASS) -> Interval:
        """Return the highest-density interval: of all with this mass, the shortest."""
        lower, upper = 0.0, 1 - mass  # probability below the interval
        shortest = 0.0
        for _ in range(4):
            below = np.linspace(lower, upper, 41)
            widths = self.quantile(np.minimum(below + mass, 1.0)) - self.quantile(below)
            best = int(np.argmin(widths))
            shortest = float(below[best])
            lower, upper = float(below[max(best - 1, 0)]), float(below[min(best + 1, 40)])
        ends = self.quantile(np.array([shortest, min(shortest + mass, 1.0)]))
        return Interval(float(ends[0]), float(ends[1]))

    @cached_property
    def support(self) -> tuple[float, float]:
        """Ends between which all but a negligible rest of the probability lies."""
        ends = self.quantile(np.array([_TAIL, 1 - _TAIL]))
        return float(ends[0]) if self.alpha > 2 else 0.0, float(ends[1]) if self.beta > 2 else 1.0

    def cdf(self, at: Floats) -> Floats:
        """Return the probability of at most each value."""
        return np.asarray(special.betainc(self.alpha, self.beta, np.clip(at, 0.0, 1.0)))

    def pdf(self, at: Floats) -> Floats:
        """Return the density, at an end where it has no bound that of next to it."""
        inside = np.clip(at, 1e-300, 1 - 2**-53)
        logarithm = special.xlogy(self.alpha - 1, inside)
        logarithm += special.xlog1py(self.beta - 1, -inside)
        return np.asarray(np.exp(logarithm - special.betaln(self.alpha, self.beta)))

    def draws(self, random: np.random.Generator, count: int) -> Floats:
        """Return random values."""
        return random.beta(self.alpha, self.beta, count)

    def density(self) -> Curve:
        """Return points of the curve to draw."""
        ends = self.quantile(np.array([1e-4, 1 - 1e-4]))
        width = float(ends[1] - ends[0])
        # not so near to an end without bound that nothing else would be seen
        lower = float(ends[0]) if self.alpha > 0.9 else max(float(ends[0]), width / _DRAWN)
        upper = float(ends[1]) if self.beta > 0.9 else min(float(ends[1]), 1 - width / _DRAWN)
        at = np.linspace(lower, upper, _DRAWN)
        return _pairs(at, self.pdf(at))

    def distribution(self) -> Distribution:
        """Return what LaunchDarkly calls it."""
        return Distribution("beta", {"alpha": self.alpha, "beta": self.beta})


@dataclass(frozen=True, eq=False)
class Empirical:
    """Values by rising order, and the probability of at most each; the last one is 1."""

    values: Floats
    below: Floats

    @cached_property
    def masses(self) -> Floats:
        """Probability of each value."""
        return np.diff(self.below, prepend=0.0)

    @cached_property
    def mean(self) -> float:
        """Expected value."""
        return float(self.masses @ self.values)

    @cached_property
    def sd(self) -> float:
        """Standard deviation."""
        if self.values[0] == self.values[-1]:
            return 0.0
        return sqrt(float(self.masses @ (self.values - self.mean) ** 2))

    def quantile(self, share: float) -> float:
        """Return the smallest value that at least `share` of the probability is at or below."""
        found = int(np.searchsorted(self.below, share - 1e-12))
        return float(self.values[min(found, len(self.values) - 1)])

    def interval(self, mass: float = CREDIBLE_MASS) -> Interval:
        """Return the interval with equal tails: the shortest one would jump between values."""
        return Interval(self.quantile((1 - mass) / 2), self.quantile((1 + mass) / 2))

    def cdf(self, at: Floats) -> Floats:
        """Return the probability of at most each value."""
        padded = np.concatenate(([0.0], self.below))
        return np.asarray(padded[np.searchsorted(self.values, at, side="right")])

    def under(self, at: Floats) -> Floats:
        """Return the probability of less than each value."""
        padded = np.concatenate(([0.0], self.below))
        return np.asarray(padded[np.searchsorted(self.values, at, side="left")])

    def draws(self, random: np.random.Generator, count: int) -> Floats:
        """Return random values."""
        found = np.searchsorted(self.below, random.random(count))
        return np.asarray(self.values[np.minimum(found, len(self.values) - 1)])

    def density(self) -> Curve:
        """Return points of a smoothed curve to draw."""
        lower, upper = self.quantile(0.001), self.quantile(0.999)
        if not upper > lower:
            return ()
        width = max(self.sd * 0.2, (upper - lower) / _DRAWN)
        at = np.linspace(lower - 2 * width, upper + 2 * width, _DRAWN)
        kept = self.masses > 1e-6
        z = (at[:, None] - self.values[None, kept]) / width
        kernel = np.exp(-(z**2) / 2) / (width * sqrt(2 * np.pi))
        return _pairs(at, kernel @ self.masses[kept])

    def distribution(self) -> Distribution:
        """Return points (value, probability of at most it), thinned."""
        kept = (self.below > 1e-6) & (self.under(self.values) < 1 - 1e-6)
        values, below = self.values[kept], self.below[kept]
        step = max(len(values) // _KEPT, 1)
        some = np.unique(np.append(np.arange(0, len(values), step), len(values) - 1))
        return Distribution("empirical", points=_pairs(values[some], below[some]))


Posterior = Normal | Beta | Empirical


def is_certain(posterior: Posterior) -> bool:
    """True if it knows no doubt: all units had the same value, so the data do not tell spread."""
    return not 0 < posterior.sd < inf


def _pairs(first: Floats, second: Floats) -> Curve:
    return tuple(zip(first.tolist(), second.tolist(), strict=True))
