"""Any endpoint that speaks OpenAI's chat completions, e.g. OpenAI, vLLM, Ollama or LiteLLM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from ldconf.agent.chat_model import Message, ToolCall, ToolSchema, Turn
from ldconf.agent.task import ModelSettings, Tokens
from ldconf.core.errors import LdconfError

OPENAI = "https://api.openai.com/v1"
_TIMEOUT_S = 120


class EndpointError(LdconfError):
    """The endpoint refused, broke off, or cannot be reached. Never holds the key."""


class OpenAICompatible:
    """A chat model behind `base_url` (with its `/v1`), streamed. `key` may be empty."""

    def __init__(self, settings: ModelSettings, base_url: str, key: str) -> None:
        self._settings = settings
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    @property
    def name(self) -> str:
        """Return the model's name at the endpoint."""
        return self._settings.name

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema]
    ) -> Iterator[str | Turn]:
        """Yield the text piece by piece, and then the whole turn."""
        body = {
            **self._settings.parameters,
            "model": self._settings.name,
            "messages": list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            **(
                {"tools": [{"type": "function", "function": dict(t)} for t in tools]}
                if tools
                else {}
            ),
        }
        collected = _Collected()
        try:
            with httpx.stream(
                "POST", self._url, json=body, headers=self._headers, timeout=_TIMEOUT_S
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise EndpointError(
                        f"{self._url} answered {answer.status_code}: {_why(answer)}"
                    )
                for chunk in _chunks(answer.iter_lines()):
                    if text := collected.add(chunk):
                        yield text
        except httpx.HTTPError as err:
            raise EndpointError(
                f"no answer from {self._url}: {err or type(err).__name__}",
                hint="check OPENAI_BASE_URL; it usually ends in /v1",
            ) from err
        yield collected.turn()


class _Collected:
    """A turn put together from chunks."""

    def __init__(self) -> None:
        self._text = ""
        self._calls: dict[int, dict[str, str]] = {}
        self._tokens = Tokens()

    def add(self, chunk: Mapping[str, Any]) -> str:
        """Take in a chunk; return the text in it."""
        if "error" in chunk:
            raise EndpointError(f"the endpoint broke off: {chunk['error']}")
        if usage := chunk.get("usage"):
            self._tokens = Tokens(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
        text = ""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            for part in delta.get("tool_calls") or ():
                self._add_call(part)
        self._text += text
        return text

    def _add_call(self, part: Mapping[str, Any]) -> None:
        call = self._calls.setdefault(part.get("index", 0), {"id": "", "name": "", "arguments": ""})
        function = part.get("function") or {}
        call["id"] = part.get("id") or call["id"]
        call["name"] = function.get("name") or call["name"]
        call["arguments"] += function.get("arguments") or ""

    def turn(self) -> Turn:
        """Return the whole turn. Arguments that are no JSON object become none at all, so that the
        check against the tool's schema tells the model."""
        calls = tuple(
            ToolCall(one["id"] or f"call_{place}", one["name"], _object(one["arguments"]))
            for place, one in sorted(self._calls.items())
        )
        return Turn(self._text, calls, self._tokens)


def _chunks(lines: Iterator[str]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        name, _, text = line.partition(":")
        if name != "data" or text.strip() in ("", "[DONE]"):
            continue
        try:
            yield json.loads(text)
        except ValueError as err:
            raise EndpointError(f"the endpoint sent what is not JSON: {text.strip()[:80]}") from err


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
