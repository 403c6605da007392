"""Probabilities and differences between the posteriors of arms. Higher is larger here; whoever
asks knows which direction is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import exp, pi, sqrt

from ldconf.core.analysis import Difference, Interval
from ldconf.core.experiment import CREDIBLE_MASS
from ldconf.experiments.numeric import Floats, integrate, np, special
from ldconf.experiments.posterior import Beta, Empirical, Normal, Posterior


def greater(one: Posterior, other: Posterior, times: float = 1.0) -> float:
    """Return P(one > times x other), independent; half of a tie counts. Exact, no random numbers.

    Both are of the same kind. Raises TypeError if not.
    """
    match one, other:
        case Normal(), Normal():
            spread = sqrt(one.sigma**2 + (times * other.sigma) ** 2)
            return float(special.ndtr((one.mu - times * other.mu) / spread))
        case Beta(), Beta():
            return _clip(_greater_rate(one, other, times))
        case Empirical(), Empirical():
            at = times * other.values
            return _clip(1 - float(other.masses @ (one.cdf(at) + one.under(at))) / 2)
    raise TypeError("posteriors of different kinds cannot be compared")


def loss(chosen: Posterior, other: Posterior) -> float:
    """Return E[max(other - chosen, 0)]: what is lost, on average, where more is better.

    Both are of the same kind. Raises TypeError if not.
    """
    match chosen, other:
        case Normal(), Normal():
            spread = sqrt(chosen.sigma**2 + other.sigma**2)
            z = (other.mu - chosen.mu) / spread
            density = exp(-(z**2) / 2) / sqrt(2 * pi)
            return spread * (density + z * float(special.ndtr(z)))
        case Beta(), Beta():
            # Cut where a narrow one rises: inside a wide range its nodes would miss the rise.
            cuts = sorted({*chosen.support, *other.support})
            return sum(
                integrate(lambda x: chosen.cdf(x) * (1 - other.cdf(x)), lower, upper)
                for lower, upper in pairwise(cuts)
            )
        case Empirical(), Empirical():
            steps = np.union1d(chosen.values, other.values)
            between = chosen.cdf(steps[:-1]) * (1 - other.cdf(steps[:-1]))
            return float(between @ np.diff(steps))
    raise TypeError("posteriors of different kinds cannot be compared")


def best(draws: Sequence[Floats], *, lower_is_better: bool) -> tuple[list[float], list[float]]:
    """Return per arm the share of draws in which it is best, and its mean distance to the best."""
    table = np.stack(draws)
    if lower_is_better:
        table = -table
    top = table.max(axis=0)
    winners = table == top
    shares = (winners / winners.sum(axis=0)).mean(axis=1)
    return shares.tolist(), (top - table).mean(axis=1).tolist()


def difference(
    treatment: Posterior, control: Posterior, draws: tuple[Floats, Floats], *, relative: bool
) -> Difference:
    """Return the difference to control; its interval from draws of (treatment, control)."""
    tails = [(1 - CREDIBLE_MASS) / 2, (1 + CREDIBLE_MASS) / 2]
    gap = draws[0] - draws[1]
    mean = treatment.mean - control.mean
    if relative:
        gap, mean = gap / np.abs(draws[1]), mean / abs(control.mean)
    ends = np.quantile(gap, tails)
    return Difference(mean, Interval(float(ends[0]), float(ends[1])), relative)


def _greater_rate(one: Beta, other: Beta, times: float) -> float:
    """Integrate over the narrower of both, so that the other is smooth there; over the other if
    the narrower one's density has no bound."""
    if times <= 0:
        return 1.0
    over_one = one.sd < other.sd * times
    if min(one.alpha, one.beta) < 1 or min(other.alpha, other.beta) < 1:
        over_one = min(one.alpha, one.beta) > min(other.alpha, other.beta)
    if over_one:
        return _over(one, lambda x: other.cdf(x / times), [end * times for end in other.support])
    return _over(other, lambda x: 1 - one.cdf(times * x), [end / times for end in one.support])


def _over(posterior: Beta, function: Callable[[Floats], Floats], ends: Sequence[float]) -> float:
    """Return the expectation of a function that changes between `ends` only."""
    lower, upper = posterior.support
    cuts = sorted({lower, upper, *(end for end in ends if lower < end < upper)})
    return sum(
        integrate(lambda x: posterior.pdf(x) * function(x), one, other)
        for one, other in pairwise(cuts)
    )


def _clip(probability: float) -> float:
    return min(max(probability, 0.0), 1.0)
