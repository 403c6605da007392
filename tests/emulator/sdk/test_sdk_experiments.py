"""A running experiment, as LaunchDarkly's unmodified SDK evaluates and reports it."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ldai.client import LDAIClient
from ldclient import Context, LDClient

from ldconf.emulator.store import Store
from tests.emulator.sdk.server import PROJECT, SEMANTIC, Server, until, variation

EXPERIMENTS = f"/projects/{PROJECT}/environments/test/experiments"
USERS = 4000
TARGETING = f"/projects/{PROJECT}/ai-configs/bot/targeting"


class Duel:
    """An experiment on `bot`: 20 % one, 30 % two, the rest of the traffic gets three."""

    def __init__(self, server: Server, rule: str = "fallthrough", **fields: Any) -> None:
        self.server = server
        metric = {"key": "m", "kind": "custom", "eventKey": "m", "isNumeric": False}
        server.call("POST", f"/metrics/{PROJECT}", metric)
        document = server.call("GET", TARGETING)
        self.ids = {
            one["value"]["_ldMeta"].get("variationKey", "disabled"): one["_id"]
            for one in document["variations"]
        }
        flag = {
            "ruleId": rule,
            "flagConfigVersion": document["environments"]["test"]["_version"],
            "notInExperimentVariationId": self.ids["three"],
        }
        iteration = {
            "hypothesis": "h",
            "metrics": [{"key": "m"}],
            "primarySingleMetricKey": "m",
            "treatments": self.arms(one="20", two="30"),
            "flags": {"bot": flag},
            **fields,
        }
        server.call("POST", EXPERIMENTS, {"key": "duel", "name": "Duel", "iteration": iteration})
        self.patch({"kind": "startIteration"})

    def arms(self, **percents: str) -> list[dict[str, Any]]:
        return [
            {
                "name": key,
                "baseline": key == "one",
                "allocationPercent": percent,
                "parameters": [{"flagKey": "bot", "variationId": self.ids[key]}],
            }
            for key, percent in percents.items()
        ]

    def patch(self, instruction: dict[str, Any]) -> None:
        body = {"instructions": [instruction]}
        self.server.call("PATCH", f"{EXPERIMENTS}/duel", body, **{"Content-Type": SEMANTIC})

    def restart(self, **percents: str) -> None:
        value = {"treatments": {"operation": "update", "value": self.arms(**percents)}}
        self.patch({"kind": "saveAndStartNewIteration", "value": value})

    def stop(self, winner: str) -> None:
        self.patch(
            {
                "kind": "stopIteration",
                "winningTreatmentId": self.ids[winner],
                "winningReason": "enough",
            }
        )


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Store(randomness=random.Random(5))) as made:  # the same seeds in every run
        made.ai_config("bot", "one", "two", "three")
        yield made


def served(client: LDClient, users: int = USERS) -> dict[str, tuple[str, bool]]:
    """Return (variation, in experiment) by user."""
    found = {}
    for number in range(users):
        detail = client.variation_detail("bot", Context.create(f"user-{number}"), {})
        meta = detail.value["_ldMeta"]
        found[f"user-{number}"] = (meta["variationKey"], bool(detail.reason.get("inExperiment")))
    return found


def assert_shares(found: Counter[Any], expected: dict[Any, float]) -> None:
    """Shares lie within four standard errors of what was asked for."""
    total = sum(found.values())
    assert set(found) == set(expected)
    for arm, share in expected.items():
        error = math.sqrt(share * (1 - share) / total)
        assert abs(found[arm] / total - share) < 4 * error, (arm, found)


def test_shares_and_tracked_arms(server: Server) -> None:
    Duel(server)
    with server.connected(send_events=False) as client:
        found = Counter(served(client).values())
    assert_shares(found, {("one", True): 0.2, ("two", True): 0.3, ("three", False): 0.5})


def test_exposures_arrive_of_tracked_arms_only(server: Server) -> None:
    Duel(server)
    client = server.sdk()
    ai = LDAIClient(client)
    answered = {
        f"u{number}": ai.agent_config("bot", Context.create(f"u{number}")).instructions
        for number in range(300)
    }
    client.close()
    rows = server.events.query("SELECT context_key, variation_key, reason FROM exposures")
    exposed = {user: f"I am {key}" for user, key, _ in rows}
    assert len(rows) == len(exposed)
    assert {reason for _, _, reason in rows} == {"FALLTHROUGH"}
    tracked = {user: text for user, text in answered.items() if text != "I am three"}
    assert exposed == tracked
    assert set(exposed.values()) == {"I am one", "I am two"}
    page = httpx.get(server.host).text
    for text, share in (("one", "20 %, control"), ("two", "30 %")):
        count = sum(found == f"I am {text}" for found in exposed.values())
        assert f"<b>{text}</b> {share}, {count} exposed" in page


def test_only_contexts_of_the_rule_take_part(server: Server) -> None:
    ids = {
        one["value"]["_ldMeta"].get("variationKey"): one["_id"]
        for one in server.call("GET", TARGETING)["variations"]
    }
    clause = {"attribute": "plan", "op": "in", "values": ["gold"]}
    add = {"kind": "addRule", "variationId": ids["three"], "clauses": [clause]}
    body = {"environmentKey": "test", "instructions": [add]}
    document = server.call("PATCH", TARGETING, body, **{"Content-Type": SEMANTIC})
    rule = document["environments"]["test"]["rules"][0]["_id"]
    Duel(server, rule)
    with server.connected(send_events=False) as client:
        gold = Context.builder("u").set("plan", "gold").build()
        detail = client.variation_detail("bot", gold, {})
        assert detail.reason["kind"] == "RULE_MATCH"
        assert detail.reason["ruleId"] == rule
        plain = client.variation_detail("bot", Context.create("u"), {})
    assert plain.reason == {"kind": "FALLTHROUGH"}
    assert plain.value["_ldMeta"]["variationKey"] == "one"


def test_a_stop_reaches_a_connected_sdk(server: Server) -> None:
    duel = Duel(server)
    with server.connected(send_events=False) as client:
        assert len(set(served(client, 100).values())) == 3
        duel.stop("two")
        until(lambda: variation(client, "bot", "user-0") == "two")
        assert set(served(client, 100).values()) == {("two", False)}


def test_a_larger_audience_keeps_everybody_who_is_in(server: Server) -> None:
    duel = Duel(server, canReshuffleTraffic=False)
    with server.connected(send_events=False) as client:
        before = served(client)
        duel.restart(one="40", two="45")
        until(lambda: sum(inside for _, inside in served(client, 200).values()) > 140)
        after = served(client)
    inside = {user for user, (_, is_in) in before.items() if is_in}
    assert {user: before[user] for user in inside} == {user: after[user] for user in inside}
    shares = {("one", True): 0.4, ("two", True): 0.45, ("three", False): 0.15}
    assert_shares(Counter(after.values()), shares)


def test_a_new_iteration_shuffles_everybody(server: Server) -> None:
    duel = Duel(server)
    with server.connected(send_events=False) as client:
        before = served(client, 1000)
        duel.restart(one="20", two="30")
        until(lambda: served(client, 100) != {u: before[u] for u in list(before)[:100]})
        after = served(client, 1000)
    same = sum(before[user] == after[user] for user in before)
    assert 280 < same < 480  # independent assignment: 0.2² + 0.3² + 0.5² = 38 %
