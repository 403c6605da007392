from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.hub import Hub, opened


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in list(os.environ):
        if name.startswith(("LAUNCHDARKLY_", "GITHUB_")):
            monkeypatch.delenv(name)
    with opened(tmp_path, monkeypatch) as found:
        yield found
