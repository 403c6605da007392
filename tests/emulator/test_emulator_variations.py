"""Variations and their versions (reference 4, 22.4 - 22.7)."""

from __future__ import annotations

import pytest

from tests.emulator.ld import Ld

BOT = "/projects/p/ai-configs/bot"
ONE = f"{BOT}/variations/one"


async def judge(ld: Ld, key: str = "judge", metric: str = "tone") -> None:
    await ld.ai_config(key, mode="judge", evaluationMetricKey=metric)


async def test_a_new_variation_has_another_id_in_targeting(ld: Ld) -> None:
    await ld.ai_config("bot")
    made = await ld.variation("one", model={"modelName": "gpt-4o"})
    ids = await ld.ids()
    assert ids["one"] != made["_id"]
    assert len(ids["one"]) == 36
    assert made["version"] == 1


async def test_targeting_shows_what_sdks_are_served(ld: Ld) -> None:
    await ld.post(
        "/projects/p/ai-tools",
        {"key": "find", "schema": {"type": "object"}, "customParameters": {"table": "t"}},
    )
    await judge(ld)
    await ld.ai_config("bot")
    await ld.variation(
        "one",
        modelConfigKey="Anthropic.claude-sonnet-4-5",
        model={"parameters": {"temperature": 0.5}, "custom": {"k": 5}},
        tools=[{"key": "find", "version": 1}],
        judgeConfiguration={"judges": [{"judgeConfigKey": "judge", "samplingRate": 0.5}]},
        outputFormat={"type": "object"},
    )
    tool = {
        "name": "find",
        "description": "",
        "type": "function",
        "parameters": {"type": "object"},
        "customParameters": {"table": "t"},
    }
    assert (await ld.targeting())["variations"][1]["value"] == {
        "_ldMeta": {
            "enabled": True,
            "variationKey": "one",
            "version": 1,
            "mode": "agent",
            "modelKey": "Anthropic.claude-sonnet-4-5",
            "modelVersion": 1,
        },
        "model": {
            "name": "claude-sonnet-4-5",
            "parameters": {"temperature": 0.5, "tools": [tool]},
            "custom": {"k": 5},
        },
        "provider": {"name": "Anthropic"},
        "instructions": "I am one",
        "tools": {"find": tool},
        "judgeConfiguration": {"judges": [{"key": "judge", "samplingRate": 0.5}]},
        "outputFormat": {"type": "object"},
    }


async def test_a_judge_is_served_messages_and_its_metric(ld: Ld) -> None:
    await judge(ld)
    messages = [{"role": "system", "content": "Judge"}]
    await ld.variation("v", config="judge", instructions="ignored", messages=messages)
    value = (await ld.targeting("judge"))["variations"][1]["value"]
    assert value["messages"] == messages
    assert value["evaluationMetricKey"] == "tone"
    assert "model" not in value
    assert "instructions" not in value


async def test_a_patch_makes_a_version_even_without_a_change(ld: Ld) -> None:
    await ld.ai_config("bot")
    first = await ld.variation("one", comment="first")
    second = await ld.patch(ONE, {"instructions": "I am one"})
    assert second["version"] == 2
    assert second["_id"] != first["_id"]
    assert second["createdAt"] > first["createdAt"]
    assert "comment" not in second
    third = await ld.patch(ONE, {"comment": "third"})
    assert (third["version"], third["comment"]) == (3, "third")
    assert (await ld.targeting())["variations"][1]["value"]["_ldMeta"]["version"] == 3
    config = await ld.get(BOT)
    assert [row["version"] for row in config["variations"]] == [3]


async def test_all_versions_are_returned_in_no_order(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    for number in range(6):
        await ld.patch(ONE, {"instructions": f"text {number}"})
    orders = set()
    for _ in range(5):
        rows = await ld.get(ONE)
        assert rows["totalCount"] == 7
        orders.add(tuple(row["version"] for row in rows["items"]))
    assert len(orders) > 1
    assert {tuple(sorted(order)) for order in orders} == {(1, 2, 3, 4, 5, 6, 7)}
    ld.faults.scramble = False
    rows = await ld.get(ONE)
    assert [row["version"] for row in rows["items"]] == [1, 2, 3, 4, 5, 6, 7]


async def test_reads_may_lag_behind(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    ld.faults.stale_reads = 2
    await ld.patch(ONE, {"instructions": "new"})
    seen = [max(row["version"] for row in (await ld.get(ONE))["items"]) for _ in range(3)]
    assert seen == [1, 1, 2]


async def test_a_new_variation_may_appear_late_in_targeting(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    ld.faults.hidden_reads = 2
    await ld.variation("two")
    assert [len(await ld.ids()) for _ in range(3)] == [2, 2, 3]


async def test_the_only_variation_may_appear_late(ld: Ld) -> None:
    ld.faults.hidden_reads = 1
    await ld.ai_config("bot", "one")
    hidden = await ld.targeting()
    assert hidden["defaults"] == {"onVariation": 0, "offVariation": 0}
    assert (await ld.targeting())["defaults"] == {"onVariation": 1, "offVariation": 0}


async def test_a_served_variation_is_never_hidden(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    ids = await ld.ids()
    ld.faults.delay(("hidden", "p", "bot", "one"), 5)
    await ld.target({"kind": "updateOffVariation", "variationId": ids["one"]})
    assert await ld.ids() == ids


@pytest.mark.parametrize(
    ("switches", "listed", "single", "versions"),
    [
        ({}, True, True, True),
        ({"list_texts": False}, False, True, True),
        ({"texts": "config-only"}, True, True, False),
        ({"texts": "nowhere"}, False, False, False),
    ],
    ids=["everywhere", "not in lists", "only on the config", "nowhere"],
)
async def test_texts_may_not_be_returned(
    ld: Ld, switches: dict[str, object], listed: bool, single: bool, versions: bool
) -> None:
    await ld.ai_config("bot")
    for name, value in switches.items():
        setattr(ld.faults, name, value)
    made = await ld.variation("one", description="about")
    assert (made["instructions"], made["description"]) == ("I am one", "about")
    (row,) = (await ld.get("/projects/p/ai-configs"))["items"][0]["variations"]
    assert ("instructions" in row, "description" in row) == (listed, listed)
    (row,) = (await ld.get(BOT))["variations"]
    assert ("instructions" in row, "description" in row) == (single, single)
    (row,) = (await ld.get(ONE))["items"]
    assert ("instructions" in row, "description" in row) == (versions, versions)


async def test_tools_may_not_be_returned(ld: Ld) -> None:
    await ld.post("/projects/p/ai-tools", {"key": "find", "schema": {}})
    await ld.ai_config("bot")
    await ld.variation("one", tools=[{"key": "find", "version": 1}])
    ld.faults.list_tools = False
    ld.faults.get_tools = False
    assert "tools" not in (await ld.get("/projects/p/ai-configs"))["items"][0]["variations"][0]
    assert "tools" not in (await ld.get(ONE))["items"][0]
    assert (await ld.get(BOT))["variations"][0]["tools"] == [{"key": "find", "version": 1}]


async def test_create_may_lose_texts(ld: Ld) -> None:
    await ld.ai_config("bot")
    ld.faults.create_loses_texts = True
    assert "instructions" not in await ld.variation("one")
    await ld.patch(ONE, {"instructions": "again"})
    assert (await ld.get(BOT))["variations"][0]["instructions"] == "again"


async def test_empty_texts_may_be_left_out(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    assert (await ld.get(ONE))["items"][0]["description"] == ""
    assert (await ld.get(BOT))["variations"][0]["description"] == ""
    ld.faults.omit_empty_texts = True
    assert "description" not in (await ld.get(ONE))["items"][0]
    assert "description" not in (await ld.get(BOT))["variations"][0]


async def test_texts_are_for_agents_only(ld: Ld) -> None:
    await ld.ai_config("chat", mode="completion")
    made = await ld.variation("one", config="chat", description="about")
    assert "instructions" not in made
    assert "description" not in made


async def test_model_comes_back_with_injected_empties(ld: Ld) -> None:
    await ld.ai_config("bot")
    made = await ld.variation("one", model={"parameters": {"temperature": 1}})
    assert made["model"] == {"modelName": "", "parameters": {"temperature": 1}, "custom": {}}


async def test_model_is_replaced_whole(ld: Ld) -> None:
    await ld.ai_config("bot")
    await ld.variation("one", model={"modelName": "a", "parameters": {"x": 1, "y": 2}})
    patched = await ld.patch(ONE, {"model": {"parameters": {"x": 3}}})
    assert patched["model"] == {"modelName": "", "parameters": {"x": 3}, "custom": {}}


async def test_tool_keys_attach_nothing(ld: Ld) -> None:
    await ld.post("/projects/p/ai-tools", {"key": "find", "schema": {}})
    await ld.ai_config("bot")
    assert "tools" not in await ld.variation("one", toolKeys=["find"])


async def test_sampling_rates_are_32_bit_floats(ld: Ld) -> None:
    await judge(ld)
    await ld.ai_config("bot")
    judges = {"judges": [{"judgeConfigKey": "judge", "samplingRate": 0.1}]}
    made = await ld.variation("one", judgeConfiguration=judges)
    assert made["judgeConfiguration"]["judges"][0]["samplingRate"] == 0.10000000149011612
    cleared = await ld.patch(ONE, {"judgeConfiguration": {"judges": []}})
    assert cleared["judgeConfiguration"] == {"judges": []}


async def test_lists_are_replaced_whole_and_emptied_by_an_empty_list(ld: Ld) -> None:
    await ld.post("/projects/p/ai-tools", {"key": "find", "schema": {}})
    await ld.ai_config("bot")
    await ld.variation("one", tools=[{"key": "find", "version": 1}])
    assert "tools" in await ld.patch(ONE, {"tools": None})
    assert "tools" not in await ld.patch(ONE, {"tools": []})


async def test_bad_bodies_are_refused(ld: Ld) -> None:
    await judge(ld)
    await judge(ld, "twin")
    await ld.ai_config("bot", "one")
    both = [{"judgeConfigKey": key, "samplingRate": 1} for key in ("judge", "twin")]
    for fields in (
        {"key": "one"},
        {"key": "disabled"},
        {"key": "?"},
        {"name": ""},
        {"state": "archived"},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user"}]},
        {"messages": ["hi"]},
        {"model": "gpt-4o"},
        {"modelConfigKey": "gpt-4o"},
        {"modelConfigKey": "OpenAI.no-such"},
        {"modelConfigKey": "OpenAI.gpt-4o", "modelConfigVersion": 7},
        {"modelConfigVersion": 1},
        {"tools": [{"key": "none", "version": 1}]},
        {"tools": [{"key": "none"}]},
        {"judgeConfiguration": {"judges": [{"judgeConfigKey": "bot", "samplingRate": 1}]}},
        {"judgeConfiguration": {"judges": [{"judgeConfigKey": "judge", "samplingRate": 2}]}},
        {"judgeConfiguration": {"judges": both}},
        {"classifiers": [{"key": "c"}], "messages": [{"role": "user", "content": "x"}]},
    ):
        body = {"key": "two", "name": "Two", **fields}
        await ld.post(f"{BOT}/variations", body, status=409 if body["key"] == "one" else 400)
    on_judge = {"key": "v", "name": "V", "judgeConfiguration": {"judges": both[:1]}}
    await ld.post("/projects/p/ai-configs/judge/variations", on_judge, status=400)
    await ld.patch(ONE, {"name": ""}, status=400)
    assert len(await ld.ids()) == 2


async def test_what_is_not_implemented_says_so(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    skills = [{"key": "s", "version": 1}]
    assert "skills" in (await ld.patch(ONE, {"skills": skills}, status=501))["message"]
    await ld.patch(ONE, {"published": False}, status=501)
    await ld.patch(ONE, {"skills": [], "published": True})


async def test_the_version_of_a_model_config_stays_pinned(ld: Ld) -> None:
    models = "/projects/p/ai-configs/model-configs"
    await ld.post(models, {"key": "My.m", "id": "m", "name": "M"}, status=200)
    await ld.ai_config("bot")
    assert (await ld.variation("one", modelConfigKey="My.m"))["modelConfigVersion"] == 1
    await ld.patch(f"{models}/My.m", {"name": "N"})
    assert (await ld.patch(ONE, {"name": "x"}))["modelConfigVersion"] == 1
    assert (await ld.patch(ONE, {"modelConfigKey": "My.m"}))["modelConfigVersion"] == 1
    assert (await ld.patch(ONE, {"modelConfigVersion": 2}))["modelConfigVersion"] == 2
    changed = await ld.patch(ONE, {"modelConfigKey": "OpenAI.gpt-4o"})
    assert changed["modelConfigVersion"] == 1
    assert (await ld.patch(ONE, {"modelConfigKey": "My.m"}))["modelConfigVersion"] == 2
    assert "modelConfigKey" not in await ld.patch(ONE, {"modelConfigKey": ""})


async def test_state_is_a_transition(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    await ld.patch(ONE, {"state": "published"}, status=400)
    archived = await ld.patch(ONE, {"state": "archived"})
    assert archived["state"] == "archived"
    assert "_archivedAt" in archived
    await ld.patch(ONE, {"state": "archived"}, status=400)
    two = f"{BOT}/variations/two"
    answer = await ld.patch(two, {"state": "archived"}, status=400)
    assert "only variation" in answer["message"]
    restored = await ld.patch(ONE, {"state": "published", "instructions": "back"})
    assert (restored["state"], restored["instructions"]) == ("published", "back")
    assert "_archivedAt" not in restored
    await ld.patch(ONE, {"state": "gone"}, status=400)


async def test_an_archived_variation_stays_listed_and_cannot_be_served(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    await ld.patch(ONE, {"state": "archived"})
    assert [row["state"] for row in (await ld.get(BOT))["variations"]] == ["archived", "published"]
    ids = await ld.ids()
    kind = "updateFallthroughVariationOrRollout"
    await ld.target({"kind": kind, "variationId": ids["one"]}, status=400)


async def test_a_served_variation_can_be_neither_archived_nor_deleted(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    await ld.serve("one")
    assert "test" in (await ld.patch(ONE, {"state": "archived"}, status=400))["message"]
    assert "test" in (await ld.delete(ONE, status=400))["message"]
    await ld.serve("two")
    await ld.delete(ONE)
    assert set(await ld.ids()) == {"disabled", "two"}
    serving = (await ld.targeting())["environments"]["test"]["fallthrough"]
    assert serving == {"variation": 1}


async def test_the_last_variation_cannot_be_deleted(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    answer = await ld.delete(ONE, status=400)
    assert "Cannot delete the last variation" in answer["message"]
    await ld.delete(f"{BOT}/variations/none", status=404)


async def test_deleting_the_default_variation_moves_the_default(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    await ld.delete(ONE)
    assert (await ld.targeting())["defaults"] == {"onVariation": 1, "offVariation": 0}
