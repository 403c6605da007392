"""The agent with LangGraph: LangChain's `create_agent`, tools, and a checkpointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver

from ldconf.agent.runners.plain import MOST_MODEL_CALLS
from ldconf.agent.task import Result, Stopwatch, Task, Tokens, Tool


class LangGraphRunner:
    """Runs tasks with LangChain chat models. The checkpointer keeps conversations in memory."""

    def __init__(
        self, connect: Callable[[Task], BaseChatModel], stopwatch: Callable[[], Stopwatch]
    ) -> None:
        self._connect = connect
        self.stopwatch = stopwatch
        self._checkpointer = InMemorySaver()

    def run(self, task: Task) -> Result:
        """Run the graph. It is built anew each time, since the AI Config may have changed."""
        graph = create_agent(
            self._connect(task),
            [_tool(tool) for tool in task.tools],
            system_prompt=task.instructions,
            checkpointer=self._checkpointer if task.conversation.remember else None,
        )
        listener = _Listener(task)
        settings: Any = {
            "configurable": {"thread_id": task.conversation.thread},
            "recursion_limit": 2 * MOST_MODEL_CALLS + 1,  # a model call and its tools are two steps
            "callbacks": [listener],
        }
        asked: Any = {"messages": [HumanMessage(task.prompt)]}
        before = 0
        if task.conversation.remember:
            before = len(graph.get_state(settings).values.get("messages", ()))
        modes: Any = ["values", "messages"] if task.on_text else ["values"]
        state: Any = {}
        for mode, found in graph.stream(asked, settings, stream_mode=modes):
            state = found if mode == "values" else state
        # The state holds the whole conversation: only what this run added counts.
        return _result(state["messages"][before:], listener.first_token_ms)


class _Listener(BaseCallbackHandler):
    """Hears the model's text at the moment it comes; the graph's own stream lags behind."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.first_token_ms: int | None = None

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, **_: Any) -> None:
        """Pass text on. Some providers send lists of content blocks as `token`."""
        text = chunk.message.text if chunk is not None else token
        if text and self._task.on_text is not None:
            if self.first_token_ms is None:
                self.first_token_ms = self._task.watch.elapsed_ms()
            self._task.on_text(text)


def _tool(tool: Tool) -> StructuredTool:
    """Return LangChain's form of a tool. Our own `call` checks arguments and catches errors."""
    return StructuredTool.from_function(
        func=lambda **arguments: tool.call(arguments),
        name=tool.name,
        description=tool.description or tool.name,
        args_schema=dict(tool.schema),
    )


def _result(new: Sequence[AnyMessage], first_token_ms: int | None) -> Result:
    tokens, called = Tokens(), list[str]()
    for message in new:
        if isinstance(message, AIMessage):
            called += [call["name"] for call in message.tool_calls]
            if usage := message.usage_metadata:
                tokens += Tokens(usage["input_tokens"], usage["output_tokens"])
    return Result(new[-1].text, tokens, called, first_token_ms)
