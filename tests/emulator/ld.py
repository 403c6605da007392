"""Calls the local LaunchDarkly in-process and checks the status of every answer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import httpx

from ldconf.emulator.app import create_app
from ldconf.emulator.faults import Faults
from ldconf.emulator.store import Store

SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"
PROJECT = "p"
START_MS = 1_800_000_000_000


class Clock:
    """A clock in epoch ms that moves by one ms a look, and by hand."""

    def __init__(self) -> None:
        self.now = START_MS

    def __call__(self) -> int:
        self.now += 1
        return self.now


class Ld:
    """A project `p` with environments `test` and `production`, and short ways to call the API."""

    def __init__(self, store: Store | None = None, **app_options: Any) -> None:
        self.clock = Clock()
        self.store = store or Store(clock=self.clock, randomness=random.Random(7))
        self.store.ensure_project(PROJECT)
        self.faults = Faults()
        self.app = create_app(self.store, self.faults, **app_options)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://localhost"
        )
        self.headers: httpx.Headers = httpx.Headers()

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        token: str = "api-test",
        semantic: bool = False,
        beta: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON of an answer, after checking its status. `path` is below `/api/v2`."""
        sent = {"Authorization": token}
        if beta:
            sent["LD-API-Version"] = "beta"
        if semantic:
            sent["Content-Type"] = SEMANTIC
        sent.update(headers or {})
        answer = await self.http.request(method, f"/api/v2{path}", json=body, headers=sent)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        self.headers = answer.headers
        return answer.json() if answer.content else None

    async def get(self, path: str, **options: Any) -> Any:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any, status: int = 201, **options: Any) -> Any:
        return await self.call("POST", path, body, status=status, **options)

    async def patch(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        return await self.call("PATCH", path, body, status=status, **options)

    async def put(self, path: str, body: Any, status: int = 200, **options: Any) -> Any:
        return await self.call("PUT", path, body, status=status, **options)

    async def delete(self, path: str, status: int = 204, **options: Any) -> Any:
        return await self.call("DELETE", path, status=status, **options)

    async def ai_config(self, key: str = "bot", *variations: str, **fields: Any) -> Any:
        """Make an AI Config in agent mode with variations."""
        body = {"key": key, "name": key, "mode": "agent", **fields}
        made = await self.post(f"/projects/{PROJECT}/ai-configs", body)
        for variation in variations:
            await self.variation(variation, key)
        return made

    async def variation(
        self, key: str = "one", config: str = "bot", status: int = 201, **fields: Any
    ) -> Any:
        """Make a variation."""
        body = {"key": key, "name": key, "instructions": f"I am {key}", **fields}
        path = f"/projects/{PROJECT}/ai-configs/{config}/variations"
        return await self.post(path, body, status)

    async def targeting(self, config: str = "bot") -> Any:
        """Read targeting."""
        return await self.get(f"/projects/{PROJECT}/ai-configs/{config}/targeting")

    async def ids(self, config: str = "bot") -> dict[str, str]:
        """Return targeting ids by variation key (`disabled` for the automatic one)."""
        document = await self.targeting(config)
        return {
            found["value"]["_ldMeta"].get("variationKey", "disabled"): found["_id"]
            for found in document["variations"]
        }

    async def target(
        self,
        *instructions: Mapping[str, Any],
        config: str = "bot",
        environment: str = "test",
        status: int = 200,
        **body: Any,
    ) -> Any:
        """Send a semantic patch of targeting; return the environment's targeting after it."""
        path = f"/projects/{PROJECT}/ai-configs/{config}/targeting"
        sent = {"environmentKey": environment, "instructions": list(instructions), **body}
        answer = await self.patch(path, sent, status, semantic=True)
        return answer["environments"][environment] if status == 200 else answer

    async def serve(self, variation: str, config: str = "bot", environment: str = "test") -> Any:
        """Serve a variation to everyone in an environment."""
        ids = await self.ids(config)
        kind = "updateFallthroughVariationOrRollout"
        instruction = {"kind": kind, "variationId": ids[variation]}
        return await self.target(instruction, config=config, environment=environment)

    async def require_approvals(self, kind: str = "aiconfig", **settings: Any) -> Any:
        """Require approvals for a kind of resource in `test`."""
        body = {"environmentKey": "test", "resourceKind": kind, "required": True, **settings}
        return await self.patch(f"/approval-requests/projects/{PROJECT}/settings", body, beta=True)
