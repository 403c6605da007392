"""The number of requests of a plan, on a project with two hundred AI Configs."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import anyio
import pytest
from worlds import PROJECT, Sections, World, all_applied, loaded, texts_of

from ldconf.api.live import read_live
from ldconf.core.workspace import Workspace
from ldconf.workflow.plan import wants

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere

AI_CONFIGS, VARIATIONS, GRAPHS, PAGE = 200, 5, 3, 50


def sections() -> Sections:
    """200 AI Configs x 5 variations x 2 environments, with something of every other kind."""
    variations = {
        f"v{number}": {"instructions": f"Text {number}", "tools": ["search"]}
        for number in range(VARIATIONS)
    }
    agent = {
        "mode": "agent",
        "variations": variations,
        "targeting": {"test": {"fallthrough": "v0"}, "production": {"fallthrough": "v1"}},
    }
    edges = {"e": {"sourceConfig": "agent-0", "targetConfig": "agent-1"}}
    return {
        "metrics": {"m": {"kind": "custom", "eventKey": "e", "isNumeric": False}},
        "tools": {"search": {"schema": {"type": "object"}}},
        "segments": {"beta": {"test": {"included": ["u"]}}},
        "aiConfigs": {f"agent-{number}": agent for number in range(AI_CONFIGS)},
        "agentGraphs": {
            f"g{number}": {"rootConfigKey": "agent-0", "edges": edges} for number in range(GRAPHS)
        },
    }


@cache
def _applied() -> tuple[World, Workspace]:
    world, workspace = World(), loaded(texts_of(sections()))
    assert all_applied(anyio.run(world.apply, workspace))
    return world, workspace


def applied() -> tuple[World, Workspace]:
    """Return an account in which the workspace is applied, and the workspace."""
    world, workspace = _applied()
    return world.clone(), workspace


def family(path: str) -> str:
    """Return the shape of a path, without keys and query."""
    return re.sub(r"agent-\d+|g\d", "*", path.partition("?")[0])


async def read(world: World, workspace: Workspace) -> Counter[str]:
    async with world.client() as client:
        await read_live(client, PROJECT, wants(workspace))
        return Counter(family(path) for _, path in client.requests)


def test_plan_of_two_hundred_ai_configs_stays_within_its_budget() -> None:
    world, workspace = applied()

    async def scenario() -> None:
        seen = await read(world, workspace)
        assert seen == {
            "/projects/shop": 1,
            "/projects/shop/environments": 1,
            "/members/me": 1,
            "/metrics/shop": 1,
            "/projects/shop/metric-groups": 1,
            "/projects/shop/ai-configs/model-configs": 1,
            "/projects/shop/ai-tools": 1,
            "/segments/shop/test": 1,
            "/segments/shop/production": 1,
            "/projects/shop/ai-configs": AI_CONFIGS // PAGE,
            "/projects/shop/ai-configs/*/targeting": AI_CONFIGS,
            "/projects/shop/agent-graphs": 1,
            "/projects/shop/agent-graphs/*": GRAPHS,
            "/projects/shop/experiments": 1,
        }

    anyio.run(scenario)


def test_texts_that_the_list_omits_cost_one_read_per_managed_variation() -> None:
    world, workspace = applied()

    async def scenario() -> None:
        within = await read(world, workspace)
        world.faults.list_texts = False
        extra = await read(world, workspace) - within
        assert set(extra) == {
            f"/projects/shop/ai-configs/*/variations/v{number}" for number in range(VARIATIONS)
        }
        assert extra.total() == AI_CONFIGS * VARIATIONS

    anyio.run(scenario)


def test_tools_that_the_list_omits_cost_one_read_of_references_per_tool() -> None:
    world, workspace = applied()

    async def scenario() -> None:
        within = await read(world, workspace)
        world.faults.list_tools = world.faults.get_tools = False
        extra = await read(world, workspace) - within
        assert {path for path in extra if "references" in path} == {
            "/projects/shop/ai-tools/search/references"
        }

    anyio.run(scenario)
