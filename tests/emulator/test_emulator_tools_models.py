"""Model configs, tools and agent graphs (reference 6, 7, 9.1, 22.8)."""

from __future__ import annotations

import pytest

from ldconf.emulator.access import MEMBER_ID
from ldconf.emulator.catalogue import CATALOGUE
from tests.emulator.ld import Ld

MODELS = "/projects/p/ai-configs/model-configs"
TOOLS = "/projects/p/ai-tools"
GRAPHS = "/projects/p/agent-graphs"
MINE = {"key": "My.m", "id": "m", "name": "M"}


def test_the_catalogue_has_prices_per_token() -> None:
    assert len(CATALOGUE) >= 40
    sonnet = CATALOGUE["Anthropic.claude-sonnet-4-5"]
    assert sonnet["costPerInputToken"] == 0.000003
    assert sonnet["costPerOutputToken"] == 0.000015
    assert sonnet["tags"] == ["example-price", "price-of-2025-10"]
    for key, model in CATALOGUE.items():
        assert key == f"{model['provider']}.{model['id']}"
        assert 0 < model["costPerInputToken"] < model["costPerOutputToken"] * 10 < 0.001


async def test_the_list_is_a_bare_array_with_global_and_custom_models(ld: Ld) -> None:
    await ld.post(MODELS, MINE, status=200)
    listed = await ld.get(MODELS)
    assert len(listed) == len(CATALOGUE) + 1
    assert [model["key"] for model in listed if not model["global"]] == ["My.m"]


async def test_a_maintainer_is_not_applied_on_create(ld: Ld) -> None:
    made = await ld.post(MODELS, {**MINE, "maintainerId": "m1", "tags": ["b", "a"]}, status=200)
    assert "_maintainer" not in made
    assert (made["version"], made["provider"], made["tags"]) == (1, "My", ["a", "b"])
    patched = await ld.patch(f"{MODELS}/My.m", {"maintainerId": "m1"})
    assert patched["_maintainer"]["_id"] == "m1"


async def test_versions_grow_on_real_changes(ld: Ld) -> None:
    await ld.post(MODELS, {**MINE, "params": {"a": 1, "b": 2}}, status=200)
    assert (await ld.patch(f"{MODELS}/My.m", {"name": "M", "id": "m"}))["version"] == 1
    patched = await ld.patch(f"{MODELS}/My.m", {"params": {"a": 3}, "costPerInputToken": 1e-6})
    assert (patched["version"], patched["params"]) == (2, {"a": 3})
    assert (await ld.get(f"{MODELS}/My.m?version=1"))["params"] == {"a": 1, "b": 2}
    versions = await ld.get(f"{MODELS}/My.m/versions")
    assert [model["version"] for model in versions["items"]] == [2, 1]
    await ld.get(f"{MODELS}/My.m?version=3", status=404)


async def test_global_models_are_read_only(ld: Ld) -> None:
    key = "OpenAI.gpt-4o-mini"
    assert (await ld.get(f"{MODELS}/{key}"))["global"] is True
    for version in (0, 1):
        assert (await ld.get(f"{MODELS}/{key}?version={version}"))["version"] == 1
    await ld.get(f"{MODELS}/{key}?version=2", status=404)
    assert (await ld.get(f"{MODELS}/{key}/versions"))["totalCount"] == 1
    await ld.patch(f"{MODELS}/{key}", {"name": "x"}, status=400)
    await ld.delete(f"{MODELS}/{key}", status=400)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "m"},
        {"key": ".m"},
        {"key": "OpenAI.gpt-4o"},
        {"provider": "Other"},
        {"id": ""},
        {"costPerInputToken": "1"},
        {"maintainerId": "a", "maintainerTeamKey": "b"},
    ],
)
async def test_bad_models_are_refused(ld: Ld, fields: dict[str, object]) -> None:
    await ld.post(MODELS, {**MINE, **fields}, status=400)


async def test_identity_of_a_model_cannot_change(ld: Ld) -> None:
    await ld.post(MODELS, MINE, status=200)
    await ld.post(MODELS, MINE, status=409)
    await ld.patch(f"{MODELS}/My.m", {"id": "n"}, status=400)
    await ld.patch(f"{MODELS}/My.m", {"provider": "Your"}, status=400)
    await ld.get(f"{MODELS}/My.n", status=404)


async def test_a_model_in_use_cannot_be_deleted(ld: Ld) -> None:
    await ld.post(MODELS, MINE, status=200)
    await ld.ai_config("bot")
    await ld.variation("one", modelConfigKey="My.m")
    answer = await ld.delete(f"{MODELS}/My.m", status=400)
    assert "model config is still in use" in answer["message"]
    assert (await ld.get(f"{MODELS}/My.m"))["usedInCount"] == 1
    await ld.patch("/projects/p/ai-configs/bot/variations/one", {"modelConfigKey": ""})
    await ld.delete(f"{MODELS}/My.m")
    await ld.get(f"{MODELS}/My.m", status=404)


async def test_restrictions_report_each_key(ld: Ld) -> None:
    await ld.ai_config("bot")
    await ld.variation("one", modelConfigKey="OpenAI.gpt-4o")
    keys = ["OpenAI.gpt-5", "OpenAI.gpt-4o", "No.such"]
    answer = await ld.post(f"{MODELS}/restricted", {"keys": keys}, status=200)
    assert answer["successes"] == ["OpenAI.gpt-5"]
    assert [(error["key"], error["code"]) for error in answer["errors"]] == [
        ("OpenAI.gpt-4o", 400),
        ("No.such", 404),
    ]
    await ld.variation("two", modelConfigKey="OpenAI.gpt-5", status=400)
    restricted = await ld.get(f"{MODELS}?restricted=true")
    assert [model["key"] for model in restricted] == ["OpenAI.gpt-5"]
    lifted = {"keys": ["OpenAI.gpt-5"]}
    await ld.call("DELETE", f"{MODELS}/restricted", lifted, status=204)
    await ld.variation("two", modelConfigKey="OpenAI.gpt-5")
    nothing = {"keys": ["No.such"]}
    assert (await ld.post(f"{MODELS}/restricted", nothing, status=200))["successes"] == []


async def test_tool_versions(ld: Ld) -> None:
    body = {"key": "find", "schema": {"type": "object"}, "tags": ["b", "a"], "description": "d"}
    made = await ld.post(TOOLS, body)
    assert (made["version"], made["tags"], made["_maintainer"]["_id"]) == (1, ["a", "b"], MEMBER_ID)
    same = await ld.patch(f"{TOOLS}/find", {"description": "d"})
    assert same["version"] == 1
    owned = await ld.patch(f"{TOOLS}/find", {"maintainerTeamKey": "crew"})
    assert (owned["version"], owned["_maintainer"]["key"]) == (1, "crew")
    assert owned["createdAt"] == made["createdAt"]
    for number, change in enumerate(
        ({"schema": {}}, {"description": ""}, {"customParameters": {"a": 1}}, {"tags": []})
    ):
        assert (await ld.patch(f"{TOOLS}/find", change))["version"] == number + 2
    versions = await ld.get(f"{TOOLS}/find/versions?limit=2")
    assert [tool["version"] for tool in versions["items"]] == [5, 4]
    assert versions["totalCount"] == 5


async def test_bad_tools_are_refused(ld: Ld) -> None:
    await ld.post(TOOLS, {"key": "find"}, status=400)
    await ld.post(TOOLS, {"key": "find", "schema": "x"}, status=400)
    await ld.post(TOOLS, {"key": "find", "schema": {}})
    await ld.post(TOOLS, {"key": "find", "schema": {}}, status=409)
    await ld.get(f"{TOOLS}/none", status=404)
    await ld.get(f"{TOOLS}/none/references", status=404)


async def test_a_tool_keeps_its_pins_and_is_kept_by_them(ld: Ld) -> None:
    await ld.post(TOOLS, {"key": "find", "schema": {}})
    await ld.ai_config("bot")
    await ld.variation("one", tools=[{"key": "find", "version": 1}])
    await ld.patch(f"{TOOLS}/find", {"description": "new"})
    references = await ld.get(f"{TOOLS}/find/references")
    (found,) = references["items"]
    assert (found["aiConfigKey"], found["variationKey"], found["toolVersion"]) == ("bot", "one", 1)
    assert references["resourceKey"] == "find"
    assert "bot/one" in (await ld.delete(f"{TOOLS}/find", status=400))["message"]
    await ld.patch("/projects/p/ai-configs/bot/variations/one", {"tools": []})
    await ld.delete(f"{TOOLS}/find")
    await ld.get(f"{TOOLS}/find", status=404)


async def test_graph_edges_show_on_single_reads_only(ld: Ld) -> None:
    await ld.ai_config("root")
    await ld.ai_config("leaf")
    edge = {"key": "e", "sourceConfig": "root", "targetConfig": "leaf", "handoff": {"x": 1}}
    body = {"key": "g", "name": "G", "rootConfigKey": "root", "edges": [edge]}
    await ld.post(GRAPHS, body, beta=True)
    assert "edges" not in (await ld.get(GRAPHS, beta=True))["items"][0]
    assert (await ld.get(f"{GRAPHS}/g", beta=True))["edges"] == [edge]
    same = await ld.patch(f"{GRAPHS}/g", {"name": "G"}, beta=True)
    changed = await ld.patch(f"{GRAPHS}/g", {"rootConfigKey": "leaf", "edges": []}, beta=True)
    assert (changed["edges"], changed["rootConfigKey"]) == ([], "leaf")
    assert changed["updatedAt"] > same["updatedAt"]
    await ld.delete(f"{GRAPHS}/g", beta=True)
    await ld.get(f"{GRAPHS}/g", status=404, beta=True)


async def test_a_graph_may_have_neither_root_nor_edges(ld: Ld) -> None:
    made = await ld.post(GRAPHS, {"key": "g", "name": "G", "maintainerId": "m"}, beta=True)
    assert "edges" not in made
    assert made["_maintainer"]["_id"] == "m"
    await ld.post(GRAPHS, {"key": "g", "name": "G"}, status=409, beta=True)


async def test_bad_graphs_are_refused(ld: Ld) -> None:
    await ld.ai_config("a")
    await ld.ai_config("chat", mode="completion")
    edge = {"key": "e", "sourceConfig": "a", "targetConfig": "a"}
    await ld.post(GRAPHS, {"key": "ok", "name": "G"}, beta=True)
    for fields in (
        {"rootConfigKey": "a"},
        {"edges": []},
        {"rootConfigKey": "", "edges": []},
        {"rootConfigKey": "none", "edges": []},
        {"rootConfigKey": "chat", "edges": []},
        {"rootConfigKey": "a", "edges": [edge, edge]},
        {"rootConfigKey": "a", "edges": [{**edge, "targetConfig": "none"}]},
        {"rootConfigKey": "a", "edges": [{"key": "e"}]},
    ):
        await ld.post(GRAPHS, {"key": "g", "name": "G", **fields}, status=400, beta=True)
        await ld.patch(f"{GRAPHS}/ok", fields, status=400, beta=True)
    await ld.patch(f"{GRAPHS}/ok", {"name": ""}, status=400, beta=True)


async def test_a_maintainer_is_a_member_or_a_team(ld: Ld) -> None:
    tool = f"{TOOLS}/find"
    await ld.post(TOOLS, {"key": "find", "schema": {}, "maintainerId": "m1"})
    team = await ld.patch(tool, {"maintainerId": "", "maintainerTeamKey": "crew"})
    assert team["_maintainer"]["key"] == "crew"
    member = await ld.patch(tool, {"maintainerId": "m2", "maintainerTeamKey": ""})
    assert member["_maintainer"]["_id"] == "m2"
    await ld.patch(tool, {"maintainerTeamKey": "crew"})
    assert "_maintainer" not in await ld.patch(tool, {"maintainerId": ""})
