"""How content is written in the two generations of the SDK protocol (protocol notes 1.3 to 1.5)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from ldconf.core.resource import Json
from ldconf.emulator.sdk.content import Content, Item
from ldconf.emulator.sdk.environments import Environment

Event = tuple[str, Json]  # name and data
HEARTBEAT = b":\n\n"
KINDS = {"flags": "flag", "segments": "segment"}


class Protocol(Enum):
    """A generation of the protocol; the value is what people are shown."""

    FDV1 = "FDv1"
    FDV2 = "FDv2"


def etag(environment: Environment, content: Content) -> str:
    """Return the tag of a polled payload."""
    return f'"{environment.id}-{content.version}"'


def selector(environment: Environment, content: Content) -> str:
    """Return the opaque state that an FDv2 client sends back as `basis`."""
    return f"(p:{environment.id}:{content.version})"


def first_events(
    protocol: Protocol, environment: Environment, content: Content, basis: str | None = None
) -> list[Event]:
    """Return what a client is sent when it connects, or polls by FDv2."""
    if protocol is Protocol.FDV1:
        return [("put", {"path": "/", "data": content.payload()})]
    if basis is not None and basis == selector(environment, content):
        return [_intent(environment, content, "none", "up-to-date")]
    reason = "payload-missing" if basis is None else "stale"
    return [
        _intent(environment, content, "xfer-full", reason),
        *(_change(item) for item in content.items.values()),
        _transferred(environment, content),
    ]


def change_events(
    protocol: Protocol, environment: Environment, content: Content, items: Iterable[Item]
) -> list[Event]:
    """Return what connected clients are sent when these items have changed."""
    if protocol is Protocol.FDV1:
        return [_patch(item) for item in items]
    return [
        _intent(environment, content, "xfer-changes", "stale"),
        *(_change(item) for item in items),
        _transferred(environment, content),
    ]


def nothing_of(environment: Environment, content: Content) -> list[Event]:
    """Return the answer to an FDv2 client that asks for kinds of objects that are not served."""
    return [_intent(environment, content, "none", "up-to-date")]


def sse(events: Sequence[Event]) -> bytes:
    """Return events as server-sent events. Only ASCII, so that no reader splits a text."""
    return "".join(_lines(events)).encode()


def poll_body(events: Sequence[Event]) -> dict[str, Json]:
    """Return events as the answer to an FDv2 poll."""
    return {"events": [{"event": name, "data": data} for name, data in events]}


def _lines(events: Sequence[Event]) -> Iterator[str]:
    for name, data in events:
        yield f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _patch(item: Item) -> Event:
    path = f"/{item.section}/{item.key}"
    if item.data is None:
        return "delete", {"path": path, "version": item.version}
    return "patch", {"path": path, "data": item.data}


def _change(item: Item) -> Event:
    about = {"version": item.version, "kind": KINDS[item.section], "key": item.key}
    if item.data is None:
        return "delete-object", about
    return "put-object", {**about, "object": item.data}


def _intent(environment: Environment, content: Content, code: str, reason: str) -> Event:
    payload = {
        "id": environment.id,
        "target": content.version,
        "intentCode": code,
        "reason": reason,
    }
    return "server-intent", {"payloads": [payload]}


def _transferred(environment: Environment, content: Content) -> Event:
    state = {"state": selector(environment, content), "version": content.version}
    return "payload-transferred", state
