"""Results, decision and size as JSON: golden, and held against the published schema."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ldconf.core.analysis import Caution, Code
from ldconf.core.sizing import Chances, Detects, SizeReport
from ldconf.render import experiment_json, experiment_size
from ldconf.render.canvas import Look
from ldconf.render.experiment_json import ResultsDocument
from ldconf.render.json import camel
from tests.render import analyses as found
from tests.render.golden import assert_golden

PUBLISHED = json.loads(
    (Path(__file__).parents[2] / "docs" / "experiment.schema.json").read_text(encoding="utf-8")
)
SIZED = SizeReport(
    experiment="two-models",
    metric="liked",
    unit="user",
    baseline=0.6,
    baseline_from="typed",
    is_rate=True,
    sd=None,
    effect=0.1,
    threshold=0.9,
    power=0.8,
    per_arm=582,
    total=1164,
    arms={"one": 582, "two": 582},
    days=2.328,
    daily_units=500.0,
    detects=(Detects("minimum", 100, 0.2334, 0.4), Detects("planned", 5, None, 0.02)),
    looks=5,
    simulated=(
        Chances("no treatment is better", 0.0, 2000, 582, 0.104, 0.0068, {"keep_running": 0.896}),
        Chances("two is better", 0.1, 2000, 582, 0.8, 0.009, {"ship_treatment": 0.8}),
    ),
    warnings=(Caution(Code.UNDERPOWERED, "the minimum of 100 users per arm is too few"),),
    notes=("several treatments",),
)


def document() -> Any:
    return json.loads(experiment_json.results(found.ANALYSIS, found.SHIP))


def test_results() -> None:
    text = experiment_json.results(found.ANALYSIS, found.SHIP)
    assert_golden("experiment.json", text)
    jsonschema.validate(json.loads(text), PUBLISHED)


def test_decision() -> None:
    text = experiment_json.decided(found.SHIP, found.ANALYSIS)
    assert_golden("decision.json", text)
    jsonschema.validate(json.loads(text), PUBLISHED)


def test_size() -> None:
    jsonschema.validate(json.loads(experiment_json.size(SIZED)), PUBLISHED)
    assert_golden("size.txt", experiment_size.text(SIZED, Look(100)))


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(json.dumps(experiment_json.schema())) == PUBLISHED
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)


def test_results_without_data_or_of_tests_fit_too() -> None:
    for analysis in (found.WAITING, found.tested(found.ANALYSIS)):
        jsonschema.validate(json.loads(experiment_json.results(analysis, None)), PUBLISHED)


@pytest.mark.parametrize("name", [*(one.name for one in fields(ResultsDocument)), "kind"])
def test_no_part_may_be_missing(name: str) -> None:
    whole = document()
    del whole[camel(name)]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(whole, PUBLISHED)


def test_another_version_and_a_wrong_figure_do_not_fit() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document(), "formatVersion": 2}, PUBLISHED)
    wrong = document()
    wrong["metrics"][0]["results"]["results"][0]["treatmentResults"][0]["mean"] = "60 %"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, PUBLISHED)


def test_launchdarklys_own_fields_are_named_as_there() -> None:
    one = document()["metrics"][0]["results"]["results"][0]["treatmentResults"][1]
    assert {"treatmentId", "mean", "dataMean", "credibleInterval", "pBest", "traffic"} <= one.keys()
    assert one["_ldconf"]["pBeatControl"] == 0.99958
