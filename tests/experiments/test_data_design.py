"""What metrics, groups and an experiment's blocks mean for its analysis."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError
from ldconf.core.experiment import ExperimentDesign, Frequentist, Guardrail
from ldconf.core.resource import Resource
from ldconf.experiments.design import IterationFacts, design_of, metric_design
from ldconf.kinds.experiment_model import Experiment
from ldconf.kinds.experiment_parts import AnalysisBlock
from ldconf.kinds.metric import Metric
from ldconf.kinds.metric_group import MetricGroup

NUMERIC: dict[str, Any] = {
    "kind": "custom",
    "eventKey": "time",
    "isNumeric": True,
    "unit": "ms",
    "successCriteria": "LowerThanBaseline",
    "analysisUnits": ["user"],
}
CONVERSION: dict[str, Any] = {"kind": "custom", "eventKey": "vote", "isNumeric": False}
PERCENTILE = {"analysisType": "percentile", "percentileValue": 95}
OVERALL: dict[str, Any] = {
    "environment": "production",
    "aiConfig": "agent",
    "hypothesis": "It is better",
    "methodology": "bayesian",
    "metrics": ["vote"],
    "primary": "vote",
    "allocation": {"a": 30, "b": 30, "c": 0},
    "control": "a",
    "status": "running",
}


def made(experiment: dict[str, Any] | None = None, **facts: Any) -> ExperimentDesign:
    resources: dict[Address, Resource] = {
        Address.of("experiments", "x"): Experiment.model_validate(OVERALL | (experiment or {})),
        Address.of("metrics", "vote"): Metric.model_validate(CONVERSION),
        Address.of("metrics", "time"): Metric.model_validate(NUMERIC | PERCENTILE),
        Address.of("metricGroups", "g"): MetricGroup.model_validate(
            {"kind": "standard", "metrics": ["time", "vote"]}
        ),
        Address.of("metricGroups", "f"): MetricGroup.model_validate(
            {
                "kind": "funnel",
                "metrics": [
                    {"key": "time", "nameInGroup": "Waited"},
                    {"key": "vote", "nameInGroup": "Voted"},
                ],
            }
        ),
    }
    return design_of("p", "x", resources, IterationFacts(**facts) if facts else None)


@pytest.mark.parametrize(
    ("fields", "per_unit", "missing"),
    [
        (CONVERSION, "occurrence", 0.0),
        (CONVERSION | {"unitAggregationType": "sum"}, "count", 0.0),
        (NUMERIC, "average", 0.0),
        (NUMERIC | {"unitAggregationType": "sum"}, "sum", 0.0),
        (NUMERIC | {"eventDefault": {"disabled": True}}, "average", None),
        (NUMERIC | {"eventDefault": {"value": 3}}, "average", 3.0),
        (NUMERIC | PERCENTILE | {"unitAggregationType": "sum"}, "sum", None),
        # Whether something occurred is always known.
        (CONVERSION | {"eventDefault": {"disabled": True}}, "occurrence", 0.0),
    ],
)
def test_what_a_metric_counts(fields: dict[str, Any], per_unit: str, missing: float | None) -> None:
    found = metric_design("m", Metric.model_validate(fields))
    assert (found.per_unit, found.missing) == (per_unit, missing)


def test_the_rest_of_a_metric() -> None:
    fields = NUMERIC | PERCENTILE | {"name": "Time", "winsorUpperPercentile": 99}
    found = metric_design("m", Metric.model_validate(fields))
    assert (found.key, found.name, found.event_key, found.unit) == ("m", "Time", "time", "ms")
    assert (found.percentile, found.lower_is_better, found.winsorized) == (95.0, True, True)
    plain = metric_design("m", Metric.model_validate(CONVERSION))
    assert (plain.name, plain.percentile, plain.lower_is_better) == ("m", None, False)
    assert (plain.winsorized, plain.analysis_units) == (False, ("user",))


def test_live_metrics_mean_the_same() -> None:
    payload = {**NUMERIC, "key": "m", "analysisType": "percentile", "percentileValue": 50}
    assert metric_design("m", Metric.from_api(payload)).missing is None
    assert metric_design("m", Metric.from_api({**CONVERSION, "key": "m"})).missing == 0.0


def test_a_ratio_divides_totals() -> None:
    block = AnalysisBlock.model_validate({"denominators": {"m": "request"}})
    found = metric_design("m", Metric.model_validate(NUMERIC), block)
    assert (found.per_unit, found.denominator) == ("sum", "request")
    counted = metric_design("m", Metric.model_validate(CONVERSION), block)
    assert counted.per_unit == "count"


@pytest.mark.parametrize(
    ("fields", "block", "words"),
    [
        (NUMERIC, {"overRequests": ["m"]}, "`analysis.overRequests` names metric 'm'"),
        (NUMERIC | PERCENTILE, {"denominators": {"m": "r"}}, "`analysis.denominators` names"),
    ],
)
def test_an_analysis_that_does_not_fit(
    fields: dict[str, Any], block: dict[str, Any], words: str
) -> None:
    with pytest.raises(LdconfError, match=words):
        metric_design("m", Metric.model_validate(fields), AnalysisBlock.model_validate(block))


def test_an_experiment_of_files_alone() -> None:
    found = made()
    assert (found.project, found.key, found.name, found.ai_config) == ("p", "x", "x", "agent")
    assert found.allocation == {"a": 30.0, "b": 30.0}  # who gets no traffic takes no part
    assert (found.started, found.status, found.iteration) == (None, "running", 1)
    assert (found.rule, found.threshold, found.unit) == ("fallthrough", 0.95, "user")
    assert (found.prior, found.tau) == ("launchdarkly", 0.3)
    assert made({"rule": {"description": "Premium"}}).rule == ""


def test_facts_of_the_iteration() -> None:
    found = made(
        {"rule": {"description": "Premium"}},
        number=3,
        status="stopped",
        started=5,
        ended=9,
        rule="rule-1",
        id="it",
        variation_ids={"a": "1"},
    )
    assert (found.iteration, found.status, found.started, found.ended) == (3, "stopped", 5, 9)
    assert (found.rule, found.iteration_id, found.variation_ids) == ("rule-1", "it", {"a": "1"})


def test_blocks_of_the_experiment() -> None:
    found = made(
        {
            "analysisConfig": {"bayesianThreshold": 90},
            "analysis": {"prior": "flat", "tau": 0.5, "overRequests": ["time"]},
            "metrics": ["vote", "time"],
            "decision": {
                "minimumUnitsPerArm": 7,
                "plannedUnitsPerArm": 600,
                "maximumDays": 28,
                "inconclusive": "b",
                "guardrails": {"time": {"margin": 0.05, "threshold": 90}},
                "guardrailRule": "nonInferior",
                "looks": 4,
            },
        }
    )
    assert (found.threshold, found.prior, found.tau) == (0.9, "flat", 0.5)
    assert found.metric("time").over_requests
    rule = found.decision
    assert (rule.minimum_units_per_arm, rule.planned_units_per_arm) == (7, 600)
    assert (rule.maximum_days, rule.inconclusive, rule.looks) == (28.0, "b", 4)
    assert (rule.guardrails, rule.guardrail_rule) == ({"time": Guardrail(0.05, 0.9)}, "nonInferior")
    assert made({"decision": {"inconclusive": "control"}}).decision.inconclusive is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Frequentist()),
        ({"significanceThreshold": "0.1"}, Frequentist(0.1)),
        ({"significanceThreshold": "5"}, Frequentist(0.05)),
        ({"testDirection": "one-sided"}, Frequentist(two_sided=False)),
        ({"testDirection": "two-sided"}, Frequentist()),
        (
            {
                "sequentialTestingEnabled": True,
                "multipleComparisonCorrectionMethod": "bonferroni",
                "multipleComparisonCorrectionScope": "metrics",
            },
            Frequentist(sequential=True, correction="bonferroni", scope="metrics"),
        ),
    ],
)
def test_frequentist_settings(settings: dict[str, Any], expected: Frequentist) -> None:
    found = made({"methodology": "frequentist", "analysisConfig": settings})
    assert found.methodology == "frequentist"
    assert found.frequentist == expected


def test_a_group_is_taken_apart() -> None:
    found = made({"metrics": ["vote", {"key": "g", "isGroup": True}]}).metrics
    assert [(one.key, one.group) for one in found] == [("vote", None), ("time", "g")]


def test_steps_of_a_funnel_are_rates() -> None:
    found = made({"metrics": [{"key": "f", "isGroup": True}]}).metrics
    assert [(one.name, one.per_unit, one.missing, one.percentile) for one in found] == [
        ("Waited", "occurrence", 0.0, None),
        ("Voted", "occurrence", 0.0, None),
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"metrics": ["vote", "z", "y"]}, "measures what is not known: metrics/z, metrics/y"),
        ({"metrics": ["time"]}, "the primary metric 'vote' of experiments/x is none of its"),
        (
            {"metrics": [{"key": "g", "isGroup": True}], "primary": "g"},
            "is the metric group 'g'",
        ),
        ({"control": "c"}, "the control of experiments/x is none of its variations with traffic"),
    ],
)
def test_an_experiment_that_lacks_something(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(LdconfError, match=words):
        made(fields)


def test_an_experiment_that_does_not_exist() -> None:
    with pytest.raises(LdconfError, match="there is no experiment 'y'"):
        design_of("p", "y", {})
