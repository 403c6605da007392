"""A scripted server and a clock that never waits, for tests of the HTTP edge."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from ldconf.api.client import Client, Limits
from ldconf.core.resource import Json

TOKEN = "api-0123-secret-token"
HOST = "https://app.launchdarkly.com"
NOW = 1_760_000_000.0

Handler = Callable[[httpx.Request], httpx.Response | Exception]


@dataclass
class Clock:
    """A clock that only `sleep` moves, and that remembers every wait."""

    now: float = NOW
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds


@dataclass
class Script(httpx.AsyncBaseTransport):
    """Answers with the scripted responses in turn (the last one for ever), keeping requests."""

    answers: list[httpx.Response | Exception | Handler]
    seen: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def ok(payload: Json = None, status: int = 200, headers: dict[str, str] | None = None):
    return httpx.Response(status, json=payload, headers=headers)


def failed(status: int, message: str = "", code: str = "", headers: dict[str, str] | None = None):
    return httpx.Response(status, json={"code": code, "message": message}, headers=headers)


def client(
    *answers: httpx.Response | Exception | Handler,
    host: str = HOST,
    clock: Clock | None = None,
    limits: Limits | None = None,
) -> Client:
    clock = clock or Clock()
    return Client(
        host,
        SecretStr(TOKEN),
        transport=Script(list(answers)),
        clock=clock,
        sleep=clock.sleep,
        jitter=lambda: 0.0,
        limits=limits or Limits(),
    )


def seen(of: Client) -> list[httpx.Request]:
    transport = of._transport
    assert isinstance(transport, Script)
    return transport.seen


def sent_json(request: httpx.Request) -> Json:
    return json.loads(request.content)
