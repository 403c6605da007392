"""`ldconf policy` as people and pipelines use it, and the cost that plans tell."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.world import BASE, REPOSITORY, World

POLICY = """\
policy:
  models: {rule: allowedModels, models: ["Anthropic.*", OpenAI.gpt-4o-mini], message: ask first}
  heat: {rule: maxTemperature, maximum: 1, severity: warning}
  audience: {rule: maxAudienceSwitched, maximum: 25, environments: [production]}
  prompts: {rule: experimentForPrompts, environments: [production]}
"""
SCHEMA = json.loads((REPOSITORY / "docs" / "plan.schema.json").read_text(encoding="utf-8"))
PRODUCTION = "aiConfigs/pet-store-agent/targeting/production"


@pytest.fixture
def ruled(world: World) -> World:
    """The example with policies, committed and applied."""
    settings = world.root / "ldconf.yaml"
    settings.write_text(settings.read_text() + POLICY)
    world.commit("start")
    assert world.run("apply", "--yes", "--quiet").code == 0
    return world


def other_model(world: World) -> None:
    world.edit("modelConfigKey: Anthropic.claude-sonnet-4-5", "modelConfigKey: OpenAI.gpt-4o")


def consent(world: World, address: str) -> None:
    entry = f"consents:\n  - {{address: {address}, allow: [policy], because: INC-1234}}\n"
    (world.root / "consents.yaml").write_text(entry)


def test_nothing_against_an_unchanged_workspace(ruled: World) -> None:
    found = ruled.run("policy")
    assert (found.code, found.out) == (0, "4 policy rules checked: nothing against them.\n")


def test_a_workspace_without_policies(world: World) -> None:
    assert world.run("policy").out.startswith("No policies")


def test_a_violation_ends_with_exit_3_and_says_the_way_out(ruled: World) -> None:
    other_model(ruled)
    found = ruled.run("policy", "--base", "HEAD")
    assert found.code == 3
    assert "error models: ask first (model OpenAI.gpt-4o is not in the list" in found.out
    assert "pet-store-agent.yaml:" in found.out
    assert f"{{address: {BASE}, allow: [policy], because: ...}}" in found.out


def test_a_consent_in_the_same_change_lifts_it_and_is_spent_by_the_next(ruled: World) -> None:
    other_model(ruled)
    consent(ruled, BASE)
    found = ruled.run("policy", "--base", "HEAD", "--format", "json")
    assert found.code == 0
    assert [one["because"] for one in found.json["violations"]] == ["INC-1234"]
    ruled.commit("with consent")
    assert ruled.run("apply", "--yes", "--quiet").code == 0
    ruled.edit("modelConfigKey: OpenAI.gpt-4o\n", "modelConfigKey: OpenAI.gpt-5\n")
    assert ruled.run("policy", "--base", "HEAD").code == 3


def test_a_change_cannot_loosen_the_rule_that_it_runs_into(ruled: World) -> None:
    other_model(ruled)
    settings = ruled.root / "ldconf.yaml"
    settings.write_text(settings.read_text().replace('"Anthropic.*"', '"*"'))
    assert ruled.run("policy", "--base", "HEAD").code == 3
    noted = ruled.run("plan", "--base", "HEAD").out
    assert "policy.models" in noted
    assert "risk: high" in noted
    assert ruled.run("policy", "--base", "none").code == 0


def test_a_plan_file_is_checked_against_the_policies_of_its_own_base(ruled: World) -> None:
    other_model(ruled)
    (ruled.root / "ldconf.yaml").write_text(
        (REPOSITORY / "configs" / "ldconf.yaml").read_text(encoding="utf-8")
    )
    assert ruled.run("plan", "--base", "HEAD", "--format", "json=plan.json").code == 0
    found = ruled.command("policy", "plan.json")  # offline: no --local
    assert found.code == 3
    markdown = ruled.command("policy", "plan.json", "--format", "markdown").out
    assert "### Policies of `pet-store-agent`" in markdown
    assert "🛑 `models`" in markdown


def test_offline_against_a_commit(ruled: World) -> None:
    other_model(ruled)
    assert ruled.command("policy", "--against", "HEAD").code == 3


def test_annotations_on_the_lines(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other_model(ruled)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    found = ruled.run("policy", "--base", "HEAD")
    assert "::error file=pet-store-agent.yaml,line=" in found.err
    assert "title=policy models" in found.err


def test_sample_contexts_count_for_the_audience(ruled: World) -> None:
    lines = [json.dumps({"kind": "user", "key": f"u{n}"}) for n in range(4)]
    (ruled.root / "contexts.jsonl").write_text("\n".join(lines))
    ruled.edit("fallthrough: base-config", "fallthrough: model-variant-2")
    found = ruled.run("policy", "--format", "json").json["violations"]
    assert [(one["id"], one["address"]) for one in found] == [("audience", PRODUCTION)]
    assert found[0]["message"].startswith("100 % of the audience")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("policy", "none.json"), 64),
        (("policy", "ldconf.yaml"), 1),
        (("policy", "ldconf.yaml", "--against", "HEAD"), 64),
        (("policy", "--format", "picture"), 64),
    ],
)
def test_wrong_use(ruled: World, words: tuple[str, ...], code: int) -> None:
    assert ruled.command(*words).code == code


def test_the_plan_of_another_project_is_refused(ruled: World) -> None:
    ruled.run("plan", "--format", "json=plan.json")
    path = ruled.root / "plan.json"
    path.write_text(path.read_text().replace('"project": "pet-store-agent"', '"project": "x"'))
    assert ruled.command("policy", "plan.json").code == 64


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{rule: noDirectRollout}", "needs `environments`"),
        ("{rule: required}", "needs `tags` or `maintainer: true`"),
        ("{rule: maxTemperature, maximum: 1, tags: [x]}", "takes no `tags`"),
        ("{rule: noDirectRollout, environments: [prod]}", "`prod` is not listed"),
        ("{rule: allowedModel, models: [x]}", "did you mean `allowedModels`"),
        ("{rule: maxTemperature, maximum: -1}", "-1"),
    ],
)
def test_policies_that_would_check_nothing_do_not_load(
    world: World, entry: str, words: str
) -> None:
    settings = world.root / "ldconf.yaml"
    settings.write_text(settings.read_text() + f"policy:\n  mine: {entry}\n")
    found = world.command("validate")
    assert found.code == 1
    assert words in found.both


def test_every_plan_fits_the_published_schema(ruled: World) -> None:
    other_model(ruled)
    consent(ruled, BASE)
    for options in (("--base", "HEAD"), ("--redact-text",), ("--against", "HEAD")):
        jsonschema.validate(ruled.run("plan", "--format", "json", *options).json, SCHEMA)
    jsonschema.validate(ruled.run("drift", "--format", "json").json, SCHEMA)


def costs(world: World, *options: str) -> dict[str, str]:
    rows = [
        row
        for group in world.run("plan", "--format", "json", *options).json["groups"]
        for row in group["rows"]
    ]
    return {row["address"].rpartition("/")[2]: row["cost"] for row in rows if row["cost"]}


def test_a_prompt_goes_to_production_by_way_of_an_experiment(ruled: World) -> None:
    experiment = "experiments.yaml"

    def violated() -> list[tuple[str, str]]:
        plan = ruled.run("plan", "--base", "HEAD", "--format", "json=plan.json")
        assert plan.code == 0, plan.both
        jsonschema.validate(json.loads((ruled.root / "plan.json").read_text()), SCHEMA)
        found = ruled.command("policy", "plan.json", "--format", "json").json["violations"]
        return [(one["id"], one["address"]) for one in found]

    key = "        modelConfigKey: OpenAI.gpt-4o-mini\n"
    ruled.edit(key, f"{key}        instructions: Be brief.\n")
    ruled.edit(
        "base-config: 50, model-variant-2: 50", "base-config: 80, model-variant-2: 20", experiment
    )
    ruled.edit("status: draft", "status: running", experiment)
    assert violated() == []
    ruled.edit(
        "base-config: 80, model-variant-2: 20", "base-config: 70, model-variant-2: 30", experiment
    )
    assert violated() == [("audience", "experiments/pet-store-agent-model-performance")]
    ruled.commit("run")
    assert ruled.run("apply", "--yes", "--quiet").code == 0
    words = ("--winner", "model-variant-2", "--reason", "better")
    shipped = ruled.run("experiment", "ship", "pet-store-agent-model-performance", *words)
    assert shipped.code == 0, shipped.both
    assert violated() == [("audience", PRODUCTION)]  # its prompt was compared


def test_a_model_change_says_what_requests_cost_before_and_after(ruled: World) -> None:
    other_model(ruled)
    found = costs(ruled)["base-config"]
    assert found["before"] == {"model": "Anthropic.claude-sonnet-4-5", "perThousand": 10.5}
    assert found["after"] == {"model": "OpenAI.gpt-4o", "perThousand": 7.75}
    assert found["percent"] == -26.2
    assert found["tokens"]["source"] == "assumed"
    text = ruled.run("plan").out
    assert "1,000 requests cost: $10.50 → $7.75 (-26.2 %), 1,500 input and 400 output" in text


def test_who_is_served_costs_the_mean_of_the_arms(ruled: World) -> None:
    ruled.edit("fallthrough: base-config", "fallthrough: model-variant-2")
    found = costs(ruled)["production"]
    assert (found["before"]["perThousand"], found["after"]["perThousand"]) == (10.5, 0.465)
    ruled.edit("{base-config: 50, model-variant-2: rest}", "{base-config: 10, disabled: rest}")
    assert costs(ruled)["test"]["after"]["perThousand"] == pytest.approx(1.05)


def test_prices_of_our_own_models(ruled: World) -> None:
    path = ruled.root / "models.yaml"
    path.write_text("modelConfigs:\n  Custom.a: {id: a, costPerInputToken: 0.000001}\n")
    ruled.edit("modelConfigKey: Anthropic.claude-sonnet-4-5", "modelConfigKey: Custom.a")
    assert costs(ruled)["base-config"]["after"]["perThousand"] is None
    path.write_text(path.read_text().replace("}", ", costPerOutputToken: 0.000002}"))
    assert costs(ruled)["base-config"]["after"]["perThousand"] == pytest.approx(2.3)
    assert ruled.run("apply", "--yes", "--quiet").code == 0
    path.write_text(path.read_text().replace("0.000002", "0.000004"))
    assert costs(ruled)["Custom.a"]["percent"] == 34.8


def test_another_temperature_costs_nothing(ruled: World) -> None:
    ruled.edit("temperature: 0.7", "temperature: 0.8")
    assert costs(ruled) == {}


def test_offline_prices_are_unknown_and_said_to_be(ruled: World) -> None:
    other_model(ruled)
    found = ruled.command("plan", "--against", "HEAD").out
    assert "unknown, no price of OpenAI.gpt-4o" in found


def test_costs_are_outside_of_the_digest_and_plans_are_the_same_bytes(
    ruled: World, tmp_path: Path
) -> None:
    other_model(ruled)
    drawn = [
        ruled.run("plan", "--format", "json", *more).out for more in ((), (), ("--no-context",))
    ]
    assert drawn[0] == drawn[1] == drawn[2]
