"""No request makes the local LaunchDarkly fail: it answers 2xx, 4xx or 501."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from ldconf.emulator.experiments.patch import KINDS as EXPERIMENT_KINDS
from ldconf.emulator.http import Route
from ldconf.emulator.patches.segment_patch import KINDS as SEGMENT_KINDS
from ldconf.emulator.patches.targeting_patch import KINDS as TARGETING_KINDS
from ldconf.emulator.rest import ROUTES
from tests.emulator.lab import EVERYTHING, EXPERIMENTS
from tests.emulator.ld import SEMANTIC, Ld

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere

# Existing objects for every name in a route's path.
NAMES = {
    "{project}": "p",
    "{environment}": "test",
    "{config}": "bot",
    "{variation}": "one",
    "{model}": "My.m",
    "{tool}": "find",
    "{metric}": "m",
    "{group}": "g",
    "{segment}": "beta",
    "{graph}": "team",
    "{key}": "user",
    "{flag}": "bot",
    "{experiment}": "duel",
}
SCALARS = (None, -1, True, "\ud800", [], [7], {"x": None})
FIELDS = (
    *("key", "name", "description", "tags", "mode", "kind", "state", "value", "comment"),
    *("environments", "defaultVariation", "messages", "model", "modelConfigKey", "tools"),
    *("modelConfigVersion", "judgeConfiguration", "schema", "customParameters", "params", "id"),
    *("costPerInputToken", "keys", "rootConfigKey", "edges", "metrics", "maintainerId", "urls"),
    *("eventKey", "isNumeric", "percentileValue", "eventDefault", "winsorLowerPercentile"),
    *("resourceId", "instructions", "environmentKey", "resourceKind", "minNumApprovals"),
    *("randomizationUnits", "merge", "patch", "version", "requiredApprovalTags", "included"),
)
COMPLETE = {
    "key": "fresh",
    "name": "Fresh",
    "kind": "custom",
    "eventKey": "e",
    "isNumeric": False,
    "schema": {},
    "id": "m",
    "color": "FFFFFF",
    "maintainerId": "m1",
    "tags": [],
    "metrics": [{"key": "m"}],
    "keys": [],
    "environmentKey": "test",
    "resourceKind": "aiconfig",
    "resourceId": "proj/p:env/test:aiconfig/bot",
    "description": "d",
    "instructions": [{"kind": "updateTrackEvents", "trackEvents": True}],
    "randomizationUnits": [{"randomizationUnit": "user"}],
}
WRITES = [route for route in ROUTES if route.method != "GET" and route.handler]
READS = [route for route in ROUTES if route.method == "GET" and route.handler]


@pytest.fixture
async def full(ld: Ld) -> Ld:
    """One object of every family."""
    await ld.post("/projects/p/ai-tools", {"key": "find", "schema": {}})
    models = "/projects/p/ai-configs/model-configs"
    await ld.post(models, {"key": "My.m", "id": "m", "name": "M"}, status=200)
    await ld.ai_config("bot", "one", "two")
    await ld.post("/projects/p/agent-graphs", {"key": "team", "name": "T"}, beta=True)
    await ld.post("/metrics/p", {"key": "m", "kind": "custom", "eventKey": "e", "isNumeric": False})
    group = {"key": "g", "name": "G", "kind": "standard", "maintainerId": "x", "tags": []}
    await ld.post("/projects/p/metric-groups", {**group, "metrics": [{"key": "m"}]}, beta=True)
    await ld.post("/segments/p/test", {"key": "beta", "name": "Beta"})
    await ld.post(EXPERIMENTS, await experiment(ld))
    return ld


async def experiment(ld: Ld) -> dict[str, Any]:
    ids = await ld.ids()
    return {
        "key": "duel",
        "name": "Duel",
        "analysisConfig": {"bayesianThreshold": "90"},
        "iteration": {
            "hypothesis": "h",
            "metrics": [{"key": "m"}],
            "primarySingleMetricKey": "m",
            "treatments": [arm("one", ids), arm("two", ids)],
            "flags": {"bot": {"ruleId": "fallthrough", "flagConfigVersion": 1}},
        },
    }


def arm(variation: str, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": variation,
        "baseline": variation == "one",
        "allocationPercent": "50",
        "parameters": [{"flagKey": "bot", "variationId": ids[variation]}],
    }


def path_of(route: Route) -> str:
    return "/".join(NAMES.get(part, part) for part in route.path.split("/"))


async def send(ld: Ld, method: str, path: str, body: Any, content_type: str) -> None:
    """Send a request and check the status. Without an HTTP client: these are tens of thousands."""
    place, _, query = path.partition("?")
    headers = {"authorization": "api-1", "ld-api-version": "beta", "content-type": content_type}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": f"/api/v2{place}",
        "raw_path": f"/api/v2{place}".encode(),
        "query_string": quote(query, safe="=&%:,").encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 123),
    }
    answer: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def answered(message: Any) -> None:
        answer.append(message)

    await ld.app(scope, receive, answered)
    start, *rest = answer
    content = b"".join(message["body"] for message in rest)
    assert start["status"] in {200, 201, 204, 400, 404, 405, 409, 501}, (body, content)
    if content:
        json.loads(content)


@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route.method} {route.path}")
async def test_hostile_bodies(full: Ld, route: Route) -> None:
    method, path = route.method, path_of(route)
    content_types = ["application/json"]
    if route.method == "PATCH":
        content_types.append(SEMANTIC)
    for content_type in content_types:
        for body in SCALARS:
            await send(full, method, path, body, content_type)
        for name in FIELDS:
            for value in SCALARS:
                await send(full, method, path, {**COMPLETE, name: value}, content_type)


@pytest.mark.parametrize("kind", sorted(TARGETING_KINDS))
async def test_hostile_targeting_instructions(full: Ld, kind: str) -> None:
    ids = await full.ids()
    add = {"kind": "addRule", "variationId": ids["one"], "clauses": []}
    (rule,) = (await full.target(add))["rules"]
    good = {"variationId": ids["one"], "ruleId": rule["_id"], "trackEvents": True, "values": ["a"]}
    names = (
        *("variationId", "rolloutWeights", "rolloutBucketBy", "rolloutContextKind", "ruleId"),
        *("ruleIds", "rules", "clauses", "clauseIds", "clause", "clauseId", "values", "targets"),
        *("contextKind", "description", "trackEvents", "beforeRuleId", "OnVariationValue"),
    )
    path = "/projects/p/ai-configs/bot/targeting"
    for name in names:
        for value in (*SCALARS, [{}], [[]], [{"clauses": [{}]}], {ids["one"]: "x"}, {"op": "in"}):
            instruction = {**good, "kind": kind, name: value}
            body = {"environmentKey": "test", "instructions": [instruction]}
            await send(full, "PATCH", path, body, SEMANTIC)
    await full.targeting()


@pytest.mark.parametrize("kind", sorted(SEGMENT_KINDS))
async def test_hostile_segment_instructions(full: Ld, kind: str) -> None:
    names = ("values", "value", "ruleId", "ruleIds", "clauses", "weight", "contextKind", "clause")
    for name in names:
        for value in (*SCALARS, [{}], [{"op": "in"}], [[]]):
            instruction = {"values": ["a"], "kind": kind, name: value}
            body = {"environmentKey": "test", "instructions": [instruction]}
            await send(full, "PATCH", "/segments/p/test/beta", body, SEMANTIC)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, found in inner:
        yield (*path, key)
        if isinstance(found, dict | list):
            yield from places(found, (*path, key))


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    copied = copy.deepcopy(value)
    inner = copied
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return copied


async def test_hostile_experiments(full: Ld) -> None:
    body = {**await experiment(full), "key": "new"}
    for path in places(body):
        for value in SCALARS:
            await send(full, "POST", EXPERIMENTS, changed(body, path, value), "application/json")
            iteration = changed(body, path, value)["iteration"]
            await send(
                full, "POST", f"{EXPERIMENTS}/duel/iterations", iteration, "application/json"
            )


@pytest.mark.parametrize("kind", sorted(EXPERIMENT_KINDS))
async def test_hostile_experiment_instructions(full: Ld, kind: str) -> None:
    design = (await experiment(full))["iteration"]
    winner, other = (found["parameters"][0]["variationId"] for found in design["treatments"])
    names = (*design, "name", "tags", "methodology", "analysisConfig", "attributes", "maintainerId")
    stop = {"kind": "stopIteration", "winningTreatmentId": winner, "winningReason": "r"}
    values = [
        {name: {"operation": operation, "value": value}}
        for name in names
        for operation in ("add", "update", "remove", 7)
        for value in (*SCALARS, [other], [{"key": []}], [{"parameters": [7]}], {"bot": []})
    ]
    instruction = {**stop, "kind": kind, "changeJustification": "r"}
    fields = ("winningTreatmentId", "winningReason", "changeJustification")
    hostile = [{**instruction, "value": value} for value in (*SCALARS, {"name": 7}, *values)]
    hostile += [{**instruction, field: value} for field in fields for value in SCALARS]
    for one in hostile:
        body = {"instructions": [one], "comment": "c"}
        await send(full, "PATCH", f"{EXPERIMENTS}/duel", body, SEMANTIC)
    await full.get(f"{EXPERIMENTS}/duel?{EVERYTHING}")
    await full.targeting()


@pytest.mark.parametrize("path", ["/metrics/p/m", "/segments/p/test/beta", "/projects/p"])
async def test_hostile_json_patches(full: Ld, path: str) -> None:
    pointers = ("", "/", "/name", "/tags", "/tags/-", "/tags/0", "/rules", "/rules/0/clauses", "x")
    for op in ("add", "remove", "replace", "test", "move", "copy", 7, None):
        for pointer in pointers:
            for value in SCALARS:
                patch = [{"op": op, "path": pointer, "value": value, "from": "/name"}]
                await send(full, "PATCH", path, patch, "application/json")


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
async def test_hostile_queries(full: Ld, route: Route) -> None:
    for query in (
        *("limit=x", "limit=99999999999999999999", "offset=-1", "expand=x,,", "filter=:", "sort=-"),
        *("filter=a equals", "filter=%00", "before=x", "after=-2", "spec=:::", "q=%ff", "kind="),
        *("version=x", "version=-1", "restricted=maybe", "lifecycleState=x", "env=&env=x"),
    ):
        await send(full, "GET", f"{path_of(route)}?{query}", None, "application/json")
