"""Sample ratio mismatch: did the arms get the shares that they were meant to get?

A Bayes factor of a Dirichlet prior against exactly the meant shares, each half likely before
(statistics notes, 3). It may be read as often as one likes. Whether LaunchDarkly's number of the
same name is this formula is not published.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, lgamma, log

from ldconf.core.analysis import SampleRatio
from ldconf.core.experiment import ExperimentDesign
from ldconf.experiments.numeric import special

FLAT = 1.0  # concentration; 100 finds small mismatches sooner


def log_bayes_factor(
    counts: Sequence[float], shares: Sequence[float], concentration: float = FLAT
) -> float:
    """Return the log of how much better other shares than the meant ones explain the counts.

    `shares` are above 0 and sum to 1.
    """
    priors = [concentration * len(counts) * share for share in shares]
    total = sum(counts)
    found = lgamma(sum(priors)) - lgamma(sum(priors) + total)
    for count, share, prior in zip(counts, shares, priors, strict=True):
        found += lgamma(prior + count) - lgamma(prior) - count * log(share)
    return found


def chi_squared(counts: Sequence[float], shares: Sequence[float]) -> tuple[float, float]:
    """Return the statistic and the p-value of Pearson's test."""
    total = sum(counts)
    statistic = sum(
        (count - total * share) ** 2 / (total * share)
        for count, share in zip(counts, shares, strict=True)
    )
    return statistic, float(special.chdtrc(len(counts) - 1, statistic))


def sample_ratio(
    design: ExperimentDesign, exposed: dict[str, int], concentration: float = FLAT
) -> SampleRatio | None:
    """Return how the exposures compare with the allocation; None before the first exposure or with
    a single arm. Arms that are meant to get nothing are left out."""
    meant = {key: design.allocation[key] for key in design.arms}
    observed = {key: exposed.get(key, 0) for key in meant}
    if len(meant) < 2 or not sum(observed.values()):
        return None
    whole = sum(meant.values())
    expected = {key: share / whole for key, share in meant.items()}
    counts, shares = list(observed.values()), list(expected.values())
    factor = log_bayes_factor(counts, shares, concentration)
    return SampleRatio(expected, observed, _probability(factor), chi_squared(counts, shares)[1])


def _probability(log_factor: float) -> float:
    """Turn even odds times a Bayes factor into a probability."""
    odds = exp(-log_factor) if log_factor > -700 else inf
    return 1 / (1 + odds)
