"""The newest events, as people look at them."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.core.resource import Json
from ldconf.emulator.events.store import EventStore

_COLUMNS = {
    "received": "received",
    "at": "ts",
    "environment": "environment",
    "kind": "kind",
    "key": "key",
    "contextKind": "context_kind",
    "contextKey": "context_key",
    "contextKeys": "units",
    "metricValue": "metric",
    "aiConfig": "config_key",
    "variationKey": "variation_key",
    "version": "ai_version",
    "runId": "run_id",
    "toolKey": "tool_key",
    "judgeKey": "judge_key",
    "reason": "reason",
    "inExperiment": "in_experiment",
    "count": "count",
}


def recent_events(
    events: EventStore, project: str, environment: str | None, limit: int
) -> Sequence[dict[str, Json]]:
    """Return the newest events first, without what they do not have; summaries are one per counter.

    What SDKs say of themselves and `index` events are left out.
    """
    rows = events.query(
        f"SELECT {', '.join(_COLUMNS.values())} FROM events WHERE project = $project"
        " AND ($environment IS NULL OR environment = $environment)"
        " AND kind <> 'index' AND context_kind IS DISTINCT FROM 'ld_ai'"
        " ORDER BY received DESC, ts DESC LIMIT $limit",
        {"project": project, "environment": environment, "limit": limit},
    )
    return [
        {name: value for name, value in zip(_COLUMNS, row, strict=True) if value is not None}
        for row in rows
    ]
