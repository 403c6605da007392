"""The documentation is run: every command in a `console` block, page by page, in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ldconf.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"(?P<before>[^\n]*)\n```console\n(?P<body>.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")
NOT_RUN = "<!-- not run: "


@dataclass(frozen=True)
class Block:
    page: str
    commands: tuple[str, ...]
    runs: bool


def blocks(page: Path) -> Iterator[Block]:
    for found in BLOCK.finditer("\n" + page.read_text(encoding="utf-8")):
        lines = [line[2:] for line in found["body"].splitlines() if line.startswith("$ ")]
        assert lines, f"{page.name}: a console block without a command"
        commands = tuple(re.sub(r"\s+#.*", "", line) for line in lines)
        yield Block(page.name, commands, not found["before"].startswith(NOT_RUN))


@pytest.fixture(autouse=True)
def no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands see neither this machine's account nor its continuous integration."""
    for name in list(os.environ):
        if name.startswith(("LAUNCHDARKLY_", "GITHUB_")):
            monkeypatch.delenv(name)


def run(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run one command and return the folder in which the next one runs.

    `ldconf` runs in this process: what its own process adds is tested by the demo and the wheel.
    """
    words = shlex.split(command)
    if words[0] == "cd":
        return folder / words[1]
    if words[0] == "ldconf":
        monkeypatch.chdir(folder)
        found = CliRunner().invoke(app, words[1:], prog_name="ldconf")
        assert found.exit_code == 0, f"$ {command}\n{found.output}{found.exception!r}"
        return folder
    if words[0] == "make":  # run by other tests, or by whoever runs this one
        words, folder_of_command = ["make", "--dry-run", *words[1:]], ROOT
    else:
        assert words[0] == "git", f"not a command of the documentation: {command}"
        folder_of_command = folder
    done = subprocess.run(words, cwd=folder_of_command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return folder


@pytest.mark.no_cover  # what these run is covered elsewhere
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path
    for block in blocks(page):
        for command in block.commands if block.runs else ():
            folder = run(command, folder, monkeypatch)
    assert folder.exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [page.parent / found[1] for found in LINK.finditer(page.read_text("utf-8"))]
    assert [str(target) for target in targets if not target.exists()] == []


def test_start_of_the_readme_is_two_make_commands() -> None:
    first = next(blocks(ROOT / "README.md"))
    assert first.commands == ("make demo", "make test")


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
