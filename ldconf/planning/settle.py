"""Proposed changes are judged until nothing more follows from a refusal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import ApprovalNeed, Change, Delete, Note, NoteKind, Refusal, Step, Update
from ldconf.core.dependency import needs as needs_of
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.planning import approvals, usage
from ldconf.planning.aftermath import RULES
from ldconf.planning.changes import build
from ldconf.planning.compare import Comparison
from ldconf.planning.experiments import propose
from ldconf.planning.graph import references
from ldconf.planning.pins import PINNED, Pins, new_pins, renewed
from ldconf.planning.scene import Scene
from ldconf.planning.scope import Scope
from ldconf.planning.sides import EXPERIMENTS
from ldconf.planning.threeway import Row
from ldconf.planning.verdict import Case, Verdict, judge
from ldconf.planning.ways import Proposed, Way, disputed, enforced, relies, way_of


@dataclass(frozen=True)
class Settled:
    """What goes through, what does not, and the pins that were decided with it."""

    verdict: Verdict
    pins: Pins
    left_out: int
    relies: Mapping[Step, frozenset[Step]]
    needs: tuple[ApprovalNeed, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class _Proposals:
    """The change of every object, the steps of every experiment, and what is refused at once."""

    pins: Pins
    changes: Proposed
    ways: Mapping[Address, Way]
    refusals: Mapping[Refusal, tuple[Address, ...]]


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
        found = _propose(scene, compared, held)
        everything = {**found.changes, **{at: (delete,) for at, delete in deletes.items()}}
        kept, left_out = scope.split(scene, everything, found.ways)
        at_once = {r: at for r, at in found.refusals.items() if any(map(scope.keeps, at))}
        case = Case(kept, blocked, {**standing, **at_once}, found.ways)
        verdict = judge(scene, case)
        newly = dict(_held_back(scene, verdict, found))
        if not newly:
            relied = relies(found.ways, verdict.allowed)
            count = sum(map(len, left_out.values()))
            return _await_approvals(scene, Settled(verdict, found.pins, count, relied))
        held |= newly.keys()
        for refusals in newly.values():
            standing.update(refusals)


def _propose(
    scene: Scene, compared: Mapping[Address, Comparison], held: frozenset[Address]
) -> _Proposals:
    """Return the change of every object, those that have versions first, experiments last."""
    workspace, live = scene.desired.workspace, scene.live
    first = [one for address, one in compared.items() if address.kind in PINNED]
    last = [one for address, one in compared.items() if address.kind == EXPERIMENTS]
    then = [one for address, one in compared.items() if address.kind not in (*PINNED, EXPERIMENTS)]
    changes: dict[Address, tuple[Change, ...]] = {}
    pins = Pins(workspace, live)
    for one in first:
        if change := build(scene, one, pins):
            changes[one.address] = (change,)
    made = [change for steps in changes.values() for change in steps]
    pins = Pins(workspace, live, frozenset(renewed(made)), held)
    for one in then:
        if change := build(scene, one, pins):
            changes[one.address] = (change,)
    return _with_experiments(scene, compared, last, _Proposals(pins, changes, {}, {}))


def _with_experiments(
    scene: Scene,
    compared: Mapping[Address, Comparison],
    experiments: Sequence[Comparison],
    others: _Proposals,
) -> _Proposals:
    """Return the proposals with the steps of experiments, and what their stops bring about."""
    changes = dict(others.changes)
    in_conflict = disputed(scene, compared, others.pins)
    ways: dict[Address, Way] = {}
    refusals: dict[Refusal, tuple[Address, ...]] = {}
    for one in experiments:
        way = way_of(scene, one.address, others.changes, in_conflict)
        freeing = way is not None and bool(way.frees or way.conflicts)
        proposal = propose(scene, one, others.pins, makes_way=freeing)
        if proposal.changes:
            changes[one.address] = proposal.changes
        refusals.update(dict.fromkeys(proposal.refusals, (one.address,)))
        if way is None:
            continue
        place = targeting_address(way.running.ai_config, way.running.environment)
        change = next(iter(changes.get(place, ())), None)
        served = enforced(scene, way, proposal.changes, compared.get(place), change)
        if served is not None:
            changes[place] = (served,)
        else:
            changes.pop(place, None)
        if served is not change:
            freed = {place} if _serves(served) else frozenset()
            way = replace(way, frees=way.frees - {place} | freed)
        ways[one.address] = way
    return _Proposals(others.pins, changes, ways, refusals)


def _serves(change: Change | None) -> bool:
    """True if a targeting change says what a rule or the fallthrough serves."""
    fields = change.fields if isinstance(change, Update) else ()
    return any(diff.field in (RULES, FALLTHROUGH) for diff in fields)


def _blocked(compared: Mapping[Address, Comparison]) -> Iterator[tuple[Address, str]]:
    for address, one in compared.items():
        if one.in_conflict:
            yield address, "is in conflict"
        elif one.row is Row.GONE:
            yield address, "was deleted in LaunchDarkly"


def _held_back(
    scene: Scene, verdict: Verdict, found: _Proposals
) -> Iterator[tuple[Address, Mapping[Refusal, tuple[Address, ...]]]]:
    """Yield objects whose new version will not come, with the refusals to remember.

    Among these is that of a restart that would have made way for the re-pin: it is not to start
    anew without it.
    """
    pins = found.pins
    for address in sorted(pins.renewed - pins.held):
        if scene.live.observed(address) is None:
            continue
        if address in verdict.refused:
            repinned = _repinned(scene, found.changes, address)
            yield address, verdict.refusals_of([address, *_restarts(verdict, found, repinned)])
            continue
        users = [
            refused
            for refused, changes in verdict.refused.items()
            for change in changes
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
            told = verdict.refusals_of([*users, *_restarts(verdict, found, users)])
            yield address, {**told, why: (address,)}


def _repinned(scene: Scene, changes: Proposed, pinned: Address) -> list[Address]:
    """Return the variations that a new version of an object re-pins."""
    return [
        address
        for address, steps in changes.items()
        for one in steps
        if pinned in new_pins(one, scene.desired.values(address))
    ]


def _restarts(verdict: Verdict, found: _Proposals, freed: Collection[Address]) -> Iterator[Address]:
    """Yield the refused experiments whose stop would have made way for these changes."""
    for address, way in found.ways.items():
        if address in verdict.refused and not way.frees.isdisjoint(freed):
            yield address


def _await_approvals(scene: Scene, settled: Settled) -> Settled:
    """Take out targeting changes that an open request holds, and what waits for them."""
    allowed = settled.verdict.allowed
    needs: list[ApprovalNeed] = []
    notes: list[Note] = []
    for address, changes in list(allowed.items()):
        for change in changes:
            found = approvals.approval(scene, change)
            if found.note is not None:
                notes.append(found.note)
                del allowed[address]
            elif found.need is not None:
                needs.append(found.need)
    if notes:
        held = {note.address for note in notes}
        notes += _waiting(scene, allowed, held)
    return replace(settled, needs=tuple(needs), notes=tuple(notes))


def _waiting(
    scene: Scene, allowed: dict[Address, tuple[Change, ...]], held: Collection[Address | None]
) -> Iterator[Note]:
    """Take out what relies on the changes that a pending request holds; say so."""
    for address, changes in list(allowed.items()):
        needed = {one for change in changes for one in needs_of(change, references)} & set(held)
        if address.kind == EXPERIMENTS and needed:
            del allowed[address]
            words = f"waits for a pending approval request: needs {min(needed)}"
            yield Note(NoteKind.PENDING, words, address)
    for refusal in list(usage.in_use(scene, allowed)):
        assert refusal.address is not None
        del allowed[refusal.address]
        words = f"waits for a pending approval request: {refusal.summary}"
        yield Note(NoteKind.PENDING, words, refusal.address)
