"""An experiment as its analysis sees it: arms, metrics, and the rule written down beforehand.

Everything that estimates, decides or simulates starts from an `ExperimentDesign`. It is made from
the files, or from what LaunchDarkly says about the experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

CREDIBLE_MASS = 0.90  # LaunchDarkly's intervals (statistics notes, section 1)

PerUnit = Literal["occurrence", "count", "sum", "average"]
Prior = Literal["launchdarkly", "flat"]
Correction = Literal["bonferroni", "benjamini-hochberg"]
CorrectionScope = Literal["variations", "variations-and-metrics", "metrics"]


@dataclass(frozen=True)
class Guardrail:
    """A metric that may not get worse than control by more than `margin`.

    `margin` is relative (0.05 = 5 % of control's mean); `threshold` is a probability, 0 to 1.
    """

    margin: float = 0.0
    threshold: float = 0.95


@dataclass(frozen=True)
class DecisionRule:
    """The `decision` block of an experiment: written before the start, applied at the end.

    `guardrail_rule`: `veto` blocks on a guardrail that is probably worse; `nonInferior` also asks
    each guardrail to be probably not worse. `inconclusive` is the variation to go on with when the
    time is up without a winner. `looks` is how often results are acted upon (for simulation).
    """

    minimum_units_per_arm: int = 100
    planned_units_per_arm: int | None = None
    maximum_days: float | None = None
    inconclusive: str | None = None  # None: control
    guardrails: Mapping[str, Guardrail] = field(default_factory=dict)  # by metric key
    guardrail_rule: Literal["veto", "nonInferior"] = "veto"
    looks: int = 1


@dataclass(frozen=True)
class Frequentist:
    """Settings of a frequentist analysis. `significance` is 0 to 1."""

    significance: float = 0.05
    two_sided: bool = True
    sequential: bool = False
    correction: Correction | None = None
    scope: CorrectionScope = "variations"


@dataclass(frozen=True)
class MetricDesign:
    """One metric: what is counted per unit, and how units are summarised.

    `per_unit`: `occurrence` 0/1, `count` of events, `sum` or `average` of their values.
    `missing`: the value of exposed units without events; None leaves them out.
    `percentile` 0 to 100, None compares means. `over_requests`: the percentile is over events,
    clustered by unit, instead of over units. `denominator`: event key whose count per unit divides
    the total (a ratio metric).
    """

    key: str
    name: str
    event_key: str
    per_unit: PerUnit
    missing: float | None = 0.0
    percentile: float | None = None
    over_requests: bool = False
    denominator: str | None = None
    lower_is_better: bool = False
    unit: str = ""  # label, e.g. ms
    analysis_units: tuple[str, ...] = ("user",)
    group: str | None = None  # key of the metric group it came with
    winsorized: bool = False  # LaunchDarkly would cut extreme values; we say that we do not


@dataclass(frozen=True)
class ExperimentDesign:
    """One iteration of an experiment. `allocation` is percent of the rule's traffic, in order;
    `threshold` is a probability; times are milliseconds since 1970. `rule` is `fallthrough` or the
    id of a targeting rule; "" means a rule whose id is not known.
    """

    project: str
    key: str
    name: str
    environment: str
    ai_config: str
    allocation: Mapping[str, float]
    control: str
    metrics: tuple[MetricDesign, ...]
    primary: str
    rule: str = "fallthrough"
    hypothesis: str = ""
    iteration: int = 1
    status: Literal["draft", "running", "stopped"] = "running"
    started: int | None = None
    ended: int | None = None
    unit: str = "user"
    remainder: str | None = None
    attributes: tuple[str, ...] = ()
    methodology: Literal["bayesian", "frequentist", "export_only"] = "bayesian"
    threshold: float = 0.95
    frequentist: Frequentist = Frequentist()
    decision: DecisionRule = DecisionRule()
    prior: Prior = "launchdarkly"
    tau: float = 0.3  # spread of the relative prior; LaunchDarkly's own is not published
    iteration_id: str | None = None  # LaunchDarkly's id; exported exposures name it
    variation_ids: Mapping[str, str] = field(default_factory=dict)  # key -> id in exported rows
    rule_name: str = ""  # description of the rule; "" for the fallthrough

    @property
    def place(self) -> str:
        """What of the AI Config the experiment is on, for people."""
        if self.rule == "fallthrough":
            return f"fallthrough of {self.ai_config}"
        name = repr(self.rule_name) if self.rule_name else self.rule or "(not known)"
        return f"rule {name} of {self.ai_config}"

    @property
    def treatments(self) -> tuple[str, ...]:
        """The variations compared with control, in order."""
        return tuple(key for key in self.allocation if key != self.control)

    @property
    def arms(self) -> tuple[str, ...]:
        """The variations that are meant to get traffic, in order."""
        return tuple(key for key, share in self.allocation.items() if share > 0)

    @property
    def event_keys(self) -> tuple[str, ...]:
        """The events that metrics and their denominators need, each once."""
        keys = (key for one in self.metrics for key in (one.event_key, one.denominator) if key)
        return tuple(dict.fromkeys(keys))

    def metric(self, key: str) -> MetricDesign:
        """Return a metric by key. Raises KeyError."""
        for metric in self.metrics:
            if metric.key == key:
                return metric
        raise KeyError(key)
