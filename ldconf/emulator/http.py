"""HTTP without a framework: a call, a refusal, routes and their lookup. Handlers see only this."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from ldconf.core.resource import Json
from ldconf.emulator.access import Actor
from ldconf.emulator.database import Ref
from ldconf.emulator.events.store import EventStore
from ldconf.emulator.faults import Faults
from ldconf.emulator.sdk.hub import Hub
from ldconf.emulator.store import ACCOUNT, Store

API = "/api/v2"
SEMANTIC = "launchdarkly.semanticpatch"
LARGEST = 2**62
Handler = Callable[..., Json]


class Refusal(Exception):
    """An error answer: status, `code` and `message` (reference 1.4)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str, code: str = "invalid_request") -> Refusal:
    """Return a 400."""
    return Refusal(400, code, message)


def not_found(what: str) -> Refusal:
    """Return a 404."""
    return Refusal(404, "not_found", f"Unknown {what}")


def conflict(message: str) -> Refusal:
    """Return a 409."""
    return Refusal(409, "conflict", message)


def not_implemented(what: str) -> Refusal:
    """Return a 501 that says what the local LaunchDarkly does not do."""
    return Refusal(501, "not_implemented", f"not implemented by the local LaunchDarkly: {what}")


@dataclass(frozen=True)
class Later:
    """The answer of a handler that takes long: done in a thread, without the store's lock."""

    work: Callable[[], Json]


@dataclass(frozen=True)
class Call:
    """One request to a handler. A handler returns the JSON of the answer, or raises `Refusal`."""

    store: Store
    events: EventStore
    hub: Hub
    faults: Faults
    actor: Actor
    method: str
    path: str  # below /api/v2
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    content_type: str = ""
    raw: bytes = b""

    @cached_property
    def body(self) -> Json:
        """The body as JSON; 400 if it is none."""
        try:
            return json.loads(self.raw, parse_constant=_no_constant)
        except (ValueError, RecursionError) as err:
            raise bad_request(f"the request body is not valid JSON: {err}") from None

    @property
    def fields(self) -> dict[str, Json]:
        """The body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise bad_request("the request body must be a JSON object")
        return self.body

    @property
    def is_semantic(self) -> bool:
        """True if the content type names the semantic patch domain model (reference 1.3)."""
        return f"domain-model={SEMANTIC}" in self.content_type.replace(" ", "").replace('"', "")

    def param(self, name: str) -> str | None:
        """Return a query parameter, or None."""
        values = self.query.get(name)
        return values[0] if values else None

    def names(self, name: str) -> frozenset[str]:
        """Return a comma-separated query parameter as a set."""
        text = self.param(name) or ""
        return frozenset(part.strip() for part in text.split(",") if part.strip())

    def integer(self, name: str, default: int, low: int = 0) -> int:
        """Return a query parameter as a number; 400 if it is none or below `low`."""
        text = self.param(name)
        if text is None:
            return default
        try:
            value = int(text)
        except ValueError:
            raise bad_request(f"{name} must be an integer") from None
        if not low <= value <= LARGEST:
            raise bad_request(f"{name} must be from {low} to {LARGEST}")
        return value

    def project(self, key: str) -> Json:
        """Return the document of a project; 404 if there is none."""
        return self.find(Ref(ACCOUNT, "projects", key), f"project {key}")

    def environment(self, project: str, key: str) -> Json:
        """Return the document of an environment; 404 if it or its project does not exist."""
        self.project(project)
        return self.find(Ref(project, "environments", key), f"environment {key}")

    def find(self, ref: Ref, what: str) -> Json:
        """Return a document; 404 saying `what` if there is none."""
        found = self.store.get(ref)
        if found is None:
            raise not_found(what)
        return found

    def refuse_duplicate(self, ref: Ref, what: str, status: int | None = None) -> None:
        """Answer 409 (or what `Faults.duplicate_status` says) if the document exists."""
        if self.store.get(ref) is None:
            return
        status = status or self.faults.duplicate_status
        code = "conflict" if status == 409 else "invalid_request"
        raise Refusal(status, code, f"{what} already exists")

    def refuse_race(self) -> None:
        """Answer 409 `optimistic_locking_error` if the switch says so (reference 22.16)."""
        if self.faults.take_conflict():
            raise Refusal(409, "optimistic_locking_error", "the resource was changed meanwhile")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True)
class Route:
    """A verb and a path below `/api/v2` (`{name}` stands for one segment) with its handler.

    `handler` None: LaunchDarkly documents it, the local one answers 501.
    """

    method: str
    path: str
    handler: Handler | None = None
    status: int = 200
    beta: bool = False
    makes_flag: bool = False  # its 429 may be disguised as a 400 (Q1)
    reads: bool = False  # a POST that writes nothing: its question is too long for a query


@dataclass(frozen=True)
class Found:
    """A route that fits a request, and the values of its path."""

    route: Route
    handler: Handler
    values: tuple[str, ...]


class Router:
    """Finds routes; a literal segment wins over a `{name}`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root: dict[str, Any] = {}
        for route in routes:
            node = self._root
            for segment in route.path.strip("/").split("/"):
                node = node.setdefault("*" if segment.startswith("{") else segment, {})
            node.setdefault("", {})[route.method] = route

    def find(self, method: str, path: tuple[str, ...]) -> Found | Refusal:
        """Return the route, or why not: 501 for a path in no route, 405 for a wrong verb."""
        node = self._root
        values: list[str] = []
        for segment in path:
            inner = node.get(segment) if segment else None
            if inner is None:
                inner = node.get("*") if segment else None
                values.append(segment)
            if inner is None:
                return not_implemented(f"{method} {API}/{'/'.join(path)}")
            node = inner
        methods = node.get("")
        if not methods:
            return not_implemented(f"{method} {API}/{'/'.join(path)}")
        route = methods.get(method)
        if route is None:
            allowed = ", ".join(sorted(methods))
            return Refusal(
                405,
                "method_not_allowed",
                f"{method} is not allowed for {API}/{'/'.join(path)} (only {allowed})",
            )
        if route.handler is None:
            return not_implemented(f"{method} {API}/{'/'.join(path)}")
        return Found(route, route.handler, tuple(values))
