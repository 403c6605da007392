"""An answer that goes on until one side ends it: server-sent events with heartbeats."""

from __future__ import annotations

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ldconf.emulator.sdk.hub import Hub, Sdk
from ldconf.emulator.sdk.wire import HEARTBEAT

HEARTBEAT_S = 20.0  # SDKs drop a stream after five minutes of silence, proxies earlier


class EventStream(Response):
    """Sends an SDK everything, then every change, until it leaves or the hub closes."""

    def __init__(self, hub: Hub, sdk: Sdk, basis: str | None) -> None:
        headers = {"Cache-Control": "no-cache", "X-LD-EnvID": sdk.environment.id}
        super().__init__(headers=headers, media_type="text/event-stream")
        del self.headers["content-length"]  # so that it is chunked (protocol notes 0.5)
        self._hub = hub
        self._sdk = sdk
        self._basis = basis

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one side ends it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._send_events, send, tasks.cancel_scope)
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

    async def _send_events(self, send: Send, scope: anyio.CancelScope) -> None:
        subscriber = self._hub.subscribe(self._sdk, self._basis)
        try:
            while True:
                data: bytes | None = HEARTBEAT
                with anyio.move_on_after(HEARTBEAT_S):
                    data = await subscriber.queue.get()
                if data is None:
                    break
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._hub.unsubscribe(subscriber)
        scope.cancel()
