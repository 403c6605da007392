"""Generated fallbacks: importable, equal to what is served, the same bytes each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldai import AIAgentConfigDefault, AICompletionConfigDefault, AIJudgeConfigDefault

from ldconf.render.defaults import Fallback, json_text, python_text

ROOT = Path(__file__).parents[2]
TOOL = {
    "name": "find",
    "description": "Finds",
    "type": "function",
    "parameters": {"type": "object"},
}


def module(*fallbacks: Fallback) -> dict[str, Any]:
    """Return the names of the generated module."""
    names: dict[str, Any] = {}
    exec(compile(python_text("shop", "test", fallbacks), "generated", "exec"), names)
    return names


def agent(key: str = "bot", **value: Any) -> Fallback:
    return Fallback(key, "agent", "one", {"_ldMeta": {"enabled": True}, **value})


def test_agent_is_what_the_sdk_would_be_served() -> None:
    model = {"name": "gpt", "parameters": {"temperature": 0.5, "tools": [TOOL]}, "custom": {"a": 1}}
    value = {
        "model": model,
        "provider": {"name": "OpenAI"},
        "instructions": "Be kind.\nAlways.",
        "tools": {"find": {**TOOL, "customParameters": {"table": "t"}}},
    }
    names = module(agent(**value))
    found = names["DEFAULTS"]["bot"]
    assert names["BOT"] is found
    assert isinstance(found, AIAgentConfigDefault)
    shown = found.to_dict()
    assert shown["instructions"] == "Be kind.\nAlways."
    assert shown["provider"] == {"name": "OpenAI"}
    assert shown["tools"] == value["tools"]
    assert shown["model"]["parameters"]["temperature"] == 0.5
    assert shown["model"]["parameters"]["tools"] == list(value["tools"].values())
    assert found.model.get_custom("a") == 1


def test_completion_and_judge_have_messages() -> None:
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    chat = Fallback("chat", "completion", "v", {"messages": messages})
    judge = Fallback(
        "judge", "judge", "v", {"messages": messages[:1], "evaluationMetricKey": "$ld:ai:judge:x"}
    )
    found = module(chat, judge)["DEFAULTS"]
    assert isinstance(found["chat"], AICompletionConfigDefault)
    assert found["chat"].to_dict()["messages"] == messages
    assert isinstance(found["judge"], AIJudgeConfigDefault)
    assert found["judge"].evaluation_metric_key == "$ld:ai:judge:x"


@pytest.mark.parametrize("mode", ["agent", "completion", "judge"])
def test_disabled_stays_disabled(mode: str) -> None:
    found = module(Fallback("bot", mode, "disabled", None))["DEFAULTS"]["bot"]
    assert found.enabled is False


def test_constants_never_collide() -> None:
    names = module(agent("a-b"), agent("a.b"), agent("1x"), agent("defaults"))
    assert list(names["DEFAULTS"]) == ["a-b", "a.b", "1x", "defaults"]
    assert {"A_B", "A_B_2", "AI_CONFIG_1X", "AI_CONFIG_DEFAULTS"} <= set(names)


def test_no_ai_config_is_an_empty_module() -> None:
    assert module()["DEFAULTS"] == {}


TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="\"'\\\n\t a{}", max_size=60),
    st.sampled_from(['"""', "'''", "ends with \\", 'ends with "', "a\u202eb\n", "x\r\ny", "\x00"]),
)
JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(TEXTS, JSONS)
def test_any_text_and_value_comes_back_as_it_was(text: str, value: Any) -> None:
    model = {"name": text, "parameters": {"p": value}}
    found = module(agent(model=model, instructions=text))["DEFAULTS"]["bot"]
    assert (found.instructions or "") == text
    assert found.model.name == text
    assert found.model.get_parameter("p") == value


@pytest.mark.parametrize("quotes", range(8))
def test_text_may_end_with_quotes(quotes: int) -> None:
    text = "one\n" + '"' * quotes
    assert module(agent(instructions=text))["DEFAULTS"]["bot"].instructions == text


def test_module_is_formatted_and_passes_the_linter(tmp_path: Path) -> None:
    long = {"type": "object", "properties": {f"name{n}": {"type": "string"} for n in range(9)}}
    tools = {"find": {**TOOL, "description": "word " * 40, "parameters": long}}
    names = [agent(f"bot-{n}", instructions='Say "hi"\n', tools=tools) for n in range(3)]
    path = tmp_path / "generated.py"
    path.write_text(python_text("shop", "test", names))
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [ruff, *command, "--config", ROOT / "pyproject.toml", path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_json_is_what_node_takes_as_default() -> None:
    found = json.loads(json_text("shop", "test", [agent(instructions="Hi"), agent("b")]))
    assert (found["project"], found["environment"]) == ("shop", "test")
    assert found["aiConfigs"]["bot"] == {
        "enabled": True,
        "mode": "agent",
        "variation": "one",
        "instructions": "Hi",
    }
