"""The order of an apply: by phase, inside a phase by kind, deletes backward (design 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ldconf.core.address import Address
from ldconf.core.change import Change, Delete, Step, step
from ldconf.core.dependency import Relies, dependencies, order_of_step
from ldconf.kinds import KINDS
from ldconf.planning.graph import references
from ldconf.planning.scene import Scene

_RANK = {kind.name: rank for rank, kind in enumerate(KINDS)}


def ordered(scene: Scene, changes: Iterable[Change], relies: Relies) -> tuple[Change, ...]:
    """Return the changes by phase, kind, judges first, address, and step.

    Inside a kind what is named comes before what names it (a segment before one that uses it).
    """
    found = sorted(changes, key=lambda change: _key(scene, change))
    needed = dependencies(found, references, relies)
    by_step = {step(change): change for change in found}
    return tuple(_in_dependency_order(by_step, needed))


def _key(scene: Scene, change: Change) -> tuple[int, int, bool, Address, int]:
    rank = _RANK.get(change.address.kind, len(_RANK))
    first = is_judge(scene, change.address)
    if isinstance(change, Delete):
        return (change.phase, -rank, first, change.address, 0)
    return (change.phase, rank, not first, change.address, order_of_step(change))


def is_judge(scene: Scene, address: Address) -> bool:
    """True for an AI Config with `mode: judge` and what stands under it."""
    if address.ai_config is None:
        return False
    owner = Address(address.parts[:2])
    values = {**(scene.live.values(owner) or {}), **(scene.desired.values(owner) or {})}
    return values.get("mode") == "judge"


def _in_dependency_order(
    changes: Mapping[Step, Change], needed: Mapping[Step, frozenset[Step]]
) -> Iterator[Change]:
    """Yield changes in the given order, each after what it needs in its own phase and kind."""
    done: set[Step] = set()

    def visit(at: Step, waiting: frozenset[Step]) -> Iterator[Change]:
        if at in done or at in waiting:
            return
        change = changes[at]
        for other in sorted(needed[at], key=lambda one: (one.address, order_of_step(changes[one]))):
            if changes[other].phase == change.phase and other.address.kind == at.address.kind:
                yield from visit(other, waiting | {at})
        done.add(at)
        yield change

    for at in changes:
        yield from visit(at, frozenset())
