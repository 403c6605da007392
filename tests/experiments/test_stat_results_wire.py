"""Results in the shape of the old REST API."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ldconf.core.aggregates import Slice
from ldconf.core.experiment import Frequentist
from ldconf.core.results_wire import TreatmentNames, group_results_rep, results_rep
from ldconf.experiments.analyse import analyse
from ldconf.experiments.decide import decide
from tests.experiments import building as build
from tests.experiments.building import CONTROL, START, TREATMENT

NAMES = TreatmentNames({CONTROL: "id-1", TREATMENT: "id-2"}, {TREATMENT: "Fast"})
RATES = {
    CONTROL: {"thumbs-up": build.conversions(300, 1000)},
    TREATMENT: {"thumbs-up": build.conversions(345, 1000)},
}


def test_rate_has_launchdarklys_fields() -> None:
    found = analyse(build.design(), build.aggregates(RATES))
    rep = results_rep(found, found.primary, NAMES, href="/x", decision=decide(found))
    assert rep["metricSeen"] == {"ever": True, "timestamp": found.as_of}
    assert rep["probabilityOfMismatch"] < 0.1
    assert rep["results"][0] == {"treatmentResults": rep["treatmentResults"]}
    control, treatment = rep["treatmentResults"]
    assert (control["treatmentId"], treatment["treatmentName"]) == ("id-1", "Fast")
    assert (treatment["units"], treatment["traffic"], treatment["eventValuesSum"]) == (
        1000,
        1000,
        345,
    )
    assert treatment["dataMean"] == 0.345
    assert treatment["credibleInterval"].keys() == {"lower", "upper"}
    assert treatment["model"] == "bayesianBeta"
    prior, parameters = treatment["bayesianBeta"], treatment["distribution"]["parameters"]
    assert parameters["alpha"] == pytest.approx(prior["priorAlpha"] + 345)
    assert parameters["beta"] == pytest.approx(prior["priorBeta"] + 655)
    assert prior["priorMean"] == pytest.approx(301 / 1002)
    weight = 1000 / (1000 + prior["priorAlpha"] + prior["priorBeta"])
    assert prior["dataWeight"] == pytest.approx(weight)
    assert control["bayesianBeta"]["priorAlpha"] == pytest.approx(1)
    assert treatment["relativeDifferences"][0]["fromTreatmentId"] == "id-1"
    assert "relativeDifferences" not in control
    assert treatment["pBest"] + control["pBest"] == pytest.approx(1)
    assert treatment["_ldconf"]["pBeatControl"] == pytest.approx(treatment["pBest"])
    assert rep["_ldconf"]["decision"] == "ship_treatment"
    json.dumps(rep, allow_nan=False)


def test_mean_names_the_normal_model() -> None:
    values = np.random.default_rng(1).normal(100, 20, 300)
    arms = {CONTROL: {"tokens": build.values(values)}, TREATMENT: {"tokens": build.values(values)}}
    found = analyse(build.design(build.mean()), build.aggregates(arms))
    treatment = results_rep(found, found.primary)["treatmentResults"][1]
    assert treatment["model"] == "bayesianNormal"
    assert treatment["distribution"]["kind"] == "normal"
    assert treatment["bayesianNormal"].keys() == {"dataWeight", "priorMean"}
    assert treatment["treatmentId"] == TREATMENT


def test_what_launchdarkly_has_no_model_for_is_left_out() -> None:
    values = np.random.default_rng(2).lognormal(7, 0.8, 200).tolist()
    arms = {
        CONTROL: {"latency": build.values(values)},
        TREATMENT: {"latency": build.values(values)},
    }
    found = analyse(build.design(build.p95()), build.aggregates(arms))
    treatment = results_rep(found, found.primary)["treatmentResults"][1]
    assert "model" not in treatment
    assert "distribution" not in treatment
    assert treatment["_ldconf"]["model"] == "bayesianBootstrap"


def test_tests_and_empty_arms_are_plain_json() -> None:
    design = build.design(methodology="frequentist", frequentist=Frequentist())
    found = analyse(design, build.aggregates(RATES))
    treatment = results_rep(found, found.primary)["treatmentResults"][1]
    assert treatment["_ldconf"]["significance"]["significant"] is True
    assert "pBest" not in treatment
    empty = analyse(build.design(), build.aggregates({}, as_of=START))
    rep = results_rep(empty, empty.primary)
    assert rep["metricSeen"] == {"ever": False}
    assert "probabilityOfMismatch" not in rep
    json.dumps(rep, allow_nan=False)


def test_slices_follow_the_whole() -> None:
    part = Slice("country", "de", build.aggregates(RATES).arms)
    found = analyse(build.design(), build.aggregates(RATES, slices=(part,)))
    whole, sliced = results_rep(found, found.primary)["results"]
    assert "attribute" not in whole
    assert (sliced["attribute"], sliced["attributeValue"]) == ("country", "de")
    assert len(sliced["treatmentResults"]) == 2


def test_metric_groups_hold_their_metrics() -> None:
    design = build.design(replace(build.rate(), group="feedback"), build.mean())
    found = analyse(design, build.aggregates(RATES))
    rep = group_results_rep(found, "feedback", NAMES)
    assert [one["metric"]["key"] for one in rep["metrics"]] == ["thumbs-up"]
    assert rep["metrics"][0]["results"]["treatmentResults"]
    with pytest.raises(KeyError):
        group_results_rep(found, "other")
