"""The model of an experiment, in the words of files and of LaunchDarkly alike.

Source: reference section 13. `decision` and `analysis` live in files only: LaunchDarkly never hears
of them, so they are neither compared nor sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from ldconf.core.address import Address
from ldconf.core.address import ai_config as ai_config_address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.address import variation as variation_address
from ldconf.core.kind import Reference
from ldconf.core.resource import Bool, Int, Json, Resource, Str
from ldconf.kinds import serve
from ldconf.kinds.experiment_parts import (
    FALLTHROUGH,
    Allocation,
    AnalysisBlock,
    AnalysisConfig,
    DecisionBlock,
    MetricOf,
    MetricUse,
    NonEmpty,
    RuleName,
    RuleOf,
    allocation_problem,
    analysis_config,
    metric_uses,
)
from ldconf.kinds.serve import DISABLED, REST
from ldconf.kinds.wire import sorted_set

Status: TypeAlias = Literal["draft", "running", "stopped"]
DRAFT: Literal["draft"] = "draft"
RUNNING: Literal["running"] = "running"
STOPPED: Literal["stopped"] = "stopped"
CONTROL = "control"

# Wire names of what an iteration consists of: locked while it runs (reference 13.4, 13.6).
DESIGN: tuple[str, ...] = (
    "rule",
    "hypothesis",
    "randomizationUnit",
    "methodology",
    "dataSource",
    "analysisConfig",
    "metrics",
    "primary",
    "attributes",
    "canReshuffleTraffic",
    "allocation",
    "control",
    "remainder",
)
# Wire names that say where in its life an experiment is: one thing, written in four fields.
LIFECYCLE: tuple[str, ...] = ("status", "iteration", "winner", "reason")
# Wire names that only files have.
LOCAL: frozenset[str] = frozenset({"decision", "analysis"})


class Experiment(Resource):
    """An experiment on one rule of an AI Config: who gets which variation, and what is measured."""

    immutable: ClassVar[frozenset[str]] = frozenset({"environment", "aiConfig"})
    required_to_create: ClassVar[frozenset[str]] = frozenset(
        {
            "hypothesis",
            "methodology",
            "metrics",
            "primary",
            "allocation",
            "control",
            "status",
        }
    )

    # Keys of the API that files cannot hold yet, in words for the one who writes them.
    later: ClassVar[Mapping[str, str]] = {
        "holdout": "holdouts",
        "holdoutId": "holdouts",
        "layer": "layers",
        "layers": "layers",
        "type": "other types of experiment",
        "reallocationFrequencyMillis": "bandits",
        "primaryFunnel": "funnels as primary metric",
        "primaryFunnelKey": "funnels as primary metric",
        "covariateId": "covariates",
    }

    name: NonEmpty = Field(default="", description="Display name; the key if absent")
    description: Str | None = Field(default=None, description="What it is about")
    tags: list[Str] | None = Field(default=None, description="Tags, a set")
    maintainer_id: NonEmpty = Field(default="", description="Member id")
    environment: NonEmpty = Field(description="Environment key; cannot change later")
    ai_config: NonEmpty = Field(description="AI Config key; cannot change later")
    rule: RuleOf = Field(
        default=FALLTHROUGH, description="Whose traffic takes part: `fallthrough`, or a rule"
    )
    hypothesis: NonEmpty = Field(default="", description="What is expected, and why")
    randomization_unit: NonEmpty = Field(
        default="user", description="Context kind that is assigned to a variation"
    )
    methodology: Literal["bayesian", "frequentist", "export_only"] = Field(
        default="bayesian", description="How results are analysed"
    )
    data_source: Literal["launchdarkly", "snowflake", "databricks", "redshift"] = Field(
        default="launchdarkly", description="Where LaunchDarkly takes metric events from"
    )
    analysis_config: AnalysisConfig | None = Field(
        default=None, description="How LaunchDarkly's results page analyses"
    )
    metrics: list[MetricOf] = Field(
        default_factory=list, min_length=1, description="What is measured, a set"
    )
    primary: NonEmpty = Field(default="", description="The metric that decides; one of `metrics`")
    attributes: list[Str] | None = Field(
        default=None, description="Context attributes by which results can be sliced, a set"
    )
    can_reshuffle_traffic: Bool = Field(
        default=True, description="false: a unit keeps its variation when the allocation changes"
    )
    allocation: Allocation = Field(
        default_factory=dict,
        description="Variation key to percent of the rule's traffic; one may be `rest`",
    )
    control: NonEmpty = Field(default="", description="The variation that others are compared with")
    remainder: NonEmpty = Field(
        default="", description="What the traffic outside gets; needed if less than 100 % take part"
    )
    status: Status = Field(
        default="draft", description="Where its iteration is; stopped needs `winner` and `reason`"
    )
    iteration: Int = Field(
        default=1, ge=1, description="Number, from 1, of the iteration that `status` speaks of"
    )
    winner: NonEmpty | None = Field(
        default=None, description="Variation that won; control if nothing did"
    )
    reason: NonEmpty | None = Field(default=None, description="Why it was stopped so")
    decision: DecisionBlock | None = Field(
        default=None, description="The rule that decides, written before the start; in files only"
    )
    analysis: AnalysisBlock | None = Field(
        default=None, description="How ldconf analyses; in files only"
    )

    @field_validator("allocation")
    @classmethod
    def _with_rest(cls, allocation: dict[str, Json]) -> dict[str, Json]:
        if problem := allocation_problem(allocation):
            raise ValueError(problem)
        weights = serve.weights({"rollout": allocation})
        return {
            key: serve.percent(weights[key]) if value == REST else value
            for key, value in allocation.items()
        }

    @field_validator("metrics")
    @classmethod
    def _each_metric_once(cls, metrics: list[str | MetricUse]) -> list[str | MetricUse]:
        keys = [metric if isinstance(metric, str) else metric.key for metric in metrics]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise ValueError(f"metric {key!r} is listed twice")
        return metrics

    @model_validator(mode="after")
    def _lifecycle_is_one(self) -> Experiment:
        """`status` and `iteration` are managed together; an iteration is the first unless told."""
        given = self.model_fields_set
        if "status" in given:
            given.add("iteration")
        elif beside := sorted({"iteration", "winner", "reason"} & given):
            raise ValueError(f"`{beside[0]}` needs `status`")
        return self

    @property
    def arms(self) -> tuple[str, ...]:
        """The variations that take part, in order."""
        return tuple(self.allocation)

    @property
    def managed_names(self) -> frozenset[str]:
        """Wire names of the fields that were given and that LaunchDarkly has too."""
        return super().managed_names - LOCAL

    def managed(self) -> dict[str, Json]:
        """Return wire name -> canonical value, without what only files have."""
        return {name: value for name, value in super().managed().items() if name not in LOCAL}

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Sets are sorted, percentages and thresholds are numbers, however they are written."""
        match name:
            case "tags" | "attributes":
                return sorted_set(value)
            case "metrics":
                return metric_uses(value) or None
            case "analysisConfig":
                return analysis_config(value)
            case "allocation":
                return {key: value[key] for key in sorted(value)} if value else None
            case _:
                return super().canonical(name, value)

    def document(self) -> dict[str, Json]:
        """Return the fields as a person would write them: metrics and arms in their order."""
        written = super().document()
        if "metrics" in written:
            dumped = self.model_dump(mode="json", by_alias=True, warnings="none")["metrics"]
            written["metrics"] = [metric_uses([entry])[0] for entry in dumped]
        if "allocation" in written:
            written["allocation"] = {key: written["allocation"][key] for key in self.allocation}
        return written


def environment_of(address: Address, resource: Resource | None) -> str | None:
    """Return the environment of an object: in its address or, for an experiment, in its fields.

    None if it stands in none, or if the fields do not tell.
    """
    if isinstance(resource, Experiment):
        return getattr(resource, "environment", None)
    return address.environment


def ai_config_of(address: Address, resource: Resource | None) -> str | None:
    """Return the AI Config that an object belongs to or, for an experiment, is about."""
    if isinstance(resource, Experiment):
        return getattr(resource, "ai_config", None)
    return address.ai_config


def rule_description(experiment: Experiment) -> str | None:
    """Return the description of the rule that the experiment is on, None for the fallthrough."""
    return experiment.rule.description if isinstance(experiment.rule, RuleName) else None


def metric_keys(experiment: Experiment) -> list[str]:
    """Return the keys of the metrics and metric groups that are measured, in order."""
    return [use if isinstance(use, str) else use.key for use in experiment.metrics]


def metric_addresses(experiment: Experiment) -> Iterator[tuple[int, Address]]:
    """Yield (index, address) of each metric and metric group that is measured."""
    for index, metric in enumerate(experiment.metrics):
        if isinstance(metric, MetricUse) and metric.is_group:
            yield index, Address.of("metricGroups", metric.key)
        else:
            key = metric.key if isinstance(metric, MetricUse) else metric
            yield index, Address.of("metrics", key)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """Return the AI Config, its targeting, the variations and the metrics that are named."""
    if not isinstance(resource, Experiment):
        raise TypeError(f"not an experiment: {resource!r}")
    return tuple(_references(resource))


def _references(experiment: Experiment) -> Iterator[Reference]:
    """Yield what managed fields name: a change holds only those that it sends."""
    if "metrics" in experiment.model_fields_set:
        for index, target in metric_addresses(experiment):
            plain = isinstance(experiment.metrics[index], str)
            yield Reference(target, ("metrics", index, *(() if plain else ("key",))))
    key = experiment.ai_config
    if "ai_config" in experiment.model_fields_set:
        yield Reference(ai_config_address(key), ("aiConfig",))
    named = [field for field in ("environment", "rule") if field in experiment.model_fields_set]
    if named:  # an edit may send the rule alone
        yield Reference(targeting_address(key, experiment.environment), (named[0],))
    for path, name in _variations(experiment):
        if name != DISABLED:
            yield Reference(variation_address(key, name), path)


def _variations(experiment: Experiment) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path, variation key) of what takes part, is served outside, or won."""
    managed = experiment.model_fields_set
    if "allocation" in managed:
        for name in experiment.allocation:
            yield ("allocation", name), name
    for field in ("control", "remainder", "winner"):
        if field in managed and (name := getattr(experiment, field)):
            yield (field,), name
