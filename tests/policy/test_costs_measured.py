"""Typical requests come from monitoring where there was use; nothing of it is in the digest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.world import World

MEASURED = "mean of the last 7 days"


@pytest.fixture
def used(world: World) -> World:
    """The example, applied, after some simulated traffic in production."""
    assert world.run("apply", "--yes", "--quiet").code == 0
    words = ("agent", "traffic", "--requests", "8", "--environment", "production", "--seed", "1")
    found = world.run(*words)
    assert found.code == 0, found.both
    world.edit("modelConfigKey: Anthropic.claude-sonnet-4-5", "modelConfigKey: OpenAI.gpt-4o")
    return world


def plan(world: World, *options: str) -> tuple[Any, str]:
    found = world.run("plan", "--format", "json", *options).json
    row = found["groups"][0]["rows"][0]
    return row["cost"], found["digest"]


def test_measured_tokens_price_both_sides(used: World) -> None:
    cost, digest = plan(used)
    tokens = cost["tokens"]
    assert (tokens["source"], tokens["isMeasured"]) == (MEASURED, True)
    assert tokens["input"] > 0
    per_request = (tokens["input"] * 2.5 + tokens["output"] * 10) / 1e6
    assert cost["after"]["perThousand"] == pytest.approx(per_request * 1000)
    assumed, same_digest = plan(used, "--no-context")
    assert assumed["tokens"]["source"] == "assumed"
    assert same_digest == digest
