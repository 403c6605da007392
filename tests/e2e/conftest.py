from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.world import World, pet_store


def forget_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands see neither this machine's account nor its continuous integration."""
    for name in list(os.environ):
        if name.startswith(("LAUNCHDARKLY_", "GITHUB_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_outside(monkeypatch)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return pet_store(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def applied_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example workspace, committed and applied; only to be copied."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget_outside(monkeypatch)
        world = pet_store(tmp_path_factory.mktemp("applied"), monkeypatch)
        world.commit("Pet Store Agent")
        assert world.run("apply", "--yes", "--quiet").code == 0
        return world.root


@pytest.fixture
def applied(applied_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The example workspace, committed and applied."""
    shutil.copytree(applied_once, tmp_path / "pet-store")
    return World(tmp_path / "pet-store", monkeypatch)
