"""Files, live state and the local store compile to the same flags."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from ldconf.compile import (
    AIConfigSource,
    Arm,
    EnvironmentTargeting,
    Source,
    Split,
    VariationValue,
    compile_environment,
    live_source,
    running_experiments,
    workspace_source,
)
from ldconf.core.errors import LdconfError
from ldconf.documents.load import load
from ldconf.documents.tree import Folder
from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment
from ldconf.emulator.sdk.source import store_source
from tests.compile.official import bot, result
from tests.compile.shapes import comparable, shapes
from tests.properties.worlds import PROJECT, World, all_applied, loaded, texts_of, workspaces

CAPTURES = Path(__file__).parents[1] / "emulator" / "sdk" / "captures"
EXAMPLE = Path(__file__).parents[2] / "configs"
SHOP: dict[str, Any] = {
    "tools": {
        "find": {
            "description": "Find it",
            "schema": {"type": "object"},
            "customParameters": {"table": "t"},
        }
    },
    "modelConfigs": {"Custom.small": {"name": "Small", "id": "small-1", "provider": "Custom"}},
    "segments": {
        "beta": {
            "test": {
                "name": "Beta",
                "included": ["u1"],
                "includedContexts": [{"contextKind": "org", "values": ["acme"]}],
                "rules": [
                    {
                        "clauses": [{"attribute": "plan", "op": "in", "values": ["gold"]}],
                        "weight": 12.5,
                    }
                ],
            }
        }
    },
    "aiConfigs": {
        "judge": {
            "name": "Judge",
            "mode": "judge",
            "evaluationMetricKey": "accuracy",
            "variations": {
                "strict": {
                    "modelConfigKey": "OpenAI.gpt-4o",
                    "messages": [{"role": "system", "content": "Judge."}],
                }
            },
        },
        "bot": {
            "name": "Bot",
            "mode": "agent",
            "variations": {
                "one": {
                    "modelConfigKey": "Custom.small",
                    "model": {"parameters": {"temperature": 0.5}, "custom": {"limit": 3}},
                    "instructions": "Help {{ldctx.key}}",
                    "tools": ["find"],
                    "judgeConfiguration": {
                        "judges": [{"judgeConfigKey": "judge", "samplingRate": 0.5}]
                    },
                },
                "two": {"modelConfigKey": "OpenAI.gpt-4o-mini", "instructions": "Hello"},
            },
            "targeting": {
                "test": {
                    "targets": [{"variation": "two", "values": ["qa"]}],
                    "rules": [
                        {
                            "description": "Beta",
                            "clauses": [{"op": "segmentMatch", "values": ["beta"]}],
                            "serve": {"rollout": {"two": 25, "one": "rest"}},
                        }
                    ],
                    "fallthrough": "one",
                },
                "production": {"targets": None, "rules": None, "fallthrough": "two", "off": True},
            },
        },
    },
    "agentGraphs": {
        "team": {
            "name": "Team",
            "rootConfigKey": "bot",
            "edges": {"e": {"sourceConfig": "bot", "targetConfig": "bot", "handoff": {"a": 1}}},
        }
    },
}


async def applied(sections: Any) -> World:
    world = World()
    assert all_applied(await world.apply(loaded(texts_of(sections))))
    return world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world() -> World:
    return await applied(SHOP)


def served_value(variation: str, environment: str = "test", key: str = "bot") -> dict[str, Any]:
    compiled = compile_environment(workspace_source(loaded(texts_of(SHOP))), environment)
    values = compiled["flags"][key]["variations"]
    found: dict[str, Any] = next(
        value for value in values if value["_ldMeta"].get("variationKey") == variation
    )
    return found


def test_the_value_of_an_agent() -> None:
    tool = {
        "name": "find",
        "description": "Find it",
        "type": "function",
        "parameters": {"type": "object"},
        "customParameters": {"table": "t"},
    }
    assert served_value("one") == {
        "_ldMeta": {
            "enabled": True,
            "variationKey": "one",
            "version": 1,
            "mode": "agent",
            "modelKey": "Custom.small",
            "modelVersion": 1,
        },
        "model": {
            "name": "small-1",
            "parameters": {"temperature": 0.5, "tools": [tool]},
            "custom": {"limit": 3},
        },
        "provider": {"name": "Custom"},
        "instructions": "Help {{ldctx.key}}",
        "tools": {"find": tool},
        "judgeConfiguration": {"judges": [{"key": "judge", "samplingRate": 0.5}]},
    }


def test_the_value_of_a_judge_has_the_event_key_of_its_metric() -> None:
    value = served_value("strict", key="judge")
    assert value["messages"] == [{"role": "system", "content": "Judge."}]
    assert value["evaluationMetricKey"] == "$ld:ai:judge:accuracy"
    assert value["evaluationMetricKeys"] == ["$ld:ai:judge:accuracy"]


def test_a_model_config_that_files_do_not_list_is_named_by_its_key() -> None:
    value = served_value("two")
    assert (value["model"]["name"], value["provider"]["name"]) == ("gpt-4o-mini", "OpenAI")


def test_a_tool_that_files_do_not_list_is_there_by_its_name() -> None:
    sections = json.loads(json.dumps(SHOP))
    del sections["tools"]
    workspace = loaded(
        texts_of(
            sections,
            {
                "project": "p",
                "environments": ["test", "production"],
                "external": {"tools": ["find"]},
            },
        )
    )
    compiled = compile_environment(workspace_source(workspace), "test")
    value = compiled["flags"]["bot"]["variations"][1]
    assert value["tools"] == {
        "find": {"name": "find", "description": "", "type": "function", "parameters": {}}
    }


def test_the_mode_of_an_ai_config_that_files_do_not_describe_is_guessed() -> None:
    variation = {"modelConfigKey": "OpenAI.gpt-4o", "instructions": "Hello"}
    sections = {"aiConfigs": {"bot": {"variations": {"one": variation}}}}
    resources = {
        address: found
        for address, found in loaded(texts_of(sections)).resources.items()
        if address.kind == "variations"
    }
    undescribed = replace(loaded(texts_of(sections)), resources=resources)
    source = workspace_source(undescribed)
    value = compile_environment(source, "test")["flags"]["bot"]["variations"][1]
    assert (value["_ldMeta"]["mode"], value["instructions"]) == ("agent", "Hello")


def test_off_serves_disabled_to_everybody() -> None:
    source = workspace_source(loaded(texts_of(SHOP)))
    flag = compile_environment(source, "production")["flags"]["bot"]
    assert (flag["on"], flag["targets"], flag["rules"]) == (True, [], [])
    assert flag["variations"][flag["fallthrough"]["variation"]] == {"_ldMeta": {"enabled": False}}


def test_an_agent_graph_is_a_flag_whose_edges_go_out_from_their_source() -> None:
    flag = compile_environment(workspace_source(loaded(texts_of(SHOP))), "test")["flags"]["team"]
    assert flag["variations"][0] == {
        "_ldMeta": {"enabled": True, "variationKey": "default", "version": 1},
        "root": "bot",
        "edges": {"bot": [{"key": "bot", "handoff": {"a": 1}}]},
    }
    assert (flag["fallthrough"], flag["offVariation"]) == ({"variation": 0}, 1)


def test_an_agent_graph_without_a_root_is_disabled() -> None:
    graph = Source("p", graphs={"g": {"name": "G"}})
    value = compile_environment(graph, "test")["flags"]["g"]["variations"][0]
    assert value == {
        "_ldMeta": {"enabled": False, "variationKey": "default", "version": 1},
        "edges": {},
    }


def test_archived_variations_are_gone_unless_they_are_served() -> None:
    values = [VariationValue(key, {"_ldMeta": {"variationKey": key}}, True) for key in "ab"]
    source = Source("p", {"c": AIConfigSource("c", values, {})})
    flag = compile_environment(source, "test")["flags"]["c"]
    assert flag["variations"] == [{"_ldMeta": {"enabled": False}}]
    targeting = {"test": EnvironmentTargeting(fallthrough=Split((Arm("b", 100_000),)))}
    source = Source("p", {"c": AIConfigSource("c", values, targeting)})
    flag = compile_environment(source, "test")["flags"]["c"]
    assert [value["_ldMeta"].get("variationKey") for value in flag["variations"]] == [None, "b"]


def test_serving_a_variation_that_is_not_known_is_an_error() -> None:
    with pytest.raises(LdconfError, match="the targeting of bot in test serves variation 'x'"):
        compile_environment(bot(EnvironmentTargeting(fallthrough="x")), "test")


def test_flags_have_the_shape_that_launchdarkly_sends() -> None:
    captured = json.loads((CAPTURES / "environment-fdv1.json").read_text())
    compiled = compile_environment(workspace_source(loaded(texts_of(SHOP))), "test")
    assert shapes(compiled["flags"]["bot"]) == shapes(captured["flags"]["support-agent"])
    assert set(compiled) == set(captured)


def test_salts_and_rule_ids_are_the_same_in_every_process() -> None:
    workspace = load(Folder(EXAMPLE)).workspace
    assert workspace is not None
    here = compile_environment(workspace_source(workspace), "test")
    script = (
        "import json, pathlib\n"
        "from ldconf.compile import compile_environment, workspace_source\n"
        "from ldconf.documents.load import load\n"
        "from ldconf.documents.tree import Folder\n"
        f"found = load(Folder(pathlib.Path({str(EXAMPLE)!r}))).workspace\n"
        "print(json.dumps(compile_environment(workspace_source(found), 'test')))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(run.stdout) == here


def test_salts_differ_by_flag_environment_and_project() -> None:
    flags = [
        compile_environment(Source(project, {key: AIConfigSource(key)}), environment)["flags"][key]
        for project in ("p", "q")
        for key in ("a", "b")
        for environment in ("test", "production")
    ]
    assert len({flag["salt"] for flag in flags}) == len(flags)


async def test_files_and_store_compile_to_the_same(world: World) -> None:
    files = workspace_source(loaded(texts_of(SHOP)))
    for environment in ("test", "production"):
        by_files = compile_environment(files, environment)
        by_store = compile_environment(store_source(world.store, PROJECT), environment)
        assert comparable(by_files) == comparable(by_store)


async def test_live_state_and_store_compile_to_the_same(world: World) -> None:
    source = live_source(await world.read())
    for environment in ("test", "production"):
        by_live = compile_environment(source, environment)
        by_store = compile_environment(store_source(world.store, PROJECT), environment)
        assert comparable(by_live, rules=True) == comparable(by_store, rules=True)


async def test_a_running_experiment_of_the_store_is_compiled(world: World) -> None:
    seed = ExperimentSeed("models", "bot", {"one": 40, "two": 40}, control="one")
    put_experiment(world.store, PROJECT, "test", seed)
    by_store = compile_environment(store_source(world.store, PROJECT), "test")
    rollout = by_store["flags"]["bot"]["fallthrough"]["rollout"]
    assert rollout["kind"] == "experiment"
    assert isinstance(rollout["seed"], int)
    assert rollout["variations"] == [
        {"variation": 1, "weight": 40_000, "untracked": False},
        {"variation": 2, "weight": 40_000, "untracked": False},
        {"variation": 1, "weight": 20_000, "untracked": True},
    ]
    by_live = compile_environment(live_source(await world.read()), "test")
    assert by_live["flags"]["bot"]["fallthrough"] == by_store["flags"]["bot"]["fallthrough"]


async def test_live_variations_without_a_value_are_made_from_themselves(world: World) -> None:
    live = await world.read()
    documents = [
        found.meta["document"] for found in live.observed.values() if "document" in found.meta
    ]
    for entry in [entry for document in documents for entry in document["variations"]]:
        if entry["value"] and (key := entry["value"]["_ldMeta"].get("variationKey")):
            entry.update(value=None, key=key)
    by_live = compile_environment(live_source(live), "test")
    by_store = compile_environment(store_source(world.store, PROJECT), "test")
    assert comparable(by_live, rules=True) == comparable(by_store, rules=True)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(workspaces())
def test_any_workspace_compiles_to_the_same_from_files_and_store(
    sections: Mapping[str, Any],
) -> None:
    import anyio

    world = anyio.run(applied, sections)
    workspace = loaded(texts_of(dict(sections)))
    files = workspace_source(workspace, running_experiments(workspace))
    for environment in ("test", "production"):
        by_files = compile_environment(files, environment)
        by_store = compile_environment(store_source(world.store, PROJECT), environment)
        assert comparable(by_files) == comparable(by_store)
    world.store.close()


def test_the_example_serves_what_its_files_say() -> None:
    workspace = load(Folder(EXAMPLE)).workspace
    assert workspace is not None
    source = workspace_source(workspace)
    premium = {"kind": "user", "key": "u", "subscription_status": "premium"}
    assert result(source, premium, "pet-store-agent") == "base-config"
    arms = {
        result(source, {"kind": "user", "key": f"u{number}"}, "pet-store-agent")
        for number in range(12)
    }
    assert arms == {"base-config", "model-variant-2"}
