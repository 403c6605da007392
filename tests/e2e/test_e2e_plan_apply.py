from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.world import BASE, REPOSITORY, TEST, VARIATION, World


def test_apply_then_plan_has_no_changes(world: World) -> None:
    first = world.run("plan", "--detailed-exitcode")
    assert first.code == 2
    assert "15 to create; risk: medium" in first.out
    done = world.run("apply", "--yes")
    assert done.code == 0
    assert "Applied: 15 changes done." in done.out
    again = world.run("plan", "--detailed-exitcode")
    assert (again.code, again.out.splitlines()[-1]) == (0, "No changes. 15 unchanged.")


def test_plan_is_pure(world: World) -> None:
    assert world.run("plan", "--format", "json").out == world.run("plan", "--format", "json").out


def test_apply_without_terminal_needs_a_way(world: World) -> None:
    found = world.run("apply")
    assert found.code == 64
    assert "--yes" in found.err


def test_plan_file_is_applied_without_asking(world: World) -> None:
    assert world.run("plan", "--out", "plan.json", "--quiet").code == 0
    assert world.run("apply", "plan.json").code == 0


def test_digest_is_applied_without_asking(world: World) -> None:
    digest = world.run("plan", "--format", "json").json["digest"]
    assert world.run("apply", "--reviewed", digest).code == 0


def test_change_that_was_not_reviewed_is_refused_before_any_write(world: World) -> None:
    world.run("plan", "--out", "plan.json")
    world.edit("temperature: 0.7", "temperature: 0.9")
    found = world.run("apply", "plan.json")
    assert found.code == 3
    assert BASE in found.err
    assert world.run("plan", "--format", "json").json["summary"]["counts"]["create"] == 15


def test_wrong_plan_file_is_named(world: World) -> None:
    (world.root / "x.json").write_text("{}")
    assert world.run("apply", "x.json").code == 1
    missing = world.run("apply", "nothing.json")
    assert missing.code == 64
    assert "nothing.json" in missing.err


def test_target_leaves_other_changes_out_and_counts_them(world: World) -> None:
    found = world.run("plan", "--target", "tools/*", "--format", "json").json
    assert [group["title"] for group in found["groups"]] == ["Tools"]
    assert found["summary"]["counts"]["leftOut"] == 11


def test_target_that_needs_something_else_names_it(world: World) -> None:
    found = world.run("plan", "--target", BASE)
    assert found.code == 1
    assert "--target tools/get_product" in found.err


def test_several_formats_go_to_files_and_stdout(world: World) -> None:
    found = world.run("plan", "--format", "text,json=plan.json", "--format", "markdown=plan.md")
    assert found.out.startswith("Plan for pet-store-agent")
    assert json.loads((world.root / "plan.json").read_text())["kind"] == "plan"
    assert (world.root / "plan.md").read_text().startswith("<!-- ldconf plan")


def test_redacted_plan_holds_no_prompt_anywhere(world: World) -> None:
    found = world.run("plan", "--redact-text", "--out", "p.json", "--format", "text,json,markdown")
    prompt = "You answer one customer at a time"
    assert prompt not in found.both
    assert prompt not in (world.root / "p.json").read_text()
    assert world.run("apply", "p.json").code == 0


def test_show_requests(world: World) -> None:
    found = world.run("plan", "--show-requests", "--target", "tools/get_product")
    assert "POST /projects/pet-store-agent/ai-tools {" in found.out


def test_edit_in_the_files_is_shown_with_where_it_takes_effect(applied: World) -> None:
    applied.edit("temperature: 0.7", "temperature: 0.3")
    found = applied.run("plan", "--base", "HEAD")
    assert "takes effect in: test 50 % and by rules, production 100 %" in found.out
    assert "model.parameters.temperature: 0.7 → 0.3" in found.out
    assert f"inherited from {BASE}" in found.out


def test_only_what_comes_from_the_parent_is_said_to_be_inherited(applied: World) -> None:
    child = "        modelConfigKey: OpenAI.gpt-4o-mini\n"
    own = "        model: {parameters: {temperature: 0.9}}\n"
    applied.edit("temperature: 0.7, max_tokens: 4096", "temperature: 0.2, max_tokens: 512")
    applied.edit(child, child + own)
    lines = applied.run("plan").out.partition("variation model-variant-2")[2].splitlines()
    told = dict(line.strip().split(": ", 1) for line in lines if "model.parameters" in line)
    assert told == {
        "model.parameters.temperature": "0.7 → 0.9",
        "model.parameters.max_tokens": f"4096 → 512 (inherited from {BASE})",
    }
    rows = applied.run("plan", "--format", "json").json["groups"][0]["rows"]
    (field,) = next(row for row in rows if row["address"].endswith("model-variant-2"))["fields"]
    assert (field["inherited"], field["own"]) == (BASE, ["model.parameters.temperature"])
    markdown = applied.run("plan", "--format", "markdown").out
    assert "| `model.parameters.temperature` | `0.7` | `0.9` |" in markdown
    assert f"| `model.parameters.max_tokens` (inherited from {BASE}) |" in markdown


def test_the_name_of_a_model_follows_the_model_of_the_same_variation(applied: World) -> None:
    applied.edit("modelConfigKey: OpenAI.gpt-4o-mini", "modelConfigKey: OpenAI.gpt-4o")
    found = applied.run("plan")
    assert 'model.modelName: "gpt-4o-mini" → "gpt-4o"\n' in found.out
    assert "inherited" not in found.out


def test_refused_change_exits_3_in_plan_and_apply(applied: World) -> None:
    applied.edit("guards:", f"guards:\n  protect: [{TEST}]", "ldconf.yaml")
    base = applied.commit("protect")
    applied.edit("model-variant-2: rest", "model-variant-2: 10, disabled: rest")
    found = applied.run("plan", "--base", base)
    assert found.code == 3
    assert "protected" in found.out
    assert applied.run("apply", "--base", base, "--yes").code == 3


def test_offline_plan_against_a_commit(world: World) -> None:
    world.commit()
    world.edit("temperature: 0.7", "temperature: 0.3")
    found = world.command("plan", "--against", "HEAD", "--detailed-exitcode")
    assert found.code == 2
    assert "model.parameters.temperature: 0.7 → 0.3" in found.out
    assert "not with LaunchDarkly" in found.out
    assert "digest" not in found.out


def test_offline_plan_of_the_same_files_is_empty(world: World) -> None:
    world.commit()
    found = world.command("plan", "--against", "HEAD", "--detailed-exitcode")
    assert found.code == 0, found.out


def test_sample_contexts_without_the_sdk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.root / "contexts.jsonl").write_text('{"kind": "user", "key": "u1"}\n')
    monkeypatch.setattr("ldconf.workflow.samples.find_spec", lambda _: None)
    found = world.run("plan")
    assert found.code == 1
    assert "pip install 'ldconf[agent]'" in found.err
    assert "sample contexts: not evaluated" in world.run("plan", "--no-samples").out


def samples(world: World, *contexts: str) -> None:
    (world.root / "contexts.jsonl").write_text("".join(f"{one}\n" for one in contexts))


def test_share_of_sample_contexts_that_would_switch(applied: World) -> None:
    samples(applied, *(f'{{"key": "u{n}", "subscription_status": "premium"}}' for n in range(40)))
    assert "sample contexts" not in applied.run("plan").out
    applied.edit("serve: base-config", "serve: model-variant-2")
    said = applied.run("plan").out
    moves = "100 % of 40 would switch (base-config → model-variant-2: 40)"
    assert f"sample contexts: pet-store-agent in test: {moves}" in said
    assert f"sample contexts: pet-store-agent in production: {moves}" in said
    digest = applied.run("plan", "--format", "json").json["digest"]
    without = applied.run("plan", "--no-samples", "--format", "json").json["digest"]
    assert digest == without


def test_sample_contexts_of_a_rollout_move_by_its_change_only(applied: World) -> None:
    samples(applied, *(f'{{"key": "u{n}"}}' for n in range(400)))
    applied.edit("base-config: 50", "base-config: 60")
    found = re.search(
        r"in test: ([0-9.]+) % of 400 would switch \(model-variant-2 → base-config: (\d+)\)",
        applied.run("plan").out,
    )
    assert found is not None
    assert 5 < float(found[1]) < 16


def test_sample_contexts_offline_and_before_anything_exists(world: World) -> None:
    samples(world, '{"key": "u1", "subscription_status": "premium"}')
    world.commit()
    world.edit("serve: base-config", "serve: model-variant-2")
    said = world.command("plan", "--against", "HEAD").out
    assert "100 % of 1 would switch (base-config → model-variant-2: 1)" in said
    assert "(disabled → model-variant-2: 1)" in world.run("plan").out


def test_sample_contexts_of_others_stay_where_they_are(applied: World) -> None:
    samples(applied, '{"key": "u1"}')
    applied.edit("values: [premium]", "values: [premium, gold]")
    assert "pet-store-agent in test: none of 1 would switch" in applied.run("plan").out


def test_a_start_moves_sample_contexts_by_its_allocation(applied: World) -> None:
    def told(*words: str) -> tuple[str, dict[tuple[str, str], int]]:
        found = applied.run("plan", "--format", "json", *words).json
        (row,) = found["samples"]
        (line,) = (one for one in found["remarks"] if "would switch" in one)
        assert any("LaunchDarkly's seed decides" in one for one in found["remarks"])
        return line, {(one["before"], one["after"]): one["count"] for one in row["moves"]}

    path, targeting = applied.root / "experiments.yaml", applied.root / "pet-store-agent.yaml"
    contexts = "".join(f'{{"kind": "user", "key": "u{n}"}}\n' for n in range(200))
    premium = '{"kind": "user", "key": "p", "subscription_status": "premium"}\n'
    (applied.root / "contexts.jsonl").write_text(contexts + premium)
    path.write_text(path.read_text().replace("status: draft", "status: running"))
    line, moves = told()
    ((sides, started),) = moves.items()
    assert sides == ("base-config", "model-variant-2")
    assert 70 < started < 130
    assert "pet-store-agent in production" in line
    assert applied.run("apply", "--yes", "--quiet").code == 0

    ended = "status: stopped\n    winner: model-variant-2\n    reason: better"
    path.write_text(path.read_text().replace("status: running", ended))
    served = "        fallthrough: base-config\n"
    targeting.write_text(targeting.read_text().replace(served, served.replace("base", "x")))
    targeting.write_text(targeting.read_text().replace("x-config", "model-variant-2"))
    _, moves = told()  # half of them had the winner already
    assert moves == {("base-config", "model-variant-2"): 200 - started}


def test_segment_that_changes_moves_sample_contexts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignore = shutil.ignore_patterns(".ldconf")
    shutil.copytree(REPOSITORY / "examples" / "multi-agent", tmp_path / "desk", ignore=ignore)
    desk = World(tmp_path / "desk", monkeypatch)
    assert desk.run("apply", "--yes", "--quiet").code == 0
    samples(desk, '{"key": "u1", "country": "DE"}', '{"key": "u2", "country": "US"}')
    desk.edit("DE, ES", "ES", "segments.yaml")
    said = desk.run("plan").out
    assert "security-agent in test: 50 % of 2 would switch (strict → basic: 1)" in said
    assert "security-agent in production: 50 % of 2" in said
    assert "support-agent in test: none of 2 would switch" in said


def test_bad_sample_context_is_an_error_with_its_file(applied: World) -> None:
    applied.edit("values: [premium]", "values: [gold]")
    for line, words in (('{"key": ""}', "contexts.jsonl: not a context"), ("{", ":1: not JSON")):
        samples(applied, line)
        found = applied.run("plan")
        assert found.code == 1
        assert words in found.err


def test_plan_in_github_actions_leaves_summary_outputs_and_annotations(
    applied: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied.hot_fix()
    applied.edit("temperature: 0.7", "temperature: 0.3")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(applied.root / "summary.md"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(applied.root / "outputs"))
    found = applied.run("plan", "--base", "HEAD")
    assert found.code == 3
    assert "::error file=pet-store-agent.yaml,line=" in found.err
    assert "### Plan for `pet-store-agent`" in (applied.root / "summary.md").read_text()
    assert "conflicts<<" in (applied.root / "outputs").read_text()


def test_audit_log_carries_commit_and_reason(applied: World) -> None:
    applied.edit("name: Base config", "name: Basis")
    commit = applied.commit("Rename the base")
    assert applied.run("apply", "--yes").code == 0
    versions = applied.rest("GET", VARIATION)["items"]
    newest = max(versions, key=lambda row: row["version"])
    assert commit[:7] in newest["comment"]


def test_environment_with_approvals_exits_5_until_somebody_approves(applied: World) -> None:
    body = {"environmentKey": "production", "resourceKind": "aiconfig", "required": True}
    settings = "/approval-requests/projects/pet-store-agent/settings"
    applied.rest("PATCH", settings, body, beta=True)
    applied.edit("fallthrough: base-config", "fallthrough: model-variant-2")
    plan = applied.run("plan", "--detailed-exitcode")
    assert plan.code == 2
    assert "needs an approval in LaunchDarkly; apply opens the request" in plan.out
    first = applied.run("apply", "--yes")
    assert first.code == 5
    assert "waiting for approval" in first.out
    again = applied.run("apply", "--yes")
    assert again.code == 5
    assert "is pending" in again.out
