"""Guards on single changes: what may not be written, and which consent would lift that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Delete, FieldDiff, Refusal, Restore, Update
from ldconf.core.live import RunningExperiment
from ldconf.core.workspace import Guards
from ldconf.kinds import kind_of
from ldconf.planning import approvals, protection, removal
from ldconf.planning.scene import Scene
from ldconf.planning.serving import servings, was_read

IN_PLACE_EDIT, PROTECTED = "inPlaceEdit", "protected"
FORBID = "forbid"


def check(scene: Scene, change: Change, running: Sequence[RunningExperiment]) -> Iterator[Refusal]:
    """Yield every refusal of one change, judged on the live state that it would be written to.

    `running` are the experiments that run then: those that phase 1 does not stop.
    """
    yield from _protected(scene, change)
    yield from _impossible(scene, change)
    yield from _edited_in_place(scene, change)
    yield from protection.refusals(scene, change, running)
    yield from approvals.refusals(scene, change)
    if isinstance(change, Delete):
        yield from removal.refusals(scene, change)


def guards(scene: Scene) -> Guards:
    """Return the guards that count: those of the base, so that a change cannot lift its own."""
    source = scene.base or scene.desired
    return source.workspace.settings.guards


def _protected(scene: Scene, change: Change) -> Iterator[Refusal]:
    touched = [change.address]
    if isinstance(change, Delete):
        observed = scene.live.live.observed
        touched += sorted(one for one in observed if change.address.covers(one))
    for pattern in guards(scene).protect:
        if any(address.matches(pattern) for address in touched):
            yield Refusal(
                change.address,
                PROTECTED,
                f"protected by `guards.protect: {pattern}`",
                allow=PROTECTED,
            )
            return


def _impossible(scene: Scene, change: Change) -> Iterator[Refusal]:
    observed = scene.live.observed(change.address)
    if observed is not None and observed.meta.get("global"):
        yield Refusal(
            change.address,
            "read-only",
            "an entry of LaunchDarkly's own catalogue cannot be written",
            hint="refer to it by key from a variation; do not list it under `modelConfigs`",
        )
    match change:
        case Update(fields=fields, after=after):
            for diff in fields:
                if diff.field in type(after).immutable:
                    yield immutable(change.address, diff)
            clash = kind_of(change.address).clash
            for problem in clash(change, observed) if clash and observed else ():
                yield Refusal(
                    change.address,
                    "clash",
                    f"does not go with its other fields in LaunchDarkly: {problem.summary}",
                    hint="manage the other fields too, or change this one with them",
                )
        case Create(after=after):
            values = after.managed()
            missing = sorted(
                name for name in type(after).required_to_create if values.get(name) is None
            )
            if missing:
                names = ", ".join(f"`{name}`" for name in missing)
                yield Refusal(
                    change.address,
                    "incomplete",
                    f"it does not exist in LaunchDarkly and cannot be made without {names}",
                    hint="add them, or correct the key",
                )
        case _:
            return


def immutable(address: Address, diff: FieldDiff) -> Refusal:
    """Return the refusal of a change to what an object is made with once and for all."""
    return Refusal(
        address,
        "immutable",
        f"`{diff.field}` cannot change after creation"
        f" (it is {diff.before!r}, the files say {diff.after!r})",
        hint="make a new object with another key, and remove this one",
    )


def _edited_in_place(scene: Scene, change: Change) -> Iterator[Refusal]:
    """An edit of a variation reaches everyone who is served it at once (design section 2)."""
    if change.address.kind != "variations" or not isinstance(change, Update | Restore):
        return
    if not was_read(scene.live, change.address.ai_config):
        served = dict.fromkeys(scene.live.live.environments, "its targeting there was not read")
    else:
        served = {s.environment: "is served there" for s in servings(scene.live, change.address)}
    for environment, how in sorted(served.items()):
        if approvals.requires(scene, change.address, environment):
            yield Refusal(
                change.address,
                IN_PLACE_EDIT,
                f"{environment} requires approval and {how}: it cannot be edited in place",
                hint="make the edit a new variation, and serve it by targeting",
            )
        elif _forbids(scene, environment):
            yield Refusal(
                change.address,
                IN_PLACE_EDIT,
                f"{how}: variations in use may not be edited in place in {environment}",
                allow=IN_PLACE_EDIT,
                hint="make the edit a new variation and serve it with `ldconf promote`",
            )


def _forbids(scene: Scene, environment: str) -> bool:
    found = scene.live.live.environments[environment]
    default = FORBID if found.critical else "allow"
    return guards(scene).in_place_edits.get(environment, default) == FORBID
