"""`plan --show-requests`: what apply would send, as far as that is known before the first write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from ldconf.core.change import Change, Plan
from ldconf.core.errors import LdconfError
from ldconf.core.kind import Facts
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.kinds import kind_of
from ldconf.kinds.targeting_document import variation_keys
from ldconf.planning.approvals import LiveFacts
from ldconf.render.rows import RequestRow

Requests: TypeAlias = Mapping[str, tuple[RequestRow, ...]]


def requests_of(plan: Plan, live: Live) -> Requests:
    """Return the requests of each change; none where they name by id what this plan makes first.

    Ids of variations are written as `<id of KEY>`: no plan holds one (design section 9, Ids).
    """
    facts, names = LiveFacts(live), _names_by_id(live)
    found: dict[str, tuple[RequestRow, ...]] = {}
    for change in plan.changes:
        if str(change.address) in found:
            continue  # a later step of an experiment: built from what the one before it leaves
        rows = tuple(
            RequestRow(method, path, _named(body, names))
            for method, path, body in _requests(change, facts)
        )
        found[str(change.address)] = rows
    return found


def _requests(change: Change, facts: Facts) -> list[tuple[str, str, Json]]:
    try:
        requests = kind_of(change.address).requests(change, facts)
    except LdconfError:
        return []
    return [(request.method, request.path, request.body) for request in requests]


def _names_by_id(live: Live) -> dict[str, str]:
    names: dict[str, str] = {}
    for observed in live.observed.values():
        document = observed.meta.get("document")
        if document:
            entries = zip(document["variations"], variation_keys(document), strict=True)
            names |= {entry["_id"]: f"<id of {key}>" for entry, key in entries}
    return names


def _named(body: Json, names: Mapping[str, str]) -> Json:
    text = json.dumps(body)
    for found, name in names.items():
        text = text.replace(found, name)
    return json.loads(text)
