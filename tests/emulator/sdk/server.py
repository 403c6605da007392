"""The local LaunchDarkly on a real socket, and LaunchDarkly's SDKs connected to it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import ldclient.datasystem
from ldclient import Config, Context, LDClient

from ldconf.emulator.app import create_app
from ldconf.emulator.events.store import EventStore
from ldconf.emulator.faults import Faults
from ldconf.emulator.server import LocalServer
from ldconf.emulator.store import Store

SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"
PROJECT = "p"
MODES = ("FDv1 stream", "FDv1 poll", "FDv2", "FDv2 poll", "FDv2 stream")


class Server:
    """A project `p` with `test` and `production`, served from a thread."""

    def __init__(self, store: Store | None = None, events: EventStore | None = None) -> None:
        self.store = store or Store()
        self.store.ensure_project(PROJECT)
        self.events = events or EventStore()
        self.faults = Faults()
        self.app = create_app(self.store, self.faults, events=self.events)
        self.server = LocalServer(
            self.app, "127.0.0.1", 0, on_stop=lambda: self.app.state.hub.close()
        )
        self.http = httpx.Client(
            base_url=self.server.host, headers={"Authorization": "api-test"}, timeout=10
        )

    def __enter__(self) -> Server:
        self.server.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self.http.close()
        self.stop()
        self.events.close()
        self.store.close()

    def stop(self) -> None:
        self.server.__exit__(None, None, None)

    @property
    def host(self) -> str:
        return self.server.host

    def sdk_key(self, environment: str = "test") -> str:
        found = self.store.documents(PROJECT, "environments")
        return str(next(one["apiKey"] for one in found if one["key"] == environment))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call the REST API of the project; return its JSON."""
        answer = self.http.request(method, f"/api/v2{path}", json=body, headers=headers)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def ai_config(self, key: str, *variations: str, environment: str = "test") -> None:
        """Make an agent; its first variation is served to everybody."""
        configs = f"/projects/{PROJECT}/ai-configs"
        self.call("POST", configs, {"key": key, "name": key, "mode": "agent"})
        for name in variations:
            body = {
                "key": name,
                "name": name,
                "instructions": f"I am {name}",
                "modelConfigKey": "OpenAI.gpt-4o",
            }
            self.call("POST", f"{configs}/{key}/variations", body)
        self.serve(variations[0], key, environment)

    def serve(self, variation: str, key: str, environment: str = "test") -> None:
        path = f"/projects/{PROJECT}/ai-configs/{key}/targeting"
        found = self.call("GET", path)["variations"]
        wanted = next(
            one["_id"] for one in found if one["value"]["_ldMeta"].get("variationKey") == variation
        )
        instruction = {"kind": "updateFallthroughVariationOrRollout", "variationId": wanted}
        body = {"environmentKey": environment, "instructions": [instruction]}
        self.call("PATCH", path, body, **{"Content-Type": SEMANTIC})

    def sdk(self, mode: str = "FDv1 stream", sdk_key: str | None = None, **config: Any) -> LDClient:
        """An SDK in one of `MODES`."""
        builders: dict[str, Callable[[], Any]] = {
            "FDv2": ldclient.datasystem.default,
            "FDv2 poll": ldclient.datasystem.polling,
            "FDv2 stream": ldclient.datasystem.streaming,
        }
        if mode in builders:
            config["datasystem_config"] = builders[mode]().build()
        settings = Config(
            sdk_key or self.sdk_key(),
            base_uri=self.host,
            stream_uri=self.host,
            events_uri=self.host,
            stream=mode != "FDv1 poll",
            initial_reconnect_delay=0.1,
            **config,
        )
        return LDClient(settings, start_wait=5)

    @contextlib.contextmanager
    def connected(self, mode: str = "FDv1 stream", **config: Any) -> Iterator[LDClient]:
        client = self.sdk(mode, **config)
        try:
            assert client.is_initialized()
            yield client
        finally:
            client.close()


def variation(client: LDClient, flag: str, key: str = "u") -> str | None:
    """Return the key of the variation that a user gets, None if there is no such flag."""
    value = client.variation(flag, Context.create(key), None)
    return None if value is None else value["_ldMeta"].get("variationKey", "disabled")


def until(condition: Callable[[], bool], seconds: float = 5) -> float:
    """Wait for a condition; return the seconds it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.002)
    return time.monotonic() - began
