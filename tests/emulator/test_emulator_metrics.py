"""Metrics and metric groups (reference 10, 11, 22.13, 22.16)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ldconf.emulator.events.store import Payload
from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment
from tests.emulator.ld import Ld

METRICS = "/metrics/p"
GROUPS = "/projects/p/metric-groups"
COUNT = {"key": "m", "kind": "custom", "eventKey": "e", "isNumeric": False}
VALUE = {**COUNT, "isNumeric": True, "unit": "ms", "successCriteria": "LowerThanBaseline"}
P95 = {**VALUE, "analysisType": "percentile", "percentileValue": 95}
PAGE = {"key": "m", "kind": "pageview", "urls": [{"kind": "exact", "url": "https://a.example/"}]}
CLICK = {**PAGE, "kind": "click", "selector": ".buy"}
TRACE = {"key": "m", "kind": "trace", "isNumeric": False, "traceQuery": "a = b"}


def replace(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


@pytest.mark.parametrize(
    "body",
    [COUNT, VALUE, P95, PAGE, CLICK, TRACE, {**VALUE, "winsorLowerPercentile": 1}],
    ids=["count", "value", "percentile", "pageview", "click", "trace", "winsor"],
)
async def test_what_the_table_allows_is_made(ld: Ld, body: dict[str, Any]) -> None:
    made = await ld.post(METRICS, body)
    for name, value in body.items():
        assert made[name] == value
    assert (made["name"], made["_version"], made["analysisUnits"]) == ("m", 1, ["user"])
    assert await ld.get(f"{METRICS}/m") == made


@pytest.mark.parametrize(
    "body",
    [
        {"key": "m"},
        {"key": "m", "kind": "funnel"},
        {**COUNT, "key": "no key"},
        {**COUNT, "eventKey": ""},
        {**COUNT, "isNumeric": None},
        {**VALUE, "unit": ""},
        {**VALUE, "successCriteria": None},
        {**VALUE, "successCriteria": "Better"},
        {**COUNT, "unitAggregationType": "count_distinct"},
        {**COUNT, "analysisType": "median"},
        {**P95, "percentileValue": None},
        {**P95, "percentileValue": 101},
        {**P95, "eventDefault": {"disabled": False}},
        {**VALUE, "winsorLowerPercentile": 100},
        {**VALUE, "winsorLowerPercentile": 60, "winsorUpperPercentile": 50},
        {**PAGE, "urls": []},
        {**PAGE, "urls": [{"kind": "exact", "pattern": "x"}]},
        {**PAGE, "eventKey": "e"},
        {**CLICK, "selector": ""},
        {**TRACE, "traceQuery": ""},
        {**TRACE, "isNumeric": True, "unit": "ms", "successCriteria": "LowerThanBaseline"},
    ],
)
async def test_what_the_table_forbids_is_refused(ld: Ld, body: dict[str, Any]) -> None:
    await ld.post(METRICS, body, status=400)
    assert (await ld.get(METRICS))["totalCount"] == 0


async def test_defaults_of_the_server(ld: Ld) -> None:
    made = await ld.post(METRICS, {**COUNT, "randomizationUnits": ["device"], "unit": ""})
    assert made["analysisUnits"] == ["device"]
    assert made["randomizationUnits"] == ["device"]
    assert made["eventDefault"] == {"disabled": False, "value": 0}
    assert made["successCriteria"] == "HigherThanBaseline"
    assert (made["unitAggregationType"], made["analysisType"]) == ("average", "mean")
    numeric = await ld.post(METRICS, {**P95, "key": "p", "unitAggregationType": ""})
    assert numeric["eventDefault"] == {"disabled": True}


async def test_a_maintainer_is_not_applied_on_create(ld: Ld) -> None:
    assert "maintainerId" not in await ld.post(METRICS, {**COUNT, "maintainerId": "m1"})
    patched = await ld.patch(f"{METRICS}/m", replace("/maintainerId", "m1"))
    assert patched["_maintainer"]["_id"] == "m1"


async def test_duplicates_are_conflicts(ld: Ld) -> None:
    await ld.post(METRICS, COUNT)
    ld.faults.duplicate_status = 400
    await ld.post(METRICS, COUNT, status=409)


async def test_each_change_makes_a_version(ld: Ld) -> None:
    made = await ld.post(METRICS, COUNT)
    body = {"comment": "because", "patch": replace("/description", "what")}
    patched = await ld.patch(f"{METRICS}/m", body)
    assert (patched["_version"], patched["description"]) == (2, "what")
    assert patched["_versionId"] != made["_versionId"]
    assert (await ld.patch(f"{METRICS}/m", replace("/description", "what")))["_version"] == 2
    assert (await ld.get("/auditlog?limit=1"))["items"][0]["comment"] == "because"


async def test_a_patch_may_test_first(ld: Ld) -> None:
    await ld.post(METRICS, COUNT)
    test = {"op": "test", "path": "/_version", "value": 1}
    await ld.patch(f"{METRICS}/m", [test, *replace("/name", "N")])
    answer = await ld.patch(f"{METRICS}/m", [test, *replace("/name", "O")], status=409)
    assert answer["code"] == "optimistic_locking_error"
    assert (await ld.get(f"{METRICS}/m"))["name"] == "N"


async def test_removing_an_absent_path_is_refused(ld: Ld) -> None:
    await ld.post(METRICS, COUNT)
    remove = [{"op": "remove", "path": "/unit"}]
    assert (await ld.patch(f"{METRICS}/m", remove, status=400))["code"] == "invalid_patch"
    await ld.patch(f"{METRICS}/m", replace("/unit", "things"))
    assert "unit" not in await ld.patch(f"{METRICS}/m", remove)


async def test_percentiles_come_and_go(ld: Ld) -> None:
    await ld.post(METRICS, VALUE)
    change = [
        *replace("/analysisType", "percentile"),
        *replace("/percentileValue", 90),
        *replace("/eventDefault/disabled", True),
    ]
    assert (await ld.patch(f"{METRICS}/m", change))["percentileValue"] == 90
    back = [*replace("/analysisType", "mean"), *replace("/percentileValue", None)]
    assert "percentileValue" not in await ld.patch(f"{METRICS}/m", back)


@pytest.mark.parametrize(
    "patch",
    [
        replace("/key", "n"),
        replace("/kind", "pageview"),
        [*replace("/kind", "trace"), *replace("/traceQuery", "a = b")],
        replace("/_id", "x"),
        replace("/isNumeric", True),
        replace("/eventKey", ""),
        [{"op": "add", "path": "/tags/-", "value": 7}],
        {"name": "x"},
    ],
)
async def test_bad_patches_are_refused(ld: Ld, patch: Any) -> None:
    await ld.post(METRICS, COUNT)
    await ld.patch(f"{METRICS}/m", patch, status=400)


async def test_writes_may_race(ld: Ld) -> None:
    ld.faults.optimistic_conflicts = 2
    answer = await ld.post(METRICS, COUNT, status=409)
    assert answer["code"] == "optimistic_locking_error"
    await ld.post(METRICS, COUNT, status=409)
    await ld.post(METRICS, COUNT)


async def test_a_metric_in_use_cannot_be_deleted(ld: Ld) -> None:
    await ld.post(METRICS, COUNT)
    group = {"key": "g", "name": "G", "kind": "standard", "maintainerId": "x", "tags": []}
    await ld.post(GROUPS, {**group, "metrics": [{"key": "m"}]}, beta=True)
    await ld.ai_config("bot", "one")
    seed = ExperimentSeed("duel", "bot", {"one": 100}, "one", metrics=["m", "g"])
    put_experiment(ld.store, "p", "test", seed)
    expand = "experiments,experimentCount,metricGroups,metricGroupCount"
    found = await ld.get(f"{METRICS}/m?expand={expand}")
    assert [one["key"] for one in found["experiments"]] == ["duel"]
    assert [one["key"] for one in found["metricGroups"]] == ["g"]
    assert (found["experimentCount"], found["metricGroupCount"]) == (1, 1)
    assert (await ld.get(f"{METRICS}?expand=experimentCount"))["items"][0]["experimentCount"] == 1
    found = await ld.get(f"{GROUPS}/g?expand=experimentCount", beta=True)
    assert found["experimentCount"] == 1
    assert "metric group g" in (await ld.delete(f"{METRICS}/m", status=409))["message"]
    assert "duel" in (await ld.delete(f"{GROUPS}/g", status=409, beta=True))["message"]
    await ld.delete("/projects/p/ai-configs/bot", status=400)


async def test_a_metric_of_an_experiment_cannot_be_deleted(ld: Ld) -> None:
    await ld.post(METRICS, COUNT)
    await ld.ai_config("bot", "one")
    seed = ExperimentSeed("duel", "bot", {"one": 100}, "one", metrics=["m"])
    put_experiment(ld.store, "p", "test", seed, running=False)
    assert "duel" in (await ld.delete(f"{METRICS}/m", status=409))["message"]


async def test_filters_and_order(ld: Ld) -> None:
    for key, fields in (("b", {"tags": ["x"]}), ("a", {"eventKey": "other"})):
        await ld.post(METRICS, {**COUNT, "key": key, **fields})

    async def keys(query: str) -> list[str]:
        return [found["key"] for found in (await ld.get(f"{METRICS}?{query}"))["items"]]

    assert await keys("filter=tags contains x") == ["b"]
    assert await keys('filter=eventKeys anyOf ["other","none"], query equals a') == ["a"]
    assert await keys('filter=query equals "B"') == ["b"]
    assert await keys("filter=isNumeric equals true") == []
    assert await keys("sort=name") == ["a", "b"]
    assert await keys("sort=-createdAt") == ["a", "b"]
    await ld.get(f"{METRICS}?filter=view equals x", status=501)
    await ld.get(f"{METRICS}?filter=nonsense", status=400)
    await ld.get(f"{METRICS}?filter=tags anyOf [x]", status=400)
    await ld.get(f"{METRICS}?sort=size", status=400)


async def test_groups_keep_order_and_names(ld: Ld) -> None:
    for key in ("a", "b"):
        await ld.post(METRICS, {**COUNT, "key": key})
    body = {"key": "g", "name": "G", "kind": "funnel", "maintainerId": "m1", "tags": []}
    members = [{"key": "b", "nameInGroup": "first"}, {"key": "a", "nameInGroup": "second"}]
    made = await ld.post(GROUPS, {**body, "metrics": members}, beta=True)
    assert [(one["key"], one["nameInGroup"]) for one in made["metrics"]] == [
        ("b", "first"),
        ("a", "second"),
    ]
    assert made["maintainer"]["key"] == "m1"
    patch = replace("/metrics", members[::-1])
    patched = await ld.patch(f"{GROUPS}/g", patch, beta=True)
    assert [one["key"] for one in patched["metrics"]] == ["a", "b"]
    assert patched["_version"] == 2
    assert (await ld.patch(f"{GROUPS}/g", patch, beta=True))["_version"] == 2
    assert (await ld.get(f"{GROUPS}?sort=-name", beta=True))["items"][0]["key"] == "g"
    assert (await ld.get(f"{GROUPS}?filter=kind equals funnel", beta=True))["totalCount"] == 1
    await ld.get(f"{GROUPS}?sort=x", beta=True, status=400)
    await ld.delete(f"{GROUPS}/g", beta=True)
    await ld.get(f"{GROUPS}/g", beta=True, status=404)


async def test_bad_groups_are_refused(ld: Ld) -> None:
    await ld.post(METRICS, COUNT)
    good = {
        "key": "g",
        "name": "G",
        "kind": "standard",
        "maintainerId": "m1",
        "tags": [],
        "metrics": [{"key": "m", "nameInGroup": ""}],
    }
    for fields in (
        {"maintainerId": ""},
        {"tags": None},
        {"kind": "other"},
        {"metrics": []},
        {"metrics": [{"key": "none"}]},
        {"metrics": [{"key": "m", "nameInGroup": "x"}]},
        {"kind": "funnel"},
    ):
        answer = await ld.post(GROUPS, {**good, **fields}, status=400, beta=True)
        if "maintainerId" in fields:
            assert "maintainerId" in answer["message"]
    await ld.post(GROUPS, good, beta=True)
    await ld.post(GROUPS, good, status=409, beta=True)
    await ld.patch(f"{GROUPS}/g", replace("/kind", "funnel"), status=400, beta=True)
    await ld.patch(f"{GROUPS}/g", replace("/maintainerId", ""), status=400, beta=True)


def custom(key: str, at: int) -> dict[str, Any]:
    context = {"kind": "user", "key": "u"}
    return {"kind": "custom", "key": key, "creationDate": at, "context": context}


async def test_when_events_of_a_metric_were_last_seen(ld: Ld) -> None:
    for key, about in (("m", {}), ("n", {"eventKey": "f"}), ("page", PAGE)):
        await ld.post(METRICS, {**(COUNT if key != "page" else about), **about, "key": key})
    store = ld.app.state.events
    asked: list[Any] = []
    query = store.query
    store.query = lambda *words: asked.append(words) or query(*words)
    assert [item.get("lastSeen") for item in (await ld.get(METRICS))["items"]] == [None] * 3
    assert store._database is None  # nothing was ever kept, so nothing is opened

    hour, minute = 3_600_000, 60_000
    events = [custom("e", 5 * hour), custom("e", 7 * hour + 9 * minute), custom("x", 9 * hour)]
    for project, environment, found in (
        ("p", "test", events[:1]),
        ("p", "production", events[1:]),
        ("other", "test", [custom("f", hour)]),
    ):
        body = json.dumps(found).encode()
        store.add_now(Payload(project, environment, "", body, ld.clock()))
    asked.clear()
    seen = {item["key"]: item.get("lastSeen") for item in (await ld.get(METRICS))["items"]}
    assert seen == {"m": 7 * hour, "n": None, "page": None}
    assert len(asked) == 1  # of the whole list
    assert (await ld.get(f"{METRICS}/m"))["lastSeen"] == 7 * hour
    assert "lastSeen" not in await ld.get(f"{METRICS}/n")
