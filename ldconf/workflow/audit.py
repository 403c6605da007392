"""Who moved what in LaunchDarkly, and when: the audit log (reference 17)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from ldconf.api.client import Client
from ldconf.api.tasks import concurrently
from ldconf.core.address import Address
from ldconf.core.change import Plan, Transition
from ldconf.core.errors import ApiError
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.kinds.experiment_model import Experiment, environment_of, metric_addresses
from ldconf.render.rows import ContextEntry

_SPECS = {
    "tools": "ai-tool",
    "modelConfigs": "ai-model-config",
    "metrics": "metric",
    "metricGroups": "metric-group",
    "agentGraphs": "agent-graph",
}
_LATEST = 20  # entries to look through, the most of one page
_OURS = "ldconf"  # how every comment of an apply begins
_MOST = 50  # objects asked about; a plan with more drift than that is no matter of one person


async def who_moved(client: Client, plan: Plan, live: Live) -> tuple[ContextEntry, ...]:
    """Return the last entry of the audit log for every object in drift or conflict.

    Entries of ldconf itself are passed over: an apply does not move what it leaves alone, but the
    log knows variations and targeting only by their AI Config.
    What the token may not read is left out: this is a courtesy, never a reason to fail.
    """
    drift, conflicts = (found.address for found in plan.drift), (c.address for c in plan.conflicts)
    moved = sorted({*drift, *conflicts})[:_MOST]
    found = await concurrently([partial(_last, client, live, at) for at in moved])
    return tuple(entry for entry in found if entry is not None)


def events_seen(plan: Plan, live: Live) -> tuple[ContextEntry, ...]:
    """Return, of each metric of an experiment that starts, when its last event was seen.

    Source: reference 10.4, `lastSeen`, at one-hour fidelity. A metric that this plan makes has
    none.
    """
    starting = [
        change
        for change in (*plan.changes, *plan.refused)
        if isinstance(change, Transition) and change.verb in ("start", "restart")
    ]
    metrics = {
        at
        for change in starting
        if isinstance(change.after, Experiment)
        for _, at in metric_addresses(change.after)
        if at.kind == "metrics"
    }
    return tuple(_seen(at, live) for at in sorted(metrics))


def _seen(address: Address, live: Live) -> ContextEntry:
    observed = live.observed.get(address)
    raw: Mapping[str, Json] = (observed.meta.get("raw") or {}) if observed else {}
    at = raw.get("lastSeen")
    if not at:
        return ContextEntry(address, "", "", "LaunchDarkly has seen no event yet")
    moment = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ContextEntry(address, "", moment, "last event seen")


async def _last(client: Client, live: Live, address: Address) -> ContextEntry | None:
    observed = live.observed.get(address)
    environment = environment_of(address, observed.resource if observed else None)
    named = spec(live.project, address, environment)
    query = urlencode({"spec": named, "limit": str(_LATEST)})
    try:
        answer = await client.get(f"/auditlog?{query}")
    except ApiError:
        return None
    entries: Iterable[Mapping[str, Json]] = answer.get("items") or ()
    others = (e for e in entries if not (e.get("comment") or "").startswith(_OURS))
    return next((_entry(address, entry) for entry in others), None)


def spec(project: str, address: Address, environment: str | None = None) -> str:
    """Return the resource specifier of an address [INF for AI Configs, reference 17].

    `environment` is that of an experiment: its address does not tell.
    """
    if address.kind == "experiments":
        return f"proj/{project}:env/{environment or '*'}:experiment/{address.key}"
    if address.kind == "targeting":
        return f"proj/{project}:env/{address.environment}:aiconfig/{address.ai_config}"
    if address.ai_config is not None:
        return f"proj/{project}:aiconfig/{address.ai_config}"
    if address.kind == "segments":
        return f"proj/{project}:env/{address.environment}:segment/{address.key}"
    return f"proj/{project}:{_SPECS[address.kind]}/{address.key}"


def _entry(address: Address, entry: Mapping[str, Json]) -> ContextEntry:
    member, token = entry.get("member") or {}, entry.get("token") or {}
    name = " ".join(filter(None, [member.get("firstName"), member.get("lastName")]))
    who = member.get("email") or name or (f"token {token['name']}" if token.get("name") else "")
    moment = datetime.fromtimestamp(entry.get("date", 0) / 1000, UTC)
    return ContextEntry(
        address,
        who or "somebody",
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        entry.get("comment") or entry.get("title") or "",
    )
