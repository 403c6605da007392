"""Reference 1 and 22.1-22.3: who is let in, headers, verbs, bodies, unknown routes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ldconf.emulator.access import READ_ONLY_TOKEN, SERVICE_TOKEN, Token
from ldconf.emulator.rest_app import MAX_BODY
from tests.emulator.ld import Ld


@pytest.mark.parametrize(
    "token",
    ["", "Bearer api-1", "sdk-0000", "mob-0000"],
    ids=["none", "bearer", "sdk key", "mobile key"],
)
async def test_what_is_no_access_token_is_refused(ld: Ld, token: str) -> None:
    answer = await ld.get("/projects", token=token, status=401)
    assert answer["code"] == "unauthorized"


async def test_any_access_token_is_let_in_when_none_is_configured(ld: Ld) -> None:
    await ld.get("/projects", token="whatever-token")


async def test_only_configured_tokens_are_let_in() -> None:
    ld = Ld(tokens=["api-known", Token("api-reader", read_only=True)])
    await ld.get("/projects", token="api-known")
    await ld.get("/projects", token="api-other", status=401)
    await ld.get("/projects", token="api-reader")
    body = {"key": "x", "name": "X"}
    await ld.post("/projects", body, token="api-reader", status=403)


async def test_a_read_only_token_reads_and_cannot_write(ld: Ld) -> None:
    await ld.get("/projects/p", token=READ_ONLY_TOKEN)
    body = {"key": "bot", "name": "Bot"}
    answer = await ld.post("/projects/p/ai-configs", body, token=READ_ONLY_TOKEN, status=403)
    assert answer["code"] == "forbidden"
    assert "approval" not in answer["message"]


async def test_a_service_token_has_no_member(ld: Ld) -> None:
    assert (await ld.get("/members/me"))["email"] == "owner@local.example"
    await ld.get("/members/me", token=SERVICE_TOKEN, status=404)
    caller = await ld.get("/caller-identity", token=SERVICE_TOKEN)
    assert caller["serviceToken"] is True
    assert "memberId" not in caller


@pytest.mark.parametrize(
    "path",
    [
        "/projects/p/agent-graphs",
        "/projects/p/metric-groups",
        "/approval-requests/projects/p/settings",
    ],
)
async def test_beta_resources_need_the_beta_header(ld: Ld, path: str) -> None:
    assert (await ld.get(path, status=403))["code"] == "forbidden"
    await ld.get(path, status=403, headers={"LD-API-Version": "20240415"})
    await ld.get(path, beta=True)


async def test_a_doubled_version_header_is_refused(ld: Ld) -> None:
    headers = [("Authorization", "a"), ("LD-API-Version", "beta"), ("LD-API-Version", "beta")]
    answer = await ld.http.get("/api/v2/projects", headers=headers)
    assert answer.status_code == 400


async def test_post_with_method_override_is_that_method(ld: Ld) -> None:
    override = {"X-HTTP-Method-Override": "PATCH"}
    patch = [{"op": "replace", "path": "/name", "value": "New"}]
    answer = await ld.post("/projects/p", patch, status=200, headers=override)
    assert answer["name"] == "New"


async def test_unknown_fields_are_ignored_silently(ld: Ld) -> None:
    body = {"key": "bot", "name": "Bot", "archived": True, "nonsense": 1}
    made = await ld.post("/projects/p/ai-configs", body)
    assert "nonsense" not in made
    assert "archived" not in made


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks",
        "/projects/p/releases/x",
        "/approval-requests/projects",
        "/",
        "//",
        "/projects//x",
    ],
)
async def test_an_unknown_route_says_its_name(ld: Ld, path: str) -> None:
    answer = await ld.get(path, status=501)
    assert answer["code"] == "not_implemented"
    assert path.strip("/") in answer["message"]


async def test_paths_outside_the_api_are_not_implemented_either(ld: Ld) -> None:
    answer = await ld.http.get("/sdk/other")
    assert (answer.status_code, answer.json()["code"]) == (501, "not_implemented")
    assert "/sdk/other" in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/flags/p"),
        ("GET", "/projects/p/ai-configs/skills"),
        ("GET", "/projects/p/ai-configs/quick-stats"),
        ("POST", "/projects/p/environments/test/holdouts"),
        ("GET", "/projects/p/layers"),
        ("POST", "/auditlog"),
    ],
)
async def test_documented_routes_that_do_nothing_here_say_so(
    ld: Ld, method: str, path: str
) -> None:
    answer = await ld.call(method, path, {}, status=501)
    assert f"{method} /api/v2{path}" in answer["message"]


async def test_a_wrong_verb_on_a_known_path_is_not_allowed(ld: Ld) -> None:
    answer = await ld.put("/projects", {}, status=405)
    assert answer["code"] == "method_not_allowed"
    assert "GET, POST" in answer["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(ld: Ld, body: bytes) -> None:
    answer = await ld.http.post(
        "/api/v2/projects", content=body, headers={"Authorization": "api-1"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_body_that_is_no_object_is_refused(ld: Ld) -> None:
    await ld.post("/projects", ["x"], status=400)


async def test_a_body_beyond_the_limit_is_refused(ld: Ld) -> None:
    async def chunks() -> object:
        for _ in range(11):
            yield b"x" * (MAX_BODY // 10)

    for content in (b"x" * (MAX_BODY + 1), chunks()):
        answer = await ld.http.post(
            "/api/v2/projects", content=content, headers={"Authorization": "api-1"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


async def test_a_crash_answers_json_and_is_raised(ld: Ld) -> None:
    ld.store.close()
    quiet = httpx.ASGITransport(app=ld.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=quiet, base_url="http://localhost") as http:
        answer = await http.get("/api/v2/projects/p", headers={"Authorization": "api-1"})
    # the project itself is still in memory; what is not loaded yet cannot be read any more
    assert answer.status_code == 200
    async with httpx.AsyncClient(transport=quiet, base_url="http://localhost") as http:
        answer = await http.get("/api/v2/metrics/p", headers={"Authorization": "api-1"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_service_error")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8765", 200),
        ("127.0.0.1", 200),
        ("[::1]:8765", 200),
        ("LOCALHOST", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:8765", 403),
        ("0.0.0.0", 403),
    ],
)
async def test_only_loopback_hosts_are_answered(ld: Ld, host: str, status: int) -> None:
    answer = await ld.get("/projects", status=status, headers={"Host": host})
    if status == 403:
        assert host in answer["message"]


async def test_other_hosts_are_answered_when_told_so() -> None:
    ld = Ld(any_host=True)
    await ld.get("/projects", headers={"Host": "ci-box.example"})


async def test_every_answer_is_json(ld: Ld) -> None:
    for path, status in (("/projects/p", 200), ("/projects/none", 404), ("/none", 501)):
        answer = await ld.http.get(f"/api/v2{path}", headers={"Authorization": "api-1"})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/json"
        json.loads(answer.content)


async def test_keys_with_escapes_are_found(ld: Ld) -> None:
    await ld.get("/projects/%70")
    answer = await ld.get("/projects/p%2Fx", status=404)
    assert "p/x" in answer["message"]


async def test_pages_link_to_each_other(ld: Ld) -> None:
    for number in range(5):
        await ld.ai_config(f"c{number}")
    first = await ld.get("/projects/p/ai-configs?limit=2")
    assert [found["key"] for found in first["items"]] == ["c0", "c1"]
    assert first["totalCount"] == 5
    assert set(first["_links"]) == {"self", "first", "last", "next"}
    second = await ld.get(first["_links"]["next"]["href"].removeprefix("/api/v2"))
    assert [found["key"] for found in second["items"]] == ["c2", "c3"]
    assert set(second["_links"]) == {"self", "first", "last", "next", "prev"}
    last = await ld.get(first["_links"]["last"]["href"].removeprefix("/api/v2"))
    assert [found["key"] for found in last["items"]] == ["c4"]
    beyond = await ld.get("/projects/p/ai-configs?offset=9")
    assert beyond["items"] == []


async def test_a_limit_above_the_maximum_is_lowered_silently(ld: Ld) -> None:
    for number in range(51):
        body = {"key": f"m{number}", "kind": "custom", "eventKey": "e", "isNumeric": False}
        await ld.post("/metrics/p", body)
    assert len((await ld.get("/metrics/p?limit=1000"))["items"]) == 50


@pytest.mark.parametrize("query", ["limit=x", "limit=0", "offset=-1"])
async def test_a_bad_page_is_refused(ld: Ld, query: str) -> None:
    await ld.get(f"/projects/p/ai-configs?{query}", status=400)


async def test_a_wrong_verb_outside_the_api_is_not_allowed(ld: Ld) -> None:
    ld.app.router.routes.append(Route("/only-get", lambda _: PlainTextResponse("hello")))
    answer = await ld.http.post("/only-get")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_a_request_that_ends_early_has_no_effect(ld: Ld) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v2/projects",
        "query_string": b"",
        "headers": [(b"authorization", b"api-1")],
    }
    await ld.app(scope, receive, send)
    assert sent[0]["status"] == 400
