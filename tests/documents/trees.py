"""Workspaces for tests: in memory, in a folder, in a git repository."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from ldconf.core.workspace import Workspace
from ldconf.documents.load import load
from ldconf.documents.tree import Unreadable

SETTINGS = "project: pet-store\nenvironments: [test, production]\n"


class Memory:
    """A tree of texts."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.files = {"ldconf.yaml": SETTINGS, **files}

    def paths(self) -> Sequence[str]:
        return sorted(path for path in self.files if not path.startswith("../"))

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise Unreadable(path, "does not exist")
        content = self.files[path]
        return content if isinstance(content, bytes) else textwrap.dedent(content).encode()


def workspace(files: Mapping[str, str | bytes] | str) -> Workspace:
    """Return the workspace of these files (a text is `a.yaml`); fails on any diagnostic."""
    loaded = load(Memory({"a.yaml": files} if isinstance(files, str) else files))
    assert loaded.diagnostics == ()
    assert loaded.workspace is not None
    return loaded.workspace


def problems(files: Mapping[str, str | bytes] | str) -> list[str]:
    """Return the diagnostics as `FILE:LINE:COLUMN: SUMMARY`."""
    loaded = load(Memory({"a.yaml": files} if isinstance(files, str) else files))
    return [f"{found.position}: {found.summary}" for found in loaded.diagnostics]


class Repository:
    """A git repository in a folder."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.test")
        done = subprocess.run(
            ["git", "-C", str(self.root), *identity, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: Mapping[str, str | bytes], message: str = "change") -> str:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
