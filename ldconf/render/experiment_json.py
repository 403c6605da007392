"""Results, decision and size of an experiment as JSON, and the schema of it.

Each metric carries LaunchDarkly's own result object (`core.results_wire`); around it stands what
LaunchDarkly has no fields for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ldconf.core import results_wire
from ldconf.core.analysis import (
    Analysis,
    Caution,
    Decision,
    HealthCheck,
    Look,
    SampleRatio,
)
from ldconf.core.experiment import DecisionRule, ExperimentDesign
from ldconf.core.resource import Json
from ldconf.core.sizing import SizeReport
from ldconf.render import json
from ldconf.render.schema import DIALECT, members

RESULTS, DECISION, SIZE = "experimentResults", "experimentDecision", "experimentSize"


@dataclass(frozen=True)
class ExperimentPart:
    """The experiment and its iteration. Times are epoch ms, `allocation` is percent of the rule's
    traffic, `threshold` a probability. `rule` is `fallthrough` or the id of a targeting rule, ""
    where it is not known; `rule_name` is its description."""

    key: str
    name: str
    project: str
    environment: str
    ai_config: str
    rule: str
    rule_name: str
    hypothesis: str
    iteration: int
    status: str
    started_at: int | None
    ended_at: int | None
    randomization_unit: str
    methodology: str
    prior: str
    threshold: float
    allocation: Mapping[str, float]
    control: str
    primary: str


@dataclass(frozen=True)
class MetricPart:
    """One metric. `results` is LaunchDarkly's ExperimentBayesianResultsRep; what it has no field
    for is under `_ldconf`."""

    key: str
    name: str
    unit: str
    group: str | None
    results: Json


@dataclass(frozen=True)
class ResultsDocument:
    """What `ldconf experiment results --format json` writes. `exposed` is units per variation;
    `history` holds earlier looks, oldest first; `decision_rule` is the `decision` block."""

    experiment: ExperimentPart
    as_of: int
    source: str
    exposed: Mapping[str, int]
    crossover: int
    sample_ratio: SampleRatio | None
    health: tuple[HealthCheck, ...]
    warnings: tuple[Caution, ...]
    metrics: tuple[MetricPart, ...]
    history: tuple[Look, ...]
    decision_rule: DecisionRule
    decision: Decision | None


@dataclass(frozen=True)
class DecisionDocument:
    """What `ldconf experiment decide --format json` writes."""

    experiment: ExperimentPart
    as_of: int
    source: str
    exposed: Mapping[str, int]
    decision_rule: DecisionRule
    decision: Decision


def results(analysis: Analysis, decision: Decision | None) -> str:
    """Return the results as JSON."""
    found = ResultsDocument(
        experiment=_experiment(analysis.design),
        as_of=analysis.as_of,
        source=analysis.source,
        exposed=analysis.exposed,
        crossover=analysis.crossover,
        sample_ratio=analysis.sample_ratio,
        health=analysis.health,
        warnings=analysis.warnings,
        metrics=tuple(
            MetricPart(
                metric.key,
                metric.name,
                metric.unit,
                metric.group,
                results_wire.results_rep(analysis, metric),
            )
            for metric in analysis.metrics
        ),
        history=analysis.history,
        decision_rule=analysis.design.decision,
        decision=decision,
    )
    return json.document(RESULTS, found)


def decided(decision: Decision, analysis: Analysis) -> str:
    """Return the decision as JSON."""
    found = DecisionDocument(
        experiment=_experiment(analysis.design),
        as_of=analysis.as_of,
        source=analysis.source,
        exposed=analysis.exposed,
        decision_rule=analysis.design.decision,
        decision=decision,
    )
    return json.document(DECISION, found)


def size(report: SizeReport) -> str:
    """Return the size as JSON."""
    return json.document(SIZE, report)


def schema() -> dict[str, Json]:
    """Return the JSON Schema of the three documents.

    Fields may be added within a `formatVersion`; none is renamed, removed or given another meaning.
    """
    definitions: dict[str, Json] = {}
    documents = ((RESULTS, ResultsDocument), (DECISION, DecisionDocument), (SIZE, SizeReport))
    forms = []
    for kind, found in documents:
        form = members(found, definitions)
        head = {"formatVersion": {"const": json.FORMAT_VERSION}, "kind": {"const": kind}}
        form["properties"] = {**head, **form["properties"]}
        form["required"] = [*head, *form["required"]]
        forms.append(form)
    definitions["MetricPart"]["properties"]["results"] = {"$ref": "#/$defs/LaunchDarklyResults"}
    definitions |= _launchdarkly()
    return {
        "$schema": DIALECT,
        "title": f"ldconf experiment, format {json.FORMAT_VERSION}",
        "oneOf": forms,
        "$defs": dict(sorted(definitions.items())),
    }


def _experiment(design: ExperimentDesign) -> ExperimentPart:
    return ExperimentPart(
        key=design.key,
        name=design.name,
        project=design.project,
        environment=design.environment,
        ai_config=design.ai_config,
        rule=design.rule,
        rule_name=design.rule_name,
        hypothesis=design.hypothesis,
        iteration=design.iteration,
        status=design.status,
        started_at=design.started,
        ended_at=design.ended,
        randomization_unit=design.unit,
        methodology=design.methodology,
        prior=design.prior,
        threshold=design.threshold,
        allocation=design.allocation,
        control=design.control,
        primary=design.primary,
    )


def _launchdarkly() -> dict[str, Json]:
    """Return the schema of LaunchDarkly's result object: what is not known is absent."""
    number, text = {"type": "number"}, {"type": "string"}
    ends = {"type": "object", "properties": {"lower": number, "upper": number}}
    interval = {**ends, "required": ["lower", "upper"]}
    treatment: dict[str, Json] = {
        "treatmentId": text,
        "treatmentName": text,
        "units": {"type": "integer"},
        "traffic": {"type": "integer"},
        "eventValuesSum": number,
        "mean": number,
        "dataMean": number,
        "dataStdDev": number,
        "credibleInterval": interval,
        "pBest": number,
        "relativeDifferences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"fromTreatmentId": text, "lower": number, "upper": number},
                "required": ["fromTreatmentId", "lower", "upper"],
            },
        },
        "distribution": {
            "type": "object",
            "properties": {"kind": {"enum": ["normal", "beta"]}, "parameters": {"type": "object"}},
            "required": ["kind", "parameters"],
        },
        "model": text,
        "_ldconf": {"$ref": "#/$defs/TreatmentExtension"},
    }
    extension: dict[str, Json] = {
        "variation": text,
        "isControl": {"type": "boolean"},
        "pBeatControl": number,
        "pWorseThanMargin": number,
        "expectedLoss": number,
        "dataWeight": number,
        "priorMean": number,
        "model": text,
        "difference": {
            "type": "object",
            "properties": {
                "mean": number,
                "relative": {"type": "boolean"},
                "lower": number,
                "upper": number,
            },
            "required": ["mean", "relative", "lower", "upper"],
        },
        "significance": {"type": "object"},
    }
    treatments = {"type": "array", "items": {"$ref": "#/$defs/TreatmentResult"}}
    return {
        "LaunchDarklyResults": {
            "description": "The results of one metric in LaunchDarkly's own form; the first of "
            "`results` is of all units, the others are slices by an attribute.",
            "type": "object",
            "properties": {
                "metricSeen": {
                    "type": "object",
                    "properties": {"ever": {"type": "boolean"}, "timestamp": {"type": "integer"}},
                    "required": ["ever"],
                },
                "probabilityOfMismatch": number,
                "results": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "attribute": text,
                            "attributeValue": text,
                            "treatmentResults": treatments,
                        },
                        "required": ["treatmentResults"],
                    },
                },
                "treatmentResults": treatments,
                "_ldconf": {"type": "object"},
            },
            "required": ["metricSeen", "results", "treatmentResults"],
        },
        "TreatmentResult": {
            "description": "One arm of one metric. Intervals hold 90 %, of tests 1 - significance.",
            "type": "object",
            "properties": treatment,
            "required": ["treatmentId", "treatmentName", "units", "traffic", "_ldconf"],
        },
        "TreatmentExtension": {
            "description": "What LaunchDarkly's form has no field for.",
            "type": "object",
            "properties": extension,
            "required": ["variation", "isControl", "model"],
        },
    }
