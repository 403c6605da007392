"""The local LaunchDarkly in-process, on a clock that never waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from scripted import Clock

from ldconf.api.apply import ApplyOptions, apply
from ldconf.api.client import Client
from ldconf.api.live import Wants, read_live
from ldconf.core.address import Address
from ldconf.core.change import Plan
from ldconf.core.diagnostic import Position
from ldconf.core.kind import Request
from ldconf.core.live import Live
from ldconf.core.outcome import Outcome
from ldconf.core.resource import Json
from ldconf.core.workspace import Guards, Workspace, WorkspaceSettings
from ldconf.emulator.app import create_app
from ldconf.emulator.faults import Faults
from ldconf.emulator.store import Store
from ldconf.kinds import kind_of
from ldconf.planning.planner import plan

NOWHERE = Position("ldconf.yaml")
OPTIONS = ApplyOptions(comment="ldconf test", commit="abc1234", concurrency=1)

WORLD: Mapping[str, Mapping[str, Json]] = {
    "metrics/clicks": {"kind": "custom", "eventKey": "c", "isNumeric": False, "name": "Clicks"},
    "metricGroups/funnel": {"kind": "standard", "metrics": ["clicks"], "name": "Funnel"},
    "modelConfigs/Custom.small": {"name": "Small", "id": "small", "provider": "Custom"},
    "tools/search": {"schema": {"type": "object"}, "description": "Search"},
    "segments/beta/test": {"name": "Beta", "included": ["a", "b"]},
    "aiConfigs/judge": {"name": "Judge", "mode": "judge"},
    "aiConfigs/agent": {"name": "Agent", "mode": "agent", "tags": ["x"]},
    "aiConfigs/judge/variations/strict": {
        "name": "Strict",
        "modelConfigKey": "Custom.small",
        "messages": [{"role": "system", "content": "Judge."}],
    },
    "aiConfigs/agent/variations/one": {
        "name": "One",
        "modelConfigKey": "Custom.small",
        "model": {"parameters": {"temperature": 0.5}},
        "instructions": "Hello",
        "description": "First",
        "tools": ["search"],
    },
    "aiConfigs/agent/variations/two": {
        "name": "Two",
        "modelConfigKey": "OpenAI.gpt-4o",
        "instructions": "Hello again",
        "description": "Second",
    },
    "aiConfigs/agent/targeting/test": {
        "targets": [{"variation": "one", "values": ["x"]}],
        "rules": [
            {
                "description": "Premium",
                "clauses": [{"attribute": "plan", "op": "in", "values": ["premium"]}],
                "serve": "two",
            },
            {
                "description": "Beta",
                "clauses": [{"op": "segmentMatch", "values": ["beta"]}],
                "serve": "one",
            },
        ],
        "fallthrough": {"rollout": {"one": 50, "two": "rest"}},
    },
    "aiConfigs/agent/targeting/production": {"fallthrough": "one"},
    "agentGraphs/team": {"name": "Team", "rootConfigKey": "agent", "edges": {}},
}


def workspace(
    *,
    drop: tuple[str, ...] = (),
    removed: tuple[str, ...] = (),
    **changed: Mapping[str, Json],
) -> Workspace:
    """Return the world as files. `changed` holds fields by address (`__` for `/`, `_` for `-`)."""
    resources = {}
    edits = {name.replace("__", "/"): fields for name, fields in changed.items()}
    for text in [*WORLD, *(name for name in edits if name not in WORLD)]:
        if text in drop or text in removed:
            continue
        address = Address.parse(text)
        values = {**WORLD.get(text, {}), **edits.get(text, {})}
        resources[address] = kind_of(address).model.model_validate(values)
    return Workspace(
        WorkspaceSettings("shop", ("test", "production"), guards=Guards(100, 100)),
        resources,
        removed={Address.parse(text): NOWHERE for text in removed},
    )


@dataclass
class Local:
    """A local LaunchDarkly with project `shop`; `requests` are those of the last run."""

    store: Store
    faults: Faults = field(default_factory=Faults)
    clock: Clock = field(default_factory=Clock)
    requests: list[tuple[str, str]] = field(default_factory=list)
    token: str = "api-token-1"

    @classmethod
    def new(cls) -> Local:
        clock = Clock()
        store = Store(clock=lambda: int(clock() * 1000))
        store.ensure_project("shop")
        return cls(store, clock=clock)

    def clone(self) -> Local:
        """Return an independent copy, without faults."""
        return Local(self.store.clone(), clock=self.clock)

    def client(self) -> Client:
        return Client(
            "http://localhost",
            SecretStr(self.token),
            app=create_app(self.store, self.faults),
            clock=self.clock,
            sleep=self.clock.sleep,
            jitter=lambda: 0.0,
        )

    async def live(self, wants: Wants | None = None) -> Live:
        async with self.client() as client:
            live = await read_live(client, "shop", wants or Wants())
            self.requests = client.requests
            return live

    async def plan(self, files: Workspace) -> Plan:
        return plan(files, await self.live(), None)

    async def apply(
        self, found: Plan, live: Live | None = None, options: ApplyOptions = OPTIONS
    ) -> list[Outcome]:
        live = live or await self.live()
        self.clock.waits.clear()
        async with self.client() as client:
            self.requests = client.requests
            return [outcome async for outcome in apply(found, live, client, options)]

    async def run(self, files: Workspace, options: ApplyOptions = OPTIONS) -> list[Outcome]:
        """Plan and apply; the plan must refuse nothing."""
        live = await self.live()
        found = plan(files, live, None)
        assert (found.refused, found.conflicts) == ((), ())
        return await self.apply(found, live, options)

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [request for request in self.requests if request[0] != "GET"]

    async def send(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request as somebody else."""
        async with self.client() as client:
            return await client.send(Request(method, path, body, **options))
