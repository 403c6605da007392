"""`ldconf experiment results` and `decide` on the local LaunchDarkly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from pydantic import SecretStr

from ldconf.cli.moments import moment
from ldconf.core.errors import UsageError
from ldconf.emulator.serve import open_local
from ldconf.settings import Connection
from ldconf.workflow.experiment import ResultsWish, results
from ldconf.workflow.site import Site, settings_of
from tests.cli.lab import KEY, PROJECT, laboratory, people, send
from tests.e2e.world import World
from tests.terminals import watched

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "experiment.schema.json").read_text(encoding="utf-8")
)
LDCONF = Path(sys.executable).with_name("ldconf")
NOW = 1_795_000_000_000


def rounded(value: Any) -> Any:
    """Return JSON with numbers of nine digits."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return laboratory(tmp_path, monkeypatch)


@pytest.fixture
def started(world: World) -> World:
    world.commit("An experiment")
    assert world.run("apply", "--yes", "--quiet").code == 0
    return world


@pytest.fixture
def finished(started: World) -> World:
    """After 400 people of whom more like the second variation."""
    send(started, people(400, {"one": 0.4, "two": 0.62}))
    return started


def test_results_from_local_events(finished: World) -> None:
    found = finished.run("experiment", "results", KEY)
    assert found.code == 0, found.err
    lines = [" ".join(line.split()) for line in found.out.splitlines()]
    assert lines[0] == "Two models (two-models)"
    assert lines[1].startswith("iteration 1, running since ")
    row = next(line for line in lines if line.startswith("two 200"))
    counted = re.match(r"two 200 (\d+) / 200", row)
    assert counted
    assert 100 <= int(counted[1]) <= 150
    assert "verdict: ship two" in lines
    assert any("as it was when the iteration started" in line for line in lines)


def test_from_local_says_the_same_as_local(finished: World) -> None:
    words = ("experiment", "decide", KEY)
    assert finished.command(*words, "--from", "local").out == finished.run(*words).out


def test_json_fits_the_schema_and_has_slices_and_history(finished: World) -> None:
    found = finished.run("experiment", "results", KEY, "--format", "json").json
    jsonschema.validate(found, SCHEMA)
    slices = found["metrics"][0]["results"]["results"]
    assert [(one.get("attribute"), one.get("attributeValue")) for one in slices] == [
        (None, None),
        ("country", "de"),
        ("country", "fr"),
    ]
    assert 1 < len(found["history"]) <= 20
    assert found["history"][-1]["exposed"] == {"one": 200, "two": 200}
    assert found["decision"]["winner"] == "two"
    jsonschema.validate(finished.run("experiment", "decide", KEY, "--format", "json").json, SCHEMA)


def test_one_slice_is_shown_and_others_are_folded(finished: World) -> None:
    folded = finished.run("experiment", "results", KEY).out
    assert "by country: " in folded
    assert "country = de" not in folded
    shown = finished.run("experiment", "results", KEY, "--slice", "country").out
    assert "country = de" in shown
    assert "country = fr" in shown


def test_a_slice_has_a_name(started: World) -> None:
    found = started.run("experiment", "results", KEY, "--slice", " ")
    assert found.code == 64
    assert "--slice names an attribute of the context" in found.err


def test_several_formats_each_go_where_they_are_told(finished: World) -> None:
    found = finished.run(
        "experiment", "results", KEY, "--format", "text,markdown=r.md,html=r.html,json=r.json"
    )
    assert found.code == 0, found.err
    assert found.out.startswith("Two models")
    assert "**Verdict: ship two**" in (finished.root / "r.md").read_text()
    assert (finished.root / "r.html").read_text().startswith("<!doctype html>")
    alone = finished.run("experiment", "results", KEY, "--format", "html", "--out", "s.html")
    assert (alone.code, alone.out) == (0, "")
    assert (finished.root / "s.html").exists()


def test_out_takes_one_format(finished: World) -> None:
    found = finished.run("experiment", "results", KEY, "--format", "text,json", "--out", "x")
    assert found.code == 64
    assert "--out takes one format" in found.err


def test_flat_prior_weighs_the_data_alone(finished: World) -> None:
    found = finished.run("experiment", "results", KEY, "--prior", "flat", "--format", "json").json
    assert found["experiment"]["prior"] == "flat"
    two = found["metrics"][2]["results"]["treatmentResults"][1]
    assert two["mean"] == pytest.approx(two["dataMean"])


@pytest.mark.parametrize(
    ("number", "liked", "code", "verdict"),
    [
        (320, {"one": 0.4, "two": 0.7}, 0, "ship two"),
        (240, {"one": 0.4, "two": 0.7}, 10, "keep running (two leads so far)"),
        (320, {"one": 0.7, "two": 0.3}, 12, "blocked by a guardrail"),
    ],
)
def test_exit_code_tells_the_verdict_when_asked(
    started: World, number: int, liked: dict[str, float], code: int, verdict: str
) -> None:
    send(started, people(number, liked))
    words = ("experiment", "decide", KEY)
    assert started.run(*words).code == 0
    found = started.run(*words, "--exit-code")
    assert f"verdict: {verdict}" in found.out
    assert found.code == code


def test_contamination_is_told_with_what_changed(finished: World) -> None:
    finished.edit("Be brief.", "Be very brief.", "bot.yaml")
    finished.commit("Another prompt")
    found = finished.run("experiment", "decide", KEY, "--format", "json").json
    words = [one["words"] for one in found["decision"]["warnings"] if one["code"] == "contaminated"]
    assert len(words) == 1
    assert words[0].endswith("aiConfigs/bot/variations/two: instructions changed")
    assert not words[0].startswith("contaminated")


def test_edited_rule_is_told(finished: World) -> None:
    finished.edit("plannedUnitsPerArm: 150", "plannedUnitsPerArm: 120", "bot.yaml")
    found = finished.run("experiment", "decide", KEY)
    assert "was edited since the iteration started" in found.out
    assert "plannedUnitsPerArm" in found.out


def test_before_the_first_exposure_it_waits(started: World) -> None:
    found = started.run("experiment", "results", KEY)
    assert found.code == 0, found.err
    assert "no variations exposed yet" in found.out
    assert "verdict: keep running" in found.out
    assert started.run("experiment", "results", KEY, "--format", "html").code == 0
    assert started.run("experiment", "decide", KEY, "--exit-code").code == 10


def test_before_apply_it_says_what_starts_it(world: World) -> None:
    found = world.run("experiment", "results", KEY)
    assert found.code == 1
    assert "has no iteration 1 of experiment two-models" in found.err
    assert "`ldconf apply --local` starts it" in found.err


def test_a_draft_has_no_results_yet(world: World) -> None:
    world.edit("status: running", "status: draft", "bot.yaml")
    world.commit("A draft")
    assert world.run("apply", "--yes", "--quiet").code == 0
    send(world, people(20, {"one": 0.5, "two": 0.5}))
    found = world.run("experiment", "results", KEY)
    assert found.code == 0, found.err
    assert "a draft, not started" in found.out
    assert "0 users exposed" in found.out


def test_time_before_the_start_is_refused(started: World) -> None:
    found = started.run("experiment", "results", KEY, "--as-of", "2001-01-01")
    assert found.code == 64
    assert "2001-01-01T00:00:00Z is before the iteration started" in found.err
    later = started.run("experiment", "results", KEY, "--since", "2101-01-01")
    assert later.code == 64


def test_without_a_source_the_three_ways_are_named(world: World) -> None:
    for command in ("results", "decide"):
        found = world.command("experiment", command, KEY)
        assert found.code == 64
        for words in ("returns no experiment results", "--from local", "--events", "--aggregates"):
            assert words in found.err


def test_two_sources_are_refused(world: World) -> None:
    found = world.command(
        "experiment", "results", KEY, "--events", "a.jsonl", "--aggregates", "b.yaml"
    )
    assert found.code == 64
    local = world.command("experiment", "results", KEY, "--events", "a", "--from", "local")
    assert local.code == 64


def test_unknown_key_names_those_that_exist(world: World) -> None:
    found = world.run("experiment", "results", "two-model")
    assert found.code == 64
    assert "two-models" in found.err


def test_address_is_a_key_too(finished: World) -> None:
    assert finished.run("experiment", "decide", f"experiments/{KEY}").code == 0


def test_watch_needs_a_terminal(started: World) -> None:
    found = started.run("experiment", "results", KEY, "--watch")
    assert found.code == 64
    assert "--watch draws on a terminal" in found.err


def test_watch_draws_until_ctrl_c(finished: World) -> None:
    said = watched(finished.root, "experiment", "results", KEY, "--local", until="verdict")
    assert b"verdict" in said
    assert b"Traceback" not in said


def test_account_tells_the_start_of_events_in_files(finished: World) -> None:
    events = people(200, {"one": 0.4, "two": 0.62})
    (finished.root / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    state = finished.root / ".ldconf" / "local" / PROJECT
    wish = ResultsWish(KEY, events=finished.root / "events.jsonl")
    with open_local(state, PROJECT, ()) as access:
        account = Connection(access.host, SecretStr(access.token), access.app, is_local=False)
        site = Site(finished.root, account, settings_of(finished.root))
        now = time.time_ns() // 1_000_000 + 1000
        found = anyio.run(results, finished.root, site, wish, now)
    assert found.remarks == ()
    assert found.analysis.design.started is not None
    assert found.analysis.exposed == {"one": 100, "two": 100}
    assert len(found.analysis.history) == 20


def test_step_summary_in_github_actions(
    finished: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert finished.run("experiment", "decide", KEY).code == 0
    assert "### Decision on experiment `two-models`" in summary.read_text()


def test_events_from_a_file_give_the_same_figures(started: World) -> None:
    events = people(400, {"one": 0.4, "two": 0.62})
    (started.root / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    words = ("experiment", "results", KEY, "--events", "events.jsonl", "--format", "json")
    found = started.command(*words)
    assert found.code == 0, found.err
    assert "note: when the iteration started is not known" in found.err
    assert found.json["source"] == "events.jsonl"
    assert found.json["history"] == []
    send(started, events)
    local = started.run("experiment", "results", KEY, "--format", "json").json
    for one, other in zip(found.json["metrics"], local["metrics"], strict=True):
        # looks at earlier times add up the values in another order
        same = rounded(one["results"]["treatmentResults"])
        assert same == rounded(other["results"]["treatmentResults"])
    asked = started.run(*words)  # the local LaunchDarkly tells the start
    assert asked.json["experiment"]["startedAt"] == local["experiment"]["startedAt"]
    assert "when the iteration started" not in asked.err


def test_since_tells_the_start_and_gives_a_history(world: World) -> None:
    events = people(300, {"one": 0.4, "two": 0.62})
    (world.root / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    words = ("experiment", "results", KEY, "--events", "events.jsonl", "--since", "9d")
    found = world.command(*words, "--format", "json")
    assert "when the iteration started" not in found.err
    assert len(found.json["history"]) == 20
    assert world.command(*words).out.splitlines()[1].endswith("in test, fallthrough of bot")


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing.jsonl", "does not exist"), ("bot.yaml", "is no file of events by its name")],
)
def test_events_that_cannot_be_read_are_told(world: World, name: str, said: str) -> None:
    found = world.command("experiment", "results", KEY, "--events", name)
    assert found.code in (1, 64)
    assert said in found.err


def test_figures_from_the_results_page(world: World) -> None:
    template = world.command("experiment", "results", KEY, "--template")
    assert template.code == 0
    figures = world.root / "figures.yml.txt"
    figures.write_text(
        "experiment: two-models\nasOf: 2026-11-24T15:00Z\nstarted: 2026-11-20\n"
        "exposures: {one: 108, two: 107}\nmetrics:\n"
        "  liked: {one: {conversions: 15}, two: {conversions: 0}}\n"
        "  disliked: {one: {conversions: 0}, two: {conversions: 0}}\n"
    )
    found = world.command("experiment", "results", KEY, "--aggregates", str(figures))
    assert found.code == 0, found.err
    lines = [" ".join(line.split()) for line in found.out.splitlines()]
    assert any(line.startswith("one (control) 108 15 / 108 14.55 %") for line in lines)
    assert "(4.6 days)" in lines[1]
    assert "note: time is not analysed: the file has no figures of it" in found.err
    assert "note: no slices: " in found.err


def test_every_wrong_figure_is_told_at_its_place(world: World) -> None:
    template = world.command("experiment", "results", KEY, "--template")
    (world.root / "figures.txt").write_text(template.out)
    found = world.command("experiment", "decide", KEY, "--aggregates", "figures.txt")
    assert found.code == 1
    assert "figures.txt:8:3: error: exposures.one: is empty" in found.err
    assert "figures.txt:9:3: error: exposures.two: is empty" in found.err


def test_without_the_extra_the_pip_line_is_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("ldconf.experiments")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("ldconf.workflow.experiment", "ldconf.cli.experimenting", "ldconf.cli.sizing"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "numpy", None)
    found = world.run("experiment", "results", KEY)
    assert found.code == 1
    assert 'pip install "ldconf[stats]"' in found.err


@pytest.mark.parametrize("command", ["size", "results", "decide"])
def test_help_imports_nothing_heavy(command: str) -> None:
    script = (
        "import sys\nfrom ldconf.cli.main import app\n"
        f"app(['experiment', '{command}', '--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'scipy', 'duckdb', 'httpx', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-24", 1_795_478_400_000),
        ("2026-11-24T09:30", 1_795_512_600_000),
        ("2026-11-24T10:30+01:00", 1_795_512_600_000),
        ("2026-11-24T09:30Z", 1_795_512_600_000),
        ("2d", NOW - 2 * 86_400_000),
        ("15m ago", NOW - 900_000),
    ],
)
def test_times_as_people_type_them(text: str, at: int) -> None:
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "-5d", "12"])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        moment(text, NOW)
