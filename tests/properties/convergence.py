"""One fault while applying, then again: what is compared, and the workspaces to do it with."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from functools import partial

from worlds import (
    Deadly,
    Killed,
    Sections,
    World,
    all_applied,
    seen,
)

from ldconf.core.errors import ApiError
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.emulator.faults import Drop
from ldconf.planning.planner import plan

FAILURES = {"500": 500, "429": 429, "dropped before": Drop.BEFORE, "dropped after": Drop.AFTER}
FAULTS = (*FAILURES, "killed")  # after a request, which is before the next one
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
    methods: tuple[str, ...]  # of the requests, in order

    @classmethod
    async def of(cls, start: World, workspace: Workspace, base: Workspace | None) -> Case:
        world = start.clone()
        assert all_applied(await world.apply(workspace, base))
        methods = tuple(method for method, _ in world.requests)
        return cls(start, workspace, base, state(await world.read()), methods)

    def indexes(self, fault: str) -> list[int]:
        """Return the requests to disturb: every write, and in a quick run some of the reads.

        Dying after a read is dying after the write before it. Other failures of a read are tried
        again by the client, so each read meets one of them in turn. LDCONF_EXHAUSTIVE=1: all.
        """
        every = list(range(len(self.methods)))
        if os.environ.get("LDCONF_EXHAUSTIVE"):
            return every
        turn = list(FAILURES).index(fault) if fault in FAILURES else None
        return [
            at
            for at in every
            if self.methods[at] != "GET" or (turn is not None and at % len(FAILURES) == turn)
        ]

    async def check(self, fault: str, at: int) -> None:
        """Apply with a fault at this request, apply again without, and compare."""
        world = self.start.clone()
        await self._disturbed(world, fault, at)
        if all(method == "GET" for method, _ in world.requests):
            return  # nothing was written: running again is the first run
        world.faults.injections.clear()
        outcomes = await world.apply(self.workspace, self.base)
        assert all_applied(outcomes), (fault, at, outcomes)
        live = await world.read()
        assert state(live) == self.expected, (fault, at)
        found = plan(self.workspace, live, self.base)
        assert (found.changes, found.conflicts, found.drift) == ((), (), ()), (fault, at)

    async def _disturbed(self, world: World, fault: str, at: int) -> None:
        deadly = None
        if fault == "killed":
            deadly = partial(Deadly, at=at)
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
