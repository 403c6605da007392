"""Promises of the plan that only show when it is carried out and planned again."""

from __future__ import annotations

import copy
import json

from worlds import PROJECT, SETTINGS, Sections, World, all_applied, loaded, texts_of

from ldconf.api.live import read_live
from ldconf.core.address import Address
from ldconf.core.kind import Request
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment
from ldconf.planning.planner import plan
from ldconf.workflow.plan import wants

SEARCH = Address.parse("tools/search")
ONE = Address.parse("aiConfigs/agent/variations/one")
BETA = Address.parse("segments/beta/test")
FILES: Sections = {
    "tools": {"search": {"schema": {"type": "object"}, "description": "Search"}},
    "segments": {"beta": {"test": {"name": "Beta", "included": ["u1"]}}},
    "aiConfigs": {
        "agent": {
            "name": "Agent",
            "mode": "agent",
            "variations": {
                "one": {
                    "modelConfigKey": "OpenAI.gpt-4o-mini",
                    "instructions": "One",
                    "tools": ["search"],
                },
                "two": {"modelConfigKey": "OpenAI.gpt-4o-mini", "instructions": "Two"},
            },
            "targeting": {
                "test": {
                    "targets": [],
                    "rules": [
                        {
                            "description": "Beta",
                            "clauses": [{"op": "segmentMatch", "values": ["beta"]}],
                            "serve": "one",
                        }
                    ],
                    "fallthrough": "one",
                }
            },
        }
    },
}


def files(**more: Json) -> Sections:
    """Return a copy of the files that may be edited."""
    return copy.deepcopy({**FILES, **more})


def workspace(sections: Sections, **more: Json) -> Workspace:
    """Return the workspace; `more` are further top-level sections of a document."""
    return loaded({**texts_of(sections, SETTINGS), "more.yaml": json.dumps(more)})


async def edit(world: World, method: str, path: str, body: Json) -> None:
    """Edit live, as somebody does in LaunchDarkly."""
    async with world.client() as client:
        await client.send(Request(method, f"/projects/{PROJECT}/{path}", body))


async def test_variation_goes_on_while_its_tool_is_in_conflict() -> None:
    world, base = World(), workspace(FILES)
    assert all_applied(await world.apply(base))
    await edit(world, "PATCH", "ai-tools/search", {"description": "Search, edited by hand"})
    changed = files()
    changed["tools"]["search"]["description"] = "Search in stock"
    changed["aiConfigs"]["agent"]["variations"]["one"] |= {"instructions": "One, better"}
    desired = workspace(changed)
    wanted = await world.plan(desired, base)
    assert [conflict.address for conflict in wanted.conflicts] == [SEARCH]
    assert [change.address for change in wanted.changes] == [ONE]
    outcomes = await world.apply(desired, base)
    assert all_applied(outcomes), outcomes
    assert (await world.plan(desired, base)).changes == ()


async def test_segment_of_a_running_experiment_is_protected_where_no_file_names_the_ai_config() -> (
    None
):
    world = World()
    assert all_applied(await world.apply(workspace(FILES)))
    seed = ExperimentSeed("models", "agent", {"one": 50, "two": 50}, "one")
    put_experiment(world.store, PROJECT, "test", seed)
    base, changed = files(aiConfigs={}), files(aiConfigs={})
    changed["segments"]["beta"]["test"]["included"] = ["u2"]
    desired = workspace(changed)
    async with world.client() as client:
        live = await read_live(client, PROJECT, wants(desired))
    found = plan(desired, live, workspace(base))
    assert [(one.address, one.guard) for one in found.refusals] == [(BETA, "contaminate")]
    assert found.changes == ()


async def test_tool_stays_while_a_variation_of_no_file_uses_it_though_lists_omit_tools() -> None:
    world = World()
    assert all_applied(await world.apply(workspace(FILES)))
    world.faults.list_tools = False
    base = files(aiConfigs={})
    desired = workspace(files(aiConfigs={}, tools={}), removed=["tools/search"])
    async with world.client() as client:
        live = await read_live(client, PROJECT, wants(desired))
    found = plan(desired, live, workspace(base))
    assert found.changes == ()
    (refusal,) = found.refusals
    assert (refusal.address, refusal.guard) == (SEARCH, "in-use")
    assert str(ONE) in refusal.summary
