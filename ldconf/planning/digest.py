"""The digest of a plan: one hash per change that apply would send (design section 9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from ldconf.core.change import (
    VERBS,
    Archive,
    Change,
    Create,
    Delete,
    Restore,
    Transition,
    Update,
)
from ldconf.core.resource import Json, canonical_json, sha256
from ldconf.kinds.variation_model import ARCHIVED, PUBLISHED
from ldconf.planning.pins import NEW


def change_hash(change: Change) -> str:
    """Return the SHA-256 of canonical JSON of [address, kind of change, {field: [before, after]}].

    Server ids and timestamps are in none of these; a version that this plan makes is `new`.
    """
    return sha256(canonical_json([str(change.address), VERBS[type(change)], fields(change)]))


def digest(hashes: Iterable[str]) -> str:
    """Return the SHA-256 of the sorted hashes, one per line."""
    return sha256("\n".join(sorted(hashes)))


def fields(change: Change) -> dict[str, list[Json]]:
    """Return field -> [before, after] of everything that a change sets or loses."""
    match change:
        case Create(after=after):
            return {
                name: [None, _with_new_versions(name, value)]
                for name, value in after.managed().items()
                if value is not None
            }
        case Update(fields=diffs):
            return {diff.field: [diff.before, diff.after] for diff in diffs}
        case Restore(fields=diffs):
            state: dict[str, list[Json]] = {"state": [ARCHIVED, PUBLISHED]}
            return state | {diff.field: [diff.before, diff.after] for diff in diffs}
        case Archive():
            return {"state": [PUBLISHED, ARCHIVED]}
        case Delete(before=before):
            return {
                name: [value, None] for name, value in before.managed().items() if value is not None
            }
        case Transition(verb=verb, after=after, fields=diffs):
            # What an iteration starts with is reviewed together with its start.
            sent = after.managed() if verb == "start" else {}
            return (
                {name: [None, value] for name, value in sent.items() if name != "iteration"}
                | {diff.field: [diff.before, diff.after] for diff in diffs}
                | {"verb": [None, verb]}
            )
        case _:
            assert_never(change)


def _with_new_versions(name: str, value: Json) -> Json:
    if name != "tools":
        return value
    return [{"version": NEW, **tool} for tool in value]
