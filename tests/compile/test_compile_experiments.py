"""Experiments that files say run, laid over what their rule or fallthrough serves."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ldconf.compile import compile_environment, live_source, running_experiments, workspace_source
from ldconf.core.resource import Json
from ldconf.documents.load import load
from tests.properties.worlds import PROJECT, Texts, World, all_applied, loaded, texts_of

RULE = {"attribute": "plan", "op": "in", "values": ["vip"]}
DESIGN: dict[str, Json] = {
    "environment": "test",
    "aiConfig": "bot",
    "hypothesis": "B is better",
    "methodology": "bayesian",
    "metrics": ["m"],
    "primary": "m",
    "allocation": {"b": 12.5, "a": 50},
    "control": "a",
    "remainder": "c",
    "status": "running",
}


def sections(**fields: Json) -> dict[str, dict[str, Any]]:
    """Return a workspace with the experiment; None takes a field away."""
    targeting = {"rules": [{"description": "VIP", "clauses": [RULE], "serve": "a"}]}
    variations = {key: {"instructions": key} for key in "abc"}
    given = {name: value for name, value in {**DESIGN, **fields}.items() if value is not None}
    return {
        "metrics": {
            "m": {
                "kind": "custom",
                "eventKey": "e",
                "isNumeric": False,
                "analysisUnits": ["user", "org"],
            }
        },
        "aiConfigs": {
            "bot": {
                "mode": "agent",
                "variations": variations,
                "targeting": {"test": {**targeting, "fallthrough": "a"}},
            }
        },
        "experiments": {"e": given},
    }


def compiled(**fields: Json) -> dict[str, Any]:
    """Return the flag of the AI Config as files make it."""
    workspace = loaded(texts_of(sections(**fields)))
    source = workspace_source(workspace, running_experiments(workspace))
    flag: dict[str, Any] = compile_environment(source, "test")["flags"]["bot"]
    return flag


def rollout(slot: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(slot["rollout"])
    assert isinstance(found.pop("seed"), int)
    return found


EXPECTED = {
    "kind": "experiment",
    "contextKind": "user",
    "variations": [
        {"variation": 2, "weight": 12_500, "untracked": False},
        {"variation": 1, "weight": 50_000, "untracked": False},
        {"variation": 3, "weight": 37_500, "untracked": True},
    ],
}


def test_arms_in_order_then_the_rest_untracked() -> None:
    found = compiled()
    assert EXPECTED.items() <= rollout(found["fallthrough"]).items()
    assert found["rules"][0]["variation"] == 1


def test_experiment_on_a_rule_leaves_the_fallthrough_alone() -> None:
    found = compiled(rule={"description": "VIP"}, randomizationUnit="org")
    assert found["fallthrough"] == {"variation": 1}
    assert {**EXPECTED, "contextKind": "org"}.items() <= rollout(found["rules"][0]).items()


def test_rest_gets_the_control_unless_told_otherwise() -> None:
    workspace = loaded(texts_of(sections(allocation={"a": 50, "b": 50}, remainder=None)))
    (found,) = running_experiments(workspace)
    assert found.remainder == "a"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "draft"},
        {"status": "stopped", "winner": "a", "reason": "x"},
        {"status": None},
    ],
)
def test_what_does_not_run_divides_nothing(fields: dict[str, Json]) -> None:
    assert compiled(**fields)["fallthrough"] == {"variation": 1}


def test_what_leaves_the_allocation_to_others_divides_nothing() -> None:
    assert compiled(allocation=None)["fallthrough"] == {"variation": 1}


def test_another_iteration_makes_another_seed() -> None:
    first, second = compiled(), compiled(iteration=2)
    assert first["fallthrough"]["rollout"]["seed"] != second["fallthrough"]["rollout"]["seed"]


def test_without_the_experiments_of_a_workspace_its_rule_serves_the_control() -> None:
    workspace = loaded(texts_of(sections()))
    flag = compile_environment(workspace_source(workspace), "test")["flags"]["bot"]
    assert flag["fallthrough"] == {"variation": 1}


@pytest.mark.anyio
async def test_files_and_live_state_divide_alike() -> None:
    world, workspace = World(), loaded(texts_of(sections()))
    assert all_applied(await world.apply(workspace))

    by_live = compile_environment(live_source(await world.read()), "test")["flags"]["bot"]
    assert rollout(by_live["fallthrough"]) == rollout(compiled()["fallthrough"])


def test_the_workspace_of_these_tests_has_no_problem() -> None:
    assert load(Texts(texts_of(sections()))).diagnostics == ()
    assert PROJECT == "shop"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
