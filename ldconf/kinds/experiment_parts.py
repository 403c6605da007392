"""The nested values of an experiment, and how its percentages and thresholds compare."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, StringConstraints, Tag

from ldconf.core.resource import Bool, Int, Json, Number, Part, Str
from ldconf.kinds.serve import (
    TOTAL,
    Percent,
    VariationKey,
    excess_problem,
    percent,
    to_weight,
    weights,
)

FALLTHROUGH: Literal["fallthrough"] = "fallthrough"

NonEmpty: TypeAlias = Annotated[Str, StringConstraints(min_length=1)]
Percentage: TypeAlias = Annotated[Number, Field(ge=0, le=100)]
Allocation: TypeAlias = dict[VariationKey, Percent]


class RuleName(Part):
    """A targeting rule, by what identifies it in files."""

    description: NonEmpty = Field(description="Description of the rule, as in `targeting`")


class MetricUse(Part):
    """A metric or a group of metrics that an experiment measures."""

    key: NonEmpty = Field(description="Metric key, or metric group key")
    is_group: Bool = Field(default=False, description="true: the key is that of a metric group")


class AnalysisConfig(Part):
    """How LaunchDarkly's own results page analyses the experiment."""

    bayesian_threshold: Percentage | None = Field(
        default=None, description="Probability to be best from which a variation wins, in percent"
    )
    significance_threshold: Str | None = Field(
        default=None,
        pattern=r"^\d+(\.\d+)?$",
        description='Frequentist: p-value below which a difference counts, as text: "0.05"',
    )
    test_direction: NonEmpty | None = Field(
        default=None, description="Frequentist: `one-sided` or `two-sided`"
    )
    multiple_comparison_correction_method: Literal["bonferroni", "benjamini-hochberg"] | None = (
        Field(default=None, description="Frequentist: correction for several comparisons")
    )
    multiple_comparison_correction_scope: (
        Literal["variations", "variations-and-metrics", "metrics"] | None
    ) = Field(default=None, description="Frequentist: over what the correction goes")
    sequential_testing_enabled: Bool | None = Field(
        default=None, description="Frequentist: true allows to look before the planned end"
    )


class GuardrailRule(Part):
    """How much worse than control a metric may get."""

    margin: Annotated[Number, Field(ge=0)] = Field(
        default=0, description="Tolerated worsening, relative to control: 0.05 is 5 %"
    )
    threshold: Percentage = Field(
        default=95, description="Probability from which the worsening counts, in percent"
    )


class DecisionBlock(Part):
    """The rule that decides, written down before the start. It lives in files only."""

    minimum_units_per_arm: Annotated[Int, Field(ge=1)] = Field(
        default=100, description="Nothing is decided before every arm has this many units"
    )
    planned_units_per_arm: Annotated[Int, Field(ge=1)] | None = Field(
        default=None, description="Units per arm at which the experiment ends"
    )
    maximum_days: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="Days after which the experiment ends"
    )
    inconclusive: NonEmpty = Field(
        default="control", description="What to go on with if nothing won: `control` or a variation"
    )
    guardrails: dict[NonEmpty, GuardrailRule] = Field(
        default_factory=dict, description="Metrics that must not get worse, by metric key"
    )
    guardrail_rule: Literal["veto", "nonInferior"] = Field(
        default="veto",
        description="veto: a guardrail that is probably worse blocks; nonInferior: each guardrail "
        "must also be probably not worse",
    )
    looks: Annotated[Int, Field(ge=1)] = Field(
        default=1, description="How often results are acted upon, for simulation"
    )


class AnalysisBlock(Part):
    """How ldconf's own analysis departs from LaunchDarkly's. It lives in files only."""

    prior: Literal["launchdarkly", "flat"] = Field(
        default="launchdarkly", description="Prior of the treatments"
    )
    tau: Annotated[Number, Field(gt=0)] = Field(
        default=0.3, description="Spread of the relative prior; LaunchDarkly does not publish its"
    )
    over_requests: list[NonEmpty] = Field(
        default_factory=list,
        description="Percentile metrics taken over events, clustered by unit, not over units",
    )
    denominators: dict[NonEmpty, NonEmpty] = Field(
        default_factory=dict,
        description="Metric key to the event key whose count per unit divides its total",
    )


def _rule_form(value: Any) -> str | None:
    if value == FALLTHROUGH:
        return FALLTHROUGH
    return "rule" if isinstance(value, Mapping | RuleName) else None


def _metric_form(value: Any) -> str | None:
    if isinstance(value, str):
        return "metric key"
    return "metric or group" if isinstance(value, Mapping | MetricUse) else None


RuleOf: TypeAlias = Annotated[
    Annotated[Literal["fallthrough"], Tag(FALLTHROUGH)] | Annotated[RuleName, Tag("rule")],
    Discriminator(
        _rule_form,
        custom_error_type="rule_form",
        custom_error_message="takes `fallthrough`, or `description:` of a rule",
    ),
]
MetricOf: TypeAlias = Annotated[
    Annotated[NonEmpty, Tag("metric key")] | Annotated[MetricUse, Tag("metric or group")],
    Discriminator(
        _metric_form,
        custom_error_type="metric_form",
        custom_error_message="takes a metric key, or `key:` with `isGroup:`",
    ),
]


def number(value: Json) -> Json:
    """Return a percentage or threshold as a number, whatever the API wrote it as.

    An int if it is whole; what is no number stays as it is.
    """
    if value is None or isinstance(value, bool):
        return value
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return value
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def decimal_text(value: Json) -> Json:
    """Return a threshold as text, without needless zeros: "0.050" and 0.05 are both "0.05"."""
    plain = number(value)
    return plain if plain is None or isinstance(plain, str) else f"{Decimal(str(plain)):f}"


def analysis_config(value: Json) -> dict[str, Json] | None:
    """Return a canonical `analysisConfig`: thresholds as numbers, nothing that is not given."""
    found = {name: inner for name, inner in (value or {}).items() if inner is not None}
    if "bayesianThreshold" in found:
        found["bayesianThreshold"] = number(found["bayesianThreshold"])
    if "significanceThreshold" in found:
        found["significanceThreshold"] = decimal_text(found["significanceThreshold"])
    return found or None


def declared(wanted: Json, live: Json) -> Json:
    """Return a live `analysisConfig` as far as `wanted` speaks of it (reference 13.5).

    The server fills in settings that nobody wrote; only those that a file declares compare. A file
    that clears the field declares none: the defaults are the server's.
    """
    if not isinstance(wanted, Mapping) or not isinstance(live, Mapping):
        return live if isinstance(wanted, Mapping) else None
    return {name: value for name, value in live.items() if name in wanted} or None


def allocation_problem(allocation: Mapping[str, Json]) -> str | None:
    """Return in words what is wrong with an allocation, None if nothing is."""
    if problem := excess_problem(allocation):
        return problem
    if sum(weight > 0 for weight in weights({"rollout": allocation}).values()) < 2:
        return "needs at least two variations with traffic: one of them is the control"
    return None


def total_percent(allocation: Mapping[str, Json]) -> int | float:
    """Return the share of the rule's traffic that takes part, in percent."""
    return percent(sum(to_weight(value) for value in allocation.values()))


def served(experiment: Mapping[str, Json]) -> dict[str, int | float]:
    """Return the percent of the traffic that each variation gets while an iteration runs; those
    outside of the allocation get `remainder`, else `control`."""
    found = {key: to_weight(share) for key, share in experiment["allocation"].items()}
    rest = TOTAL - sum(found.values())
    outside = experiment.get("remainder") or experiment.get("control")
    if rest > 0 and outside:
        found[outside] = found.get(outside, 0) + rest
    return {key: percent(weight) for key, weight in found.items() if weight}


def metric_uses(value: Json) -> list[Json]:
    """Return metrics canonically: a set, sorted by key; a plain key unless it is a group."""
    uses = {_use(entry) for entry in value or ()}
    return [{"key": key, "isGroup": True} if group else key for key, group in sorted(uses)]


def _use(entry: Json) -> tuple[str, bool]:
    if isinstance(entry, str):
        return entry, False
    return entry["key"], bool(entry.get("isGroup"))
