"""The four prompts of the workshop, as the calls that an assistant makes of them.

The official MCP client drives the real server over stdio, on a bare workspace, with the local
LaunchDarkly. docs/mcp.md tells the same story.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from ldconf.cli.main import app as app  # the program that is started below can be imported
from ldconf.emulator.serve import open_local
from tests.e2e.compared import BAD, GOOD, events, send

KEY = "pet-store-agent"
INSTRUCTIONS = """\
You are the assistant of a pet store.

## Execution plan
1. Find out which animal the customer has.
2. Look up products, stock and care guides.

## Business rules
Never promise a refund.

## Response format
Answer in plain text, in at most 120 words.
"""


def parameters(root: Path, *options: str) -> StdioServerParameters:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LAUNCHDARKLY_", "GITHUB_"))}
    words = ["-m", "ldconf", "--local", "--workspace", str(root), "mcp", *options]
    return StdioServerParameters(command=sys.executable, args=words, env=kept)


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    text = f"project: {KEY}\nenvironments: [test, production]  # the ones that we write\n"
    (tmp_path / "ldconf.yaml").write_text(text)
    return tmp_path


async def test_the_four_prompts(bare: Path) -> None:
    async with Client(parameters(bare, "--allow-apply")) as client:
        await create(client, bare)
        await enable(client)
        await premium_rule(client)
        await second_variation(client, bare)
        await apply(client)


async def create(client: Client, root: Path) -> None:
    """'Create an AI Config ... called "Pet Store Agent" with key pet-store-agent. Make it
    agent-based with a variation named base-config. ... temperature to 0.7, and max tokens to 4096.
    Include your agent instructions.'"""
    await call(client, "set_ai_config", key=KEY, name="Pet Store Agent", mode="agent")
    wrote = await call(
        client,
        "set_variation",
        ai_config=KEY,
        key="base-config",
        model_config_key="Anthropic.claude-sonnet-4-5",
        parameters={"temperature": 0.7, "max_tokens": 4096},
        instructions=INSTRUCTIONS,
    )
    assert wrote["files"] == [f"{KEY}.yaml", f"prompts/{KEY}.base-config.md"]
    assert (root / wrote["files"][1]).read_text() == INSTRUCTIONS
    checked = await call(client, "validate")
    assert checked["ok"]


async def enable(client: Client) -> None:
    """'Then enable targeting to serve the base-config variation by default.'"""
    for environment in ("test", "production"):
        await call(
            client, "set_default", ai_config=KEY, environment=environment, serve="base-config"
        )
    given = {"kind": "user", "key": "u1"}
    got = await call(client, "evaluate", ai_config=KEY, environment="test", context=given)
    assert (got["variation"], got["enabled"]) == ("base-config", True)


async def premium_rule(client: Client) -> None:
    """'Add a targeting rule that serves base-config to premium users.'"""
    premium = {"attribute": "subscription_status", "op": "in", "values": ["premium"]}
    await call(
        client,
        "set_rule",
        ai_config=KEY,
        environment="test",
        description="Premium users",
        clauses=[premium],
        serve="base-config",
    )
    given = {"kind": "user", "key": "u1", "subscription_status": "premium"}
    got = await call(client, "evaluate", ai_config=KEY, environment="test", context=given)
    assert "Premium users" in got["reason"]


async def second_variation(client: Client, root: Path) -> None:
    """'Add a variation to the pet-store-agent config called model-variant-2. Select a different
    model provider and model than your base-config. Adjust parameters as needed.'"""
    await call(
        client,
        "set_variation",
        ai_config=KEY,
        key="model-variant-2",
        extends="base-config",
        model_config_key="OpenAI.gpt-4o-mini",
        parameters={"temperature": 0.5},
    )
    halves = {"rollout": {"base-config": 50, "model-variant-2": "rest"}}
    await call(client, "set_default", ai_config=KEY, environment="test", serve=halves)
    shown = await call(client, "show_object", address=f"aiConfigs/{KEY}/variations/model-variant-2")
    assert shown["fields"]["model"]["parameters"] == {"temperature": 0.5, "max_tokens": 4096}
    assert shown["fields"]["instructions"].startswith("You are the assistant")
    assert "# the ones that we write" in (root / "ldconf.yaml").read_text()


async def apply(client: Client) -> None:
    plan = await call(client, "plan", base="none")
    assert (plan["changes"], plan["refused"]) == (5, False)
    assert "everyone else" in plan["report"]
    done = await call(client, "apply", digest=plan["digest"])
    assert done["done"]
    assert len(done["results"]) == 5
    again = await call(client, "plan", base="none")
    assert again["changes"] == 0


async def test_an_experiment_from_the_question_to_the_winner(bare: Path) -> None:
    async with Client(parameters(bare, "--allow-apply")) as client:
        await create(client, bare)
        await enable(client)
        await second_variation(client, bare)
        await start_experiment(client, bare)
        await anyio.to_thread.run_sync(some_users, bare)
        await ship_winner(client, bare)


async def start_experiment(client: Client, root: Path) -> None:
    """'Create an experiment in production that tests whether model-variant-2 gets more positive
    feedback than base-config, half of the users each. Start it.'"""
    feedback = {
        "name": "Positive feedback rate",
        "kind": "custom",
        "eventKey": GOOD,
        "isNumeric": False,
        "successCriteria": "HigherThanBaseline",
        "unitAggregationType": "average",
        "analysisUnits": ["user"],
    }
    await call(client, "set_metric", key="positive_feedback_rate", fields=feedback)
    bad = {**feedback, "eventKey": BAD, "successCriteria": "LowerThanBaseline"}
    await call(client, "set_metric", key="negative_feedback_rate", fields=bad)
    wrote = await call(
        client,
        "set_experiment",
        key="which-model",
        environment="production",
        ai_config=KEY,
        name="Which model",
        hypothesis="The cheaper model gets more positive feedback",
        metrics=["positive_feedback_rate", "negative_feedback_rate"],
        primary="positive_feedback_rate",
        allocation={"base-config": 50, "model-variant-2": 50},
        control="base-config",
        decision={"minimumUnitsPerArm": 100, "guardrails": {"negative_feedback_rate": {}}},
    )
    assert wrote["files"] == ["experiments.yaml"]
    (draft,) = (await call(client, "list_experiments"))["experiments"]
    assert (draft["status"], draft["rule"], draft["iteration"]) == ("draft", "fallthrough", 1)
    path = root / "experiments.yaml"
    path.write_text(path.read_text().replace("status: draft", "status: draft # for May"))
    await call(client, "set_experiment", key="which-model", status="running")
    assert "status: running # for May" in path.read_text()
    plan = await call(client, "plan", base="none")
    assert not plan["refused"], plan["report"]
    assert (await call(client, "apply", digest=plan["digest"]))["done"]


def some_users(root: Path) -> None:
    """More of those who got model-variant-2 liked the answer."""
    found = list(events((0.3, 0.6), users=150))
    with open_local(root / ".ldconf/local" / KEY, KEY, ()) as access:
        anyio.run(send, access.host, access.app, found)


async def ship_winner(client: Client, root: Path) -> None:
    """'How is the experiment doing? ... Ship the winner.'"""
    seen = await call(client, "results", key="which-model")
    assert seen["report"].startswith("<!-- ldconf experiment")
    assert "Positive feedback rate" in seen["report"]
    decided = await call(client, "decide", key="which-model")
    assert (decided["verdict"], decided["winner"]) == ("ship_treatment", "model-variant-2")
    assert any("not verifiable" in line for line in decided["registration"])  # no git here
    shipped = await call(client, "ship", key="which-model")
    assert shipped["winner"] == "model-variant-2"
    assert shipped["files"] == ["experiments.yaml", f"{KEY}.yaml"]
    text = (root / "experiments.yaml").read_text()
    assert "status: stopped # for May" in text
    plan = await call(client, "plan", base="none")
    assert (plan["changes"], plan["refused"]) == (2, False)
    assert (await call(client, "apply", digest=plan["digest"]))["done"]
    assert (await call(client, "plan", base="none"))["changes"] == 0


async def test_without_allow_apply_there_is_no_tool_that_could(bare: Path) -> None:
    async with Client(parameters(bare)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {
            *("list_objects", "show_object", "validate", "evaluate", "test", "plan"),
            *("set_ai_config", "set_variation", "set_default", "set_rule"),
            *("set_metric", "set_fields"),
            *("list_experiments", "set_experiment", "results", "decide", "ship"),
        }
        looks = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
        assert looks == {
            *("list_objects", "show_object", "validate", "evaluate", "test", "plan"),
            *("list_experiments", "results", "decide"),
        }
        assert all(tool.output_schema for tool in tools.values())
        refused = await client.call_tool("apply", {"digest": "x"})
        assert refused.is_error
