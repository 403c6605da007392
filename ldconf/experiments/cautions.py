"""Warnings that belong to figures: what to mind when reading them."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from ldconf.core import figures
from ldconf.core.aggregates import Aggregates
from ldconf.core.analysis import (
    ALERT,
    WARN,
    ArmResult,
    Caution,
    Code,
    MetricResult,
    SampleRatio,
)
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.core.power import Assumption, Criterion, detectable
from ldconf.experiments import health
from ldconf.experiments.percentile import fewest
from ldconf.experiments.wording import listed, percent, units

STRONG = 0.6  # with less weight than this the data hardly outweigh the prior
COARSE = 0.10  # a relative difference that many changes do not reach


def of_metric(
    design: ExperimentDesign, metric: MetricDesign, result: MetricResult
) -> tuple[Caution, ...]:
    """Return the warnings of one metric's results."""
    return tuple(_of_metric(design, metric, result))


def of_experiment(
    design: ExperimentDesign,
    aggregates: Aggregates,
    metrics: tuple[MetricResult, ...],
    ratio: SampleRatio | None,
) -> tuple[Caution, ...]:
    """Return the warnings of the experiment as a whole."""
    if not aggregates.exposed:
        return (Caution(Code.NO_EXPOSURES, f"no variations exposed yet; {health.NORMAL}"),)
    return tuple(_of_experiment(design, aggregates, metrics, ratio))


def _of_metric(
    design: ExperimentDesign, metric: MetricDesign, result: MetricResult
) -> Iterator[Caution]:
    if result.seen is None:
        words = f"no event {metric.event_key} has been received"
        yield Caution(Code.METRIC_NEVER_SEEN, words)
    if result.kind == "percentile":
        yield from _of_percentile(design, metric, result)
    flat = [arm.variation for arm in result.arms if _has_no_spread(arm, result)]
    if flat:
        words = f"every {design.unit} in {listed(flat)} has the same value: nothing tells how sure"
        yield Caution(Code.ZERO_VARIANCE, f"{words} the mean is")
    absolute = [arm for arm in result.arms if arm.difference and not arm.difference.relative]
    if absolute:
        words = f"{design.control} is too near 0 to divide by, so differences are absolute"
        yield Caution(Code.NEAR_ZERO_BASELINE, words)
    strong = [arm for arm in result.arms if _leans_on_prior(arm)]
    if strong:
        weights = listed(
            f"{arm.variation} {percent(1 - (arm.data_weight or 0.0))}" for arm in strong
        )
        words = "the prior, that treatments are as control is, weighs much of the estimate"
        yield Caution(
            Code.STRONG_PRIOR, f"{words} ({weights}); more {design.unit}s or `prior: flat` lower it"
        )
    if metric.winsorized:
        words = "LaunchDarkly cuts extreme values of this metric, ldconf does not"
        yield Caution(Code.NOT_WINSORIZED, words)


def _of_percentile(
    design: ExperimentDesign, metric: MetricDesign, result: MetricResult
) -> Iterator[Caution]:
    few = [arm for arm in result.arms if arm.mean is None]
    if few and result.seen is not None:
        least = fewest((metric.percentile or 0.0) / 100)
        what = "independent requests" if metric.over_requests else f"{design.unit}s with a value"
        have = listed(
            f"{arm.variation} has {figures.count(arm.units)} {design.unit}s" for arm in few
        )
        words = f"p{metric.percentile:g} needs {least} {what} per arm and values near it; {have}"
        yield Caution(Code.TOO_FEW_FOR_PERCENTILE, words)
    if metric.per_unit == "sum" and not metric.over_requests:
        yield Caution(
            Code.SUM_PER_USER,
            f"this is a percentile of sums per {design.unit}: it grows with the requests that each"
            f" one makes; `overRequests` compares single requests",
        )


def _has_no_spread(arm: ArmResult, result: MetricResult) -> bool:
    """True if an estimate has no interval though there are several values."""
    return arm.units > 1 and arm.data_sd == 0 and result.kind != "rate"


def _leans_on_prior(arm: ArmResult) -> bool:
    return not arm.is_control and arm.data_weight is not None and arm.data_weight < STRONG


def _of_experiment(
    design: ExperimentDesign,
    aggregates: Aggregates,
    metrics: tuple[MetricResult, ...],
    ratio: SampleRatio | None,
) -> Iterator[Caution]:
    yield from _of_size(design, aggregates, metrics)
    if ratio is not None and ratio.probability_of_mismatch >= WARN:
        chance = percent(ratio.probability_of_mismatch)
        certain = "so do not use the results" if ratio.probability_of_mismatch >= ALERT else "watch"
        yield Caution(Code.SRM, f"sample ratio mismatch with probability {chance}: {certain}")
    share = health.crossover_share(aggregates)
    if share > health.CROSSOVER:
        words = f"{percent(share)} of the {design.unit}s met more than one variation"
        yield Caution(Code.CROSSOVER, f"{words}: differences look smaller than they are")
    if aggregates.wrong_unit > health.WRONG_UNIT * aggregates.exposed:
        words = f"{figures.count(aggregates.wrong_unit)} exposures had no context of kind"
        yield Caution(Code.WRONG_UNIT_KIND, f"{words} {design.unit} and are left out")
    unexpected = health.unexpected(design, aggregates)
    if unexpected:
        words = f"{listed(unexpected)} exposed though no arm of the experiment"
        yield Caution(Code.UNEXPECTED_VARIATION, words)
    for key, arm in aggregates.arms.items():
        if len(arm.versions) > 1:
            versions = listed(str(version) for version in sorted(arm.versions))
            words = f"{key} was served in versions {versions}: its results are of a mixture"
            yield Caution(Code.VERSIONS_MIXED, words)


def _of_size(
    design: ExperimentDesign, aggregates: Aggregates, metrics: tuple[MetricResult, ...]
) -> Iterator[Caution]:
    rule = design.decision
    arms = aggregates.arms
    exposed = {key: arms[key].exposed if key in arms else 0 for key in design.arms}
    if not exposed:
        return
    smallest = min(exposed, key=lambda key: exposed[key])
    number = exposed[smallest]
    if number < rule.minimum_units_per_arm:
        least = units(rule.minimum_units_per_arm, design.unit)
        have = units(number, design.unit)
        yield Caution(Code.LOW_SAMPLE, f"{smallest} has {have}, the minimum is {least} per arm")
        return
    planned = rule.planned_units_per_arm
    if planned is not None and number < planned:
        have, of = figures.count(number), units(planned, design.unit)
        yield Caution(Code.UNDERPOWERED, f"{smallest} has {have} of {of} planned per arm")
    elif planned is None:
        yield from _coarse(design, metrics, exposed)


def _coarse(
    design: ExperimentDesign, metrics: tuple[MetricResult, ...], exposed: dict[str, int]
) -> Iterator[Caution]:
    """Warn if only large differences would be found, where no number of units was planned."""
    primary = next((metric for metric in metrics if metric.primary), None)
    control = exposed.get(design.control, 0)
    others = [number for key, number in exposed.items() if key != design.control]
    if primary is None or primary.kind in ("percentile", "ratio") or not control or not others:
        return
    data = primary.arm(design.control)
    if not data.data_mean or (primary.kind != "rate" and not data.data_sd):
        return
    sd = None if primary.kind == "rate" else data.data_sd
    criterion = Criterion(design.threshold, ratio=min(others) / control)
    effect = detectable(
        control, Assumption(data.data_mean, 0.1, sd), criterion, lower=primary.lower_is_better
    )
    if abs(effect) > COARSE:
        what = f"{effect:+.0%} relative" if isfinite(effect) else "no possible difference"
        yield Caution(
            Code.UNDERPOWERED,
            f"with {units(control, design.unit)} in {design.control} only {what} would be found"
            f" 4 times in 5; `ldconf experiment size` tells how many find less",
        )
