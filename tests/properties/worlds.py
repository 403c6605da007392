"""A workspace in memory, a local LaunchDarkly in-process, and a clock that never waits."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ldconf.api.apply import ApplyOptions, apply
from ldconf.api.client import Client
from ldconf.api.live import Wants, read_live
from ldconf.core.change import Plan
from ldconf.core.kind import Request
from ldconf.core.live import Live
from ldconf.core.outcome import Applied, Outcome
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.documents.load import load
from ldconf.emulator.app import create_app
from ldconf.emulator.faults import Faults
from ldconf.emulator.store import Store
from ldconf.planning.options import PlanOptions
from ldconf.planning.planner import plan
from tests.strategies_ai import Neighbours, ai_config_documents
from tests.strategies_experiments import with_experiments
from tests.strategies_simple import (
    agent_graphs_documents,
    metric_groups_documents,
    metrics_documents,
    model_configs_documents,
    segments_documents,
    tools_documents,
)

# A few examples a run keep the suite quick; LDCONF_EXAMPLES=500 looks harder.
PROFILE = hypothesis_settings(
    max_examples=int(os.environ.get("LDCONF_EXAMPLES", "8")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
PROJECT = "shop"
ENVIRONMENTS = ("test", "production")
# Generated workspaces are small: a share of their objects says nothing about safety.
SETTINGS = {"project": PROJECT, "environments": list(ENVIRONMENTS), "guards": {"minObjects": 1000}}
GLOBAL_MODELS = ("OpenAI.gpt-4o-mini", "Anthropic.claude-sonnet-4-5")
Sections = dict[str, dict[str, Json]]


class Texts:
    """A tree of documents in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def paths(self) -> Sequence[str]:
        return sorted(self.files)

    def read(self, path: str) -> bytes:
        return self.files[path].encode()


def texts_of(sections: Sections, settings: Mapping[str, Json] = SETTINGS) -> dict[str, str]:
    """Return one document per section (JSON is YAML)."""
    files = {f"{name}.yaml": json.dumps({name: found}) for name, found in sections.items() if found}
    return {"ldconf.yaml": json.dumps(settings), **files}


def loaded(files: Mapping[str, str]) -> Workspace:
    """Return the workspace; any error is a fault of the test."""
    found = load(Texts(files))
    errors = [f"{d.address}: {d.summary}" for d in found.diagnostics if d.is_error]
    assert errors == [], errors
    assert found.workspace is not None
    return found.workspace


@st.composite
def workspaces(draw: st.DrawFn, max_size: int = 2) -> Sections:
    """Draw a workspace of all kinds whose references hold."""
    metrics = draw(metrics_documents(max_size))
    groups = draw(metric_groups_documents(list(metrics), max_size))
    models = draw(model_configs_documents(max_size))
    tools = draw(tools_documents(max_size))
    segments = draw(segments_documents(ENVIRONMENTS, max_size))
    named = {e: [key for key, found in segments.items() if e in found] for e in ENVIRONMENTS}
    neighbours = Neighbours(
        tools=list(tools),
        model_configs=[*models, *GLOBAL_MODELS],
        segments=named,
        environments=ENVIRONMENTS,
    )
    ai_configs = draw(ai_config_documents(neighbours, max_size))
    agents = [key for key, found in ai_configs.items() if found["mode"] == "agent"]
    graphs = draw(agent_graphs_documents(agents, max_size)) if agents else {}
    found: Sections = {
        "metrics": metrics,
        "metricGroups": groups,
        "modelConfigs": models,
        "tools": tools,
        "segments": segments,
        "aiConfigs": ai_configs,
        "agentGraphs": graphs,
    }
    return draw(with_experiments(found, ENVIRONMENTS))


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 1_790_000_000.0

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)


class Killed(BaseException):
    """The process dies: nothing after this line of the tool runs."""


Wire = Callable[..., Awaitable[None]]


@dataclass
class Deadly:
    """An ASGI app after whose n-th request (counting from 0) the calling process dies."""

    app: Wire
    at: int
    seen: int = -1

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        self.seen += 1
        await self.app(scope, receive, send)
        if self.seen == self.at:
            raise Killed


@dataclass
class World:
    """One account in memory."""

    store: Store = field(default_factory=lambda: fresh_store())
    faults: Faults = field(default_factory=Faults)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def clone(self) -> World:
        """Return an independent copy of the account, without its faults."""
        return World(self.store.clone())

    def client(self, through: Callable[[Wire], Wire] | None = None) -> Client:
        app: Any = create_app(self.store, self.faults)
        clock = Clock()
        wrapped = through(app) if through else app
        return Client(
            "http://127.0.0.1",
            SecretStr("api-property-test"),
            app=wrapped,
            clock=clock.time,
            sleep=clock.sleep,
            jitter=lambda: 0.0,
        )

    async def read(self) -> Live:
        async with self.client() as client:
            live = await read_live(client, PROJECT)
            self.requests = list(client.requests)
            return live

    async def plan(
        self, workspace: Workspace, base: Workspace | None = None, **options: Any
    ) -> Plan:
        return plan(workspace, await self.read(), base, PlanOptions(**options))

    async def apply(
        self,
        workspace: Workspace,
        base: Workspace | None = None,
        through: Callable[[Wire], Wire] | None = None,
    ) -> list[Outcome]:
        """Read, plan and apply through one client; its requests are kept."""
        async with self.client(through) as client:
            self.requests = client.requests
            wants = Wants()
            live = await read_live(client, PROJECT, wants)
            wanted = plan(workspace, live, base)
            options = ApplyOptions(comment="ldconf", commit="abc1234", concurrency=1)
            return [outcome async for outcome in apply(wanted, live, client, options)]


def fresh_store() -> Store:
    """Return an account with the project and its two environments, as `ldconf dev` makes it."""
    store = Store(None)
    store.ensure_project(PROJECT, ENVIRONMENTS)
    return store


def seen(live: Live) -> dict[str, dict[str, Json]]:
    """Return the canonical live state by address, for comparing two accounts."""
    return {str(a): found.resource.managed() for a, found in sorted(live.observed.items())}


def all_applied(outcomes: Sequence[Outcome]) -> bool:
    return all(isinstance(outcome, Applied) for outcome in outcomes)


@dataclass
class Recorder:
    """An ASGI app that keeps the writes that pass through it, as they are on the wire."""

    app: Wire
    writes: list[Request]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] != "GET":
            messages = [await receive()]
            while messages[-1].get("more_body"):
                messages.append(await receive())
            content = b"".join(message["body"] for message in messages)
            headers = dict(scope["headers"])
            body = json.loads(content) if content else None
            path = scope["path"].removeprefix("/api/v2")
            beta = headers.get(b"ld-api-version") == b"beta"
            semantic = b"semanticpatch" in headers.get(b"content-type", b"")
            self.writes.append(Request(scope["method"], path, body, beta, semantic))
            rest = iter(messages)

            async def again() -> Any:
                return next(rest, None) or await receive()

            await self.app(scope, again, send)
            return
        await self.app(scope, receive, send)
