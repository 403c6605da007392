"""When the newest event of a metric came in (reference 10.4, `lastSeen`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ldconf.emulator.events.store import EventStore

HOUR_MS = 3_600_000

_NEWEST = """
SELECT key, max(ts) FROM events
WHERE kind = 'custom' AND project = $project AND list_contains($keys, key)
GROUP BY key
"""


def last_seen(events: EventStore, project: str, keys: Collection[str]) -> Mapping[str, int]:
    """Return event key -> time of its newest event in any environment, as epoch ms at one-hour
    fidelity; keys without events are left out. One query, none if nothing was ever kept."""
    if not keys:
        return {}
    found = events.query(_NEWEST, {"project": project, "keys": sorted(keys)})
    return {key: newest - newest % HOUR_MS for key, newest in found}
