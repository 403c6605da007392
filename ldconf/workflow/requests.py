"""`plan --show-requests`: what apply would send, as far as that is known before the first write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from ldconf.api.facts import WriteFacts
from ldconf.core.change import Change, Plan
from ldconf.core.live import Live
from ldconf.kinds import kind_of

Requests: TypeAlias = Mapping[str, tuple[str, ...]]


def requests_of(plan: Plan, live: Live) -> Requests:
    """Return the requests of each change, as lines: method, path and body."""
    facts = WriteFacts(live, "ldconf", "")
    return {str(change.address): _lines(change, facts) for change in plan.changes}


def _lines(change: Change, facts: WriteFacts) -> tuple[str, ...]:
    try:
        requests = kind_of(change.address).requests(change, facts)
    except KeyError:
        # Targeting is built on the document as it is at the moment of writing (design section 9).
        return ("(built when it is sent, from the ids that LaunchDarkly then has)",)
    return tuple(
        f"{request.method} {request.path} {json.dumps(request.body, ensure_ascii=False)}"
        for request in requests
    )
