"""What is live once a plan is applied: for what is derived from a plan, never for the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Delete, Restore, Transition, Update
from ldconf.core.resource import Resource

Resources = Mapping[Address, Resource]


def applied(before: Resources, changes: Iterable[Change]) -> dict[Address, Resource]:
    """Return the objects after these changes."""
    found = dict(before)
    for change in changes:
        match change:
            case Create(address, after):
                found[address] = after
            case Update(address, after) | Restore(address, after):
                found[address] = _laid_over(found.get(address), after)
            case Transition(address=address, after=after):
                found[address] = _laid_over(found.get(address), after)
            case Delete(address):
                found.pop(address, None)
            case _:  # to archive takes nothing from anybody
                pass
    return found


def _laid_over(before: Resource | None, sent: Resource) -> Resource:
    given = [resource for resource in (before, sent) if resource is not None]
    fields = {name: getattr(one, name) for one in given for name in one.model_fields_set}
    return type(sent).model_construct(_fields_set=set(fields), **fields)
