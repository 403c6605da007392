"""Which framework runs the agent, and which models answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ldconf.agent.chat_model import ChatModel
from ldconf.agent.choices import Framework, Models
from ldconf.agent.extras import needs
from ldconf.agent.openai_compatible import OPENAI, OpenAICompatible
from ldconf.agent.providers import provider_of
from ldconf.agent.runners.plain import PlainRunner
from ldconf.agent.simulated import SimulatedModel, SimulatedStopwatch
from ldconf.agent.task import Runner, Stopwatch, Task
from ldconf.core.errors import LdconfError, SettingsError

BASE_URL_VARIABLE = "OPENAI_BASE_URL"


def make_runner(
    framework: Framework, models: Models, env: Mapping[str, str], *, real_time: bool = False
) -> Runner:
    """Return a runner. `real_time` makes the simulated model take the time that it reports.

    Raises LdconfError for a missing extra, SettingsError for a missing address; a missing key of
    a provider shows when the AI Config names that provider.
    """
    if models is Models.ENDPOINT:
        _base_url(env)
    simulated = models is Models.SIMULATED

    def stopwatch() -> Stopwatch:
        return SimulatedStopwatch(real_time=real_time) if simulated else Stopwatch()

    match framework:
        case Framework.PLAIN:
            return _plain(models, env, stopwatch)
        case Framework.LANGGRAPH:
            return _langgraph(models, env, stopwatch)
        case Framework.STRANDS:
            return _strands(models, env, stopwatch)


def _own_model(task: Task, models: Models, env: Mapping[str, str]) -> ChatModel | None:
    """Return the chat model of our own that is wanted, if it is one of ours."""
    match models:
        case Models.SIMULATED:
            return SimulatedModel(task.model, task.watch, task.conversation.thread)
        case Models.ENDPOINT:
            return OpenAICompatible(task.model, _base_url(env), env.get("OPENAI_API_KEY", ""))
        case Models.PROVIDER:
            return None


def _plain(models: Models, env: Mapping[str, str], stopwatch: Callable[[], Stopwatch]) -> Runner:
    def connect(task: Task) -> ChatModel:
        if (own := _own_model(task, models, env)) is not None:
            return own
        provider = provider_of(task.model, env)
        if provider.name != "OpenAI":
            raise LdconfError(
                f"without a framework there is no way to {provider.name}",
                hint="use --framework langgraph or strands, or --models endpoint",
            )
        return OpenAICompatible(task.model, OPENAI, env["OPENAI_API_KEY"])

    return PlainRunner(connect, stopwatch)


def _langgraph(
    models: Models, env: Mapping[str, str], stopwatch: Callable[[], Stopwatch]
) -> Runner:
    with needs("the LangGraph runner", "langgraph"):
        from langchain_core.language_models import BaseChatModel

        from ldconf.agent.langchain_models import BridgedChatModel, provider_model
        from ldconf.agent.runners.langgraph import LangGraphRunner

    def connect(task: Task) -> BaseChatModel:
        own = _own_model(task, models, env)
        return BridgedChatModel(chat_model=own) if own else provider_model(task.model, env)

    return LangGraphRunner(connect, stopwatch)


def _strands(models: Models, env: Mapping[str, str], stopwatch: Callable[[], Stopwatch]) -> Runner:
    with needs("the Strands runner", "strands"):
        from strands.models import Model

        from ldconf.agent.runners.strands import StrandsRunner
        from ldconf.agent.strands_models import BridgedModel, provider_model

    def connect(task: Task) -> Model:
        own = _own_model(task, models, env)
        return BridgedModel(own) if own else provider_model(task.model, env)

    return StrandsRunner(connect, stopwatch)


def _base_url(env: Mapping[str, str]) -> str:
    url = env.get(BASE_URL_VARIABLE, "").strip()
    if not url:
        raise SettingsError(
            f"no endpoint: {BASE_URL_VARIABLE} is not set",
            "set it to the address of an OpenAI-compatible server, e.g. http://127.0.0.1:11434/v1",
        )
    return url
