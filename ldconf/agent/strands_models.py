"""Models for the Strands runner: Strands' own classes, or ours behind a bridge."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from strands.models import Model
from strands.types.content import Messages
from strands.types.streaming import StreamEvent
from strands.types.tools import ToolSpec

from ldconf.agent.chat_model import ChatModel, Message, Turn
from ldconf.agent.extras import needs
from ldconf.agent.providers import provider_of
from ldconf.agent.task import ModelSettings
from ldconf.core.errors import LdconfError

# What Bedrock's Converse API names itself; all else is the model's own and travels beside it.
_CONVERSE = frozenset({"max_tokens", "temperature", "top_p", "stop_sequences"})
_ANTHROPIC_TOKENS = 4096  # Strands' Anthropic class demands a limit


def provider_model(model: ModelSettings, env: Mapping[str, str]) -> Model:
    """Return the provider's own Strands class, with all parameters of the variation."""
    provider = provider_of(model, env)
    parameters = dict(model.parameters)
    with needs(f"{provider.name} with Strands", provider.extra):
        match provider.name:
            case "Anthropic":
                from strands.models.anthropic import AnthropicModel

                most = int(parameters.pop("max_tokens", _ANTHROPIC_TOKENS))
                return AnthropicModel(model_id=model.name, max_tokens=most, params=parameters)
            case "Bedrock":
                from strands.models.bedrock import BedrockModel

                named: Any = {k: v for k, v in parameters.items() if k in _CONVERSE}
                rest = {k: v for k, v in parameters.items() if k not in _CONVERSE}
                if rest:
                    named["additional_request_fields"] = rest
                return BedrockModel(model_id=model.name, **named)
            case "OpenAI":
                from strands.models.openai import OpenAIModel

                key = {"api_key": env["OPENAI_API_KEY"]}
                return OpenAIModel(client_args=key, model_id=model.name, params=parameters)
            case _:
                raise LdconfError(
                    f"the Strands runner has no class for the provider {provider.name}",
                    hint="use --framework langgraph, or --models endpoint",
                )


class BridgedModel(Model):
    """One of our own chat models (simulated, or an endpoint) as a Strands model."""

    def __init__(self, chat_model: ChatModel) -> None:
        self._chat_model = chat_model

    def update_config(self, **model_config: Any) -> None:
        """Refuse: the settings are those of the AI Config."""
        raise NotImplementedError("settings of a model come from its AI Config")

    def get_config(self) -> dict[str, Any]:
        """Return what Strands wants to know about the model."""
        return {"model_id": self._chat_model.name, "context_window_limit": 200_000}

    async def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Refuse: Strands demands the method, the agent asks for text only."""
        raise NotImplementedError("the agent asks for text only")
        yield {}  # makes it a generator

    async def stream(
        self,
        messages: Messages,
        tool_specs: list[ToolSpec] | None = None,
        system_prompt: str | None = None,
        **_: Any,
    ) -> AsyncIterator[StreamEvent]:
        """Yield the events of one turn."""
        tools = [
            {
                "name": spec["name"],
                "description": spec["description"],
                "parameters": spec["inputSchema"]["json"],
            }
            for spec in tool_specs or ()
        ]
        plain: list[Message] = [{"role": "system", "content": system_prompt or ""}]
        for one in messages:
            plain += _messages(one)
        yield {"messageStart": {"role": "assistant"}}
        is_open = False
        for piece in self._chat_model.stream(plain, tools):
            if isinstance(piece, str):
                if not is_open:
                    yield {"contentBlockStart": {"start": {}}}
                    is_open = True
                yield {"contentBlockDelta": {"delta": {"text": piece}}}
                continue
            if is_open:
                yield {"contentBlockStop": {}}
            for event in _ending(piece):
                yield event


def _ending(turn: Turn) -> list[Any]:
    events: list[Any] = []
    for call in turn.calls:
        start = {"toolUse": {"name": call.name, "toolUseId": call.id}}
        delta = {"toolUse": {"input": json.dumps(call.arguments)}}
        events += [
            {"contentBlockStart": {"start": start}},
            {"contentBlockDelta": {"delta": delta}},
            {"contentBlockStop": {}},
        ]
    tokens = turn.tokens
    usage = {
        "inputTokens": tokens.input,
        "outputTokens": tokens.output,
        "totalTokens": tokens.total,
    }
    events.append({"messageStop": {"stopReason": "tool_use" if turn.calls else "end_turn"}})
    events.append({"metadata": {"usage": usage, "metrics": {"latencyMs": 0}}})
    return events


def _messages(message: Any) -> list[Message]:
    """Return a Strands message in the shape of the plain runner's: one per tool result."""
    text = "".join(block["text"] for block in message["content"] if "text" in block)
    results = [block["toolResult"] for block in message["content"] if "toolResult" in block]
    if results:
        return [
            {
                "role": "tool",
                "tool_call_id": result["toolUseId"],
                "content": "".join(part["text"] for part in result["content"]),
            }
            for result in results
        ]
    if message["role"] == "user":
        return [{"role": "user", "content": text}]
    calls = [
        {
            "id": block["toolUse"]["toolUseId"],
            "type": "function",
            "function": {
                "name": block["toolUse"]["name"],
                "arguments": json.dumps(block["toolUse"]["input"]),
            },
        }
        for block in message["content"]
        if "toolUse" in block
    ]
    said = {"role": "assistant", "content": text}
    return [{**said, "tool_calls": calls} if calls else said]
