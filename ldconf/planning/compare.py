"""One object in three maps: which row of the table each of its managed fields is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ldconf.core.address import Address
from ldconf.core.resource import Json
from ldconf.core.workspace import Consent
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.variation_model import ARCHIVED
from ldconf.planning.aftermath import Left, before_stop, leftovers
from ldconf.planning.design import DECLARED, named_rule
from ldconf.planning.lifecycle import LIFE, STATUS
from ldconf.planning.rules import Rules
from ldconf.planning.scene import Scene
from ldconf.planning.sides import EXPERIMENTS, Values
from ldconf.planning.texts import TEXTS, Unseen
from ldconf.planning.threeway import (
    ABSENT,
    MOVED,
    PLAIN,
    UNKNOWN,
    WRITTEN,
    Column,
    Equality,
    Nothing,
    Row,
    row,
)
from ldconf.planning.toolset import Tools

STATE = "state"

# What LaunchDarkly gives the targeting of a new AI Config (reference 5.3).
BORN: Values = {"targets": None, "rules": None, "fallthrough": DISABLED}


@dataclass(frozen=True)
class FieldRow:
    """One managed field in three columns, and the row of the table that makes."""

    field: str
    row: Row
    base: Column
    desired: Json
    live: Json

    @property
    def is_written(self) -> bool:
        """True if the field is sent."""
        return self.row in WRITTEN

    @property
    def is_settled(self) -> bool:
        """True if live is what the files say."""
        return self.row in (Row.SAME, Row.ADOPTED)


@dataclass(frozen=True)
class Comparison:
    """One managed object. `row` speaks of the object: CREATE, GONE, GONE_CONFLICT, or SAME = it
    exists and `fields` tell. `consent` is the consent `drift` that turned moved rows around.
    """

    address: Address
    row: Row
    desired: Values
    base: Values | None = None
    fields: tuple[FieldRow, ...] = ()
    adopts: bool = False
    consent: Consent | None = None
    unknown_direction: bool = False

    @property
    def exists(self) -> bool:
        """True if the object exists live."""
        return self.row is Row.SAME

    @property
    def in_conflict(self) -> bool:
        """True if nothing of this object may be written."""
        return self.row is Row.GONE_CONFLICT or any(f.row is Row.CONFLICT for f in self.fields)

    @property
    def has_moved(self) -> bool:
        """True if live moved without the files, in the object or one of its fields."""
        return self.row in MOVED or any(f.row in MOVED for f in self.fields)


def compare(scene: Scene, address: Address) -> Comparison | None:
    """Return the comparison of one object that the files list.

    None if there is nothing to compare: a retired variation that does not exist, or targeting
    that was not read.
    """
    desired = scene.desired.values(address)
    assert desired is not None
    live = scene.live.values(address)
    if live is None:
        return None if is_unread(scene, address) else _absent(scene, address, desired)
    unknown = scene.direction_unknown(address)
    fields = _with_name_in_use(scene, address, tuple(_field_rows(scene, address, desired, live)))
    adopts = not unknown and not _was_listed(scene, address)
    found = Comparison(
        address,
        Row.SAME,
        desired,
        scene.said(address),
        fields,
        adopts=adopts,
        unknown_direction=unknown and scene.base is not None,
    )
    return _with_consent(scene, found)


def is_unread(scene: Scene, address: Address) -> bool:
    """True for targeting that must exist, because its AI Config does, but was not read."""
    return (
        address.kind == "targeting"
        and scene.live.observed(address) is None
        and scene.live.observed(Address(address.parts[:2])) is not None
    )


def _absent(scene: Scene, address: Address, desired: Values) -> Comparison | None:
    if desired.get(STATE) == ARCHIVED:
        return None
    base: Column = UNKNOWN
    if not scene.direction_unknown(address):
        said = scene.said(address)
        # Only what the files manage now counts; a field dropped since is nobody's concern.
        base = ABSENT if said is None else {k: v for k, v in said.items() if k in desired}
    deleted = [ABSENT for side in scene.history if address in side.workspace.removed]
    found = Comparison(
        address, row(base, desired, ABSENT, deleted), desired, base=scene.said(address)
    )
    return _with_consent(scene, found)


def _with_consent(scene: Scene, found: Comparison) -> Comparison:
    """Return the comparison with moved rows turned into intended ones, if a consent says so."""
    if not found.has_moved:
        return found
    consent = scene.consents.find(found.address, "drift")
    if consent is None:
        return found
    fields = tuple(
        replace(field, row=Row.INTENDED) if field.row in MOVED else field for field in found.fields
    )
    return replace(
        found,
        row=Row.CREATE if found.row in MOVED else found.row,
        fields=fields,
        consent=consent,
    )


def _field_rows(
    scene: Scene, address: Address, desired: Values, live: Values
) -> Iterator[FieldRow]:
    base = scene.said(address)
    unknown = scene.direction_unknown(address)
    left = leftovers(scene, address)
    for name, value in desired.items():
        before: Column = UNKNOWN if unknown else (base or {}).get(name, ABSENT)
        actual = live.get(name)
        if address.kind == EXPERIMENTS and name == "rule":
            actual = named_rule(scene, address, actual)
        field = FieldRow(name, Row.SAME, before, value, actual)
        if isinstance(actual, Unseen) and actual.fingerprint is None:
            yield _unverifiable(scene, address, field)
            continue
        equality = _equality(address, name, value)
        here = tuple(one for one in left if one.field == name)
        if taken_over := tuple(one for one in here if one.goes_on):
            field = replace(field, live=before_stop(taken_over, actual))
        if here := tuple(one for one in here if not one.goes_on):
            equality = Left(equality, here)
        judged = _judged(field, _history(scene, address, name), equality)
        shown = before_stop(here, judged.live)
        yield replace(judged, live=shown) if judged.is_written else judged


def _judged(field: FieldRow, history: Sequence[Column], equality: Equality) -> FieldRow:
    """Return the field in the row of the table that its columns make."""
    return replace(field, row=row(field.base, field.desired, field.live, history, equality))


def _history(scene: Scene, address: Address, name: str) -> Sequence[Column]:
    """Return what the files said of a field between base and HEAD, newest first."""
    found = (side.values(address) for side in scene.history)
    return [values.get(name, ABSENT) for values in found if values]


def _with_name_in_use(
    scene: Scene, address: Address, fields: tuple[FieldRow, ...]
) -> tuple[FieldRow, ...]:
    """Return the fields, with `model` judged under the model in use if that is left alone.

    `modelName` is derived from `modelConfigKey`: while that one is in drift, the name stays with
    it, and the rest of `model` is compared and written as ever.
    """
    moved = any(field.field == "modelConfigKey" and field.row is Row.DRIFT for field in fields)
    if not moved or scene.consents.find(address, "drift"):
        return fields

    def judged(field: FieldRow) -> FieldRow:
        if field.field != "model":
            return field
        name = (field.live or {}).get("modelName")
        history = [_named(value, name) for value in _history(scene, address, field.field)]
        under = replace(field, base=_named(field.base, name), desired=_named(field.desired, name))
        return _judged(under, history, TEXTS)

    return tuple(map(judged, fields))


def _named(model: Column, name: Json) -> Column:
    """Return a value of `model` under another model name (None: no name)."""
    if isinstance(model, Nothing):
        return model
    rest = {part: value for part, value in (model or {}).items() if part != "modelName"}
    return ({"modelName": name} if name else {}) | rest or None


def _unverifiable(scene: Scene, address: Address, field: FieldRow) -> FieldRow:
    """A text that nobody can see is sent only if the files changed it, or on request."""
    changed = field.base is not UNKNOWN and (
        field.base is ABSENT or not PLAIN.unmoved(field.base, field.desired)
    )
    send = changed or scene.options.resends(address)
    return replace(field, row=Row.INTENDED if send else Row.UNVERIFIABLE)


def _equality(address: Address, name: str, desired: Json) -> Equality:
    if address.kind == "targeting" and name == "rules":
        return Rules()
    if address.kind == "variations" and name == "tools":
        return Tools(desired)
    if address.kind == EXPERIMENTS and name == STATUS:
        return LIFE
    if address.kind == EXPERIMENTS and name == "analysisConfig":
        return DECLARED
    return TEXTS


def _was_listed(scene: Scene, address: Address) -> bool:
    """True if the files listed the object before: it is not claimed now."""
    sides = [side for side in (scene.base, *scene.history) if side]
    return any(address in side.workspace.resources for side in sides)


def is_born_so(desired: Values) -> bool:
    """True if a new AI Config has this targeting from the start."""
    return all(PLAIN.in_sync(value, BORN[name]) for name, value in desired.items())
