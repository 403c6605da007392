"""What makes the whole suite quick without testing less."""

from __future__ import annotations

import functools

import pytest
import typer.main
import typer.testing

from tests import official_client

official_client.install()
# Typer would build every command anew for each call of one.
typer.testing._get_command = functools.cache(typer.main.get_command)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Generated examples run untraced: their lines are covered by tests with chosen examples."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.no_cover)
