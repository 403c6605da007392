"""Which changes need which others to have gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from ldconf.core.address import Address, ai_config
from ldconf.core.change import (
    Change,
    Create,
    Delete,
    Restore,
    Step,
    Transition,
    Update,
    step,
)
from ldconf.core.kind import Reference
from ldconf.core.live import Live
from ldconf.core.resource import Resource

# Variations hold a version of these, so that a newer one may come or not.
VERSIONED = ("tools", "modelConfigs")
References = Callable[[Address, Resource], Sequence[Reference]]
Relies = Mapping[Step, frozenset[Step]]
_NONE: Relies = MappingProxyType({})

# The order of several steps that an experiment takes at one address in one phase.
STEPS = ("create", "draft", "update", "restart", "start")


def dependencies(
    changes: Iterable[Change], references: References, relies: Relies = _NONE
) -> Relies:
    """Return step of each change -> steps of the other changes that it needs.

    A change needs what the fields it sends name, its AI Config, the steps before it at its own
    address, and what `relies` says; a delete needs the deletes of what named it. Only changes of
    the same list count: everything else exists already. `references` is `Kind.references` of the
    address' kind.
    """
    found = tuple(changes)
    steps: dict[Address, list[Step]] = {}
    for change in sorted(found, key=_place):
        steps.setdefault(change.address, []).append(step(change))
    named_by: dict[Address, set[Address]] = {}
    for delete in found:
        if isinstance(delete, Delete):
            for reference in references(delete.address, delete.before):
                named_by.setdefault(reference.target, set()).add(delete.address)
    present = {one for at in steps.values() for one in at}

    def needed(change: Change) -> Iterator[Step]:
        own = steps[change.address]
        yield from own[: own.index(step(change))]
        for address in {*needs(change, references), *named_by.get(change.address, ())}:
            if address != change.address:
                yield from steps.get(address, ())
        yield from relies.get(step(change), frozenset()) & present

    return {step(change): frozenset(needed(change)) - {step(change)} for change in found}


def order_of_step(change: Change) -> int:
    """Return the place of a change among those at its address in its phase."""
    verb = step(change).verb
    return STEPS.index(verb) if verb in STEPS else len(STEPS)


def _place(change: Change) -> tuple[int, int]:
    return (change.phase, order_of_step(change))


def needs(change: Change, references: References) -> Iterator[Address]:
    """Yield what a change names or stands under, whether it exists or not."""
    address = change.address
    match change:
        case Transition(verb="stop"):  # as to retire, to stop needs nothing else
            return
        case Create() | Update() | Restore() | Transition():
            if address.ai_config is not None and address.kind != "aiConfigs":
                yield ai_config(address.ai_config)
            for reference in references(address, change.after):
                yield reference.target
        case _:  # to retire an object needs nothing else
            return


def stays_usable(needed: Address, live: Live) -> bool:
    """Return True for a tool or model config that exists: if its own change is held back, those
    that attach it go on at the version in use (design section 9, Own pins)."""
    return needed.kind in VERSIONED and needed in live.observed
