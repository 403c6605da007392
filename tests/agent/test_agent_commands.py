from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from ldconf.agent.chat import Chat
from ldconf.agent.choices import Framework, Models
from ldconf.agent.choose import make_runner
from ldconf.agent.summary import summarise
from ldconf.agent.traffic import Prompt, is_helpful, prompts, run_traffic, user
from ldconf.agent.traffic_plan import TrafficPlan
from ldconf.agent.wording import table
from ldconf.cli import agent_chat
from ldconf.cli.agent_session import user_of
from ldconf.cli.run import Run
from ldconf.core.errors import UsageError
from tests.agent.shop import DISABLED, PREMIUM, PRICE, Shop, served, shop
from tests.e2e.world import World, pet_store


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = pet_store(tmp_path, monkeypatch)
    assert found.run("apply", "--yes", "--quiet").code == 0
    return found


@pytest.fixture
def store() -> Iterator[Shop]:
    with shop(make_runner(Framework.PLAIN, Models.SIMULATED, {})) as found:
        yield found


class Screen:
    """What a chat shows."""

    def __init__(self) -> None:
        self.answers = ""
        self.remarks: list[str] = []

    def write(self, text: str) -> None:
        self.answers += text


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def chat(store: Shop, screen: Screen) -> Chat:
    return Chat(store.agent, PREMIUM, True, screen.write, screen.remarks.append)


def test_ask_gives_the_answer_on_stdout_and_the_rest_on_stderr(world: World) -> None:
    premium = world.run("agent", "ask", PRICE, "--attr", "subscription_status=premium")
    assert premium.out.startswith("Doggy Delights (DD006) costs $54.99. As a premium customer")
    assert "variation base-config · simulated claude-sonnet-4-5" in premium.err
    streamed = world.run(
        *("agent", "ask", PRICE, "--attr", "subscription_status=premium", "--stream")
    )
    assert streamed.out == premium.out
    guest = world.run("agent", "ask", PRICE, "--user", "u3")
    assert "premium" not in guest.out


def test_ask_in_another_environment(world: World) -> None:
    found = world.run("agent", "ask", PRICE, "--environment", "production")
    assert "variation base-config" in found.err  # all of production get it


def test_ask_without_an_sdk_key_names_both_ways(world: World) -> None:
    found = world.command("agent", "ask", PRICE)
    assert found.code == 1
    assert "--local" in found.err
    named = world.command("agent", "ask", PRICE, "--environment", "test")
    assert named.code == 64


def test_attributes_are_json_or_text() -> None:
    found = user_of("u1", ["plan=gold", "age=7", "vip=true", "tags=[1]"])
    assert found == {
        **{"key": "u1", "subscription_status": "guest"},
        **{"plan": "gold", "age": 7, "vip": True, "tags": [1]},
    }
    with pytest.raises(UsageError, match="'plan'"):
        user_of("u1", ["plan"])


def test_traffic_prints_a_summary_per_variation(world: World) -> None:
    command = ("agent", "traffic", "--users", "40", "--requests", "120", "--seed", "3")
    found = world.run(*command, "--format", "json").json
    base, variant = found["variations"]
    assert (base["variation"], variant["variation"]) == ("base-config", "model-variant-2")
    assert base["model"] == "simulated claude-sonnet-4-5"
    assert base["requests"] + variant["requests"] == 120
    assert base["helpful"] > 0.7
    assert base["cost_usd"] > 5 * variant["cost_usd"]
    assert found["failed"] == {}
    again = world.run(*command, "--concurrency", "1", "--format", "json").json
    assert again == found
    text = world.run(*command).out
    assert "simulated gpt-4o-mini" in text.splitlines()[2]


def test_other_seed_is_other_traffic(store: Shop) -> None:
    one, other = (
        [visit.prompt for visit in run_traffic(store.agent, TrafficPlan(5, 30, 2, seed))]
        for seed in (1, 2)
    )
    assert one != other


def test_failures_are_counted_not_raised(store: Shop) -> None:
    store.serve(served(custom={"simulated": {"error_rate": 0.5}}))
    told: list[tuple[str, int, int]] = []
    visits = run_traffic(store.agent, TrafficPlan(10, 40, 4, 7), lambda *a: told.append(a))
    summary = summarise(visits, simulated=True)
    (failed,) = summary.failed.values()
    assert failed + summary.variations[0].requests == 40
    assert 8 < failed < 36
    assert len(store.tracked("$ld:ai:generation:error")) == failed
    assert told[-1] == ("simulated requests", 40, 40)
    assert "failed:" in table(summary)


def test_feedback_is_tracked_for_the_visits(store: Shop) -> None:
    visits = run_traffic(store.agent, TrafficPlan(20, 60, 4, 7))
    (summary,) = summarise(visits, simulated=True).variations
    assert len(store.tracked("$ld:ai:feedback:user:positive")) == summary.thumbs_up > 10
    assert len(store.tracked("$ld:ai:feedback:user:negative")) == summary.thumbs_down


def test_traffic_of_the_default_says_why(store: Shop) -> None:
    store.serve(DISABLED)
    summary = summarise(run_traffic(store.agent, TrafficPlan(2, 4, 1, 7)), simulated=False)
    text = table(summary)
    assert "(default)" in text
    assert "the built-in default answered: the AI Config is switched off" in text
    assert "simulated" not in text


def test_duration_spreads_the_requests(store: Shop) -> None:
    import time

    started = time.monotonic()
    run_traffic(store.agent, TrafficPlan(5, 10, 2, 7, duration_s=0.3))
    assert time.monotonic() - started >= 0.27


def test_users_are_the_same_in_every_run() -> None:
    assert user(3) == user(3) != user(4)
    found = [user(number).subscription for number in range(1000)]
    assert 430 < found.count("guest") < 570
    assert 140 < found.count("premium") < 260


def test_prompts_start_with_the_workshops() -> None:
    assert [prompt.text for prompt in prompts()[:4]] == [
        "What's the price of Doggy Delights?",
        "How should I care for a new kitten?",
        "Tell me about your cat products",
        "I need food for my dog",
    ]
    assert len(prompts()) > 30


@pytest.mark.parametrize(
    ("kind", "subscription", "text", "expected"),
    [
        ("product", "guest", "It costs $5.", True),
        ("product", "guest", "Have a look around.", False),
        ("emergency", "guest", "Call a vet!", True),
        ("emergency", "guest", "Oh no.", False),
        ("other", "guest", "Sorry, only cats.", True),
        ("care", "guest", "Subscribe first.", True),
        ("care", "premium", "Subscribe first.", False),
        ("care", "premium", "word " * 21, True),
    ],
)
def test_helpful_answers(kind: str, subscription: str, text: str, expected: bool) -> None:
    assert is_helpful(Prompt(kind, "?"), subscription, text) is expected


def test_every_bundled_prompt_can_be_answered(store: Shop) -> None:
    """With quality 1 every answer helps, so that `helpful` measures quality and nothing else."""
    for prompt in prompts():
        for status in ("guest", "premium"):
            answer = store.ask(prompt.text, {"key": "u1", "subscription_status": status})
            assert is_helpful(prompt, status, answer.text), (prompt, answer.text)


def test_chat_shows_which_variation_answered(chat: Chat, screen: Screen) -> None:
    assert chat.take(PRICE)
    assert screen.answers.startswith("Doggy Delights (DD006)")
    assert screen.answers.endswith("\n")
    assert screen.remarks[0].startswith("variation base-config · simulated claude-sonnet-4-5 · ")


def test_chat_remembers_until_a_new_conversation(chat: Chat, store: Shop) -> None:
    chat.take(PRICE)
    chat.take(PRICE)
    chat.take("/new")
    chat.take(PRICE)
    first, second, third = store.values("$ld:ai:tokens:input")
    assert second > first == third


def test_chat_feedback_counts_once(chat: Chat, store: Shop, screen: Screen) -> None:
    chat.take("/feedback good")
    chat.take(PRICE)
    chat.take("/feedback bad")
    chat.take("/feedback bad")
    assert len(store.tracked("$ld:ai:feedback:user:negative")) == 1
    assert screen.remarks[0] == "there is no answer yet"
    assert "negative feedback for base-config" in screen.remarks


def test_chat_as_another_user(chat: Chat, store: Shop) -> None:
    chat.take("/user u2")
    chat.take(PRICE)
    (success,) = store.tracked("$ld:ai:generation:success")
    assert success.context.key == "u2"


@pytest.mark.parametrize("line", ["/feedback", "/feedback maybe", "/user", "/fly"])
def test_chat_explains_wrong_commands(chat: Chat, screen: Screen, line: str) -> None:
    assert chat.take(line)
    assert screen.remarks == [f"no such command: {line}; /help lists them"]


def test_chat_goes_on_after_an_error(chat: Chat, store: Shop, screen: Screen) -> None:
    store.serve(served(custom={"simulated": {"error_rate": 1}}))
    assert chat.take(PRICE)
    assert "error: simulated failure" in screen.remarks[0]


def test_chat_of_a_default_that_is_off(screen: Screen) -> None:
    from ldai import AIAgentConfigDefault

    runner = make_runner(Framework.PLAIN, Models.SIMULATED, {})
    with shop(runner, DISABLED, default=AIAgentConfigDefault.disabled()) as off:
        Chat(off.agent, PREMIUM, True, screen.write, screen.remarks.append).take(PRICE)
    assert screen.answers == "The assistant is switched off at the moment.\n"
    assert "no model was called" in screen.remarks[0]


def test_chat_warns_about_skipped_tools(chat: Chat, store: Shop, screen: Screen) -> None:
    value = served()
    value["tools"]["order_drone"] = {"name": "order_drone"}
    store.serve(value)
    chat.take(PRICE)
    assert "warning: the tool order_drone is skipped: this agent has no such tool" in screen.remarks


def test_chat_leaves(chat: Chat, screen: Screen) -> None:
    assert chat.take("   ")
    assert chat.take("/help")
    assert "/feedback good|bad" in screen.remarks[0]
    assert not chat.take("/quit")


def test_chat_reads_a_pipe(world: World) -> None:
    lines = f"{PRICE}\n/feedback good\n/quit\nnever read\n"
    found = world.command("agent", "chat", "--local", input=lines)
    assert found.code == 0
    assert found.out.count("\n") == 1
    assert "positive feedback for" in found.err


def test_chat_ends_with_its_input(world: World) -> None:
    assert world.command("agent", "chat", "--local", input="/help\n").code == 0


def test_terminal_outside_of_a_workspace_keeps_no_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert agent_chat._history(Run()) is None


def test_interrupted_traffic_starts_nothing_more(store: Shop) -> None:
    def interrupt(_what: str, done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_traffic(store.agent, TrafficPlan(5, 500, 1, 7), interrupt)
    assert len(store.tracked("$ld:ai:generation:success")) < 400


def test_terminal_has_history_and_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alt-Enter starts a new line, Enter sends; prompts are kept for the next time."""
    (tmp_path / "ldconf.yaml").write_text("project: p\n")

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    program = Run(workspace=tmp_path, quiet=True)
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("one\x1b\rtwo\rthree\r\x04")
        assert list(agent_chat._lines(program)) == ["one\ntwo", "three"]
    assert "+one\n+two\n" in (tmp_path / ".ldconf" / "chat-history").read_text()


def test_summary_is_json(store: Shop) -> None:
    summary = summarise(run_traffic(store.agent, TrafficPlan(2, 4, 1, 7)), simulated=True)
    found: Any = json.loads(json.dumps(summary.as_json()))
    assert found["formatVersion"] == 1
    assert found["variations"][0]["requests"] == 4


def test_missing_extra_is_named_and_help_needs_none() -> None:
    script = (
        "import sys; sys.modules['ldclient'] = None; sys.modules['jsonschema'] = None; "
        "from ldconf.cli.main import app; "
        "print(app(['agent', '--help'], standalone_mode=False)); "
        "print(app(['agent', 'ask', 'hi'], standalone_mode=False))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("0\n1\n"), done.stdout + done.stderr
    assert done.stderr == (
        "error: the agent needs the package ldclient, which is not installed\n"
        '  pip install "ldconf[agent]"\n'
    )
