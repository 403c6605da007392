from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.hub import Hub, begin, opened


def forget_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("LAUNCHDARKLY_", "GITHUB_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget_outside(monkeypatch)
        begin(folder, monkeypatch)
    return folder


@pytest.fixture
def hub(tmp_path: Path, begun: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    forget_outside(monkeypatch)
    with opened(tmp_path, begun, monkeypatch) as found:
        yield found
