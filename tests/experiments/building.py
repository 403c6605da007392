"""Counts and designs for the tests of the statistics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ldconf.core.aggregates import Aggregates, ArmCounts, OrderSlice, UnitStatistics
from ldconf.core.experiment import ExperimentDesign, MetricDesign

ORACLES = Path(__file__).parent / "oracles"
START = 1_795_000_000_000
DAY = 86_400_000
CONTROL, TREATMENT = "control", "treatment"


def oracle(name: str) -> Any:
    return json.loads((ORACLES / f"{name}.json").read_text())


def rate(key: str = "thumbs-up", **more: Any) -> MetricDesign:
    return MetricDesign(key, key.title(), f"event-{key}", "occurrence", **more)


def mean(key: str = "tokens", **more: Any) -> MetricDesign:
    return MetricDesign(key, key.title(), f"event-{key}", "average", missing=None, **more)


def p95(key: str = "latency", **more: Any) -> MetricDesign:
    return MetricDesign(
        key, key.title(), f"event-{key}", "average", None, 95, lower_is_better=True, **more
    )


def design(*metrics: MetricDesign, **more: Any) -> ExperimentDesign:
    chosen = metrics or (rate(),)
    settings: dict[str, Any] = {
        "project": "pets",
        "key": "faster-model",
        "name": "Faster model",
        "environment": "production",
        "ai_config": "pet-agent",
        "allocation": {CONTROL: 50, TREATMENT: 50},
        "control": CONTROL,
        "metrics": chosen,
        "primary": chosen[0].key,
        "started": START,
        "threshold": 0.9,
    }
    return ExperimentDesign(**(settings | more))


def conversions(number: float, units: int) -> UnitStatistics:
    return UnitStatistics(units, number, number, int(number), number)


def values(found: Any) -> UnitStatistics:
    order = OrderSlice(tuple(enumerate(sorted(found), 1)))
    squares = sum(value * value for value in found)
    return UnitStatistics(len(found), sum(found), squares, len(found), sum(found), order=order)


def aggregates(
    arms: Mapping[str, Mapping[str, UnitStatistics]],
    exposed: Mapping[str, int] | None = None,
    **more: Any,
) -> Aggregates:
    """Counts per arm and metric; `exposed` is the largest number of units unless told."""
    counted = {
        key: ArmCounts(
            (exposed or {}).get(key, max((one.units for one in found.values()), default=0)), found
        )
        for key, found in arms.items()
    }
    settings: dict[str, Any] = {"as_of": START + 7 * DAY, "source": "a test", "started": START}
    return Aggregates(counted, **(settings | more))
