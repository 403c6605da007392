"""The lines of a plan that send nothing: what a reviewer should know besides the changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from ldconf.core import address as addresses
from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Delete, Note, NoteKind
from ldconf.core.resource import Json, same
from ldconf.core.workspace import Consent, WorkspaceSettings
from ldconf.kinds.experiment_model import RUNNING
from ldconf.kinds.variation_model import ARCHIVED
from ldconf.planning import protection, readiness
from ldconf.planning.compare import STATE, Comparison, is_unread
from ldconf.planning.lifecycle import STATUS
from ldconf.planning.pins import PIN_FIELDS, PINNED, Pins, follows, new_pins
from ldconf.planning.scene import Scene
from ldconf.planning.serving import was_read
from ldconf.planning.sides import EXPERIMENTS, FileSide


def released(scene: Scene) -> Iterator[Note]:
    """Yield what the files managed at the base and no longer do; dropping is not deleting."""
    if scene.base is None:
        return
    desired, base = scene.desired.workspace, scene.base.workspace
    dropped = [address for address in base.resources if address not in desired.resources]
    gone = {*dropped, *(a for a in base.resources if a in desired.removed)}
    for address in sorted(dropped):
        if address in desired.removed or _under(address, gone):
            continue
        at = (scene.live.values(address) or {}).get(STATUS) if address.kind == EXPERIMENTS else None
        runs = at is not None and at[STATUS] == RUNNING
        away = "archive it, once it is stopped" if address.kind == EXPERIMENTS else "delete it"
        yield Note(
            NoteKind.RELEASED,
            f"no longer managed: left as it is in LaunchDarkly{', where it runs' if runs else ''}",
            address,
            hint=f"list it under `removed` to {away}",
        )
    for address in sorted(desired.resources):
        now, before = scene.desired.values(address), scene.base.values(address)
        if now is None or before is None or now.get(STATE) == ARCHIVED:
            continue
        for name in before:
            if name not in now and name not in PIN_FIELDS:
                yield Note(NoteKind.RELEASED, f"`{name}` is no longer managed", address, field=name)


def _under(address: Address, parents: set[Address]) -> bool:
    return len(address.parts) > 2 and Address(address.parts[:2]) in parents


def settings(scene: Scene) -> Iterator[Note]:
    """Yield changes of the workspace's settings: what may be written, and what guards it."""
    if scene.base is None:
        return
    before = _facts(scene.base.workspace.settings)
    after = _facts(scene.desired.workspace.settings)
    for name in sorted(before.keys() | after.keys()):
        was, becomes = before.get(name), after.get(name)
        if not same(was, becomes):
            hint = _HINTS.get(name.partition(".")[0])
            yield Note(NoteKind.SETTINGS, f"{name}: {_said(was)} -> {_said(becomes)}", hint=hint)


_HINTS = {
    "guards": "guards count once the base has them",
    "policy": "a rule of the base counts as the base has it; a new one counts at once",
}


def _facts(found: WorkspaceSettings) -> dict[str, Json]:
    guards = found.guards
    facts: dict[str, Json] = {
        "project": found.project,
        "host": found.host,
        "environments": sorted(found.environments),
        "guards.maxDeletePercent": guards.max_delete_percent,
        "guards.maxUpdatePercent": guards.max_update_percent,
        "guards.minObjects": guards.min_objects,
        "guards.protect": sorted(guards.protect),
        "guards.inPlaceEdits": dict(guards.in_place_edits),
    }
    for section, keys in found.external.keys.items():
        if keys is None or keys:
            facts[f"external.{section}"] = "*" if keys is None else sorted(keys)
    for key, rule in found.policy.items():
        facts[f"policy.{key}"] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(rule).items()
            if value is not None and value is not False and value != ()
        }
    return facts


def _said(value: Json) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {value[key]}" for key in sorted(value)) + "}"
    return "none" if value is None else str(value)


def merged(
    scene: Scene, changes: Sequence[Change], used: Iterable[tuple[Consent, Address | None]]
) -> Iterator[Note]:
    """Yield which changes the merge base contains already: merged before, not yet applied.

    `used` are the consents of the plan: what a new one lifts comes about by this pull request.
    """
    if scene.merged is None:
        return
    known = {entry.identity for entry in scene.merged.workspace.consents}
    lifted = {address for entry, address in used if entry.identity not in known}
    before = {
        change.address
        for change in changes
        if change.address not in lifted and _is_merged(scene, scene.merged, change)
    }
    fresh = {c.address for c in changes if c.address.kind in PINNED} - before
    # A re-pin is as new as the version that it attaches.
    attaching = {
        change.address
        for change in changes
        if not fresh.isdisjoint(new_pins(change, scene.desired.values(change.address)))
    }
    for address in dict.fromkeys(change.address for change in changes):
        if address in before and address not in attaching:
            yield Note(NoteKind.MERGED, "merged before, not yet applied", address)


def _is_merged(scene: Scene, merged_side: FileSide, change: Change) -> bool:
    if isinstance(change, Delete):
        return change.address in merged_side.workspace.removed
    then, now = merged_side.values(change.address), scene.desired.values(change.address)
    return then is not None and same(then, now)


def about_change(scene: Scene, change: Change) -> Iterator[Note]:
    """Yield what a change does besides what its fields say."""
    address = change.address
    for words in protection.warnings(scene, change):
        yield Note(NoteKind.WARNING, words, address)
    yield from readiness.notes(scene, change)
    match change:
        case Create() if address.kind == "aiConfigs":
            yield from _serves_disabled(scene, address)
        case Delete() if address.kind != EXPERIMENTS:
            yield Note(
                NoteKind.WARNING,
                "a delete cannot be undone: a revert makes a new object without its history",
                address,
            )
        case _:
            pass
    observed = scene.live.observed(address)
    if observed is not None and observed.meta.get("unsupported"):
        yield Note(
            NoteKind.WARNING,
            f"holds what files cannot describe: {observed.meta['unsupported']}",
            address,
        )
    if address.kind == "variations" and not was_read(scene.live, address.ai_config):
        yield Note(
            NoteKind.UNKNOWN, "where it is served is unknown: its targeting was not read", address
        )


def _serves_disabled(scene: Scene, address: Address) -> Iterator[Note]:
    listed = scene.desired.workspace.resources
    silent = [
        environment
        for environment in scene.desired.workspace.settings.environments
        if addresses.targeting(address.key, environment) not in listed
    ]
    if silent:
        yield Note(
            NoteKind.WARNING,
            f"a new AI Config serves `disabled` in {', '.join(silent)}"
            " until targeting says otherwise",
            address,
            hint=f"add `targeting` for {', '.join(silent)}",
        )


def about_object(scene: Scene, found: Comparison) -> Iterator[Note]:
    """Yield what is worth knowing of a managed object, changed or not."""
    if found.unknown_direction:
        yield Note(
            NoteKind.UNKNOWN,
            "direction unknown: the base's files do not load here",
            found.address,
        )
    observed = scene.live.observed(found.address)
    if observed is not None and observed.meta.get("enabled") is False:
        yield Note(
            NoteKind.WARNING,
            "targeting is switched off in LaunchDarkly, which ldconf cannot change:"
            " everybody gets the off variation",
            found.address,
            hint="switch it on in LaunchDarkly",
        )


def about_uncompared(scene: Scene) -> Iterator[Note]:
    """Yield retired variations that do not exist (never made), and targeting that was not read."""
    for address in sorted(scene.desired.workspace.resources):
        if is_unread(scene, address):
            yield Note(NoteKind.UNKNOWN, "could not be compared: it was not read", address)
        values = scene.desired.values(address) or {}
        if values.get(STATE) == ARCHIVED and scene.live.observed(address) is None:
            yield Note(NoteKind.DONE, "archived and absent: the entry may be deleted", address)


def about_versions(scene: Scene, found: Iterable[Comparison], pins: Pins) -> Iterator[Note]:
    """Yield pins that stay as they are, and newer versions of external objects."""
    kept: dict[Address, list[Address]] = {}
    for comparison in found:
        if comparison.address.kind != "variations":
            continue
        for address in follows(comparison.desired):
            if address in pins.held:
                kept.setdefault(address, []).append(comparison.address)
            elif not pins.is_own(address):
                yield from _newer(scene, comparison.address, address)
    for address, users in sorted(kept.items()):
        yield Note(
            NoteKind.PIN_KEPT,
            f"its version stays as it is in {', '.join(map(str, users))}, until it is settled",
            address,
        )


def _newer(scene: Scene, variation: Address, address: Address) -> Iterator[Note]:
    observed, values = scene.live.observed(address), scene.live.values(variation)
    if observed is None or values is None or observed.version is None:
        return
    in_use = _version_in_use(values, address)
    if in_use is not None and in_use < observed.version:
        yield Note(
            NoteKind.NEWER,
            f"keeps {address} at version {in_use}; {observed.version} exists",
            variation,
        )


def _version_in_use(values: Mapping[str, Json], address: Address) -> int | None:
    if address.kind == "modelConfigs":
        same_model = values.get("modelConfigKey") == address.key
        version: int | None = values.get("modelConfigVersion") if same_model else None
        return version
    pinned = {tool["key"]: tool.get("version") for tool in values.get("tools") or ()}
    return pinned.get(address.key)
