"""`removed:` acts once: which objects a plan deletes, and what it says of spent entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ldconf.core import address as addresses
from ldconf.core.address import Address
from ldconf.core.change import Delete, Note, NoteKind, Refusal
from ldconf.kinds.experiment_model import RUNNING
from ldconf.planning.lifecycle import STATUS
from ldconf.planning.scene import Scene
from ldconf.planning.sides import EXPERIMENTS


@dataclass(frozen=True)
class Removals:
    """Deletes by address, and the lines about `removed` entries that delete nothing."""

    deletes: dict[Address, Delete] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def removals(scene: Scene) -> Removals:
    """Return what the files' `removed` means against base and live (design section 9)."""
    deletes: dict[Address, Delete] = {}
    notes: list[Note] = []
    for address in sorted(scene.desired.workspace.removed):
        observed = scene.live.observed(address)
        if observed is None:
            notes.append(
                Note(NoteKind.DONE, "removed and absent: the entry may be deleted", address)
            )
        elif scene.base is not None and address in scene.base.workspace.removed:
            notes.append(
                Note(
                    NoteKind.SPENT,
                    "its `removed` entry acted already; someone made it again",
                    address,
                    hint="delete the entry; list it again later to delete the object again",
                )
            )
        else:
            deletes[address] = Delete(address, observed.resource)
    # An AI Config takes its variations along (and its last one cannot go alone, reference 4.7).
    alone = {
        address: delete
        for address, delete in deletes.items()
        if address.kind == "aiConfigs" or parent(address) not in deletes
    }
    return Removals(alone, tuple(notes))


def unlisted_children(scene: Scene, address: Address) -> Iterator[Address]:
    """Yield the variations that would go with an AI Config although no file speaks of them."""
    for child in sorted(scene.live.live.observed):
        if child.kind != "variations" or not address.covers(child) or address == child:
            continue
        managed = scene.base is not None and child in scene.base.workspace.resources
        if not managed and child not in scene.desired.workspace.removed:
            yield child


def parent(address: Address) -> Address | None:
    """Return the AI Config that an address stands under; for itself None."""
    if address.ai_config is None or address.kind == "aiConfigs":
        return None
    return addresses.ai_config(address.ai_config)


def refusals(scene: Scene, delete: Delete) -> Iterator[Refusal]:
    """Yield why a delete may not happen, apart from who uses the object."""
    at = (scene.live.values(delete.address) or {}).get(STATUS)
    if delete.address.kind == EXPERIMENTS and at is not None and at[STATUS] == RUNNING:
        yield Refusal(
            delete.address,
            "experiment",
            f"iteration {at['iteration']} runs: a running experiment is not removed",
            hint="list it with `status: stopped`, `winner` and `reason` first, and apply that",
        )
    children = ", ".join(map(str, unlisted_children(scene, delete.address)))
    if delete.address.kind == "aiConfigs" and children:
        yield Refusal(
            delete.address,
            "children",
            f"deleting it would delete what is not in `removed`: {children}",
            hint="list them under `removed` too, if they may go",
        )
