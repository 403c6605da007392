"""Reading the live state: what is asked, what is understood, what is said to be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import anyio
import httpx
import pytest
from pydantic import SecretStr
from scripted import client, failed, ok, seen

from ldconf.api.client import Client
from ldconf.api.live import Wants, environment, read_live
from ldconf.api.reader import LiveReader
from ldconf.core.errors import ApiError, Forbidden, NotFound
from ldconf.core.live import Environment, PendingApproval, RunningExperiment

EMPTY: dict[str, Any] = {"items": [], "totalCount": 0}
TARGETING = {
    "key": "bot",
    "variations": [
        {"_id": "id-off", "name": "disabled", "value": {"_ldMeta": {"enabled": False}}},
        {"_id": "id-a", "name": "A", "value": {"_ldMeta": {"enabled": True, "variationKey": "a"}}},
        {"_id": "id-b", "name": "B", "value": {"_ldMeta": {"enabled": True, "variationKey": "b"}}},
    ],
    "environments": {"test": {"enabled": True, "fallthrough": {"variation": 0}, "_version": 1}},
}


def server(routes: Mapping[str, Any]) -> Client:
    """Return a client of a project `shop` whose lists are empty except for these routes."""
    known: dict[str, Any] = {
        "/projects/shop": {"key": "shop", "name": "Shop"},
        "/projects/shop/environments": {
            "items": [{"key": "test", "name": "Test"}],
            "totalCount": 1,
        },
        "/members/me": {"_id": "member-1"},
        "/projects/shop/ai-configs/model-configs": [],
        **routes,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path).removeprefix("/api/v2")
        found = known.get(path, EMPTY)
        if callable(found):
            found = found(request)
        if isinstance(found, int):
            return failed(found, "planned failure")
        return ok(found)

    return client(answer)


async def read(routes: Mapping[str, Any], wants: Wants | None = None):
    async with server(routes) as api:
        return await read_live(api, "shop", wants or Wants())


async def test_empty_project_costs_one_request_per_list_and_three() -> None:
    async with server({}) as api:
        live = await read_live(api, "shop")
    assert live.observed == {}
    assert live.unknown == ()
    assert live.member == "member-1"
    assert sorted(path.partition("?")[0] for _, path in api.requests) == [
        "/members/me",
        "/metrics/shop",
        "/projects/shop",
        "/projects/shop/agent-graphs",
        "/projects/shop/ai-configs",
        "/projects/shop/ai-configs/model-configs",
        "/projects/shop/ai-tools",
        "/projects/shop/environments",
        "/projects/shop/experiments",
        "/projects/shop/metric-groups",
        "/segments/shop/test",
    ]


async def test_project_that_is_not_there_is_named() -> None:
    routes = {"/projects/shop": 404, "/projects/shop/environments": 404}
    with pytest.raises(NotFound, match="project 'shop' does not exist") as caught:
        await read(routes)
    assert caught.value.hint
    assert "not its name" in caught.value.hint


async def test_environments_that_alone_are_hidden_stay_an_error() -> None:
    with pytest.raises(NotFound, match="environments"):
        await read({"/projects/shop/environments": 404})


@pytest.mark.parametrize("status", [403, 404])
async def test_service_token_has_no_member(status: int) -> None:
    live = await read({"/members/me": status})
    assert live.member is None


async def test_failure_of_a_kind_is_raised_plainly() -> None:
    with pytest.raises(Forbidden, match="ai-tools"):
        await read({"/projects/shop/ai-tools": 403})


async def test_progress_ends_with_everything_done() -> None:
    heard: list[tuple[str, int, int]] = []
    async with server({}) as api:
        await read_live(api, "shop", Wants(), lambda *told: heard.append(told))
    assert heard[-1] == ("reading LaunchDarkly", 11, 11)
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)


def test_approval_settings_are_read_per_resource_kind() -> None:
    payload = {
        "key": "production",
        "name": "Production",
        "critical": True,
        "resourceApprovalSettings": {
            "aiConfig": {"required": True, "requiredApprovalTags": []},
            "segment": {"required": False, "requiredApprovalTags": ["gated"]},
            "flag": None,
        },
    }
    assert environment(payload) == Environment(
        "production",
        "Production",
        critical=True,
        approvals=frozenset({"aiconfig"}),
        approval_tags={"segment": frozenset({"gated"})},
    )


GATED = {
    "items": [{"key": "test", "resourceApprovalSettings": {"aiconfig": {"required": True}}}],
    "totalCount": 1,
}


def approval(**fields: Any) -> dict[str, Any]:
    return {
        "_id": "1",
        "resourceId": "proj/shop:env/test:aiconfig/bot",
        "status": "pending",
        "reviewStatus": "pending",
        "instructions": [{"kind": "updateTrackEvents", "trackEvents": True}],
        **fields,
    }


async def test_pending_approvals_are_read_where_an_environment_requires_them() -> None:
    requests = [
        approval(),
        approval(_id="2", status="scheduled", reviewStatus="approved"),
        approval(_id="3", status="completed"),
        approval(_id="4", reviewStatus="declined"),
        approval(_id="5", resourceId="proj/other:env/test:aiconfig/bot"),
        approval(_id="6", resourceId="proj/shop:env/test:flag/bot"),
    ]
    routes = {
        "/projects/shop/environments": GATED,
        "/approval-requests": {"items": requests, "totalCount": 6},
    }
    live = await read(routes)
    step = {"kind": "updateTrackEvents", "trackEvents": True}
    assert live.approvals == (
        PendingApproval("1", "bot", "test", (step,)),
        PendingApproval("2", "bot", "test", (step,)),
    )


@pytest.mark.parametrize(
    ("environments", "wanted"), [(GATED, False), (None, True)], ids=["not wanted", "not required"]
)
async def test_pending_approvals_are_not_read_in_vain(
    environments: dict[str, Any] | None, wanted: bool
) -> None:
    routes = {"/projects/shop/environments": environments} if environments else {}
    async with server(routes) as api:
        await read_live(api, "shop", Wants(approvals=wanted))
    assert not [path for _, path in api.requests if path.startswith("/approval-requests")]


# Experiments

AI_CONFIGS = {"items": [{"key": "bot", "name": "Bot", "mode": "agent"}], "totalCount": 1}


def iteration(status: str, **fields: Any) -> dict[str, Any]:
    return {
        "status": status,
        "flags": {"bot": {"targetingRule": "rule-1", "notInExperimentVariationId": "id-off"}},
        "treatments": [
            {
                "name": "A",
                "baseline": True,
                "parameters": [{"flagKey": "bot", "variationId": "id-a"}],
            },
            {
                "name": "B",
                "parameters": [
                    {"flagKey": "bot", "variationId": "id-b"},
                    {"flagKey": "other", "variationId": "id-x"},
                ],
            },
        ],
        **fields,
    }


def experiments(*found: dict[str, Any]) -> dict[str, Any]:
    listed = [{"key": "exp", "name": "Exp", "environmentKey": "test", **one} for one in found]
    return {
        "/projects/shop/ai-configs": AI_CONFIGS,
        "/projects/shop/ai-configs/bot/targeting": TARGETING,
        "/projects/shop/experiments": {"items": listed, "total_count": len(listed)},
    }


RUNNING = RunningExperiment(
    key="exp",
    name="Exp",
    environment="test",
    ai_config="bot",
    status="running",
    rule="rule-1",
    variations=frozenset({"a", "b", "disabled"}),
    baseline="a",
)


async def test_running_experiment_is_read_in_variation_keys() -> None:
    live = await read(experiments({"currentIteration": iteration("running")}))
    assert live.experiments == (RUNNING,)
    assert live.unknown == ()


async def test_draft_beside_the_running_iteration_counts_too() -> None:
    draft = iteration("not_started", flags={"bot": {}})
    found = experiments({"currentIteration": iteration("running"), "draftIteration": draft})
    live = await read(found)
    assert [(one.status, one.rule) for one in live.experiments] == [
        ("draft", "fallthrough"),
        ("running", "rule-1"),
    ]


@pytest.mark.parametrize(
    "found",
    [
        {"currentIteration": iteration("stopped")},
        {"currentIteration": iteration("running", flags={"some-flag": {}})},
        {},
    ],
    ids=["stopped", "on a flag", "nothing"],
)
async def test_other_experiments_do_not_count(found: dict[str, Any]) -> None:
    live = await read(experiments(found))
    assert live.experiments == ()


async def test_targeting_is_not_read_twice_for_experiments() -> None:
    async with server(experiments({"currentIteration": iteration("running")})) as api:
        await read_live(api, "shop")
    assert [path for _, path in api.requests].count("/projects/shop/ai-configs/bot/targeting") == 1


async def test_experiment_without_treatments_is_said_to_be_unknown() -> None:
    bare = iteration("running")
    del bare["treatments"]
    live = await read(experiments({"currentIteration": bare}))
    assert live.unknown == ("the variations of experiment 'exp' are unknown",)


@pytest.mark.parametrize("status", [403, 404, 501])
async def test_experiments_that_cannot_be_read_are_said_to_be_unknown(status: int) -> None:
    live = await read({"/projects/shop/experiments": status})
    assert len(live.unknown) == 1
    assert live.unknown[0].startswith("running experiments are unknown and therefore not protected")
    assert str(status) in live.unknown[0]


async def test_other_failures_of_experiments_are_errors() -> None:
    with pytest.raises(ApiError, match="422"):
        await read({"/projects/shop/experiments": 422})


async def test_expand_values_that_the_server_refuses_are_left_out() -> None:
    def answer(request: httpx.Request) -> Any:
        if "mutableFieldsByStatus" in request.url.params["expand"]:
            return 400
        return {"items": [], "total_count": 0}

    async with server({"/projects/shop/experiments": answer}) as api:
        live = await read_live(api, "shop")
    assert live.unknown == ()
    expands = [
        request.url.params["expand"] for request in seen(api) if "expand" in request.url.params
    ]
    assert expands[-1] == (
        "draftIteration,previousIterations,secondaryMetrics,treatments,analysisConfig"
    )


# The reader


async def test_concurrent_reads_of_the_same_thing_share_one_request() -> None:
    async with server({}) as api:
        reader = LiveReader(api, "shop")
        found = await reader.gather(["/projects/shop"] * 5)
        await reader.list("/metrics/shop", params={"limit": "50"})
        await reader.list("/metrics/shop", params={"limit": "50"})
    assert found == [{"key": "shop", "name": "Shop"}] * 5
    assert api.count == 2


async def test_failed_read_fails_for_everybody_who_waits_for_it() -> None:
    async with server({"/projects/gone": 404}) as api:
        reader = LiveReader(api, "shop")
        assert await reader.gather(["/projects/gone"] * 3) == [None, None, None]
        with pytest.raises(NotFound):
            await reader.get("/projects/gone")
    assert api.count == 1


async def test_wants_decide_what_is_worth_a_read() -> None:
    from ldconf.core.address import variation

    address = variation("bot", "a")
    async with server({}) as api:
        everything = LiveReader(api, "shop")
        some = LiveReader(
            api,
            "shop",
            wants=Wants(
                fields=frozenset({(address, "instructions")}), targeting=frozenset({"bot"})
            ),
        )
    assert everything.wants(address, "tools")
    assert everything.wants_targeting("x")
    assert some.wants(address, "instructions")
    assert not some.wants(address, "tools")
    assert some.wants_targeting("bot")
    assert not some.wants_targeting("x")


async def test_reader_that_is_cancelled_leaves_the_read_to_the_next() -> None:
    started = anyio.Event()
    hold = anyio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if not started.is_set():
            started.set()
            await hold.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"key": "shop"}'})

    found: list[Any] = []
    async with Client("http://local", SecretStr("token"), app=app) as api:
        reader = LiveReader(api, "shop")
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:

                async def wait_for_it() -> None:
                    with anyio.CancelScope(shield=True):
                        found.append(await reader.get("/projects/shop"))

                group.start_soon(reader.get, "/projects/shop")
                await started.wait()
                group.start_soon(wait_for_it)
                await anyio.sleep(0)
                scope.cancel()
    assert found == [{"key": "shop"}]
    assert api.count == 2
