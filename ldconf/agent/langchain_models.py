"""Chat models for the LangGraph runner: LangChain's own classes, or ours behind a bridge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, SkipValidation

from ldconf.agent.chat_model import ChatModel, Message, Turn
from ldconf.agent.extras import needs
from ldconf.agent.providers import provider_of
from ldconf.agent.task import ModelSettings


def provider_model(model: ModelSettings, env: Mapping[str, str]) -> BaseChatModel:
    """Return the provider's own LangChain class, with all parameters of the variation."""
    provider = provider_of(model, env)
    with needs(f"{provider.name} with LangGraph", provider.extra):
        found: BaseChatModel = init_chat_model(
            model.name, model_provider=provider.langchain, **dict(model.parameters)
        )
    return found


class BridgedChatModel(BaseChatModel):
    """One of our own chat models (simulated, or an endpoint) as a LangChain model."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    chat_model: SkipValidation[ChatModel]

    @property
    def _llm_type(self) -> str:
        return self.chat_model.name

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Return the model with tools to call."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain passes it by name
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        tools = [tool["function"] for tool in kwargs.get("tools", ())]
        for piece in self.chat_model.stream([_message(one) for one in messages], tools):
            chunk = ChatGenerationChunk(message=_chunk(piece))
            if run_manager is not None and isinstance(piece, str):
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk


def _chunk(piece: str | Turn) -> AIMessageChunk:
    if isinstance(piece, str):
        return AIMessageChunk(content=piece)
    calls = [
        {
            "type": "tool_call_chunk",
            "id": call.id,
            "name": call.name,
            "args": json.dumps(call.arguments),
            "index": place,
        }
        for place, call in enumerate(piece.calls)
    ]
    tokens = piece.tokens
    usage = {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "total_tokens": tokens.total,
    }
    return AIMessageChunk(content="", tool_call_chunks=calls, usage_metadata=usage)


def _message(message: BaseMessage) -> Message:
    """Return a LangChain message in the shape of the plain runner's."""
    match message:
        case SystemMessage():
            return {"role": "system", "content": message.text}
        case HumanMessage():
            return {"role": "user", "content": message.text}
        case ToolMessage():
            tool_call_id = message.tool_call_id
            return {"role": "tool", "tool_call_id": tool_call_id, "content": message.text}
        case AIMessage():
            calls = [
                {
                    "id": call["id"],
                    "type": "function",
                    "function": {"name": call["name"], "arguments": json.dumps(call["args"])},
                }
                for call in message.tool_calls
            ]
            said = {"role": "assistant", "content": message.text}
            return {**said, "tool_calls": calls} if calls else said
        case _:
            raise TypeError(f"no such message in a conversation: {type(message).__name__}")
