"""Workflows, action and hooks: pinned, few permissions, no finding of the linters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ldconf.cli.main import app

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "ldconf" / "action.yml"
PAGE = ROOT / "docs" / "adopt-in-ten-minutes.md"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
USES = re.compile(r"^\s*(?:- )?uses: (\S+)", re.MULTILINE)


def tool(name: str) -> str:
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        pytest.skip(f"{name} is not installed")
    return str(path)


def run(*words: str, cwd: Path = ROOT) -> None:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def adopter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of somebody who copied the workflow of the documentation."""
    root = tmp_path_factory.mktemp("adopter")
    folder = root / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name, file in (("ldconf", "ldconf.yml"), ("ldconf experiments", "experiments.yml")):
        whole = PAGE.read_text("utf-8")
        block = re.search(rf"```yaml\n(name: {name}\n.*?)```", whole, re.DOTALL)
        assert block
        text = block[1].replace("OWNER", "acme").replace("COMMIT", COMMIT)
        (folder / file).write_text(text, "utf-8")
    return root


def copies(adopter: Path) -> list[str]:
    return sorted(map(str, (adopter / ".github" / "workflows").glob("*.yml")))


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_or_are_our_own(path: Path) -> None:
    found = USES.findall(path.read_text("utf-8"))
    loose = [one for one in found if not re.search(r"^\$/|@[0-9a-f]{40}$", one)]
    assert loose == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_runs_a_forks_files_with_secrets(path: Path) -> None:
    whole = yaml.safe_load(path.read_text("utf-8"))
    triggers = whole[True]  # YAML 1.1 reads `on` so
    assert not {"pull_request_target", "workflow_run"} & set(triggers)
    assert whole["permissions"] in ({}, {"contents": "read"})
    assert all("timeout-minutes" in job for job in whole["jobs"].values())


def test_zizmor_finds_nothing(adopter: Path) -> None:
    run(tool("zizmor"), "--offline", "--no-progress", ".github")
    run(tool("zizmor"), "--offline", "--no-progress", ".", cwd=adopter)


def test_actionlint_finds_nothing(adopter: Path) -> None:
    run(tool("actionlint"), *map(str, WORKFLOWS))
    run(tool("actionlint"), *copies(adopter), cwd=adopter)


def test_github_schemas_find_nothing(adopter: Path) -> None:
    check = tool("check-jsonschema")
    schema = ("--builtin-schema", "vendor.github-workflows")
    run(check, *schema, *map(str, WORKFLOWS), *copies(adopter))
    run(check, "--builtin-schema", "vendor.github-actions", str(ACTION))
    dependabot = str(ROOT / ".github" / "dependabot.yml")
    run(check, "--builtin-schema", "vendor.dependabot", dependabot)


def test_a_linter_would_find_something(adopter: Path, tmp_path: Path) -> None:
    bad = (adopter / ".github" / "workflows" / "ldconf.yml").read_text("utf-8")
    path = tmp_path / "bad.yml"
    path.write_text(bad.replace("pull_request:", "pull_request_target:", 1), "utf-8")
    with pytest.raises(AssertionError):
        run(tool("zizmor"), "--offline", str(path))


def pinned(path: Path) -> dict[str, str]:
    """Return package -> version of a lock file. Every one has a hash, as pip demands."""
    found = {}
    for block in re.split(r"\n(?=\S)", path.read_text("utf-8")):
        name, version = re.match(r"([\w.-]+)==(\S+)", block).groups()  # type: ignore[union-attr]
        assert "--hash=sha256:" in block, name
        found[name] = version
    return found


def test_what_the_action_installs_is_locked_as_it_was_tested() -> None:
    tested = (ROOT / "requirements" / "test.lock").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for path in sorted((ROOT / "requirements").glob("action-*.lock")):
        found = pinned(path)
        wanted = extras.get(path.stem.removeprefix("action-"), ["hatchling"])
        names = {
            re.split(r"[<>=\[]", one)[0].lower() for one in (*project["dependencies"], *wanted)
        }
        assert {name.replace("_", "-") for name in names} <= found.keys(), path.name
        for name, version in found.items():
            assert f"\n{name}=={version} " in tested, f"{path.name}: {name}; run `make lock`"


@pytest.mark.parametrize(
    ("given", "extras"),
    [
        ({}, ["core"]),
        ({"LOCAL": "true"}, ["core", "dev"]),
        ({"COMMAND": "experiments", "LOCAL": "true"}, ["core", "dev", "stats"]),
        ({"TOKEN": "aws-secretsmanager:reader"}, ["core", "aws"]),
        ({"WORKSPACE": "sampled"}, ["core", "agent"]),
    ],
)
def test_the_action_installs_what_a_run_needs_and_nothing_without_a_hash(
    tmp_path: Path, given: dict[str, str], extras: list[str]
) -> None:
    (tmp_path / "sampled").mkdir()
    (tmp_path / "sampled" / "contexts.jsonl").touch()
    log, python = tmp_path / "log", tmp_path / "ldconf" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    python.chmod(0o755)
    (step,) = (
        one
        for one in yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
        if one.get("id") == "install"
    )
    env = dict.fromkeys(step["env"], "") | {"COMMAND": "plan", "WORKSPACE": "configs"} | given
    env |= {"PYTHON": str(python), "RUNNER_TEMP": str(tmp_path), "PATH": os.environ["PATH"]}
    env["GITHUB_ACTION_PATH"] = str(ACTION.parent)
    script = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"])
    done = subprocess.run(
        script, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    venv, locked, own = log.read_text().splitlines()
    assert venv.startswith("-m venv ")
    assert "--require-hashes" in locked.split()
    paths = [Path(word) for word in locked.split() if word.endswith(".lock")]
    assert [path.stem.removeprefix("action-") for path in paths] == extras
    assert all(path.exists() for path in paths)
    assert {"--no-deps", "--no-build-isolation"} <= set(own.split())


def test_copied_workflow_gives_what_the_reusable_ones_take(adopter: Path) -> None:
    jobs = [
        job
        for path in copies(adopter)
        for job in yaml.safe_load(Path(path).read_text("utf-8"))["jobs"].values()
        if "uses" in job
    ]
    assert len(jobs) == 5
    for job in jobs:
        name = re.search(r"workflows/([\w-]+\.yml)@", job["uses"])
        assert name
        called = yaml.safe_load((ROOT / ".github" / "workflows" / name[1]).read_text("utf-8"))
        takes = called[True]["workflow_call"]
        needed = {key for key, one in takes["inputs"].items() if one.get("required")}
        assert needed <= job.get("with", {}).keys() <= takes["inputs"].keys()
        assert job["secrets"].keys() == takes["secrets"].keys()
        (inner,) = called["jobs"].values()
        assert inner["permissions"] == job["permissions"]


def test_hooks_are_commands() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [hook["id"] for hook in hooks] == ["ldconf-validate", "ldconf-fmt", "ldconf-test"]
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert program == "ldconf"
        assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0
