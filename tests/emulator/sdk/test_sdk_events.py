"""Events on their way in: bodies in every form, each kept once, none lost that was acknowledged."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from ldclient import Context

from ldconf.core.errors import LdconfError
from ldconf.emulator.events.store import DAY_MS, EventsRefused, EventStore, Payload
from ldconf.emulator.store import Store
from tests.emulator.sdk.server import PROJECT, Server, until

CAPTURES = Path(__file__).parent / "captures"
TEST = {"project": PROJECT, "environment": "test"}


def captured(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((CAPTURES / f"{name}.json").read_text())["events"]
    return found


@pytest.fixture
def kept() -> Iterator[EventStore]:
    store = EventStore(clock=lambda: 5)
    yield store
    store.close()


def add(store: EventStore, events: Any, payload_id: str = "", received: int = 5) -> None:
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    store.add_now(Payload(PROJECT, "test", payload_id, body, received))


def rows(store: EventStore, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    return list(store.query(f"SELECT {columns} FROM events WHERE {where} ORDER BY rowid"))


def total(store: EventStore) -> int:
    ((found,),) = store.query("SELECT count(*) FROM events")
    return int(found)


def post(server: Server, body: bytes | Iterator[bytes], **headers: str) -> int:
    sent = {"Authorization": server.sdk_key(), "Content-Type": "application/json", **headers}
    answer = server.http.post("/bulk", content=body, headers=sent)
    assert "date" in answer.headers
    assert answer.status_code != 202 or answer.content == b""
    return answer.status_code


def count(server: Server, key: str) -> int:
    ((found,),) = server.events.query("SELECT count(*) FROM events WHERE key = ?", [key])
    return int(found)


# name of a column -> where an event of an AI SDK says it
DATA = {
    "config_key": "configKey",
    "run_id": "runId",
    "graph_key": "graphKey",
    "tool_key": "toolKey",
    "judge_key": "judgeConfigKey",
    "model_name": "modelName",
    "provider_name": "providerName",
    "ai_version": "version",
}


@pytest.mark.parametrize(
    "capture", ["python-ai-events", "node-ai-events", "python-managed-agent-judge-events"]
)
def test_every_ai_event_is_stored_with_its_fields(kept: EventStore, capture: str) -> None:
    sent = captured(capture)
    add(kept, sent)
    custom = [event for event in sent if event["kind"] == "custom"]
    columns = ("key", "ts", "metric", "context_kind", "context_key", "variation_key", *DATA, "data")
    stored = rows(kept, ", ".join(columns), "kind = 'custom'")
    assert len(stored) == len(custom)
    expected = []
    for event in custom:
        data = event.get("data")
        said = data if isinstance(data, dict) else {}
        context = event["context"]
        whole = None if "configKey" in said or data is None else data
        expected.append(
            (
                event["key"],
                event["creationDate"],
                event.get("metricValue"),
                context["kind"],
                context.get("key"),
                said.get("variationKey") or None,
                *(said.get(name) for name in DATA.values()),
                whole,
            )
        )
    found = [
        (*row[:-1], None if row[-1] is None or "configKey" in row[-1] else json.loads(row[-1]))
        for row in stored
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_exposures_are_feature_events_in_an_experiment(kept: EventStore) -> None:
    sent = captured("python-ai-events")
    add(kept, sent)
    found = kept.query("SELECT flag, variation, variation_key, version, context_key FROM exposures")
    expected = [
        (
            event["key"],
            event["variation"],
            event["value"]["_ldMeta"]["variationKey"],
            event["version"],
            event["context"]["key"],
        )
        for event in sent
        if event["kind"] == "feature" and event.get("reason", {}).get("inExperiment")
    ]
    assert sorted(found) == sorted(expected)
    assert ("support-agent", 1, "treatment", 11, "user-1") in found


def test_debug_events_and_prerequisites_are_no_exposures(kept: EventStore) -> None:
    add(kept, captured("prerequisite-and-debug-events"))
    assert kept.query("SELECT * FROM exposures") == []
    kinds = [row[0] for row in rows(kept, "kind")]
    assert kinds.count("feature") == 2
    assert kinds.count("debug") == 2
    assert rows(kept, "prerequisite_of", "kind = 'feature'") == [("pre",), (None,)]


def test_summaries_are_kept_by_counter_without_the_prompts(kept: EventStore) -> None:
    sent = captured("python-ai-events")
    add(kept, sent)
    (summary,) = [event for event in sent if event["kind"] == "summary"]
    found = kept.query("SELECT flag, variation, version, count, unknown FROM summaries")
    expected = [
        (flag, one.get("variation"), one.get("version"), one["count"], one.get("unknown"))
        for flag, counted in summary["features"].items()
        for one in counted["counters"]
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert ("support-agent", 1, 11, 3, None) in found


def test_contexts_are_kept_whole_and_once(kept: EventStore) -> None:
    add(kept, captured("python-ai-events"))
    found = kept.query("SELECT context_kind, context_key, units, context FROM contexts")
    by_key = {(kind, key): (units, json.loads(context)) for kind, key, units, context in found}
    assert by_key["user", "user-1"][1]["plan"] == "pro"
    units, _ = by_key["multi", None]
    assert units == {"request": "req-9", "user": "user-2"}


def test_a_payload_that_comes_again_is_kept_once(kept: EventStore) -> None:
    events = captured("python-ai-events")
    add(kept, events, "id-1")
    once = total(kept)
    add(kept, events, "id-1")
    assert total(kept) == once
    add(kept, events, "id-2")
    add(kept, events, "")
    add(kept, events, "")
    assert total(kept) == 4 * once


def test_a_payload_that_comes_again_after_a_restart_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    for _ in range(2):
        store = EventStore(path, clock=lambda: 5)
        add(store, [{"kind": "custom", "key": "k"}], "id-1")
        assert total(store) == 1
        store.close()


@pytest.mark.parametrize("body", [b"", b"nope", b"\xff\xfe", b"[" * 3000, b'[{"kind": "custom"'])
def test_what_is_no_json_is_refused_as_a_whole(kept: EventStore, body: bytes) -> None:
    with pytest.raises(EventsRefused):
        add(kept, body)
    assert kept.dropped == 1
    add(kept, [{"kind": "custom", "key": "after"}])
    assert rows(kept, "key") == [("after",)]


@pytest.mark.parametrize(
    "event",
    [
        1,
        None,
        "text",
        [],
        {},
        {"kind": 5},
        {"key": "no kind"},
        {"kind": "summary"},
        {"kind": "summary", "features": 3},
        {"kind": "summary", "features": {"a": 3, "b": {"counters": "x"}}},
        {"kind": "custom", "key": 7, "context": 5, "data": "x", "metricValue": "much"},
        {"kind": "custom", "key": "inf", "metricValue": 1e400, "creationDate": "today"},
        {"kind": "feature", "key": "f", "value": "plain", "reason": [1], "variation": "x"},
        {"kind": "custom", "key": "deep", "data": {"configKey": {"a": [1]}, "version": "v"}},
        {"kind": "index", "context": {"kind": "multi", "user": 3}},
        {"kind": "custom", "key": "$ld:ai:tokens:total", "data": None, "context": {"kind": None}},
        {"kind": "custom", "key": "quote'\"\\;", "context": {"kind": "user", "key": "x'; --"}},
        {"kind": "custom", "key": "big", "metricValue": 10**400, "creationDate": 10**30},
    ],
)
def test_an_event_that_is_not_as_it_should_be_costs_only_itself(
    kept: EventStore, event: Any
) -> None:
    add(kept, [event, {"kind": "custom", "key": "good", "metricValue": 2.5, "creationDate": 9}])
    assert rows(kept, "key, ts, metric", "key = 'good'") == [("good", 9, 2.5)]


def test_nothing_is_opened_before_there_are_events(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    store = EventStore(path)
    assert store.query("SELECT * FROM events") == ()
    store.close()
    assert not path.exists()


def test_old_events_are_dropped() -> None:
    now = [100 * DAY_MS]
    store = EventStore(keep_days=7, clock=lambda: now[0])
    add(store, [{"kind": "custom", "key": "first"}], "a", received=now[0])
    now[0] += 6 * DAY_MS
    add(store, [{"kind": "custom", "key": "second"}], "b", received=now[0])
    assert len(rows(store, "key")) == 2
    now[0] += 2 * DAY_MS
    add(store, [{"kind": "custom", "key": "third"}], "c", received=now[0])
    assert rows(store, "key") == [("second",), ("third",)]
    store.close()


def test_a_file_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    store = EventStore(path)
    add(store, [])
    store._open().execute("UPDATE format SET version = 99")
    store.close()
    with pytest.raises(LdconfError, match="written by a newer ldconf"):
        add(EventStore(path), [])


def test_a_file_that_is_none_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    path.write_text("this is no database, but it is long enough to be read as one" * 100)
    with pytest.raises(LdconfError, match="cannot open the events") as caught:
        add(EventStore(path), [])
    assert caught.value.hint == "move the file away to start without events"


def test_without_duckdb_the_pip_line_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(LdconfError, match="needs the package duckdb") as caught:
        add(EventStore(), [])
    assert caught.value.hint == 'pip install "ldconf[dev]"'


def test_queries_go_on_while_a_body_is_written(kept: EventStore) -> None:
    many = [{"kind": "custom", "key": "k", "metricValue": 1}] * 20_000
    add(kept, many[:1])
    writer = threading.Thread(target=add, args=(kept, many))
    writer.start()
    seen = set()
    while writer.is_alive():
        seen.add(total(kept))
    writer.join()
    assert seen <= {1, 20_001}  # a body is there as a whole or not at all
    assert total(kept) == 20_001


# Over HTTP


@pytest.mark.parametrize("form", ["plain", "gzip", "chunked", "chunked gzip"])
def test_bodies_come_in_every_form(server: Server, form: str) -> None:
    body = json.dumps([{"kind": "custom", "key": form, "creationDate": 1}] * 50).encode()
    headers = {}
    if "gzip" in form:
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    content = iter([body[:20], body[20:]]) if "chunked" in form else body
    assert post(server, content, **headers) == 202
    assert count(server, form) == 50


@pytest.mark.parametrize("body", [b"nope", b"", b"\xff", b'{"kind": "custom"}', b"[1]"])
def test_bad_bodies_are_answered_202_all_the_same(server: Server, body: bytes) -> None:
    assert post(server, body) == 202


def test_what_is_not_gzip_or_ends_early_is_answered_202(server: Server) -> None:
    packed = gzip.compress(b'[{"kind": "custom", "key": "half"}]')
    assert post(server, b"plain", **{"Content-Encoding": "gzip"}) == 202
    assert post(server, packed[:-9], **{"Content-Encoding": "gzip"}) == 202
    assert count(server, "half") == 0


def test_a_body_that_unpacks_to_more_than_memory_is_dropped(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldconf.emulator.sdk.body.MOST_BYTES", 1000)
    bomb = gzip.compress(b"[" + b" " * 100_000 + b'{"kind": "custom", "key": "bomb"}]')
    assert post(server, bomb, **{"Content-Encoding": "gzip"}) == 202
    assert post(server, b"[" + b" " * 100_000 + b"]") == 202
    assert count(server, "bomb") == 0


def test_events_need_an_sdk_key(server: Server) -> None:
    assert post(server, b"[]", Authorization="sdk-wrong") == 401


def test_diagnostics_are_taken(server: Server) -> None:
    headers = {"Authorization": server.sdk_key()}
    for body in (b'{"kind": "diagnostic-init"}', b"nope"):
        answer = server.http.post("/diagnostic", content=body, headers=headers)
        assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("compressed", [False, True])
def test_what_an_sdk_sends_arrives(server: Server, compressed: bool) -> None:
    key = f"sent-{compressed}"
    server.ai_config(key, "one")
    with server.connected(enable_event_compression=compressed) as client:
        client.variation(key, Context.create("ann"), None)
        client.track(key, Context.create("ann"), {"configKey": key}, 42.5)
        client.identify(Context.create("ann"))
    found = server.events.query(
        "SELECT kind, metric, count, variation_key, environment FROM events"
        " WHERE key = ? ORDER BY kind",
        [key],
    )
    assert found == [
        ("custom", 42.5, None, None, "test"),
        ("summary", None, 1, "one", "test"),
    ]


def test_recent_events_are_shown_newest_first(server: Server) -> None:
    with server.connected() as client:
        client.track("older", Context.create("ann"))
        client.flush()
        until(lambda: count(server, "older") == 1)
        client.track("newer", Context.create("ann"), None, 3)
        client.flush()
        until(lambda: count(server, "newer") == 1)
        found = server.call("GET", f"/local/events?project={PROJECT}&limit=2")["items"]
    assert [one["key"] for one in found] == ["newer", "older"]
    assert found[0] | {"received": 0, "at": 0} == {
        "received": 0,
        "at": 0,
        "environment": "test",
        "kind": "custom",
        "key": "newer",
        "contextKind": "user",
        "contextKey": "ann",
        "metricValue": 3.0,
    }


def test_the_loop_goes_on_while_events_are_written(server: Server) -> None:
    body = json.dumps([{"kind": "custom", "key": "bulky"}] * 60_000).encode()
    poster = threading.Thread(target=post, args=(server, body))
    poster.start()
    longest = 0.0
    while poster.is_alive():
        began = time.monotonic()
        headers = {"Authorization": server.sdk_key()}
        assert server.http.get("/sdk/latest-all", headers=headers).status_code == 200
        longest = max(longest, time.monotonic() - began)
    poster.join()
    assert count(server, "bulky") == 60_000
    assert longest < 0.5


KILLED = """
import sys
from pathlib import Path
from ldconf.emulator.serve import DevOptions, run

options = DevOptions(Path(sys.argv[1]), "p", ["test"], port=0)
run(options, lambda access: print(access.host, access.sdk_keys["test"], flush=True))
"""


def post_until_killed(host: str, sdk_key: str, name: str, first: threading.Event) -> int:
    """Send bodies of five events until the server is gone; return how many were acknowledged."""
    acknowledged = 0
    headers = {"Authorization": sdk_key}
    with (
        httpx.Client(base_url=host, headers=headers, timeout=10) as http,
        contextlib.suppress(httpx.TransportError),
    ):
        for number in range(100_000):
            body = [{"kind": "custom", "key": f"{name}-{number}"}] * 5
            ids = {"X-LaunchDarkly-Payload-ID": f"{name}-{number}"}
            if http.post("/bulk", json=body, headers=ids).status_code == 202:
                acknowledged += 1
                first.set()
    return acknowledged


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    first = threading.Event()
    with (
        ThreadPoolExecutor() as senders,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        host, sdk_key = process.stdout.readline().split()
        sending = {
            name: senders.submit(post_until_killed, host, sdk_key, name, first)
            for name in ("a", "b", "c")
        }
        assert first.wait(10)
        time.sleep(0.5)  # whatever it is doing then
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        acknowledged = {name: one.result() for name, one in sending.items()}
    store = EventStore(tmp_path / "events.duckdb")
    found = store.query("SELECT split_part(key, '-', 1), key, count(*) FROM events GROUP BY ALL")
    store.close()
    assert sum(acknowledged.values()) > 3
    kept = Counter(name for name, _, _ in found)
    for name, heard in acknowledged.items():
        # one more may have been committed whose answer was lost; none is there by half
        assert kept[name] in (heard, heard + 1)
    assert {number for _, _, number in found} == {5}


def test_a_server_that_stops_has_written_everything(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    with Server(Store(tmp_path / "state"), EventStore(path)) as server:
        client = server.sdk()
        client.track("last", Context.create("ann"))
        client.close()
    store = EventStore(path)
    assert store.query("SELECT count(*) FROM events WHERE key = 'last'") == [(1,)]
    store.close()


def test_a_body_that_cannot_be_written_leaves_nothing_and_is_not_acknowledged(
    kept: EventStore,
) -> None:
    add(kept, [])
    kept._open().execute("DROP TABLE payloads")  # as a failing disk would
    with pytest.raises(Exception, match="payloads"):
        add(kept, [{"kind": "custom", "key": "half"}], "id-1")
    assert total(kept) == 0
    assert kept.dropped == 0
