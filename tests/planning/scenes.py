"""One small workspace that most planner tests start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ldconf.core.change import Change, Note, NoteKind, Plan
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.planning.options import PlanOptions
from ldconf.planning.planner import plan
from tests import build

Objects = Mapping[str, Mapping[str, Json]]
Kind = TypeVar("Kind")

A = "aiConfigs/bot/variations/a"
B = "aiConfigs/bot/variations/b"
BOT = "aiConfigs/bot"
TEST = "aiConfigs/bot/targeting/test"
PRODUCTION = "aiConfigs/bot/targeting/production"
SEARCH = "tools/search"

OBJECTS: Objects = {
    SEARCH: {"description": "Finds things", "schema": {"type": "object"}},
    BOT: {"name": "Bot", "mode": "agent"},
    A: {
        "name": "A",
        "modelConfigKey": build.MODEL,
        "model": {"parameters": {"temperature": 0.5}},
        "instructions": "Be kind.",
        "tools": ["search"],
    },
    B: {"name": "B", "modelConfigKey": build.MODEL, "instructions": "Be brief."},
    TEST: {"fallthrough": {"rollout": {"a": 60, "b": 40}}},
    PRODUCTION: {"targets": None, "rules": None, "fallthrough": "a"},
}


def files(**more: Json) -> Workspace:
    """Return the workspace as it stands everywhere: in files, at the base and live."""
    return build.workspace(OBJECTS, **more)


def objects(changes: Mapping[str, Mapping[str, Json] | None]) -> Objects:
    """Return the objects with fields changed (`address: {...}`), or dropped (None)."""
    found = {name: dict(fields) for name, fields in OBJECTS.items()}
    for name, fields in changes.items():
        if fields is None:
            del found[name]
        else:
            found[name] = {**found.get(name, {}), **fields}
    return found


def edited(changes: Mapping[str, Mapping[str, Json] | None], **more: Json) -> Workspace:
    """Return the workspace with changes, see `objects`."""
    return build.workspace(objects(changes), **more)


def live_with(changes: Mapping[str, Mapping[str, Json] | None], **more: Json) -> Live:
    """Return the live state as if these changes had been made in LaunchDarkly."""
    return build.as_live(edited(changes), **more)


def planned(
    desired: Workspace,
    live: Live | None = None,
    base: Workspace | None = None,
    **options: Json,
) -> Plan:
    """Return the plan; live and base are the unchanged workspace unless given."""
    return plan(
        desired,
        build.as_live(files()) if live is None else live,
        files() if base is None else base,
        PlanOptions(**options),
    )


def changes(found: Plan) -> dict[str, Change]:
    """Return change by address."""
    return {str(change.address): change for change in found.changes}


def verbs(found: Plan) -> dict[str, str]:
    """Return the word of each change by address."""
    return {address: type(change).__name__.lower() for address, change in changes(found).items()}


def notes(found: Plan, kind: NoteKind) -> list[tuple[str | None, str]]:
    """Return (address, summary) of the notes of a kind."""
    return [_note(note) for note in found.notes if note.kind is kind]


def guards(found: Plan) -> dict[str | None, str]:
    """Return the guard of each refusal by address."""
    return {str(r.address) if r.address else None: r.guard for r in found.refusals}


def of(found: Kind | None) -> Kind:
    """Return a value that must be there."""
    assert found is not None
    return found


def _note(note: Note) -> tuple[str | None, str]:
    return (str(note.address) if note.address else None, note.summary)
