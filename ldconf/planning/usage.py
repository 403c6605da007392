"""Who still uses what is to be archived or deleted, once everything before it went through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ldconf.core.address import Address
from ldconf.core.change import Archive, Delete, Refusal, verb_of
from ldconf.kinds.variation_model import ARCHIVED, PUBLISHED
from ldconf.planning.compare import STATE
from ldconf.planning.graph import Naming, namings
from ldconf.planning.scene import Scene
from ldconf.planning.serving import was_read
from ldconf.planning.ways import Proposed

_RETIRED = (Archive, Delete)


def in_use(scene: Scene, changes: Proposed, refused: Collection[Address] = ()) -> Iterator[Refusal]:
    """Yield a refusal per archive and delete whose object is still in use after `changes`.

    Over all environments and unmanaged objects (design 4.5). Changes of `refused` objects, which
    might have ended a use, do not happen.
    """
    retired = [one for steps in changes.values() for one in steps if isinstance(one, _RETIRED)]
    if not retired:
        return
    named = namings(scene.live.live, changes)
    for change in retired:
        if users := tuple(_users(scene, change, named, refused)):
            verb = {"archive": "archived"}.get(verb_of(change), "deleted")
            yield Refusal(
                change.address,
                "in-use",
                f"cannot be {verb}: used by {', '.join(users)}",
                hint="end these uses first; the entry may stay, it acts when nothing uses it",
            )
        elif problem := _is_last(scene, change, changes):
            yield Refusal(change.address, "in-use", problem, hint="remove the AI Config instead")


def _users(
    scene: Scene,
    change: Archive | Delete,
    named: Mapping[Address, Sequence[Naming]],
    refused: Collection[Address],
) -> Iterator[str]:
    address = change.address
    below = address.kind == "aiConfigs"
    if address.kind in ("aiConfigs", "variations") and not was_read(scene.live, address.ai_config):
        yield f"its targeting, which was not read (aiConfigs/{address.ai_config}/targeting)"
    targets = [target for target in named if address.covers(target)] if below else [address]
    users = {
        naming.by
        for target in targets
        for naming in named.get(target, ())
        # What an AI Config holds itself goes with it, unless somebody is served by it.
        if not address.covers(naming.by) or naming.served
    }
    for user in sorted(users):
        if user in refused:
            yield f"{user} (its change is refused)"
        elif (scene.live.values(user) or {}).get(STATE) == ARCHIVED:
            yield f"{user} (archived)"
        else:
            yield str(user)
    yield from _experiments(scene, address)
    yield from _told_by_the_server(scene, change)


def _experiments(scene: Scene, address: Address) -> Iterator[str]:
    """Yield experiments that are known as drafted or running only; others name what they use."""
    for experiment in scene.live.live.experiments:
        observed = scene.live.live.observed.get(Address.of("experiments", experiment.key))
        told = observed is not None and not observed.meta.get("unsupported")
        if told or experiment.ai_config != address.ai_config:
            continue
        if address.kind == "aiConfigs" or (
            address.kind == "variations" and address.key in experiment.variations
        ):
            yield f"experiments/{experiment.key} ({experiment.status})"


def _told_by_the_server(scene: Scene, change: Archive | Delete) -> Iterator[str]:
    """Yield users that only the object's own payload tells: flags, experiments (10.4, 15)."""
    observed = scene.live.observed(change.address)
    raw = observed.meta.get("raw") if observed else None
    if not isinstance(raw, Mapping) or isinstance(change, Archive):
        return
    if change.address.kind == "segments":
        yield from (f"flag {flag.get('key', '?')}" for flag in raw.get("_flags") or ())
    if change.address.kind == "metrics" and raw.get("experimentCount"):
        yield f"{raw['experimentCount']} experiment(s)"


def _is_last(scene: Scene, change: Archive | Delete, changes: Proposed) -> str | None:
    """Return why the last variation cannot go (reference 4.2, 4.7), None if it is not the last."""
    if change.address.kind != "variations":
        return None
    ai_config = Address(change.address.parts[:2])
    others = {
        address
        for address in {*scene.live.live.observed, *changes}
        if address.kind == "variations" and ai_config.covers(address)
    } - {a for a, steps in changes.items() for one in steps if isinstance(one, _RETIRED)}
    left = [address for address in others if _is_published(scene, address, changes)]
    if isinstance(change, Archive) and not left:
        return "cannot be archived: no published variation would be left"
    return None if others else "cannot be deleted: it is the last variation"


def _is_published(scene: Scene, address: Address, changes: Proposed) -> bool:
    values = scene.live.values(address)
    return address in changes or (values or {}).get(STATE, PUBLISHED) != ARCHIVED
