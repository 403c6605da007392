"""Where a variation is served: in which environments, to which share of the traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ldconf.core import address as addresses
from ldconf.core.address import Address
from ldconf.core.change import Effect
from ldconf.core.resource import Json, Observed
from ldconf.kinds import experiment_slots as experiments
from ldconf.kinds.experiment_model import RUNNING
from ldconf.kinds.targeting_document import FALLTHROUGH, variation_keys
from ldconf.planning.sides import LiveSide, Values


@dataclass(frozen=True)
class Serving:
    """How one environment serves a variation. `percent` is the default rule's share."""

    environment: str
    percent: float
    selected: bool  # rules, individual targets or an experiment serve it as well
    enabled: bool = True


def servings(live: LiveSide, variation: Address) -> Iterator[Serving]:
    """Yield how each environment of the project serves a variation, where it does."""
    for environment in live.live.environments:
        found = _serving(live, variation, environment)
        if found is not None:
            yield found


def was_read(live: LiveSide, ai_config: str | None) -> bool:
    """True if the targeting of an AI Config is known."""
    read = live.live.read_targeting
    return read is None or ai_config in read


def effects(live: LiveSide, variation: Address, managed: tuple[str, ...]) -> tuple[Effect, ...]:
    """Return where an edit of a variation takes effect at once: managed environments first."""
    order = {key: index for index, key in enumerate(managed)}
    found = [
        Effect(s.environment, s.percent, s.environment in order, exact=not s.selected)
        for s in servings(live, variation)
        if s.enabled
    ]
    return tuple(sorted(found, key=lambda e: (order.get(e.environment, len(order)), e.environment)))


def share(serve: Json, key: str) -> float:
    """Return the percent that a canonical serve value gives to a variation."""
    if isinstance(serve, Mapping):
        percent: float = serve["rollout"].get(key, 0)
        return percent
    return 100 if serve == key else 0


def _serving(live: LiveSide, variation: Address, environment: str) -> Serving | None:
    ai_config = variation.parts[1]
    address = addresses.targeting(ai_config, environment)
    observed = live.observed(address)
    values = live.values(address)
    if observed is None or values is None:
        return None
    percent = _default_share(values, observed, variation.key)
    selected = _is_selected(values, variation.key) or any(
        variation.key in experiment.variations and experiment.status == RUNNING
        for experiment in experiments.of_targeting(address, live.live.experiments)
    )
    if not percent and not selected:
        return None
    return Serving(environment, percent, selected, observed.meta.get("enabled") is not False)


def _default_share(values: Values, observed: Observed, key: str) -> float:
    """Return the share of the default rule; of an experiment there, the share of its arm."""
    slot = (observed.meta.get("raw") or {}).get(FALLTHROUGH) or {}
    arms = (slot.get("rollout") or {}).get("variations")
    if not arms or FALLTHROUGH not in experiments.slots(observed):
        return share(values.get(FALLTHROUGH), key)
    keys = variation_keys(observed.meta["document"])
    weight: float = sum(arm["weight"] for arm in arms if keys[arm["variation"]] == key)
    return weight / 1000


def _is_selected(values: Values, key: str) -> bool:
    return any(target["variation"] == key for target in values.get("targets") or ()) or any(
        share(rule["serve"], key) > 0 for rule in values.get("rules") or ()
    )
