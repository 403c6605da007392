from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands see neither this machine's account nor its continuous integration."""
    for name in list(os.environ):
        if name.startswith(("LAUNCHDARKLY_", "GITHUB_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
