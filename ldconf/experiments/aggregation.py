"""From events to counts: runs the SQL of `aggregation_sql` and puts the figures together.

One reading of the events serves every metric and every look: they are first taken together per
metric event, unit and look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ldconf.core.aggregates import (
    Aggregates,
    ArmCounts,
    Denominator,
    Slice,
    UnitStatistics,
)
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.core.resource import Json
from ldconf.experiments import aggregation_sql as sql
from ldconf.experiments.percentile_slices import cluster_slices, order_slices

Row = tuple[Json, ...]
Ask = Callable[[str, Mapping[str, Json]], Sequence[Row]]
Cell = tuple[int, int]  # cohort, arm
EVERYONE = 0
FOREVER = 2**62


def aggregate(
    ask: Ask, design: ExperimentDesign, looks: Sequence[int], source: str
) -> tuple[Aggregates, ...]:
    """Return the counts of an iteration as they were at each of `looks` (ms), oldest first.

    `ask` runs a statement on a database with the relations of `aggregation_sql`, on one and the
    same connection, and returns its rows. Events count from the unit's first exposure to the
    iteration's end; one at the very moment of a look counts. Slices by attributes are only in the
    last one, and so is what counts exposures without the randomization unit.
    """
    if not looks:
        raise ValueError("at least one look")
    counting = _Counting.of(ask, design, tuple(sorted(set(looks))))
    counting.clean_up()
    try:
        counting.gather()
        return tuple(counting.look(index, source) for index in range(len(counting.looks)))
    finally:
        counting.clean_up()


@dataclass(frozen=True)
class _Counting:
    """One run. `events` are the event keys that metrics and their denominators need."""

    ask: Ask
    design: ExperimentDesign
    looks: tuple[int, ...]
    arms: tuple[str, ...]
    events: tuple[str, ...]
    names: dict[int, tuple[str, str]] = field(default_factory=dict)  # cohort -> attribute, value

    @classmethod
    def of(cls, ask: Ask, design: ExperimentDesign, looks: tuple[int, ...]) -> _Counting:
        keys = [key for one in design.metrics for key in (one.event_key, one.denominator) if key]
        return cls(ask, design, looks, tuple(design.allocation), tuple(dict.fromkeys(keys)))

    def clean_up(self) -> None:
        for statement in (*sql.DROP_TRAITS, *sql.CLEAN_UP):
            self._ask(statement)

    def gather(self) -> None:
        """Read exposures, events and contexts, each once."""
        self._ask(sql.TOUCHED)
        self._ask(sql.MEMBERS)
        self._ask(sql.STEPS)
        if any(metric.over_requests for metric in self.design.metrics):
            self._ask(sql.REQUESTS)
        self._ask(sql.COHORTS)
        for number, attribute in enumerate(self.design.attributes):
            self._slice_by(attribute, base=number * (sql.MOST_VALUES + 1))

    def look(self, index: int, source: str) -> Aggregates:
        """Return the counts at one of the looks."""
        is_last = index == len(self.looks) - 1
        at = self._end(self.looks[index])
        values: dict[str, Json] = {"look": index, "at": at}
        self._ask(sql.DROP_PER_UNIT)
        self._ask(sql.PER_UNIT, values)
        cohort = "cohort >= 0" if is_last else f"cohort = {EVERYONE}"
        exposed = {
            (row[0], row[1]): row[2:] for row in self._ask(sql.EXPOSED, values, cohort=cohort)
        }
        moments = self._ask(sql.MOMENTS, values, cohort=cohort)
        statistics = {
            metric.key: self._statistics(metric, exposed, moments, values, cohort)
            for metric in self.design.metrics
        }
        seen = {self.events[event]: ts for event, ts in self._ask(sql.SEEN, values)}
        versions = self._versions(at)
        arms = self._arms(EVERYONE, exposed, statistics)
        firsts = [row[2] for (cohort_, _), row in exposed.items() if cohort_ == EVERYONE]
        return Aggregates(
            arms={arm: replace(counts, versions=versions[arm]) for arm, counts in arms.items()},
            as_of=self.looks[index],
            source=source,
            started=self.design.started,
            first_exposure=min(firsts, default=None),
            last_event=self._one(sql.NEWEST, values),
            seen={metric.key: seen.get(metric.event_key) for metric in self.design.metrics},
            wrong_unit=int(self._one(sql.WITHOUT_UNIT)) if is_last else 0,
            events_without_unit=int(self._one(sql.ADRIFT, values)),
            unexpected=dict(self._ask(sql.UNEXPECTED)) if is_last else {},
            slices=tuple(
                Slice(attribute, value, self._arms(number, exposed, statistics))
                for number, (attribute, value) in self.names.items()
                if is_last
            ),
        )

    def _arms(
        self,
        cohort: int,
        exposed: Mapping[Cell, Row],
        statistics: Mapping[str, Mapping[Cell, UnitStatistics]],
    ) -> dict[str, ArmCounts]:
        found: dict[str, ArmCounts] = {}
        for number, arm in enumerate(self.arms):
            units, crossed, _ = exposed.get((cohort, number), (0, 0, None))
            metrics = {key: cells[cohort, number] for key, cells in statistics.items()}
            found[arm] = ArmCounts(exposed=units, metrics=metrics, crossover=int(crossed))
        return found

    def _statistics(
        self,
        metric: MetricDesign,
        exposed: Mapping[Cell, Row],
        sums: Sequence[Row],
        values: Mapping[str, Json],
        cohort: str,
    ) -> dict[Cell, UnitStatistics]:
        """Return a metric of every arm in every cohort, also those without exposures."""
        moments = self._moments(metric, sums)
        if metric.denominator is not None:
            ratios = self._ratios(metric, values, cohort)
            moments = {
                cell: replace(ratio, events=known.events, event_total=known.event_total)
                for cell, ratio in ratios.items()
                for known in (moments.get(cell, UnitStatistics(0, 0.0, 0.0)),)
            }
        wanted = {**values, "event": self.events.index(metric.event_key)}
        if metric.percentile is not None:
            wanted["p"] = metric.percentile / 100
            moments = self._with_slices(metric, moments, wanted, cohort)
        cohorts = (EVERYONE, *self.names)
        cells = [(number, arm) for number in cohorts for arm in range(len(self.arms))]
        return {
            cell: _with_missing(
                moments.get(cell, UnitStatistics(0, 0.0, 0.0)),
                metric,
                exposed.get(cell, (0,))[0],
            )
            for cell in cells
        }

    def _moments(self, metric: MetricDesign, sums: Sequence[Row]) -> dict[Cell, UnitStatistics]:
        """Return the metric's sums, from those of its event. An event without a value is none for
        a metric of values, as LaunchDarkly has it."""
        event = self.events.index(metric.event_key)
        found: dict[Cell, UnitStatistics] = {}
        for cohort, arm, event_, units, events, events_squares, *of_values in sums:
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
        self, metric: MetricDesign, values: Mapping[str, Json], cohort: str
    ) -> dict[Cell, UnitStatistics]:
        wanted = {
            **values,
            "event": self.events.index(metric.event_key),
            "divisor": self.events.index(metric.denominator or ""),
        }
        value = "CAST(events AS DOUBLE PRECISION)" if metric.per_unit == "count" else "total"
        rows = self._ask(sql.RATIO, wanted, cohort=cohort, value=value)
        return {
            (row[0], row[1]): UnitStatistics(
                units=row[2],
                total=row[3],
                squares=row[4],
                denominator=Denominator(total=row[5], squares=row[6], cross=row[7]),
            )
            for row in rows
        }

    def _with_slices(
        self,
        metric: MetricDesign,
        moments: Mapping[Cell, UnitStatistics],
        wanted: Mapping[str, Json],
        cohort: str,
    ) -> dict[Cell, UnitStatistics]:
        if metric.over_requests:
            clusters = cluster_slices(
                self._ask(sql.CLUSTER_SIZES, wanted, cohort=cohort),
                self._ask(sql.CLUSTER_POINTS, wanted, cohort=cohort),
            )
            return {
                cell: replace(known, cluster=clusters.get(cell)) for cell, known in moments.items()
            }
        value, valued = {
            "sum": ("total", "valued > 0"),
            "average": ("total / valued", "valued > 0"),
            "count": ("CAST(events AS DOUBLE PRECISION)", "events > 0"),
            "occurrence": ("1.0", "events > 0"),
        }[metric.per_unit]
        rows = self._ask(sql.ORDER, wanted, cohort=cohort, value=value, valued=valued)
        orders = order_slices(rows)
        return {cell: replace(known, order=orders.get(cell)) for cell, known in moments.items()}

    def _versions(self, at: int) -> dict[str, dict[int, int]]:
        found: dict[str, dict[int, int]] = {arm: {} for arm in self.arms}
        for number, version, ts in self._ask(sql.VERSIONS):
            if ts <= at:
                found[self.arms[number]][version] = ts
        return found

    def _slice_by(self, attribute: str, base: int) -> None:
        """Make a cohort of each value of an attribute: the most frequent ones, and the rest."""
        inner = pointer(attribute)
        values = {
            "pointer": inner,
            "inner_pointer": pointer(self.design.unit) + inner,
            "base": base,
        }
        self._ask(sql.TRAITS, values)
        self._ask(sql.PLACES)
        self._ask(sql.SLICES, values)
        places = self._ask(sql.VALUES)
        for place, value in places[: sql.MOST_VALUES]:
            self.names[base + place] = (attribute, value)
        rest = len(places) - sql.MOST_VALUES
        if rest > 0:
            words = f"({rest} other value{'' if rest == 1 else 's'})"
            self.names[base + sql.MOST_VALUES + 1] = (attribute, words)
        for statement in sql.DROP_TRAITS:
            self._ask(statement)

    def _end(self, look: int) -> int:
        """The last millisecond that counts at a look: the iteration's end is not part of it."""
        return look if self.design.ended is None else min(look, self.design.ended - 1)

    def _one(self, statement: str, values: Mapping[str, Json] | None = None) -> Json:
        return self._ask(statement, values)[0][0]

    def _ask(
        self, statement: str, values: Mapping[str, Json] | None = None, **words: str
    ) -> Sequence[Row]:
        """Run a statement: its words in braces filled in, with the parameters that it names."""
        statement = statement.format(**self._words(), **words)
        known = {**self._values(), **(values or {})}
        named = set(re.findall(r"\$(\w+)", statement))
        return self.ask(statement, {name: known[name] for name in named & known.keys()})

    def _words(self) -> dict[str, str]:
        if not self.design.rule:
            rule = "rule_id IS NOT NULL"
        elif self.design.rule == "fallthrough":
            rule = "rule_id IS NULL"
        else:
            rule = "rule_id = $rule"
        ends = [self._end(look) for look in self.looks[:-1]]
        return {
            "rule": rule,
            "arms": ", ".join(f"$arm{number}" for number in range(len(self.arms))),
            "arm": _numbered("arm", "arm", len(self.arms)),
            "events": ", ".join(f"$event{number}" for number in range(len(self.events))),
            "event": _numbered("event_key", "event", len(self.events)),
            "look": _look(ends),
        }

    def _values(self) -> dict[str, Json]:
        design = self.design
        return {
            "project": design.project,
            "environment": design.environment,
            "flag": design.ai_config,
            "unit": design.unit,
            "rule": design.rule,
            "started": -FOREVER if design.started is None else design.started,
            "until": self._end(self.looks[-1]),
            **{f"arm{number}": arm for number, arm in enumerate(self.arms)},
            **{f"event{number}": event for number, event in enumerate(self.events)},
        }


def _numbered(column: str, name: str, count: int) -> str:
    """Return SQL for the number of a column's value among parameters."""
    cases = " ".join(f"WHEN ${name}{number} THEN {number}" for number in range(count))
    return f"CASE {column} {cases} END"


def _look(ends: Iterable[int]) -> str:
    """Return SQL for the number of the first look that sees an event."""
    cases = [f"WHEN found.ts <= {end} THEN {number}" for number, end in enumerate(ends)]
    return f"CASE {' '.join(cases)} ELSE {len(cases)} END" if cases else "0"


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


def pointer(attribute: str) -> str:
    """Return the JSON pointer of a context attribute: a name, or a reference such as `/a/b`."""
    if attribute.startswith("/"):
        return attribute
    return "/" + attribute.replace("~", "~0").replace("/", "~1")
