"""LaunchDarkly's two conjugate models, with priors as arguments (statistics notes, 1 and 4).

Control has no prior but Beta(1, 1) for a rate. A treatment's prior says that it is as control is,
give or take `tau` of that: an effect drawn from N(0, tau) relative to control. LaunchDarkly does
not publish its own spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from ldconf.core.aggregates import UnitStatistics
from ldconf.core.experiment import MetricDesign
from ldconf.experiments.posterior import Beta, Normal


@dataclass(frozen=True)
class Sample:
    """What the data alone say of one arm: `sd` of one unit, `error` of the mean."""

    units: int
    mean: float
    sd: float

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.sd / sqrt(self.units)


@dataclass(frozen=True)
class Estimate:
    """A posterior and where it came from: the weight of the data in it, and the prior's mean."""

    posterior: Normal | Beta
    data_weight: float
    prior_mean: float | None


FLAT_RATE = Beta(1.0, 1.0)


def sample(metric: MetricDesign, found: UnitStatistics) -> Sample | None:
    """Return mean and spread of a metric's units; None without units.

    A ratio is the total by the events of its denominator, with the delta method's variance.
    """
    units = found.units
    if units < 1:
        return None
    if metric.per_unit == "occurrence":
        rate = found.total / units
        return Sample(units, rate, sqrt(max(rate * (1 - rate), 0.0)))
    if metric.denominator is not None:
        return _ratio(found)
    return Sample(units, found.total / units, sqrt(_spread(found.total, found.squares, units)))


def rate(conversions: float, units: int, prior: Beta = FLAT_RATE) -> Beta:
    """Return the posterior of a rate."""
    return Beta(prior.alpha + conversions, prior.beta + units - conversions)


def rate_prior(control: Beta, units: int, tau: float) -> Beta:
    """Return a treatment's prior: control's mean, worth as many units as fit a relative spread of
    `tau`, at most the treatment's own `units` (so the data weigh half or more).

    At least one of the pseudo-units did not convert, as in control's own Beta(1, 1): with fewer,
    near a rate of 1, the prior would hold that the treatment is better (at a rate of .99 and 100
    units, 40 % of equal arms would win at a threshold of .9).
    """
    mean = control.mean
    wanted = max(1 / (1 - mean), (1 - mean) / (mean * tau**2) - 1)
    pseudo_units = min(float(units), wanted)
    return Beta(mean * pseudo_units, (1 - mean) * pseudo_units)


def mean_prior(control: Sample, tau: float) -> Normal:
    """Return a treatment's prior: control's mean, with `tau` of it as spread."""
    return Normal(control.mean, tau * abs(control.mean))


def mean(data: Sample, prior: Normal | None = None) -> Estimate:
    """Return the posterior of a mean whose variance is taken as known; flat without a prior."""
    if prior is None or prior.sigma == 0 or data.error == 0:
        return Estimate(Normal(data.mean, data.error), 1.0, None if prior is None else prior.mu)
    ours, theirs = 1 / data.error**2, 1 / prior.sigma**2
    weight = ours / (ours + theirs)
    posterior = Normal(weight * data.mean + (1 - weight) * prior.mu, sqrt(1 / (ours + theirs)))
    return Estimate(posterior, weight, prior.mu)


def rate_estimate(conversions: float, units: int, prior: Beta = FLAT_RATE) -> Estimate:
    """Return the posterior of a rate, and the weight of its units against the pseudo-units."""
    weight = units / (units + prior.alpha + prior.beta)
    return Estimate(rate(conversions, units, prior), weight, prior.mean)


def _spread(total: float, squares: float, units: int) -> float:
    """Return the sample variance from sums; rounding can make it a little negative."""
    if units < 2:
        return 0.0
    centred = squares - total**2 / units
    # what is left of equal values after rounding is no spread
    return centred / (units - 1) if centred > 1e-12 * squares else 0.0


def _ratio(found: UnitStatistics) -> Sample | None:
    below = found.denominator
    if below is None or below.total <= 0:
        return None
    units, ratio = found.units, found.total / below.total
    if units < 2:
        return Sample(units, ratio, 0.0)
    summed = found.squares - 2 * ratio * below.cross + ratio**2 * below.squares
    per_unit = below.total / units
    return Sample(units, ratio, sqrt(max(summed, 0.0) / (units - 1)) / per_unit)
