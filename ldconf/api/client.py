"""The one HTTP client of ldconf: headers, paging, limits, retries, errors. Only user of httpx.

The token lives in a SecretStr and in the header of a request that is being sent, nowhere else.
httpx exceptions carry their request, so none of them is ever chained or shown.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache, partial
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import urlencode

import anyio
import httpx
from pydantic import SecretStr

from ldconf import __version__
from ldconf.api.answers import payload_of
from ldconf.api.host import check_host, check_token, is_loopback
from ldconf.api.limiter import CREATE_INTERVAL_S, Limiter, Timing, route_of
from ldconf.api.page import Page
from ldconf.api.retry import Answer, Attempts, Lost, Result
from ldconf.api.secrets import without_secrets
from ldconf.api.tasks import concurrently
from ldconf.core.errors import Unreachable
from ldconf.core.kind import Request
from ldconf.core.resource import Json

logger = logging.getLogger("ldconf.api")

API_VERSION = "20240415"  # reference 1.1
PAGE_LIMIT = "50"  # maximum of metrics; the AI family documents none (reference 1.6)
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"ldconf/{__version__}",
}
SEMANTIC_PATCH = "application/json; domain-model=launchdarkly.semanticpatch"

ASGIApp: TypeAlias = Callable[
    [
        MutableMapping[str, Json],
        Callable[[], Awaitable[MutableMapping[str, Json]]],
        Callable[[MutableMapping[str, Json]], Awaitable[None]],
    ],
    Awaitable[None],
]


def _jitter() -> float:
    return random.uniform(0.0, 0.5)


@cache
def _tls() -> ssl.SSLContext:
    """Return the certificates that are trusted: to load them takes longer than many requests."""
    return httpx.create_ssl_context()


def _no_cookies(_response: httpx.Response) -> None:
    """Take no cookies from an answer."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one client. `create_interval_s` None means: 2 s, but 0 for loopback hosts."""

    concurrency: int = 8
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    max_bytes: int = 64 * 2**20
    create_interval_s: float | None = None


class Client:
    """An authenticated connection to one host; `async with` it.

    `app` is an ASGI application that answers in place of a network (the local LaunchDarkly).
    `requests` lists every (method, path) that went out, retries included.
    """

    def __init__(
        self,
        host: str,
        token: SecretStr,
        *,
        app: ASGIApp | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = _jitter,
        limits: Limits = Limits(),
    ) -> None:
        self.host = host.rstrip("/")
        self.local = app is not None or is_loopback(self.host)
        check_host(self.host, self.local)
        check_token(token)
        self.timing = Timing(clock, sleep, jitter)
        self.requests: list[tuple[str, str]] = []
        self._token = token
        self._limits = limits
        self._transport = httpx.ASGITransport(app=app) if app is not None else transport
        interval = limits.create_interval_s
        if interval is None:
            interval = 0.0 if self.local else CREATE_INTERVAL_S
        self._limiter = Limiter(self.timing, interval)
        self._slots = anyio.Semaphore(limits.concurrency)
        self._creates = anyio.Lock()
        self._http: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"Client({self.host!r})"

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._http = http = httpx.AsyncClient(
            verify=_tls() if self._transport is None else True,
            transport=self._transport,
            timeout=httpx.Timeout(limits.timeout_s, connect=limits.connect_timeout_s, pool=None),
            limits=httpx.Limits(max_connections=limits.concurrency),
            trust_env=not self.local,  # proxies of the environment, but never for loopback
        )
        # The API sets none, and to look for them takes a tenth of the time of a request.
        http.cookies.extract_cookies = _no_cookies  # type: ignore[assignment, method-assign]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    @property
    def count(self) -> int:
        """How many requests went out, retries included."""
        return len(self.requests)

    @property
    def rate_left(self) -> Mapping[str, tuple[int, int | None]]:
        """Return (remaining, limit) by name of the limit, as far as the answers told."""
        return self._limiter.left()

    async def send(self, request: Request) -> Json:
        """Return the JSON of the answer (None if empty), or raise an ApiError.

        Sent again only where that is safe (`retry.py`). Creates of the AI Config family go out one
        at a time. A DELETE of something absent is done.
        """
        attempts = Attempts(request, self._limiter, self.timing)
        async with AsyncExitStack() as turn:
            if request.creates:
                await turn.enter_async_context(self._creates)
            while True:
                result = await self._exchange(request)
                wait_s = attempts.wait_s(result)
                if wait_s is None:
                    break
                logger.info("retrying %s %s in %.1f s", request.method, request.path, wait_s)
                await self.timing.sleep(wait_s)
        if isinstance(result, Answer) and result.status == 404 and request.method == "DELETE":
            return None
        return payload_of(request, result)

    async def get(self, path: str, *, beta: bool = False) -> Mapping[str, Json]:
        """Return one object; raises NotFound. `path` starts after `/api/v2`."""
        payload = await self.send(Request("GET", path, beta=beta))
        if not isinstance(payload, Mapping):
            raise Unreachable(f"the answer to GET {path} is not an object", method="GET", path=path)
        return payload

    async def list(
        self, path: str, *, beta: bool = False, params: Mapping[str, str] | None = None
    ) -> Sequence[Mapping[str, Json]]:
        """Return all items of all pages, the later pages read concurrently (reference 1.6)."""
        query = {"limit": PAGE_LIMIT, **(params or {})}
        first = await self._page(path, beta, query)
        items = [*first.items]
        if first.total is not None and first.items:
            offsets = range(len(first.items), first.total, len(first.items))
            queries = [{**query, "offset": str(offset)} for offset in offsets]
            reads = [partial(self._page, path, beta, later) for later in queries]
            for page in await concurrently(reads):
                items += page.items
            if len(items) >= first.total or not offsets:
                return items
        page = first
        while page.more(len(items), int(query["limit"])):
            page = await self._page(path, beta, {**query, "offset": str(len(items))})
            items += page.items
        return items

    async def _page(self, path: str, beta: bool, query: Mapping[str, str]) -> Page:
        payload = await self.send(Request("GET", f"{path}?{urlencode(query)}", beta=beta))
        return Page.of(payload, path)

    async def _exchange(self, request: Request) -> Result:
        """Send once. All exceptions of the transport end here, so that no cause is chained."""
        route = route_of(request.method, request.path)
        async with self._slots:
            await self._limiter.reserve(route, creates=request.creates)
            started_at = time.perf_counter()
            self.requests.append((request.method, request.path))
            try:
                # Ctrl-C never leaves a write in flight: nobody would know whether it happened.
                with anyio.CancelScope(shield=request.method != "GET"):
                    result: Result = await self._transfer(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                result = Lost(self._words(error), sent=False)
            except (httpx.HTTPError, OSError) as error:
                result = Lost(self._words(error))
            except BaseException:
                self._limiter.release()
                raise
        if isinstance(result, Answer):
            self._limiter.learn(route, result.status, result.headers)
        else:
            self._limiter.release()
        outcome = result.status if isinstance(result, Answer) else result.reason
        took_ms = (time.perf_counter() - started_at) * 1000
        path = request.path.partition("?")[0]
        logger.info("%s %s -> %s (%.0f ms)", request.method, path, outcome, took_ms)
        return result

    async def _transfer(self, request: Request) -> Answer:
        if self._http is None:
            raise RuntimeError("the client is not open; use `async with`")
        headers = {
            **HEADERS,
            "Authorization": self._token.get_secret_value(),
            "LD-API-Version": "beta" if request.beta else API_VERSION,
        }
        content = None
        if request.body is not None:
            content = json.dumps(request.body, ensure_ascii=False, allow_nan=False).encode()
            headers["Content-Type"] = SEMANTIC_PATCH if request.semantic else "application/json"
        url = f"{self.host}/api/v2{request.path}"
        sent = httpx.Request(request.method, url, headers=headers, content=content)
        response = await self._http.send(sent, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._limits.max_bytes:
                    raise httpx.ReadError(f"more than {self._limits.max_bytes} bytes")
        finally:
            await response.aclose()
        return self._answer(request, response, bytes(body))

    def _answer(self, request: Request, response: httpx.Response, body: bytes) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if not body:
            return Answer(response.status_code, headers)
        try:
            payload = json.loads(body)
        except ValueError:
            return Answer(response.status_code, headers, is_json=False)
        if response.status_code >= 400:
            payload = self._without_token(payload)
        return Answer(response.status_code, headers, without_secrets(payload, request.path, body))

    def _words(self, error: Exception) -> str:
        """Return an exception in words, never with its request or the token."""
        text = str(error).strip() or type(error).__name__
        return text.replace(self._token.get_secret_value(), "***")

    def _without_token(self, payload: Json) -> Json:
        """Return an error payload in which an echo of the token is masked."""
        secret = self._token.get_secret_value()
        text = json.dumps(payload)
        return json.loads(text.replace(secret, "***")) if secret in text else payload
