"""The ASGI app of the REST API: who may do what, faults, one transaction per request, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

import anyio
from starlette.types import Receive, Scope, Send

from ldconf.core.resource import Json
from ldconf.emulator.access import Actor, Tokens
from ldconf.emulator.events.store import EventStore
from ldconf.emulator.faults import ConnectionDropped, Drop, Faults
from ldconf.emulator.http import Call, Found, Later, Refusal, Router, bad_request
from ldconf.emulator.rates import Rates
from ldconf.emulator.rest import ROUTES
from ldconf.emulator.sdk.hub import Hub
from ldconf.emulator.store import Store

MAX_BODY = 10 * 1024 * 1024
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DROP_EXTENSION = "ldconf.drop"  # scope["extensions"][...]: closes the socket (see serve.py)


class RestApp:
    """Answers everything below `/api/v2`. Mount it there."""

    def __init__(
        self, store: Store, faults: Faults, tokens: Tokens, hub: Hub, events: EventStore
    ) -> None:
        self._store = store
        self._hub = hub
        self._events = events
        self._faults = faults
        self._tokens = tokens
        self._rates = Rates(faults, store.clock)
        self._router = Router(ROUTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        incoming = _Incoming.of(scope)
        failure = self._faults.next_failure(incoming.method, "/" + incoming.path)
        if self._faults.latency_s > 0:
            await anyio.sleep(self._faults.latency_s)
        if failure is Drop.BEFORE:
            await _drop(scope, receive)
            return
        extra: dict[str, str] = {}
        try:
            body = await read_body(receive, incoming.headers.one("content-length"))
            actor, found = self._admit(incoming, failure, extra)
            status, answer = found.route.status, self._run(incoming, actor, found, body)
            if isinstance(answer, Later):
                answer = await anyio.to_thread.run_sync(answer.work)
        except Refusal as refusal:
            status = refusal.status
            answer = {"code": refusal.code, "message": refusal.message}
        if failure is Drop.AFTER:
            await _drop(scope, receive)
            return
        await send_json(send, status, answer, extra)

    def _admit(
        self, incoming: _Incoming, failure: int | Drop | None, extra: dict[str, str]
    ) -> tuple[Actor, Found]:
        """Return who calls, and what; raises `Refusal`. `extra` gets the rate headers."""
        actor = self._tokens.actor(incoming.headers.one("authorization"))
        path = tuple(unquote(part) for part in incoming.path.split("/"))
        found = self._router.find(incoming.method, path)
        route = found.route if isinstance(found, Found) else None
        name = f"{route.method} {route.path}" if route else "no route"
        refused, rates = self._rates.count(name, actor.token_id if actor else "")
        extra.update(rates)
        if actor is None:
            raise Refusal(401, "unauthorized", "Invalid access token")
        if isinstance(found, Refusal):
            raise found
        route = found.route
        if failure == 429 and not refused:
            refused = True
            extra.update(self._rates.refusal_headers(self._store.clock()))
        if refused and self._faults.disguise_429 and route.makes_flag:
            extra.clear()
            raise bad_request("the feature flag of the AI Config could not be created")
        if refused:
            raise Refusal(429, "rate_limited", "You've exceeded the API rate limit")
        if isinstance(failure, int):
            raise Refusal(failure, _CODES.get(failure, "internal_service_error"), "injected fault")
        _check_version(incoming.headers, beta=route.beta)
        if not route.reads:
            _check_access(actor, incoming.method)
        return actor, found

    def _run(self, incoming: _Incoming, actor: Actor, found: Found, body: bytes) -> Json:
        """Return the JSON of the answer: a write in one transaction, a read under the lock."""
        call = Call(
            store=self._store,
            events=self._events,
            hub=self._hub,
            faults=self._faults,
            actor=actor,
            method=incoming.method,
            path=incoming.path,
            query=incoming.query,
            content_type=(incoming.headers.one("content-type") or "").lower(),
            raw=body,
        )
        writes = incoming.method in WRITES and not found.route.reads
        hold = self._store.transaction() if writes else self._store.lock
        try:
            with hold:
                return found.handler(call, *found.values)
        except (UnicodeEncodeError, RecursionError) as err:
            raise bad_request(f"the body cannot be stored: {err}") from None


_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict"}


class _Headers:
    """The headers of a request, by lower-case name; a name may stand there twice."""

    def __init__(self, scope: Scope) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1")
            )

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def one(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None


@dataclass(frozen=True)
class _Incoming:
    """The head of a request. `path` lies below `/api/v2` and is still percent-encoded."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: _Headers

    @classmethod
    def of(cls, scope: Scope) -> _Incoming:
        """Read an ASGI scope. A POST may ask to be taken as another verb (reference 1.1)."""
        headers = _Headers(scope)
        method: str = scope["method"]
        override = (headers.one("x-http-method-override") or "").upper()
        if method == "POST" and override in ("PATCH", "PUT", "DELETE"):
            method = override
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.decode("latin-1").partition("?")[0].removeprefix("/api/v2").strip("/")
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(method, path, {name: tuple(values) for name, values in query.items()}, headers)


def _check_version(headers: _Headers, *, beta: bool) -> None:
    """400 for a doubled version header, 403 for a beta resource without it (reference 1.1)."""
    versions = headers.all("ld-api-version")
    if len(versions) > 1 or any("," in version for version in versions):
        raise bad_request("LD-API-Version has too many values")
    if beta and versions != ["beta"]:
        raise Refusal(
            403, "forbidden", "this resource is in beta: send the header `LD-API-Version: beta`"
        )


def _check_access(actor: Actor, method: str) -> None:
    if actor.token.read_only and method in WRITES:
        raise Refusal(403, "forbidden", "Access to the requested resource was denied")


async def read_body(receive: Receive, announced: str | None) -> bytes:
    """Return the body; 413 beyond `MAX_BODY`."""
    too_large = Refusal(413, "request_too_large", f"the body exceeds {MAX_BODY} bytes")
    if announced is not None and announced.isdecimal() and int(announced) > MAX_BODY:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "invalid_request", "the request ended early")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise too_large
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send_json(
    send: Send, status: int, answer: Json, headers: Mapping[str, str] | None = None
) -> None:
    """Send a JSON answer; a 204 has no body."""
    body = b""
    sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    if status != 204:
        text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
        body = text.encode(errors="backslashreplace")  # half a surrogate pair becomes an escape
        sent.append((b"content-type", b"application/json"))
        sent.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


async def _drop(scope: Scope, receive: Receive) -> None:
    """Break the connection: close the socket if there is one, else raise to the caller."""
    close = (scope.get("extensions") or {}).get(DROP_EXTENSION)
    if close is None:
        raise ConnectionDropped
    close()
    while (await receive())["type"] != "http.disconnect":
        pass
