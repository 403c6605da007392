"""The words between the agent and its runners: what to do, with what, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class ModelSettings:
    """The model as the AI Config names it. `parameters` go to the model, `custom` to our code."""

    name: str
    provider: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tool:
    """Something the model may call. `call` never raises: what went wrong is told to the model."""

    name: str
    description: str
    schema: Mapping[str, Any]
    call: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Tokens:
    """Tokens of one or several model calls."""

    input: int = 0
    output: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.input + other.input, self.output + other.output)

    @property
    def total(self) -> int:
        """Both together."""
        return self.input + self.output


class Stopwatch:
    """Wall clock since the start of a run."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def elapsed_ms(self) -> int:
        """Return the milliseconds since the start."""
        return round((time.perf_counter() - self._started) * 1000)


@dataclass(frozen=True)
class Conversation:
    """What a prompt belongs to. With `remember` it goes on where the last prompt with the same
    `thread` left off; otherwise it stands alone."""

    thread: str
    remember: bool = False


@dataclass(frozen=True)
class Task:
    """One run: a prompt for a model with instructions and tools.

    `on_text` gets the answer piece by piece while it is written.
    """

    prompt: str
    model: ModelSettings
    instructions: str
    tools: Sequence[Tool]
    conversation: Conversation
    watch: Stopwatch
    on_text: Callable[[str], None] | None = None


@dataclass(frozen=True)
class Result:
    """What a runner returns. `tokens` and `tool_calls` are of this run, not of the conversation;
    `duration_ms` is filled in by the agent."""

    text: str
    tokens: Tokens
    tool_calls: Sequence[str]
    first_token_ms: int | None = None
    duration_ms: int = 0

    @classmethod
    def empty(cls) -> Result:
        """Return the result of a run that did not take place."""
        return cls("", Tokens(), ())


class Runner(Protocol):
    """Runs tasks with one framework."""

    def stopwatch(self) -> Stopwatch:
        """Return the clock of a new run, started now."""

    def run(self, task: Task) -> Result:
        """Return the model's answer. Raises what the framework or the model raises."""
