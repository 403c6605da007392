"""One metric, counted per arm and cohort: from rows of the aggregation SQL to sums over units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ldconf.core.aggregates import Denominator, UnitStatistics
from ldconf.core.experiment import MetricDesign, PerUnit
from ldconf.core.resource import Json
from ldconf.experiments import aggregation_sql as sql
from ldconf.experiments.aggregation_questions import Questions, Row
from ldconf.experiments.percentile_slices import Cell, cluster_slices, order_slices

NOTHING = UnitStatistics(0, 0.0, 0.0)
# SQL for a unit's value, and for whether it has one.
PER_UNIT: Mapping[PerUnit, tuple[str, str]] = {
    "sum": ("total", "valued > 0"),
    "average": ("total / valued", "valued > 0"),
    "count": ("CAST(events AS DOUBLE PRECISION)", "events > 0"),
    "occurrence": ("1.0", "events > 0"),
}


@dataclass(frozen=True)
class MetricCounts:
    """The metrics at one look. `moments` are the rows of all events, `exposed` the units per cell;
    `cohorts` says which ones are asked for, `values` are the look's parameters."""

    questions: Questions
    moments: Sequence[Row]
    exposed: Mapping[Cell, int]
    cohorts: str
    values: Mapping[str, Json]

    def of(self, metric: MetricDesign) -> dict[Cell, UnitStatistics]:
        """Return a metric of every cell with exposed units."""
        found = self._moments(metric)
        if metric.denominator is not None:
            found = self._ratios(metric, found)
        if metric.percentile is not None:
            found = self._with_slices(metric, found)
        return {
            cell: _with_missing(found.get(cell, NOTHING), metric, units)
            for cell, units in self.exposed.items()
        }

    def _moments(self, metric: MetricDesign) -> dict[Cell, UnitStatistics]:
        """Return the metric's sums, from those of its event. An event without a value is none for
        a metric of values, as LaunchDarkly has it."""
        event = self.questions.events.index(metric.event_key)
        found: dict[Cell, UnitStatistics] = {}
        for cohort, arm, event_, units, events, events_squares, *of_values in self.moments:
            if event_ != event:
                continue
            values, valued, total, squares, means, mean_squares = of_values
            match metric.per_unit:
                case "occurrence":
                    chosen = (units, units, units, events)
                case "count":
                    chosen = (units, events, events_squares, events)
                case "sum":
                    chosen = (valued, total, squares, values)
                case "average":
                    chosen = (valued, means, mean_squares, values)
            found[cohort, arm] = UnitStatistics(
                units=int(chosen[0]),
                total=float(chosen[1] or 0),
                squares=float(chosen[2] or 0),
                events=int(chosen[3]),
                event_total=float(total or 0),
            )
        return found

    def _ratios(
        self, metric: MetricDesign, known: Mapping[Cell, UnitStatistics]
    ) -> dict[Cell, UnitStatistics]:
        """Return the sums of value and divisor, of units that have either."""
        wanted = self._wanted(metric)
        wanted["divisor"] = self.questions.events.index(metric.denominator or "")
        value = "CAST(events AS DOUBLE PRECISION)" if metric.per_unit == "count" else "total"
        rows = self.questions.rows(sql.RATIO, wanted, cohort=self.cohorts, value=value)
        return {
            (row[0], row[1]): replace(
                known.get((row[0], row[1]), NOTHING),
                units=row[2],
                total=row[3],
                squares=row[4],
                denominator=Denominator(total=row[5], squares=row[6], cross=row[7]),
            )
            for row in rows
        }

    def _with_slices(
        self, metric: MetricDesign, known: Mapping[Cell, UnitStatistics]
    ) -> dict[Cell, UnitStatistics]:
        """Add what a percentile needs."""
        wanted = {**self._wanted(metric), "p": (metric.percentile or 0) / 100}
        ask, cohort = self.questions.rows, self.cohorts
        if metric.over_requests:
            clusters = cluster_slices(
                ask(sql.CLUSTER_SIZES, wanted, cohort=cohort),
                ask(sql.CLUSTER_POINTS, wanted, cohort=cohort),
            )
            return {cell: replace(one, cluster=clusters.get(cell)) for cell, one in known.items()}
        value, valued = PER_UNIT[metric.per_unit]
        orders = order_slices(ask(sql.ORDER, wanted, cohort=cohort, value=value, valued=valued))
        return {cell: replace(one, order=orders.get(cell)) for cell, one in known.items()}

    def _wanted(self, metric: MetricDesign) -> dict[str, Json]:
        return {**self.values, "event": self.questions.events.index(metric.event_key)}


def _with_missing(known: UnitStatistics, metric: MetricDesign, exposed: int) -> UnitStatistics:
    """Add the exposed units without events, if the metric gives them a value."""
    if metric.denominator is not None and known.denominator is None:
        known = replace(known, denominator=Denominator(0.0, 0.0, 0.0))
    rest, value = exposed - known.units, metric.missing
    if value is None or rest <= 0:
        return known
    return replace(
        known,
        units=exposed,
        total=known.total + rest * value,
        squares=known.squares + rest * value * value,
    )
