"""What every runner must do, whatever the framework. The frameworks are imported once, here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from ldconf.agent.chat_model import ToolCall
from ldconf.agent.choices import Framework, Models
from ldconf.agent.choose import make_runner
from ldconf.agent.pet_store import SWITCHED_OFF, Answer
from ldconf.agent.pet_store_defaults import PET_STORE_AGENT
from ldconf.agent.simulated import SimulatedModelError
from ldconf.agent.task import Conversation
from tests.agent.shop import (
    DISABLED,
    GUEST,
    KEY,
    KITTEN,
    PREMIUM,
    PRICE,
    Scripted,
    Shop,
    Step,
    always_complete,
    runner_with,
    served,
    shop,
)


@pytest.fixture(params=list(Framework), ids=str)
def framework(request: pytest.FixtureRequest) -> Framework:
    found: Framework = request.param
    return found


@pytest.fixture
def store(framework: Framework) -> Iterator[Shop]:
    """The agent with the simulated model."""
    with shop(make_runner(framework, Models.SIMULATED, {})) as found:
        yield found


def name_of(answer: Answer) -> str:
    assert answer.model is not None
    return answer.model.name


@dataclass
class Stage:
    """Makes shops with scripted models."""

    framework: Framework
    open: ExitStack

    def __call__(self, *script: Step, **named: Any) -> tuple[Shop, Scripted]:
        model = Scripted(list(script))
        runner = runner_with(self.framework, model)
        return self.open.enter_context(shop(runner, **named)), model


@pytest.fixture
def scripted(framework: Framework) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(framework, stack)


def product(**arguments: Any) -> ToolCall:
    return ToolCall("c1", "get_product", arguments)


def test_price_of_a_product_comes_from_the_tools(store: Shop) -> None:
    answer = store.ask(PRICE)
    assert "Doggy Delights (DD006) costs $54.99" in answer.text
    assert list(answer.result.tool_calls) == ["get_customer", "get_product", "get_inventory"]


def test_premium_customer_gets_the_discount_and_a_guest_does_not(store: Shop) -> None:
    assert "15 % off: $46.74 with free delivery" in store.ask(PRICE, PREMIUM).text
    assert "% off" not in store.ask(PRICE, GUEST).text


def test_care_advice_is_for_subscribers(store: Shop) -> None:
    premium, guest = store.ask(KITTEN, PREMIUM), store.ask(KITTEN, GUEST)
    assert "quiet room" in premium.text
    assert "get_care_advice" in premium.result.tool_calls
    assert "Subscribe" in guest.text


def test_care_is_no_product_and_emergencies_are_neither(store: Shop) -> None:
    assert "get_product" not in store.ask(KITTEN).result.tool_calls
    emergency = store.ask("My dog ate chocolate and is vomiting")
    assert "call a vet" in emergency.text
    assert set(emergency.result.tool_calls) == {"get_customer"}


def test_every_run_is_tracked(store: Shop) -> None:
    answer = store.ask(PRICE)
    tokens = answer.result.tokens
    assert store.values("$ld:ai:duration:total") == [answer.result.duration_ms]
    assert store.values("$ld:ai:generation:success") == [1]
    assert store.values("$ld:ai:generation:error") == []
    assert store.values("$ld:ai:tokens:input") == [tokens.input]
    assert store.values("$ld:ai:tokens:output") == [tokens.output]
    assert store.values("$ld:ai:tokens:total") == [tokens.total]
    called = [event.data["toolKey"] for event in store.tracked("$ld:ai:tool_call")]
    assert called == ["get_customer", "get_product", "get_inventory"]


def test_cost_is_tracked_with_the_run_and_the_variation(store: Shop) -> None:
    answer = store.ask(PRICE)
    (cost,) = store.tracked("ai_cost_per_request")
    tokens = answer.result.tokens
    expected = tokens.input * 3e-6 + tokens.output * 15e-6
    assert cost.metric_value == answer.cost_usd == pytest.approx(expected)
    (success,) = store.tracked("$ld:ai:generation:success")
    assert cost.data["runId"] == success.data["runId"]
    assert (cost.data["configKey"], cost.data["variationKey"]) == (KEY, "base-config")


def test_tracked_duration_is_the_simulated_one(store: Shop) -> None:
    answer = store.ask(PRICE)
    assert answer.result.duration_ms > 1000  # four calls of a model that takes 380 ms and more
    assert answer.result.first_token_ms is None


def test_streaming_gives_the_pieces_and_the_time_of_the_first(store: Shop) -> None:
    pieces: list[str] = []
    answer = store.ask(PRICE, on_text=pieces.append)
    assert len(pieces) > 5
    assert "".join(pieces) == answer.text
    (first,) = store.values("$ld:ai:tokens:ttf")
    assert first == answer.result.first_token_ms
    assert 0 < first < answer.result.duration_ms


def test_streaming_does_not_change_the_answer(store: Shop) -> None:
    streamed = store.ask(PRICE, on_text=lambda _: None)
    assert store.ask(PRICE).text == streamed.text


def test_feedback_counts_once_and_for_the_run(store: Shop) -> None:
    answer = store.ask(PRICE)
    store.agent.feedback(answer, positive=True)
    store.agent.feedback(answer, positive=False)
    (good,) = store.tracked("$ld:ai:feedback:user:positive")
    assert store.tracked("$ld:ai:feedback:user:negative") == []
    assert good.data["runId"] == store.tracked("$ld:ai:generation:success")[0].data["runId"]


def test_conversation_is_remembered_but_not_counted_again(store: Shop) -> None:
    talk = Conversation("talk", remember=True)
    first = store.ask(PRICE, conversation=talk)
    second = store.ask(KITTEN, conversation=talk)
    alone = store.ask(KITTEN)
    assert list(second.result.tool_calls) == list(alone.result.tool_calls)
    assert second.result.tokens.output == alone.result.tokens.output
    assert second.result.tokens.input > alone.result.tokens.input  # the history is sent
    assert second.result.tokens.input < first.result.tokens.input + 3 * alone.result.tokens.input


def test_history_reaches_the_model(scripted: Stage) -> None:
    talking, model = scripted("one", "two")
    talk = Conversation("talk", remember=True)
    talking.ask("first", conversation=talk)
    talking.ask("second", conversation=talk)
    shown = [(m["role"], m["content"]) for m in model.seen[1][1:]]
    assert shown == [("user", "first"), ("assistant", "one"), ("user", "second")]


def test_conversations_do_not_mix(scripted: Stage) -> None:
    talking, model = scripted("one")
    talking.ask("first", conversation=Conversation("a", remember=True))
    talking.ask("second", conversation=Conversation("b", remember=True))
    assert [m["role"] for m in model.seen[1]] == ["system", "user"]


def test_live_change_counts_for_the_next_answer(store: Shop) -> None:
    talk = Conversation("talk", remember=True)
    assert "15 % off" in store.ask(PRICE, conversation=talk).text
    changed = always_complete()
    changed["instructions"] = changed["instructions"].replace("15 %", "20 %")
    store.serve(changed)
    assert "20 % off: $43.99" in store.ask(PRICE, conversation=talk).text


def test_live_change_of_the_model_counts_too(store: Shop) -> None:
    store.ask(PRICE)
    store.serve(served("model-variant-2"))
    answer = store.ask(PRICE)
    assert (answer.variation, name_of(answer)) == ("model-variant-2", "gpt-4o-mini")
    assert store.tracked("$ld:ai:generation:success")[1].data["modelName"] == "gpt-4o-mini"


def test_unknown_tool_is_skipped_with_an_event(store: Shop) -> None:
    value = always_complete()
    value["tools"]["order_drone"] = {"name": "order_drone", "parameters": {"type": "object"}}
    store.serve(value)
    answer = store.ask(PRICE)
    assert "54.99" in answer.text
    assert [one.name for one in answer.skipped_tools] == ["order_drone"]
    (warned,) = store.tracked("ai_tool_skipped")
    assert (warned.data["toolKey"], warned.data["configKey"]) == ("order_drone", KEY)


def test_no_tools_at_all_is_no_error(store: Shop) -> None:
    value = always_complete(parameters={})
    del value["tools"]
    store.serve(value)
    answer = store.ask(PRICE)
    assert answer.result.tool_calls == []
    assert "nothing" in answer.text


def test_only_the_tools_of_the_variation_are_offered(scripted: Stage) -> None:
    talking, model = scripted("hello")
    value = served()
    value["tools"] = {"get_product": value["tools"]["get_product"]}
    talking.serve(value)
    talking.ask("hi")
    (tool,) = model.offered
    assert tool["name"] == "get_product"
    assert tool["description"].startswith("Look up products")
    assert set(tool["parameters"]["properties"]) == {"query", "animal", "category", "limit"}
    assert tool["parameters"]["required"] == ["query"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "'query' is a required property"),
        ({"query": "x", "animal": "dragon"}, "animal: 'dragon' is not one of"),
        ({"query": "x", "limit": 99}, "limit: 99 is greater than the maximum of 20"),
        ({"query": "x", "bogus": 1}, "'bogus' was unexpected"),
    ],
    ids=["missing", "enum", "maximum", "unknown"],
)
def test_bad_arguments_are_told_to_the_model(
    scripted: Stage, arguments: dict[str, Any], says: str
) -> None:
    talking, model = scripted(product(**arguments), "sorry")
    assert talking.ask(PRICE).text == "sorry"
    assert says in model.seen[1][-1]["content"]
    assert talking.values("$ld:ai:generation:success") == [1]


def test_tool_that_the_model_invents_is_told_to_the_model(scripted: Stage) -> None:
    talking, model = scripted(ToolCall("c1", "launch_rocket", {}), "sorry")
    assert talking.ask(PRICE).text == "sorry"
    assert model.seen[1][-1]["role"] == "tool"


def test_tool_that_fails_does_not_end_the_run(scripted: Stage) -> None:
    def broken(_settings: Any, _user: str) -> Any:
        def fail(_arguments: Any) -> Any:
            raise RuntimeError("the store's database is on fire")

        return fail

    builders = {"get_product": broken}
    talking, model = scripted(product(query="x"), "sorry", tool_builders=builders)
    assert talking.ask(PRICE).text == "sorry"
    assert "on fire" in model.seen[1][-1]["content"]


def test_several_calls_in_one_turn(scripted: Stage) -> None:
    calls = (product(query="kibble"), ToolCall("c2", "get_inventory", {"product_id": "DD006"}))
    talking, model = scripted(calls, "done")
    answer = talking.ask(PRICE)
    assert list(answer.result.tool_calls) == ["get_product", "get_inventory"]
    contents = [m["content"] for m in model.seen[1] if m["role"] == "tool"]
    assert any('"in_stock": 23' in content for content in contents)


def test_failing_model_is_tracked_and_raised_again(scripted: Stage) -> None:
    talking, _ = scripted(ConnectionError("the model is gone"))
    with pytest.raises(ConnectionError, match="the model is gone"):
        talking.ask(PRICE)
    assert talking.values("$ld:ai:generation:error") == [1]
    assert talking.values("$ld:ai:generation:success") == []
    assert len(talking.tracked("$ld:ai:duration:total")) == 1
    assert talking.tracked("ai_cost_per_request") == []


def test_simulated_failure_has_its_simulated_duration(store: Shop) -> None:
    store.serve(served(custom={"simulated": {"error_rate": 1, "first_token_ms": 700}}))
    with pytest.raises(SimulatedModelError):
        store.ask(PRICE)
    assert store.values("$ld:ai:duration:total") == [700]


def test_model_that_never_answers_is_an_error(scripted: Stage) -> None:
    talking, _ = scripted(product(query="again"))
    with pytest.raises(Exception, match=r"12 model calls|[Rr]ecursion limit"):
        talking.ask(PRICE)
    assert talking.values("$ld:ai:generation:error") == [1]


def test_conversation_goes_on_after_an_error(scripted: Stage) -> None:
    talking, model = scripted("one", ConnectionError("gone"), "three")
    talk = Conversation("talk", remember=True)
    talking.ask("first", conversation=talk)
    with pytest.raises(ConnectionError):
        talking.ask("second", conversation=talk)
    assert talking.ask("third", conversation=talk).text == "three"
    assert [m["content"] for m in model.seen[2]][-1] == "third"


def test_disabled_config_answers_from_the_default_and_says_so(store: Shop) -> None:
    store.serve(DISABLED)
    answer = store.ask(PRICE)
    assert answer.variation is None
    assert "switched off in LaunchDarkly" in answer.reason
    assert name_of(answer) == "claude-sonnet-4-5"
    # the texts of the default are rendered for the user
    assert "get_customer" in answer.result.tool_calls
    assert store.values("$ld:ai:generation:success") == [1]


def test_default_that_is_off_too_calls_no_model(scripted: Stage) -> None:
    off = type(PET_STORE_AGENT).disabled()
    talking, model = scripted("hello", value=DISABLED, default=off)
    answer = talking.ask(PRICE)
    assert answer.text == SWITCHED_OFF
    assert model.seen == []
    assert talking.tracked("$ld:ai:generation:success") == []
    talking.agent.feedback(answer, positive=True)
    assert talking.tracked("$ld:ai:feedback:user:positive") == []


def test_unknown_ai_config_answers_from_the_default(store: Shop) -> None:
    store.flags.update(store.flags.flag(KEY).on(False))
    answer = store.ask(PRICE)
    assert answer.variation is None
    assert "does not know" in answer.reason
    assert "get_product" in answer.result.tool_calls


def test_same_conversation_gives_the_same_answer_and_times(store: Shop) -> None:
    one, other = store.ask(PRICE), store.ask(PRICE)
    assert (one.text, one.result.duration_ms, one.result.tokens) == (
        *(other.text, other.result.duration_ms, other.result.tokens),
    )


def test_model_without_known_prices_tracks_no_cost(store: Shop) -> None:
    store.serve(always_complete(name="acme-1"))
    answer = store.ask(PRICE)
    assert answer.cost_usd is None
    assert store.tracked("ai_cost_per_request") == []
    assert store.values("$ld:ai:generation:success") == [1]


def test_prices_in_the_variation_are_used(store: Shop) -> None:
    value = always_complete(name="acme-1")
    value["model"]["custom"] |= {"cost_per_input_token": 0, "cost_per_output_token": 0.5}
    store.serve(value)
    answer = store.ask(PRICE)
    assert store.values("ai_cost_per_request") == [answer.result.tokens.output * 0.5]
