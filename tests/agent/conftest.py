from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent sees no keys and addresses of this machine."""
    for name in list(os.environ):
        if name.startswith(("LAUNCHDARKLY_", "LD_", "OPENAI_", "ANTHROPIC_", "AWS_")):
            monkeypatch.delenv(name)
