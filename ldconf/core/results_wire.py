"""An experiment's results in the shape of LaunchDarkly's old REST API (statistics notes, 1).

`GET .../experiments/{x}/metrics/{m}/results` answered with an ExperimentBayesianResultsRep; clients
of version 17 and older still hold the model. What it has no field for is under `_ldconf`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ldconf.core.analysis import (
    Analysis,
    ArmResult,
    Caution,
    Decision,
    Difference,
    Interval,
    MetricResult,
)
from ldconf.core.resource import Json


@dataclass(frozen=True)
class TreatmentNames:
    """How LaunchDarkly calls the arms: ids and names by variation key. Without one, the key."""

    ids: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def id(self, variation: str) -> str:
        """Return the treatment's id."""
        return self.ids.get(variation, variation)

    def name(self, variation: str) -> str:
        """Return the treatment's name."""
        return self.names.get(variation, variation)


UNNAMED = TreatmentNames()


def results_rep(
    analysis: Analysis,
    metric: MetricResult,
    names: TreatmentNames = UNNAMED,
    *,
    href: str = "",
    decision: Decision | None = None,
) -> dict[str, Json]:
    """Return the body for one metric; `href` is its own path."""
    treatments = [_treatment(arm, metric, names) for arm in metric.arms]
    rep: dict[str, Json] = {
        "_links": {"self": {"href": href, "type": "application/json"}},
        "metricSeen": {"ever": metric.seen is not None},
        "results": [{"treatmentResults": treatments}, *_slices(analysis, metric, names)],
        "treatmentResults": treatments,
        "_ldconf": _extension(analysis, metric, decision),
    }
    if metric.seen is not None:
        rep["metricSeen"]["timestamp"] = metric.seen
    if analysis.sample_ratio is not None:
        rep["probabilityOfMismatch"] = analysis.sample_ratio.probability_of_mismatch
    return rep


def group_results_rep(
    analysis: Analysis, group: str, names: TreatmentNames = UNNAMED, *, href: str = ""
) -> dict[str, Json]:
    """Return the body for a metric group (MetricGroupResultsRep). Raises KeyError if no metric of
    the experiment came with it."""
    metrics = [metric for metric in analysis.metrics if metric.group == group]
    if not metrics:
        raise KeyError(group)
    return {
        "_links": {"self": {"href": href, "type": "application/json"}},
        "metrics": [
            {
                "metric": {"key": metric.key, "name": metric.name, "nameInGroup": metric.name},
                "results": results_rep(analysis, metric, names, href=href),
            }
            for metric in metrics
        ],
    }


def _slices(analysis: Analysis, metric: MetricResult, names: TreatmentNames) -> list[Json]:
    return [
        {
            "attribute": part.attribute,
            "attributeValue": part.value,
            "treatmentResults": [_treatment(arm, one, names) for arm in one.arms],
        }
        for part in analysis.slices
        for one in part.metrics
        if one.key == metric.key
    ]


def _treatment(arm: ArmResult, metric: MetricResult, names: TreatmentNames) -> dict[str, Json]:
    """Return a TreatmentResultRep; what is not known is left out."""
    rep: dict[str, Json] = {
        "treatmentId": names.id(arm.variation),
        "treatmentName": names.name(arm.variation),
        "units": arm.units,
        "traffic": arm.exposed,
        "eventValuesSum": arm.total,
        "mean": arm.mean,
        "dataMean": arm.data_mean,
        "dataStdDev": arm.data_sd,
        "credibleInterval": _interval(arm.interval),
        "pBest": arm.p_best,
        "relativeDifferences": _differences(arm, metric, names),
    }
    rep |= _model(arm)
    rep["_ldconf"] = _known(
        {
            "variation": arm.variation,
            "isControl": arm.is_control,
            "pBeatControl": arm.p_beat_control,
            "pWorseThanMargin": arm.p_worse_than_margin,
            "expectedLoss": arm.expected_loss,
            "dataWeight": arm.data_weight,
            "priorMean": arm.prior_mean,
            "model": arm.model,
            "difference": _difference(arm.difference),
            "significance": _significance(arm),
        }
    )
    return _known(rep)


def _differences(
    arm: ArmResult, metric: MetricResult, names: TreatmentNames
) -> list[dict[str, Json]] | None:
    """Return the relative difference to control; control's and absolute ones have no place here."""
    if arm.difference is None or not arm.difference.relative:
        return None
    control = next((one.variation for one in metric.arms if one.is_control), None)
    if control is None:
        return None
    ends = arm.difference.interval
    return [{"fromTreatmentId": names.id(control), "lower": ends.lower, "upper": ends.upper}]


def _model(arm: ArmResult) -> dict[str, Json]:
    """Return `distribution`, `model` and the model's own fields, where LaunchDarkly has them."""
    found = arm.distribution
    if found is None or found.kind == "empirical":
        return {}
    rep: dict[str, Json] = {
        "distribution": {"kind": found.kind, "parameters": dict(found.parameters)},
        "model": arm.model,
    }
    prior = {"dataWeight": arm.data_weight, "priorMean": arm.prior_mean}
    if found.kind == "beta" and arm.data_mean is not None:
        conversions = arm.data_mean * arm.units
        prior["priorAlpha"] = found.parameters["alpha"] - conversions
        prior["priorBeta"] = found.parameters["beta"] - (arm.units - conversions)
    rep[arm.model] = _known(prior)
    return rep


def _extension(
    analysis: Analysis, metric: MetricResult, decision: Decision | None
) -> dict[str, Json]:
    design = analysis.design
    rep: dict[str, Json] = {
        "experiment": design.key,
        "iteration": design.iteration,
        "metric": metric.key,
        "kind": metric.kind,
        "primary": metric.primary,
        "guardrail": metric.guardrail,
        "lowerIsBetter": metric.lower_is_better,
        "asOf": analysis.as_of,
        "source": analysis.source,
        "nPlanned": design.decision.planned_units_per_arm,
        "warnings": [_caution(one) for one in (*analysis.warnings, *metric.warnings)],
    }
    if decision is not None:
        rep["decision"] = decision.verdict.value
        rep["winner"] = decision.winner
        rep["reasons"] = list(decision.reasons)
    return _known(rep)


def _caution(caution: Caution) -> dict[str, Json]:
    return {"code": caution.code.value, "words": caution.words}


def _interval(found: Interval | None) -> dict[str, Json] | None:
    return None if found is None else {"lower": found.lower, "upper": found.upper}


def _difference(found: Difference | None) -> dict[str, Json] | None:
    if found is None:
        return None
    ends = {"lower": found.interval.lower, "upper": found.interval.upper}
    return {"mean": found.mean, "relative": found.relative, **ends}


def _significance(arm: ArmResult) -> dict[str, Json] | None:
    found = arm.significance
    if found is None:
        return None
    return {
        "pValue": found.p_value,
        "adjusted": found.adjusted,
        "significant": found.significant,
        "sequential": found.sequential,
    }


def _known(rep: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in rep.items() if value is not None}
