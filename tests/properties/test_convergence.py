"""Whatever single thing goes wrong while applying, running again leads to the same live state."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import (
    PROFILE,
    Deadly,
    Killed,
    Sections,
    World,
    all_applied,
    loaded,
    seen,
    texts_of,
    workspaces,
)

from ldconf.core.errors import ApiError
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.emulator.faults import Drop
from ldconf.planning.planner import plan

FAILURES = {"500": 500, "429": 429, "dropped before": Drop.BEFORE, "dropped after": Drop.AFTER}
FAULTS = (*FAILURES, "killed before", "killed after")
State = tuple[dict[str, dict[str, Json]], dict[str, int | None]]

BEFORE: Sections = {
    "metrics": {"rate": {"kind": "custom", "eventKey": "e", "isNumeric": False}},
    "metricGroups": {"all": {"kind": "standard", "metrics": ["rate"]}},
    "modelConfigs": {"Custom.small": {"id": "small", "name": "Small"}},
    "tools": {"search": {"schema": {"type": "object"}, "description": "Search"}},
    "segments": {"beta": {"test": {"name": "Beta", "included": ["u1"]}}},
    "aiConfigs": {
        "agent": {
            "name": "Agent",
            "mode": "agent",
            "variations": {
                "one": {
                    "modelConfigKey": "Custom.small",
                    "instructions": "One",
                    "tools": ["search"],
                },
                "two": {"modelConfigKey": "OpenAI.gpt-4o-mini", "instructions": "Two"},
            },
            "targeting": {
                "test": {
                    "targets": [{"variation": "one", "values": ["u1", "u2"]}],
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
        },
        "helper": {"mode": "agent", "variations": {"only": {"instructions": "Help"}}},
    },
    "agentGraphs": {
        "desk": {
            "name": "Desk",
            "rootConfigKey": "agent",
            "edges": {"e1": {"sourceConfig": "agent", "targetConfig": "helper"}},
        }
    },
}


def _after() -> Sections:
    """The same workspace a pull request later: every kind changes, some things are new."""
    found = copy.deepcopy(BEFORE)
    found["metrics"]["rate"]["description"] = "Rate"
    found["metrics"]["more"] = {"kind": "custom", "eventKey": "m", "isNumeric": False}
    found["metricGroups"]["all"]["metrics"] = ["more", "rate"]
    found["modelConfigs"]["Custom.small"]["costPerInputToken"] = 0.000001
    found["tools"]["search"]["description"] = "Search better"  # re-pins `one`
    found["segments"]["beta"]["test"]["included"] = ["u1", "u9"]
    found["segments"]["beta"]["production"] = {"name": "Beta", "excluded": ["u3"]}
    agent = found["aiConfigs"]["agent"]
    agent["tags"] = ["x"]
    agent["variations"]["one"]["instructions"] = "One, but better"
    agent["variations"]["three"] = {"instructions": "Three", "tools": ["search"]}
    agent["targeting"]["test"] = {
        "targets": [{"variation": "three", "values": ["u2"]}],
        "rules": [
            {
                "description": "Paying",
                "clauses": [{"attribute": "plan", "op": "in", "values": ["paid"]}],
                "serve": "three",
            },
            {
                "description": "Beta",
                "clauses": [{"op": "segmentMatch", "values": ["beta"]}],
                "serve": {"rollout": {"one": 25, "three": "rest"}},
            },
        ],
        "fallthrough": "three",
    }
    agent["targeting"]["production"] = {"fallthrough": "three", "rules": [], "targets": []}
    found["agentGraphs"]["desk"]["edges"]["e2"] = {
        "sourceConfig": "helper",
        "targetConfig": "agent",
    }
    return found


AFTER = _after()


@dataclass(frozen=True)
class Case:
    """What is applied from where, and what it leads to undisturbed, in so many requests."""

    start: World
    workspace: Workspace
    base: Workspace | None
    expected: State
    requests: int

    @classmethod
    async def of(cls, start: World, workspace: Workspace, base: Workspace | None) -> Case:
        world = start.clone()
        assert all_applied(await world.apply(workspace, base))
        requests = len(world.requests)
        return cls(start, workspace, base, state(await world.read()), requests)

    async def check(self, fault: str, at: int) -> None:
        """Apply with a fault at this request, apply again without, and compare."""
        world = self.start.clone()
        await self._disturbed(world, fault, at)
        world.faults.injections.clear()
        outcomes = await world.apply(self.workspace, self.base)
        assert all_applied(outcomes), (fault, at, outcomes)
        live = await world.read()
        assert state(live) == self.expected, (fault, at)
        found = plan(self.workspace, live, self.base)
        assert (found.changes, found.conflicts, found.drift) == ((), (), ()), (fault, at)

    async def _disturbed(self, world: World, fault: str, at: int) -> None:
        deadly = None
        if fault.startswith("killed"):
            deadly = partial(Deadly, at=at, before=fault == "killed before")
        else:
            world.faults.inject(FAILURES[fault], at=at)
        try:
            await world.apply(self.workspace, self.base, deadly)
        except (Killed, BaseExceptionGroup):
            if deadly is None:
                raise
        except ApiError:  # a read that failed for good ends the command
            if deadly is not None:
                raise


def state(live: Live) -> State:
    """The canonical live state, with the versions that every write counts up."""
    versioned = ("tools", "variations")
    versions = {str(a): o.version for a, o in live.observed.items() if a.kind in versioned}
    return seen(live), versions


@pytest.mark.parametrize("with_base", [False, True], ids=["no base", "git base"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_request_may_fail_once_while_updating(fault: str, with_base: bool) -> None:
    before, after = loaded(texts_of(BEFORE)), loaded(texts_of(AFTER))

    async def scenario() -> None:
        start = World()
        assert all_applied(await start.apply(before))
        case = await Case.of(start, after, before if with_base else None)
        for at in range(case.requests):
            await case.check(fault, at)

    anyio.run(scenario)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_request_may_fail_once_while_creating(fault: str) -> None:
    after = loaded(texts_of(AFTER))

    async def scenario() -> None:
        case = await Case.of(World(), after, None)
        for at in range(case.requests):
            await case.check(fault, at)

    anyio.run(scenario)


@PROFILE
@given(workspaces(), workspaces(), st.sampled_from(FAULTS), st.integers(0, 10**6), st.booleans())
def test_any_workspace_converges_after_any_fault(
    first: Sections, second: Sections, fault: str, choice: int, with_base: bool
) -> None:
    before, after = loaded(texts_of(first)), loaded(texts_of(second))
    base = before if with_base else None

    async def scenario() -> None:
        start = World()
        assert all_applied(await start.apply(before))
        wanted = await start.plan(after, base)
        if not (wanted.refusals or wanted.conflicts):
            case = await Case.of(start, after, base)
            await case.check(fault, choice % case.requests)

    anyio.run(scenario)
