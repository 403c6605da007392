"""How fast events are kept, and how fast their use is counted when there are ten million.

    python benchmarks/events_figures.py [MILLIONS]

Bodies go through the event store as a `/bulk` request does, each acknowledged when it is committed:
of 1,000 events and of 8, from one sender after another and from many at once (those that wait share
a transaction). Ten million events would take minutes that way, so the rest is generated inside
DuckDB, straight into the table, with the same columns filled. Prints events per second, the size of
the file, the time of the queries behind `monitor` and the dashboard, and the peak memory.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from ldconf.emulator.events.monitoring import Window, use
from ldconf.emulator.events.recent import recent_events
from ldconf.emulator.events.store import EventStore, Payload

START = 1_790_000_000_000
DAY_MS = 86_400_000
EVENTS = (
    ("$ld:ai:duration:total", 900),
    ("$ld:ai:tokens:ttf", 120),
    ("$ld:ai:tokens:total", 700),
    ("$ld:ai:tokens:input", 500),
    ("$ld:ai:tokens:output", 200),
    ("$ld:ai:generation:success", 1),
    ("$ld:ai:feedback:user:positive", 1),
    ("$ld:ai:tool_call", 1),
)
GENERATE = f"""
INSERT INTO events BY NAME
SELECT {START} + run * {DAY_MS} // $runs AS received, received AS ts, 'p' AS project,
  'test' AS environment, 'custom' AS kind, 'user' AS context_kind,
  'u-' || (run % 100000) AS context_key, e.key AS key,
  e.size * (0.5 + random()) AS metric, 'bot' AS config_key,
  'v' || (run % 4) AS variation_key, 1 + run % 3 AS ai_version,
  md5(run::VARCHAR) AS run_id, 'gpt-4o' AS model_name, 'OpenAI' AS provider_name
FROM range($first, $last) r(run), (VALUES {", ".join(map(str, EVENTS))}) e(key, size)
"""


def body(number: int) -> bytes:
    """Return a body of 1,000 events: 125 runs."""
    events = []
    for run in range(125):
        data = {
            "runId": str(uuid.uuid4()),
            "configKey": "bot",
            "version": 1 + run % 3,
            "modelName": "gpt-4o",
            "providerName": "OpenAI",
            "variationKey": f"v{run % 4}",
        }
        context = {"kind": "user", "key": f"u-{number}-{run}", "plan": "gold"}
        events += [
            {
                "kind": "custom",
                "creationDate": START + number,
                "key": key,
                "context": context,
                "data": data,
                "metricValue": size,
            }
            for key, size in EVENTS
        ]
    return json.dumps(events).encode()


def timed(label: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    work()
    print(f"{label:<58}{time.monotonic() - began:8.2f} s")


async def send(store: EventStore, bodies: list[bytes], name: str, senders: int) -> float:
    """Add the bodies, each sender the next one when its last is acknowledged; return seconds."""
    numbered = iter(enumerate(bodies))

    async def sender() -> None:
        for number, one in numbered:
            await store.add(Payload("p", "test", f"{name}-{number}", one, START))

    began = time.monotonic()
    await asyncio.gather(*(sender() for _ in range(senders)))
    return time.monotonic() - began


def ingestion(store: EventStore) -> None:
    bodies = [body(number) for number in range(30)]
    small = [json.dumps(json.loads(one)[:8]).encode() for one in bodies]
    store.add_now(Payload("p", "test", "first", small[0], START))  # opens the file
    for events, sent, senders in (
        (1000, bodies, 1),
        (1000, bodies, 16),
        (8, small * 10, 1),
        (8, small * 50, 16),
        (8, small * 200, 128),
    ):
        took = asyncio.run(send(store, sent, f"{events}-{senders}", senders))
        print(
            f"bodies of {events:,} events from {senders} at once: "
            f"{len(sent) / took:,.0f} bodies/s, {len(sent) * events / took:,.0f} events/s"
        )


def main() -> None:
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.duckdb"
        store = EventStore(path, keep_days=10_000, clock=lambda: START)
        ingestion(store)
        runs = int(millions * 1_000_000) // len(EVENTS)
        step = 125_000
        began = time.monotonic()
        database = store._open()
        for first in range(0, runs, step):
            last = min(runs, first + step)
            database.execute(GENERATE, {"runs": runs, "first": first, "last": last})
        print(f"{runs * len(EVENTS):,} events generated in {time.monotonic() - began:.1f} s")
        day = Window("p", START, START + DAY_MS)
        hour = Window("p", START, START + DAY_MS // 24)
        timed("use of a day, all levels", lambda: use(store, day))
        timed("use of a day, all levels and 24 time buckets", lambda: use(store, day, DAY_MS // 24))
        timed("use of an hour", lambda: use(store, hour))
        one = Window("p", START, START + DAY_MS, "test", "bot", ("user", "u-7"))
        timed("use of one user in a day", lambda: use(store, one))
        timed("the 50 newest events", lambda: recent_events(store, "p", None, 50))
        (row,) = store.query("SELECT count(*) FROM events")
        store.close()
        print(f"{row[0]:,} events, {path.stat().st_size / 1e6:,.0f} MB on disk")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
