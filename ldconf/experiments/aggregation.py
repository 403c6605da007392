"""From events to counts: runs the SQL of `aggregation_sql` and puts the figures together.

One reading of the events serves every metric and every look: they are first taken together per
metric event, unit and look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ldconf.core.aggregates import Aggregates, ArmCounts, Slice, UnitStatistics
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.resource import Json
from ldconf.experiments import aggregation_sql as sql
from ldconf.experiments.aggregation_metrics import MetricCounts
from ldconf.experiments.aggregation_questions import Ask, Questions, Row
from ldconf.experiments.percentile_slices import Cell

EVERYONE = 0


def aggregate(
    ask: Ask, design: ExperimentDesign, looks: Sequence[int], source: str
) -> tuple[Aggregates, ...]:
    """Return the counts of an iteration as they were at each of `looks` (ms), oldest first.

    `ask` runs a statement on a database with the relations of `aggregation_sql`, on one and the
    same connection, and returns its rows. Events count from the unit's first exposure to the
    iteration's end; one at the very moment of a look counts. Slices by attributes are only in the
    last one, and so is what counts exposures without the randomization unit.
    """
    counting = _Counting(Questions.of(ask, design, looks))
    counting.clean_up()
    try:
        counting.gather()
        known = counting.known()
        return tuple(
            counting.look(index, source, known) for index in range(len(counting.questions.looks))
        )
    finally:
        counting.clean_up()


@dataclass(frozen=True)
class _Known:
    """What is told once: by event (look, newest of any unit), (look, newest that counted), (look,
    events without a unit), and (arm, AI version, first exposure)."""

    seen: Mapping[int, Sequence[tuple[int, int]]]
    counted: Sequence[tuple[int, int]]
    adrift: Sequence[tuple[int, int]]
    versions: Sequence[Row]


@dataclass(frozen=True)
class _Counting:
    """One run."""

    questions: Questions
    names: dict[int, tuple[str, str]] = field(default_factory=dict)  # cohort -> attribute, value

    def clean_up(self) -> None:
        for statement in (*sql.DROP_TRAITS, *sql.CLEAN_UP):
            self.questions.rows(statement)

    def gather(self) -> None:
        """Read exposures, events and contexts, each once."""
        self.questions.rows(sql.TOUCHED)
        self.questions.rows(sql.MEMBERS)
        self.questions.rows(sql.STEPS)
        self.questions.rows(sql.RUNNING if len(self.questions.looks) > 1 else sql.RUNNING_ONCE)
        if any(metric.over_requests for metric in self.questions.design.metrics):
            self.questions.rows(sql.REQUESTS)
        self.questions.rows(sql.COHORTS)
        for number, attribute in enumerate(self.questions.design.attributes):
            self._slice_by(attribute, base=number * (sql.MOST_VALUES + 1))

    def known(self) -> _Known:
        """Return what is told once for all looks."""
        seen: dict[int, list[tuple[int, int]]] = {}
        counted: list[tuple[int, int]] = []
        adrift: list[tuple[int, int]] = []
        for look, event, newest, newest_counted, lost in self.questions.rows(sql.SEEN):
            seen.setdefault(event, []).append((look, newest))
            adrift.append((look, int(lost)))
            if newest_counted is not None:
                counted.append((look, newest_counted))
        return _Known(seen, counted, adrift, self.questions.rows(sql.VERSIONS))

    def look(self, index: int, source: str, known: _Known) -> Aggregates:
        """Return the counts at one of the looks."""
        questions, design = self.questions, self.questions.design
        is_last = index == len(questions.looks) - 1
        at = questions.end(questions.looks[index])
        cells, statistics = self._cells({"look": index, "at": at}, with_slices=is_last)
        seen = {
            questions.events[event]: max((ts for look, ts in times if look <= index), default=None)
            for event, times in known.seen.items()
        }
        versions = self._versions(known.versions, at)
        arms = self._arms(EVERYONE, cells, statistics)
        firsts = [first for (number, _), (_, _, first) in cells.items() if number == EVERYONE]
        return Aggregates(
            arms={arm: replace(counts, versions=versions[arm]) for arm, counts in arms.items()},
            as_of=questions.looks[index],
            source=source,
            started=design.started,
            first_exposure=min((ts for ts in firsts if ts is not None), default=None),
            last_event=max((ts for look, ts in known.counted if look <= index), default=None),
            seen={metric.key: seen.get(metric.event_key) for metric in design.metrics},
            wrong_unit=int(questions.rows(sql.WITHOUT_UNIT)[0][0]) if is_last else 0,
            events_without_unit=sum(lost for look, lost in known.adrift if look <= index),
            unexpected=dict(questions.rows(sql.UNEXPECTED)) if is_last else {},
            slices=tuple(
                Slice(attribute, value, self._arms(number, cells, statistics))
                for number, (attribute, value) in self.names.items()
                if is_last
            ),
        )

    def _cells(
        self, values: Mapping[str, Json], *, with_slices: bool
    ) -> tuple[dict[Cell, Row], dict[str, dict[Cell, UnitStatistics]]]:
        """Return (exposed, crossed over, first exposure) by cell, and each metric by cell."""
        questions = self.questions
        numbers = (EVERYONE, *self.names) if with_slices else (EVERYONE,)
        wanted = "cohort >= 0" if with_slices else f"cohort = {EVERYONE}"
        rows = questions.rows(sql.EXPOSED, values, cohort=wanted)
        exposed = {(row[0], row[1]): row[2:] for row in rows}
        cells = {
            (number, arm): exposed.get((number, arm), (0, 0, None))
            for number in numbers
            for arm in range(len(questions.arms))
        }
        counting = MetricCounts(
            questions=questions,
            moments=questions.rows(sql.MOMENTS, values, cohort=wanted),
            exposed={cell: units for cell, (units, _, _) in cells.items()},
            cohorts=wanted,
            values=values,
        )
        return cells, {metric.key: counting.of(metric) for metric in questions.design.metrics}

    def _arms(
        self,
        cohort: int,
        cells: Mapping[Cell, Row],
        statistics: Mapping[str, Mapping[Cell, UnitStatistics]],
    ) -> dict[str, ArmCounts]:
        found: dict[str, ArmCounts] = {}
        for number, arm in enumerate(self.questions.arms):
            units, crossed, _ = cells[cohort, number]
            metrics = {key: found_[cohort, number] for key, found_ in statistics.items()}
            found[arm] = ArmCounts(exposed=units, metrics=metrics, crossover=int(crossed))
        return found

    def _versions(self, rows: Iterable[Row], at: int) -> dict[str, dict[int, int]]:
        found: dict[str, dict[int, int]] = {arm: {} for arm in self.questions.arms}
        for number, version, ts in rows:
            if ts <= at:
                found[self.questions.arms[number]][version] = ts
        return found

    def _slice_by(self, attribute: str, base: int) -> None:
        """Make a cohort of each value of an attribute: the most frequent ones, and the rest."""
        inner = pointer(attribute)
        values = {
            "pointer": inner,
            "inner_pointer": pointer(self.questions.design.unit) + inner,
            "base": base,
        }
        self.questions.rows(sql.TRAITS, values)
        self.questions.rows(sql.PLACES)
        self.questions.rows(sql.SLICES, values)
        places = self.questions.rows(sql.VALUES)
        for place, value in places[: sql.MOST_VALUES]:
            self.names[base + place] = (attribute, value)
        rest = len(places) - sql.MOST_VALUES
        if rest > 0:
            words = f"({rest} other value{'' if rest == 1 else 's'})"
            self.names[base + sql.MOST_VALUES + 1] = (attribute, words)
        for statement in sql.DROP_TRAITS:
            self.questions.rows(statement)


def pointer(attribute: str) -> str:
    """Return the JSON pointer of a context attribute: a name, or a reference such as `/a/b`."""
    if attribute.startswith("/"):
        return attribute
    return "/" + attribute.replace("~", "~0").replace("/", "~1")
