"""What SDKs do, for the page: from the streams that are open and the events that came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.core.usage import Use
from ldconf.emulator.dashboard.telemetry import Connection, Event, Exposed
from ldconf.emulator.database import Ref
from ldconf.emulator.events.costs import costs
from ldconf.emulator.events.monitoring import Place, Window, use
from ldconf.emulator.events.recent import recent_events
from ldconf.emulator.events.store import DAY_MS, EventStore
from ldconf.emulator.sdk.hub import Hub
from ldconf.emulator.store import Store
from ldconf.experiments.aggregation_sql import FOREVER, UNIT
from ldconf.kinds.variation_comment import commit_of

_EXPOSED = f"""
SELECT variation_key, count(DISTINCT {UNIT}) FROM exposures
WHERE project = $project AND environment = $environment AND flag = $flag
  AND rule_id IS NOT DISTINCT FROM $rule AND ts >= $since AND ts < $until
  AND variation_key IS NOT NULL
GROUP BY variation_key
"""


class LiveTelemetry:
    """The traffic of a local LaunchDarkly; `usage` covers the last 24 hours."""

    def __init__(self, store: Store, hub: Hub, events: EventStore) -> None:
        self._store = store
        self._hub = hub
        self._events = events

    def usage(self, project: str) -> Sequence[Use]:
        """Return the use of every version of a variation, the application's defaults included."""
        now = self._store.clock()
        found = use(self._events, Window(project, now - DAY_MS, now + DAY_MS))
        priced = costs(self._store, project, found.tokens)
        return [
            Use(
                environment=place.environment,
                ai_config=place.ai_config,
                variation=place.variation,
                version=place.version,
                requests=figures.requests,
                input_tokens=figures.input_tokens,
                output_tokens=figures.output_tokens,
                p50_ms=figures.p50_ms,
                p95_ms=figures.p95_ms,
                first_token_ms=figures.first_token_ms,
                error_rate=figures.error_rate,
                satisfaction=figures.satisfaction,
                cost=priced[place].total if place in priced else None,
                commit=self._commit(project, place),
            )
            for place, figures in found.figures.items()
            if place.version is not None
        ]

    def _commit(self, project: str, place: Place) -> str | None:
        """Return the commit that the comment of a version names."""
        parent = f"{place.ai_config}/{place.variation}"
        row = self._store.get(Ref(project, "variationVersions", str(place.version), parent))
        return commit_of(row.get("comment")) if row else None

    def connections(self, project: str) -> Sequence[Connection]:
        """Return the SDKs that are connected now, the latest first."""
        return [
            Connection(
                environment=one.sdk.environment.key,
                sdk=one.sdk.name,
                protocol=f"{one.sdk.protocol.value} {'stream' if one.sdk.streams else 'poll'}",
                since_ms=one.since_ms,
            )
            for one in self._hub.connected(project)
        ]

    def exposures(self, project: str, exposed: Exposed) -> Mapping[str, int]:
        """Return how many units were exposed to each variation of an experiment."""
        parameters = {
            "unit": exposed.unit,
            "project": project,
            "environment": exposed.environment,
            "flag": exposed.ai_config,
            "rule": exposed.rule,
            "since": exposed.since_ms,
            "until": FOREVER if exposed.until_ms is None else exposed.until_ms,
        }
        return {row[0]: row[1] for row in self._events.query(_EXPOSED, parameters)}

    def events(self, project: str, limit: int) -> Sequence[Event]:
        """Return the newest events first."""
        return [_event(found) for found in recent_events(self._events, project, None, limit)]


def _event(found: dict[str, Json]) -> Event:
    keys = found.get("contextKeys") or {}
    context = ", ".join(f"{kind} {key}" for kind, key in keys.items())
    about = [found.get("aiConfig"), found.get("variationKey"), found.get("toolKey")]
    value = found.get("metricValue", found.get("count"))
    return Event(
        at_ms=found["at"],
        environment=found["environment"],
        kind=found["kind"],
        key=found.get("key") or "",
        context=context
        or " ".join(filter(None, [found.get("contextKind"), found.get("contextKey")])),
        about=" / ".join(part for part in about if part),
        value="" if value is None else f"{value:g}",
    )
