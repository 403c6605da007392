"""AI Configs (reference 3, 22.4, 22.6, 22.7)."""

from __future__ import annotations

from ldconf.emulator.access import MEMBER_ID, SERVICE_TOKEN
from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment
from tests.emulator.ld import Ld

CONFIGS = "/projects/p/ai-configs"


async def test_a_new_config_serves_disabled_in_every_environment(ld: Ld) -> None:
    await ld.ai_config("bot")
    targeting = await ld.targeting()
    assert [found["name"] for found in targeting["variations"]] == ["disabled"]
    assert targeting["variations"][0]["value"] == {"_ldMeta": {"enabled": False}}
    assert set(targeting["environments"]) == {"test", "production"}
    for environment in targeting["environments"].values():
        assert environment["enabled"] is True
        assert environment["fallthrough"] == {"variation": 0}
        assert environment["offVariation"] == 0
        assert (environment["targets"], environment["rules"]) == ([], [])


async def test_create_fills_in_defaults(ld: Ld) -> None:
    made = await ld.post(CONFIGS, {"key": "bot", "name": "Bot"})
    assert made["mode"] == "completion"
    assert made["description"] == ""
    assert made["isInverted"] is False
    assert made["version"] == 1
    assert made["_maintainer"]["_id"] == MEMBER_ID
    assert "evaluationMetricKey" not in made


async def test_the_server_may_set_no_maintainer(ld: Ld) -> None:
    made = await ld.post(CONFIGS, {"key": "a", "name": "A"}, token=SERVICE_TOKEN)
    assert "_maintainer" not in made
    ld.faults.default_maintainer = False
    assert "_maintainer" not in await ld.post(CONFIGS, {"key": "b", "name": "B"})


async def test_an_empty_description_is_refused_on_create(ld: Ld) -> None:
    await ld.post(CONFIGS, {"key": "bot", "name": "Bot", "description": ""}, status=400)
    await ld.get(f"{CONFIGS}/bot", status=404)


async def test_bad_bodies_are_refused(ld: Ld) -> None:
    for body in (
        {"name": "no key"},
        {"key": "a"},
        {"key": "a", "name": ""},
        {"key": "a b", "name": "A"},
        {"key": "a", "name": 7},
        {"key": "a", "name": "A", "mode": "robot"},
        {"key": "a", "name": "A", "tags": "x"},
        {"key": "a", "name": "A", "isInverted": "no"},
        {"key": "a", "name": "A", "maintainerId": "m", "maintainerTeamKey": "t"},
    ):
        await ld.post(CONFIGS, body, status=400)
    assert (await ld.get(CONFIGS))["totalCount"] == 0


async def test_a_duplicate_key_is_a_conflict_or_a_bad_request(ld: Ld) -> None:
    await ld.ai_config("bot")
    answer = await ld.post(CONFIGS, {"key": "bot", "name": "Bot"}, status=409)
    assert answer["code"] == "conflict"
    ld.faults.duplicate_status = 400
    answer = await ld.post(CONFIGS, {"key": "bot", "name": "Bot"}, status=400)
    assert "already exists" in answer["message"]


async def test_a_config_can_be_made_with_its_first_variation(ld: Ld) -> None:
    first = {"key": "one", "name": "One", "instructions": "Hi"}
    made = await ld.post(
        CONFIGS, {"key": "bot", "name": "Bot", "mode": "agent", "defaultVariation": first}
    )
    assert [row["instructions"] for row in made["variations"]] == ["Hi"]
    assert (await ld.targeting())["defaults"] == {"onVariation": 1, "offVariation": 0}


async def test_a_bad_first_variation_makes_no_config(ld: Ld) -> None:
    first = {"key": "one", "name": "One", "modelConfigKey": "No.such"}
    body = {"key": "bot", "name": "Bot", "defaultVariation": first}
    await ld.post(CONFIGS, body, status=400)
    await ld.get(f"{CONFIGS}/bot", status=404)


async def test_patch_replaces_given_fields_only(ld: Ld) -> None:
    await ld.ai_config("bot", description="old", tags=["a"], maintainerId="m1")
    body = {"description": "", "tags": ["c", "b", "b"], "maintainerTeamKey": "crew"}
    patched = await ld.patch(f"{CONFIGS}/bot", body)
    assert patched["name"] == "bot"
    assert patched["description"] == ""
    assert patched["tags"] == ["b", "c"]
    assert patched["_maintainer"] == {"key": "crew", "name": "crew"}
    assert patched["version"] == 2
    cleared = await ld.patch(f"{CONFIGS}/bot", {"maintainerTeamKey": ""})
    assert "_maintainer" not in cleared


async def test_patch_cannot_change_key_or_mode(ld: Ld) -> None:
    await ld.ai_config("bot")
    patched = await ld.patch(f"{CONFIGS}/bot", {"key": "x", "mode": "judge", "archived": True})
    assert (patched["key"], patched["mode"], patched["version"]) == ("bot", "agent", 1)
    await ld.patch(f"{CONFIGS}/bot", {"name": ""}, status=400)
    await ld.patch(f"{CONFIGS}/none", {"name": "x"}, status=404)


async def test_default_variation_key_moves_the_default(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    await ld.patch(f"{CONFIGS}/bot", {"defaultVariationKey": "two"})
    assert (await ld.targeting())["defaults"]["onVariation"] == 2
    await ld.patch(f"{CONFIGS}/bot", {"defaultVariationKey": "three"}, status=400)


async def test_metric_keys_may_come_back_with_a_prefix(ld: Ld) -> None:
    await ld.ai_config("judge", mode="judge", evaluationMetricKey="tone", isInverted=True)
    found = await ld.get(f"{CONFIGS}/judge")
    assert (found["evaluationMetricKey"], found["isInverted"]) == ("tone", True)
    ld.faults.prefix_metric_keys = True
    found = await ld.get(f"{CONFIGS}/judge")
    assert found["evaluationMetricKeys"] == ["$ld:ai:judge:tone"]


async def test_sort_and_filter_are_not_implemented(ld: Ld) -> None:
    await ld.get(f"{CONFIGS}?filter=x", status=501)
    await ld.get(f"{CONFIGS}?sort=name", status=501)


async def test_delete_takes_everything_along(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    await ld.delete(f"{CONFIGS}/bot")
    await ld.get(f"{CONFIGS}/bot", status=404)
    await ld.get(f"{CONFIGS}/bot/targeting", status=404)
    await ld.get(f"{CONFIGS}/bot/variations/one", status=404)
    await ld.delete(f"{CONFIGS}/bot", status=404)
    await ld.ai_config("bot", "one")
    assert (await ld.get(f"{CONFIGS}/bot/variations/one"))["totalCount"] == 1


async def test_the_first_delete_of_a_served_config_may_fail(ld: Ld) -> None:
    ld.faults.transient_delete = True
    await ld.ai_config("idle", "one")
    await ld.delete(f"{CONFIGS}/idle")
    await ld.ai_config("bot", "one")
    await ld.serve("one")
    answer = await ld.delete(f"{CONFIGS}/bot", status=400)
    assert "could not delete AI Config" in answer["message"]
    await ld.delete(f"{CONFIGS}/bot")


async def test_a_config_in_use_cannot_be_deleted(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    await ld.ai_config("leaf")
    await ld.ai_config("judge", mode="judge", evaluationMetricKey="tone")
    judged = {"judges": [{"judgeConfigKey": "judge", "samplingRate": 1}]}
    await ld.variation("two", judgeConfiguration=judged)
    edges = [{"key": "e", "sourceConfig": "bot", "targetConfig": "leaf"}]
    graph = {"key": "g", "name": "G", "rootConfigKey": "bot", "edges": edges}
    await ld.post("/projects/p/agent-graphs", graph, beta=True)
    for key, reason in (("leaf", "agent graph g"), ("judge", "bot/two")):
        answer = await ld.delete(f"{CONFIGS}/{key}", status=400)
        assert reason in answer["message"]
    assert (await ld.get(f"{CONFIGS}/bot"))["dependencies"] == [{"type": "agent-graph", "key": "g"}]
    await ld.delete("/projects/p/agent-graphs/g", beta=True)
    put_experiment(ld.store, "p", "test", ExperimentSeed("duel", "bot", {"one": 100}, "one"))
    assert "duel" in (await ld.delete(f"{CONFIGS}/bot", status=400))["message"]
    await ld.delete(f"{CONFIGS}/leaf")


async def test_configs_of_two_projects_are_apart(ld: Ld) -> None:
    ld.store.ensure_project("q", ["test"])
    await ld.ai_config("bot")
    assert (await ld.get("/projects/q/ai-configs"))["totalCount"] == 0
    await ld.get("/projects/q/ai-configs/bot", status=404)
    await ld.get("/projects/none/ai-configs", status=404)
