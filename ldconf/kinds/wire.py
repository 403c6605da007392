"""Small pieces that several kinds need to speak the API's dialects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from ldconf.core.change import FieldDiff
from ldconf.core.resource import Json, normalise_text


def q(segment: str) -> str:
    """Return one path segment, percent-encoded."""
    return quote(segment, safe="")


def json_patch(
    fields: Iterable[FieldDiff],
    live: Mapping[str, Json],
    cleared: Mapping[str, Json] | None = None,
) -> list[dict[str, Json]]:
    """Return the RFC 6902 operations for these fields.

    `live` is the object's present top-level JSON: a `remove` of an absent path answers 400
    `invalid_patch` (reference 1.3), so a cleared field that is absent is left out. `cleared` gives
    the value that clears a field which must be replaced rather than removed.
    """
    operations: list[dict[str, Json]] = []
    for diff in fields:
        path = "/" + diff.field.replace("~", "~0").replace("/", "~1")
        if diff.after is not None:
            operations.append(
                {
                    "op": "replace" if diff.field in live else "add",
                    "path": path,
                    "value": diff.after,
                }
            )
        elif cleared is not None and diff.field in cleared:
            operations.append({"op": "replace", "path": path, "value": cleared[diff.field]})
        elif diff.field in live:
            operations.append({"op": "remove", "path": path})
    return operations


def tags(payload: Mapping[str, Json]) -> list[str]:
    """Return the tags of a payload: a set for the API, so sorted (reference 2.1)."""
    return sorted(set(payload.get("tags") or ()))


def text(value: Json) -> str | None:
    """Return a text with normal line ends, or None if absent or empty."""
    return normalise_text(value) or None if isinstance(value, str) else None


def maintainer(payload: Mapping[str, Json]) -> tuple[str | None, str | None]:
    """Return (maintainerId, maintainerTeamKey): `_maintainer` is a member or a team (3.4)."""
    found = payload.get("_maintainer")
    if not isinstance(found, Mapping):
        return payload.get("maintainerId") or None, payload.get("maintainerTeamKey") or None
    if "key" in found and "_id" not in found:
        return None, found["key"]
    return found.get("_id"), None


def sorted_set(value: Json) -> Json:
    """Return a list that means a set: sorted, without doubles, None if empty."""
    return sorted(set(value)) or None if isinstance(value, Sequence) else value
