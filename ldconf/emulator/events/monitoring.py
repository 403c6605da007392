"""Use of AI Configs, counted from the `$ld:ai:*` events of AI SDKs (protocol notes 4.3 and 5).

Every event says which AI Config, variation and version it is about, so no exposure is needed. A
request is a run (`runId`) that was timed, or said to have succeeded or failed; SDKs that send no
run id are counted by what they say succeeded or failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ldconf.core.resource import Json
from ldconf.emulator.events.store import EventStore, Row

SUCCESS, ERROR = "$ld:ai:generation:success", "$ld:ai:generation:error"
DURATION, FIRST_TOKEN = "$ld:ai:duration:total", "$ld:ai:tokens:ttf"
INPUT, OUTPUT, TOTAL = "$ld:ai:tokens:input", "$ld:ai:tokens:output", "$ld:ai:tokens:total"
UP, DOWN = "$ld:ai:feedback:user:positive", "$ld:ai:feedback:user:negative"
TOOL_CALL = "$ld:ai:tool_call"
JUDGE = "$ld:ai:judge:"


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
    return Use(
        figures=dict(_figures(events, condition, values, window, bucket_ms)),
        tokens=list(_tokens(events, condition, values)),
        judges={
            place: {key: amount / count for key, (amount, count) in scores.items()}
            for place, scores in _summed(events.query(_JUDGES.format(condition), values)).items()
        },
        tools={
            place: {key: count for key, (_, count) in calls.items()}
            for place, calls in _summed(events.query(_TOOLS.format(condition), values)).items()
        },
    )


_AI = "kind = 'custom' AND config_key IS NOT NULL"
_FIGURES = f"""
SELECT environment, config_key, variation_key, ai_version, {{bucket}}, {{level}},
  count(DISTINCT run_id) FILTER (key IN ('{SUCCESS}', '{ERROR}', '{DURATION}'))
    + count(*) FILTER (run_id IS NULL AND key IN ('{SUCCESS}', '{ERROR}')),
  count(*) FILTER (key = '{SUCCESS}'),
  count(*) FILTER (key = '{ERROR}'),
  coalesce(sum(metric) FILTER (key = '{INPUT}'), 0),
  coalesce(sum(metric) FILTER (key = '{OUTPUT}'), 0),
  coalesce(sum(metric) FILTER (key = '{TOTAL}'), 0),
  count(*) FILTER (key = '{UP}'),
  count(*) FILTER (key = '{DOWN}'),
  count(*) FILTER (key = '{TOOL_CALL}'),
  sum(metric) FILTER (key = '{DURATION}'),
  quantile_cont(metric, 0.5) FILTER (key = '{DURATION}'),
  quantile_cont(metric, 0.95) FILTER (key = '{DURATION}'),
  avg(metric) FILTER (key = '{FIRST_TOKEN}'),
  quantile_cont(metric, 0.5) FILTER (key = '{FIRST_TOKEN}'),
  quantile_cont(metric, 0.95) FILTER (key = '{FIRST_TOKEN}'),
  max(ts)
FROM (SELECT *, $start + (ts - $start) // $bucket * $bucket AS bucket
  FROM events WHERE {_AI} AND {{condition}})
GROUP BY GROUPING SETS (
  (environment, config_key),
  (environment, config_key, variation_key),
  (environment, config_key, variation_key, ai_version){{more}})
"""
# What is summed over, as bits: variation, version, bucket.
_LEVEL_TOTAL, _LEVEL_VERSION, _LEVEL_BUCKET = 0b111, 0b001, 0b010
_IN_BUCKETS = {
    "bucket": "bucket",
    "level": "grouping(variation_key, ai_version, bucket)",
    "more": ", (environment, config_key, variation_key, bucket)",
}
_WHOLE = {"bucket": "NULL", "level": "grouping(variation_key, ai_version) * 2 + 1", "more": ""}
_TOKENS = f"""
SELECT environment, config_key, variation_key, ai_version, model_key, model_name, provider_name,
  coalesce(sum(metric) FILTER (key = '{INPUT}'), 0),
  coalesce(sum(metric) FILTER (key = '{OUTPUT}'), 0)
FROM events WHERE {_AI} AND key IN ('{INPUT}', '{OUTPUT}') AND {{}} GROUP BY ALL
"""
_JUDGES = f"""
SELECT environment, config_key, variation_key, ai_version, key, sum(metric), count(metric)
FROM events WHERE {_AI} AND (judge_key IS NOT NULL OR key LIKE '{JUDGE}%') AND metric IS NOT NULL
  AND {{}} GROUP BY ALL ORDER BY ALL
"""
_TOOLS = f"""
SELECT environment, config_key, variation_key, ai_version, tool_key, 0, count(*)
FROM events WHERE {_AI} AND key = '{TOOL_CALL}' AND tool_key IS NOT NULL AND {{}}
GROUP BY ALL ORDER BY ALL
"""


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
    events: EventStore,
    condition: str,
    values: Mapping[str, Json],
    window: Window,
    bucket_ms: int | None,
) -> Iterator[tuple[Place, Figures]]:
    sql = _FIGURES.format(condition=condition, **(_IN_BUCKETS if bucket_ms else _WHOLE))
    whole = max(1, window.end - window.start)
    for row in events.query(sql, {**values, "bucket": bucket_ms or whole}):
        environment, config, variation, version, bucket, level, *figures = row
        by_variation = level != _LEVEL_TOTAL
        place = Place(
            environment,
            config,
            variation,
            version if level == _LEVEL_VERSION else None,
            bucket if level == _LEVEL_BUCKET else None,
            is_default=by_variation and variation is None,
        )
        counts = [round(value) for value in figures[:9]]
        yield place, Figures(*counts, *figures[9:])


def _tokens(events: EventStore, condition: str, values: Mapping[str, Json]) -> Iterator[Tokens]:
    for row in events.query(_TOKENS.format(condition), values):
        environment, config, variation, version, model_key, model, provider, tokens_in, out = row
        place = Place(environment, config, variation, version, is_default=variation is None)
        yield Tokens(place, model_key, model, provider, round(tokens_in), round(out))


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
