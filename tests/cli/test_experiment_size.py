"""`ldconf experiment size`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ldconf.cli import quantities
from ldconf.core.errors import UsageError
from tests.cli.lab import KEY, laboratory, people, send
from tests.e2e.world import World

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "experiment.schema.json").read_text(encoding="utf-8")
)
RATE = ("--baseline", "60%", "--mde", "10%", "--threshold", "90%")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return laboratory(tmp_path, monkeypatch)


def test_figures_alone_as_in_the_planners_oracle(world: World) -> None:
    found = world.command("experiment", "size", *RATE, "--traffic", "500/day")
    assert found.code == 0, found.err
    assert "needed: 582 users per arm (control 582, treatment 582; 1,164 in all)" in found.out
    assert "takes: 2.3 days at 500 users a day" in found.out


def test_what_a_hundred_users_find_is_said(world: World) -> None:
    found = world.command("experiment", "size", *RATE)
    assert "usual minimum  100 users  +23.3 % (to 74 %)" in found.out
    assert "warning: underpowered: " in found.out
    assert "`plannedUnitsPerArm: 582` would be enough" in found.out


def test_figures_alone_need_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = World(tmp_path, monkeypatch).command("experiment", "size", *RATE)
    assert found.code == 0, found.err


def test_mean_with_unequal_arms(world: World) -> None:
    sized = world.command(
        *("experiment", "size", "--baseline", "1000", "--sd", "800", "--mde", "5%"),
        *("--threshold", "0.9", "--split", "90/10", "--lower-is-better", "--format", "json"),
    ).json
    jsonschema.validate(sized, SCHEMA)
    assert sized["arms"] == {"control": 11_541, "treatment": 1_283}
    assert sized["effect"] == -0.05


def test_declared_experiment_brings_threshold_and_numbers(world: World) -> None:
    found = world.command("experiment", "size", KEY, "--baseline", "60%", "--mde", "10%")
    assert "experiment two-models, metric liked" in found.out
    assert "ships at 90 % to beat control" in found.out
    lines = [" ".join(line.split()) for line in found.out.splitlines()]
    assert "minimum 100 users +23.3 % (to 74 %)" in lines
    assert any(line.startswith("planned 150 users +19") for line in lines)
    assert "underpowered: 150 users per arm (planned) find differences of 19 %" in found.out


def test_enough_planned_users_give_no_warning(world: World) -> None:
    world.edit("plannedUnitsPerArm: 150", "plannedUnitsPerArm: 600", "bot.yaml")
    found = world.command("experiment", "size", KEY, "--baseline", "60%", "--mde", "10%")
    assert "underpowered" not in found.out


def test_too_little_traffic_for_the_maximum_days(world: World) -> None:
    words = ("experiment", "size", KEY, "--baseline", "60%", "--mde", "10%", "--traffic", "10/day")
    assert "take 116.4 days, and `maximumDays` is 14" in world.command(*words).out


def test_baseline_is_what_control_has_so_far(world: World) -> None:
    assert world.run("apply", "--yes", "--quiet", "--base", "none").code == 0
    send(world, people(200, {"one": 0.5, "two": 0.5}))
    found = world.run("experiment", "size", KEY, "--mde", "20%")
    assert found.code == 0, found.err
    assert ", from 100 users of one" in found.out


def test_simulation_tells_both_errors_of_the_rule(world: World) -> None:
    words = ("experiment", "size", *RATE, "--simulate", "60", "--looks", "3", "--format", "json")
    sized = world.command(*words).json
    jsonschema.validate(sized, SCHEMA)
    equal, different = sized["simulated"]
    assert (equal["effect"], different["effect"]) == (0.0, 0.1)
    assert equal["runs"] == different["runs"] == 60
    assert equal["shipped"] < 0.5 < different["shipped"]
    assert sum(equal["verdicts"].values()) == pytest.approx(1)
    text = world.command("experiment", "size", *RATE, "--simulate", "60", "--looks", "3").out
    assert "in 60 simulated experiments each (582 users per arm, 3 looks):" in text
    assert "no treatment is better" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--mde", "10%"), "the baseline is not known"),
        (("--baseline", "1200", "--mde", "5%"), "a mean needs its sd"),
        (("--baseline", "60%", "--mde", "10"), "write --mde 10%"),
        (("--baseline", "90%", "--mde", "50%"), "outside 0 to"),
        (("--baseline", "x", "--mde", "5%"), "--baseline 'x' is no number"),
        (("--baseline", "60%", "--mde", "0"), "the effect to find is 0"),
        (("--baseline", "60%", "--mde", "5%", "--threshold", "100"), "between 0 and 100 %"),
        (("--baseline", "60%", "--mde", "5%", "--split", "50"), "percent per arm"),
        (("--baseline", "60%", "--mde", "5%", "--traffic", "5/fortnight"), "per hour, day"),
        (("--baseline", "60%", "--simulate", "10"), "--simulate needs --mde"),
        ((KEY, "--baseline", "60%", "--split", "50/50"), "--split is what the experiment says"),
        (("--mde", "5%", "--events", "x.jsonl"), "name its KEY"),
        (("nope", "--baseline", "60%"), "they have two-models"),
    ],
)
def test_what_cannot_be_sized_is_told(world: World, words: tuple[str, ...], said: str) -> None:
    found = world.command("experiment", "size", *words)
    assert found.code == 64
    assert said in found.err


@pytest.mark.parametrize(
    ("text", "value"), [("60%", 0.6), ("0.6", 0.6), ("1,200.5", 1200.5), ("-5%", -0.05)]
)
def test_numbers_as_people_type_them(text: str, value: float) -> None:
    assert quantities.number("--x", text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("500", 500.0), ("500/day", 500.0), ("24/hour", 576.0), ("700/week", 100.0)],
)
def test_traffic_as_people_type_it(text: str, value: float) -> None:
    assert quantities.per_day("--traffic", text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["nan", "inf", "", "1e999"])
def test_what_is_no_number_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="is no number"):
        quantities.number("--x", text)
