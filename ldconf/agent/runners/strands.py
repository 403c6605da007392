"""The agent with Strands: `strands.Agent`, its tools, and its metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strands import Agent
from strands.models import Model
from strands.tools.tools import PythonAgentTool
from strands.types.content import Messages

from ldconf.agent.runners.plain import MOST_MODEL_CALLS
from ldconf.agent.task import Result, Stopwatch, Task, Tokens, Tool


class StrandsRunner:
    """Runs tasks with Strands models. Conversations live in memory."""

    def __init__(
        self, connect: Callable[[Task], Model], stopwatch: Callable[[], Stopwatch]
    ) -> None:
        self._connect = connect
        self.stopwatch = stopwatch
        self._threads: dict[str, Messages] = {}

    def run(self, task: Task) -> Result:
        """Run an agent. It is made anew each time: the AI Config may have changed, and one agent
        refuses a second call while it runs."""
        talk = task.conversation
        before = self._threads.get(talk.thread, []) if talk.remember else []
        first_token: list[int] = []

        def on_event(**event: Any) -> None:
            if task.on_text is not None and (text := event.get("data")):
                if not first_token:
                    first_token.append(task.watch.elapsed_ms())
                task.on_text(text)

        agent = Agent(
            model=self._connect(task),
            messages=list(before),
            tools=[_tool(tool) for tool in task.tools],
            system_prompt=task.instructions,
            callback_handler=on_event,  # the default one prints to stdout
            retry_strategy=None,
        )
        found = agent(task.prompt, limits={"turns": MOST_MODEL_CALLS})
        if found.stop_reason.startswith("limit_"):
            raise RuntimeError(f"no answer after {MOST_MODEL_CALLS} model calls")
        if talk.remember:
            self._threads[talk.thread] = agent.messages
        # `accumulated_usage` would grow over the life of the agent; this is of the one call.
        latest = found.metrics.latest_agent_invocation
        assert latest is not None
        called = [
            block["toolUse"]["name"]
            for message in agent.messages[len(before) :]
            for block in message["content"]
            if "toolUse" in block
        ]
        tokens = Tokens(latest.usage["inputTokens"], latest.usage["outputTokens"])
        return Result(str(found).strip(), tokens, called, next(iter(first_token), None))


def _tool(tool: Tool) -> PythonAgentTool:
    """Return Strands' form of a tool. Our own `call` checks arguments and catches errors."""

    def run(tool_use: Any, **_: Any) -> Any:
        text = tool.call(tool_use["input"])
        return {
            "toolUseId": tool_use["toolUseId"],
            "status": "success",
            "content": [{"text": text}],
        }

    described: Any = {
        "name": tool.name,
        "description": tool.description or tool.name,
        "inputSchema": {"json": dict(tool.schema)},
    }
    return PythonAgentTool(tool.name, described, run)
