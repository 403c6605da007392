"""The parts of a plan, put together in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from ldconf.core.address import Address
from ldconf.core.change import (
    Change,
    Conflict,
    Drift,
    Note,
    NoteKind,
    Plan,
    Restore,
    Unverifiable,
    Update,
    step,
)
from ldconf.core.resource import Json
from ldconf.core.workspace import Consent
from ldconf.planning import consents, notes, readiness
from ldconf.planning.compare import Comparison
from ldconf.planning.digest import change_hash, digest
from ldconf.planning.order import ordered
from ldconf.planning.removal import Removals
from ldconf.planning.scene import Scene
from ldconf.planning.scope import Scope
from ldconf.planning.serving import effects
from ldconf.planning.settle import Settled
from ldconf.planning.texts import shown
from ldconf.planning.threeway import Column, Nothing, Row


@dataclass(frozen=True)
class Findings:
    """What a plan is put together from; `kept` are the comparisons inside the scope."""

    kept: Sequence[Comparison]
    removed: Removals
    settled: Settled


def assemble(scene: Scene, scope: Scope, found: Findings) -> Plan:
    """Return the plan of these findings."""
    verdict, options = found.settled.verdict, scene.options
    workspace = scene.desired.workspace
    relied = found.settled.relies
    changes = ordered(scene, chain.from_iterable(verdict.allowed.values()), relied)
    refused = ordered(scene, chain.from_iterable(verdict.refused.values()), relied)
    hashes = {step(change): change_hash(change) for change in changes}
    used = [*verdict.uses, *_drift_uses(found)]
    return Plan(
        project=workspace.settings.project,
        workspace=options.workspace_name,
        changes=changes,
        digest=digest(hashes.values()),
        change_hashes=hashes,
        unchanged=_unchanged(found),
        drift=tuple(_drift(scene, found.kept)),
        conflicts=tuple(_conflicts(found.kept)),
        unverifiable=tuple(
            Unverifiable(one.address, field.field)
            for one in found.kept
            for field in one.fields
            if field.row is Row.UNVERIFIABLE
        ),
        refusals=tuple(verdict.refusals),
        refused=refused,
        consents=tuple(consents.use(entry, address) for entry, address in used),
        notes=tuple(_notes(scene, scope, found, changes, used)),
        effects={
            change.address: effects(scene.live, change.address, workspace.settings.environments)
            for change in (*changes, *refused)
            if change.address.kind == "variations" and isinstance(change, Update | Restore)
        },
        approvals=found.settled.needs,
        left_out=found.settled.left_out,
        direction_unknown=scene.base is None,
        dirty=options.dirty,
        base_ref=options.base_ref or (scene.base.workspace.ref if scene.base else None),
        head_ref=options.head_ref,
        relies=relied,
    )


def _drift_uses(found: Findings) -> Iterator[tuple[Consent, Address | None]]:
    """Yield the consents `drift` by which changes of this plan overwrite live."""
    changed = found.settled.verdict.allowed
    for one in found.kept:
        if one.consent is not None and one.address in changed:
            yield one.consent, one.address


def _unchanged(found: Findings) -> int:
    touched = {*found.settled.verdict.allowed, *found.settled.verdict.refused}
    touched |= {note.address for note in found.settled.notes if note.address}
    return sum(one.address not in touched and not one.has_moved for one in found.kept)


def _drift(scene: Scene, kept: Sequence[Comparison]) -> Iterator[Drift]:
    for one in kept:
        if one.row is Row.GONE and not _went_with_parent(scene, one):
            yield Drift(one.address, None, dict(one.base or {}), None)
        for field in one.fields:
            if field.row is Row.DRIFT:
                yield Drift(one.address, field.field, _said(field.base), shown(field.live))


def _went_with_parent(scene: Scene, one: Comparison) -> bool:
    """True if the AI Config that it stood under is gone as well: said once, there."""
    owner = Address(one.address.parts[:2])
    if one.address.ai_config is None or owner == one.address:
        return False
    return scene.said(owner) is not None and scene.live.observed(owner) is None


def _conflicts(kept: Sequence[Comparison]) -> Iterator[Conflict]:
    for one in kept:
        if one.row is Row.GONE_CONFLICT:
            yield Conflict(one.address, None, dict(one.base or {}), dict(one.desired), None)
        for field in one.fields:
            if field.row is Row.CONFLICT:
                yield Conflict(
                    one.address, field.field, _said(field.base), field.desired, shown(field.live)
                )


def _said(base: Column) -> Json:
    return None if isinstance(base, Nothing) else base


def _notes(
    scene: Scene,
    scope: Scope,
    found: Findings,
    changes: tuple[Change, ...],
    used: Sequence[tuple[Consent, Address | None]],
) -> Iterator[Note]:
    """Yield every line in a fixed order; those about objects out of scope are left out."""
    lines = _lines(scene, found, changes, used)
    return (note for note in lines if note.address is None or scope.keeps(note.address))


def _lines(
    scene: Scene,
    found: Findings,
    changes: tuple[Change, ...],
    used: Sequence[tuple[Consent, Address | None]],
) -> Iterator[Note]:
    yield from notes.settings(scene)
    yield from notes.merged(scene, changes, used)
    yield from found.settled.notes
    changed = {*found.settled.verdict.allowed, *found.settled.verdict.refused}
    for one in found.kept:
        if one.adopts and not one.has_moved and one.address not in changed:
            yield Note(NoteKind.ADOPTED, "claimed; no difference", one.address)
        yield from notes.about_object(scene, one)
    yield from notes.about_uncompared(scene)
    yield from notes.released(scene)
    yield from found.removed.notes
    yield from notes.about_versions(scene, found.kept, found.settled.pins)
    for change in changes:
        yield from notes.about_change(scene, change)
    yield from readiness.results_note(changes)
    yield from scene.consents.notes({entry for entry, _ in used})
