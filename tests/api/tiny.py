"""A tiny LaunchDarkly: keyed objects with versions, enough for what is wrong with the wire.

Real behaviour is tested on the local LaunchDarkly; this one breaks at an exact request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from scripted import Clock

from ldconf.api.client import Client

COLLECTIONS = ("/metrics/shop", "/metric-groups/shop", "/projects/shop/ai-tools")


@dataclass
class Tiny:
    """`faults` maps the index of a request to a status or to `before` / `after` (dropped).

    `stale` delays the effect of each write on reads by so many reads. `forgets` names fields that
    are accepted and not kept. `before` is called with each request before it is served.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[int, Any] = field(default_factory=dict)
    stale: int = 0
    forgets: frozenset[str] = frozenset()
    versioned: bool = True
    before: Callable[[str, str], None] | None = None
    log: list[tuple[str, str]] = field(default_factory=list)
    _old: dict[str, tuple[int, dict[str, Any] | None]] = field(default_factory=dict)

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [entry for entry in self.log if entry[0] != "GET"]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = urlsplit(scope["raw_path"].decode()).path.removeprefix("/api/v2")
        body = (await receive())["body"]
        index = len(self.log)
        self.log.append((scope["method"], path))
        if self.before is not None:
            self.before(scope["method"], path)
        fault = self.faults.pop(index, None)
        if fault == "before":
            raise ConnectionResetError("dropped")
        if isinstance(fault, int):
            status, answer = fault, {"code": "x", "message": "planned failure"}
        else:
            status, answer = self.answer(scope["method"], path, json.loads(body or b"null"))
        if fault == "after":
            raise ConnectionResetError("dropped")
        content = b"" if answer is None else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return status and JSON of one request."""
        if method == "GET":
            return self._read(path)
        if method == "POST":
            place = f"{path}/{body['key']}"
            if place in self.objects:
                return 409, {"code": "conflict", "message": "key already exists"}
            self._store(place, {**self._kept(body), "_version": 1, "version": 1})
            return 201, self.objects[place]
        if path not in self.objects:
            return 404, {"code": "not_found", "message": "not here"}
        if method == "DELETE":
            self._store(path, None)
            return 204, None
        present = self.objects[path]
        changed = {**present, **self._kept(_patched(body))}
        if changed != present or "ai-tools" in path:  # a tool's PATCH always makes a version
            changed |= {name: present[name] + 1 for name in ("_version", "version")}
        self._store(path, changed)
        return 200, self.objects[path]

    def _kept(self, body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if name not in self.forgets}

    def _store(self, path: str, found: dict[str, Any] | None) -> None:
        self._old[path] = (self.stale, self.objects.get(path))
        if found is None:
            del self.objects[path]
        else:
            self.objects[path] = found

    def _read(self, path: str) -> tuple[int, Any]:
        if path in COLLECTIONS:
            below = [one for place, one in self.objects.items() if place.startswith(path + "/")]
            return 200, {"items": [self._shown(one) for one in below], "totalCount": len(below)}
        reads, old = self._old.get(path, (0, None))
        found = self.objects.get(path)
        if reads > 0:
            self._old[path] = (reads - 1, old)
            found = old
        return (404, {"code": "not_found"}) if found is None else (200, self._shown(found))

    def _shown(self, found: dict[str, Any]) -> dict[str, Any]:
        hidden = () if self.versioned else ("_version", "version")
        return {name: value for name, value in found.items() if name not in hidden}

    def client(self, clock: Clock | None = None) -> Client:
        clock = clock or Clock()
        return Client(
            "http://tiny",
            SecretStr("token"),
            app=self,
            clock=clock,
            sleep=clock.sleep,
            jitter=lambda: 0.0,
        )


def _patched(body: Any) -> dict[str, Any]:
    if isinstance(body, dict) and "patch" not in body:
        return body
    steps = body["patch"] if isinstance(body, dict) else body
    return {
        step["path"].removeprefix("/"): None if step["op"] == "remove" else step["value"]
        for step in steps
    }
