"""What a pull takes over: the live values of managed fields that differ from the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed, same
from ldconf.core.workspace import Workspace
from ldconf.documents.dump_objects import MEMBERS
from ldconf.documents.extends import RULES
from ldconf.documents.live_value import document_of
from ldconf.documents.pull_style import Taken, canonical
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_model import LIFECYCLE
from ldconf.kinds.experiment_parts import declared
from ldconf.kinds.targeting import Targeting
from ldconf.kinds.targeting_rules import name_rules, settle
from ldconf.kinds.variation_model import ARCHIVED, PUBLISHED

SWITCHED = ("targets", "rules", "fallthrough")  # what `off: true` empties


@dataclass(frozen=True)
class Differences:
    """Reads the live side of a pull for one object at a time."""

    workspace: Workspace
    live: Live
    with_members: bool = False

    def of(
        self, address: Address, written: Mapping[str, Json], fields: frozenset[str] | None
    ) -> dict[str, Taken]:
        """Return what to take over of an object, by field.

        `written` is the object as the files resolve it, before `off` is compiled; `fields` limits
        what is looked at (None: everything managed). Nothing is unmanaged and becomes managed,
        except members on request, what belongs to `off` and `state`, and what a value needs.
        """
        observed = self.live.observed[address]
        desired = self.workspace.resources[address].managed()
        found: dict[str, Taken] = {}
        for name, value in desired.items():
            if name not in observed.omitted and (fields is None or name in fields):
                taken = self.taken(address, name, observed, desired)
                if not same(value, taken.canonical):
                    found[name] = taken
        if address.kind == "experiments" and set(LIFECYCLE) & set(found):
            found = self._lifecycle(address, written, observed, found)
        if address.kind == "variations" and "state" in found:
            found = self._state(address, written, observed, desired)
        if address in self.workspace.off:
            found = self._off(address, written, observed, found)
        if self.with_members:
            found |= self._members(address, written, observed)
        if address.kind not in RULES and found:
            found |= self._companions(address, written, observed, found)
        return found

    def taken(
        self, address: Address, name: str, observed: Observed, desired: Mapping[str, Json]
    ) -> Taken:
        """Return the live value of a field, seen from what the files say of the object."""
        value = observed.resource.managed().get(name)
        if address.kind == "targeting" and name == "rules":
            return _rules(address, desired.get(name) or (), value or ())
        if address.kind == "variations" and name == "tools":
            tools = [self._tool(tool, desired.get(name) or ()) for tool in value or ()]
            plain = [tool if "version" in tool else tool["key"] for tool in tools]
            return Taken(tools or None, plain or None)
        if address.kind == "variations" and name == "model":
            states = (desired.get(name) or {}).get("modelName") is not None
            model = {k: v for k, v in (value or {}).items() if states or k != "modelName"}
            return Taken(model or None, model or None)
        if address.kind == "experiments" and name == "analysisConfig":
            stated = declared(desired.get(name), value) if name in desired else value
            return Taken(stated, stated)
        return Taken(value, document_of(observed.resource).get(name))

    def _lifecycle(
        self,
        address: Address,
        written: Mapping[str, Json],
        observed: Observed,
        found: Mapping[str, Taken],
    ) -> dict[str, Taken]:
        """Return all of where an experiment's life stands: its four fields are one thing."""
        live = observed.resource.managed()
        names = [name for name in LIFECYCLE if name in written or live.get(name) is not None]
        return {**found, **{name: self.taken(address, name, observed, {}) for name in names}}

    def _tool(self, tool: Mapping[str, Json], desired: Json) -> dict[str, Json]:
        """Return an attached tool; its version only where the files pin it or should.

        An own tool is unpinned while it is attached at its current version. A tool from elsewhere
        keeps the version in use without being pinned.
        """
        address = Address.of("tools", tool["key"])
        current = self.live.observed.get(address)
        pinned = any(one["key"] == tool["key"] and "version" in one for one in desired)
        own = address in self.workspace.resources
        follows = current is not None and current.version == tool.get("version")
        if (follows if own else not pinned) or "version" not in tool:
            return {"key": tool["key"]}
        return dict(tool)

    def _state(
        self,
        address: Address,
        written: Mapping[str, Json],
        observed: Observed,
        desired: Mapping[str, Json],
    ) -> dict[str, Taken]:
        """Return what to take over of a variation that was archived or restored.

        A restored one has all its written fields managed again, so all of them are taken.
        """
        state = observed.resource.managed().get("state")
        if state == ARCHIVED:
            return {"state": Taken(ARCHIVED, ARCHIVED)}
        fields = {
            name: self.taken(address, name, observed, desired)
            for name in written
            if name != "state" and name not in observed.omitted
        }
        return {"state": Taken(PUBLISHED, PUBLISHED), **fields}

    def _off(
        self,
        address: Address,
        written: Mapping[str, Json],
        observed: Observed,
        found: dict[str, Taken],
    ) -> dict[str, Taken]:
        """Return what to take over of targeting that the files switch off.

        If it serves somebody live, `off` goes and everything written is taken. A pull of members
        leaves `off` alone while it fills in what `off` needs to be managed.
        """
        live = observed.resource.managed()
        fills = any(name not in written and live.get(name) for name in SWITCHED)
        if not found or (self.with_members and fills):
            return {}
        desired = {name: canonical(address, name, written.get(name)) for name in SWITCHED}
        fields = {
            name: self.taken(address, name, observed, desired)
            for name in SWITCHED
            if name in written
        }
        return {"off": Taken(False, False), **fields}

    def _members(
        self, address: Address, written: Mapping[str, Json], observed: Observed
    ) -> dict[str, Taken]:
        names = SWITCHED if address in self.workspace.off else MEMBERS.get(address.kind, ())
        live = observed.resource.managed()
        return {
            name: self.taken(address, name, observed, {})
            for name in names
            if name not in written and live.get(name)
        }

    def _companions(
        self,
        address: Address,
        written: Mapping[str, Json],
        observed: Observed,
        found: Mapping[str, Taken],
    ) -> dict[str, Taken]:
        """Return unmanaged fields without which the new values make no valid object.

        A metric that became a percentile, say, needs its `percentileValue`.
        """
        live = observed.resource.managed()
        left = [name for name, value in live.items() if value is not None and name not in written]
        added: dict[str, Taken] = {}
        while left and not _is_valid(address, written, {**found, **added}):
            name = left.pop(0)
            added[name] = self.taken(address, name, observed, {})
        for name in list(added):
            fewer = {other: taken for other, taken in added.items() if other != name}
            if _is_valid(address, written, {**found, **fewer}):
                added = fewer
        return added


def _is_valid(address: Address, written: Mapping[str, Json], taken: Mapping[str, Taken]) -> bool:
    values = {**written, **{name: one.document for name, one in taken.items()}}
    try:
        kind_of(address).model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


def _rules(address: Address, desired: Json, live: Json) -> Taken:
    """Return live rules with the descriptions that the files give them."""
    if not live:
        return Taken(None, None)
    named = name_rules(settle(desired, live))
    try:
        resource = Targeting.model_validate({"rules": named})
    except ValidationError as err:
        words = err.errors(include_url=False)[0]["msg"]
        raise LdconfError(f"a file cannot say the live rules of {address}: {words}") from err
    return Taken(resource.managed()["rules"], resource.document()["rules"])
