"""The official SDK over compiled files: what it chooses, why, and what it renders."""

from __future__ import annotations

import logging
import socket
import sys
from dataclasses import replace
from typing import Any

import pytest

from ldconf.compile import ExperimentSource, Source, workspace_source
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.evaluation import Evaluation, Message, ReasonKind
from ldconf.evaluation.sdk import evaluator
from ldconf.evaluation.shares import Switch, distribution, switches
from tests import build

GOLD = {"attribute": "plan", "op": "in", "values": ["gold"]}
BOT = "aiConfigs/bot"
HALVES = {"rollout": {"one": 50, "two": 50}}


def source(targeting: dict[str, Any] | None = None, **more: Any) -> Source:
    """Return an AI Config `bot` of an agent with variations `one` and `two`."""
    objects: dict[str, Any] = {
        BOT: {"name": "Bot", "mode": "agent"},
        f"{BOT}/variations/one": {
            "name": "One",
            "modelConfigKey": "OpenAI.gpt-4o",
            "model": {"parameters": {"temperature": 0.5}, "custom": {"limit": 3}},
            "instructions": "Help {{ldctx.name}}. {{{topic}}} / {{topic}}",
            "tools": ["search"],
        },
        f"{BOT}/variations/two": {"name": "Two", "instructions": "Hi"},
        f"{BOT}/targeting/test": targeting or {"fallthrough": "one"},
        "tools/search": {"description": "Finds", "schema": {"type": "object"}},
        **more.pop("objects", {}),
    }
    return workspace_source(build.workspace(objects), **more)


def evaluate(found: Source, ai_config: str = "bot", **context: Any) -> Evaluation:
    with evaluator(found, "test") as sdk:
        return sdk.evaluate(ai_config, {"key": "u1", **context}, {"topic": "R&D"})


def test_variation_has_model_tools_and_parameters() -> None:
    found = evaluate(source())
    assert (found.variation, found.enabled, found.mode) == ("one", True, "agent")
    assert (found.model, found.provider) == ("gpt-4o", "OpenAI")
    assert found.parameters == {"temperature": 0.5}
    assert found.custom == {"limit": 3}
    assert found.tools == ("search",)


def test_prompt_is_rendered_as_the_python_sdk_does() -> None:
    found = evaluate(source(), name="Ann")
    assert found.messages == (Message("instructions", "Help Ann. R&D / R&amp;D"),)


def test_messages_of_a_completion_keep_their_roles() -> None:
    chat = {
        "aiConfigs/chat": {"name": "Chat", "mode": "completion"},
        "aiConfigs/chat/variations/v": {
            "name": "V",
            "messages": [
                {"role": "system", "content": "Be kind to {{ldctx.key}}"},
                {"role": "user", "content": "{{topic}}?"},
            ],
        },
        "aiConfigs/chat/targeting/test": {"fallthrough": "v"},
    }
    found = evaluate(source(objects=chat), "chat")
    assert found.messages == (Message("system", "Be kind to u1"), Message("user", "R&amp;D?"))
    assert found.text == "Be kind to u1\n\nR&amp;D?"
    assert found.model is None


def test_judges_are_rendered_but_never_started(caplog: pytest.LogCaptureFixture) -> None:
    judged = {
        "aiConfigs/critic": {"name": "C", "mode": "judge", "evaluationMetricKey": "taste"},
        "aiConfigs/critic/variations/v": {
            "name": "V",
            "messages": [{"role": "system", "content": "Judge {{response_to_evaluate}}"}],
        },
        "aiConfigs/critic/targeting/test": {"fallthrough": "v"},
        f"{BOT}/variations/two": {
            "name": "Two",
            "instructions": "Hi",
            "judgeConfiguration": {"judges": [{"judgeConfigKey": "critic", "samplingRate": 1}]},
        },
    }
    found = source({"fallthrough": "two"}, objects=judged)
    with caplog.at_level(logging.DEBUG):
        assert evaluate(found).variation == "two"
        text = evaluate(found, "critic").text
    assert text == "Judge {{response_to_evaluate}}"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_rule_is_named_by_its_description() -> None:
    rules = [{"description": "Gold plan", "clauses": [GOLD], "serve": "two"}]
    found = evaluate(source({"rules": rules, "fallthrough": "one"}), plan="gold")
    assert found.variation == "two"
    assert (found.reason.kind, found.reason.rule) == (ReasonKind.RULE, "Gold plan")
    assert found.reason.words == 'rule "Gold plan": user plan is gold'
    assert not found.reason.is_rollout


def test_fallthrough_with_a_rollout_names_the_arms() -> None:
    found = evaluate(source({"fallthrough": HALVES}))
    assert found.reason.kind is ReasonKind.FALLTHROUGH
    assert found.reason.words == "fallthrough (rollout: 50 % one, 50 % two)"
    assert found.reason.is_rollout


def test_target_is_named_by_its_context() -> None:
    targets = [
        {"variation": "two", "contextKind": "user", "values": ["u1", "u2"]},
        {"variation": "one", "contextKind": "device", "values": ["d1"]},
    ]
    found = source({"targets": targets, "fallthrough": "one"})
    assert evaluate(found).reason.words == "individual target user u1"
    both = {"kind": "multi", "user": {"key": "u9"}, "device": {"key": "d1"}}
    with evaluator(found, "test") as sdk:
        assert sdk.evaluate("bot", both).reason.words == "individual target device d1"


def test_disabled_has_no_prompt_and_no_model() -> None:
    found = evaluate(source({"fallthrough": "disabled"}))
    assert (found.variation, found.enabled) == ("disabled", False)
    assert (found.model, found.messages, found.tools) == (None, (), ())


def test_switched_off_environment_serves_disabled() -> None:
    off = {"targets": None, "rules": None, "fallthrough": "one", "off": True}
    assert evaluate(source(off)).variation == "disabled"


def test_environment_without_targeting_serves_disabled() -> None:
    with evaluator(source(), "production") as sdk:
        found = sdk.evaluate("bot", {"key": "u1"})
    assert (found.variation, found.reason.words) == ("disabled", "fallthrough")


def test_targeting_that_is_off_is_told() -> None:
    found = source()
    bot = found.ai_configs["bot"]
    off = replace(bot, targeting={"test": replace(bot.targeting["test"], on=False)})
    reason = evaluate(replace(found, ai_configs={"bot": off})).reason
    assert (reason.kind, reason.words) == (ReasonKind.OFF, "targeting is off")


def test_flag_that_the_sdk_refuses_is_an_error() -> None:
    clause = {"op": "segmentMatch", "values": ["loop"]}
    rules = [{"description": "Loop", "clauses": [clause], "serve": "two"}]
    segment = {"name": "Loop", "rules": [{"description": "again", "clauses": [clause]}]}
    found = source({"rules": rules, "fallthrough": "one"}, objects={"segments/loop/test": segment})
    with pytest.raises(LdconfError, match="the SDK cannot evaluate bot: MALFORMED_FLAG"):
        evaluate(found)


def test_segment_decides() -> None:
    clause = {"op": "segmentMatch", "values": ["beta"]}
    rules = [{"description": "Beta", "clauses": [clause], "serve": "two"}]
    found = source(
        {"rules": rules, "fallthrough": "one"},
        objects={"segments/beta/test": {"name": "Beta", "included": ["u1"]}},
    )
    assert evaluate(found).reason.words == 'rule "Beta": user is in segment beta'
    assert evaluate(found, key="u2").variation == "one"


def test_running_experiment_is_said() -> None:
    allocation = {"one": 50.0, "two": 50.0}
    running = ExperimentSource("exp", "test", "bot", allocation, remainder="one")
    reason = evaluate(source(experiments=[running])).reason
    assert reason.in_experiment
    assert reason.words == "fallthrough (experiment: 50 % one, 50 % two)"


@pytest.mark.parametrize("context", [{"key": ""}, {"kind": "", "key": "a"}, {"key": 7}])
def test_something_that_is_no_context_is_a_usage_error(context: dict[str, Any]) -> None:
    with evaluator(source(), "test") as sdk, pytest.raises(UsageError, match="not a context"):
        sdk.evaluate("bot", context)


def test_unclosed_section_is_named() -> None:
    broken = {f"{BOT}/variations/one": {"name": "One", "instructions": "{{#a}} b"}}
    with pytest.raises(LdconfError, match="the prompt of bot does not render"):
        evaluate(source(objects=broken))


def test_nothing_is_sent_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert evaluate(source()).variation == "one"


@pytest.mark.parametrize("package", ["ldclient", "ldai"])
def test_missing_extra_names_the_pip_line(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LdconfError, match=package) as caught, evaluator(source(), "test"):
        pass
    assert caught.value.hint == 'pip install "ldconf[agent]"'


def test_log_level_of_the_sdk_is_given_back() -> None:
    before = logging.getLogger("ldclient").level
    with evaluator(source(), "test"):
        pass
    assert logging.getLogger("ldclient").level == before


CONTEXTS = [{"key": f"u{number}", "plan": ["gold", "free"][number % 2]} for number in range(1000)]


def test_distribution_follows_the_rollout() -> None:
    found = distribution(source({"fallthrough": HALVES}), "bot", "test", CONTEXTS)
    assert found.total == 1000
    assert set(found.counts) == {"one", "two"}
    assert 450 < found.counts["one"] < 550


def test_switches_count_who_moves() -> None:
    rules = [{"description": "Gold", "clauses": [GOLD], "serve": "two"}]
    after = source({"rules": rules, "fallthrough": "one"})
    found = switches(source(), after, [("bot", "test")], CONTEXTS)
    assert found == (Switch("bot", "test", "one", "two", 500, 1000),)


def test_ai_config_that_is_new_served_disabled_before() -> None:
    found = switches(Source("shop"), source(), [("bot", "test")], CONTEXTS[:10])
    assert found == (Switch("bot", "test", "disabled", "one", 10, 10),)


def test_nobody_switches_without_a_change() -> None:
    places = [("bot", "test"), ("bot", "production")]
    assert switches(source(), source(), places, CONTEXTS[:10]) == ()
