"""How many units an experiment needs, and what a number of units can detect: normal approximation.

Statistics notes, section 3: `n_control = (z_threshold + z_power)^2 (var_control + var_treatment /
ratio) / delta^2`, where `ratio` is treatment units per control unit and `delta` is the baseline
times the relative effect. A threshold on the probability to beat control under a flat prior is the
same as one on z.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt
from statistics import NormalDist

_TOLERANCE = 1e-6  # relative; a unit more or less does not matter
POWER = 0.80


@dataclass(frozen=True)
class Assumption:
    """What one unit is expected to look like in control. A rate if `sd` is None, else a mean.

    `effect` is the relative difference to find, negative where lower is better (-0.1 = 10 % less).
    For percentiles and ratios `sd` is `sqrt(n) x standard error` of a pilot with n units.
    """

    baseline: float
    effect: float
    sd: float | None = None


@dataclass(frozen=True)
class Criterion:
    """When a difference counts as found: probability to beat control of at least `threshold`, with
    chance `power`. `ratio` is treatment units per control unit."""

    threshold: float = 0.95
    power: float = POWER
    ratio: float = 1.0

    @property
    def z(self) -> float:
        """Standard errors that the effect must be away from 0."""
        normal = NormalDist()
        return normal.inv_cdf(self.threshold) + normal.inv_cdf(self.power)


def problems(assumption: Assumption, criterion: Criterion) -> tuple[str, ...]:
    """Return in words why these figures cannot be planned with; empty if they can."""
    baseline, effect, sd = assumption.baseline, assumption.effect, assumption.sd
    found: list[str] = []
    if effect == 0:
        found.append("the effect to find is 0: no number of units finds it")
    if baseline == 0:
        found.append("the baseline is 0: an effect relative to it is 0 as well")
    if sd is None and not 0 < baseline < 1:
        found.append(f"a rate lies between 0 and 1, not at {baseline:g}; a mean needs its sd")
    elif sd is None and not 0 <= baseline * (1 + effect) <= 1:
        found.append(
            f"{effect:+.0%} of a rate of {baseline:g} is {baseline * (1 + effect):g}, outside 0 to"
            f" 1; from there {1 / baseline - 1:.0%} more is the most"
        )
    if sd is not None and sd <= 0:
        found.append("the standard deviation must be above 0")
    if not 0.5 < criterion.threshold < 1:
        found.append(f"the threshold lies between 0.5 and 1, not at {criterion.threshold:g}")
    if not 0 < criterion.power < 1:
        found.append(f"the power lies between 0 and 1, not at {criterion.power:g}")
    if criterion.ratio <= 0:
        found.append("an arm without traffic cannot be compared")
    return tuple(found)


def units_of_control(assumption: Assumption, criterion: Criterion) -> int:
    """Return the units that control needs; the treatment needs `ratio` times as many.

    Raises ValueError with the first of `problems`.
    """
    for problem in problems(assumption, criterion):
        raise ValueError(problem)
    delta = assumption.baseline * assumption.effect
    spread = _variance(assumption, 0.0) + _variance(assumption, assumption.effect) / criterion.ratio
    return ceil(criterion.z**2 * spread / delta**2 - _TOLERANCE)


def detectable(
    units: float, assumption: Assumption, criterion: Criterion, *, lower: bool = False
) -> float:
    """Return the smallest relative effect found with `units` in control (`ratio` times as many in
    the treatment); negative if `lower`. Infinite if no effect that is possible would be found.

    The effect of the assumption is ignored.
    """
    sign = -1.0 if lower else 1.0
    baseline = assumption.baseline
    if units <= 0 or baseline == 0:
        return sign * inf

    def found(effect: float) -> bool:
        spread = _variance(assumption, 0.0) + _variance(assumption, effect) / criterion.ratio
        return abs(baseline * effect) >= criterion.z * sqrt(spread / units)

    most = 1.0 if lower else 1 / baseline - 1 if assumption.sd is None else inf
    if assumption.sd is not None:
        return (
            sign
            * criterion.z
            * sqrt(assumption.sd**2 * (1 + 1 / criterion.ratio) / units)
            / abs(baseline)
        )
    if not found(sign * most):
        return sign * inf
    small, large = 0.0, most
    for _ in range(60):
        middle = (small + large) / 2
        small, large = (small, middle) if found(sign * middle) else (middle, large)
    return sign * large


def _variance(assumption: Assumption, effect: float) -> float:
    """Variance of one unit in an arm whose mean is `1 + effect` times the baseline."""
    if assumption.sd is not None:
        return assumption.sd**2
    rate = assumption.baseline * (1 + effect)
    return rate * (1 - rate)
