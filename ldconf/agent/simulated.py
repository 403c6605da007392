"""The simulated model: no network, deterministic, and it really calls the tools.

It reads the question by keywords, follows the rules that it finds in the prompt, calls the tools
that it was given, and writes its answer from their results. Latency, tokens and the share of
complete answers follow `simulated_truth.py`.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any

from ldconf.agent.chat_model import Message, ToolCall, ToolSchema, Turn
from ldconf.agent.simulated_answer import Facts, write
from ldconf.agent.simulated_question import Question, Rules, read_question, read_rules
from ldconf.agent.simulated_truth import SPREAD, truth
from ldconf.agent.task import ModelSettings, Stopwatch, Tokens

_NORMAL = NormalDist()


class SimulatedStopwatch(Stopwatch):
    """A clock that the simulated model moves on. It only really waits if `real_time`."""

    def __init__(self, *, real_time: bool = False) -> None:
        super().__init__()
        self._ms = 0.0
        self._real_time = real_time

    def advance(self, ms: float) -> None:
        """Let this much time pass."""
        self._ms += ms
        if self._real_time:
            time.sleep(ms / 1000)

    def elapsed_ms(self) -> int:
        """Return the simulated milliseconds since the start."""
        return round(self._ms)


class SimulatedModelError(RuntimeError):
    """A failure that `model.custom.simulated.error_rate` asks for."""


class SimulatedModel:
    """A chat model (see `chat_model.ChatModel`). Same task, same thread: same answer and times."""

    def __init__(self, settings: ModelSettings, watch: Stopwatch, thread: str) -> None:
        self._settings = settings
        self._watch = watch
        self._thread = thread

    @property
    def name(self) -> str:
        """Say that it is simulated, and which model's figures it has."""
        return f"simulated {self._settings.name}"

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema]
    ) -> Iterator[str | Turn]:
        """Yield the text piece by piece, and then the whole turn."""
        instructions = "\n".join(str(m["content"]) for m in messages if m["role"] == "system")
        known = truth(self._settings, instructions)
        asked, facts = _this_run(messages)
        model = self._settings.name
        runs = sum(message["role"] == "user" for message in messages)
        run = _Draw(model, self._thread, str(runs), asked)  # the same for all calls of a run
        draw = _Draw(model, self._thread, str(len(messages)), asked)
        if run.share("error") < known.error_rate:
            self._advance(known.first_token_ms)
            raise SimulatedModelError(f"simulated failure of {self._settings.name}")
        question, rules = read_question(asked), read_rules(instructions)
        call = _next_call(question, rules, facts, tools)
        text = ""
        if call is None:
            complete = run.share("quality") < known.quality
            text = write(question, rules, facts, complete=complete)
        sent = json.dumps([list(messages), list(tools)], ensure_ascii=False)
        written = text or json.dumps(call.arguments if call else {})
        tokens = Tokens(
            math.ceil(len(sent) / 4 * known.tokens), math.ceil(len(written) / 4 * known.tokens)
        )
        first_ms, last_ms = (
            ms * draw.latency() for ms in known.call_ms(tokens.input, tokens.output)
        )
        self._advance(first_ms)
        pieces = text.split(" ") if text else []
        for place, piece in enumerate(pieces):
            yield piece if place == 0 else f" {piece}"
            self._advance((last_ms - first_ms) / len(pieces))
        if not pieces:
            self._advance(last_ms - first_ms)
        yield Turn(text, (call,) if call else (), tokens)

    def _advance(self, ms: float) -> None:
        if isinstance(self._watch, SimulatedStopwatch):
            self._watch.advance(ms)


class _Draw:
    """Numbers in place of chance: they follow from what was asked, of whom, and in which thread."""

    def __init__(self, *key: str) -> None:
        self._key = "\x1f".join(key)

    def share(self, what: str) -> float:
        digest = hashlib.sha256(f"{self._key}\x1f{what}".encode()).digest()
        return (int.from_bytes(digest[:8], "big") + 0.5) / 2**64

    def latency(self) -> float:
        """Return a log-normal factor with mean 1."""
        return math.exp(SPREAD * _NORMAL.inv_cdf(self.share("latency")) - SPREAD**2 / 2)


def _this_run(messages: Sequence[Message]) -> tuple[str, Facts]:
    """Return the last question and what the tools have returned since."""
    start = max(i for i, message in enumerate(messages) if message["role"] == "user")
    names: dict[str, str] = {}
    results: dict[str, Any] = {}
    for message in messages[start + 1 :]:
        for call in message.get("tool_calls") or ():
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            results[names[message["tool_call_id"]]] = json.loads(message["content"])
    return str(messages[start]["content"]), Facts(results)


def _next_call(
    question: Question, rules: Rules, facts: Facts, tools: Sequence[ToolSchema]
) -> ToolCall | None:
    """Return the next tool to call, or None if it is time to answer."""
    offered = {tool["name"]: tool for tool in tools}

    def call(name: str, known: Mapping[str, Any]) -> ToolCall | None:
        if name not in offered or name in facts.results:
            return None
        return ToolCall(f"call_{name}", name, _arguments(offered[name], known, question.text))

    if rules.user_key and (found := call("get_customer", {"user_id": rules.user_key})):
        return found
    if question.kind in ("emergency", "other animal"):
        return None
    narrowed = {"animal": question.animal, "category": question.category}
    if question.kind == "care":
        return call("get_care_advice", {"question": question.text, **narrowed})
    if found := call("get_product", {"query": question.query, **narrowed}):
        return found
    products = facts.products
    return call("get_inventory", {"product_id": products[0]["id"]}) if products else None


def _arguments(tool: ToolSchema, known: Mapping[str, Any], question: str) -> dict[str, Any]:
    """Return arguments by the names of the schema; a text that it requires and nobody knows is
    filled with the question."""
    schema = tool["parameters"]
    properties: Mapping[str, Any] = schema.get("properties", {})
    found = {name: known[name] for name in properties if known.get(name) is not None}
    for name in schema.get("required", ()):
        if name not in found and properties.get(name, {}).get("type", "string") == "string":
            found[name] = question
    return found
