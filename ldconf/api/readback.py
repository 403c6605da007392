"""Did LaunchDarkly keep what was sent? It ignores unknown fields silently (reference 1.1)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.kind import Facts
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds.targeting_rules import settle


def expected(change: Change) -> Mapping[str, Json]:
    """Return the canonical value of every field that a change brings about."""
    match change:
        case Create(after=after) | Transition(after=after):
            return after.managed()
        case Update(after=after, fields=fields):
            return _of_fields(after.managed(), [diff.field for diff in fields])
        case Restore(after=after, fields=fields):
            restored = _of_fields(after.managed(), [diff.field for diff in fields])
            return {**restored, "state": "published"}
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
        if name not in observed.omitted
        and not kept(change.address, name, value, actual.get(name), facts)
    )


def verifiable(change: Change, observed: Observed) -> bool:
    """True if at least one field that was sent can be seen."""
    return bool(set(expected(change)) - observed.omitted)


def kept(address: Address, name: str, sent: Json, actual: Json, facts: Facts) -> bool:
    """True if a value reads back as sent. What the request filled in is filled in here too."""
    if same(sent, actual):
        return True
    if address.kind == "targeting" and name == "rules":
        return same(sent, settle(sent or (), actual or ()) or None)
    if address.kind == "variations" and name == "tools":
        return same(_pinned(sent, actual, facts), actual)
    if address.kind == "variations" and name == "model":
        named = {"modelName": (actual or {}).get("modelName"), **(sent or {})}
        return same({key: value for key, value in named.items() if value is not None}, actual or {})
    return False


def _of_fields(managed: Mapping[str, Json], names: list[str]) -> dict[str, Json]:
    return {name: managed[name] for name in names if name in managed}


def _pinned(sent: Json, actual: Json, facts: Facts) -> Json:
    """Return attached tools with the version that an unpinned one must have got (design 2)."""
    in_use = {tool["key"]: tool.get("version") for tool in actual or ()}
    pinned = []
    for tool in sent or ():
        version = tool.get("version") or facts.version(Address.of("tools", tool["key"]))
        pinned.append({"key": tool["key"], "version": version or in_use.get(tool["key"])})
    return pinned or None
