"""The agent without a framework: a loop of model calls and tool calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ldconf.agent.chat_model import ChatModel, Message, ToolSchema, Turn
from ldconf.agent.task import Result, Stopwatch, Task, Tokens

MOST_MODEL_CALLS = 12
NO_SUCH_TOOL = '{"error": "there is no such tool"}'


class PlainRunner:
    """Runs tasks with chat models that `connect` gives out. Conversations live in memory."""

    def __init__(
        self, connect: Callable[[Task], ChatModel], stopwatch: Callable[[], Stopwatch]
    ) -> None:
        self._connect = connect
        self.stopwatch = stopwatch
        self._threads: dict[str, list[Message]] = {}

    def run(self, task: Task) -> Result:
        """Call the model, then the tools that it asks for, until it answers."""
        model = self._connect(task)
        tools = {tool.name: tool for tool in task.tools}
        schemas: list[ToolSchema] = [
            {"name": t.name, "description": t.description, "parameters": t.schema}
            for t in task.tools
        ]
        new: list[Message] = [{"role": "user", "content": task.prompt}]
        talk = task.conversation
        before = self._threads.get(talk.thread, []) if talk.remember else []
        system: Message = {"role": "system", "content": task.instructions}
        tokens, called = Tokens(), list[str]()
        first_token: list[int] = []
        for _ in range(MOST_MODEL_CALLS):
            turn = _turn(model, [system, *before, *new], schemas, task, first_token)
            tokens += turn.tokens
            new.append(_said(turn))
            if not turn.calls:
                if talk.remember:
                    self._threads[talk.thread] = [*before, *new]
                return Result(turn.text, tokens, called, next(iter(first_token), None))
            for call in turn.calls:
                called.append(call.name)
                known = tools.get(call.name)
                answer = known.call(call.arguments) if known else NO_SUCH_TOOL
                new.append({"role": "tool", "tool_call_id": call.id, "content": answer})
        raise RuntimeError(f"no answer after {MOST_MODEL_CALLS} model calls")


def _turn(
    model: ChatModel,
    messages: Sequence[Message],
    schemas: Sequence[ToolSchema],
    task: Task,
    first_token: list[int],
) -> Turn:
    for piece in model.stream(messages, schemas):
        if isinstance(piece, Turn):
            return piece
        if task.on_text is not None:
            if not first_token:
                first_token.append(task.watch.elapsed_ms())
            task.on_text(piece)
    raise RuntimeError("the model ended without an answer")


def _said(turn: Turn) -> Message:
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        for call in turn.calls
    ]
    return {"role": "assistant", "content": turn.text, **({"tool_calls": calls} if calls else {})}
