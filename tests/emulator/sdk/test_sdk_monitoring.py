"""Use of AI Configs: events of the real AI SDK in, figures by REST and the official client out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from launchdarkly_api import AgentControlApi, ApiClient, Configuration
from ldai import LDAIClient
from ldai.tracker import FeedbackKind, TokenUsage
from ldclient import Context

from ldconf.core.usage import Use
from ldconf.emulator.events.store import EventStore, Payload
from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment
from ldconf.emulator.store import Store
from ldconf.emulator.telemetry import LiveTelemetry
from tests.emulator.sdk.server import PROJECT, Server

DAY_MS = 86_400_000
NOW = 1_800_000_000_000
CONFIGS = f"/projects/{PROJECT}/ai-configs"
INPUT_PRICE, OUTPUT_PRICE = 0.0000025, 0.00001  # of OpenAI.gpt-4o in the catalogue


@pytest.fixture(scope="module")
def used() -> Iterator[Server]:
    """A server whose AI Config `bot` was used through the AI SDK: see the table in `runs`."""
    with Server() as server:
        server.ai_config("bot", "one", "two")
        client = server.sdk()
        ai = LDAIClient(client)
        runs(ai, "ann", [(100, True), (200, True), (300, False)])
        server.call("PATCH", f"{CONFIGS}/bot/variations/one", {"instructions": "Anew"})
        client.close()
        client = server.sdk()
        runs(LDAIClient(client), "bob", [(400, True)])
        client.close()
        yield server


def runs(ai: LDAIClient, user: str, durations: list[tuple[int, bool]]) -> None:
    for duration, worked in durations:
        tracker = ai.agent_config("bot", Context.create(user)).create_tracker()
        tracker.track_duration(duration)
        tracker.track_time_to_first_token(duration // 10)
        if not worked:
            tracker.track_error()
            continue
        tracker.track_success()
        tracker.track_tokens(TokenUsage(total=150, input=100, output=50))
        tracker.track_tool_calls(["search", "search", "buy"])
        kind = FeedbackKind.Negative if duration == 200 else FeedbackKind.Positive
        tracker.track_feedback({"kind": kind})


@pytest.fixture(scope="module")
def official(used: Server) -> Iterator[AgentControlApi]:
    configuration = Configuration(host=used.host, api_key={"ApiKey": "api-contract"})
    with ApiClient(configuration) as made:
        yield AgentControlApi(made)
        made.rest_client.pool_manager.clear()


def window(used: Server) -> tuple[int, int]:
    now = used.store.clock()
    return now - DAY_MS, now + 1


def report(used: Server, **params: Any) -> list[dict[str, Any]]:
    answer = used.http.get("/api/v2/local/monitoring", params={"project": PROJECT, **params})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["aiConfigs"]
    return found


def test_the_official_client_reads_the_metrics(used: Server, official: AgentControlApi) -> None:
    found = official.get_ai_config_metrics(PROJECT, "bot", *window(used), "test")
    assert found.to_dict() == {
        "inputTokens": 300,
        "outputTokens": 150,
        "totalTokens": 450,
        "generationCount": 4,
        "generationSuccessCount": 3,
        "generationErrorCount": 1,
        "thumbsUp": 2,
        "thumbsDown": 1,
        "durationMs": 1000,
        "timeToFirstTokenMs": 25,
        "satisfactionRating": pytest.approx(2 / 3),
        "inputCost": pytest.approx(300 * INPUT_PRICE),
        "outputCost": pytest.approx(150 * OUTPUT_PRICE),
    }


def test_the_official_client_reads_them_by_variation(
    used: Server, official: AgentControlApi
) -> None:
    found = official.get_ai_config_metrics_by_variation(PROJECT, "bot", *window(used), "test")
    by_key = {one.variation_key: one.metrics for one in found}
    assert set(by_key) == {"one", "two"}
    assert by_key["one"].generation_count == 4
    assert by_key["two"].generation_count == 0
    assert by_key["two"].satisfaction_rating is None


def test_another_environment_has_none(used: Server, official: AgentControlApi) -> None:
    found = official.get_ai_config_metrics(PROJECT, "bot", *window(used), "production")
    assert (found.generation_count, found.input_tokens) == (0, 0)


def test_metrics_of_one_context(used: Server, official: AgentControlApi) -> None:
    asked = (PROJECT, "bot", *window(used), "test")
    bob = official.get_ai_config_metrics(*asked, context_kind="user", context_key="bob")
    assert (bob.generation_count, bob.duration_ms) == (1, 400)
    users = official.get_ai_config_metrics(*asked, context_kind="user")
    assert users.generation_count == 4
    orgs = official.get_ai_config_metrics(*asked, context_kind="org")
    assert orgs.generation_count == 0


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("to=2&env=test", 400, "from is required"),
        ("from=1&env=test", 400, "to is required"),
        ("from=1&to=2", 400, "env is required"),
        ("from=x&to=2&env=test", 400, "from must be an integer"),
        ("from=2&to=1&env=test", 400, "to must be after from"),
        (f"from=0&to={101 * DAY_MS}&env=test", 400, "at most 100 days later"),
        ("from=1&to=2&env=nope", 404, "Unknown environment nope"),
        ("from=1&to=2&env=test&contextKey=u", 400, "contextKey needs contextKind"),
    ],
)
@pytest.mark.parametrize("path", ["metrics", "metrics-by-variation"])
def test_what_is_not_asked_rightly_is_refused(
    used: Server, path: str, query: str, status: int, message: str
) -> None:
    answer = used.http.get(f"/api/v2{CONFIGS}/bot/{path}?{query}")
    assert answer.status_code == status
    assert message in answer.json()["message"]


def test_metrics_of_an_unknown_ai_config_are_404(used: Server) -> None:
    answer = used.http.get(f"/api/v2{CONFIGS}/nope/metrics?from=1&to=2&env=test")
    assert answer.status_code == 404


def test_the_local_report_has_percentiles_versions_and_tools(used: Server) -> None:
    (config,) = report(used)
    assert (config["key"], config["environment"]) == ("bot", "test")
    (one,) = config["variations"]
    assert one["variationKey"] == "one"
    assert (one["requests"], one["errorRate"]) == (4, 0.25)
    assert (one["p50Ms"], one["p95Ms"]) == (250, pytest.approx(385))
    assert one["firstTokenP50Ms"] == 25
    assert one["cost"] == pytest.approx(300 * INPUT_PRICE + 150 * OUTPUT_PRICE)
    assert one["costIsPartial"] is False
    assert one["tools"] == {"buy": 3, "search": 6}
    assert one["toolCalls"] == 9
    versions = [(version["version"], version["requests"]) for version in one["versions"]]
    assert versions == [(1, 3), (2, 1)]
    assert one["series"] == []
    assert config["total"]["requests"] == 4


def test_the_local_report_in_time_buckets(used: Server) -> None:
    now = used.store.clock()
    (config,) = report(used, **{"from": now - 60_000, "to": now + 60_000, "buckets": 4})
    (one,) = config["variations"]
    assert sum(bucket["requests"] for bucket in one["series"]) == 4
    assert all((bucket["from"] - now + 60_000) % 30_000 == 0 for bucket in one["series"])
    assert sum(bucket["errors"] for bucket in one["series"]) == 1


def test_the_local_report_of_a_window_without_use_is_empty(used: Server) -> None:
    assert report(used, **{"from": 1, "to": 2}) == []
    assert report(used, aiConfig="other") == []
    assert report(used, env="production") == []


@pytest.mark.parametrize("query", ["", "project=p&from=2&to=1", "project=p&buckets=5000"])
def test_a_local_report_that_is_not_asked_rightly_is_refused(used: Server, query: str) -> None:
    assert used.http.get(f"/api/v2/local/monitoring?{query}").status_code == 400


def test_the_local_report_needs_a_token(used: Server) -> None:
    answer = httpx.get(f"{used.host}/api/v2/local/monitoring?project=p")
    assert answer.status_code == 401


def test_the_dashboard_gets_the_same(used: Server) -> None:
    telemetry = LiveTelemetry(used.store, used.app.state.hub, used.events)
    usages = {usage.version: usage for usage in telemetry.usage(PROJECT)}
    assert set(usages) == {1, 2}
    assert usages[1] == Use(
        environment="test",
        ai_config="bot",
        variation="one",
        version=1,
        requests=3,
        input_tokens=200,
        output_tokens=100,
        p50_ms=200,
        p95_ms=pytest.approx(290),
        first_token_ms=20,
        error_rate=pytest.approx(1 / 3),
        satisfaction=0.5,
        cost=pytest.approx(200 * INPUT_PRICE + 100 * OUTPUT_PRICE),
    )
    with used.connected():
        (stream,) = telemetry.connections(PROJECT)
    assert (stream.protocol, stream.environment) == ("FDv1 stream", "test")
    newest = telemetry.events(PROJECT, 100)
    (success, *_) = [event for event in newest if event.key == "$ld:ai:generation:success"]
    assert (success.context, success.about, success.value) == ("user bob", "bot / one", "1")


def test_exposures_of_a_running_experiment_arrive() -> None:
    with Server() as server:
        server.ai_config("bot", "one", "two")
        seed = ExperimentSeed("models", "bot", {"one": 50, "two": 50}, control="one")
        put_experiment(server.store, PROJECT, "test", seed)
        client = server.sdk()
        ai = LDAIClient(client)
        answered = {
            f"u{number}": ai.agent_config("bot", Context.create(f"u{number}")).instructions
            for number in range(40)
        }
        client.close()
        found = server.events.query("SELECT context_key, variation_key FROM exposures")
    assert {user: f"I am {key}" for user, key in found} == answered
    assert set(answered.values()) == {"I am one", "I am two"}


# Figures of events made by hand


def figures(events: list[dict[str, Any]], store: Store | None = None) -> dict[str, Any]:
    """Return the local report of some events, by variation."""
    with Server(store, EventStore()) as server:
        body = json.dumps([{"kind": "custom", "creationDate": NOW, **one} for one in events])
        server.events.add_now(Payload(PROJECT, "test", "", body.encode(), NOW))
        found = report(server, **{"from": NOW, "to": NOW + 1})
        return {one["variationKey"]: one for one in found[0]["variations"]}


def ai_event(key: str, metric: float = 1, **data: Any) -> dict[str, Any]:
    about = {"configKey": "bot", "variationKey": "one", "version": 1, **data}
    context = {"kind": "user", "key": "u"}
    return {"key": f"$ld:ai:{key}", "metricValue": metric, "context": context, "data": about}


def test_sdks_without_run_ids_are_counted_by_what_ended() -> None:
    found = figures(
        [
            ai_event("generation:success"),
            ai_event("generation:success"),
            ai_event("generation:error"),
            ai_event("duration:total", 10),
        ]
    )
    assert found["one"]["requests"] == 3


def test_a_run_is_one_request_however_much_it_says() -> None:
    found = figures(
        [
            ai_event("duration:total", 10, runId="r1"),
            ai_event("generation:success", runId="r1"),
            ai_event("feedback:user:positive", runId="r1"),
            ai_event("duration:total", 10, runId="r2"),  # ended without a word
            ai_event("feedback:user:positive", runId="r3"),  # of a run before this window
        ]
    )
    assert found["one"]["requests"] == 2
    assert found["one"]["thumbsUp"] == 2


def test_what_an_applications_default_served_is_apart() -> None:
    by_default = ai_event("generation:success", runId="r", variationKey="")
    found = figures([by_default, ai_event("generation:success", runId="s")])
    assert found[None]["requests"] == 1
    assert found["one"]["requests"] == 1


def test_costs_by_the_name_of_the_model_where_no_version_is_known() -> None:
    tokens = {"variationKey": "", "modelName": "gpt-4o", "providerName": "openai"}
    found = figures([ai_event("tokens:input", 1000, **tokens)])
    assert found[None]["cost"] == pytest.approx(1000 * INPUT_PRICE)


def test_costs_without_a_price_are_not_known() -> None:
    found = figures(
        [
            ai_event("tokens:input", 1000, modelName="home-made", providerName="me"),
            ai_event("tokens:input", 1000, variationKey="two", modelName="gpt-4o"),
            ai_event("tokens:output", 10, variationKey="two", version=2, modelName="home-made"),
        ]
    )
    assert found["one"]["cost"] is None
    assert found["two"]["cost"] == pytest.approx(1000 * INPUT_PRICE)
    assert found["two"]["costIsPartial"] is True


def test_costs_at_the_price_of_the_version_that_answered() -> None:
    with Server() as server:
        models = f"{CONFIGS}/model-configs"
        model = {"key": "Custom.m", "id": "m", "name": "M", "provider": "Custom"}
        server.call("POST", models, {**model, "costPerInputToken": 0.5, "costPerOutputToken": 0})
        server.ai_config("bot", "one")
        path = f"{CONFIGS}/bot/variations/one"
        server.call("PATCH", path, {"modelConfigKey": "Custom.m"})  # version 2
        for version in (1, 2):
            event = ai_event("tokens:input", 10, version=version)
            body = json.dumps([{"kind": "custom", "creationDate": NOW, **event}])
            server.events.add_now(Payload(PROJECT, "test", "", body.encode(), NOW))
        (config,) = report(server, **{"from": NOW, "to": NOW + 1})
    costs = {one["version"]: one["cost"] for one in config["variations"][0]["versions"]}
    assert costs == {1: pytest.approx(10 * INPUT_PRICE), 2: pytest.approx(5)}


def test_judges_scores_are_means() -> None:
    found = figures(
        [
            ai_event("judge:accuracy", 0.5, runId="r", judgeConfigKey="j"),
            ai_event("judge:accuracy", 1.0, runId="s", judgeConfigKey="j", version=2),
        ]
    )
    assert found["one"]["judges"] == {"$ld:ai:judge:accuracy": 0.75}
    assert [one["judges"] for one in found["one"]["versions"]] == [
        {"$ld:ai:judge:accuracy": 0.5},
        {"$ld:ai:judge:accuracy": 1.0},
    ]


def test_judges_scores_by_the_official_client() -> None:
    with Server() as server:
        server.ai_config("bot", "one")
        event = ai_event("judge:accuracy", 0.5, runId="r", judgeConfigKey="j")
        body = json.dumps([{"kind": "custom", "creationDate": NOW, **event}]).encode()
        server.events.add_now(Payload(PROJECT, "test", "", body, NOW))
        configuration = Configuration(host=server.host, api_key={"ApiKey": "api-contract"})
        with ApiClient(configuration) as made:
            ai = AgentControlApi(made)
            found = ai.get_ai_config_metrics(PROJECT, "bot", NOW, NOW + 1, "test")
            made.rest_client.pool_manager.clear()
    assert found.judge_accuracy == 0.5
    assert found.judge_toxicity is None
