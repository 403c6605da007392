"""Events as SDKs send them, and a store that has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.emulator.events.store import EventStore, Payload

CONTROL, TREATMENT = "base", "variant"
NOW = 1_000_000


def user(key: str) -> dict[str, Any]:
    return {"kind": "user", "key": key}


def exposure(
    context: dict[str, Any],
    arm: str,
    ts: int,
    *,
    version: int = 1,
    flag: str = "agent",
    rule: str | None = None,
    in_experiment: bool = True,
) -> dict[str, Any]:
    reason = {"kind": "RULE_MATCH", "ruleId": rule} if rule else {"kind": "FALLTHROUGH"}
    return {
        "kind": "feature",
        "creationDate": ts,
        "key": flag,
        "version": 7,
        "variation": 1 if arm == CONTROL else 2,
        "value": {"_ldMeta": {"variationKey": arm, "version": version, "enabled": True}},
        "reason": {**reason, "inExperiment": True} if in_experiment else reason,
        "context": context,
    }


def outcome(
    context: dict[str, Any],
    key: str,
    ts: int,
    value: float | None = None,
    config: str | None = None,
) -> dict[str, Any]:
    made: dict[str, Any] = {"kind": "custom", "creationDate": ts, "key": key, "context": context}
    if value is not None:
        made["metricValue"] = value
    if config is not None:
        made["data"] = {"configKey": config, "version": 1}
    return made


def index(context: dict[str, Any], ts: int) -> dict[str, Any]:
    return {"kind": "index", "creationDate": ts, "context": context}


def metric(key: str, event: str | None = None, **fields: Any) -> MetricDesign:
    return MetricDesign(key, key, event or key, fields.pop("per_unit", "occurrence"), **fields)


def design(*metrics: MetricDesign, **fields: Any) -> ExperimentDesign:
    known: dict[str, Any] = {
        "allocation": {CONTROL: 50.0, TREATMENT: 50.0},
        "control": CONTROL,
        "primary": metrics[0].key,
        "started": 0,
        **fields,
    }
    return ExperimentDesign("p", "x", "X", "test", "agent", metrics=metrics, **known)


@contextmanager
def store_of(
    events: Sequence[dict[str, Any]], environment: str = "test", project: str = "p"
) -> Iterator[EventStore]:
    store = EventStore(clock=lambda: NOW)
    try:
        store.add_now(Payload(project, environment, "", json.dumps(events).encode(), NOW))
        yield store
    finally:
        store.close()
