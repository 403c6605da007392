"""The hub without a socket: what waits for a stream, and when it is cut off."""

from __future__ import annotations

import json

import anyio
import pytest

from ldconf.emulator.sdk.environments import environment_of
from ldconf.emulator.sdk.hub import POLL_SEEN_MS, Hub, Sdk, Subscriber
from ldconf.emulator.sdk.stream import EventStream
from ldconf.emulator.sdk.wire import Protocol
from tests.emulator.ld import PROJECT, Ld


@pytest.fixture
def hub(ld: Ld) -> Hub:
    found: Hub = ld.app.state.hub
    return found


def an_sdk(ld: Ld, *, streams: bool = True, instance: str = "i") -> Sdk:
    (key, *_) = (one["apiKey"] for one in ld.store.documents(PROJECT, "environments"))
    environment = environment_of(ld.store, key)
    assert environment is not None
    return Sdk(environment, "PythonClient/9", instance, Protocol.FDV1, streams)


async def waiting(subscriber: Subscriber) -> list[bytes | None]:
    """Take what waits for a stream, after what is under way."""
    await anyio.sleep(0.05)
    return [subscriber.queue.get_nowait() for _ in range(subscriber.queue.qsize())]


async def test_a_stream_begins_with_everything(ld: Ld, hub: Hub) -> None:
    await ld.ai_config("bot", "one")
    first = (await waiting(hub.subscribe(an_sdk(ld))))[0]
    assert first is not None
    assert first.startswith(b"event: put\ndata: ")
    data = json.loads(first.removeprefix(b"event: put\ndata: "))
    assert list(data["data"]["flags"]) == ["bot"]


async def test_one_that_does_not_read_is_cut_off(
    ld: Ld, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldconf.emulator.sdk.hub.MOST_WAITING", 3)
    await ld.ai_config("bot", "one", "two")
    slow, quick = hub.subscribe(an_sdk(ld)), hub.subscribe(an_sdk(ld))
    for number in range(5):
        await ld.serve("one" if number % 2 else "two")
        assert len(await waiting(quick)) >= 1
    left = await waiting(slow)
    assert len(left) == 4
    assert left[-1] is None


async def test_a_change_that_changes_no_flag_is_not_told(ld: Ld, hub: Hub) -> None:
    await ld.ai_config("bot", "one")
    subscriber = hub.subscribe(an_sdk(ld))
    await waiting(subscriber)
    await ld.patch(f"/projects/{PROJECT}/ai-configs/bot", {"description": "Other"})
    assert await waiting(subscriber) == []


async def test_closing_ends_streams_and_refuses_new_ones(ld: Ld, hub: Hub) -> None:
    subscriber = hub.subscribe(an_sdk(ld))
    await waiting(subscriber)
    hub.close()
    assert await waiting(subscriber) == [None]
    assert (await waiting(hub.subscribe(an_sdk(ld))))[-1] is None


async def test_a_stream_that_its_client_leaves_is_forgotten(ld: Ld, hub: Hub) -> None:
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    await EventStream(hub, an_sdk(ld), None)({"type": "http"}, receive, send)
    assert hub.connected(PROJECT) == []
    assert len(sent) >= 1


async def test_who_polled_is_connected_for_a_while(ld: Ld, hub: Hub) -> None:
    hub.polled(an_sdk(ld, streams=False))
    hub.polled(an_sdk(ld, streams=False))
    assert len(hub.connected(PROJECT)) == 1
    assert hub.connected("other") == []
    ld.clock.now += POLL_SEEN_MS
    assert hub.connected(PROJECT) == []


async def test_the_list_of_who_polled_does_not_grow_for_ever(
    ld: Ld, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldconf.emulator.sdk.hub.MOST_POLLERS", 2)
    for number in range(4):
        hub.polled(an_sdk(ld, streams=False, instance=f"i{number}"))
    assert [one.sdk.instance for one in hub.connected(PROJECT)] == ["i3", "i2"]
