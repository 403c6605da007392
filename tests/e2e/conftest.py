from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.world import World, pet_store


@pytest.fixture(autouse=True)
def no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands see neither this machine's account nor its continuous integration."""
    for name in list(os.environ):
        if name.startswith(("LAUNCHDARKLY_", "GITHUB_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return pet_store(tmp_path, monkeypatch)


@pytest.fixture
def applied(world: World) -> World:
    """The example workspace, committed and applied."""
    world.commit("Pet Store Agent")
    assert world.run("apply", "--yes", "--quiet").code == 0
    return world
