"""The tools on the example workspace, in process."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp import Client

from ldconf.mcp.desk import Desk
from ldconf.mcp.server import create
from tests.e2e.compared import EXPERIMENT
from tests.e2e.compared import KEY as COMPARED
from tests.e2e.world import BASE, REPOSITORY, World

KEY = "pet-store-agent"
PREMIUM = {"attribute": "subscription_status", "op": "in", "values": ["premium"]}


async def call(desk: Desk, tool: str, **arguments: Any) -> Any:
    async with Client(create(desk)) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(desk: Desk, tool: str, **arguments: Any) -> str:
    async with Client(create(desk)) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)  # type: ignore[union-attr]


def text(world: World, file: str = f"{KEY}.yaml") -> str:
    return (world.root / file).read_text(encoding="utf-8")


async def test_objects_of_one_kind(desk: Desk) -> None:
    found = await call(desk, "list_objects", kind="variations")
    assert [one["address"] for one in found["objects"]] == [
        BASE,
        BASE.replace("base-config", "model-variant-2"),
    ]
    assert found["objects"][0]["place"].startswith(f"{KEY}.yaml:")
    assert found["environments"] == ["test", "production"]


async def test_an_edit_keeps_comments_and_everything_else(desk: Desk, world: World) -> None:
    before = text(world)
    wrote = await call(
        desk, "set_variation", ai_config=KEY, key="base-config", parameters={"temperature": 0.2}
    )
    assert wrote["files"] == [f"{KEY}.yaml"]
    assert text(world) == before.replace("temperature: 0.7", "temperature: 0.2")


async def test_a_prompt_is_changed_in_its_own_file(desk: Desk, world: World) -> None:
    before = text(world)
    await call(
        desk, "set_variation", ai_config=KEY, key="base-config", instructions="Be brief.\nAlways."
    )
    assert text(world) == before
    assert text(world, f"prompts/{KEY}.md") == "Be brief.\nAlways.\n"


async def test_a_child_gets_its_own_prompt_and_the_parent_keeps_its(
    desk: Desk, world: World
) -> None:
    before = text(world, f"prompts/{KEY}.md")
    wrote = await call(
        desk, "set_variation", ai_config=KEY, key="model-variant-2", instructions="Be\nbrief."
    )
    assert wrote["files"] == [f"{KEY}.yaml", f"prompts/{KEY}.model-variant-2.md"]
    assert text(world, f"prompts/{KEY}.md") == before


async def test_a_rule_in_an_environment_that_inherits_rules(desk: Desk, world: World) -> None:
    guests = {"attribute": "subscription_status", "op": "in", "values": ["guest"]}
    await call(
        desk,
        "set_rule",
        ai_config=KEY,
        environment="production",
        description="Guests",
        clauses=[guests],
        serve="model-variant-2",
        first=True,
    )
    shown = await call(desk, "show_object", address=f"aiConfigs/{KEY}/targeting/production")
    rules = shown["fields"]["rules"]
    assert [rule["description"] for rule in rules] == ["Guests", "Premium users"]
    shown = await call(desk, "show_object", address=f"aiConfigs/{KEY}/targeting/test")
    assert len(shown["fields"]["rules"]) == 1


async def test_a_rule_of_the_same_name_is_changed(desk: Desk, world: World) -> None:
    await call(
        desk,
        "set_rule",
        ai_config=KEY,
        environment="test",
        description="Premium users",
        clauses=[PREMIUM],
        serve="model-variant-2",
    )
    assert text(world).count("Premium users") == 1
    assert "# the rule's identity" in text(world)
    shown = await call(desk, "show_object", address=f"aiConfigs/{KEY}/targeting/test")
    assert shown["fields"]["rules"][0]["serve"] == "model-variant-2"


async def test_tests_that_fail_say_why(desk: Desk) -> None:
    await call(
        desk, "set_default", ai_config=KEY, environment="production", serve="model-variant-2"
    )
    tested = await call(desk, "test")
    assert tested["failed"] == 1
    assert "base-config" in tested["failures"][0]


async def test_a_metric_goes_to_the_others_and_is_edited_there(desk: Desk, world: World) -> None:
    fields = {
        "kind": "custom",
        "eventKey": "tips",
        "isNumeric": False,
        "successCriteria": "HigherThanBaseline",
        "analysisUnits": ["user"],
    }
    wrote = await call(desk, "set_metric", key="tips", fields=fields)
    assert wrote["files"] == ["metrics.yaml"]
    await call(desk, "set_metric", key="tips", fields={"name": "Tips"})
    assert text(world, "metrics.yaml").endswith("    analysisUnits: [user]\n")
    shown = await call(desk, "show_object", address="metrics/tips")
    assert shown["fields"]["name"] == "Tips"
    original = (REPOSITORY / "configs" / "metrics.yaml").read_text(encoding="utf-8")
    assert text(world, "metrics.yaml").startswith(original)


async def test_any_other_object(desk: Desk, world: World) -> None:
    wrote = await call(
        desk,
        "set_fields",
        address="modelConfigs/Custom.small",
        fields={"id": "small", "costPerInputToken": 0.000001},
    )
    assert wrote["files"] == ["modelConfigs.yaml"]
    await call(desk, "set_fields", address="tools/get_product", fields={"tags": None})
    assert "tags: null" in text(world, "tools.yaml")


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("set_variation", {"ai_config": "nobody", "key": "x"}, "there is no aiConfigs/nobody"),
        (
            "set_variation",
            {"ai_config": KEY, "key": "base-config", "model_config_key": "gpt"},
            "gpt",
        ),
        ("set_default", {"ai_config": KEY, "environment": "test", "serve": "nope"}, "nope"),
        ("set_default", {"ai_config": KEY, "environment": "prod", "serve": "disabled"}, "prod"),
        ("set_fields", {"address": "tools/x", "fields": {}}, "no fields"),
        ("set_ai_config", {"key": "../x", "mode": "agent"}, "cannot be a key"),
        (
            "set_fields",
            {"address": f"aiConfigs/{KEY}", "fields": {"variations": {}}},
            "no field of",
        ),
        (
            "set_fields",
            {"address": BASE, "fields": {"instructions": {"file": "../../x"}}},
            "leads out of the workspace",
        ),
        ("set_fields", {"address": "toolz/x", "fields": {"a": 1}}, "names no object"),
        ("set_metric", {"key": "tips", "fields": {"kinds": "custom"}}, "unknown key `kinds`"),
        ("show_object", {"address": "tools/nobody"}, "not in the files"),
    ],
)
async def test_what_would_not_load_is_refused_with_the_reason_and_not_written(
    desk: Desk, world: World, tool: str, arguments: dict[str, Any], words: str
) -> None:
    before = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    assert words in await refused(desk, tool, **arguments)
    assert before == {p: p.read_bytes() for p in world.root.rglob("*") if p.is_file()}


async def test_calls_at_the_same_time_lose_nothing(desk: Desk, world: World) -> None:
    async with Client(create(desk)) as client, anyio.create_task_group() as group:
        for number in range(8):
            arguments = {"ai_config": KEY, "key": "base-config", "custom": {f"n{number}": 1}}
            group.start_soon(client.call_tool, "set_variation", arguments)
    shown = await call(desk, "show_object", address=BASE)
    assert set(shown["fields"]["model"]["custom"]) == {
        "max_search_results",
        *(f"n{number}" for number in range(8)),
    }


async def test_an_ai_config_never_lands_in_the_settings(desk: Desk) -> None:
    wrote = await call(desk, "set_ai_config", key="ldconf", mode="agent")
    assert wrote["files"] == ["aiConfigs.yaml"]


async def test_broken_files_are_told_with_their_lines(desk: Desk, world: World) -> None:
    world.edit("serve: base-config", "serve: nobody")
    checked = await call(desk, "validate")
    assert not checked["ok"]
    assert f"{KEY}.yaml:" in checked["problems"][0]
    assert f"{KEY}.yaml:" in await refused(desk, "plan")


async def test_only_a_plan_that_was_shown_can_be_applied(desk: Desk, world: World) -> None:
    desk.allow_apply = True
    assert "no plan with this digest" in await refused(desk, "apply", digest="0" * 64)
    shown = await call(desk, "plan")
    world.edit("temperature: 0.7", "temperature: 0.1")
    assert "not the reviewed one" in await refused(desk, "apply", digest=shown["digest"])
    shown = await call(desk, "plan", targets=["metrics"])
    assert shown["changes"] == 5
    done = await call(desk, "apply", digest=shown["digest"])
    assert done == {"done": True, "results": [f"done: create {at}" for at in sorted(METRICS)]}


METRICS = [
    f"metrics/{key}"
    for key in (
        "ai_cost_per_request",
        "average_total_user_tokens",
        "negative_feedback_rate",
        "p95_total_user_latency",
        "positive_feedback_rate",
    )
]


async def test_a_rule_without_a_default_rule(desk: Desk, world: World) -> None:
    await call(desk, "set_ai_config", key="other", mode="agent")
    await call(desk, "set_variation", ai_config="other", key="a", model_config_key="OpenAI.gpt-4o")
    for name in ("One", "Two"):
        await call(
            desk,
            "set_rule",
            ai_config="other",
            environment="test",
            description=name,
            clauses=[PREMIUM],
            serve="a",
        )
    shown = await call(desk, "show_object", address="aiConfigs/other/targeting/test")
    assert [rule["description"] for rule in shown["fields"]["rules"]] == ["One", "Two"]


async def test_a_text_file_of_somebody_else_is_not_overwritten(desk: Desk, world: World) -> None:
    path = world.root / "prompts" / f"{KEY}.model-variant-2.md"
    path.write_text("mine\n")
    said = await refused(
        desk, "set_variation", ai_config=KEY, key="model-variant-2", instructions="a\nb"
    )
    assert "is there already" in said
    assert path.read_text() == "mine\n"


async def test_a_short_prompt_stands_in_the_document(desk: Desk, world: World) -> None:
    await call(desk, "set_variation", ai_config=KEY, key="short", instructions="Be brief.")
    assert "        instructions: Be brief.\n" in text(world)


async def test_plan_that_cannot_reach_launchdarkly_says_so(desk: Desk, world: World) -> None:
    from ldconf.cli.run import Run

    desk.site = Run(workspace=world.root).site
    assert "LAUNCHDARKLY_ACCESS_TOKEN" in await refused(desk, "plan")


async def test_validate_and_evaluate(desk: Desk) -> None:
    checked = await call(desk, "validate")
    assert (checked["ok"], checked["problems"]) == (True, [])
    assert checked["objects"] >= 14
    given = {"kind": "user", "key": "u1", "subscription_status": "premium"}
    got = await call(desk, "evaluate", ai_config=KEY, environment="test", context=given)
    assert got["variation"] == "base-config"
    assert got["value"]["model"] == "claude-sonnet-4-5"


def test_without_the_extra_it_says_what_to_install(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(name: str, package: str | None = None) -> None:
        """No library is installed."""

    monkeypatch.setattr("importlib.util.find_spec", nothing)
    found = world.command("mcp")
    assert found.code == 1
    assert "pip install 'ldconf[mcp]'" in found.err


async def test_an_experiment_is_edited_in_place_and_too_early_to_ship(
    desk: Desk, world: World
) -> None:
    (world.root / "experiments.yaml").write_text(EXPERIMENT)
    await call(desk, "set_experiment", key=COMPARED, decision={"minimumUnitsPerArm": 200})
    assert "# asked by Ann" in text(world, "experiments.yaml")
    assert "minimumUnitsPerArm: 200" in text(world, "experiments.yaml")
    (listed,) = (await call(desk, "list_experiments"))["experiments"]
    assert listed["address"] == f"experiments/{COMPARED}"
    assert listed["place"].startswith("experiments.yaml:3:")
    assert listed["allocation"] == {"base-config": 50, "model-variant-2": 50}
    unknown = await refused(desk, "ship", key="nope", winner="base-config", reason="x")
    assert COMPARED in unknown
    assert "needs --reason" in await refused(desk, "ship", key=COMPARED, winner="base-config")
    assert "no iteration 1" in await refused(desk, "ship", key=COMPARED)  # never applied
    two = await refused(desk, "decide", key=COMPARED, events="a", aggregates="b")
    assert "two sources" in two
    shipped = await call(desk, "ship", key=COMPARED, winner="base-config", reason="x")
    assert shipped["files"] == ["experiments.yaml"]
    assert "status: stopped # since May" in text(world, "experiments.yaml")


async def test_an_experiment_that_would_not_load_is_not_written(desk: Desk, world: World) -> None:
    (world.root / "experiments.yaml").write_text(EXPERIMENT)
    said = await refused(desk, "set_experiment", key=COMPARED, control="nobody")
    assert "experiments.yaml:" in said
    assert text(world, "experiments.yaml") == EXPERIMENT
