"""How much one apply may change at most: `maxDeletePercent` and `maxUpdatePercent`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Delete, Refusal, Restore, Update
from ldconf.planning.guards import guards
from ldconf.planning.scene import Scene
from ldconf.planning.ways import Proposed

DELETES, UPDATES = "deletes", "updates"


def exceeded(scene: Scene, changes: Proposed) -> Iterator[tuple[Refusal, tuple[Address, ...]]]:
    """Yield each limit that is exceeded, with the changes that it refuses.

    Counted per kind of change over the managed objects that exist live; below `minObjects` of
    them no limit applies.
    """
    limits = guards(scene)
    deleted = tuple(_with(changes, Delete))
    updated = tuple(_with(changes, Update, Restore, Archive))
    gone = {*deleted, *_taken_along(scene, deleted)}
    managed = {*scene.desired.workspace.resources, *gone}
    total = sum(address in scene.live.live.observed for address in managed)
    if not total or total < limits.min_objects:
        return
    for guard, count, addresses, most, name in (
        (DELETES, len(gone), deleted, limits.max_delete_percent, "maxDeletePercent"),
        (UPDATES, len(updated), updated, limits.max_update_percent, "maxUpdatePercent"),
    ):
        percent = count * 100 / total
        if percent > most:
            yield (
                Refusal(
                    None,
                    guard,
                    f"{count} of {total} managed objects ({percent:.0f} %) in {guard};"
                    f" `guards.{name}` is {most:g}",
                    allow=guard,
                ),
                addresses,
            )


def _with(changes: Proposed, *kinds: type[Change]) -> Iterator[Address]:
    for address, steps in changes.items():
        if any(isinstance(one, kinds) for one in steps):
            yield address


def _taken_along(scene: Scene, deleted: Collection[Address]) -> Iterator[Address]:
    """Yield the live variations that go with a deleted AI Config; each is an object lost."""
    for address in scene.live.live.observed:
        if address.kind == "variations" and Address(address.parts[:2]) in deleted:
            yield address
