"""Counts by loops over events as SDKs send them: slow, and plain enough to be right by reading."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ldconf.core.aggregates import (
    Aggregates,
    ArmCounts,
    ClusterPoint,
    ClusterSlice,
    Denominator,
    OrderSlice,
    UnitStatistics,
)
from ldconf.core.experiment import ExperimentDesign, MetricDesign

Event = Mapping[str, Any]


def unit_of(event: Event, kind: str) -> str | None:
    context = event["context"]
    if context["kind"] == kind:
        return str(context["key"])
    inner = context.get(kind) if context["kind"] == "multi" else None
    return str(inner["key"]) if inner else None


def is_exposure(event: Event, design: ExperimentDesign, until: int) -> bool:
    reason = event.get("reason", {})
    return (
        event["kind"] == "feature"
        and event["key"] == design.ai_config
        and reason.get("inExperiment") is True
        and reason.get("ruleId") == (None if design.rule == "fallthrough" else design.rule)
        and (design.started or 0) <= event["creationDate"] <= until
    )


def counts_for(event: Event, design: ExperimentDesign, until: int) -> bool:
    if event["kind"] != "custom" or event["creationDate"] > until:
        return False
    about = event.get("data", {}).get("configKey")
    return about == design.ai_config or (about is None and not event["key"].startswith("$ld:ai:"))


def aggregate(events: Sequence[Event], design: ExperimentDesign, look: int) -> Aggregates:
    """Return the counts at a look, without slices."""
    until = look if design.ended is None else min(look, design.ended - 1)
    first: dict[str, tuple[int, str]] = {}
    met: dict[str, set[str]] = defaultdict(set)
    versions: dict[str, dict[int, int]] = {arm: {} for arm in design.allocation}
    unexpected: dict[str, set[str]] = defaultdict(set)
    wrong = 0
    for event in events:
        if not is_exposure(event, design, until):
            continue
        unit, ts = unit_of(event, design.unit), event["creationDate"]
        meta = event["value"]["_ldMeta"]
        arm = meta["variationKey"]
        if unit is None:
            wrong += 1
        elif arm not in design.allocation:
            unexpected[arm].add(unit)
        else:
            first[unit] = min(first.get(unit, (ts, arm)), (ts, arm))
            met[unit].add(arm)
            seen = versions[arm].get(meta["version"], ts)
            versions[arm][meta["version"]] = min(seen, ts)
    outcomes = [event for event in events if counts_for(event, design, until)]
    keys = {key for one in design.metrics for key in (one.event_key, one.denominator)}
    counted: dict[str, dict[str, list[float | None]]] = defaultdict(lambda: defaultdict(list))
    newest: list[int] = []
    for event in outcomes:
        unit = unit_of(event, design.unit)
        if event["key"] in keys and unit in first and event["creationDate"] >= first[unit][0]:
            counted[event["key"]][unit].append(event.get("metricValue"))
            newest.append(event["creationDate"])
    arms = {
        arm: ArmCounts(
            exposed=len(units),
            metrics={one.key: statistics(one, units, counted) for one in design.metrics},
            crossover=sum(len(met[unit]) > 1 for unit in units),
            versions=versions[arm],
        )
        for arm in design.allocation
        for units in ([unit for unit, (_, its) in first.items() if its == arm],)
    }
    return Aggregates(
        arms=arms,
        as_of=look,
        source="loops",
        started=design.started,
        first_exposure=min((ts for ts, _ in first.values()), default=None),
        last_event=max(newest, default=None),
        seen={
            one.key: max(
                (e["creationDate"] for e in outcomes if e["key"] == one.event_key), default=None
            )
            for one in design.metrics
        },
        wrong_unit=wrong,
        events_without_unit=sum(
            event["key"] in keys
            and unit_of(event, design.unit) is None
            and event["creationDate"] >= (design.started or 0)
            for event in outcomes
        ),
        unexpected={arm: len(units) for arm, units in unexpected.items()},
    )


def value_of(metric: MetricDesign, values: Sequence[float | None]) -> float | None:
    """Return a unit's value, None without events that count."""
    known = [value for value in values if value is not None]
    match metric.per_unit:
        case "occurrence":
            return 1.0 if values else None
        case "count":
            return float(len(values)) if values else None
        case "sum":
            return math.fsum(known) if known else None
        case "average":
            return math.fsum(known) / len(known) if known else None


def statistics(
    metric: MetricDesign,
    units: Iterable[str],
    counted: Mapping[str, Mapping[str, list[float | None]]],
) -> UnitStatistics:
    units = list(units)
    events = counted.get(metric.event_key, {})
    raw = [value for unit in units for value in events.get(unit, [])]
    numeric = metric.per_unit in ("sum", "average")
    by_unit = {unit: value_of(metric, events.get(unit, [])) for unit in units}
    denominator = None
    if metric.denominator is not None:
        divisors = {unit: len(counted.get(metric.denominator, {}).get(unit, [])) for unit in units}
        by_unit = {
            unit: value if value is not None or not (events.get(unit) or divisors[unit]) else 0.0
            for unit, value in by_unit.items()
        }
        denominator = Denominator(
            total=sum(divisors.values()),
            squares=sum(n * n for n in divisors.values()),
            cross=math.fsum((by_unit[unit] or 0) * n for unit, n in divisors.items()),
        )
    found = [metric.missing if value is None else value for value in by_unit.values()]
    values = [value for value in found if value is not None]
    known = [value for value in raw if value is not None]
    return UnitStatistics(
        units=len(values),
        total=math.fsum(values),
        squares=math.fsum(value * value for value in values),
        events=len(known if numeric else raw),
        event_total=math.fsum(known),
        denominator=denominator,
        order=order(metric, values),
        cluster=cluster(metric, [events[unit] for unit in units if unit in events]),
    )


def order(metric: MetricDesign, values: Sequence[float]) -> OrderSlice | None:
    if metric.percentile is None or metric.over_requests or not values:
        return None
    n, p = len(values), metric.percentile / 100
    reach = 8 * math.sqrt(n * p * (1 - p)) + 5
    ranked = enumerate(sorted(values), start=1)
    return OrderSlice(tuple((k, v) for k, v in ranked if n * p - reach <= k <= n * p + reach))


def cluster(metric: MetricDesign, units: Sequence[Sequence[float | None]]) -> ClusterSlice | None:
    """Every point: small sets of events are never cut."""
    known = [[value for value in values if value is not None] for values in units]
    known = [values for values in known if values]
    if not metric.over_requests or not known:
        return None
    points = []
    for value in sorted({value for values in known for value in values}):
        below = [sum(one <= value for one in values) for values in known]
        points.append(
            ClusterPoint(
                value=value,
                below=sum(below),
                below_squares=sum(b * b for b in below),
                cross=sum(b * len(values) for b, values in zip(below, known, strict=True)),
            )
        )
    sizes = [len(values) for values in known]
    return ClusterSlice(sum(sizes), sum(n * n for n in sizes), tuple(points))
