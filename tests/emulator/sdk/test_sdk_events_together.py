"""Bodies that come at the same time: written together, each acknowledged for itself."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ldconf.emulator.events.store import (
    MOST_BODIES,
    MOST_BYTES,
    EventsRefused,
    EventStore,
    Payload,
)
from tests.emulator.sdk.server import PROJECT


@pytest.fixture
def kept() -> Iterator[EventStore]:
    store = EventStore(clock=lambda: 5)
    store.add_now(payload("first"))
    yield store
    store.close()


def payload(key: str, payload_id: str = "", environment: str = "test", times: int = 1) -> Payload:
    events = [{"kind": "custom", "key": key}] * times
    return Payload(PROJECT, environment, payload_id, json.dumps(events).encode(), 5)


def keys(store: EventStore) -> Counter[str]:
    return Counter(dict(store.query("SELECT key, count(*) FROM events GROUP BY key")))


async def together(store: EventStore, payloads: list[Payload]) -> list[Any]:
    """Add all while the writer is held up, so that they wait together; return what each heard."""
    go_on = threading.Event()
    store._writer.submit(go_on.wait)
    adding = [asyncio.create_task(store.add(one)) for one in payloads]
    await asyncio.sleep(0)
    go_on.set()
    return await asyncio.gather(*adding, return_exceptions=True)


def transactions(store: EventStore) -> list[int]:
    """Return the sizes of the groups that are committed from now on."""
    sizes: list[int] = []
    commit = store._commit

    def counted(database: Any, group: Any) -> None:
        sizes.append(len(group))
        commit(database, group)

    store._commit = counted  # type: ignore[method-assign]
    return sizes


async def test_bodies_that_wait_are_committed_in_one_transaction(kept: EventStore) -> None:
    sizes = transactions(kept)
    bodies = [payload(f"k-{number}", f"id-{number}", times=3) for number in range(40)]
    assert await together(kept, bodies) == [None] * 40
    assert sizes == [40]
    assert keys(kept) == {"first": 1} | {f"k-{number}": 3 for number in range(40)}


async def test_each_body_keeps_its_environment_and_its_time(kept: EventStore) -> None:
    bodies = [
        Payload(PROJECT, environment, "", b'[{"kind": "custom", "key": "k"}]', received)
        for environment, received in (("test", 7), ("production", 8))
    ]
    assert await together(kept, bodies) == [None, None]
    found = kept.query("SELECT environment, received, ts FROM events WHERE key = 'k' ORDER BY ts")
    assert found == [("test", 7, 7), ("production", 8, 8)]


@pytest.mark.parametrize("bad", [b"nope", b"", b"\xff\xfe", b"[" * 3000, b'[{"kind": "custom"'])
async def test_a_refused_body_costs_only_itself(kept: EventStore, bad: bytes) -> None:
    bodies = [payload(f"k-{number}") for number in range(9)]
    bodies[2:2] = bodies[6:6] = [Payload(PROJECT, "test", "", bad, 5)]
    heard = await together(kept, bodies)
    refused = [at for at, one in enumerate(heard) if isinstance(one, EventsRefused)]
    assert [bodies[at].body for at in refused] == [bad, bad]
    assert [one for one in heard if one is not None] == [heard[at] for at in refused]
    assert keys(kept) == {"first": 1} | {f"k-{number}": 1 for number in range(9)}
    assert kept.dropped == 2


async def test_a_payload_that_comes_twice_at_once_is_kept_once(kept: EventStore) -> None:
    bodies = [payload("a", "same"), payload("b", "other"), payload("a", "same"), payload("c")]
    elsewhere = payload("d", "same", environment="production")
    assert await together(kept, [*bodies, elsewhere]) == [None] * 5
    assert keys(kept) == {"first": 1, "a": 1, "b": 1, "c": 1, "d": 1}


async def test_a_refused_payload_that_comes_twice_at_once_is_refused_twice(
    kept: EventStore,
) -> None:
    bad = Payload(PROJECT, "test", "same", b"nope", 5)
    heard = await together(kept, [bad, payload("good"), bad])
    assert [type(one) for one in heard] == [EventsRefused, type(None), EventsRefused]
    assert keys(kept) == {"first": 1, "good": 1}


async def test_a_group_has_limits(kept: EventStore) -> None:
    sizes = transactions(kept)
    await together(kept, [payload("k") for _ in range(MOST_BODIES + 3)])
    assert sizes == [MOST_BODIES, 3]
    large = b'[{"kind": "custom", "key": "large"}' + b" " * (MOST_BYTES // 2) + b"]"
    await together(kept, [Payload(PROJECT, "test", "", large, 5)] * 3)
    assert sizes[2:] == [1, 1, 1]
    assert keys(kept) == {"first": 1, "k": MOST_BODIES + 3, "large": 3}


async def test_a_group_that_cannot_be_written_is_acknowledged_to_nobody(kept: EventStore) -> None:
    kept._open().execute("ALTER TABLE payloads RENAME TO elsewhere")
    heard = await together(kept, [payload("a", "1"), payload("b"), payload("c", "2")])
    assert [type(one).__name__ for one in heard] == ["CatalogException"] * 3
    assert keys(kept) == {"first": 1}
    kept._open().execute("ALTER TABLE elsewhere RENAME TO payloads")
    assert await together(kept, [payload("a", "1"), payload("c", "2")]) == [None, None]
    assert keys(kept) == {"first": 1, "a": 1, "c": 1}


async def test_a_sender_that_goes_away_is_kept_and_spoils_nobody(kept: EventStore) -> None:
    go_on = threading.Event()
    kept._writer.submit(go_on.wait)
    gone = asyncio.create_task(kept.add(payload("gone")))
    stays = asyncio.create_task(kept.add(payload("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await stays
    assert gone.cancelled()
    assert keys(kept) == {"first": 1, "gone": 1, "stays": 1}


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    store = EventStore(tmp_path / "events.duckdb", clock=lambda: 5)
    adding = [asyncio.create_task(store.add(payload("k", f"id-{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    store.close()
    assert await asyncio.gather(*adding) == [None] * 20
    again = EventStore(tmp_path / "events.duckdb")
    assert keys(again) == {"k": 20}
    again.close()
