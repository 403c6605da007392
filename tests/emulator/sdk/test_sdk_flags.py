"""Unmodified SDKs on a real socket: what they get, and how quickly."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from ldclient import Context, LDClient

from ldconf.emulator.store import Store
from tests.emulator.sdk.server import MODES, PROJECT, Server, until, variation

CONFIGS = f"/projects/{PROJECT}/ai-configs"
PUSHED = tuple(mode for mode in MODES if "poll" not in mode)


def raw(server: Server, path: str, sdk_key: str | None = None, **headers: str) -> httpx.Response:
    sent = {"Authorization": sdk_key or server.sdk_key(), **headers}
    return server.http.get(path, headers=sent)


class Stream:
    """The events of a stream, as they come."""

    def __init__(self, server: Server, path: str, **params: str) -> None:
        self._http = httpx.Client(base_url=server.host, timeout=10)
        request = self._http.build_request(
            "GET", path, headers={"Authorization": server.sdk_key()}, params=params
        )
        self.answer = self._http.send(request, stream=True)
        self._lines = self.answer.iter_lines()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *problem: Any) -> None:
        self.answer.close()
        self._http.close()

    def next(self) -> tuple[str, Any]:
        """Return name and data of the next event."""
        name = ""
        for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))
        return "", None


@pytest.mark.parametrize("mode", MODES)
def test_an_sdk_starts_in_every_mode(server: Server, mode: str) -> None:
    name = f"start-{MODES.index(mode)}"
    server.ai_config(name, "one", "two")
    with server.connected(mode) as client:
        assert variation(client, name) == "one"


def test_a_change_by_rest_reaches_every_streaming_sdk_within_a_second(server: Server) -> None:
    server.ai_config("quick", "one", "two")
    clients = [server.sdk(mode) for mode in PUSHED]
    server.serve("two", "quick")
    took = until(lambda: all(variation(client, "quick") == "two" for client in clients), 1)
    for client in clients:
        client.close()
    assert took < 1


def test_a_new_prompt_reaches_an_sdk(server: Server) -> None:
    server.ai_config("prompt", "one")
    with server.connected() as client:

        def text() -> str:
            value = client.variation("prompt", Context.create("u"), None)
            return str(value["instructions"])

        server.call("PATCH", f"{CONFIGS}/prompt/variations/one", {"instructions": "I am new"})
        until(lambda: text() == "I am new", 1)
        value = client.variation("prompt", Context.create("u"), None)
        assert value["_ldMeta"]["version"] == 2


@pytest.mark.parametrize("mode", PUSHED)
def test_a_deleted_ai_config_is_gone_and_may_come_back(server: Server, mode: str) -> None:
    name = f"phoenix-{PUSHED.index(mode)}"
    server.ai_config(name, "one")
    with server.connected(mode) as client:
        assert variation(client, name) == "one"
        server.call("DELETE", f"{CONFIGS}/{name}")
        until(lambda: variation(client, name) is None, 1)
        server.ai_config(name, "two")  # its versions must not begin anew
        until(lambda: variation(client, name) == "two", 1)


def test_a_stream_tells_only_what_changed(server: Server) -> None:
    server.ai_config("still", "one")
    server.ai_config("moving", "one", "two")
    with Stream(server, "/all") as stream:
        assert stream.answer.headers["transfer-encoding"] == "chunked"
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        name, data = stream.next()
        assert name == "put"
        assert set(data["data"]) == {"flags", "segments"}
        before = data["data"]["flags"]["moving"]["version"]
        server.serve("two", "moving")
        name, data = stream.next()
        assert (name, data["path"]) == ("patch", "/flags/moving")
        assert data["data"]["version"] > before
        server.serve("one", "moving")
        again = stream.next()[1]
        assert again["path"] == "/flags/moving"
        assert again["data"]["version"] > data["data"]["version"]


def test_segments_are_patched_and_deleted(server: Server) -> None:
    segments = f"/segments/{PROJECT}/test"
    with Stream(server, "/all") as stream:
        stream.next()
        server.call("POST", segments, {"key": "beta", "name": "Beta"})
        assert stream.next()[1]["path"] == "/segments/beta"
        patch = [{"op": "add", "path": "/included/0", "value": "u1"}]
        server.call("PATCH", f"{segments}/beta", {"patch": patch})
        _, data = stream.next()
        assert data["data"]["included"] == ["u1"]
        server.call("DELETE", f"{segments}/beta")
        name, gone = stream.next()
        assert (name, gone["path"]) == ("delete", "/segments/beta")
        assert gone["version"] > data["data"]["version"]


def test_another_environment_is_not_told(server: Server) -> None:
    server.ai_config("local", "one", "two")
    with server.connected(sdk_key=server.sdk_key("production")) as client:
        assert variation(client, "local") == "disabled"
    with Stream(server, "/all") as stream:
        stream.next()
        server.serve("two", "local", "production")
        server.serve("two", "local", "test")
        assert stream.next()[1]["data"]["fallthrough"] == {"variation": 2}


def test_fdv2_streams_changes_in_transfers(server: Server) -> None:
    server.ai_config("v2", "one", "two")
    with Stream(server, "/sdk/stream") as stream:
        name, data = stream.next()
        assert (name, data["payloads"][0]["intentCode"]) == ("server-intent", "xfer-full")
        while name != "payload-transferred":
            name, data = stream.next()
        state = data["state"]
        server.serve("two", "v2")
        events = [stream.next() for _ in range(3)]
    names = [name for name, _ in events]
    assert names == ["server-intent", "put-object", "payload-transferred"]
    assert events[0][1]["payloads"][0]["intentCode"] == "xfer-changes"
    assert (events[1][1]["kind"], events[1][1]["key"]) == ("flag", "v2")
    assert events[2][1]["state"] != state


def test_fdv2_tells_a_client_that_it_is_up_to_date(server: Server) -> None:
    server.ai_config("basis", "one", "two")
    full = raw(server, "/sdk/poll").json()["events"]
    assert full[0]["data"]["payloads"][0]["intentCode"] == "xfer-full"
    state = full[-1]["data"]["state"]
    again = server.http.get(
        "/sdk/poll", params={"basis": state}, headers={"Authorization": server.sdk_key()}
    ).json()["events"]
    assert [event["data"]["payloads"][0]["intentCode"] for event in again] == ["none"]
    with Stream(server, "/sdk/stream", basis=state) as stream:
        assert stream.next()[1]["payloads"][0]["intentCode"] == "none"
        server.serve("two", "basis")
        assert stream.next()[1]["payloads"][0]["intentCode"] == "xfer-changes"
    stale = server.http.get(
        "/sdk/poll", params={"basis": state}, headers={"Authorization": server.sdk_key()}
    ).json()["events"]
    assert stale[0]["data"]["payloads"][0] | {"id": "", "target": 0} == {
        "id": "",
        "target": 0,
        "intentCode": "xfer-full",
        "reason": "stale",
    }


def test_fdv2_has_nothing_of_other_kinds(server: Server) -> None:
    events = raw(server, "/sdk/poll?kinds=agent-skill").json()["events"]
    assert [event["data"]["payloads"][0]["intentCode"] for event in events] == ["none"]


def test_a_poll_that_has_everything_is_answered_304(server: Server) -> None:
    server.ai_config("tagged", "one", "two")
    first = raw(server, "/sdk/latest-all")
    tag = first.headers["etag"]
    assert first.headers["x-ld-envid"]
    assert raw(server, "/sdk/latest-all", **{"If-None-Match": tag}).status_code == 304
    server.serve("two", "tagged")
    changed = raw(server, "/sdk/latest-all", **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_poll_does_not_swallow_what_streams_are_to_be_told(server: Server) -> None:
    server.ai_config("both", "one", "two")
    with Stream(server, "/all") as stream:
        stream.next()
        server.app.state.hub._rest_until = time.monotonic() + 60  # as after a long compilation
        server.serve("two", "both")
        raw(server, "/sdk/latest-all")
        assert stream.next()[1]["path"] == "/flags/both"


def test_single_flags_and_segments_can_be_polled(server: Server) -> None:
    server.ai_config("single", "one")
    assert raw(server, "/sdk/flags").json()["single"]["key"] == "single"
    assert raw(server, "/sdk/flags/single").json()["key"] == "single"
    assert raw(server, "/sdk/flags/nope").status_code == 404
    assert raw(server, "/sdk/segments/nope").status_code == 404


@pytest.mark.parametrize("path", ["/all", "/sdk/latest-all", "/sdk/poll", "/sdk/stream"])
@pytest.mark.parametrize("sdk_key", ["sdk-wrong", "api-test", "", "mob-1"])
def test_a_wrong_key_is_401(server: Server, path: str, sdk_key: str) -> None:
    answer = server.http.get(path, headers={"Authorization": sdk_key})
    assert answer.status_code == 401


def test_a_key_with_the_old_prefix_is_let_in(server: Server) -> None:
    assert raw(server, "/sdk/latest-all", f"api_key {server.sdk_key()}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/eval/0123/eyJr"),
        ("GET", "/sdk/evalx/0123/contexts/eyJr"),
        ("REPORT", "/meval"),
        ("GET", "/msdk/evalx/contexts/eyJr"),
        ("GET", "/sdk/goals/0123"),
        ("POST", "/mobile/events/bulk"),
        ("POST", "/events/bulk/0123"),
        ("OPTIONS", "/events/diagnostic/0123"),
    ],
)
def test_other_kinds_of_sdks_are_not_served_yet(server: Server, method: str, path: str) -> None:
    answer = server.http.request(method, path)
    assert answer.status_code == 501
    assert "no client-side or mobile ones" in answer.json()["message"]


def test_versions_rise_over_a_restart(tmp_path: Path) -> None:
    def polled(server: Server) -> tuple[int, str]:
        answer = raw(server, "/sdk/latest-all")
        return answer.json()["flags"]["bot"]["version"], answer.headers["etag"]

    path = tmp_path / "state.sqlite3"
    with Server(Store(path)) as server:
        server.ai_config("bot", "one", "two")
        first = polled(server)
        server.serve("two", "bot")
        second = polled(server)
    with Server(Store(path)) as server:
        assert polled(server) == second
        server.store.put(*_renamed(server.store))  # a change that nobody was there to see
        third = polled(server)
    assert first[0] < second[0] < third[0]


def _renamed(store: Store) -> tuple[Any, Any]:
    from ldconf.emulator.database import Ref

    ref = Ref(PROJECT, "variations", "two", "bot")
    return ref, {**store.get(ref), "instructions": "I am another"}


def test_a_state_begun_anew_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    tags = []
    for name in ("a", "b"):
        with Server(Store(tmp_path / name)) as server:
            server.ai_config("bot", "one")
            tags.append(raw(server, "/sdk/latest-all").headers["etag"])
    assert tags[0] != tags[1]


def test_streams_of_a_deleted_environment_end(server: Server) -> None:
    environments = f"/projects/{PROJECT}/environments"
    made = server.call("POST", environments, {"key": "gone", "name": "Gone", "color": "FFFFFF"})
    headers = {"Authorization": made["apiKey"]}
    with server.http.stream("GET", "/all", headers=headers) as answer:
        received = answer.iter_raw()
        next(received)
        server.call("DELETE", f"{environments}/gone")
        assert list(received) == []
    assert server.http.get("/sdk/latest-all", headers=headers).status_code == 401


def test_connected_sdks_are_known_until_they_leave(server: Server) -> None:
    def sdks() -> list[Any]:
        found: list[Any] = server.call("GET", f"/local/sdks?project={PROJECT}")["items"]
        return [one for one in found if one["streams"]]

    with server.connected("FDv2 stream"):
        until(lambda: any(one["protocol"] == "FDv2" for one in sdks()))
        (one,) = [one for one in sdks() if one["protocol"] == "FDv2"]
        assert (one["environment"], one["sdk"].split("/")[0]) == ("test", "PythonClient")
    until(lambda: not any(one["protocol"] == "FDv2" for one in sdks()))


def test_heartbeats_keep_a_quiet_stream_open(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ldconf.emulator.sdk.stream.HEARTBEAT_S", 0.05)
    headers = {"Authorization": server.sdk_key()}
    with server.http.stream("GET", "/all", headers=headers) as answer:
        beats = [line for line, _ in zip(answer.iter_lines(), range(12), strict=False)]
    assert beats.count(":") >= 4


def test_the_server_stops_at_once_although_streams_are_open() -> None:
    server = Server()
    with server:
        server.ai_config("bot", "one")
        client = server.sdk()
        assert variation(client, "bot") == "one"
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began
        assert variation(client, "bot") == "one"  # from memory
        client.close()
    assert took < 1.5


def test_an_sdk_comes_back_by_itself_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    first = Server(Store(path))
    with first:
        first.ai_config("bot", "one", "two")
        client: LDClient = first.sdk()
        port = int(first.host.rpartition(":")[2])
    store = Store(path)
    second = Server(store)
    second.server._socket.close()
    from ldconf.emulator.server import LocalServer

    second.server = LocalServer(second.app, "127.0.0.1", port, on_stop=second.app.state.hub.close)
    second.http.base_url = httpx.URL(second.host)
    with second:
        second.serve("two", "bot")
        assert until(lambda: variation(client, "bot") == "two", 5) < 5
        client.close()


def test_many_changes_at_once_arrive_and_the_last_one_wins(server: Server) -> None:
    server.ai_config("busy", "one", "two")
    with server.connected() as client:
        for _ in range(20):
            server.serve("two", "busy")
            server.serve("one", "busy")
        server.serve("two", "busy")
        until(lambda: variation(client, "busy") == "two", 1)
        time.sleep(0.05)  # nothing older arrives behind it
        assert variation(client, "busy") == "two"


def test_two_hundred_streams_have_a_change_within_a_second(server: Server) -> None:
    server.ai_config("crowd", "one")
    host, port = server.host.removeprefix("http://").split(":")
    head = f"Host: {host}\r\nAuthorization: {server.sdk_key()}\r\n\r\n"

    async def connected(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 24)
        writer.write(f"GET {path} HTTP/1.1\r\n{head}".encode())
        await reader.readuntil(b"event: put" if path == "/all" else b"event: payload-transferred")
        return reader, writer

    async def crowd() -> float:
        paths = ["/all", "/sdk/stream"] * 100
        streams = await asyncio.gather(*map(connected, paths))
        waiting = [asyncio.create_task(one.readuntil(b"I am changed")) for one, _ in streams]
        began = time.monotonic()
        change = {"instructions": "I am changed"}
        path = f"{CONFIGS}/crowd/variations/one"
        await asyncio.to_thread(server.call, "PATCH", path, change)
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        took = time.monotonic() - began
        for _, writer in streams:
            writer.close()
        return took

    assert asyncio.run(crowd()) < 1
    until(lambda: not _streams(server))


def _streams(server: Server) -> list[Any]:
    return [one for one in server.app.state.hub.connected(PROJECT) if one.sdk.streams]
