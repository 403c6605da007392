from __future__ import annotations

from pathlib import Path

import pytest

from ldconf.cli.run import Run
from ldconf.mcp.desk import Desk
from tests.cli.conftest import no_outside as no_outside
from tests.e2e.world import World, pet_store


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return pet_store(tmp_path, monkeypatch)


@pytest.fixture
def desk(world: World) -> Desk:
    """The desk of the example workspace with its local LaunchDarkly."""
    return Desk(world.root, Run(workspace=world.root, local=True).site)
