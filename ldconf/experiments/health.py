"""Is the experiment running as it should? LaunchDarkly's checks, and what it waits for at first."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.core import figures
from ldconf.core.aggregates import Aggregates
from ldconf.core.analysis import (
    ALERT,
    WARN,
    HealthCheck,
    HealthStatus,
    MetricResult,
    SampleRatio,
)
from ldconf.core.experiment import ExperimentDesign
from ldconf.experiments.wording import listed, percent, units

GRACE_MS = 86_400_000  # after this long without a single exposure something is wrong
CROSSOVER = 0.01
WRONG_UNIT = 0.01
NORMAL = "this is normal right after the start and clears once traffic flows"


@dataclass(frozen=True)
class Found:
    """What the checks look at."""

    design: ExperimentDesign
    aggregates: Aggregates
    metrics: tuple[MetricResult, ...]
    sample_ratio: SampleRatio | None

    @property
    def age_ms(self) -> int | None:
        """Time since the start; None if it is not known."""
        if self.design.started is None:
            return None
        return self.aggregates.as_of - self.design.started


def checks(found: Found) -> tuple[HealthCheck, ...]:
    """Return every health check, whether all is well or not."""
    return (
        _exposures(found),
        _randomization_unit(found),
        _sample_ratio(found),
        _crossover(found),
        _metric_events(found),
        _variations(found),
    )


def crossover_share(aggregates: Aggregates) -> float:
    """Return the share of exposed units that met more than one variation."""
    total = aggregates.exposed
    return sum(arm.crossover for arm in aggregates.arms.values()) / total if total else 0.0


def unexpected(design: ExperimentDesign, aggregates: Aggregates) -> dict[str, int]:
    """Return exposed units of variations that are neither arms nor the remainder's."""
    return {key: n for key, n in aggregates.unexpected.items() if key != design.remainder}


def _exposures(found: Found) -> HealthCheck:
    name, design, total = "exposures", found.design, found.aggregates.exposed
    if design.status == "draft":
        words = f"the experiment is a draft: nobody is exposed before iteration {design.iteration}"
        return HealthCheck(name, HealthStatus.WAITING, f"{words} is started")
    if not total and found.aggregates.wrong_unit:
        words = f"no {design.unit} has been exposed; see the randomization unit"
        return HealthCheck(name, HealthStatus.FAILED, words)
    if not total:
        late = found.age_ms is not None and found.age_ms > GRACE_MS
        if not late and design.status == "running":
            return HealthCheck(name, HealthStatus.WAITING, f"no variations exposed yet; {NORMAL}")
        where = f"{design.place} in {design.environment}"
        return HealthCheck(
            name,
            HealthStatus.FAILED,
            f"no variations exposed; is targeting on, and does the application evaluate {where}"
            f" with a context of kind {design.unit}?",
        )
    empty = [
        key
        for key in design.arms
        if key not in found.aggregates.arms or not found.aggregates.arms[key].exposed
    ]
    if empty:
        words = f"{listed(empty)} not exposed yet; {units(total, design.unit)} in the other arms"
        status = HealthStatus.WAITING if total < 100 else HealthStatus.WARNING
        return HealthCheck(name, status, words)
    return HealthCheck(name, HealthStatus.HEALTHY, f"{units(total, design.unit)} exposed")


def _randomization_unit(found: Found) -> HealthCheck:
    name, unit = "randomization unit", found.design.unit
    wrong, total = found.aggregates.wrong_unit, found.aggregates.exposed
    odd = [
        metric.key
        for metric in found.design.metrics
        if metric.analysis_units and unit not in metric.analysis_units
    ]
    if odd:
        kinds = f"{listed(odd)} measured by another context kind than {unit}"
        words = f"{kinds}: its events cannot be matched with the exposures"
        primary = found.design.primary in odd
        status = HealthStatus.FAILED if primary else HealthStatus.WARNING
        return HealthCheck(name, status, words)
    lost = found.aggregates.events_without_unit
    counted = sum(
        one.events for arm in found.aggregates.arms.values() for one in arm.metrics.values()
    )
    if not wrong and lost > WRONG_UNIT * (counted + lost):
        words = f"{figures.count(lost)} metric events without a context of kind {unit}"
        return HealthCheck(name, HealthStatus.WARNING, f"{words} count for nobody")
    if not wrong:
        return HealthCheck(
            name, HealthStatus.HEALTHY, f"every exposure has a context of kind {unit}"
        )
    words = f"{figures.count(wrong)} exposures without a context of kind {unit}"
    if wrong > total:
        return HealthCheck(name, HealthStatus.FAILED, f"{words}, more than with one")
    if wrong > WRONG_UNIT * total:
        return HealthCheck(name, HealthStatus.WARNING, f"{words} are left out")
    return HealthCheck(name, HealthStatus.HEALTHY, f"{words} are left out, under 1 %")


def _sample_ratio(found: Found) -> HealthCheck:
    name, ratio = "sample ratio", found.sample_ratio
    if ratio is None:
        return HealthCheck(name, HealthStatus.WAITING, "no exposures to compare yet")
    shares = [
        f"{key} {figures.count(number)} (meant {figures.share(ratio.expected[key])})"
        for key, number in ratio.observed.items()
    ]
    probability = ratio.probability_of_mismatch
    words = f"{listed(shares)}; probability of a mismatch {percent(probability)}"
    if probability >= ALERT:
        words += (
            ": units are lost or counted in one arm only, so the arms cannot be compared; look for"
            " crashes, redirects or caching that differ between variations"
        )
        return HealthCheck(name, HealthStatus.FAILED, words)
    status = HealthStatus.WARNING if probability >= WARN else HealthStatus.HEALTHY
    return HealthCheck(name, status, words)


def _crossover(found: Found) -> HealthCheck:
    name, share = "crossover", crossover_share(found.aggregates)
    number = sum(arm.crossover for arm in found.aggregates.arms.values())
    if not number:
        unit = found.design.unit
        return HealthCheck(name, HealthStatus.HEALTHY, f"no {unit} met more than one variation")
    words = f"{units(number, found.design.unit)} ({percent(share)}) met more than one variation"
    status = HealthStatus.WARNING if share > CROSSOVER else HealthStatus.HEALTHY
    return HealthCheck(name, status, f"{words}; each counts for its first")


def _metric_events(found: Found) -> HealthCheck:
    name = "metric events"
    missing = [metric for metric in found.metrics if metric.seen is None]
    if not missing:
        return HealthCheck(name, HealthStatus.HEALTHY, "every metric has received events")
    never = f"no events yet for {listed(metric.key for metric in missing)}"
    fewest = found.design.decision.minimum_units_per_arm * max(len(found.design.allocation), 1)
    if found.aggregates.exposed < fewest:
        return HealthCheck(name, HealthStatus.WAITING, f"{never}; {NORMAL}")
    needed = [metric.key for metric in missing if _cannot_do_without(metric)]
    if needed:
        events = listed(found.design.metric(key).event_key for key in needed)
        return HealthCheck(
            name,
            HealthStatus.FAILED,
            f"{never}, after {units(found.aggregates.exposed, found.design.unit)};"
            f" does the application send {events}?",
        )
    return HealthCheck(
        name, HealthStatus.WARNING, f"{never}: either nobody did it, or it is not sent"
    )


def _cannot_do_without(metric: MetricResult) -> bool:
    """True of the primary metric, and of a guardrail that is not simply the count of nobody."""
    return metric.primary or (metric.guardrail and metric.kind != "rate")


def _variations(found: Found) -> HealthCheck:
    name, others = "variations", unexpected(found.design, found.aggregates)
    if not others:
        return HealthCheck(name, HealthStatus.HEALTHY, "no variations but the arms were exposed")
    parts = (f"{key} ({figures.count(number)})" for key, number in others.items())
    return HealthCheck(
        name,
        HealthStatus.WARNING,
        f"exposed though no arm: {listed(parts)}; was targeting changed while it ran?",
    )
