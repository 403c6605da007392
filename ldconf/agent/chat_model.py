"""The narrow seam under the plain runner: messages in, text and tool calls out.

Messages and tool calls have the shape of OpenAI's chat completions, which most endpoints speak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ldconf.agent.task import Tokens

Message: TypeAlias = Mapping[str, Any]
ToolSchema: TypeAlias = Mapping[str, Any]  # {name, description, parameters}


@dataclass(frozen=True)
class ToolCall:
    """A call that the model asks for."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """One turn of the model: either tool calls, or the answer."""

    text: str
    calls: tuple[ToolCall, ...]
    tokens: Tokens


class ChatModel(Protocol):
    """A model that can call tools."""

    @property
    def name(self) -> str:
        """What to call it; a simulated model says that it is one."""

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema]
    ) -> Iterator[str | Turn]:
        """Yield the text piece by piece, and then the whole turn."""
