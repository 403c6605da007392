"""What makes the whole suite quick without testing less."""

from __future__ import annotations

import functools
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import typer.testing
from hypothesis import settings

from tests import official_client

official_client.install()
# No test is timed: a busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
# Typer would build every command anew for each call of one.
typer.testing._get_command = functools.cache(typer.main.get_command)


# A file runs in one process: one that takes long must not be the last to start.
LONG = (
    "github/test_github_delivery.py",
    "e2e/test_demo.py",
    "properties",
    "emulator/sdk",
    "dashboard",
    "docs",
    "policy",
    "agent",
    "experiments",
    "e2e",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Generated examples run untraced: their lines are covered by tests with chosen examples."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=_place)  # stable


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop the first of two coverages that pytest-cov 7.1 starts in each worker of xdist.

    Nobody saves what it sees, and it would go on where the second one pauses (`no_cover`).
    """
    coverage = _coverage(session)
    if _worker(session) and coverage is not None:
        coverage.pause()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Importing is traced in one process: all of them import the same."""
    coverage = _coverage(session)
    if _worker(session) in ("", "gw0") or coverage is None:
        return (yield)
    coverage.pause()
    try:
        return (yield)
    finally:
        coverage.resume()


def _worker(session: pytest.Session) -> str:
    """Return the name of a worker of xdist, "" for the one process there is without."""
    return str(getattr(session.config, "workerinput", {}).get("workerid", ""))


def _coverage(session: pytest.Session) -> Any:
    return getattr(session.config.pluginmanager.getplugin("_cov"), "cov_controller", None)


def _place(item: pytest.Item) -> int:
    return _place_of(item.path)


@functools.cache
def _place_of(path: Path) -> int:
    below = path.relative_to(Path(__file__).parent)
    names = (place for place, name in enumerate(LONG) if below.is_relative_to(name))
    return next(names, len(LONG))
