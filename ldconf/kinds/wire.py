"""Small pieces that several kinds need to speak the API's dialects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ldconf.core.change import FieldDiff
from ldconf.core.errors import NotFound
from ldconf.core.kind import Reader
from ldconf.core.resource import Json, Resource, normalise_text

MAINTAINERS = ("maintainerId", "maintainerTeamKey")


def q(segment: str) -> str:
    """Return one path segment, percent-encoded."""
    return quote(segment, safe="")


async def get_or_none(
    reader: Reader, path: str, *, beta: bool = False
) -> Mapping[str, Json] | None:
    """Return one object afresh, None if it is absent."""
    try:
        return await reader.get(path, beta=beta)
    except NotFound:
        return None


def given(body: Mapping[str, Json]) -> dict[str, Json]:
    """Return the body of a create: without the fields that are cleared anyway."""
    return {name: value for name, value in body.items() if value is not None}


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
        present = diff.field in live
        if diff.after is not None:
            verb = "replace" if present else "add"
            operations.append({"op": verb, "path": path, "value": diff.after})
        elif present and cleared is not None and diff.field in cleared:
            operations.append({"op": "replace", "path": path, "value": cleared[diff.field]})
        elif present:
            operations.append({"op": "remove", "path": path})
    return operations


def object_patch(fields: Iterable[FieldDiff], cleared: Mapping[str, Json]) -> dict[str, Json]:
    """Return the body of a plain-object PATCH (reference 1.3): exactly the changed fields.

    `cleared` gives the value that clears a field; null where the API names none. A maintainer is
    a member or a team: setting one replaces the other, so the other is then not cleared as well.
    """
    after = {diff.field: diff.after for diff in fields}
    body = {
        name: cleared.get(name) if value is None else value
        for name, value in after.items()
        if name not in MAINTAINERS
    }
    maintainers = {name: after[name] for name in MAINTAINERS if name in after}
    appointed = given(maintainers)
    return {**body, **(appointed or dict.fromkeys(maintainers, ""))}


def dismissal(managed: Mapping[str, Json]) -> dict[str, Json]:
    """Return the body of the PATCH that must follow a create whose `maintainerId` is null.

    Empty if nobody is to be dismissed. A create without a maintainer may appoint the calling
    member (reference 3.4), and only an empty text in a PATCH takes that back.
    """
    if "maintainerId" not in managed or any(managed.get(name) for name in MAINTAINERS):
        return {}
    return {"maintainerId": ""}


def check_maintainer(member: str | None, team: str | None) -> None:
    """Raise ValueError if both kinds of maintainer are given: the API takes one."""
    if member and team:
        raise ValueError("`maintainerId` and `maintainerTeamKey` exclude each other")


def maintainer(payload: Mapping[str, Json]) -> tuple[str | None, str | None]:
    """Return (maintainerId, maintainerTeamKey): `_maintainer` is a member or a team (3.4)."""
    found = payload.get("_maintainer")
    if not isinstance(found, Mapping):
        return payload.get("maintainerId") or None, payload.get("maintainerTeamKey") or None
    if "key" in found and "_id" not in found:
        return None, found["key"]
    return found.get("_id"), None


def tags(payload: Mapping[str, Json]) -> list[str]:
    """Return the tags of a payload: a set for the API, so sorted (reference 2.1)."""
    return sorted(set(payload.get("tags") or ()))


def text(value: Json) -> str | None:
    """Return a text with normal line ends, or None if absent or empty."""
    return normalise_text(value) or None if isinstance(value, str) else None


def sorted_set(value: Json) -> Json:
    """Return a list that means a set: sorted, without doubles, None if empty."""
    return sorted(set(value)) or None if isinstance(value, Sequence) else value


def unsupported(resource: Resource) -> str | None:
    """Return in words why a live object could not stand in a file, None if it could."""
    try:
        type(resource).model_validate(resource.document())
    except ValidationError as err:
        return words_of(err.errors(include_url=False)[0])
    return None


def words_of(problem: ErrorDetails) -> str:
    """Return one error of pydantic as a sentence of ours: where, and what."""
    where = ".".join(str(part) for part in problem["loc"])
    words = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {words}" if where else words
