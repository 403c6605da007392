"""`evaluate`, `test` and `defaults` on the example workspace."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.e2e.world import World

AGENT = ("evaluate", "pet-store-agent", "--environment", "test")
PREMIUM = '{"kind": "user", "key": "u1", "subscription_status": "premium"}'


def test_evaluation_says_variation_reason_model_and_prompt(world: World) -> None:
    found = world.command(*AGENT, "--context", PREMIUM)
    assert found.code == 0
    assert "variation  base-config" in found.out
    assert 'because    rule "Premium users": user subscription_status is premium' in found.out
    assert "model      claude-sonnet-4-5 (Anthropic)" in found.out
    assert "Call `get_customer` with the id u1" in found.out


def test_evaluation_as_json(world: World) -> None:
    found = world.command(*AGENT, "--context", PREMIUM, "--format", "json").json
    assert (found["kind"], found["variation"]) == ("evaluation", "base-config")
    assert found["reason"]["rule"] == "Premium users"
    assert "id u1" in found["messages"][0]["content"]


def test_files_and_local_agree_after_an_apply(applied: World) -> None:
    samples = applied.root / "contexts.jsonl"
    samples.write_text("".join(f'{{"key": "u{n}"}}\n' for n in range(200)))
    words = (*AGENT, "--sample", "contexts.jsonl", "--format", "json")
    files = applied.command(*words).json
    assert files["total"] == 200
    assert set(files["counts"]) == {"base-config", "model-variant-2"}
    assert applied.command(*words, "--from", "local").json == files
    assert applied.run(*words).json == files


def test_running_experiment_is_told_and_its_arms_are_not_promised(world: World) -> None:
    question = ("evaluate", "pet-store-agent", "--environment", "production")
    somebody, samples = ("--context", '{"key": "u1"}'), ("--sample", "c.jsonl")
    (world.root / "c.jsonl").write_text("".join(f'{{"key": "u{n}"}}\n' for n in range(200)))
    assert "experiment" not in world.command(*question, *somebody).out
    assert world.command(*question, *samples, "--format", "json").json["note"] is None

    path = world.root / "experiments.yaml"
    path.write_text(path.read_text().replace("status: draft", "status: running"))
    found = world.command(*question, *somebody)
    assert "fallthrough (experiment: 50 % base-config, 50 % model-variant-2)" in found.out
    assert "LaunchDarkly's seed decides who" in found.out
    premium = world.command(*question, "--context", PREMIUM)
    assert "experiment" not in premium.out
    spread = world.command(*question, *samples, "--format", "json").json
    assert set(spread["counts"]) == {"base-config", "model-variant-2"}
    assert "pet-store-agent-model-performance is running" in spread["note"]
    assert world.command("test").code == 0  # there it counts as its control


def test_live_differs_from_files_until_it_is_applied(applied: World) -> None:
    applied.edit("serve: base-config", "serve: model-variant-2")
    files = applied.command(*AGENT, "--context", PREMIUM, "--format", "json").json
    local = applied.run(*AGENT, "--context", PREMIUM, "--format", "json").json
    assert (files["variation"], local["variation"]) == ("model-variant-2", "base-config")
    assert local["reason"]["rule"] == "Premium users"


def test_distribution_is_drawn(world: World) -> None:
    (world.root / "c.jsonl").write_text('{"key": "a", "subscription_status": "premium"}\n' * 3)
    found = world.command(*AGENT, "--sample", "c.jsonl")
    assert "pet-store-agent in test: 3 contexts of c.jsonl" in found.out
    assert "100 %" in found.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--context", "{"), "--context is not JSON"),
        (("--context", '{"key": ""}'), "not a context"),
        ((), "either --context JSON or --sample FILE"),
        (("--sample", "x", "--variables", "{}"), "--variables are for a prompt"),
        (("--local", "--from", "live", "--context", "{}"), "contradict each other"),
    ],
)
def test_wrong_questions_are_usage_errors(world: World, words: tuple[str, ...], said: str) -> None:
    found = world.command(*AGENT, *words)
    assert found.code == 64
    assert said in found.err


@pytest.mark.parametrize("origin", ["files", "local"])
def test_unknown_names_are_told_with_the_nearest(applied: World, origin: str) -> None:
    context = ("--context", PREMIUM, "--from", origin)
    found = applied.command("evaluate", "pet-store-agnt", "--environment", "test", *context)
    assert (found.code, "did you mean 'pet-store-agent'?" in found.err) == (64, True)
    found = applied.command("evaluate", "pet-store-agent", "--environment", "tets", *context)
    assert (found.code, "did you mean 'test'?" in found.err) == (64, True)


def test_targeting_that_is_left_to_others_is_not_guessed(world: World) -> None:
    world.edit("      production:\n        extends: test\n        fallthrough: base-config\n", "")
    found = world.command(
        "evaluate", "pet-store-agent", "--environment", "production", "--context", PREMIUM
    )
    assert found.code == 1
    assert "do not say what pet-store-agent serves in production" in found.err


def test_empty_samples_are_an_error(world: World) -> None:
    (world.root / "c.jsonl").write_text("\n")
    assert world.command(*AGENT, "--sample", "c.jsonl").code == 1


def test_tests_of_the_example_pass(world: World) -> None:
    found = world.command("test")
    assert found.code == 0
    assert found.out.endswith("3 passed, 0 failed\n")


FAILING = """\
tests:
  - name: Guests get the second model
    given:
      aiConfig: pet-store-agent
      environment: production
      context: {key: u1}
    expect: {variation: model-variant-2, text: {contains: Never say <this>}}
  - given: {aiConfig: pet-store-agent, environment: test, context: {key: u1, kind: ""}}
    expect: {enabled: true}
"""


def test_failing_test_says_given_expected_got_reason_and_place(world: World) -> None:
    (world.root / "tests.yaml").write_text(FAILING)
    found = world.command("test")
    assert found.code == 1
    for words in (
        "FAIL  Guests get the second model  tests.yaml:2",
        'given     pet-store-agent in production, {"key": "u1"}',
        "variation expected model-variant-2, got base-config",
        "because   base-config: fallthrough",
        "contains 'Never say <this>'",
        "error     not a context",
        "0 passed, 2 failed",
    ):
        assert words in found.out, found.out


def test_junit_report_holds_failures_and_errors(world: World) -> None:
    (world.root / "tests.yaml").write_text(FAILING)
    assert world.command("test", "--junit", "reports/ldconf.xml").code == 1
    root = ElementTree.parse(world.root / "reports" / "ldconf.xml").getroot()
    assert root.attrib["failures"] == "1"
    assert root.attrib["errors"] == "1"
    cases = root.findall(".//testcase")
    assert cases[0].attrib["file"] == "tests.yaml"
    assert cases[0].attrib["line"] == "2"
    failure = cases[0].find("failure")
    assert failure is not None
    assert "expected model-variant-2, got base-config" in (failure.text or "")
    assert cases[1].find("error") is not None


def test_results_as_json(world: World) -> None:
    (world.root / "tests.yaml").write_text(FAILING)
    found = world.command("test", "--format", "json")
    assert (found.code, found.json["passed"], found.json["failed"]) == (1, 0, 2)
    assert found.json["results"][0]["evaluation"]["variation"] == "base-config"


def test_failures_are_annotated_in_github_actions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.root / "tests.yaml").write_text(FAILING)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert "::error file=tests.yaml,line=2" in world.command("test").err


def test_no_tests_is_said(world: World) -> None:
    (world.root / "tests.yaml").unlink()
    found = world.command("test")
    assert (found.code, found.out) == (0, "")
    assert "no tests" in found.err


def test_missing_extra_names_the_pip_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ldclient", None)
    for words in (("test",), (*AGENT, "--context", PREMIUM)):
        found = world.command(*words)
        assert found.code == 1
        assert 'pip install "ldconf[agent]"' in found.err


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("generated_defaults", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_defaults_are_written_and_never_stale(world: World) -> None:
    found = world.command("defaults")
    assert found.out == "wrote ai_config_defaults.py\nwrote ai_config_defaults.json\n"
    default = imported(world.root / "ai_config_defaults.py").PET_STORE_AGENT
    assert default.enabled
    assert default.model.name == "claude-sonnet-4-5"
    assert set(default.tools) == {"get_product", "get_inventory", "get_care_advice", "get_customer"}
    data = json.loads((world.root / "ai_config_defaults.json").read_text())
    assert data["aiConfigs"]["pet-store-agent"]["variation"] == "base-config"
    again = world.command("defaults", "--check")
    assert (again.code, again.err) == (0, "")
    world.edit("temperature: 0.7", "temperature: 0.1")
    stale = world.command("defaults", "--check")
    assert stale.code == 1
    assert "ai_config_defaults.py is out of date" in stale.err
    assert default.model.get_parameter("temperature") == 0.7
    assert world.command("defaults").code == 0
    assert world.command("defaults", "--check").code == 0


def test_defaults_go_where_they_are_wanted(world: World) -> None:
    found = world.command("defaults", "--python", "app/fallback.py", "--environment", "test")
    assert found.out == "wrote app/fallback.py\n"
    assert "as test serves them" in (world.root / "app" / "fallback.py").read_text()
    assert not (world.root / "ai_config_defaults.json").exists()
    assert (
        "up to date"
        in world.command("defaults", "--python", "app/fallback.py", "--environment", "test").err
    )


def test_defaults_of_an_unknown_environment_are_a_usage_error(world: World) -> None:
    found = world.command("defaults", "--environment", "moon")
    assert (found.code, "ldconf.yaml lists test, production" in found.err) == (64, True)


def test_switched_off_environment_gives_a_disabled_default(world: World) -> None:
    world.edit(
        "        fallthrough: base-config\n",
        "        fallthrough: base-config\n        off: true\n        targets: null\n",
    )
    assert world.command("defaults").code == 0
    assert imported(world.root / "ai_config_defaults.py").PET_STORE_AGENT.enabled is False
