"""Approval requests that hold changes of AI Config targeting. Source: reference section 16."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ldconf.core.kind import Reader
from ldconf.core.live import PendingApproval
from ldconf.core.resource import Json

_RESOURCE = re.compile(
    r"proj/(?P<project>[^:]+):env/(?P<environment>[^:]+):ai-?config/(?P<key>.+)", re.I
)


async def pending_approvals(reader: Reader) -> tuple[PendingApproval, ...]:
    """Return the AI Config approval requests of the project that are pending or scheduled."""
    conditions = (
        "resourceKind equals aiConfig",
        f"projectKey equals {reader.project}",
        'status anyOf ["pending", "scheduled"]',
    )
    params = {"filter": ", ".join(conditions), "limit": "200"}
    found = await reader.list("/approval-requests", params=params)
    parsed = [_pending(payload, reader.project) for payload in found]
    return tuple(request for request in parsed if request is not None)


def _pending(payload: Mapping[str, Json], project: str) -> PendingApproval | None:
    """Read one request. Filters are re-checked here: a server that ignores them changes nothing."""
    matched = _RESOURCE.fullmatch(str(payload.get("resourceId") or ""))
    if matched is None or matched["project"] != project:
        return None
    if payload.get("status") not in ("pending", "scheduled"):
        return None
    if payload.get("reviewStatus") == "declined":
        return None
    return PendingApproval(
        id=payload["_id"],
        ai_config=matched["key"],
        environment=matched["environment"],
        instructions=tuple(payload.get("instructions") or ()),
    )
