"""The ASGI app of the local LaunchDarkly."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from ldconf.emulator.access import Token, Tokens
from ldconf.emulator.dashboard.routes import routes as dashboard
from ldconf.emulator.events.store import EventStore
from ldconf.emulator.faults import Faults
from ldconf.emulator.rest_app import RestApp, send_json
from ldconf.emulator.sdk.hub import Hub
from ldconf.emulator.sdk.routes import routes as sdk
from ldconf.emulator.store import Store
from ldconf.emulator.telemetry import LiveTelemetry

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def create_app(
    store: Store,
    faults: Faults | None = None,
    *,
    events: EventStore | None = None,
    tokens: Sequence[Token | str] = (),
    any_host: bool = False,
) -> Starlette:
    """Return the app over a store. Without `tokens` every plausible access token is let in.

    `events` keeps what SDKs report, in memory if not given; the caller closes it.

    Requests for a host that is not loopback are refused (a web page elsewhere may point its own
    name at this machine) unless `any_host`. `app.state` holds `store`, `faults`, `hub`, `events`.
    """
    faults = faults if faults is not None else Faults()
    known = Tokens([Token(token) if isinstance(token, str) else token for token in tokens])
    events = events if events is not None else EventStore(clock=store.clock)
    hub = Hub(store)
    app = Starlette(
        routes=[
            Mount("/api/v2", app=RestApp(store, faults, known, hub, events)),
            *sdk(store, hub, events),
            *dashboard(store, LiveTelemetry(store, hub, events), guard=known if any_host else None),
        ],
        middleware=[] if any_host else [Middleware(LoopbackOnly)],
        exception_handlers={HTTPException: _unknown_route, Exception: _crashed},
    )
    app.state.store = store
    app.state.faults = faults
    app.state.hub = hub
    app.state.events = events
    return app


class LoopbackOnly:
    """Refuses requests whose `Host` is not this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http":
            host = dict(scope["headers"]).get(b"host", b"localhost").decode("latin-1")
            if host_name(host) not in LOOPBACK:
                message = f"the local LaunchDarkly answers only on loopback addresses, not {host}"
                await send_json(send, 403, {"code": "forbidden", "message": message})
                return
        await self._app(scope, receive, send)


def host_name(host: str) -> str:
    """Return a `Host` header without its port, in lower case."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.rpartition(":")[0] if name.count(":") == 1 else name


async def _unknown_route(request: Request, error: Exception) -> JSONResponse:
    message = f"not implemented by the local LaunchDarkly: {request.method} {request.url.path}"
    status = error.status_code if isinstance(error, HTTPException) else 501
    if status == 404:
        return JSONResponse({"code": "not_implemented", "message": message}, status_code=501)
    return JSONResponse({"code": "method_not_allowed", "message": message}, status_code=status)


async def _crashed(request: Request, error: Exception) -> JSONResponse:
    message = f"the local LaunchDarkly failed on {request.method} {request.url.path}: {error!r}"
    return JSONResponse({"code": "internal_service_error", "message": message}, status_code=500)
