"""Comparisons become changes: what apply would send for one object."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Create, FieldDiff, Restore, Update
from ldconf.core.resource import Json, Resource, same
from ldconf.kinds import kind_of
from ldconf.kinds.variation_model import ARCHIVED, PUBLISHED
from ldconf.planning.compare import STATE, Comparison, is_born_so
from ldconf.planning.pins import Pins, sendable
from ldconf.planning.scene import Scene
from ldconf.planning.sides import Values
from ldconf.planning.texts import Unseen, shown
from ldconf.planning.threeway import Row

_MODEL_NAME = "model.modelName"


def build(scene: Scene, found: Comparison, pins: Pins) -> Change | None:
    """Return the change of one object, None if nothing is to be sent."""
    if found.row is Row.CREATE:
        return _create(scene, found, pins)
    if not found.exists or found.in_conflict:
        return None
    state = next((field for field in found.fields if field.field == STATE), None)
    if state is not None and state.is_written and state.desired == ARCHIVED:
        return Archive(found.address)
    diffs = tuple(diffs_of(scene, found, pins))
    if state is not None and state.is_written and state.desired == PUBLISHED:
        rest = tuple(diff for diff in diffs if diff.field != STATE)
        return Restore(found.address, _after(scene, found, diffs), rest)
    if not diffs:
        return None
    phase = kind_of(found.address).phase
    after = _after(scene, found, diffs)
    return Update(found.address, after, diffs, phase=phase, adopts=found.adopts)


def _create(scene: Scene, found: Comparison, pins: Pins) -> Create | None:
    address = found.address
    values = dict(found.desired)
    if address.kind == "targeting" and is_born_so(values):
        return None
    if "tools" in values:
        values["tools"] = sendable("tools", pins.tools(values["tools"], None))
    if address.kind == "variations" and "model" not in values:
        name = scene.desired.derived_model_name(address, values)
        if name is not None:
            values["model"] = {"modelName": name}
    resource = scene.desired.workspace.resources[address]
    return Create(address, with_values(resource, values), phase=kind_of(address).phase)


def diffs_of(scene: Scene, found: Comparison, pins: Pins) -> Iterator[FieldDiff]:
    """Yield the fields to send, in the order of the files' fields; derived ones last."""
    for row in found.fields:
        if not row.is_written:
            continue
        after = pins.tools(row.desired, row.live) if row.field == "tools" else row.desired
        yield _inherited(
            scene,
            found.address,
            FieldDiff(
                row.field,
                shown(row.live),
                after,
                unverifiable=isinstance(row.live, Unseen),
            ),
        )
    if found.address.kind == "variations" and _is_published(scene, found):
        yield from _following_model(scene, found)
        yield from pins.repins(found)


def _is_published(scene: Scene, found: Comparison) -> bool:
    """True if the variation is in use, or back in use: a retired one keeps its pins."""
    restored = any(row.field == STATE and row.is_written for row in found.fields)
    live = (scene.live.values(found.address) or {}).get(STATE)
    return found.desired.get(STATE) != ARCHIVED and (restored or live != ARCHIVED)


def _inherited(scene: Scene, address: Address, diff: FieldDiff) -> FieldDiff:
    """Return the difference with the parent that caused it, if one did."""
    known = scene.desired.workspace.inherited
    origin = known.get((address, diff.field))
    if origin is None:
        return diff
    follows = known.get((address, "modelConfigKey"))  # decides the name of the model
    by_path = {
        path: (follows.parent if follows else address)
        if path == _MODEL_NAME and "modelConfigKey" in (scene.desired.values(address) or {})
        else origin.writer(path)
        for path in _changed(diff.field, diff.before, diff.after)
    }
    parents = [writer for writer in by_path.values() if writer != address]
    if not parents:
        return diff
    own = tuple(path for path, writer in by_path.items() if writer == address)
    return replace(diff, inherited=parents[0], own=own)


def _changed(path: str, before: Json, after: Json) -> Iterator[str]:
    """Yield the paths at which two values differ; lists and all that is no map are one value."""
    if same(before, after):
        return
    sides = (before, after)
    if any(map(_is_full, sides)) and all(one is None or isinstance(one, Mapping) for one in sides):
        old, new = before or {}, after or {}
        for key in dict.fromkeys((*old, *new)):
            yield from _changed(f"{path}.{key}", old.get(key), new.get(key))
    else:
        yield path


def _is_full(value: Json) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _following_model(scene: Scene, found: Comparison) -> Iterator[FieldDiff]:
    """Yield the model name that must change with the model config, if `model` is unmanaged."""
    rows = {row.field: row for row in found.fields}
    key = rows.get("modelConfigKey")
    if key is None or not key.is_written or "model" in rows:
        return
    name = scene.desired.model_name(key.desired) if key.desired else None
    live: Json = (scene.live.values(found.address) or {}).get("model")
    after = {**(live or {}), "modelName": name}
    if name is not None and not same(live, after):
        yield FieldDiff("model", live, after, because="follows modelConfigKey")


def _after(scene: Scene, found: Comparison, diffs: Collection[FieldDiff]) -> Resource:
    """Return a resource that holds exactly the fields to send."""
    values: dict[str, Json] = {
        diff.field: sendable(diff.field, diff.after)
        for diff in diffs
        if not (diff.field == "modelConfigVersion" and sendable(diff.field, diff.after) is None)
    }
    return with_values(scene.desired.workspace.resources[found.address], values)


def with_values(resource: Resource, values: Values) -> Resource:
    """Return a resource of the same kind that manages exactly these canonical values.

    What has its value already stays as it is written, with the order of its entries.
    """
    kept, model = resource.managed(), type(resource)
    changed = {name: value for name, value in values.items() if not _holds(kept, name, value)}
    if not changed:
        return restricted(resource, values.keys())
    written = {
        attribute: getattr(resource, attribute)
        for attribute in resource.model_fields_set
        if (model.model_fields[attribute].alias or attribute) not in changed
    }
    whole = model.model_validate({**kept, **changed}).model_copy(update=written)
    return restricted(whole, values.keys())


def restricted(resource: Resource, names: Collection[str]) -> Resource:
    """Return the resource with only the fields of these wire names managed.

    What a kind requires in every file stays readable: it says what the object is about.
    """
    model = type(resource)
    attributes = {
        attribute
        for attribute, field in model.model_fields.items()
        if (field.alias or attribute) in names
    }
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    kept = {name: getattr(resource, name) for name in attributes | required}
    return model.model_construct(_fields_set=attributes, **kept)


def _holds(values: Mapping[str, Json], name: str, value: Json) -> bool:
    return name in values and same(values[name], value)
