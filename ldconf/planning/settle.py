"""Proposed changes are judged until nothing more follows from a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ldconf.core.address import Address
from ldconf.core.change import ApprovalNeed, Change, Delete, Note, NoteKind, Refusal
from ldconf.planning import approvals, usage
from ldconf.planning.changes import build
from ldconf.planning.compare import Comparison, Scene
from ldconf.planning.pins import PINNED, Pins, new_pins, renewed
from ldconf.planning.scope import Scope
from ldconf.planning.threeway import Row
from ldconf.planning.verdict import Verdict, judge


@dataclass(frozen=True)
class Settled:
    """What goes through, what does not, and the pins that were decided with it."""

    verdict: Verdict
    pins: Pins
    left_out: int
    needs: tuple[ApprovalNeed, ...] = ()
    notes: tuple[Note, ...] = ()


def settle(
    scene: Scene,
    scope: Scope,
    compared: Mapping[Address, Comparison],
    deletes: Mapping[Address, Delete],
) -> Settled:
    """Propose and judge until no pin follows an object that is itself refused.

    A refused tool keeps its version, so its re-pins fall away; a refused re-pin takes the tool's
    update along (design section 9, Own pins).
    """
    held = frozenset(a for a, one in compared.items() if a.kind in PINNED and one.has_moved)
    blocked = dict(_blocked(compared))
    standing: dict[Refusal, tuple[Address, ...]] = {}
    while True:
        pins, proposed = _propose(scene, compared, held)
        kept, left_out = scope.split(scene, {**proposed, **deletes})
        verdict = judge(scene, kept, blocked, standing)
        newly = dict(_held_back(scene, verdict, pins))
        if not newly:
            return _await_approvals(scene, Settled(verdict, pins, len(left_out)))
        held |= newly.keys()
        for refusals in newly.values():
            standing.update(refusals)


def _propose(
    scene: Scene, compared: Mapping[Address, Comparison], held: frozenset[Address]
) -> tuple[Pins, dict[Address, Change]]:
    """Return the change of every object, those that have versions first."""
    workspace, live = scene.desired.workspace, scene.live
    first = [one for address, one in compared.items() if address.kind in PINNED]
    then = [one for address, one in compared.items() if address.kind not in PINNED]
    changes: dict[Address, Change] = {}
    pins = Pins(workspace, live)
    for one in first:
        if change := build(scene, one, pins):
            changes[one.address] = change
    pins = Pins(workspace, live, frozenset(renewed(changes.values())), held)
    for one in then:
        if change := build(scene, one, pins):
            changes[one.address] = change
    return pins, changes


def _blocked(compared: Mapping[Address, Comparison]) -> Iterator[tuple[Address, str]]:
    for address, one in compared.items():
        if one.in_conflict:
            yield address, "is in conflict"
        elif one.row is Row.GONE:
            yield address, "was deleted in LaunchDarkly"


def _held_back(
    scene: Scene, verdict: Verdict, pins: Pins
) -> Iterator[tuple[Address, Mapping[Refusal, tuple[Address, ...]]]]:
    """Yield objects whose new version will not come, with the refusals to remember."""
    for address in sorted(pins.renewed - pins.held):
        if scene.live.observed(address) is None:
            continue
        if address in verdict.refused:
            yield address, verdict.refusals_of([address])
            continue
        users = [
            refused
            for refused, change in verdict.refused.items()
            if address in new_pins(change, scene.desired.values(refused))
        ]
        if users and address in verdict.allowed:
            why = Refusal(
                address,
                "re-pin",
                f"would re-pin {', '.join(map(str, users))}, which is refused",
                hint="pin the version in use there (`{key: ..., version: ...}`), or lift that"
                " refusal",
            )
            yield address, {**verdict.refusals_of(users), why: (address,)}


def _await_approvals(scene: Scene, settled: Settled) -> Settled:
    """Take out targeting changes that an open request holds, and what waits for them."""
    allowed = settled.verdict.allowed
    needs: list[ApprovalNeed] = []
    notes: list[Note] = []
    for address, change in list(allowed.items()):
        found = approvals.approval(scene, change)
        if found.note is not None:
            notes.append(found.note)
            del allowed[address]
        elif found.need is not None:
            needs.append(found.need)
    if notes:
        for refusal in list(usage.in_use(scene, allowed)):
            assert refusal.address is not None
            del allowed[refusal.address]
            words = f"waits for a pending approval request: {refusal.summary}"
            notes.append(Note(NoteKind.PENDING, words, refusal.address))
    return replace(settled, needs=tuple(needs), notes=tuple(notes))
