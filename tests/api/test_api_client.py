from __future__ import annotations

import logging
import traceback

import anyio
import anyio.lowlevel
import httpx
import pytest
from pydantic import SecretStr
from scripted import HOST, NOW, TOKEN, Clock, Script, client, failed, ok, seen, sent_json

from ldconf.api.client import Client, Limits
from ldconf.api.host import is_loopback
from ldconf.core.errors import (
    ApiError,
    ApprovalRequired,
    Conflict,
    Forbidden,
    LdconfError,
    NotFound,
    RateLimited,
    SettingsError,
    Unauthorized,
    Unreachable,
)
from ldconf.core.kind import Request

GET = Request("GET", "/projects/shop")
POST = Request("POST", "/projects/shop/ai-configs", {"key": "a", "name": "A"}, creates=True)
PATCH = Request("PATCH", "/projects/shop/ai-configs/a", {"name": "B"})
VARIATION_PATCH = Request("PATCH", "/projects/shop/ai-configs/a/variations/v", {"name": "B"})


def semantic(*kinds: str) -> Request:
    body = {"environmentKey": "test", "instructions": [{"kind": kind} for kind in kinds]}
    return Request("PATCH", "/projects/shop/ai-configs/a/targeting", body, semantic=True)


async def test_headers_are_exact() -> None:
    async with client(ok({})) as api:
        await api.send(PATCH)
        await api.send(Request("GET", "/projects/shop/agent-graphs", beta=True))
        await api.send(semantic("updateTrackEvents"))
    plain, beta, patch = seen(api)
    assert str(plain.url) == f"{HOST}/api/v2/projects/shop/ai-configs/a"
    assert plain.headers.get_list("authorization") == [TOKEN]
    assert plain.headers.get_list("ld-api-version") == ["20240415"]
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["user-agent"].startswith("ldconf/")
    assert sent_json(plain) == {"name": "B"}
    assert beta.headers.get_list("ld-api-version") == ["beta"]
    assert "content-type" not in beta.headers
    assert (
        patch.headers["content-type"] == "application/json; domain-model=launchdarkly.semanticpatch"
    )


async def test_quoted_keys_stay_quoted() -> None:
    async with client(ok({})) as api:
        await api.get("/projects/a%2Fb/ai-configs/Custom.x%20y")
    assert seen(api)[0].url.raw_path == b"/api/v2/projects/a%2Fb/ai-configs/Custom.x%20y"


async def test_empty_answer_is_none() -> None:
    async with client(httpx.Response(204)) as api:
        assert await api.send(Request("DELETE", "/projects/shop/ai-tools/t")) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (400, ApiError),
        (422, ApiError),
        (405, ApiError),
        (501, ApiError),
    ],
)
async def test_error_says_method_path_status_code_message(
    status: int, error: type[ApiError]
) -> None:
    async with client(failed(status, "no such thing", "the_code")) as api:
        with pytest.raises(ApiError) as caught:
            await api.send(PATCH)
    found = caught.value
    assert type(found) is error
    assert (found.method, found.path, found.status) == ("PATCH", PATCH.path, status)
    assert (found.code, found.message) == ("the_code", "no such thing")
    assert found.summary == f"LaunchDarkly answered {status} to PATCH {PATCH.path}: no such thing"
    assert found.hint
    assert api.count == 1


@pytest.mark.parametrize("status", [403, 405])
@pytest.mark.parametrize(
    "message", ["approval is required", "Approval is required for this resource"]
)
async def test_approval_text_is_recognised(status: int, message: str) -> None:
    async with client(failed(status, message, "forbidden")) as api:
        with pytest.raises(ApprovalRequired):
            await api.send(semantic("updateTrackEvents"))


async def test_reasons_of_a_validation_failure_are_shown() -> None:
    body = {"message": "invalid", "errors": [{"attribute": "unit", "reason": "is missing"}]}
    async with client(httpx.Response(400, json=body)) as api:
        with pytest.raises(ApiError, match=r"invalid \[unit: is missing\]"):
            await api.send(PATCH)


async def test_answer_that_is_not_json_is_unreachable() -> None:
    page = httpx.Response(200, html="<html>Sign in</html>")
    async with client(page) as api:
        with pytest.raises(Unreachable, match=r"not JSON \(text/html\)"):
            await api.get("/projects/shop")


async def test_redirect_is_not_followed() -> None:
    moved = httpx.Response(302, headers={"location": "https://evil.example"})
    async with client(moved) as api:
        with pytest.raises(Unreachable, match="redirected"):
            await api.get("/projects/shop")
    assert api.count == 1


async def test_answer_without_end_is_cut() -> None:
    async with client(ok({"text": "x" * 2000}), limits=Limits(max_bytes=1000)) as api:
        with pytest.raises(Unreachable, match="more than 1000 bytes"):
            await api.get("/projects/shop")


@pytest.mark.parametrize("payload", [[1], "text", None])
async def test_get_wants_an_object(payload: object) -> None:
    async with client(ok(payload)) as api:
        with pytest.raises(Unreachable, match="is not an object"):
            await api.get("/projects/shop")


async def test_client_that_is_not_open_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await client(ok({})).get("/projects/shop")


# Retries


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_get_is_repeated_after_5xx(status: int) -> None:
    clock = Clock()
    async with client(failed(status), failed(status), ok({"key": "shop"}), clock=clock) as api:
        assert await api.get("/projects/shop") == {"key": "shop"}
    assert clock.waits == [0.5, 1.0]
    assert api.requests == [("GET", "/projects/shop")] * 3


async def test_get_gives_up_after_five_tries() -> None:
    clock = Clock()
    async with client(failed(500, "boom"), clock=clock) as api:
        with pytest.raises(ApiError, match="500"):
            await api.get("/projects/shop")
    assert clock.waits == [0.5, 1.0, 2.0, 4.0]
    assert api.count == 5


async def test_5xx_waits_for_retry_after() -> None:
    clock = Clock()
    async with client(failed(503, headers={"retry-after": "7"}), ok({}), clock=clock) as api:
        await api.send(GET)
    assert clock.waits == [7.0]


DROPPED = httpx.RemoteProtocolError("server disconnected without sending a response")


@pytest.mark.parametrize(
    "request_",
    [
        GET,
        PATCH,
        Request("DELETE", "/projects/shop/ai-tools/t"),
        semantic("updateFallthroughVariationOrRollout", "replaceTargets", "removeRule"),
        Request("PATCH", "/metrics/shop/m", [{"op": "replace", "path": "/name", "value": "x"}]),
        Request("PATCH", "/metrics/shop/m", {"patch": [{"op": "add", "path": "/unit"}]}),
    ],
    ids=["get", "object", "delete", "semantic", "json-patch", "json-patch-add-member"],
)
@pytest.mark.parametrize("fault", [DROPPED, failed(500)], ids=["dropped", "500"])
async def test_repeatable_request_is_repeated(
    request_: Request, fault: httpx.Response | Exception
) -> None:
    async with client(fault, ok({})) as api:
        await api.send(request_)
    assert api.count == 2


@pytest.mark.parametrize(
    "request_",
    [
        POST,
        VARIATION_PATCH,
        semantic("updateFallthroughVariationOrRollout", "addRule"),
        Request("PATCH", "/metrics/shop/m", [{"op": "remove", "path": "/unit"}]),
        Request("PATCH", "/metrics/shop/m", [{"op": "add", "path": "/tags/-"}]),
    ],
    ids=["post", "variation", "addRule", "json-patch-remove", "json-patch-append"],
)
@pytest.mark.parametrize("fault", [DROPPED, failed(500)], ids=["dropped", "500"])
async def test_other_request_is_not_repeated_after_it_was_sent(
    request_: Request, fault: httpx.Response | Exception
) -> None:
    async with client(fault, ok({})) as api:
        with pytest.raises(ApiError):
            await api.send(request_)
    assert api.count == 1


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("")])
async def test_request_that_was_never_sent_is_repeated(error: Exception) -> None:
    async with client(error, ok({})) as api:
        await api.send(POST)
    assert api.count == 2


async def test_501_is_final() -> None:
    async with client(failed(501, "unknown route")) as api:
        with pytest.raises(ApiError, match="unknown route"):
            await api.get("/nothing")
    assert api.count == 1


async def test_delete_of_something_absent_is_done() -> None:
    async with client(failed(404)) as api:
        assert await api.send(Request("DELETE", "/projects/shop/ai-tools/t")) is None


async def test_transient_delete_is_repeated_every_two_seconds() -> None:
    busy = failed(400, "Could not delete AI Config: still referenced")
    clock = Clock()
    async with client(busy, busy, httpx.Response(204), clock=clock) as api:
        await api.send(Request("DELETE", "/projects/shop/ai-configs/a"))
    assert clock.waits == [2.0, 2.0]


async def test_transient_delete_ends_after_45_seconds() -> None:
    clock = Clock()
    async with client(failed(400, "could not delete AI Config"), clock=clock) as api:
        with pytest.raises(ApiError):
            await api.send(Request("DELETE", "/projects/shop/ai-configs/a"))
    assert sum(clock.waits) == 46.0


async def test_create_repeats_a_400_that_may_be_a_disguised_rate_limit() -> None:
    clock = Clock()
    async with client(failed(400, "could not create flag"), clock=clock) as api:
        with pytest.raises(ApiError):
            await api.send(POST)
    assert api.count == 4
    assert [wait for wait in clock.waits if wait] == [2.0, 5.0, 10.0]


@pytest.mark.parametrize(
    "message", ["`name` must not be empty", "name is too long", "an AI config already exists"]
)
async def test_create_believes_a_400_that_names_a_field_or_a_duplicate(message: str) -> None:
    async with client(failed(400, message)) as api:
        with pytest.raises(ApiError):
            await api.send(POST)
    assert api.count == 1


async def test_create_repeats_a_400_that_says_rate_limit() -> None:
    async with client(failed(400, "rate limit for key creation exceeded"), ok({})) as api:
        await api.send(POST)
    assert api.count == 2


async def test_create_believes_a_400_with_reasons() -> None:
    body = {"message": "bad", "errors": [{"attribute": "mode", "reason": "unknown"}]}
    async with client(httpx.Response(400, json=body)) as api:
        with pytest.raises(ApiError):
            await api.send(POST)
    assert api.count == 1


async def test_create_repeats_a_400_that_says_nothing() -> None:
    async with client(httpx.Response(400, html="<h1>Bad Request</h1>"), ok({})) as api:
        await api.send(POST)
    assert api.count == 2


# Rate limits


async def test_what_is_left_of_the_limits_can_be_asked() -> None:
    headers = {**limited(90, 6), **limited(40, 6, "auth-token", limit=50)}
    async with client(ok({}, headers=headers)) as api:
        assert api.rate_left == {}
        await api.send(GET)
    assert api.rate_left == {"global": (90, 100), "token": (40, 50)}


@pytest.mark.parametrize("request_", [GET, POST, VARIATION_PATCH], ids=["get", "post", "patch"])
async def test_429_is_repeated_for_every_request(request_: Request) -> None:
    clock = Clock()
    headers = {"x-ratelimit-reset": str(int((NOW + 4) * 1000))}
    async with client(failed(429, headers=headers), ok({}), clock=clock) as api:
        await api.send(request_)
    assert clock.waits[0] == 4.0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"x-ratelimit-reset": str(int((NOW - 5) * 1000))}, 5.0),
        ({"x-ratelimit-auth-token-reset": str(int((NOW + 6) * 1000))}, 6.0),
        (
            {
                "retry-after": "2",
                "x-ratelimit-reset": str(int((NOW + 8) * 1000)),
                "x-ratelimit-auth-token-reset": str(int((NOW + 1) * 1000)),
            },
            8.0,
        ),
        ({"x-ratelimit-reset": "0"}, 60.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.2),
        ({"x-ratelimit-reset": "soon"}, 0.2),
        ({}, 0.2),
    ],
    ids=["ip", "past", "token", "longest", "nonsense", "date", "text", "none"],
)
async def test_wait_after_429(headers: dict[str, str], wait: float) -> None:
    clock = Clock()
    async with client(failed(429, headers=headers), ok({}), clock=clock) as api:
        await api.send(GET)
    assert clock.waits[0] == wait


async def test_429_without_end_is_an_error() -> None:
    clock = Clock()
    async with client(failed(429, "slow down"), clock=clock) as api:
        with pytest.raises(RateLimited):
            await api.send(GET)
    assert api.count == 12
    assert clock.waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0, 10.0, 10.0]


async def test_jitter_is_added() -> None:
    clock = Clock()
    api = client(failed(429, headers={"retry-after": "3"}), ok({}), clock=clock)
    api.timing = type(api.timing)(clock, clock.sleep, lambda: 0.25)
    async with api:
        api._limiter.timing = api.timing
        await api.send(GET)
    assert clock.waits == [3.25]


def limited(remaining: int, reset_in: float, kind: str = "global", limit: int = 100):
    reset = "x-ratelimit-auth-token-reset" if kind == "auth-token" else "x-ratelimit-reset"
    return {
        f"x-ratelimit-{kind}-remaining": str(remaining),
        f"x-ratelimit-{kind}-limit": str(limit),
        reset: str(int((NOW + reset_in) * 1000)),
    }


@pytest.mark.parametrize("kind", ["global", "route", "auth-token"])
async def test_exhausted_limit_is_waited_out_before_the_next_request(kind: str) -> None:
    clock = Clock()
    async with client(ok({}, headers=limited(0, 5, kind)), ok({}), clock=clock) as api:
        await api.send(GET)
        await api.send(GET)
    assert clock.waits == [5.0]


async def test_exhausted_route_does_not_delay_other_routes() -> None:
    clock = Clock()
    async with client(ok({}, headers=limited(0, 5, "route")), ok({}), clock=clock) as api:
        await api.send(GET)
        await api.send(PATCH)
    assert clock.waits == []


async def test_requests_slow_down_before_the_limit() -> None:
    clock = Clock()
    async with client(ok({}, headers=limited(5, 6)), clock=clock) as api:
        await api.send(GET)
        await api.send(GET)
    assert clock.waits == [1.0]


async def test_plenty_left_means_no_wait() -> None:
    clock = Clock()
    async with client(ok({}, headers=limited(90, 6)), clock=clock) as api:
        for _ in range(20):
            await api.send(GET)
    assert clock.waits == []


async def test_creates_are_two_seconds_apart_on_a_real_host() -> None:
    clock = Clock()
    async with client(ok({}), clock=clock) as api:
        for _ in range(3):
            await api.send(POST)
        await api.send(GET)
    assert clock.waits == [2.0, 2.0]


@pytest.mark.parametrize("host", ["http://127.0.0.1:8765", "http://localhost:1", "http://[::1]:2"])
async def test_creates_are_not_slowed_on_loopback(host: str) -> None:
    clock = Clock()
    async with client(ok({}), clock=clock, host=host) as api:
        for _ in range(3):
            await api.send(POST)
    assert clock.waits == []


async def test_create_interval_can_be_set() -> None:
    clock = Clock()
    async with client(ok({}), clock=clock, limits=Limits(create_interval_s=0.5)) as api:
        for _ in range(2):
            await api.send(POST)
    assert clock.waits == [0.5]


# Pages


def page(items: list[int], total: int | None = None, count: str = "totalCount", link: bool = False):
    payload: dict[str, object] = {"items": [{"key": str(item)} for item in items]}
    if total is not None:
        payload[count] = total
    if link:
        payload["_links"] = {"next": {"href": "/x"}}
    elif total is None:
        payload["_links"] = {"self": {"href": "/x"}}
    return ok(payload)


def server(total: int, cap: int, count: str | None = "totalCount"):
    def answer(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params.get("offset", "0"))
        limit = min(cap, int(request.url.params["limit"]))
        found = list(range(offset, min(total, offset + limit)))
        more = offset + len(found) < total
        return page(found, None if count is None else total, count or "", link=more)

    return answer


@pytest.mark.parametrize("count", ["totalCount", "total_count", None])
@pytest.mark.parametrize(("total", "pages"), [(0, 1), (50, 1), (51, 2), (205, 5)])
async def test_list_reads_every_page_once(count: str | None, total: int, pages: int) -> None:
    async with client(server(total, 50, count)) as api:
        found = await api.list("/metrics/shop")
    assert [item["key"] for item in found] == [str(number) for number in range(total)]
    assert api.count == pages


async def test_list_follows_a_server_that_gives_smaller_pages() -> None:
    async with client(server(30, 20)) as api:
        assert len(await api.list("/x", params={"limit": "200"})) == 30
    assert [request.url.params.get("offset") for request in seen(api)] == [None, "20"]


async def test_list_without_count_and_links_stops_at_a_short_page() -> None:
    full, short = [{"key": "a"}, {"key": "b"}], [{"key": "c"}]
    async with client(ok({"items": full}), ok({"items": short})) as api:
        assert len(await api.list("/x", params={"limit": "2"})) == 3
    assert api.count == 2


async def test_list_stops_when_the_count_was_too_high() -> None:
    async with client(page([1], 3), page([2], 3), page([], 2)) as api:
        assert len(await api.list("/x", params={"limit": "1"})) == 2


async def test_list_accepts_a_bare_array() -> None:
    async with client(ok([{"key": str(number)} for number in range(60)])) as api:
        assert len(await api.list("/projects/shop/ai-configs/model-configs")) == 60
    assert api.count == 1


async def test_list_of_something_else_is_unreachable() -> None:
    async with client(ok({"message": "hello"})) as api:
        with pytest.raises(Unreachable, match="not a list"):
            await api.list("/x")


async def test_list_passes_filters() -> None:
    async with client(page([], 0)) as api:
        await api.list("/approval-requests", params={"filter": 'status anyOf ["pending"]'})
    assert seen(api)[0].url.params["filter"] == 'status anyOf ["pending"]'


# Secrets


async def test_token_is_in_no_log_error_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = (
        httpx.ConnectError(f"cannot send {TOKEN}"),
        failed(401, f"bad token {TOKEN}"),
    )
    api = client(*answers)
    shown = [repr(api), str(api)]
    async with api:
        for request in (GET, POST):
            with pytest.raises(ApiError) as caught:
                await api.send(request)
            shown += [*traceback.format_exception(caught.value), repr(vars(caught.value))]
            assert caught.value.__cause__ is None
            assert caught.value.__context__ is None
    assert TOKEN not in "\n".join([*shown, caplog.text])
    assert "GET /projects/shop -> 401" in caplog.text


async def test_sdk_keys_are_dropped_from_environments() -> None:
    environment = {
        "_id": "client-side-id",
        "key": "test",
        "apiKey": "sdk-12345678-aaaa",
        "mobileKey": "mob-12345678-aaaa",
        "future": "sdk-12345678-bbbb",
    }
    async with client(
        ok({"items": [environment], "totalCount": 1}),
        ok({"key": "shop", "environments": {"items": [environment]}}),
        ok({"resource": {"environments": [environment], "list": ["mob-12345678-aaaa"]}}),
        ok({"expanded": environment}),
    ) as api:
        clean = {"_id": "client-side-id", "key": "test"}
        assert await api.list("/projects/shop/environments") == [clean]
        assert (await api.get("/projects/shop"))["environments"] == {"items": [clean]}
        assert await api.get("/approval-requests/7") == {
            "resource": {"environments": [clean], "list": []}
        }
        assert await api.get("/projects/shop/ai-configs/a") == {"expanded": clean}


@pytest.mark.parametrize("name", ["mobileKey", r"ap\u0069Key"])
async def test_sdk_keys_are_found_however_their_names_are_written(name: str) -> None:
    text = f'{{"environment": {{"_id": "1", "{name}": "secret", "key": "test"}}}}'
    async with client(httpx.Response(200, text=text)) as api:
        found = await api.get("/projects/shop/ai-configs/a")
    assert found == {"environment": {"_id": "1", "key": "test"}}


async def test_cookies_are_neither_kept_nor_sent() -> None:
    async with client(ok({}, headers={"Set-Cookie": "session=1"}), ok({})) as api:
        await api.send(GET)
        await api.send(GET)
    assert [request.headers.get("cookie") for request in seen(api)] == [None, None]


async def test_property_called_api_key_in_a_tool_schema_stays() -> None:
    tool = {"_id": "1", "schema": {"properties": {"apiKey": {"type": "string"}}}}
    custom = {"customParameters": {"apiKey": "sdk-parameter", "mobileKey": "x"}}
    async with client(ok(tool), ok(custom)) as api:
        assert await api.get("/projects/shop/ai-tools/t") == tool
        assert await api.get("/projects/shop/ai-tools/t") == custom


@pytest.mark.parametrize("token", ["", "two secrets", "secret\n", "sécret"])
def test_token_that_no_header_can_hold_is_refused_unseen(token: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Client(HOST, SecretStr(token))
    assert not token or token.strip() not in str(caught.value)


# Hosts


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("http://app.launchdarkly.com", "plain http is refused for app.launchdarkly.com"),
        ("app.launchdarkly.com", "not a host"),
        ("ftp://app.launchdarkly.com", "not a host"),
        ("https://user:pass@app.launchdarkly.com", "scheme and name only"),
        ("https://app.launchdarkly.com/api/v2", "scheme and name only"),
        ("https://app.launchdarkly.com?x=1", "scheme and name only"),
    ],
)
def test_host_that_could_leak_the_token_is_refused(host: str, words: str) -> None:
    with pytest.raises(LdconfError, match=words) as caught:
        Client(host, SecretStr(TOKEN))
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("http://127.0.0.1:80", True),
        ("http://127.9.9.9", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("https://localhost.evil.example", False),
        ("https://127.0.0.1.evil.example", False),
        ("https://10.0.0.1", False),
        ("nonsense", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_trailing_slash_is_dropped() -> None:
    assert Client(f"{HOST}/", SecretStr(TOKEN)).host == HOST


async def test_application_answers_in_place_of_the_network() -> None:
    async def app(scope, receive, send):
        assert dict(scope["headers"])[b"authorization"] == TOKEN.encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(
            {"type": "http.response.body", "body": b'{"path": "' + scope["raw_path"] + b'"}'}
        )

    async with Client("http://local", SecretStr(TOKEN), app=app) as api:
        assert await api.get("/projects/a%2Fb") == {"path": "/api/v2/projects/a%2Fb"}
        assert api.local


async def test_application_that_drops_the_connection_is_no_answer() -> None:
    async def app(scope, receive, send):
        raise ConnectionResetError("dropped")

    clock = Clock()
    api = Client("http://local", SecretStr(TOKEN), app=app, clock=clock, sleep=clock.sleep)
    async with api:
        with pytest.raises(Unreachable, match="dropped"):
            await api.send(VARIATION_PATCH)


async def test_environment_proxies_are_used_but_not_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    async with (
        Client(HOST, SecretStr(TOKEN)) as far,
        Client("http://127.0.0.1:1", SecretStr(TOKEN)) as near,
    ):
        assert far._http is not None
        assert near._http is not None
        assert any(far._http._mounts.values())
        assert not any(near._http._mounts.values())


async def test_concurrency_is_bounded() -> None:
    running = peak = 0

    async def app(scope, receive, send):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await anyio.lowlevel.checkpoint()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})
        running -= 1

    limits = Limits(concurrency=3)
    async with (
        Client("http://local", SecretStr(TOKEN), app=app, limits=limits) as api,
        anyio.create_task_group() as group,
    ):
        for _ in range(20):
            group.start_soon(api.get, "/x")
    assert peak == 3


async def test_request_that_is_cancelled_while_it_waits_is_not_counted_as_in_flight() -> None:
    async def never(seconds: float) -> None:
        await anyio.sleep_forever()

    transport = Script([ok({}, headers=limited(0, 5))])
    async with Client(
        HOST, SecretStr(TOKEN), transport=transport, clock=Clock(), sleep=never
    ) as api:
        await api.send(GET)
        with anyio.move_on_after(0.01):
            await api.send(GET)
    assert api.count == 1
    assert api._limiter._in_flight == 0
