"""Statements of the aggregation SQL, filled in for one experiment and asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.experiment import ExperimentDesign
from ldconf.core.resource import Json
from ldconf.experiments import aggregation_sql as sql

Row = tuple[Json, ...]
Ask = Callable[[str, Mapping[str, Json]], Sequence[Row]]


@dataclass(frozen=True)
class Questions:
    """What is asked of one source about one experiment. `events` are the event keys that metrics
    and their denominators need; `looks` rise."""

    ask: Ask
    design: ExperimentDesign
    looks: tuple[int, ...]
    arms: tuple[str, ...]
    events: tuple[str, ...]

    @classmethod
    def of(cls, ask: Ask, design: ExperimentDesign, looks: Iterable[int]) -> Questions:
        """Return the questions about a design. Raises ValueError without looks."""
        times = tuple(sorted(set(looks)))
        if not times:
            raise ValueError("at least one look")
        return cls(ask, design, times, tuple(design.allocation), design.event_keys)

    def end(self, look: int) -> int:
        """Return the last moment that counts at a look; the iteration's end is not part of it."""
        return look if self.design.ended is None else min(look, self.design.ended - 1)

    def rows(
        self, statement: str, values: Mapping[str, Json] | None = None, **words: str
    ) -> Sequence[Row]:
        """Return the rows of a statement, after filling in its words in braces; it gets those
        parameters that it names."""
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
        ends = [self.end(look) for look in self.looks[:-1]]
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
            "started": -sql.FOREVER if design.started is None else design.started,
            "until": self.end(self.looks[-1]),
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
