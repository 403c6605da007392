from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from ldconf.agent.chat_model import Turn
from ldconf.agent.choices import Framework, Models
from ldconf.agent.choose import make_runner
from ldconf.agent.pet_store_defaults import PET_STORE_AGENT
from ldconf.agent.simulated import SimulatedModel, SimulatedModelError, SimulatedStopwatch
from ldconf.agent.simulated_question import read_question, read_rules
from ldconf.agent.simulated_truth import MODELS, truth
from ldconf.agent.task import Conversation, ModelSettings, Stopwatch
from tests.agent.shop import PRICE, served, shop

PROMPT = PET_STORE_AGENT.instructions


def settings(name: str = "gpt-4o-mini", **custom: Any) -> ModelSettings:
    return ModelSettings(name, "OpenAI", {"temperature": 0.7}, custom)


def answer(text: str, thread: str = "t", model: ModelSettings | None = None) -> Turn:
    """The turn of a model that has no tools."""
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": text}]
    watch = SimulatedStopwatch()
    *_, turn = SimulatedModel(model or settings(), watch, thread).stream(messages, [])
    assert isinstance(turn, Turn)
    return turn


@pytest.mark.parametrize(
    ("text", "kind", "animal", "query"),
    [
        ("What's the price of Doggy Delights?", "store", None, "Doggy Delights"),
        ("How should I care for a new kitten?", "care", "cat", "kitten"),
        ("Tell me about your cat products", "store", "cat", "cat"),
        ("I need food for my dog", "store", "dog", "food dog"),
        ("How many Flight Cages do you have left?", "store", None, "Flight Cages"),
        ("Do guinea pigs need company?", "care", "rodent", "guinea pigs company"),
        ("My cat has blood in her urine", "emergency", "cat", "cat has blood her urine"),
        ("What do you sell for snakes?", "other animal", None, "snakes"),
        ("What do budgies eat?", "care", "bird", "budgies eat"),
        ("hm?", "store", None, "hm"),
    ],
)
def test_question_is_read_by_its_words(
    text: str, kind: str, animal: str | None, query: str
) -> None:
    found = read_question(text)
    assert (found.kind, found.animal, found.query) == (kind, animal, query)


def test_rules_are_those_of_the_prompt() -> None:
    rules = read_rules(PROMPT.replace("{{ldctx.key}}", "u1"))
    assert (rules.user_key, rules.discount, rules.discount_above) == ("u1", 15, 50)
    assert (rules.low_stock, rules.most_words) == (5, 120)
    assert rules.free_delivery
    assert rules.care_for_subscribers
    assert rules.declines_others
    assert rules.sends_to_vet


def test_bare_prompt_has_no_rules() -> None:
    rules = read_rules("You are helpful.")
    assert rules.user_key is None
    assert (rules.discount, rules.low_stock, rules.opening, rules.closing) == (0, 0, "", "")
    assert [rules.free_delivery, rules.sends_to_vet, rules.declines_others] == [False] * 3


def test_opening_and_closing_words() -> None:
    rules = read_rules('Begin every answer with "Hello!" and end every answer with "Bye."')
    assert (rules.opening, rules.closing) == ("Hello!", "Bye.")


@pytest.mark.parametrize(("name", "expected"), MODELS.items())
def test_truth_of_a_known_model_is_the_tables(name: str, expected: Any) -> None:
    found = truth(settings(name), "")
    assert found == expected


def test_bedrock_id_holds_the_name() -> None:
    long = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert truth(settings(long), "") == MODELS["claude-sonnet-4-5"]
    assert truth(settings("gpt-4o-mini-2024-07-18"), "") == MODELS["gpt-4o-mini"]


def test_unknown_model_follows_from_its_name() -> None:
    one, same, other = (truth(settings(n), "") for n in ("acme-1", "acme-1", "acme-2"))
    assert one == same != other
    assert 0.55 <= one.quality <= 0.8
    assert 150 <= one.first_token_ms <= 550


def test_prompt_adds_quality_for_steps_rules_and_length() -> None:
    base = MODELS["gpt-4o-mini"].quality
    assert truth(settings(), PROMPT).quality == pytest.approx(base + 0.12)
    assert truth(settings(), "1. look\n2. answer").quality == pytest.approx(base + 0.04)
    assert truth(settings(), "Answer in at most 50 words.").quality == pytest.approx(base + 0.04)


def test_hot_model_loses_quality() -> None:
    hot = ModelSettings("gpt-4o", "OpenAI", {"temperature": 1.5})
    assert truth(hot, "").quality == pytest.approx(MODELS["gpt-4o"].quality - 0.1)


def test_custom_sets_the_truth() -> None:
    found = truth(settings(simulated={"quality": 0.33, "error_rate": 0.1}), PROMPT)
    assert (found.quality, found.error_rate) == (0.33, 0.1)
    assert found.token_ms == MODELS["gpt-4o-mini"].token_ms
    with pytest.raises(ValueError, match="knows no speed"):
        truth(settings(simulated={"speed": 1}), PROMPT)


def test_times_have_the_mean_of_the_truth() -> None:
    """Of 4,000 calls, within five standard errors of the mean (sigma 0.25 around 1)."""
    model, count = settings(), 4000
    took, expected = 0.0, 0.0
    for number in range(count):
        watch = SimulatedStopwatch()
        messages = [{"role": "system", "content": ""}, {"role": "user", "content": "hello"}]
        *_, turn = SimulatedModel(model, watch, str(number)).stream(messages, [])
        assert isinstance(turn, Turn)
        took += watch.elapsed_ms()
        expected += truth(model, "").call_ms(turn.tokens.input, turn.tokens.output)[1]
    assert took / expected == pytest.approx(1, abs=5 * 0.254 / math.sqrt(count))


def test_share_of_failures_is_the_truth() -> None:
    model = settings(simulated={"error_rate": 0.2})
    failed = 0
    for number in range(2000):
        try:
            answer("hello", str(number), model)
        except SimulatedModelError:
            failed += 1
    assert failed / 2000 == pytest.approx(0.2, abs=5 * math.sqrt(0.2 * 0.8 / 2000))


def test_model_without_tools_still_answers() -> None:
    turn = answer("What's the price of Doggy Delights?")
    assert turn.calls == ()
    assert "nothing" in turn.text


def test_answer_keeps_to_the_length_of_the_prompt() -> None:
    messages = [
        {"role": "system", "content": "Answer in at most 3 words."},
        {"role": "user", "content": "What do you sell for dogs?"},
    ]
    *_, turn = SimulatedModel(settings(), SimulatedStopwatch(), "t").stream(messages, [])
    assert isinstance(turn, Turn)
    assert len(turn.text.split()) == 3


def test_name_says_that_it_is_simulated() -> None:
    assert SimulatedModel(settings(), Stopwatch(), "t").name == "simulated gpt-4o-mini"


def test_real_time_really_waits() -> None:
    watch, wall = SimulatedStopwatch(real_time=True), Stopwatch()
    watch.advance(30)
    assert watch.elapsed_ms() == 30
    assert wall.elapsed_ms() >= 30


def test_schema_with_other_names_is_filled_by_what_it_requires() -> None:
    schema = {
        "type": "object",
        "properties": {"product_name": {"type": "string"}, "page": {"type": "integer"}},
        "required": ["product_name", "page"],
    }
    messages = [{"role": "user", "content": "Do you have Kitten Feast?"}]
    tool = {"name": "get_product", "description": "", "parameters": schema}
    *_, turn = SimulatedModel(settings(), SimulatedStopwatch(), "t").stream(messages, [tool])
    assert isinstance(turn, Turn)
    assert turn.calls[0].arguments == {"product_name": "Do you have Kitten Feast?"}


def test_share_of_complete_answers_is_the_truth() -> None:
    """Through the whole agent: what an experiment on the simulated model ought to find."""
    expected = truth(settings(), PROMPT).quality
    runner = make_runner(Framework.PLAIN, Models.SIMULATED, {})
    prices = 0
    with shop(runner, served("model-variant-2")) as store:
        for number in range(600):
            conversation = Conversation(f"share {number}")
            prices += "$54.99" in store.ask(PRICE, conversation=conversation).text
    deviation = math.sqrt(expected * (1 - expected) / 600)
    assert prices / 600 == pytest.approx(expected, abs=4 * deviation)


def test_documentation_shows_the_truth() -> None:
    page = (Path(__file__).parents[2] / "docs" / "agent.md").read_text(encoding="utf-8")
    for name, known in MODELS.items():
        figures = (known.quality, known.first_token_ms, known.token_ms, known.tokens)
        assert f"| {name} | " + " | ".join(f"{one:g}" for one in figures) + " |" in page
    assert page.count("\n| claude-") + page.count("\n| g") + page.count("\n| llama") == len(MODELS)
