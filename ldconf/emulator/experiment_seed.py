"""Puts an experiment into the store by the code behind the REST API, in one line for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.emulator.access import MEMBER_ID
from ldconf.emulator.database import Ref
from ldconf.emulator.experiments.body import new_experiment
from ldconf.emulator.experiments.design import flag_config_version
from ldconf.emulator.experiments.patch import ExperimentPatch
from ldconf.emulator.experiments.place import Place
from ldconf.emulator.faults import Faults
from ldconf.emulator.http import Refusal
from ldconf.emulator.rest.metric_body import new_metric
from ldconf.emulator.store import Store
from ldconf.emulator.targeting_document import slot_id


@dataclass(frozen=True)
class ExperimentSeed:
    """An experiment on one AI Config. `allocation` maps variation keys to percents of the rule's
    traffic; what is left over gets the control's variation, untracked. The first of `metrics` is
    the primary one; those that do not exist are made."""

    key: str
    ai_config: str
    allocation: Mapping[str, float]
    control: str
    rule: str = "fallthrough"  # or a rule id
    metrics: Sequence[str] = ("conversions",)
    unit: str = "user"


def put_experiment(
    store: Store, project: str, environment: str, seed: ExperimentSeed, *, running: bool = True
) -> None:
    """Create an experiment, and start it unless it is to stay a draft.

    Raises LdconfError in the words in which the REST API refuses it.
    """
    place = Place(store, Faults(), project, environment)
    try:
        with store.transaction():
            experiment = new_experiment(place, _body(place, seed), MEMBER_ID)
            patch = ExperimentPatch(place, experiment)
            if running:
                patch.apply([{"kind": "startIteration"}])
            store.put(place.ref(seed.key), patch.experiment)
    except Refusal as refusal:
        raise LdconfError(refusal.message) from refusal


def _body(place: Place, seed: ExperimentSeed) -> dict[str, Json]:
    targeting = place.store.get(Ref(place.project, "targeting", seed.ai_config))
    slots = {key: slot_id(targeting, key) for key in (*seed.allocation, seed.control)}
    missing = [key for key, slot in slots.items() if slot is None]
    if missing:
        raise LdconfError(f"AI Config {seed.ai_config} has no variation {missing[0]}")
    groups = [key for key in seed.metrics if _has(place, "metricGroups", key)]
    for key in seed.metrics:
        if key not in groups and not _has(place, "metrics", key):
            event = {"kind": "custom", "eventKey": key, "isNumeric": False}
            metric = new_metric(place.store, key, event)
            place.store.put(Ref(place.project, "metrics", key), metric)
    flag = {
        "ruleId": seed.rule,
        "flagConfigVersion": flag_config_version(place, seed.ai_config),
        "notInExperimentVariationId": slots[seed.control],
    }
    return {
        "key": seed.key,
        "name": seed.key,
        "methodology": "bayesian",
        "iteration": {
            "hypothesis": "One variation is better",
            "randomizationUnit": seed.unit,
            "primarySingleMetricKey": next(key for key in seed.metrics if key not in groups),
            "metrics": [{"key": key, "isGroup": key in groups} for key in seed.metrics],
            "flags": {seed.ai_config: flag},
            "treatments": [
                {
                    "name": key,
                    "baseline": key == seed.control,
                    "allocationPercent": f"{percent:g}",
                    "parameters": [{"flagKey": seed.ai_config, "variationId": slots[key]}],
                }
                for key, percent in seed.allocation.items()
            ],
        },
    }


def _has(place: Place, family: str, key: str) -> bool:
    return place.store.get(Ref(place.project, family, key)) is not None
