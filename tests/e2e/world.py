"""A workspace in a temporary folder with its local LaunchDarkly, driven by the real commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from ldconf.api.client import Client
from ldconf.cli.main import app
from ldconf.core.kind import Request
from ldconf.emulator.serve import open_local

REPOSITORY = Path(__file__).parents[2]
PROJECT = "pet-store-agent"
BASE = "aiConfigs/pet-store-agent/variations/base-config"
TEST = "aiConfigs/pet-store-agent/targeting/test"
VARIATION = f"/projects/{PROJECT}/ai-configs/pet-store-agent/variations/base-config"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def both(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class World:
    """`run` runs a command in the workspace with `--local`; `rest` edits like the UI does."""

    root: Path
    monkeypatch: pytest.MonkeyPatch

    def command(self, *words: str, input: str | None = None) -> Result:
        self.monkeypatch.chdir(self.root)
        found = CliRunner().invoke(app, list(words), prog_name="ldconf", input=input)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Result(found.exit_code, found.stdout, found.stderr)

    def run(self, *words: str) -> Result:
        return self.command(*words, "--local")

    def rest(self, method: str, path: str, body: Any = None, **named: Any) -> Any:
        async def send() -> Any:
            state = self.root / ".ldconf" / "local" / PROJECT
            with open_local(state, PROJECT, ("test", "production")) as access:
                token = SecretStr(access.token)
                async with Client(access.host, token, app=access.app) as client:
                    return await client.send(Request(method, path, body, **named))

        return anyio.run(send)

    def edit(self, old: str, new: str, file: str = "pet-store-agent.yaml") -> None:
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", *identity, *words]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        if not (self.root / ".git").exists():
            self.git("init", "-q", "-b", "main")
            (self.root / ".gitignore").write_text(".ldconf/\n")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def hot_fix(self, temperature: float = 0.2) -> None:
        """Change the temperature of the base variation in LaunchDarkly."""
        model = {
            "modelName": "claude-sonnet-4-5",
            "parameters": {"temperature": temperature, "max_tokens": 4096},
            "custom": {"max_search_results": 5},
        }
        self.rest("PATCH", VARIATION, {"model": model})


def pet_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world with a copy of the example workspace."""
    ignore = shutil.ignore_patterns(".ldconf")
    shutil.copytree(REPOSITORY / "configs", folder / "pet-store", ignore=ignore)
    return World(folder / "pet-store", monkeypatch)
