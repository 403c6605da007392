"""Rate limits, races and planned failures (reference 1.5, 22.15, 22.16)."""

from __future__ import annotations

import time

import httpx
import pytest

from ldconf.emulator.faults import ConnectionDropped, Drop
from ldconf.emulator.rates import WINDOW_MS
from ldconf.emulator.server import LocalServer
from tests.emulator.ld import Ld

CONFIGS = "/projects/p/ai-configs"
BODY = {"key": "bot", "name": "Bot"}


async def test_every_answer_has_rate_headers(ld: Ld) -> None:
    for path, status, token in (
        ("/projects", 200, "api-1"),
        ("/projects", 401, ""),
        ("/projects/none", 404, "api-1"),
        ("/nothing", 501, "api-1"),
    ):
        await ld.get(path, status=status, token=token)
        for name in ("Global-Limit", "Global-Remaining", "Route-Limit", "Route-Remaining", "Reset"):
            assert int(ld.headers[f"X-Ratelimit-{name}"]) > 0
    assert int(ld.headers["X-Ratelimit-Reset"]) > ld.clock.now
    assert "X-Ratelimit-Auth-Token-Limit" not in ld.headers


async def test_the_global_limit_is_shared_and_ends_with_its_window(ld: Ld) -> None:
    ld.faults.global_limit = 2
    await ld.get("/projects")
    assert ld.headers["X-Ratelimit-Global-Remaining"] == "1"
    await ld.get("/projects/p")
    answer = await ld.get("/projects", status=429)
    assert answer["code"] == "rate_limited"
    assert ld.headers["X-Ratelimit-Global-Remaining"] == "0"
    ld.clock.now = int(ld.headers["X-Ratelimit-Reset"])
    await ld.get("/projects")


async def test_the_route_limit_counts_patterns_and_verbs(ld: Ld) -> None:
    await ld.ai_config("a")
    await ld.ai_config("b")
    ld.faults.route_limit = 1
    ld.clock.now += WINDOW_MS
    await ld.get(f"{CONFIGS}/a")
    await ld.get(f"{CONFIGS}/b", status=429)
    await ld.patch(f"{CONFIGS}/b", {})


async def test_the_token_limit_has_its_own_headers(ld: Ld) -> None:
    ld.faults.token_limit = 1
    await ld.get("/projects", token="api-one")
    await ld.get("/projects", token="api-two")
    await ld.get("/projects", token="api-one", status=429)
    assert ld.headers["X-Ratelimit-Auth-Token-Remaining"] == "0"
    assert int(ld.headers["X-Ratelimit-Auth-Token-Reset"]) > ld.clock.now


async def test_a_refusal_may_name_a_reset_in_the_past(ld: Ld) -> None:
    ld.faults.throttle_next = 2
    ld.faults.reset_in_past = True
    await ld.get("/projects", status=429)
    assert int(ld.headers["X-Ratelimit-Reset"]) < ld.clock.now
    await ld.get("/projects", status=429)
    assert int(ld.headers["X-Ratelimit-Reset"]) > ld.clock.now
    await ld.get("/projects")


async def test_a_refusal_may_name_seconds_to_wait(ld: Ld) -> None:
    ld.faults.throttle_next = 1
    ld.faults.retry_after_s = 3
    await ld.get("/projects", status=429)
    assert ld.headers["Retry-After"] == "3"
    await ld.get("/projects")
    assert "Retry-After" not in ld.headers


async def test_a_limit_may_be_disguised_on_creates(ld: Ld) -> None:
    ld.faults.disguise_429 = True
    ld.faults.throttle_next = 1
    answer = await ld.post(CONFIGS, BODY, status=400)
    assert answer["code"] == "invalid_request"
    assert "X-Ratelimit-Reset" not in ld.headers
    ld.faults.inject(429, method="POST", path="*/variations")
    await ld.post(CONFIGS, {**BODY, "mode": "agent"})
    await ld.variation("one", status=400)
    await ld.variation("one")
    ld.faults.throttle_next = 1
    await ld.get(CONFIGS, status=429)


@pytest.mark.parametrize("failure", [500, 503, 401, 429])
async def test_one_planned_failure_answers_and_has_no_effect(ld: Ld, failure: int) -> None:
    ld.faults.inject(failure, at=1)
    await ld.get("/projects")
    await ld.post(CONFIGS, BODY, status=failure)
    await ld.get(f"{CONFIGS}/bot", status=404)
    assert ld.faults.requests == 3


async def test_failures_can_be_aimed_at_a_route(ld: Ld) -> None:
    ld.faults.inject(500, method="PATCH", path="/projects/p/*", times=2)
    await ld.ai_config("bot")
    for status in (500, 500, 200):
        await ld.patch(f"{CONFIGS}/bot", {"name": "x"}, status=status)


@pytest.mark.parametrize(("drop", "exists"), [(Drop.BEFORE, False), (Drop.AFTER, True)])
async def test_a_connection_drops_before_or_after_the_effect(
    ld: Ld, drop: Drop, exists: bool
) -> None:
    ld.faults.inject(drop, at=0)
    with pytest.raises(ConnectionDropped):
        await ld.post(CONFIGS, BODY)
    await ld.get(f"{CONFIGS}/bot", status=200 if exists else 404)


@pytest.mark.parametrize(("drop", "exists"), [(Drop.BEFORE, False), (Drop.AFTER, True)])
def test_a_served_connection_really_closes(drop: Drop, exists: bool) -> None:
    ld = Ld()
    ld.faults.inject(drop, method="POST")
    with (
        LocalServer(ld.app, "127.0.0.1", 0) as server,
        httpx.Client(base_url=server.host, headers={"Authorization": "api-1"}) as http,
    ):
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            http.post(f"/api/v2{CONFIGS}", json=BODY)
        found = http.get(f"/api/v2{CONFIGS}/bot")
        assert found.status_code == (200 if exists else 404)


async def test_answers_can_be_slow(ld: Ld) -> None:
    ld.faults.latency_s = 0.05
    start = time.perf_counter()
    await ld.get("/projects")
    assert time.perf_counter() - start >= 0.05
