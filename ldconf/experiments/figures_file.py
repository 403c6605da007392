"""Figures typed from LaunchDarkly's results page -> counts.

LaunchDarkly's API returns no results (reference 13.7), its results page shows per variation the
exposures, conversions or total value, the posterior mean and its 90 % interval. From these follow
the sums that an analysis needs, for rates and means; not for percentiles and ratios.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import sqrt
from statistics import NormalDist

from ldconf.core.aggregates import Aggregates, ArmCounts, UnitStatistics
from ldconf.core.experiment import CREDIBLE_MASS, ExperimentDesign, MetricDesign
from ldconf.core.kind import Problem
from ldconf.core.resource import Json
from ldconf.experiments.figures_model import ArmFigures, FiguresError, FiguresFile, parsed

# Half of a 90 % interval of a normal distribution, in standard deviations.
Z90 = NormalDist().inv_cdf((1 + CREDIBLE_MASS) / 2)
NEAREST = 0.01  # treatment and control nearer than that: their prior's weight cannot be told
Where = tuple[str | int, ...]


def counts_of_figures(found: Json, design: ExperimentDesign, as_of: int, source: str) -> Aggregates:
    """Return the counts behind figures: `found` is the plain data of a file such as `template`
    gives. `as_of` (epoch ms) counts if the file does not say when the figures were read.

    A metric without figures is left out, and `notes` say so. Raises FiguresError.
    """
    file = parsed(found)
    reading = _Reading(file, design)
    problems = tuple(reading.problems())
    if problems:
        raise FiguresError(problems)
    at = as_of if file.as_of is None else file.as_of
    typed = [metric for metric in design.metrics if reading.is_typed(metric.key)]
    return Aggregates(
        arms={
            arm: ArmCounts(
                exposed=file.exposures[arm],
                metrics={metric.key: reading.statistics(metric, arm) for metric in typed}
                | {m.key: UnitStatistics(0, 0.0, 0.0) for m in design.metrics if m not in typed},
                crossover=file.crossover.get(arm, 0),
            )
            for arm in design.allocation
        },
        as_of=at,
        source=source,
        started=design.started if file.started is None else file.started,
        seen={
            metric.key: None if metric.key in file.never_seen or metric not in typed else at
            for metric in design.metrics
        },
        notes=tuple(_left_out(metric) for metric in design.metrics if metric not in typed),
    )


@dataclass(frozen=True)
class _Reading:
    """A file whose values have the right types."""

    file: FiguresFile
    design: ExperimentDesign

    def is_typed(self, metric: str) -> bool:
        """True if the file holds figures of a metric, not only empty fields."""
        return any(
            figures != ArmFigures() for figures in self.file.metrics.get(metric, {}).values()
        )

    def problems(self) -> Iterator[Problem]:
        """Yield what does not fit the experiment, or does not suffice."""
        file, design = self.file, self.design
        if file.experiment != design.key:
            yield Problem(
                f"these are figures of {file.experiment}, not {design.key}", ("experiment",)
            )
        if file.iteration != design.iteration:
            yield Problem(
                f"these are figures of iteration {file.iteration}; the files speak of iteration "
                f"{design.iteration}",
                ("iteration",),
            )
        if file.as_of is not None and file.started is not None and file.as_of < file.started:
            yield Problem("the figures were read before the iteration `started`", ("asOf",))
        yield from self._keys(("exposures",), file.exposures, whole=True)
        yield from self._keys(("crossover",), file.crossover)
        keys = {metric.key: metric for metric in design.metrics}
        for index, key in enumerate(file.never_seen):
            if key not in keys:
                yield Problem(_unknown("metric", key, keys), ("neverSeen", index))
        if not self.is_typed(design.primary):
            yield Problem(
                f"there are no figures of the primary metric {design.primary}", ("metrics",)
            )
        for key, arms in file.metrics.items():
            where = ("metrics", key)
            metric = keys.get(key)
            if metric is None:
                yield Problem(_unknown("metric", key, keys), where)
            elif words := underivable(metric):
                yield Problem(words, where)
            elif self.is_typed(key):
                yield from self._keys(where, arms, whole=True)
                for arm, figures in arms.items():
                    if arm in design.allocation and arm in file.exposures:
                        yield from self._metric(metric, arm, figures)

    def _keys(
        self, where: Where, found: Mapping[str, object], *, whole: bool = False
    ) -> Iterator[Problem]:
        arms = self.design.allocation
        for key in found:
            if key not in arms:
                yield Problem(_unknown("variation", key, arms), (*where, key))
        for arm in arms if whole else ():
            if arm not in found:
                yield Problem(f"variation {arm} is missing", where)

    def _metric(self, metric: MetricDesign, arm: str, figures: ArmFigures) -> Iterator[Problem]:
        where = ("metrics", metric.key, arm)
        exposed = self.file.exposures[arm]
        if metric.per_unit == "occurrence":
            if figures.conversions is None:
                yield Problem("`conversions` is missing: units that did it", where)
            elif figures.conversions > exposed:
                yield Problem(
                    f"{figures.conversions} of {exposed} exposed units cannot have converted",
                    (*where, "conversions"),
                )
            return
        units = self._units(metric, arm, figures)
        if units is None:
            yield Problem("`units` is missing: units with events, others are left out", where)
            return
        if units > exposed:
            yield Problem(f"{units} units are more than the {exposed} exposed", (*where, "units"))
        if figures.total is None and figures.mean is None:
            yield Problem("`total` is missing (or `mean`, that of the data)", where)
        elif units > 1 and isinstance(spread := self._sd(metric, arm, figures, units), str):
            yield Problem(spread, where)

    def _units(self, metric: MetricDesign, arm: str, figures: ArmFigures) -> int | None:
        if metric.missing is not None:
            return self.file.exposures[arm]
        return figures.units

    def _mean(self, metric: MetricDesign, arm: str) -> float | None:
        """Return the data's mean in an arm, None if it cannot be told."""
        figures = self.file.metrics[metric.key].get(arm)
        if figures is None or arm not in self.file.exposures:
            return None
        units = self._units(metric, arm, figures)
        if figures.total is not None and units:
            return float(figures.total) / units
        return None if figures.mean is None else float(figures.mean)

    def _sd(self, metric: MetricDesign, arm: str, figures: ArmFigures, units: int) -> float | str:
        """Return the standard deviation of units, or in words why it cannot be derived.

        The interval is that of the posterior. Control's posterior is its data; a treatment's is
        narrower by the root of the data's weight, which its posterior mean tells.
        """
        if figures.sd is not None:
            return float(figures.sd)
        if figures.interval is None:
            return "`sd` is missing, or `interval`: the ends of the 90 % interval"
        lower, upper = figures.interval
        if upper < lower:
            return f"the `interval` ends below its start: {upper} < {lower}"
        sd = (upper - lower) / 2 / Z90 * sqrt(units)
        if arm == self.design.control:
            return sd
        if figures.posterior_mean is None:
            return "`posteriorMean` is missing: a treatment's `interval` can only be read beside it"
        own, control = self._mean(metric, arm), self._mean(metric, self.design.control)
        if own is None or control is None:
            return f"the mean of control {self.design.control} is needed to read the `interval`"
        if abs(own - control) < NEAREST * max(abs(own), abs(control)):
            return (
                "the spread cannot be derived: the means of control and treatment are too near to "
                "tell how much the data weigh; give `sd`, or analyse events"
            )
        weight = (figures.posterior_mean - control) / (own - control)
        if not 0 < weight <= 1:
            return (
                f"the `posteriorMean` {figures.posterior_mean:g} is not between control's mean "
                f"{control:g} and the data's own {own:g}"
            )
        return sd / sqrt(weight)

    def statistics(self, metric: MetricDesign, arm: str) -> UnitStatistics:
        """Return the sums of a metric without problems."""
        figures = self.file.metrics[metric.key][arm]
        if metric.per_unit == "occurrence":
            done = figures.conversions or 0
            return UnitStatistics(self.file.exposures[arm], done, done)
        units = self._units(metric, arm, figures) or 0
        mean = self._mean(metric, arm) or 0.0
        sd = self._sd(metric, arm, figures, units) if units > 1 else 0.0
        assert not isinstance(sd, str)
        total = mean * units
        squares = sd * sd * (units - 1) + total * mean if units else 0.0
        return UnitStatistics(units, total, squares)


def underivable(metric: MetricDesign) -> str | None:
    """Return in words why a metric cannot be had from figures, None if it can."""
    if metric.percentile is not None:
        return (
            "a percentile cannot be derived from figures of the results page: leave the metric "
            "out, or analyse events"
        )
    if metric.denominator is not None:
        return (
            "a ratio needs how value and divisor vary together, which the results page does not "
            "show: leave the metric out, or analyse events"
        )
    return None


def _left_out(metric: MetricDesign) -> str:
    reason = underivable(metric) or "the file has no figures of it"
    return f"{metric.key} is not analysed: {reason.partition(':')[0]}"


def _unknown(what: str, key: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
    return f"the experiment has no {what} {key!r}: {hint}"
