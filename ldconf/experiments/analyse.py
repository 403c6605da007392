"""From counts to results: every metric of every arm, health, warnings, slices and earlier looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ldconf.core.aggregates import Aggregates, ArmCounts, Slice
from ldconf.core.analysis import Analysis, Look, MetricResult, SliceResult
from ldconf.core.errors import UsageError
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.experiments import cautions, estimates, health, plausible, significance
from ldconf.experiments.estimates import DECIDING, FULL, SLICED, Detail
from ldconf.experiments.sample_ratio import sample_ratio


def analyse(
    design: ExperimentDesign,
    aggregates: Aggregates,
    history: Sequence[Aggregates] = (),
    detail: Detail = FULL,
) -> Analysis:
    """Return the results of one iteration.

    `history` holds the counts as they were at earlier times. The same counts always give the same
    result. With the methodology `export_only` only the data are summarised, nothing is estimated.
    Raises UsageError with everything about the counts that cannot be.
    """
    wrong = plausible.problems(design, aggregates)
    if wrong:
        raise UsageError(f"these counts cannot be: {'; '.join(wrong)}")
    if design.started is None and aggregates.started is not None:
        design = replace(design, started=aggregates.started)
    metrics = _metrics(design, aggregates, aggregates.arms, detail)
    exposed = _exposed(design, aggregates.arms)
    ratio = sample_ratio(design, exposed)
    return Analysis(
        design=design,
        as_of=aggregates.as_of,
        source=aggregates.source,
        exposed=exposed,
        metrics=metrics,
        health=health.checks(health.Found(design, aggregates, metrics, ratio)),
        warnings=cautions.of_experiment(design, aggregates, metrics, ratio),
        sample_ratio=ratio,
        crossover=sum(arm.crossover for arm in aggregates.arms.values()),
        slices=tuple(_slice(design, aggregates, part) for part in aggregates.slices),
        history=tuple(
            _look(design, earlier) for earlier in sorted(history, key=lambda one: one.as_of)
        ),
    )


def _metrics(
    design: ExperimentDesign,
    aggregates: Aggregates,
    arms: Mapping[str, ArmCounts],
    detail: Detail,
    *seed: object,
) -> tuple[MetricResult, ...]:
    found = [_estimated(design, metric, arms, detail, *seed) for metric in design.metrics]
    if design.methodology == "frequentist":
        found = list(significance.corrected(found, design.frequentist))
    seen = [replace(one, seen=_seen(one, aggregates)) for one in found]
    return tuple(
        replace(one, warnings=cautions.of_metric(design, metric, one))
        for metric, one in zip(design.metrics, seen, strict=True)
    )


def _estimated(
    design: ExperimentDesign,
    metric: MetricDesign,
    arms: Mapping[str, ArmCounts],
    detail: Detail,
    *seed: object,
) -> MetricResult:
    if design.methodology == "export_only":
        return estimates.blank(design, metric, arms)
    if design.methodology == "frequentist":
        return significance.tested(design, metric, arms)
    return estimates.bayesian(design, metric, arms, detail, *seed)


def _seen(metric: MetricResult, aggregates: Aggregates) -> int | None:
    """Return the newest event; figures that were typed by hand have none, but counts."""
    newest = aggregates.seen.get(metric.key)
    if newest is None and any(arm.total for arm in metric.arms):
        return aggregates.last_event or aggregates.as_of
    return newest


def _exposed(design: ExperimentDesign, arms: Mapping[str, ArmCounts]) -> dict[str, int]:
    return {
        key: arms[key].exposed if key in arms else 0 for key in estimates.order_of(design, arms)
    }


def _slice(design: ExperimentDesign, aggregates: Aggregates, part: Slice) -> SliceResult:
    metrics = _metrics(design, aggregates, part.arms, SLICED, part.attribute, part.value)
    return SliceResult(part.attribute, part.value, metrics)


def _look(design: ExperimentDesign, earlier: Aggregates) -> Look:
    metrics = _metrics(design, earlier, earlier.arms, DECIDING, earlier.as_of)
    return Look(
        as_of=earlier.as_of,
        exposed=_exposed(design, earlier.arms),
        p_beat_control={
            metric.key: {
                arm.variation: arm.p_beat_control for arm in metric.arms if not arm.is_control
            }
            for metric in metrics
        },
        p_best={
            metric.key: {arm.variation: arm.p_best for arm in metric.arms} for metric in metrics
        },
    )
