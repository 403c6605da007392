"""Individual members of segments: users by key, contexts of other kinds by kind and key.

The API may keep users in `included` or, as contexts of kind `user`, in `includedContexts`; both
mean the same, so users always count as `included` here, and files list them nowhere else.
Likewise `excluded`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field, field_validator

from ldconf.core.resource import Json, Part, Str

MEMBERS = {"included": "includedContexts", "excluded": "excludedContexts"}


class ContextTargets(Part):
    """Keys of contexts of one kind that are listed one by one."""

    context_kind: Str = Field(
        pattern=r"^[A-Za-z0-9._-]+$", description="Kind of these contexts; users stand apart"
    )
    values: list[Str] = Field(min_length=1, description="Keys of the contexts, a set")

    @field_validator("context_kind")
    @classmethod
    def _is_not_the_users_kind(cls, kind: str) -> str:
        """In files there is one place for users, so that each field means one thing."""
        if kind == "user":
            raise ValueError("contexts of kind 'user' belong under `included` or `excluded`")
        return kind


def is_user(entry: Mapping[str, Json]) -> bool:
    """True for context targets of the API that are users."""
    return (entry.get("contextKind") or "user") == "user"


def users(payload: Mapping[str, Json], name: str) -> list[str]:
    """Return the users of a payload, wherever the API keeps them."""
    found = list(payload.get(name) or ())
    for entry in payload.get(MEMBERS[name]) or ():
        if is_user(entry):
            found += entry.get("values") or ()
    return found


def others(payload: Mapping[str, Json], name: str) -> list[ContextTargets]:
    """Return the contexts of a payload that are not users."""
    return [
        ContextTargets.model_construct(
            context_kind=entry["contextKind"], values=list(entry.get("values") or ())
        )
        for entry in payload.get(name) or ()
        if not is_user(entry)
    ]


def members(
    plain: Iterable[str] | None, contexts: Iterable[ContextTargets] | None
) -> set[tuple[str, str]]:
    """Return all members as (context kind, key)."""
    listed = {("user", key) for key in plain or ()}
    return listed | {(one.context_kind, key) for one in contexts or () for key in one.values}


def by_kind(entries: Iterable[Mapping[str, Json]]) -> Json:
    """Return context targets with one entry per kind, both sorted; None if there are none."""
    keys_by_kind: dict[str, set[str]] = {}
    for entry in entries:
        keys_by_kind.setdefault(entry.get("contextKind", "user"), set()).update(entry["values"])
    return [
        {"contextKind": kind, "values": sorted(keys)}
        for kind, keys in sorted(keys_by_kind.items())
        if keys
    ] or None
