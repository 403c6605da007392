"""A Pet Store agent over flags compiled from the workspace's own files, and what it tracked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ldclient import Config, LDClient
from ldclient.integrations.test_data import TestData

from ldconf.agent.chat_model import ChatModel, Message, ToolCall, ToolSchema, Turn
from ldconf.agent.choices import Framework
from ldconf.agent.pet_store import Answer, PetStoreAgent
from ldconf.agent.pet_store_defaults import PET_STORE_AGENT
from ldconf.agent.runners.plain import PlainRunner
from ldconf.agent.task import Conversation, Runner, Stopwatch, Tokens
from ldconf.compile import compile_environment, workspace_source
from ldconf.workflow.site import load_workspace

CONFIGS = Path(__file__).parents[2] / "configs"
KEY = "pet-store-agent"
PREMIUM = {"key": "u1", "subscription_status": "premium"}
GUEST = {"key": "u3", "subscription_status": "guest"}
PRICE = "What's the price of Doggy Delights?"
KITTEN = "How should I care for a new kitten?"


@cache
def _variations() -> Sequence[Any]:
    workspace, _ = load_workspace(CONFIGS)
    flags = compile_environment(workspace_source(workspace), "test")["flags"]
    found: Sequence[Any] = flags[KEY]["variations"]
    return found


def served(variation: str = "base-config", **model: Any) -> dict[str, Any]:
    """The value of a variation of the workspace; `model` replaces parts of its model."""
    found = next(v for v in _variations() if v["_ldMeta"].get("variationKey") == variation)
    value: dict[str, Any] = deepcopy(found)
    value["model"].update(model)
    return value


def always_complete(**more: Any) -> dict[str, Any]:
    """A variation whose simulated model leaves nothing out."""
    return served(custom={"max_search_results": 5, "simulated": {"quality": 1}}, **more)


DISABLED: Mapping[str, Any] = {"_ldMeta": {"enabled": False}}


class Events:
    """An event processor that keeps what the SDK would send."""

    def __init__(self, _config: Config) -> None:
        self.sent: list[Any] = []

    def send_event(self, event: Any) -> None:
        self.sent.append(event)

    def flush(self) -> None:
        """Nothing waits."""

    def stop(self) -> None:
        """Nothing runs."""


@dataclass
class Shop:
    """LaunchDarkly serving one value to everybody, the agent, and its events."""

    client: LDClient
    flags: TestData
    events: Events
    agent: PetStoreAgent

    def serve(self, value: Mapping[str, Any]) -> None:
        flag = self.flags.flag(KEY).variations(dict(value)).variation_for_all(0)
        self.flags.update(flag)

    def ask(self, prompt: str, user: Mapping[str, Any] = PREMIUM, **named: Any) -> Answer:
        conversation = named.pop("conversation", Conversation("test"))
        return self.agent.ask(prompt, user, conversation, **named)

    def tracked(self, key: str) -> list[Any]:
        return [event for event in self.events.sent if getattr(event, "key", None) == key]

    def values(self, key: str) -> list[Any]:
        return [event.metric_value for event in self.tracked(key)]


@contextmanager
def shop(runner: Runner, value: Mapping[str, Any] | None = None, **named: Any) -> Iterator[Shop]:
    flags = TestData.data_source()
    kept: list[Events] = []

    def events(config: Config) -> Events:
        kept.append(Events(config))
        return kept[0]

    settings = Config("sdk-test", update_processor_class=flags, event_processor_class=events)
    client = LDClient(settings)
    agent = PetStoreAgent(client, runner, named.pop("default", PET_STORE_AGENT), **named)
    found = Shop(client, flags, kept[0], agent)
    found.serve(value if value is not None else always_complete())
    try:
        yield found
    finally:
        client.close()


Step = str | ToolCall | Sequence[ToolCall] | Exception


@dataclass
class Scripted:
    """A model that says what the test wrote: text, tool calls, or an error."""

    script: list[Step]
    seen: list[list[Message]] = field(default_factory=list)
    offered: list[ToolSchema] = field(default_factory=list)
    name: str = "scripted"

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema]
    ) -> Iterator[str | Turn]:
        self.seen.append(list(messages))
        self.offered = list(tools)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        tokens = Tokens(100, 10)
        match step:
            case Exception():
                raise step
            case str():
                yield from (step[:3], step[3:])
                yield Turn(step, (), tokens)
            case ToolCall():
                yield Turn("", (step,), tokens)
            case _:
                yield Turn("", tuple(step), tokens)


def runner_with(framework: Framework, model: ChatModel) -> Runner:
    """A runner of a framework over one of our chat models."""
    match framework:
        case Framework.PLAIN:
            return PlainRunner(lambda _: model, Stopwatch)
        case Framework.LANGGRAPH:
            from ldconf.agent.langchain_models import BridgedChatModel
            from ldconf.agent.runners.langgraph import LangGraphRunner

            return LangGraphRunner(lambda _: BridgedChatModel(chat_model=model), Stopwatch)
        case Framework.STRANDS:
            from ldconf.agent.runners.strands import StrandsRunner
            from ldconf.agent.strands_models import BridgedModel

            return StrandsRunner(lambda _: BridgedModel(model), Stopwatch)
