"""From what files or LaunchDarkly say about an experiment to the design that its analysis follows.

Sources: statistics notes, sections 1 and 4; reference 10.2 for what a metric measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError
from ldconf.core.experiment import (
    DecisionRule,
    ExperimentDesign,
    Frequentist,
    Guardrail,
    MetricDesign,
    PerUnit,
)
from ldconf.core.resource import Resource
from ldconf.kinds.experiment_model import CONTROL, Experiment, rule_description
from ldconf.kinds.experiment_parts import AnalysisBlock, DecisionBlock, MetricUse, RuleName
from ldconf.kinds.metric import Metric
from ldconf.kinds.metric_group import MetricGroup

THRESHOLD = 95.0  # LaunchDarkly's default, in percent
FALLTHROUGH = "fallthrough"
LOWER = "LowerThanBaseline"


@dataclass(frozen=True)
class IterationFacts:
    """What LaunchDarkly knows of one iteration. Times are milliseconds since 1970.

    `rule` is `fallthrough` or a rule id; None if not known. `variation_ids` maps variation keys to
    the ids that exported rows hold.
    """

    number: int = 1
    status: Literal["draft", "running", "stopped"] = "running"
    started: int | None = None
    ended: int | None = None
    rule: str | None = None
    id: str | None = None
    variation_ids: Mapping[str, str] = field(default_factory=dict)


def design_of(
    project: str,
    key: str,
    resources: Mapping[Address, Resource],
    facts: IterationFacts | None = None,
) -> ExperimentDesign:
    """Return the design of an experiment: `experiments/KEY` among `resources`, which also hold its
    metrics and metric groups, from files, live, or both.

    Without `facts` nothing is known of when the iteration ran: every exposure counts, of any rule
    if it is on one. Raises LdconfError if something it needs is missing or does not fit.
    """
    address = Address.of("experiments", key)
    experiment = resources.get(address)
    if not isinstance(experiment, Experiment):
        raise LdconfError(f"there is no experiment {key!r}", hint=f"nothing is known of {address}")
    metrics = tuple(_metrics(address, experiment, resources))
    primary = _primary(address, experiment, metrics)
    allocation = {arm: float(percent) for arm, percent in experiment.allocation.items() if percent}
    if experiment.control not in allocation:
        raise LdconfError(
            f"the control of {address} is none of its variations with traffic",
            hint=f"`control` may be {', '.join(allocation) or 'any variation in `allocation`'}",
        )
    facts = facts or IterationFacts(experiment.iteration, experiment.status)
    settings = experiment.analysis_config
    threshold = settings.bayesian_threshold if settings else None
    analysis = experiment.analysis or AnalysisBlock()
    return ExperimentDesign(
        project=project,
        key=key,
        name=experiment.name or key,
        environment=experiment.environment,
        ai_config=experiment.ai_config,
        allocation=allocation,
        control=experiment.control,
        metrics=metrics,
        primary=primary,
        rule=_rule(experiment, facts),
        hypothesis=experiment.hypothesis,
        iteration=facts.number,
        status=facts.status,
        started=facts.started,
        ended=facts.ended,
        unit=experiment.randomization_unit,
        remainder=experiment.remainder or None,
        attributes=tuple(experiment.attributes or ()),
        methodology=experiment.methodology,
        threshold=float(THRESHOLD if threshold is None else threshold) / 100,
        frequentist=frequentist_of(experiment),
        decision=decision_of(experiment.decision),
        prior=analysis.prior,
        tau=float(analysis.tau),
        iteration_id=facts.id,
        variation_ids=facts.variation_ids,
        rule_name=rule_description(experiment) or "",
    )


def decision_of(block: DecisionBlock | None) -> DecisionRule:
    """Return the rule of a `decision` block, the default one without."""
    block = block or DecisionBlock()
    days = block.maximum_days
    return DecisionRule(
        minimum_units_per_arm=block.minimum_units_per_arm,
        planned_units_per_arm=block.planned_units_per_arm,
        maximum_days=None if days is None else float(days),
        inconclusive=None if block.inconclusive == CONTROL else block.inconclusive,
        guardrails={
            key: Guardrail(float(rule.margin), float(rule.threshold) / 100)
            for key, rule in block.guardrails.items()
        },
        guardrail_rule=block.guardrail_rule,
        looks=block.looks,
    )


def frequentist_of(experiment: Experiment) -> Frequentist:
    """Return the frequentist settings. A threshold of 1 or more is taken for percent: LaunchDarkly
    documents 0 to 1 and gives 5 as the example (reference 13.2)."""
    settings = experiment.analysis_config
    if settings is None:
        return Frequentist()
    significance = float(settings.significance_threshold or Frequentist.significance)
    return Frequentist(
        significance=significance / 100 if significance >= 1 else significance,
        two_sided="one" not in (settings.test_direction or "").lower(),
        sequential=bool(settings.sequential_testing_enabled),
        correction=settings.multiple_comparison_correction_method,
        scope=settings.multiple_comparison_correction_scope or Frequentist.scope,
    )


def metric_design(key: str, metric: Metric, analysis: AnalysisBlock | None = None) -> MetricDesign:
    """Return what a metric measures per unit. Source: reference 10.2, measure types.

    Raises LdconfError if `analysis` wants what the metric cannot give.
    """
    analysis = analysis or AnalysisBlock()
    percentile = metric.percentile_value if metric.analysis_type == "percentile" else None
    denominator = analysis.denominators.get(key)
    over_requests = key in analysis.over_requests
    if over_requests and (percentile is None or not metric.is_numeric):
        raise LdconfError(
            f"`analysis.overRequests` names metric {key!r}, which is no percentile of values",
            hint="only a numeric metric with `analysisType: percentile` can be taken over requests",
        )
    if denominator is not None and percentile is not None:
        raise LdconfError(
            f"`analysis.denominators` names metric {key!r}, which is a percentile",
            hint="a ratio compares means: leave it out, or use `analysisType: mean`",
        )
    return MetricDesign(
        key=key,
        name=metric.name or key,
        event_key=metric.event_key,
        per_unit=_per_unit(metric, is_ratio=denominator is not None),
        missing=_missing(metric),
        percentile=None if percentile is None else float(percentile),
        over_requests=over_requests,
        denominator=denominator,
        lower_is_better=metric.success_criteria == LOWER,
        unit=metric.unit or "",
        analysis_units=tuple(metric.analysis_units) or ("user",),
        winsorized=metric.winsor_lower_percentile is not None
        or metric.winsor_upper_percentile is not None,
    )


def _per_unit(metric: Metric, *, is_ratio: bool) -> PerUnit:
    """A ratio divides the unit's total, whatever is compared otherwise."""
    total = is_ratio or metric.unit_aggregation_type == "sum"
    if metric.is_numeric:
        return "sum" if total else "average"
    return "count" if total else "occurrence"


def _missing(metric: Metric) -> float | None:
    """A percentile always leaves units without events out; whether something occurred is always
    known (statistics notes, section 1)."""
    if metric.analysis_type == "percentile":
        return None
    if not metric.is_numeric and metric.unit_aggregation_type == "average":
        return 0.0
    default = metric.event_default
    if default is None:
        return 0.0
    return None if default.disabled else float(default.value or 0)


def _metrics(
    address: Address, experiment: Experiment, resources: Mapping[Address, Resource]
) -> Iterator[MetricDesign]:
    """Yield the metrics, groups taken apart, each once. Raises LdconfError naming what is missing;
    a metric listed by itself does not count as one of a group."""
    uses = [MetricUse(key=use) if isinstance(use, str) else use for use in experiment.metrics]
    single = {use.key for use in uses if not use.is_group}
    missing: list[Address] = []
    found: dict[str, MetricDesign] = {}
    for use in uses:
        where = Address.of("metricGroups" if use.is_group else "metrics", use.key)
        resource = resources.get(where)
        if isinstance(resource, MetricGroup):
            for member in _members(use.key, resource, resources, experiment, missing):
                if member.key not in single:
                    found.setdefault(member.key, member)
        elif isinstance(resource, Metric):
            found[use.key] = metric_design(use.key, resource, experiment.analysis)
        else:
            missing.append(where)
    if missing:
        raise LdconfError(
            f"{address} measures what is not known: {', '.join(map(str, dict.fromkeys(missing)))}",
            hint="define it in the files, or read it from LaunchDarkly",
        )
    yield from found.values()


def _members(
    key: str,
    group: MetricGroup,
    resources: Mapping[Address, Resource],
    experiment: Experiment,
    missing: list[Address],
) -> Iterator[MetricDesign]:
    """Yield the metrics of a group; each step of a funnel as the rate of units that got there."""
    for member in group.metrics:
        where = Address.of("metrics", member.key)
        metric = resources.get(where)
        if not isinstance(metric, Metric):
            missing.append(where)
            continue
        design = replace(metric_design(member.key, metric, experiment.analysis), group=key)
        if group.kind == "funnel":
            design = replace(
                design,
                name=member.name_in_group or design.name,
                per_unit="occurrence",
                missing=0.0,
                percentile=None,
                over_requests=False,
                denominator=None,
            )
        yield design


def _primary(address: Address, experiment: Experiment, metrics: tuple[MetricDesign, ...]) -> str:
    key = experiment.primary
    if any(metric.key == key for metric in metrics):
        return key
    groups = [u.key for u in experiment.metrics if isinstance(u, MetricUse) and u.is_group]
    if key in groups:
        raise LdconfError(
            f"the primary metric of {address} is the metric group {key!r}",
            hint="ldconf decides by a single metric; name one of "
            + ", ".join(metric.key for metric in metrics),
        )
    raise LdconfError(
        f"the primary metric {key!r} of {address} is none of its metrics",
        hint="`primary` may be " + ", ".join(metric.key for metric in metrics),
    )


def _rule(experiment: Experiment, facts: IterationFacts) -> str:
    if facts.rule is not None:
        return facts.rule
    on_rule = isinstance(experiment.rule, RuleName)
    return "" if on_rule else FALLTHROUGH
