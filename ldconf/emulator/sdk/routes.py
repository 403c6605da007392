"""The endpoints of server-side SDKs (protocol notes, section 0)."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ldconf.core.resource import Json
from ldconf.emulator.events.store import EventsRefused, EventStore, Payload
from ldconf.emulator.sdk.body import Unreadable, read_body
from ldconf.emulator.sdk.environments import Environment, environment_of
from ldconf.emulator.sdk.hub import Hub, Sdk
from ldconf.emulator.sdk.stream import EventStream
from ldconf.emulator.sdk.wire import Protocol, etag, first_events, nothing_of, poll_body
from ldconf.emulator.store import Store

# Paths of client-side and mobile SDKs.
NOT_SERVED = (
    "/eval/{rest:path}",
    "/meval",
    "/meval/{rest:path}",
    "/msdk/{rest:path}",
    "/sdk/eval/{rest:path}",
    "/sdk/evalx/{rest:path}",
    "/sdk/goals/{rest:path}",
    "/mobile",
    "/mobile/{rest:path}",
    "/mping",
    "/ping/{rest:path}",
    "/events/{rest:path}",
)
ALL_METHODS = ["GET", "POST", "REPORT", "OPTIONS"]
log = logging.getLogger(__name__)
Endpoint = Callable[[Request, Environment], Awaitable[Response]]


def routes(store: Store, hub: Hub, events: EventStore) -> list[BaseRoute]:
    """Return the routes of server-side SDKs, and those that answer 501 to others."""
    site = _Site(store, hub, events)
    return [
        Route("/all", site.known(site.stream_v1), methods=["GET"]),
        Route("/sdk/latest-all", site.known(site.poll_v1), methods=["GET"]),
        Route("/sdk/stream", site.known(site.stream_v2), methods=["GET"]),
        Route("/sdk/poll", site.known(site.poll_v2), methods=["GET"]),
        Route("/sdk/flags", site.known(site.flags), methods=["GET"]),
        Route("/sdk/flags/{key}", site.known(site.flag), methods=["GET"]),
        Route("/sdk/segments/{key}", site.known(site.segment), methods=["GET"]),
        Route("/bulk", site.known(site.bulk), methods=["POST"]),
        Route("/diagnostic", site.known(site.diagnostic), methods=["POST"]),
        *(Route(path, _not_served, methods=ALL_METHODS) for path in NOT_SERVED),
    ]


class _Site:
    def __init__(self, store: Store, hub: Hub, events: EventStore) -> None:
        self._store = store
        self._hub = hub
        self._events = events

    def known(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that is only called with an SDK key of an environment; else 401."""

        async def answer(request: Request) -> Response:
            environment = environment_of(self._store, request.headers.get("authorization"))
            if environment is None:
                return _error(401, "unauthorized", "Invalid SDK key")
            return await endpoint(request, environment)

        return answer

    async def stream_v1(self, request: Request, environment: Environment) -> Response:
        """Stream by FDv1."""
        sdk = _sdk(request, environment, Protocol.FDV1, streams=True)
        return EventStream(self._hub, sdk, None)

    async def stream_v2(self, request: Request, environment: Environment) -> Response:
        """Stream by FDv2, from `basis` on."""
        sdk = _sdk(request, environment, Protocol.FDV2, streams=True)
        return EventStream(self._hub, sdk, request.query_params.get("basis"))

    async def poll_v1(self, request: Request, environment: Environment) -> Response:
        """Answer everything by FDv1; 304 if the client has it."""
        self._hub.polled(_sdk(request, environment, Protocol.FDV1, streams=False))
        content = self._hub.content(environment)
        tag = etag(environment, content)
        headers = {"ETag": tag, "X-LD-EnvID": environment.id}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return _json(content.payload(), headers)

    async def poll_v2(self, request: Request, environment: Environment) -> Response:
        """Answer everything by FDv2, or that the client is up to date."""
        self._hub.polled(_sdk(request, environment, Protocol.FDV2, streams=False))
        content = self._hub.content(environment)
        if "kinds" in request.query_params:  # of other objects than flags and segments
            events = nothing_of(environment, content)
        else:
            basis = request.query_params.get("basis")
            events = first_events(Protocol.FDV2, environment, content, basis)
        return _json(poll_body(events), {"X-LD-EnvID": environment.id})

    async def flags(self, _request: Request, environment: Environment) -> Response:
        """Answer all flags, for SDKs that poll them by themselves."""
        return _json(self._hub.content(environment).payload()["flags"], {})

    async def flag(self, request: Request, environment: Environment) -> Response:
        """Answer one flag."""
        return self._one(request, environment, "flags")

    async def segment(self, request: Request, environment: Environment) -> Response:
        """Answer one segment."""
        return self._one(request, environment, "segments")

    def _one(self, request: Request, environment: Environment, section: str) -> Response:
        key = request.path_params["key"]
        found = self._hub.content(environment).items.get((section, key))
        if found is None:
            return _error(404, "not_found", f"no such item in {section}: {key}")
        return _json(found.data, {})

    async def bulk(self, request: Request, environment: Environment) -> Response:
        """Keep events. Never 4xx: SDKs would stop sending for good (protocol notes 4.1)."""
        try:
            body = await read_body(request)
            payload = Payload(
                environment.project,
                environment.key,
                request.headers.get("x-launchdarkly-payload-id", ""),
                body,
                self._store.clock(),
            )
            await self._events.add(payload)
        except (Unreadable, EventsRefused) as err:
            log.warning("events from %s dropped: %s", request.headers.get("user-agent"), err)
        except ClientDisconnect:
            pass  # it will send them again
        return Response(status_code=202)

    async def diagnostic(self, request: Request, _environment: Environment) -> Response:
        """Take what an SDK says of its own settings; nobody asks for it here."""
        try:
            await read_body(request)
        except (Unreadable, ClientDisconnect) as err:
            log.debug("diagnostic event dropped: %s", err)
        return Response(status_code=202)


async def _not_served(request: Request) -> Response:
    return _error(
        501,
        "not_implemented",
        "the local LaunchDarkly serves server-side SDKs only, no client-side or mobile ones: "
        f"{request.method} {request.url.path}",
    )


def _sdk(request: Request, environment: Environment, protocol: Protocol, *, streams: bool) -> Sdk:
    return Sdk(
        environment=environment,
        name=request.headers.get("user-agent", ""),
        instance=request.headers.get("x-launchdarkly-instance-id", ""),
        protocol=protocol,
        streams=streams,
    )


def _json(body: Json, headers: Mapping[str, str]) -> Response:
    """Return JSON in ASCII: half a surrogate pair can be in a text, but not in UTF-8."""
    text = json.dumps(body, separators=(",", ":"))
    return Response(text, headers=dict(headers), media_type="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status_code=status)
