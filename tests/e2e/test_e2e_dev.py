"""Over HTTP: a real `ldconf dev` and commands that talk to it as to any LaunchDarkly."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ldconf.emulator.access import READ_ONLY_TOKEN
from tests.e2e.world import BASE, REPOSITORY, World, pet_store

LDCONF = Path(sys.executable).with_name("ldconf")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Run `ldconf dev` on the example workspace; give its address and the workspace."""
    root = tmp_path_factory.mktemp("dev") / "pet-store"
    shutil.copytree(REPOSITORY / "configs", root, ignore=shutil.ignore_patterns(".ldconf"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LAUNCHDARKLY_")}
    process = subprocess.Popen(
        [LDCONF, "dev", "--port", "0"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        host = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", host)
        yield host, root
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert "Traceback" not in err


@pytest.fixture
def online(server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fresh copy of the workspace that talks to the server, like a laptop to LaunchDarkly."""
    monkeypatch.setenv("LAUNCHDARKLY_API_HOST", server[0])
    monkeypatch.setenv("LAUNCHDARKLY_ACCESS_TOKEN", "api-0123456789-very-secret")
    return pet_store(tmp_path, monkeypatch)


def test_failed_change_exits_1_and_names_what_was_skipped(
    online: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHDARKLY_ACCESS_TOKEN", READ_ONLY_TOKEN)
    found = online.command("apply", "--yes")
    assert found.code == 1
    assert "failed" in found.out
    assert f"create {BASE}: skipped" in found.out
    assert "Running apply again goes on from here" in found.out


def test_everything_over_http_and_local_finds_the_server(
    online: World, server: tuple[str, Path]
) -> None:
    assert online.command("apply", "--yes", "--quiet").code == 0
    assert online.command("plan", "--detailed-exitcode").code == 0
    own = World(server[1], online.monkeypatch)
    assert own.run("plan", "--detailed-exitcode").code == 0


def test_token_is_in_no_output(online: World) -> None:
    words = (
        ("plan", "--verbose", "--out", "plan.json", "--format", "text,json,markdown"),
        ("doctor", "--verbose"),
        ("drift", "--verbose"),
        ("show", "metrics/nothing", "--verbose"),
    )
    written = [online.command(*line).both for line in words]
    written.append((online.root / "plan.json").read_text())
    assert any("GET /projects/pet-store-agent" in text for text in written)
    assert not any("very-secret" in text for text in written)


def test_doctor_knows_token_role_project_and_rate(online: World) -> None:
    found = online.command("doctor", "--format", "json")
    assert found.code == 0
    findings = {one["name"]: one for one in found.json["findings"]}
    assert findings["token"]["words"] == "local token, role owner"
    assert findings["environments"]["level"] == "ok"
    assert "global" in findings["rate limit"]["words"]


def test_doctor_fails_on_a_missing_environment(online: World) -> None:
    online.edit("[test, production]", "[test, production, moon]", "ldconf.yaml")
    found = online.command("doctor")
    assert found.code == 1
    assert "fail  environments: moon not in project pet-store-agent" in found.out


def test_project_that_does_not_exist_is_named_with_the_host(
    online: World, server: tuple[str, Path]
) -> None:
    online.edit("project: pet-store-agent", "project: nowhere", "ldconf.yaml")
    found = online.command("plan")
    assert found.code == 1
    assert "'nowhere' does not exist" in found.err
    assert f"GET {server[0]}/api/v2/projects/nowhere 404" in found.err


def test_second_server_of_one_state_is_refused(server: tuple[str, Path]) -> None:
    done = subprocess.run(
        [LDCONF, "dev", "--port", "0"], cwd=server[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "is served already" in done.stderr


def test_ctrl_c_while_applying_finishes_what_is_in_flight(world: World) -> None:
    process = subprocess.Popen(
        [LDCONF, "apply", "--local", "--yes"],
        cwd=world.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("  ok "):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert "Interrupted: " in out
    assert "skipped" in out
    assert "Traceback" not in out + err
    assert world.run("apply", "--yes", "--quiet").code == 0
    assert world.run("plan", "--detailed-exitcode").code == 0
