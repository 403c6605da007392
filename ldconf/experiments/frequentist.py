"""Tests of a treatment against control: Welch's, two proportions, always-valid, corrections.

The always-valid option is the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha,
Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences" (Annals
of Statistics 52, 2024), which is the normal-mixture sequential test (mSPRT) with the variance
estimated. Its p-values and intervals hold however often one looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

from ldconf.core.analysis import Difference, Interval
from ldconf.core.experiment import Correction, Frequentist
from ldconf.experiments.models import Sample
from ldconf.experiments.numeric import special

TUNED_FOR = 5000  # units in both arms at which the sequence is tightest, if none are planned


@dataclass(frozen=True)
class Test:
    """One treatment against control. `z` is the difference in standard errors, `freedom` degrees
    of freedom (infinite for proportions and where the standard error is given)."""

    z: float
    freedom: float
    units: int


def welch(treatment: Sample, control: Sample) -> Test | None:
    """Return Welch's test of two means; None if the units show no spread."""
    spread = treatment.error**2 + control.error**2
    if spread <= 0 or treatment.units < 2 or control.units < 2:
        return None
    freedom = spread**2 / (
        treatment.error**4 / (treatment.units - 1) + control.error**4 / (control.units - 1)
    )
    z = (treatment.mean - control.mean) / sqrt(spread)
    return Test(z, freedom, treatment.units + control.units)


def proportions(treatment: Sample, control: Sample) -> Test | None:
    """Return the two-proportion test with the pooled rate; None if all or none converted."""
    units = treatment.units + control.units
    pooled = (treatment.mean * treatment.units + control.mean * control.units) / units
    spread = pooled * (1 - pooled) * (1 / treatment.units + 1 / control.units)
    if spread <= 0:
        return None
    return Test((treatment.mean - control.mean) / sqrt(spread), inf, units)


def p_value(test: Test, settings: Frequentist, planned: int | None, *, lower: bool) -> float:
    """Return the p-value. One-sided tests ask for better: below control if `lower`.

    `planned` units in both arms tune the sequential test.
    """
    z = -test.z if lower and not settings.two_sided else test.z
    if settings.sequential:
        return _always_valid(z, test.units, settings, planned)
    if settings.two_sided:
        return 2 * _tail(abs(z), test.freedom)
    return _tail(z, test.freedom)


def multiplier(test: Test, settings: Frequentist, planned: int | None) -> float:
    """Return how many standard errors the confidence interval reaches to each side."""
    if settings.sequential:
        mixed = test.units * _rho_squared(settings, planned)
        return sqrt((mixed + 1) / mixed * 2 * log(sqrt(mixed + 1) / settings.significance))
    share = 1 - settings.significance / 2
    if test.freedom == inf:
        return float(special.ndtri(share))
    return float(special.stdtrit(test.freedom, share))


def mean_interval(data: Sample, settings: Frequentist) -> Interval:
    """Return the confidence interval of one arm's mean."""
    share = 1 - settings.significance / 2
    times = float(special.ndtri(share))
    if data.units > 1:
        times = float(special.stdtrit(data.units - 1, share))
    return Interval(data.mean - times * data.error, data.mean + times * data.error)


def rate_interval(data: Sample, settings: Frequentist) -> Interval:
    """Return Wilson's interval of one arm's rate."""
    z = float(special.ndtri(1 - settings.significance / 2))
    share = z**2 / data.units
    middle = (data.mean + share / 2) / (1 + share)
    half = z / (1 + share) * sqrt(data.mean * (1 - data.mean) / data.units + share / 4 / data.units)
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def difference(treatment: Sample, control: Sample, times: float, *, relative: bool) -> Difference:
    """Return the difference to control and `times` standard errors around it (relative: by the
    delta method)."""
    gap = treatment.mean - control.mean
    if not relative:
        half = times * sqrt(treatment.error**2 + control.error**2)
        return Difference(gap, Interval(gap - half, gap + half), relative=False)
    base = abs(control.mean)
    ratio = treatment.mean / base
    half = times * sqrt((treatment.error / base) ** 2 + (ratio * control.error / base) ** 2)
    return Difference(gap / base, Interval(gap / base - half, gap / base + half))


def adjust(p_values: Sequence[float], method: Correction | None) -> list[float]:
    """Return p-values corrected for being several. Benjamini and Hochberg's are those of
    `scipy.stats.false_discovery_control`, whose import would take longer than an analysis."""
    count = len(p_values)
    if method == "bonferroni":
        return [min(p * count, 1.0) for p in p_values]
    if method is None:
        return list(p_values)
    order = sorted(range(count), key=lambda index: p_values[index], reverse=True)
    adjusted, least = [1.0] * count, 1.0
    for place, index in enumerate(order):
        least = min(least, p_values[index] * count / (count - place))
        adjusted[index] = least
    return adjusted


def _tail(z: float, freedom: float) -> float:
    return float(special.ndtr(-z) if freedom == inf else special.stdtr(freedom, -z))


def _rho_squared(settings: Frequentist, planned: int | None) -> float:
    level = -2 * log(settings.significance)
    return (level + log(level + 1)) / (planned or TUNED_FOR)


def _always_valid(z: float, units: int, settings: Frequentist, planned: int | None) -> float:
    mixed = units * _rho_squared(settings, planned)
    reached = z**2 * mixed / (2 * (mixed + 1))
    if settings.two_sided:
        return min(sqrt(mixed + 1) * exp(-reached), 1.0)
    if z <= 0:
        return 1.0
    return min(sqrt(mixed + 1) / (2 * max(exp(min(reached, 700.0)) - 1, 1e-300)), 1.0)
