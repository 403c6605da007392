"""Did LaunchDarkly keep what was sent? It ignores unknown fields silently (reference 1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.address import Address
from ldconf.core.change import (
    Archive,
    Change,
    Create,
    Delete,
    FieldDiff,
    Restore,
    Transition,
    Update,
)
from ldconf.core.kind import Facts
from ldconf.core.resource import Json, Observed, Resource, same
from ldconf.kinds.experiment_parts import declared
from ldconf.kinds.targeting_rules import settle
from ldconf.kinds.variation_live import wanted_fields


def expected(change: Change) -> Mapping[str, Json]:
    """Return the canonical value of every field that a change brings about."""
    match change:
        case Create(after=after) | Transition(after=after):
            return after.managed()
        case Update(after=after, fields=fields):
            return _of_fields(after, fields)
        case Restore(after=after, fields=fields):
            return {**_of_fields(after, fields), "state": "published"}
        case Archive():
            return {"state": "archived"}
        case Delete():
            return {}


def not_kept(change: Change, observed: Observed, facts: Facts) -> tuple[str, ...]:
    """Return the names of fields that do not read back as sent.

    Fields that the API did not return cannot be verified and are not among them.
    """
    actual = observed.resource.managed()
    return tuple(
        name
        for name, value in expected(change).items()
        if name not in observed.omitted and not kept(change, name, value, actual.get(name), facts)
    )


def half_kept(change: Change, observed: Observed, facts: Facts) -> tuple[str, ...]:
    """Return `not_kept` after the first of two rounds: rules may still lack their description."""
    wrong = not_kept(change, observed, facts)
    if change.address.kind != "targeting" or "rules" not in wrong:
        return wrong
    sent, actual = expected(change)["rules"] or (), observed.resource.managed()["rules"] or ()
    described = same(list(sent), settle(sent, actual))
    return tuple(name for name in wrong if name != "rules") if described else wrong


def lost(
    change: Create, observed: Observed, answer: Mapping[str, Json] | None, facts: Facts
) -> Update | None:
    """Return the edit that a create owes: some fields are kept only by a PATCH (4.6, Q21).

    A text that reads never return is missing if the answer to the create lacks it as well.
    """
    if change.address.kind == "targeting":
        return None
    values = expected(change)
    unseen = [name for name in values if name in observed.omitted and values[name]]
    missing = [name for name in unseen if answer is not None and not answer.get(name)]
    names = [*not_kept(change, observed, facts), *missing]
    diffs = tuple(FieldDiff(name, None, values[name]) for name in names)
    return Update(change.address, change.after, diffs, phase=change.phase) if diffs else None


def verifiable(change: Change, observed: Observed) -> bool:
    """True if at least one field that was sent can be seen."""
    return bool(set(expected(change)) - observed.omitted)


def kept(change: Change, name: str, sent: Json, actual: Json, facts: Facts) -> bool:
    """True if a value reads back as sent. What the request filled in is filled in here too."""
    if same(sent, actual):
        return True
    match change.address.kind, name:
        case "variations", "tools":
            return same(_pinned(sent, actual, facts), actual)
        case "variations", "model":
            return same({"modelName": (actual or {}).get("modelName"), **(sent or {})}, actual)
        case "variations", "modelConfigVersion" if not isinstance(sent, int):
            used = model_config_of(change, facts)
            return used is not None and actual == facts.version(used)
        case "experiments", "analysisConfig":  # the server fills in what nobody wrote (13.5)
            return same(sent, declared(sent, actual))
        case _:
            return False


def _of_fields(after: Resource, fields: Sequence[FieldDiff]) -> dict[str, Json]:
    """Return the values to send; a version that this apply makes is not in `after`."""
    managed = after.managed()
    return {diff.field: managed.get(diff.field, diff.after) for diff in fields}


def model_config_of(change: Change, facts: Facts) -> Address | None:
    """Return the model config that a variation uses once the change is made."""
    observed = facts.live(change.address)
    names = dict(observed.resource.managed()) if observed else {}
    if not isinstance(change, Archive | Delete):
        names |= change.after.managed()
    key = names.get("modelConfigKey")
    return Address.of("modelConfigs", key) if key else None


def _pinned(sent: Json, actual: Json, facts: Facts) -> Json:
    """Return attached tools with the version that an unpinned one must have got (design 2)."""
    in_use = {tool["key"]: tool.get("version") for tool in actual or ()}
    pinned = []
    for tool in sent or ():
        version = tool.get("version") or facts.version(Address.of("tools", tool["key"]))
        pinned.append({"key": tool["key"], "version": version or in_use.get(tool["key"])})
    return pinned or None


def remaining(change: Change, before: Observed | None) -> Change:
    """Return what is left of a change: publishing a published variation is an error (4.2)."""
    if not isinstance(change, Restore) or before is None:
        return change
    if before.resource.managed().get("state") == "archived":
        return change
    return Update(change.address, change.after, change.fields)


def wanted(change: Change) -> frozenset[tuple[Address, str]]:
    """Return the fields worth an extra read: those that have to be verified."""
    if isinstance(change, Archive | Delete):
        return frozenset()
    names = set(expected(change)) & wanted_fields(change.after)
    tools = {name for name in wanted_fields(change.after) if "tools" in names and "/" in name}
    return frozenset((change.address, name) for name in names | tools)


def version_of(observed: Observed | None) -> int | None:
    """Return the counter that a write advances, if the kind has one."""
    if observed is None:
        return None
    found = observed.meta.get("version") if observed.version is None else observed.version
    return found if isinstance(found, int) else None
