"""The maps that are compared: what files say (resolved) and what LaunchDarkly says (projected)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ldconf.core.address import Address
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed
from ldconf.core.workspace import Workspace
from ldconf.kinds.experiment_slots import projected
from ldconf.planning.lifecycle import fold
from ldconf.planning.texts import unseen

Values: TypeAlias = Mapping[str, Json]
EXPERIMENTS = "experiments"


def is_archived(address: Address, observed: Observed) -> bool:
    """True for an experiment that was archived: LaunchDarkly keeps it, and its key, for good."""
    return address.kind == EXPERIMENTS and bool(observed.meta.get("archived"))


class LiveSide:
    """What LaunchDarkly says, field by field.

    Texts that the API left out are `Unseen`; targeting slots under an experiment are projected to
    its control; where an experiment stands is one field. An archived experiment counts as absent.
    """

    def __init__(self, live: Live) -> None:
        self.live = live
        self._values: dict[Address, Values] = {}

    def observed(self, address: Address) -> Observed | None:
        """Return the live object, None if there is none."""
        found = self.live.observed.get(address)
        return None if found is None or is_archived(address, found) else found

    def values(self, address: Address) -> Values | None:
        """Return canonical value by field, None if there is no such object."""
        if address not in self._values:
            observed = self.observed(address)
            if observed is None:
                return None
            values: Values = {**observed.resource.managed(), **unseen(observed)}
            if address.kind == "targeting":
                values = projected(address, values, observed, self.live.experiments)
            elif address.kind == EXPERIMENTS:
                values = fold(values)
            self._values[address] = values
        return self._values[address]

    def model_name(self, model_config_key: str) -> str | None:
        """Return the provider's model name of a model config."""
        return (self.values(Address.of("modelConfigs", model_config_key)) or {}).get("id")


class FileSide:
    """What the files of one commit say, field by field, with derived values filled in."""

    def __init__(self, workspace: Workspace, live: LiveSide) -> None:
        self.workspace = workspace
        self._live = live
        self._values: dict[Address, Values] = {}

    def values(self, address: Address) -> Values | None:
        """Return canonical value by managed field, None if the files do not list the object.

        `model.modelName` is derived from the model config (design section 2).
        """
        if address not in self._values:
            resource = self.workspace.resources.get(address)
            if resource is None:
                return None
            values: Values = resource.managed()
            if address.kind == "variations":
                values = self._with_model_name(address, values)
            elif address.kind == EXPERIMENTS:
                values = fold(values)
            self._values[address] = values
        return self._values[address]

    def model_name(self, model_config_key: str) -> str | None:
        """Return the provider's model name: of our own model config, else of the live one."""
        own = self.values(Address.of("modelConfigs", model_config_key)) or {}
        return own.get("id") or self._live.model_name(model_config_key)

    def derived_model_name(self, address: Address, values: Values) -> str | None:
        """Return the model name that a variation's model config implies, None if unknown."""
        if "modelConfigKey" in values:
            key = values["modelConfigKey"]
        else:
            key = (self._live.values(address) or {}).get("modelConfigKey")
        return self.model_name(key) if key else None

    def _with_model_name(self, address: Address, values: Values) -> Values:
        if "model" not in values:
            return values
        stated = values["model"] or {}
        name = stated.get("modelName") or self.derived_model_name(address, values)
        if name is None and "modelConfigKey" not in values:
            # Nobody says which model: `model` leaves the one in use.
            in_use = (self._live.values(address) or {}).get("model") or {}
            name = in_use.get("modelName")
        return {**values, "model": {**stated, "modelName": name} if name else stated or None}
