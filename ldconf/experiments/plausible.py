"""Counts that cannot be: figures typed by hand or exported by somebody's own query may be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from ldconf.core import figures
from ldconf.core.aggregates import Aggregates, ArmCounts, UnitStatistics
from ldconf.core.experiment import ExperimentDesign, MetricDesign

_ROUNDING = 1e-9


def problems(design: ExperimentDesign, aggregates: Aggregates) -> tuple[str, ...]:
    """Return in words everything that no units could have led to; empty if all is well."""
    found = list(_of_arms(design, aggregates.arms, ""))
    for part in aggregates.slices:
        found += _of_arms(design, part.arms, f" where {part.attribute} is {part.value}")
    return tuple(found)


def _of_arms(design: ExperimentDesign, arms: Mapping[str, ArmCounts], where: str) -> Iterator[str]:
    for variation, counts in arms.items():
        if counts.exposed < 0 or not 0 <= counts.crossover <= counts.exposed:
            exposed = figures.count(counts.exposed)
            yield f"{variation}{where}: crossover must lie between 0 and exposed, {exposed}"
        for metric in design.metrics:
            statistics = counts.metrics.get(metric.key)
            if statistics is not None:
                for words in _of_metric(metric, statistics, counts.exposed):
                    yield f"{metric.key} of {variation}{where}: {words}"


def _of_metric(metric: MetricDesign, found: UnitStatistics, exposed: int) -> Iterator[str]:
    if not 0 <= found.units <= exposed:
        have = f"{figures.count(found.units)} units of {figures.count(exposed)} exposed"
        yield f"{have}; units must lie between 0 and those exposed"
        return
    if not (isfinite(found.total) and isfinite(found.squares)):
        yield "total and squares must be finite numbers"
        return
    if metric.per_unit == "occurrence" and metric.percentile is None:
        if not 0 <= found.total <= found.units:
            yield (
                f"{found.total:g} conversions of {figures.count(found.units)} units; each unit"
                " counts once at most"
            )
        return
    least = found.total**2 / found.units if found.units else 0.0
    if found.squares < least * (1 - _ROUNDING):
        yield (
            f"squares, {found.squares:g}, is the sum of the units' squared values and cannot be"
            f" below total squared by units, {least:g}"
        )
    if not found.units and found.total:
        yield "a total without units"
    below = found.denominator
    if below is not None and found.units:
        if not all(map(isfinite, (below.total, below.squares, below.cross))):
            yield "the denominator's figures must be finite numbers"
        elif below.total < 0 or below.squares < below.total**2 / found.units * (1 - _ROUNDING):
            yield "the denominator's squares cannot be below its total squared by units"
