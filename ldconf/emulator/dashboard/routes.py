"""The routes of the page. Answers carry a policy under which nothing but our own files can run."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib.resources import files

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ldconf.core.resource import Json
from ldconf.emulator.access import Tokens
from ldconf.emulator.dashboard import scene
from ldconf.emulator.dashboard.page import STATIC, nothing, page, parts
from ldconf.emulator.dashboard.telemetry import Telemetry
from ldconf.emulator.store import Store

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TYPES = {
    "dashboard.css": "text/css",
    "dashboard.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def routes(
    store: Store, telemetry: Telemetry | None = None, guard: Tokens | None = None
) -> list[BaseRoute]:
    """Return the routes of the page over a store.

    With `guard`, browsers ask for a password, which is an access token: the page shows prompts, so
    whoever may reach it from another machine must be allowed to read them.
    """
    site = _Site(store, telemetry, guard)
    return [
        Route("/", site.page, methods=["GET"]),
        Route(f"{STATIC}parts", site.parts, methods=["GET"]),
        *(Route(f"{STATIC}{name}", _static(name)) for name in _TYPES),
    ]


class _Site:
    def __init__(self, store: Store, telemetry: Telemetry | None, guard: Tokens | None) -> None:
        self._store = store
        self._telemetry = telemetry
        self._guard = guard

    async def page(self, request: Request) -> Response:
        """Answer the whole page of `?project=`, else of the first project."""
        if not self._may_read(request):
            return _ask()
        html, status = await run_in_threadpool(self._page, request.query_params.get("project"))
        body = html.encode(errors="xmlcharrefreplace")  # half a surrogate pair is shown by number
        return Response(body, status, HEADERS, "text/html")

    async def parts(self, request: Request) -> Response:
        """Answer the sections that differ from those whose hashes are in `?seen=`."""
        if not self._may_read(request):
            return _ask()
        wanted = request.query_params.get("project")
        seen = frozenset(request.query_params.get("seen", "").split(","))
        found = await run_in_threadpool(self._parts, wanted, seen)
        return JSONResponse(found, headers=HEADERS)

    def _may_read(self, request: Request) -> bool:
        if self._guard is None:
            return True
        password = _password(request.headers.get("authorization", ""))
        return self._guard.actor(password) is not None

    def _page(self, wanted: str | None) -> tuple[str, int]:
        projects = scene.projects(self._store)
        project = _chosen(projects, wanted)
        if project is None:
            return nothing(), 404 if wanted else 200
        shown = list(parts(self._store, self._telemetry, project["key"]))
        return page(project, projects, shown), 200

    def _parts(self, wanted: str | None, seen: frozenset[str]) -> list[Json]:
        project = _chosen(scene.projects(self._store), wanted)
        if project is None:
            return []
        found = parts(self._store, self._telemetry, project["key"])
        return [
            {"id": part.id, "html": _sendable(part.section())}
            for part in found
            if part.hash not in seen
        ]


def _ask() -> Response:
    asking = {"WWW-Authenticate": 'Basic realm="access token as password", charset="UTF-8"'}
    return Response("an access token is needed as password", 401, {**HEADERS, **asking})


def _password(authorization: str) -> str:
    """Return the password of a `Basic` header, "" if there is none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""
    return decoded.partition(":")[2]


def _sendable(html: str) -> str:
    return html.encode(errors="xmlcharrefreplace").decode()


def _chosen(projects: list[Json], wanted: str | None) -> Json:
    if wanted is None:
        return projects[0] if projects else None
    return next((project for project in projects if project["key"] == wanted), None)


def _static(name: str) -> Response:
    """Return a file that the page loads. A response is an ASGI app that always says the same."""
    body = files(__package__).joinpath("static", name).read_bytes()
    return Response(body, headers=HEADERS, media_type=_TYPES[name])
