"""Versions of tools and model configs that a variation holds (design section 9, Own pins)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, FieldDiff, Restore, Update
from ldconf.core.dependency import VERSIONED
from ldconf.core.resource import Json, same
from ldconf.core.workspace import Workspace
from ldconf.planning.compare import Comparison
from ldconf.planning.sides import LiveSide, Values

NEW = "new"  # a version that this plan makes; its number is known when it is made
REPIN = "re-pin"
PINNED = VERSIONED
PIN_FIELDS = ("modelConfigVersion",)  # left out of a file, they follow by themselves

# Fields whose change makes no new version (reference 7: only description, schema,
# customParameters and tags of a tool do; reference 6: any change of a model config does).
_NO_VERSION = {"tools": frozenset({"maintainerId", "maintainerTeamKey"})}


def renewed(changes: Iterable[Change]) -> Iterator[Address]:
    """Yield the tools and model configs of which these changes make a new version."""
    for change in changes:
        if change.address.kind in PINNED and makes_version(change):
            yield change.address


def makes_version(change: Change) -> bool:
    """True if a change of a tool or model config makes a new version of it."""
    quiet = _NO_VERSION.get(change.address.kind, frozenset())
    return isinstance(change, Create) or (
        isinstance(change, Update) and any(diff.field not in quiet for diff in change.fields)
    )


def new_pins(change: Change, desired: Values | None) -> Iterator[Address]:
    """Yield the objects of which a change of a variation attaches the version that a plan makes.

    `desired` is what the files say of the changed variation.
    """
    if change.address.kind != "variations":
        return
    match change:
        case Create(after=after):
            for tool in after.managed().get("tools") or ():
                if "version" not in tool:
                    yield Address.of("tools", tool["key"])
        case Update(fields=fields) | Restore(fields=fields):
            for diff in fields:
                yield from _new_in(diff, desired or {})
        case _:
            return


def _new_in(diff: FieldDiff, desired: Values) -> Iterator[Address]:
    if diff.field == "tools":
        for tool in diff.after or ():
            if tool.get("version") == NEW:
                yield Address.of("tools", tool["key"])
    elif diff.field == "modelConfigVersion" and diff.after == NEW:
        yield Address.of("modelConfigs", desired["modelConfigKey"])


@dataclass(frozen=True)
class Pins:
    """Which version each unpinned tool and model config is attached at.

    `renewed` objects get a new version by this plan; pins of `held` ones stay as they are.
    """

    desired: Workspace
    live: LiveSide
    renewed: frozenset[Address] = frozenset()
    held: frozenset[Address] = field(default_factory=frozenset)

    def is_own(self, address: Address) -> bool:
        """True if the files define the object."""
        return address in self.desired.resources

    def tools(self, desired: Json, live: Json) -> Json:
        """Return the desired tools, each with its version, `NEW` where this plan makes it."""
        in_use = {tool["key"]: tool.get("version") for tool in live or ()}
        filled = [
            tool if "version" in tool else self._pinned(tool["key"], in_use)
            for tool in desired or ()
        ]
        return filled or None

    def _pinned(self, key: str, in_use: Mapping[str, int | None]) -> dict[str, Json]:
        address = Address.of("tools", key)
        kept = in_use.get(key)
        if kept is not None and (address in self.held or not self.is_own(address)):
            return {"key": key, "version": kept}
        return {"key": key, **_given(self.version(address))}

    def version(self, address: Address) -> int | str | None:
        """Return the version after the object itself is written, None if there is none."""
        if address in self.renewed and address not in self.held:
            return NEW
        observed = self.live.observed(address)
        return observed.version if observed else None

    def repins(self, found: Comparison) -> Iterator[FieldDiff]:
        """Yield the intended re-pins of a live variation, whatever the base says of them."""
        rows = {row.field: row for row in found.fields}
        tools = rows.get("tools")
        if tools is not None and tools.is_settled:
            filled = self.tools(tools.desired, tools.live)
            if not same(filled, tools.live):
                yield FieldDiff("tools", tools.live, filled, because=REPIN)
        key = rows.get("modelConfigKey")
        if key is None or not key.is_settled or not key.desired or "modelConfigVersion" in rows:
            return
        address = Address.of("modelConfigs", key.desired)
        kept = (self.live.values(found.address) or {}).get("modelConfigVersion")
        if kept is None or address in self.held or not self.is_own(address):
            return
        version = self.version(address)
        if version is not None and version != kept:
            yield FieldDiff("modelConfigVersion", kept, version, because=REPIN)


def follows(desired: Mapping[str, Json]) -> Iterator[Address]:
    """Yield the tools and model configs whose version a variation leaves open."""
    for tool in desired.get("tools") or ():
        if "version" not in tool:
            yield Address.of("tools", tool["key"])
    if desired.get("modelConfigKey") and "modelConfigVersion" not in desired:
        yield Address.of("modelConfigs", desired["modelConfigKey"])


def sendable(name: str, value: Json) -> Json:
    """Return a field's value without versions that do not exist yet: filled in when written."""
    if name == "tools":
        return [
            {part: inner for part, inner in tool.items() if inner != NEW} for tool in value or ()
        ] or None
    return None if name == "modelConfigVersion" and value == NEW else value


def _given(version: int | str | None) -> dict[str, Json]:
    return {} if version is None else {"version": version}
