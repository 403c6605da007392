"""What follows from the counts: estimates per metric and arm, health, and the decision.

Names follow LaunchDarkly's own result fields where it has them (statistics notes, section 1).
Probabilities are 0 to 1; relative differences are fractions (0.1 = 10 %).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from ldconf.core.experiment import ExperimentDesign


@dataclass(frozen=True)
class Interval:
    """The ends of an interval; 90 % unless told otherwise."""

    lower: float
    upper: float


@dataclass(frozen=True)
class Difference:
    """A treatment against control. `relative` is false where control is too near 0 to divide by:
    `mean` and the ends are then absolute."""

    mean: float
    interval: Interval
    relative: bool = True


@dataclass(frozen=True)
class Distribution:
    """The posterior of one arm. `normal`: mu, sigma. `beta`: alpha, beta. `empirical`: `points`
    are (value, probability that the true value is at most this)."""

    kind: Literal["normal", "beta", "empirical"]
    parameters: Mapping[str, float] = field(default_factory=dict)
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Significance:
    """A frequentist test of a treatment against control; `adjusted` after correction."""

    p_value: float
    adjusted: float
    significant: bool
    sequential: bool = False


@dataclass(frozen=True)
class ArmResult:
    """One metric in one arm. `mean` is the posterior's, `data_mean` that of the data alone, whose
    weight in the posterior is `data_weight`. Of control, `p_beat_control` and `difference` are
    None. `density` is (value, density) for drawing. None: not enough data to say."""

    variation: str
    is_control: bool
    exposed: int
    units: int
    total: float  # sum of event values; conversions where units either did it or not
    data_mean: float | None
    data_sd: float | None
    mean: float | None = None
    interval: Interval | None = None
    model: Literal["bayesianBeta", "bayesianNormal", "bayesianBootstrap", "frequentist"] = (
        "bayesianNormal"
    )
    distribution: Distribution | None = None
    data_weight: float | None = None
    prior_mean: float | None = None
    p_best: float | None = None
    p_beat_control: float | None = None
    p_worse_than_margin: float | None = None  # guardrails: worse than control by more than margin
    expected_loss: float | None = None
    difference: Difference | None = None
    significance: Significance | None = None
    density: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class MetricResult:
    """One metric over all arms, control first. `warnings` are `Warning` codes with words."""

    key: str
    name: str
    arms: tuple[ArmResult, ...]
    primary: bool = False
    guardrail: bool = False
    lower_is_better: bool = False
    unit: str = ""
    kind: Literal["rate", "mean", "percentile", "ratio"] = "mean"
    group: str | None = None
    seen: int | None = None  # newest event, ms; None: never
    warnings: tuple[Caution, ...] = ()

    def arm(self, variation: str) -> ArmResult:
        """Return one arm. Raises KeyError."""
        for arm in self.arms:
            if arm.variation == variation:
                return arm
        raise KeyError(variation)


class Code(Enum):
    """What an analysis warns about."""

    LOW_SAMPLE = "low_sample"
    UNDERPOWERED = "underpowered"
    SRM = "srm"
    CROSSOVER = "crossover"
    METRIC_NEVER_SEEN = "metric_never_seen"
    ZERO_VARIANCE = "zero_variance"
    NEAR_ZERO_BASELINE = "near_zero_baseline"
    TOO_FEW_FOR_PERCENTILE = "too_few_for_p95"
    WRONG_UNIT_KIND = "wrong_unit_kind"
    STRONG_PRIOR = "strong_prior"
    SUM_PER_USER = "sum_per_user"  # a percentile of sums grows with requests per user
    NOT_WINSORIZED = "not_winsorized"
    VERSIONS_MIXED = "versions_mixed"
    CONTAMINATED = "contaminated"
    UNEXPECTED_VARIATION = "unexpected_variation"
    NO_EXPOSURES = "no_exposures"


@dataclass(frozen=True)
class Caution:
    """A warning: its code, and what it means in words."""

    code: Code
    words: str


class HealthStatus(Enum):
    """How a health check stands; `waiting` is normal right after a start."""

    WAITING = "waiting"
    HEALTHY = "healthy"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class HealthCheck:
    """One health check of an experiment, in words."""

    name: str
    status: HealthStatus
    words: str


ALERT, WARN = 0.99, 0.95  # probability of a sample ratio mismatch; LaunchDarkly publishes none


@dataclass(frozen=True)
class SampleRatio:
    """Whether the arms got the shares they were meant to get. `probability_of_mismatch` may be
    read at any time; `p_value` is of a chi-squared test, for one look."""

    expected: Mapping[str, float]  # shares that sum to 1
    observed: Mapping[str, int]
    probability_of_mismatch: float
    p_value: float


@dataclass(frozen=True)
class SliceResult:
    """The metrics again, of units whose attribute has one value. For reading, not for deciding."""

    attribute: str
    value: str
    metrics: tuple[MetricResult, ...]


@dataclass(frozen=True)
class Look:
    """The results as they were at an earlier time: units per arm, and per metric and treatment the
    probabilities (beat control, best)."""

    as_of: int
    exposed: Mapping[str, int]
    p_beat_control: Mapping[str, Mapping[str, float | None]]  # metric -> variation
    p_best: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Analysis:
    """The results of one iteration. `history` holds earlier looks, oldest first."""

    design: ExperimentDesign
    as_of: int
    source: str
    exposed: Mapping[str, int]
    metrics: tuple[MetricResult, ...]
    health: tuple[HealthCheck, ...] = ()
    warnings: tuple[Caution, ...] = ()
    sample_ratio: SampleRatio | None = None
    crossover: int = 0
    slices: tuple[SliceResult, ...] = ()
    history: tuple[Look, ...] = ()

    @property
    def primary(self) -> MetricResult:
        """The metric that decides."""
        return next(metric for metric in self.metrics if metric.key == self.design.primary)


class Verdict(Enum):
    """What the rule says to do."""

    SHIP_TREATMENT = "ship_treatment"
    SHIP_CONTROL = "ship_control"
    KEEP_RUNNING = "keep_running"
    STOP_INCONCLUSIVE = "stop_inconclusive"
    BLOCKED_BY_GUARDRAIL = "blocked_by_guardrail"
    INVALID = "invalid"


class Registration(Enum):
    """How today's `decision` block compares with the one at the iteration's start."""

    SAME = "same"
    EDITED = "edited"
    NOT_VERIFIABLE = "not_verifiable"


@dataclass(frozen=True)
class PreRegistration:
    """`commit` is where the iteration was first written as running; `changed` names the fields of
    the rule that were edited since; `contaminations` tells of changes to what was compared.
    `reason` says why nothing can be verified, `date` (ISO 8601) and `author` belong to `commit`."""

    status: Registration
    commit: str | None = None
    changed: tuple[str, ...] = ()
    contaminations: tuple[str, ...] = ()
    reason: str | None = None
    date: str | None = None
    author: str | None = None

    @property
    def is_clean(self) -> bool:
        """True if the rule is as it was registered and nothing contaminated the comparison."""
        return self.status is Registration.SAME and not self.contaminations


@dataclass(frozen=True)
class Decision:
    """The verdict, with the variation to go on with and the reasons in words.

    `winner` is the variation to serve if the experiment is stopped now (None while it should go
    on). `provisional` leads on the primary metric while the experiment goes on.
    """

    verdict: Verdict
    winner: str | None
    reasons: tuple[str, ...]
    provisional: str | None = None
    warnings: tuple[Caution, ...] = ()
    registration: PreRegistration | None = None
