from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import no_outside as no_outside
from tests.e2e.world import World, pet_store


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return pet_store(tmp_path, monkeypatch)
