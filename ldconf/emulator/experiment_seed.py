"""Puts an experiment into the store, as if somebody had made it in the user interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.emulator.access import MEMBER_ID
from ldconf.emulator.database import Ref
from ldconf.emulator.store import Store
from ldconf.emulator.targeting_document import slot_id


@dataclass(frozen=True)
class ExperimentSeed:
    """An experiment on one AI Config. `allocation` maps variation keys to whole percents of the
    rule's traffic; what is left over gets the control's variation, untracked."""

    key: str
    ai_config: str
    allocation: Mapping[str, int]
    control: str
    rule: str = "fallthrough"  # or a rule id
    metrics: Sequence[str] = ()
    unit: str = "user"


def put_experiment(
    store: Store, project: str, environment: str, seed: ExperimentSeed, *, running: bool = True
) -> None:
    """Store an experiment with one iteration, running or as a draft. A running one puts its rollout
    into targeting, where it hides what was served there (reference 13.8)."""
    with store.transaction():
        targeting = store.get(Ref(project, "targeting", seed.ai_config))
        slots = {key: slot_id(targeting, key) for key in (*seed.allocation, seed.control)}
        missing = [key for key, slot in slots.items() if slot is None]
        if missing:
            raise LdconfError(f"AI Config {seed.ai_config} has no variation {missing[0]}")
        iteration = _iteration(store, targeting["environments"][environment], seed, slots)
        experiment: dict[str, Json] = {
            "_id": store.object_id(),
            "key": seed.key,
            "name": seed.key,
            "description": "",
            "_maintainerId": MEMBER_ID,
            "_creationDate": store.clock(),
            "environmentKey": environment,
            "methodology": "bayesian",
            "dataSource": "launchdarkly",
            "type": "experiment",
            "tags": [],
            "analysisConfig": {"bayesianThreshold": "95"},
            "previousIterations": [],
        }
        if running:
            iteration = {**iteration, "status": "running", "startedAt": store.clock()}
            experiment["currentIteration"] = iteration
            _serve(store, project, environment, seed, slots)
        else:
            experiment["draftIteration"] = iteration
        store.put(Ref(project, "experiments", seed.key, environment), experiment)


def _iteration(
    store: Store, environment: Json, seed: ExperimentSeed, slots: Mapping[str, Json]
) -> dict[str, Json]:
    treatments = [
        {
            "_id": store.object_id(),
            "name": key,
            "allocationPercent": str(percent),
            "baseline": key == seed.control,
            "parameters": [{"flagKey": seed.ai_config, "variationId": slots[key]}],
        }
        for key, percent in seed.allocation.items()
    ]
    metrics = [
        {
            "key": key,
            "_versionId": store.object_id(),
            "name": key,
            "kind": "custom",
            "isGroup": False,
            "_links": {},
        }
        for key in seed.metrics
    ]
    flag = {
        "_links": {},
        "targetingRule": seed.rule,
        "flagConfigVersion": environment["_version"],
        "notInExperimentVariationId": slots[seed.control],
    }
    return {
        "_id": store.object_id(),
        "hypothesis": "",
        "status": "not_started",
        "createdAt": store.clock(),
        "canReshuffleTraffic": True,
        "randomizationUnit": seed.unit,
        "attributes": [],
        "version": 1,
        "flags": {seed.ai_config: flag},
        "treatments": treatments,
        "metrics": metrics,
    }


def _serve(
    store: Store,
    project: str,
    environment: str,
    seed: ExperimentSeed,
    slots: Mapping[str, Json],
) -> None:
    """Put the experiment's rollout in the place of what its rule or the fallthrough serves."""
    arms: list[dict[str, Json]] = [
        {"variation": slots[key], "weight": percent * 1000}
        for key, percent in seed.allocation.items()
    ]
    rest = 100 - sum(seed.allocation.values())
    if rest:
        control = slots[seed.control]
        arms.append({"variation": control, "weight": rest * 1000, "_untracked": True})
    rollout = {
        "contextKind": seed.unit,
        "bucketBy": "key",
        "seed": store.random.getrandbits(24),
        "variations": arms,
        "experimentAllocation": {
            "type": "percentage",
            "canReshuffle": True,
            "defaultVariation": slots[seed.control],
        },
    }
    targeting = store.get(Ref(project, "targeting", seed.ai_config))
    before = targeting["environments"][environment]
    after = {**before, "_version": before["_version"] + 1, "lastModified": store.clock()}
    if seed.rule == "fallthrough":
        after["fallthrough"] = {"rollout": rollout}
    else:
        after["rules"] = [
            _with_rollout(rule, rollout) if rule["_id"] == seed.rule else rule
            for rule in before["rules"]
        ]
    environments = {**targeting["environments"], environment: after}
    changed = {**targeting, "environments": environments, "_version": targeting["_version"] + 1}
    store.put(Ref(project, "targeting", seed.ai_config), changed)


def _with_rollout(rule: Mapping[str, Json], rollout: Json) -> dict[str, Json]:
    kept = {name: value for name, value in rule.items() if name != "variation"}
    return {**kept, "rollout": rollout}
