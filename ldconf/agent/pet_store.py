"""The Pet Store agent: how an app uses an AI Config, in five steps. This is the file to copy.

1. initialise LaunchDarkly once; then for each request 2. build a context, 3. retrieve the AI
Config, 4. build the tools that it names, and 5. track what happened. No framework is involved
here; a runner (`runners/`) calls the model with the one you like.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import chevron
from ldai import AIAgentConfig, AIAgentConfigDefault, LDAIClient, LDTool
from ldai.tracker import FeedbackKind, LDAIConfigTracker, TokenUsage
from ldclient import Context, LDClient

from ldconf.agent.prices import price_of
from ldconf.agent.shop_tools import TOOL_BUILDERS
from ldconf.agent.task import Conversation, ModelSettings, Result, Runner, Task
from ldconf.agent.tools import Builder, Skipped, build_tools

AI_CONFIG = "pet-store-agent"
COST_EVENT = "ai_cost_per_request"  # a metric of the workspace is on this event
SKIPPED_TOOL_EVENT = "ai_tool_skipped"
SWITCHED_OFF = "The assistant is switched off at the moment."
log = logging.getLogger("ldconf.agent")


@dataclass(frozen=True)
class Answer:
    """What the user gets to read, and what the operator wants to know about it."""

    text: str
    variation: str | None  # None: LaunchDarkly did not choose, the built-in default answered
    reason: str  # empty, or why the default answered
    model: ModelSettings | None = None  # None: no model was called
    result: Result = field(default_factory=Result.empty)
    cost_usd: float | None = None  # None: nobody knows the model's prices
    skipped_tools: tuple[Skipped, ...] = ()
    tracker: LDAIConfigTracker | None = field(default=None, repr=False)


class PetStoreAgent:
    """Answers the customers of the pet store. One for the whole process; safe in threads."""

    def __init__(
        self,
        launchdarkly: LDClient,
        runner: Runner,
        default: AIAgentConfigDefault,
        tool_builders: Mapping[str, Builder] = TOOL_BUILDERS,
    ) -> None:
        # Step 1: initialise, once per process. `connect.py` made the client from the SDK key.
        self._launchdarkly = launchdarkly
        self._ai = LDAIClient(launchdarkly)
        self._runner = runner
        self._default = default
        self._tool_builders = tool_builders

    def ask(
        self,
        prompt: str,
        user: Mapping[str, Any],
        conversation: Conversation,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer one prompt. `user` has a `key` and other attributes. Raises what the model or the
        framework raises, once it is tracked."""
        # Step 2: the context says for whom. Targeting, templates and events all use it.
        context = Context.from_dict({"kind": "user", **user})

        # Step 3: retrieve the AI Config, anew for every request: a change counts at once.
        config = self._ai.agent_config(AI_CONFIG, context, self._default)
        tracker = config.create_tracker()  # one per run: all its events share a run id
        served = self._served(config, tracker, context)
        if served.model is None:
            return Answer(SWITCHED_OFF, served.variation, served.reason)

        # Step 4: build the tools that the variation names, from code that we have.
        tools, skipped = build_tools(
            served.tools, served.model.custom, self._tool_builders, context.key
        )
        for one in skipped:
            log.warning("the tool %s is skipped: %s", one.name, one.reason)
            about = {**_run(tracker), "toolKey": one.name, "reason": one.reason}
            self._launchdarkly.track(SKIPPED_TOOL_EVENT, context, about)

        # Step 5: run, and track what happened.
        watch = self._runner.stopwatch()
        task = Task(prompt, served.model, served.instructions, tools, conversation, watch, on_text)
        result = self._tracked(task, tracker)
        cost_usd = self._track_cost(task.model, result, tracker, context)
        return Answer(
            result.text,
            served.variation,
            served.reason,
            served.model,
            result,
            cost_usd,
            tuple(skipped),
            tracker,
        )

    def feedback(self, answer: Answer, *, positive: bool) -> None:
        """Track what the user thought of an answer; counts once per answer."""
        if answer.tracker is not None:
            kind = FeedbackKind.Positive if positive else FeedbackKind.Negative
            answer.tracker.track_feedback({"kind": kind})

    def _tracked(self, task: Task, tracker: LDAIConfigTracker) -> Result:
        """Run a task and track duration, success or error, tokens and tool calls."""
        try:
            result = self._runner.run(task)
        except Exception:
            tracker.track_duration(task.watch.elapsed_ms())
            tracker.track_error()
            raise
        duration_ms = task.watch.elapsed_ms()
        tracker.track_duration(duration_ms)
        tracker.track_success()
        tokens = result.tokens
        tracker.track_tokens(TokenUsage(tokens.total, tokens.input, tokens.output))
        tracker.track_tool_calls(result.tool_calls)
        if result.first_token_ms is not None:
            tracker.track_time_to_first_token(result.first_token_ms)
        return replace(result, duration_ms=duration_ms)

    def _track_cost(
        self, model: ModelSettings, result: Result, tracker: LDAIConfigTracker, context: Context
    ) -> float | None:
        """Track what the run cost, as an event of our own: the AI SDK has none for it."""
        price = price_of(model)
        if price is None:
            return None
        cost_usd = price.of(result.tokens)
        self._launchdarkly.track(COST_EVENT, context, _run(tracker), cost_usd)
        return cost_usd

    def _served(
        self, config: AIAgentConfig, tracker: LDAIConfigTracker, context: Context
    ) -> Served:
        """Return what to run with: the variation that LaunchDarkly chose, or our own default."""
        variation = _run(tracker).get("variationKey")
        if config.enabled and variation:
            return Served.of(config, variation)
        if not self._launchdarkly.is_initialized():
            return Served.of(config, reason="LaunchDarkly cannot be reached")
        if config.enabled:  # the SDK gave our default back, with its texts rendered
            return Served.of(config, reason="LaunchDarkly does not know this AI Config")
        # Switched off there: then the SDK gives neither tools nor rendered texts of our default.
        default = self._default
        text = chevron.render(default.instructions or "", {"ldctx": context.to_dict()})
        own = replace(default, instructions=text)
        return Served.of(own, reason="the AI Config is switched off in LaunchDarkly")


@dataclass(frozen=True)
class Served:
    """What a run works with. `model` is None if nothing may be run."""

    model: ModelSettings | None
    instructions: str
    tools: tuple[LDTool, ...]
    variation: str | None
    reason: str

    @classmethod
    def of(
        cls,
        config: AIAgentConfig | AIAgentConfigDefault,
        variation: str | None = None,
        reason: str = "",
    ) -> Served:
        """Return the parts of an AI Config. All parameters go to the model, but for the copy of
        the tools that stands among them."""
        tools = tuple((config.tools or {}).values())
        if not config.enabled or config.model is None:
            return cls(None, "", tools, variation, reason)
        model = config.model.to_dict()
        parameters = {k: v for k, v in (model["parameters"] or {}).items() if k != "tools"}
        provider = config.provider.name if config.provider else ""
        settings = ModelSettings(model["name"], provider, parameters, model["custom"] or {})
        return cls(settings, config.instructions or "", tools, variation, reason)


def _run(tracker: LDAIConfigTracker) -> dict[str, Any]:
    """Return run id, AI Config, variation and version: what `$ld:ai:*` events carry as well."""
    token = tracker.resumption_token
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    return found
