"""What the counts of one arm say of one metric: figures of the data, and a posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ldconf.core.aggregates import ArmCounts, UnitStatistics
from ldconf.core.analysis import ArmResult
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.experiments import models, percentile
from ldconf.experiments.models import Estimate, Sample
from ldconf.experiments.posterior import Empirical, Posterior

Kind = Literal["rate", "mean", "percentile", "ratio"]
Model = Literal["bayesianBeta", "bayesianNormal", "bayesianBootstrap"]


@dataclass(frozen=True)
class Fit:
    """One arm's posterior, and what it came from."""

    posterior: Posterior
    model: Model
    data_weight: float = 1.0
    prior_mean: float | None = None


def kind_of(metric: MetricDesign) -> Kind:
    """Return what of a metric is compared."""
    if metric.percentile is not None:
        return "percentile"
    if metric.per_unit == "occurrence":
        return "rate"
    return "mean" if metric.denominator is None else "ratio"


def data_of(metric: MetricDesign, counts: ArmCounts) -> ArmResult:
    """Return what was counted in one arm; nothing estimated yet."""
    found = counts.metrics.get(metric.key) or UnitStatistics(0, 0.0, 0.0)
    data = models.sample(replace(metric, percentile=None), found)
    kind = kind_of(metric)
    mean = data.mean if data else None
    if kind == "percentile":
        mean = _percentile_of_data(metric, found)
    return ArmResult(
        variation="",
        is_control=False,
        exposed=counts.exposed,
        units=found.units,
        total=found.total if kind == "rate" else found.event_total or found.total,
        data_mean=mean,
        data_sd=data.sd if data and (data.units > 1 or kind == "rate") else None,
    )


def fit(
    design: ExperimentDesign, metric: MetricDesign, arms: Mapping[str, ArmCounts], variation: str
) -> Fit | None:
    """Return an arm's posterior; None without enough data.

    A treatment's prior is centred on control, if the design asks for LaunchDarkly's.
    """
    found = _statistics(arms, variation, metric)
    if found is None:
        return None
    if metric.percentile is not None:
        posterior = _percentile(metric, found)
        return Fit(posterior, "bayesianBootstrap") if posterior else None
    control = None
    if variation != design.control and design.prior == "launchdarkly":
        control = _statistics(arms, design.control, metric)
    if metric.per_unit == "occurrence":
        return _fitted(_rate(found, control, design.tau), "bayesianBeta")
    data = models.sample(metric, found)
    if data is None:
        return None
    base = models.sample(metric, control) if control else None
    prior = models.mean_prior(base, design.tau) if base else None
    return _fitted(models.mean(data, prior), "bayesianNormal")


def _rate(found: UnitStatistics, control: UnitStatistics | None, tau: float) -> Estimate:
    prior = models.FLAT_RATE
    if control is not None:
        prior = models.rate_prior(models.rate(control.total, control.units), found.units, tau)
    return models.rate_estimate(found.total, found.units, prior)


def _fitted(estimate: Estimate, model: Model) -> Fit:
    return Fit(estimate.posterior, model, estimate.data_weight, estimate.prior_mean)


def _statistics(
    arms: Mapping[str, ArmCounts], key: str, metric: MetricDesign
) -> UnitStatistics | None:
    found = arms[key].metrics.get(metric.key) if key in arms else None
    return found if found is not None and found.units > 0 else None


def _percentile(metric: MetricDesign, found: UnitStatistics) -> Empirical | None:
    """Return the posterior of a percentile; None if there are too few values for it."""
    share = (metric.percentile or 0.0) / 100
    fewest = percentile.fewest(share)
    if metric.over_requests:
        clusters = found.cluster
        if clusters is None or percentile.independent(clusters, found.units, share) < fewest:
            return None
        return percentile.of_events(clusters, found.units, share)
    if found.order is None or found.units < fewest:
        return None
    return percentile.of_units(found.order, found.units, share)


def _percentile_of_data(metric: MetricDesign, found: UnitStatistics) -> float | None:
    share = (metric.percentile or 0.0) / 100
    if metric.over_requests:
        return percentile.sample_of_events(found.cluster, share) if found.cluster else None
    return percentile.sample(found.order, found.units, share) if found.order else None


def sample_of(metric: MetricDesign, found: UnitStatistics) -> Sample | None:
    """Return mean and spread for tests; of a percentile, those of its bootstrap distribution."""
    if metric.percentile is None:
        return models.sample(metric, found)
    posterior = _percentile(metric, found)
    mean = _percentile_of_data(metric, found)
    if posterior is None or mean is None:
        return None
    return Sample(found.units, mean, posterior.sd * found.units**0.5)
