from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.diagnostic import Diagnostic, Position
from ldconf.core.errors import DocumentError
from ldconf.planning.planner import plan
from tests import build
from tests.planning.scenes import (
    BOT,
    OBJECTS,
    PRODUCTION,
    TEST,
    A,
    B,
    edited,
    files,
    live_with,
    planned,
)

OFF: dict[str, Any] = {"targets": None, "rules": None, "fallthrough": "a", "off": True}


def problems(*args: Any, **more: Any) -> tuple[Diagnostic, ...]:
    """Return the diagnostics that planning raises."""
    with pytest.raises(DocumentError) as caught:
        planned(*args, **more)
    return caught.value.diagnostics


def test_environment_that_does_not_exist() -> None:
    found = problems(files(environments=("test", "production", "prodution")))
    assert [(d.rule, d.hint) for d in found] == [
        ("unknown-environment", "did you mean 'production'?")
    ]


def test_environment_that_only_targeting_names() -> None:
    found = problems(edited({"aiConfigs/bot/targeting/eu": {"fallthrough": "a"}}))
    assert [problem.rule for problem in found] == ["unknown-environment"]


def test_reference_that_is_nowhere_has_its_place() -> None:
    desired = edited({A: {"modelConfigKey": "OpenAI.gpt-4"}})
    place = Position("bot.yaml", 7, 3)
    desired = build.replace(desired, positions={(build.at(A), ("modelConfigKey",)): place})
    (problem,) = problems(desired)
    assert problem.position == place
    assert problem.rule == "missing-reference"
    assert problem.summary.startswith("modelConfigs/OpenAI.gpt-4 does not exist in LaunchDarkly")
    assert problem.hint == f"did you mean {build.MODEL!r}?"


def test_all_problems_come_at_once() -> None:
    desired = edited({A: {"tools": ["x"]}, B: {"tools": ["y"]}, TEST: {"fallthrough": "z"}})
    assert len(problems(desired)) == 3


@pytest.mark.parametrize(
    ("external", "rule"),
    [
        ({"metrics": ["clicks"]}, "missing-external"),
        ({"segments/test": ["beta"]}, "missing-external"),
        ({"segments": ["beta"]}, "missing-external"),
    ],
)
def test_external_object_must_exist(external: Any, rule: str) -> None:
    found = problems(files(external={"modelConfigs": None, **external}))
    assert [problem.rule for problem in found] == [rule]


def test_external_segment_of_all_environments_exists_somewhere() -> None:
    live = live_with({"segments/beta/test": {"name": "Beta"}})
    desired = files(external={"modelConfigs": None, "segments": ["beta"]})
    assert planned(desired, live).changes == ()


def test_variation_without_ai_config() -> None:
    desired = edited({"aiConfigs/bott/variations/v": {"name": "V"}})
    (problem,) = problems(desired)
    assert problem.rule == "missing-ai-config"


def test_variation_of_an_unmanaged_ai_config_is_fine() -> None:
    desired = build.workspace({**OBJECTS})
    partial = {a: r for a, r in desired.resources.items() if str(a) != BOT}
    desired = build.replace(desired, resources=partial)
    assert planned(desired, base=desired).is_empty


def test_served_variation_that_is_retired_and_gone() -> None:
    desired = edited({B: {"state": "archived"}})
    live = live_with({B: None, TEST: {"fallthrough": "a"}})
    assert [problem.address for problem in problems(desired, live)] == [build.at(TEST)]


def test_model_name_that_contradicts_the_model_config() -> None:
    (problem,) = problems(edited({A: {"model": {"modelName": "gpt-5"}}}))
    assert problem.rule == "model-name"
    assert "'gpt-5'" in problem.summary
    assert "'gpt-4o'" in problem.summary


def test_model_name_that_agrees_is_fine() -> None:
    agreed = {"modelName": "gpt-4o", "parameters": {"temperature": 0.5}}
    assert planned(edited({A: {"model": agreed}})).is_empty


def test_removed_targeting() -> None:
    desired = edited({TEST: None}, removed=[TEST])
    (problem,) = problems(desired)
    assert (problem.rule, problem.position) == ("removed-targeting", Position("removed.yaml", 1))


def switched_off(**fields: Any) -> Any:
    """Return the workspace with test switched off, giving only these fields besides."""
    return edited({TEST: None, "aiConfigs/bot/targeting/test": {**fields, "off": True}})


RULES: Any = [
    {
        "description": "R",
        "clauses": [{"attribute": "plan", "op": "in", "values": ["x"]}],
        "serve": "a",
    }
]


def test_off_needs_rules_in_the_files_if_there_are_any() -> None:
    live = live_with({TEST: {"rules": RULES}})
    desired = switched_off(targets=None, fallthrough="a")
    (problem,) = problems(desired, live)
    assert problem.rule == "off-unmanaged"
    assert problem.hint == f"run `ldconf pull {TEST} --with-members`"


def test_off_without_rules_in_the_files_is_fine_if_there_are_none() -> None:
    desired = switched_off(targets=None, fallthrough="a")
    assert [str(c.address) for c in planned(desired).changes] == [TEST]


def placed(desired: Any, *fields: str) -> Any:
    """Return the workspace with positions, as the loader gives them."""
    place = Position("bot.yaml")
    paths = [(), ("off",), *((name,) for name in fields)]
    return build.replace(desired, positions={(build.at(TEST), path): place for path in paths})


def test_off_needs_the_default_rule_in_the_files() -> None:
    desired = placed(switched_off(targets=None, rules=None), "targets", "rules")
    assert [problem.rule for problem in problems(desired)] == ["off-unmanaged"]


def test_off_takes_an_inherited_default_rule() -> None:
    desired = placed(switched_off(targets=None, rules=None), "targets", "rules")
    parent = build.Inherited(build.at(PRODUCTION))
    desired = build.replace(desired, inherited={(build.at(TEST), "fallthrough"): parent})
    assert len(planned(desired).changes) == 1


def test_off_in_a_new_ai_config_needs_nothing() -> None:
    desired = build.workspace(
        {BOT: {"name": "Bot"}, TEST: {"fallthrough": "disabled", "off": True}}
    )
    assert len(plan(desired, build.live(), None).changes) == 1
