"""Who names whom, over files and live objects alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Delete, Restore, Transition, Update
from ldconf.core.kind import Reference
from ldconf.core.live import Live
from ldconf.core.resource import Resource
from ldconf.kinds import KIND_BY_NAME
from ldconf.kinds.experiment_model import STOPPED, Experiment
from ldconf.kinds.serve import DISABLED


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """Return what a resource names; the variation `disabled` always exists, so is left out."""
    kind = KIND_BY_NAME.get(address.kind)
    found = kind.references(address, resource) if kind else ()
    return [ref for ref in found if not is_disabled(ref.target)]


def is_disabled(address: Address) -> bool:
    """True for the variation that every AI Config has from birth."""
    return address.kind == "variations" and address.key == DISABLED


@dataclass(frozen=True)
class Naming:
    """One object that names another."""

    by: Address
    served: bool


def namings(
    live: Live, changes: Mapping[Address, Sequence[Change]]
) -> Mapping[Address, Sequence[Naming]]:
    """Return address -> who names it, once these changes went through.

    Over all environments and also over objects that no file names. A deleted AI Config takes what
    it holds along, but whom its targeting serves still counts: they would get nothing. A stopped
    experiment needs what it measured with, but no variation any more.
    """
    named: dict[Address, list[Naming]] = {}
    gone = {address for address in changes if _is_deleted(changes, address)}
    for address, resource in _after(live, changes):
        leaving = Address(address.parts[:2]) in gone
        over = isinstance(resource, Experiment) and resource.status == STOPPED
        for target, served in {(ref.target, ref.served) for ref in references(address, resource)}:
            if over and target.section == "aiConfigs":
                continue
            if served or not leaving:
                named.setdefault(target, []).append(Naming(address, served))
    return {
        target: sorted(found, key=lambda naming: (naming.by, naming.served))
        for target, found in named.items()
    }


def _after(
    live: Live, changes: Mapping[Address, Sequence[Change]]
) -> Iterator[tuple[Address, Resource]]:
    """Yield every object as it is after the changes, apart from those deleted themselves."""
    for address, observed in live.observed.items():
        if not _is_deleted(changes, address) and not observed.meta.get("archived"):
            yield address, _changed(observed.resource, changes.get(address, ()))
    for address, steps in changes.items():
        if steps and isinstance(steps[0], Create):
            yield address, _changed(steps[0].after, steps[1:])


def _is_deleted(changes: Mapping[Address, Sequence[Change]], address: Address) -> bool:
    return any(isinstance(change, Delete) for change in changes.get(address, ()))


def _changed(resource: Resource, changes: Sequence[Change]) -> Resource:
    for change in changes:
        match change:
            case Update(after=after) | Restore(after=after) | Transition(after=after):
                given = {name: getattr(after, name) for name in after.model_fields_set}
                resource = resource.model_copy(update=given)
            case _:
                pass
    return resource
