"""The model of experiments: what is managed, and when two values are the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from ldconf.core.address import Address
from ldconf.core.resource import Json, canonical_json
from ldconf.kinds.experiment import EXPERIMENT, Experiment
from ldconf.kinds.experiment_model import DESIGN, LIFECYCLE, LOCAL
from ldconf.kinds.experiment_parts import analysis_config, declared, total_percent
from tests.kinds import experiment_strategies as strategies

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
drawn_experiments = strategies.experiments(["a", "b", "c"], ["m", "n"], ["g"])


def model(**fields: Json) -> Experiment:
    return Experiment.model_validate({"environment": "test", "aiConfig": "bot", **fields})


def problem(**fields: Json) -> str:
    with pytest.raises(ValidationError) as caught:
        model(**fields)
    (error,) = caught.value.errors()
    return error["msg"].removeprefix("Value error, ")


@given(drawn=drawn_experiments)
@quick
def test_managed_values_validate_again_as_the_same_resource(drawn: Json) -> None:
    found = Experiment.model_validate(drawn).managed()
    assert Experiment.model_validate(found).managed() == found


@given(drawn=drawn_experiments)
@quick
def test_written_form_reads_back_as_the_same(drawn: Json) -> None:
    found = Experiment.model_validate(drawn)
    again = Experiment.model_validate(found.document()).managed()
    assert again == {name: value for name, value in found.managed().items() if value is not None}


def test_every_field_is_identity_design_lifecycle_or_words() -> None:
    fields = {field.alias or name for name, field in Experiment.model_fields.items()}
    words = {"name", "description", "tags", "maintainerId"}
    assert fields == {*DESIGN, *LIFECYCLE, *LOCAL, *words, *Experiment.immutable}


def test_what_only_files_have_is_neither_compared_nor_sent() -> None:
    found = model(decision={"looks": 3}, analysis={"prior": "flat"})

    assert found.managed_names == {"environment", "aiConfig"}
    assert set(found.managed()) == set(found.document()) == {"environment", "aiConfig"}
    assert found.decision is not None
    assert found.decision.looks == 3


def test_status_and_iteration_are_managed_together() -> None:
    assert model(status="running").managed()["iteration"] == 1
    assert "status" not in model().managed_names
    for beside in ({"iteration": 2}, {"winner": "a"}, {"reason": "x"}):
        assert problem(**beside) == f"`{next(iter(beside))}` needs `status`"


def test_rest_is_what_the_others_leave() -> None:
    found = model(allocation={"a": 33.333, "b": "rest", "c": 10})
    assert found.allocation == {"a": 33.333, "b": 56.667, "c": 10}
    assert total_percent(found.allocation) == 100
    assert found.arms == ("a", "b", "c")
    assert problem(allocation={"a": "rest", "b": "rest"}) == "only one arm may be `rest`, not 2"
    assert "at least two variations" in problem(allocation={"a": 100, "b": "rest"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"metrics": ["n", "m"]}, {"metrics": [{"key": "m"}, "n"]}),
        ({"tags": ["b", "a", "a"]}, {"tags": ["a", "b"]}),
        ({"attributes": ["x", "y"]}, {"attributes": ["y", "x"]}),
        ({"allocation": {"a": 50, "b": 50}}, {"allocation": {"b": 50.0, "a": "rest"}}),
        (
            {"analysisConfig": {"bayesianThreshold": 90}},
            {"analysisConfig": {"bayesianThreshold": 90.0}},
        ),
        (
            {"analysisConfig": {"significanceThreshold": "0.050"}},
            {"analysisConfig": {"significanceThreshold": "0.05"}},
        ),
        ({"description": ""}, {"description": None}),
    ],
)
def test_same_however_it_is_written(one: Json, other: Json) -> None:
    assert canonical_json(model(**one).managed()) == canonical_json(model(**other).managed())


def test_group_is_another_metric_than_its_namesake() -> None:
    group = model(metrics=[{"key": "m", "isGroup": True}]).managed()["metrics"]
    assert group == [{"key": "m", "isGroup": True}]
    assert group != model(metrics=["m"]).managed()["metrics"]


def test_thresholds_compare_as_numbers_and_scales_stay_apart() -> None:
    assert analysis_config({"bayesianThreshold": "90.0"}) == {"bayesianThreshold": 90}
    assert analysis_config({"bayesianThreshold": None}) is None
    assert analysis_config({"significanceThreshold": "5"}) == {"significanceThreshold": "5"}
    assert analysis_config({"significanceThreshold": "0.05"}) == {"significanceThreshold": "0.05"}
    assert analysis_config({"bayesianThreshold": "high"}) == {"bayesianThreshold": "high"}


def test_of_live_settings_only_declared_ones_compare() -> None:
    live = {"bayesianThreshold": 90, "sequentialTestingEnabled": False}
    assert declared({"bayesianThreshold": 95}, live) == {"bayesianThreshold": 90}
    assert declared({"testDirection": "one-sided"}, live) is None
    assert declared(None, live) is None


def test_references_lead_to_everything_that_is_named() -> None:
    found = model(
        metrics=["m", {"key": "g", "isGroup": True}],
        allocation={"a": 50, "b": 30},
        control="a",
        remainder="disabled",
        status="stopped",
        winner="b",
        reason="x",
    )
    references = EXPERIMENT.references(Address.of("experiments", "e"), found)
    assert [(str(one.target), one.path) for one in references] == [
        ("metrics/m", ("metrics", 0)),
        ("metricGroups/g", ("metrics", 1, "key")),
        ("aiConfigs/bot", ("aiConfig",)),
        ("aiConfigs/bot/targeting/test", ("environment",)),
        ("aiConfigs/bot/variations/a", ("allocation", "a")),
        ("aiConfigs/bot/variations/b", ("allocation", "b")),
        ("aiConfigs/bot/variations/a", ("control",)),
        ("aiConfigs/bot/variations/b", ("winner",)),
    ]
