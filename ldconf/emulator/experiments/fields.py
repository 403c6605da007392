"""Field updates of experiments: which field may change when, and how (reference 13.4).

No table is published; this one is the expectation of reference 13.4. A stopped iteration is over:
its design changes in a new draft.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.http import bad_request

ADD, UPDATE, REMOVE = "add", "update", "remove"
_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "name": (UPDATE,),
    "description": (UPDATE, REMOVE),
    "maintainerId": (UPDATE,),
    "tags": (ADD, UPDATE, REMOVE),
}
MUTABLE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "not_started": {
        **_ALWAYS,
        "methodology": (UPDATE,),
        "dataSource": (UPDATE,),
        "analysisConfig": (UPDATE,),
        "hypothesis": (UPDATE,),
        "metrics": (ADD, UPDATE, REMOVE),
        "primarySingleMetricKey": (UPDATE,),
        "primaryFunnelKey": (UPDATE,),
        "treatments": (UPDATE,),
        "flags": (UPDATE,),
        "randomizationUnit": (UPDATE, REMOVE),
        "canReshuffleTraffic": (UPDATE,),
        "attributes": (ADD, UPDATE, REMOVE),
    },
    "running": {**_ALWAYS, "metrics": (ADD,), "attributes": (ADD,)},
    "stopped": {**_ALWAYS},
}
OF_EXPERIMENT = frozenset({*_ALWAYS, "methodology", "dataSource", "analysisConfig"})
NEVER = frozenset({"key", "environmentKey", "type", "holdoutId"})
_LISTS: Mapping[str, fields.Check] = {
    "tags": fields.texts,
    "attributes": fields.texts,
    "metrics": fields.mappings,
}


@dataclass(frozen=True)
class FieldUpdate:
    """One entry of the map that `updateExperimentFields` takes."""

    name: str
    operation: str
    value: Json


def mutable_fields() -> dict[str, Json]:
    """Return `mutableFieldsByStatus`."""
    return {
        status: {name: list(operations) for name, operations in table.items()}
        for status, table in MUTABLE.items()
    }


def updates_of(value: Json) -> Iterator[FieldUpdate]:
    """Yield the updates of an instruction; 400 for one that is none.

    A name that is no field at all is ignored, as everywhere (reference 22.3).
    """
    if not isinstance(value, dict):
        raise bad_request("value must map field names to updates")
    for name, update in value.items():
        if not isinstance(update, dict):
            raise bad_request(f"the update of {name} must be an object")
        operation = update.get("operation")
        if operation not in (ADD, UPDATE, REMOVE):
            raise bad_request(f"operation of {name} must be one of add, update, remove")
        if operation != REMOVE and update.get("value") is None:
            raise bad_request(f"value is required to {operation} {name}")
        if name in MUTABLE["not_started"] or name in NEVER:
            yield FieldUpdate(name, operation, update.get("value"))


def refusal_of(update: FieldUpdate, status: str) -> str | None:
    """Return why a field may not be changed like this now, None if it may."""
    allowed = MUTABLE[status].get(update.name, ())
    if update.operation in allowed:
        return None
    if update.name in NEVER:
        return f"field {update.name!r} of an experiment can never be changed"
    how = f"only by {', '.join(allowed)}" if allowed else "not"
    shown = status.replace("_", " ")
    return (
        f"field {update.name!r} cannot be changed by {update.operation!r} while the iteration is "
        f"{shown}: {how} (see mutableFieldsByStatus)"
    )


def updated(before: Json, update: FieldUpdate) -> Json:
    """Return the new value of a field; None for one that is removed."""
    if update.name not in _LISTS:
        return None if update.operation == REMOVE else update.value
    value = update.value
    if update.operation == REMOVE and value is None:
        return []
    if not _LISTS[update.name](value):
        raise bad_request(f"value of {update.name} must be a list")
    if update.operation == UPDATE:
        return value
    names = [_identity(one) for one in value]
    if update.operation == REMOVE:
        return [one for one in before if _identity(one) not in names]
    there = [_identity(one) for one in before]
    return [*before, *(one for one in value if _identity(one) not in there)]


def _identity(entry: Json) -> Json:
    """Return what makes two entries of a list the same: a metric is known by its key."""
    return entry.get("key") if isinstance(entry, dict) else entry
