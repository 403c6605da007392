"""What tokens cost, by the prices of the model configs that variations name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.emulator import library
from ldconf.emulator.catalogue import CATALOGUE
from ldconf.emulator.database import Ref
from ldconf.emulator.events.monitoring import Place, Tokens, levels
from ldconf.emulator.store import Store


@dataclass(frozen=True)
class Cost:
    """US dollars. `is_partial`: of some tokens the price is not known, they are not in it."""

    input: float = 0.0
    output: float = 0.0
    is_partial: bool = False

    @property
    def total(self) -> float:
        """Input and output."""
        return self.input + self.output


def costs(store: Store, project: str, tokens: Sequence[Tokens]) -> Mapping[Place, Cost]:
    """Return the cost of tokens at every level. A place without any known price is left out."""
    found: dict[Place, Cost] = {}
    unpriced: set[Place] = set()
    for used in tokens:
        priced = model_of(store, project, used)
        for place in levels(used.place):
            if priced is None:
                unpriced.add(place)
                continue
            before = found.get(place, Cost())
            found[place] = Cost(
                before.input + used.input * (priced.get("costPerInputToken") or 0),
                before.output + used.output * (priced.get("costPerOutputToken") or 0),
            )
    return {
        place: Cost(cost.input, cost.output, is_partial=place in unpriced)
        for place, cost in found.items()
    }


def model_of(store: Store, project: str, used: Tokens) -> Mapping[str, Json] | None:
    """Return the model config with the prices of these tokens, None if there is none.

    That is the one of the variation's version at that time; for an application's own default, and
    for versions that are gone, the one that has the model's name.
    """
    with store.lock:
        parent = f"{used.place.ai_config}/{used.place.variation}"
        row = store.get(Ref(project, "variationVersions", str(used.place.version), parent)) or {}
        key = used.model_key or row.get("modelConfigKey")
        pinned = row.get("modelConfigVersion")
        found = (
            library.model_config_version(store, project, key, pinned) if key and pinned else None
        )
        found = found or library.model_config(store, project, key) or _by_name(store, project, used)
        priced = found and ("costPerInputToken" in found or "costPerOutputToken" in found)
        return found if priced else None


def _by_name(store: Store, project: str, used: Tokens) -> Mapping[str, Json] | None:
    provider = (used.provider or "").lower()
    for found in (*store.documents(project, "modelConfigs"), *CATALOGUE.values()):
        if found["id"] == used.model and provider in ("", found["provider"].lower()):
            model: Mapping[str, Json] = found
            return model
    return None
