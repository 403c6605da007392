"""Commands that write files: init, pull, promote; and the whole loop of the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.world import BASE, PROJECT, TEST, World


def test_the_whole_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """init, validate, plan, apply, plan, hot fix, drift, pull, plan."""
    (tmp_path / "shop").mkdir()
    world = World(tmp_path / "shop", monkeypatch)
    assert world.command("init").code == 0
    assert world.command("validate").code == 0
    assert world.command("fmt", "--check").code == 0
    world.commit("start")
    assert world.run("plan", "--detailed-exitcode").code == 2
    assert world.run("apply", "--yes").code == 0
    assert world.run("plan", "--detailed-exitcode").code == 0
    world.hot_fix()
    assert world.run("drift", "--base", "HEAD", "--detailed-exitcode").code == 4
    pulled = world.run("pull", "--base", "HEAD", "--drift")
    assert pulled.code == 0
    assert "wrote pet-store-agent.yaml" in pulled.out
    assert "temperature: 0.2" in (world.root / "pet-store-agent.yaml").read_text()
    assert world.command("validate").code == 0
    world.commit("take in the hot fix")
    after = world.run("plan", "--base", "HEAD~1", "--detailed-exitcode")
    assert after.code == 0, after.out
    assert world.run("drift", "--base", "HEAD", "--detailed-exitcode").code == 0


def test_init_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch)
    (tmp_path / "ldconf.yaml").write_text("project: mine\nenvironments: [test]\n")
    assert world.command("init").code in (0, 1)
    assert (tmp_path / "ldconf.yaml").read_text().startswith("project: mine")


def test_init_into_a_new_folder_for_another_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, monkeypatch)
    assert world.command("init", "prompts", "--project", "support-bots").code == 0
    assert "project: support-bots" in (tmp_path / "prompts" / "ldconf.yaml").read_text()
    assert world.command("validate", "--workspace", "prompts").code == 0


def test_pull_by_address_needs_no_base(applied: World) -> None:
    applied.hot_fix()
    found = applied.run("pull", BASE)
    assert found.out == "wrote pet-store-agent.yaml\n"
    assert applied.run("plan", "--detailed-exitcode").code == 0


def test_pull_keeps_what_is_not_pulled(applied: World) -> None:
    """The child variation inherited the temperature and keeps its old value."""
    applied.hot_fix()
    applied.run("pull", BASE)
    child = applied.run("show", BASE.replace("base-config", "model-variant-2"), "--format", "json")
    assert child.json["files"]["model"]["parameters"]["temperature"] == 0.7


def test_pull_of_nothing_new(applied: World) -> None:
    found = applied.run("pull", TEST)
    assert (found.code, found.out) == (0, "")
    assert "Nothing to take over" in found.err


def test_pull_drift_without_base_is_a_usage_error(applied: World) -> None:
    found = applied.run("pull", "--drift")
    assert found.code == 64
    assert "--base REF" in found.err


def test_promote_copies_targeting_in_the_files(applied: World) -> None:
    applied.edit("fallthrough: base-config", "fallthrough: model-variant-2")
    found = applied.command("promote", "pet-store-agent", "--from", "test", "--to", "production")
    assert (found.code, found.out) == (0, "wrote pet-store-agent.yaml\n")
    plan = applied.run("plan", "--format", "json").json
    (row,) = plan["groups"][0]["rows"]
    assert row["address"] == f"aiConfigs/{PROJECT}/targeting/production"
    assert row["fields"][0]["after"]["rollout"] == {"base-config": 50, "model-variant-2": 50}


def test_promote_of_what_is_not_there(applied: World) -> None:
    found = applied.command("promote", "nobody", "--from", "test", "--to", "production")
    assert found.code in (1, 64)
    assert "nobody" in found.err
