"""Which changes need which others to have gone through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ldconf.core.address import Address, ai_config
from ldconf.core.change import Change, Create, Delete, Restore, Transition, Update
from ldconf.core.kind import Reference
from ldconf.core.live import Live
from ldconf.core.resource import Resource

# Variations hold a version of these, so that a newer one may come or not.
VERSIONED = ("tools", "modelConfigs")
References = Callable[[Address, Resource], Sequence[Reference]]


def dependencies(
    changes: Iterable[Change], references: References
) -> Mapping[Address, frozenset[Address]]:
    """Return address of each change -> addresses of the other changes that it needs.

    A change needs what the fields it sends name, and its AI Config; a delete needs the deletes of
    what named it. Only changes of the same list count: everything else exists already.
    `references` is `Kind.references` of the address' kind.
    """
    by_address = {change.address: change for change in changes}
    deletes = [change for change in by_address.values() if isinstance(change, Delete)]
    named_by: dict[Address, set[Address]] = {}
    for delete in deletes:
        for reference in references(delete.address, delete.before):
            named_by.setdefault(reference.target, set()).add(delete.address)
    return {
        address: frozenset(
            needed
            for needed in (*needs(change, references), *named_by.get(address, ()))
            if needed in by_address and needed != address
        )
        for address, change in by_address.items()
    }


def needs(change: Change, references: References) -> Iterator[Address]:
    """Yield what a change names or stands under, whether it exists or not."""
    address = change.address
    match change:
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
