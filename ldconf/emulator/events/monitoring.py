"""Use of AI Configs, counted from the `$ld:ai:*` events of AI SDKs (protocol notes 4.3 and 5).

Every event says which AI Config, variation and version it is about, so no exposure is needed. A
request is a run (`runId`) that was timed, or said to have succeeded or failed; SDKs that send no
run id are counted by what they say succeeded or failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ldconf.core.resource import Json
from ldconf.emulator.events import monitoring_sql as sql
from ldconf.emulator.events.store import EventStore, Row


@dataclass(frozen=True)
class Window:
    """What is asked for: from `start` (inclusive) to `end` (exclusive), epoch ms. None: all.

    `context` is a (kind, key) whose events alone count; key None means all of that kind.
    """

    project: str
    start: int
    end: int
    environment: str | None = None
    ai_config: str | None = None
    context: tuple[str, str | None] | None = None


@dataclass(frozen=True)
class Place:
    """What figures are about. None where figures are summed over it; `variation` None beside
    `is_default` means that the application's own default answered."""

    environment: str
    ai_config: str
    variation: str | None = None
    version: int | None = None
    bucket: int | None = None  # start of a time bucket, epoch ms
    is_default: bool = False


@dataclass(frozen=True)
class Figures:
    """What happened there. Times in ms; None where nobody sent such events."""

    requests: int = 0
    successes: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0
    tool_calls: int = 0
    duration_ms: float | None = None  # sum
    p50_ms: float | None = None
    p95_ms: float | None = None
    first_token_ms: float | None = None  # mean
    first_token_p50_ms: float | None = None
    first_token_p95_ms: float | None = None
    last: int | None = None  # time of the latest event

    @property
    def error_rate(self) -> float | None:
        """Errors per request that ended, None if none did."""
        ended = self.successes + self.errors
        return self.errors / ended if ended else None

    @property
    def satisfaction(self) -> float | None:
        """Thumbs up per thumb, None without any."""
        thumbs = self.thumbs_up + self.thumbs_down
        return self.thumbs_up / thumbs if thumbs else None


@dataclass(frozen=True)
class Tokens:
    """Tokens of one version of a variation, answered by one model: what costs are made from."""

    place: Place
    model_key: str | None
    model: str | None
    provider: str | None
    input: int
    output: int


@dataclass(frozen=True)
class Use:
    """The figures of a window, by place at each level, and what belongs to them."""

    figures: Mapping[Place, Figures] = field(default_factory=dict)
    tokens: Sequence[Tokens] = ()
    judges: Mapping[Place, Mapping[str, float]] = field(default_factory=dict)  # event key -> mean
    tools: Mapping[Place, Mapping[str, int]] = field(default_factory=dict)  # tool key -> calls


def use(events: EventStore, window: Window, bucket_ms: int | None = None) -> Use:
    """Return the use in a window: per AI Config, variation and version in each environment, and
    per variation and time bucket if `bucket_ms` says how long one is."""
    condition, values = _condition(window)

    def ask(query: str) -> Sequence[Row]:
        return events.query(query.format(condition=condition), values)

    return Use(
        figures=_figures(events, condition, values, bucket_ms),
        tokens=[_tokens(row) for row in ask(sql.TOKENS)],
        judges={
            place: {key: amount / count for key, (amount, count) in found.items()}
            for place, found in _summed(ask(sql.JUDGES)).items()
        },
        tools={
            place: {key: count for key, (_, count) in found.items()}
            for place, found in _summed(ask(sql.TOOLS)).items()
        },
    )


def _condition(window: Window) -> tuple[str, dict[str, Json]]:
    """Return a condition on events, and the values of its parameters."""
    parts = ["project = $project", "ts >= $start", "ts < $end"]
    values: dict[str, Json] = {
        "project": window.project,
        "start": window.start,
        "end": window.end,
    }
    for column, value in (("environment", window.environment), ("config_key", window.ai_config)):
        if value is not None:
            parts.append(f"{column} = ${column}")
            values[column] = value
    if window.context is not None:
        values["kind"], values["who"] = window.context
        unit = "CASE WHEN context_kind = $kind THEN context_key ELSE units[$kind] END"
        parts.append(f"{unit} IS NOT NULL AND ($who IS NULL OR {unit} = $who)")
    return " AND ".join(parts), values


def _figures(
    events: EventStore, condition: str, values: Mapping[str, Json], bucket_ms: int | None
) -> dict[Place, Figures]:
    """Return the figures of every place; runs are counted apart, each of them once."""
    parts = sql.IN_BUCKETS if bucket_ms else sql.WHOLE
    values = {**values, "bucket": bucket_ms} if bucket_ms else values
    found: dict[Place, Figures] = {}
    for row in events.query(sql.FIGURES.format(condition=condition, **parts), values):
        counts = [round(value) for value in row[6:14]]
        found[_place(row)] = Figures(0, *counts, *row[14:])
    for row in events.query(sql.REQUESTS.format(condition=condition, **parts), values):
        place = _place(row)
        found[place] = replace(found[place], requests=row[6])
    return found


def _place(row: Row) -> Place:
    environment, config, variation, version, bucket, level = row[:6]
    return Place(
        environment,
        config,
        variation,
        version if level == sql.BY_VERSION else None,
        bucket if level == sql.BY_BUCKET else None,
        is_default=level != sql.TOTAL and variation is None,
    )


def _tokens(row: Row) -> Tokens:
    environment, config, variation, version, model_key, model, provider, tokens_in, out = row
    place = Place(environment, config, variation, version, is_default=variation is None)
    return Tokens(place, model_key, model, provider, round(tokens_in), round(out))


def levels(place: Place) -> tuple[Place, Place, Place]:
    """Return the places that a version of a variation counts for: AI Config, variation, itself."""
    total = Place(place.environment, place.ai_config)
    return total, replace(place, version=None), place


def _summed(rows: Sequence[Row]) -> dict[Place, dict[str, tuple[float, int]]]:
    """Return sum and count of (place, name, sum, count) rows at every level."""
    found: dict[Place, dict[str, tuple[float, int]]] = {}
    for environment, config, variation, version, name, amount, count in rows:
        one = Place(environment, config, variation, version, is_default=variation is None)
        for place in levels(one):
            before = found.setdefault(place, {}).get(name, (0.0, 0))
            found[place][name] = (before[0] + amount, before[1] + count)
    return found
