"""Counts of an experiment below /local, and results in the shape of the old API."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from ldconf.api.aggregates import PATH, read_aggregates
from ldconf.api.client import Client
from ldconf.core.errors import NotFound, Unreachable
from ldconf.core.experiment_json import aggregates_from_json, design_to_json
from ldconf.emulator.access import Token
from ldconf.emulator.events.store import Payload
from tests.emulator.lab import EXPERIMENTS, START, Lab
from tests.emulator.ld import Ld
from tests.experiments.events import design, exposure, metric, outcome, user

pytestmark = pytest.mark.anyio

AGENT = replace(
    design(metric("m")), ai_config="bot", allocation={"one": 50.0, "two": 50.0}, control="one"
)


async def traffic(ld: Ld, users: int = 40) -> None:
    """Every user is exposed, every fourth of arm one and every second of arm two sends `m`."""
    now = ld.clock()
    events: list[dict[str, Any]] = []
    for number in range(users):
        arm = ("one", "two")[number % 2]
        context = user(f"u{number}")
        made = exposure(context, arm, now, flag="bot")
        events.append(made)
        if number % (8 if arm == "one" else 4) < 2:
            events.append(outcome(context, "m", now + 1))
            events.append(outcome(context, "n", now + 1))
    ld.clock.now += 10
    body = json.dumps(events).encode()
    ld.app.state.events.add_now(Payload("p", "test", "", body, ld.clock()))


async def test_counts_are_read_by_the_same_client(ld: Ld) -> None:
    await Lab.make(ld)
    await traffic(ld)
    async with Client("http://localhost", SecretStr("api-test"), app=ld.app) as client:
        early, late = await read_aggregates(client, AGENT, ld.clock(), [5])
    assert early.exposed == 0
    assert {arm: found.exposed for arm, found in late.arms.items()} == {"one": 20, "two": 20}
    assert late.arms["two"].metrics["m"].total == 10
    assert late.source == "events of the local LaunchDarkly"


async def test_counts_of_a_place_that_does_not_exist(ld: Ld) -> None:
    async with Client("http://localhost", SecretStr("api-test"), app=ld.app) as client:
        with pytest.raises(NotFound):
            await read_aggregates(client, replace(AGENT, environment="nowhere"), 5)


async def test_a_reader_may_count_and_strangers_may_not() -> None:
    ld = Ld(tokens=[Token("api-reader", read_only=True), Token("api-writer")])
    body = {"design": design_to_json(AGENT), "asOf": 5}
    answer = await ld.post(PATH, body, 200, token="api-reader")
    (found,) = aggregates_from_json(answer["aggregates"])
    assert found.exposed == 0
    await ld.post(PATH, body, 401, token="api-stranger")
    await ld.post("/projects/p/ai-configs", {"key": "x"}, 403, token="api-reader")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "design: body: "),
        ({"design": {"key": "x"}}, "design: project: Field required"),
        ({"design": design_to_json(AGENT), "asOf": "now"}, "times in milliseconds"),
        ({"design": design_to_json(AGENT), "looks": [True]}, "times in milliseconds"),
        ({"design": design_to_json(AGENT), "looks": [1] * 61}, "at most 60 times"),
        ({"design": design_to_json(AGENT), "looks": 7}, "at most 60 times"),
    ],
)
async def test_a_question_that_makes_no_sense(ld: Ld, body: Any, words: str) -> None:
    answer = await ld.post(PATH, body, 400)
    assert words in answer["message"]


async def test_an_answer_of_another_version_is_told() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        head = {"type": "http.response.start", "status": 200}
        await send({**head, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"aggregates": [{"foo": 1}]}'})

    async with Client("http://localhost", SecretStr("api-test"), app=app) as client:
        with pytest.raises(Unreachable, match="counts that this ldconf cannot read") as found:
            await read_aggregates(client, AGENT, 5)
    assert "stop `ldconf dev`" in (found.value.hint or "")


RESULTS = f"{EXPERIMENTS}/duel/metrics/m/results"


async def running(ld: Ld, **fields: Any) -> Lab:
    lab = await Lab.make(ld)
    await lab.create(methodology="bayesian", iteration=await lab.iteration(**fields))
    await lab.patch(START)
    return lab


async def test_results_in_the_shape_of_the_old_api(ld: Ld) -> None:
    lab = await running(ld, attributes=["country"])
    await traffic(ld, users=400)
    found = await ld.get(f"{RESULTS}?expand=traffic")
    assert found["_links"]["self"]["href"] == f"/api/v2{RESULTS}"
    assert found["metricSeen"]["ever"] is True
    assert 0 <= found["probabilityOfMismatch"] < 0.5
    whole, slice_ = found["results"]
    one, two = whole["treatmentResults"]
    treatments = (await lab.read())["currentIteration"]["treatments"]
    assert [row["treatmentId"] for row in (one, two)] == [row["_id"] for row in treatments]
    assert (one["treatmentName"], one["traffic"], one["units"]) == ("one", 200, 200)
    assert (one["eventValuesSum"], two["eventValuesSum"]) == (50, 100)
    assert one["dataMean"] == 0.25
    assert (two["model"], two["distribution"]["kind"]) == ("bayesianBeta", "beta")
    assert one["pBest"] + two["pBest"] == pytest.approx(1, abs=0.01)
    assert two["relativeDifferences"][0]["fromTreatmentId"] == one["treatmentId"]
    assert 0.9 < two["_ldconf"]["pBeatControl"] <= 1
    assert found["treatmentResults"] == whole["treatmentResults"]
    assert (slice_["attribute"], slice_["attributeValue"]) == ("country", "(not set)")
    assert found["_ldconf"]["decision"] == "ship_treatment"


async def test_traffic_is_shown_if_wanted(ld: Ld) -> None:
    await running(ld)
    await traffic(ld)
    assert "traffic" not in (await ld.get(RESULTS))["treatmentResults"][0]
    await ld.get(f"{RESULTS}?expand=everything", status=400)


async def test_results_without_the_extra_are_501(ld: Ld, monkeypatch: pytest.MonkeyPatch) -> None:
    await running(ld)
    monkeypatch.setitem(sys.modules, "numpy", None)
    for name in [name for name in sys.modules if name.startswith("ldconf.experiments.")]:
        monkeypatch.delitem(sys.modules, name)
    found = await ld.get(RESULTS, status=501)
    assert found["code"] == "not_implemented"
    assert 'numpy, which is not installed; pip install "ldconf[stats]"' in found["message"]


async def test_each_iteration_has_results_of_its_own(ld: Ld) -> None:
    lab = await running(ld)
    first = (await lab.read())["currentIteration"]["_id"]
    await traffic(ld)
    value = {"treatments": {"operation": "update", "value": lab.arms(one="40", two="60")}}
    await lab.patch({"kind": "saveAndStartNewIteration", "value": value})
    await traffic(ld, users=4)
    old = await ld.get(f"{RESULTS}?expand=traffic&iterationId={first}")
    new = await ld.get(f"{RESULTS}?expand=traffic")
    assert [row["traffic"] for row in old["treatmentResults"]] == [20, 20]
    assert [row["traffic"] for row in new["treatmentResults"]] == [2, 2]
    assert (old["_ldconf"]["iteration"], new["_ldconf"]["iteration"]) == (1, 2)
    await lab.stop("two")
    stopped = await ld.get(f"{RESULTS}?expand=traffic")
    assert [row["traffic"] for row in stopped["treatmentResults"]] == [2, 2]


async def test_results_of_a_group(ld: Ld) -> None:
    await running(ld, metrics=[{"key": "m"}, {"key": "g", "isGroup": True}])
    await traffic(ld)
    found = await ld.get(f"{EXPERIMENTS}/duel/metric-groups/g/results")
    (row,) = found["metrics"]
    assert row["metric"]["key"] == "n"
    assert row["results"]["treatmentResults"][1]["eventValuesSum"] == 10
    await ld.get(f"{EXPERIMENTS}/duel/metric-groups/h/results", status=404)


async def test_results_of_what_does_not_exist(ld: Ld) -> None:
    lab = await Lab.make(ld)
    await ld.get(RESULTS, status=404)
    await lab.draft()
    answer = await ld.get(RESULTS, status=404)
    assert "started iteration" in answer["message"]
    await lab.patch(START)
    await ld.get(RESULTS)
    await ld.get(f"{EXPERIMENTS}/duel/metrics/n/results", status=404)
    await ld.get(f"{RESULTS}?iterationId=other", status=404)
    await lab.read()
