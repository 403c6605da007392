"""What only happens on a terminal: questions, colours, consents on the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.e2e.world import TEST, World

LDCONF = Path(sys.executable).with_name("ldconf")


def on_terminal(world: World, *words: str, types: str = "") -> tuple[int, str]:
    """Run a command on a pseudo-terminal; type `types` once it asks. Returns (code, all output)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [LDCONF, *words],
        cwd=world.root,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    killer = threading.Timer(60, process.kill)
    killer.start()
    said = b""
    try:
        while piece := _read(ours):
            said += piece
            if types and said.rstrip().endswith(b"is a yes:"):
                os.write(ours, types.encode())
                types = ""
    finally:
        killer.cancel()
        os.close(ours)
    return process.wait(timeout=10), said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other side is closed
        return b""


def test_yes_applies(world: World) -> None:
    code, said = on_terminal(world, "apply", "--local", types="yes\n")
    assert code == 0, said
    assert "Applied: 15 changes done." in said
    assert "\x1b[32m" in said
    assert world.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("answer", ["y\n", "no\n", "\n"])
def test_anything_else_applies_nothing(world: World, answer: str) -> None:
    code, said = on_terminal(world, "apply", "--local", types=answer)
    assert code == 1
    assert "Nothing was applied." in said
    assert world.run("plan", "--format", "json").json["summary"]["counts"]["create"] == 15


def test_digest_is_stale_once_the_same_field_moved(applied: World) -> None:
    applied.edit("temperature: 0.7", "temperature: 0.3")
    before = applied.run("plan", "--format", "json").json["digest"]
    applied.hot_fix(0.1)
    assert applied.run("plan", "--format", "json").json["digest"] != before
    assert applied.run("apply", "--reviewed", before).code == 3


def test_allow_lifts_a_guard_with_its_reason(applied: World) -> None:
    applied.edit("guards:", f"guards:\n  protect: [{TEST}]", "ldconf.yaml")
    base = applied.commit("protect")
    applied.edit("model-variant-2: rest", "model-variant-2: 10, disabled: rest")
    words = ("apply", "--local", "--yes", "--base", base, "--allow", TEST)
    refused, said = on_terminal(applied, *words)
    assert (refused, "--because" in said) == (64, True)
    code, said = on_terminal(applied, *words, "--because", "INC-1234")
    assert code == 0, said
    assert "INC-1234" in said


def test_allow_without_a_terminal_is_a_usage_error(applied: World) -> None:
    words = ("apply", "--yes", "--allow", TEST, "--because", "x")
    found = applied.run(*words)
    assert found.code == 64
    assert "only works on a terminal" in found.err
