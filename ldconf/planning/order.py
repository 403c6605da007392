"""The order of an apply: by phase, inside a phase by kind, deletes backward (design 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ldconf.core.address import Address
from ldconf.core.change import Change, Delete
from ldconf.core.dependency import dependencies
from ldconf.kinds import KINDS
from ldconf.planning.compare import Scene
from ldconf.planning.graph import references

_RANK = {kind.name: rank for rank, kind in enumerate(KINDS)}


def ordered(scene: Scene, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes by phase, kind, judges first, and address.

    Inside a kind what is named comes before what names it (a segment before one that uses it).
    """
    found = sorted(changes, key=lambda change: _key(scene, change))
    needed = dependencies(found, references)
    by_address = {change.address: change for change in found}
    return tuple(_in_dependency_order(by_address, needed))


def _key(scene: Scene, change: Change) -> tuple[int, int, bool, Address]:
    rank = _RANK.get(change.address.kind, len(_RANK))
    if isinstance(change, Delete):
        return (change.phase, -rank, is_judge(scene, change.address), change.address)
    return (change.phase, rank, not is_judge(scene, change.address), change.address)


def is_judge(scene: Scene, address: Address) -> bool:
    """True for an AI Config with `mode: judge` and what stands under it."""
    if address.ai_config is None:
        return False
    owner = Address(address.parts[:2])
    values = {**(scene.live.values(owner) or {}), **(scene.desired.values(owner) or {})}
    return values.get("mode") == "judge"


def _in_dependency_order(
    changes: Mapping[Address, Change], needed: Mapping[Address, frozenset[Address]]
) -> Iterator[Change]:
    """Yield changes in the given order, each after what it needs in its own phase and kind."""
    done: set[Address] = set()

    def visit(address: Address, waiting: frozenset[Address]) -> Iterator[Change]:
        if address in done or address in waiting:
            return
        change = changes[address]
        for other in sorted(needed[address]):
            if changes[other].phase == change.phase and other.kind == address.kind:
                yield from visit(other, waiting | {address})
        done.add(address)
        yield change

    for address in changes:
        yield from visit(address, frozenset())
