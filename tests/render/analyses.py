"""Analyses made by hand, for drawing."""

from __future__ import annotations

import math
from dataclasses import replace

from ldconf.core.analysis import (
    Analysis,
    ArmResult,
    Caution,
    Code,
    Decision,
    Difference,
    Distribution,
    HealthCheck,
    HealthStatus,
    Interval,
    Look,
    MetricResult,
    PreRegistration,
    Registration,
    SampleRatio,
    Significance,
    SliceResult,
    Verdict,
)
from ldconf.core.experiment import DecisionRule, ExperimentDesign, Guardrail, MetricDesign

START = 1_795_000_000_000
DAY = 86_400_000
BASE, SECOND = "base-config", "model-variant-2"

POSITIVE = MetricDesign(
    "positive_feedback_rate",
    "Positive feedback rate",
    "$ld:ai:feedback:user:positive",
    "occurrence",
)
NEGATIVE = MetricDesign(
    "negative_feedback_rate",
    "Negative feedback rate",
    "$ld:ai:feedback:user:negative",
    "occurrence",
    lower_is_better=True,
)
LATENCY = MetricDesign(
    "p95_total_user_latency",
    "p95_total_user_latency",
    "$ld:ai:duration:total",
    "sum",
    missing=None,
    percentile=95,
    lower_is_better=True,
    unit="ms",
)
COST = MetricDesign(
    "ai_cost_per_request",
    "ai_cost_per_request",
    "ai_cost_per_request",
    "average",
    missing=None,
    lower_is_better=True,
    unit="$",
)

DESIGN = ExperimentDesign(
    project="pet-store-agent",
    key="pet-store-agent-model-performance",
    name="Pet Store Agent Model Performance",
    environment="production",
    ai_config="pet-store-agent",
    allocation={BASE: 50, SECOND: 50},
    control=BASE,
    metrics=(POSITIVE, NEGATIVE, LATENCY, COST),
    primary=POSITIVE.key,
    hypothesis="The small model answers as well, for a tenth of the price.",
    started=START,
    attributes=("country",),
    threshold=0.9,
    decision=DecisionRule(
        minimum_units_per_arm=100,
        planned_units_per_arm=600,
        maximum_days=28,
        guardrails={NEGATIVE.key: Guardrail(0.0, 0.95)},
    ),
)


def curve(mean: float, sd: float, points: int = 61) -> tuple[tuple[float, float], ...]:
    """Return the density of a normal distribution."""
    xs = [mean + sd * (8 * step / (points - 1) - 4) for step in range(points)]
    top = 1 / (sd * math.sqrt(2 * math.pi))
    return tuple((x, top * math.exp(-((x - mean) ** 2) / (2 * sd**2))) for x in xs)


def arm(
    variation: str, mean: float, sd: float, total: float, units: int = 640, **more: object
) -> ArmResult:
    found = ArmResult(
        variation=variation,
        is_control=variation == BASE,
        exposed=640,
        units=units,
        total=total,
        data_mean=mean,
        data_sd=sd * math.sqrt(units),
        mean=mean,
        interval=Interval(mean - 1.645 * sd, mean + 1.645 * sd),
        distribution=Distribution("normal", {"mu": mean, "sigma": sd}),
        data_weight=1.0 if variation == BASE else 0.91,
        density=curve(mean, sd),
    )
    return replace(found, **more)  # type: ignore[arg-type]


def against(beat: float, mean: float, half: float, loss: float) -> dict[str, object]:
    return {
        "p_beat_control": beat,
        "p_best": beat,
        "difference": Difference(mean, Interval(mean - half, mean + half)),
        "expected_loss": loss,
    }


RATES = MetricResult(
    POSITIVE.key,
    POSITIVE.name,
    (
        arm(BASE, 0.601, 0.0193, 385, p_best=0.00042),
        arm(SECOND, 0.664, 0.0186, 427, **against(0.99958, 0.1048, 0.071, 0.00001)),
    ),
    primary=True,
    kind="rate",
    seen=START + 9 * DAY,
)
BAD_RATES = MetricResult(
    NEGATIVE.key,
    NEGATIVE.name,
    (
        arm(BASE, 0.0505, 0.0086, 32, p_best=0.41),
        arm(SECOND, 0.0482, 0.0084, 30, **against(0.59, -0.045, 0.31, 0.0031)),
    ),
    guardrail=True,
    lower_is_better=True,
    kind="rate",
    seen=START + 9 * DAY,
    warnings=(Caution(Code.STRONG_PRIOR, "the prior weighs 9 % of model-variant-2's estimate"),),
)
TIMES = MetricResult(
    LATENCY.key,
    LATENCY.name,
    (
        arm(BASE, 9_480.0, 310.0, 3_204_118, 631, p_best=0.0),
        arm(SECOND, 5_120.0, 190.0, 1_640_020, 628, **against(1.0, -0.46, 0.043, 0.0)),
    ),
    lower_is_better=True,
    unit="ms",
    kind="percentile",
    seen=START + 9 * DAY,
    warnings=(Caution(Code.SUM_PER_USER, "a percentile of sums grows with requests per user"),),
)
COSTS = MetricResult(
    COST.key,
    COST.name,
    (
        arm(BASE, 0.0119, 0.0004, 7.51, 631, p_best=0.0),
        arm(SECOND, 0.00061, 0.00003, 0.3831, 628, **against(1.0, -0.949, 0.012, 0.0)),
    ),
    lower_is_better=True,
    unit="$",
    seen=START + 9 * DAY,
)
FEW = Caution(Code.LOW_SAMPLE, "few")
HEALTH = (
    HealthCheck("exposures", HealthStatus.HEALTHY, "1,280 users were exposed"),
    HealthCheck("metrics", HealthStatus.HEALTHY, "events of every metric arrive"),
    HealthCheck("sample ratio", HealthStatus.HEALTHY, "the arms got what they were meant to get"),
    HealthCheck("crossover", HealthStatus.WARNING, "14 users (1.1 %) met several variations"),
)


def _looks() -> tuple[Look, ...]:
    found = []
    for step in range(1, 11):
        number = 64 * step
        p = 1 - 0.5 / (1 + step**2.4 / 3)
        found.append(
            Look(
                START + step * DAY * 9 // 10,
                {BASE: number, SECOND: number + step % 3 - 1},
                {POSITIVE.key: {SECOND: p}, NEGATIVE.key: {SECOND: 0.5 + 0.009 * step}},
                {POSITIVE.key: {BASE: 1 - p, SECOND: p}, NEGATIVE.key: {}},
            )
        )
    return tuple(found)


ANALYSIS = Analysis(
    design=DESIGN,
    as_of=START + 9 * DAY,
    source="events of the local LaunchDarkly",
    exposed={BASE: 640, SECOND: 640},
    metrics=(RATES, BAD_RATES, TIMES, COSTS),
    health=HEALTH,
    warnings=(Caution(Code.CROSSOVER, "14 users (1.1 %) met several variations"),),
    sample_ratio=SampleRatio({BASE: 0.5, SECOND: 0.5}, {BASE: 640, SECOND: 640}, 0.018, 1.0),
    crossover=14,
    slices=(
        SliceResult("country", "de", (RATES,)),
        SliceResult("country", "fr", (replace(RATES, warnings=(FEW,)),)),
    ),
    history=_looks(),
)
SHIP = Decision(
    Verdict.SHIP_TREATMENT,
    SECOND,
    (
        "model-variant-2 is best on positive_feedback_rate with >99.9 % (90 % are needed)",
        "no guardrail is probably worse",
    ),
    registration=PreRegistration(Registration.SAME, "0123456789abcdef0123456789abcdef01234567"),
)

WAITING = Analysis(
    design=DESIGN,
    as_of=START + 60_000,
    source="events of the local LaunchDarkly",
    exposed={BASE: 0, SECOND: 0},
    metrics=tuple(
        MetricResult(
            one.key,
            one.name,
            tuple(
                ArmResult(variation, variation == BASE, 0, 0, 0.0, None, None)
                for variation in (BASE, SECOND)
            ),
            primary=one is POSITIVE,
            lower_is_better=one.lower_is_better,
        )
        for one in DESIGN.metrics
    ),
    health=(HealthCheck("exposures", HealthStatus.WAITING, "no variations exposed yet"),),
    warnings=(Caution(Code.NO_EXPOSURES, "no variations exposed yet"),),
)
TOO_EARLY = Decision(Verdict.INVALID, None, ("no variations exposed yet",))


def tested(analysis: Analysis) -> Analysis:
    """Return the analysis as a frequentist one would be."""
    metrics = tuple(
        replace(
            metric,
            arms=tuple(
                replace(
                    one,
                    model="frequentist",
                    p_best=None,
                    p_beat_control=None,
                    expected_loss=None,
                    data_weight=None,
                    significance=None
                    if one.is_control
                    else Significance(0.0002, 0.0004, significant=True),
                )
                for one in metric.arms
            ),
        )
        for metric in analysis.metrics
    )
    return replace(
        analysis, design=replace(analysis.design, methodology="frequentist"), metrics=metrics
    )
