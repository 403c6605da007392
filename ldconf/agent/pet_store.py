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
from dataclasses import dataclass, field
from typing import Any

import chevron
from ldai import AIAgentConfig, AIAgentConfigDefault, LDAIClient
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
    model: ModelSettings
    result: Result
    duration_ms: int
    cost_usd: float | None  # None: nobody knows the model's prices
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
        """Answer one prompt. `user` has a `key` and other attributes."""
        # Step 2: the context says for whom. Targeting, templates and events all use it.
        context = Context.from_dict({"kind": "user", **user})

        # Step 3: retrieve the AI Config, for every request anew: a change counts at once.
        config = self._ai.agent_config(AI_CONFIG, context, self._default)
        tracker = config.create_tracker()  # one per run: all its events share a run id
        served, variation, reason = self._served(config, tracker, context)
        if not served.enabled or served.model is None:
            nothing = ModelSettings("", "")
            return Answer(SWITCHED_OFF, variation, reason, nothing, Result.empty(), 0, None)
        model = _model_settings(served)

        # Step 4: build the tools that the variation names, from code that we have.
        named = (served.tools or {}).values()
        tools, skipped = build_tools(named, model.custom, self._tool_builders, context.key)
        for one in skipped:
            log.warning("the tool %s is skipped: %s", one.name, one.reason)
            about = {**_run(tracker), "toolKey": one.name, "reason": one.reason}
            self._launchdarkly.track(SKIPPED_TOOL_EVENT, context, about)

        # Step 5: run, and track duration, success or error, tokens, tool calls and cost.
        watch = self._runner.stopwatch()
        instructions = served.instructions or ""
        task = Task(prompt, model, instructions, tools, conversation, watch, on_text)
        try:
            result = self._runner.run(task)
        except Exception:
            tracker.track_duration(watch.elapsed_ms())
            tracker.track_error()
            raise
        duration_ms = watch.elapsed_ms()
        tracker.track_duration(duration_ms)
        tracker.track_success()
        tokens = result.tokens
        tracker.track_tokens(TokenUsage(tokens.total, tokens.input, tokens.output))
        tracker.track_tool_calls(result.tool_calls)
        if result.first_token_ms is not None:
            tracker.track_time_to_first_token(result.first_token_ms)
        price = price_of(model)
        cost = price.of(tokens) if price else None
        if cost is not None:
            self._launchdarkly.track(COST_EVENT, context, _run(tracker), cost)
        return Answer(
            result.text,
            variation,
            reason,
            model,
            result,
            duration_ms,
            cost,
            tuple(skipped),
            tracker,
        )

    def feedback(self, answer: Answer, *, positive: bool) -> None:
        """Track what the user thought of an answer; counts once per answer."""
        if answer.tracker is not None:
            kind = FeedbackKind.Positive if positive else FeedbackKind.Negative
            answer.tracker.track_feedback({"kind": kind})

    def _served(
        self, config: AIAgentConfig, tracker: LDAIConfigTracker, context: Context
    ) -> tuple[AIAgentConfig | AIAgentConfigDefault, str | None, str]:
        """Return what to run with: the variation that LaunchDarkly chose, or our own default."""
        variation = _run(tracker).get("variationKey")
        if config.enabled and variation:
            return config, variation, ""
        if config.enabled:  # the SDK gave our default back, with its texts rendered
            reason = "LaunchDarkly does not know this AI Config"
            if not self._launchdarkly.is_initialized():
                reason = "LaunchDarkly cannot be reached"
            return config, None, reason
        # Switched off there. The default's texts are not rendered by the SDK in this case.
        default = self._default
        variables = {"ldctx": context.to_dict()}
        rendered = chevron.render(default.instructions or "", variables)
        own = AIAgentConfigDefault(
            default.enabled, default.model, default.provider, rendered, tools=default.tools
        )
        return own, None, "the AI Config is switched off in LaunchDarkly"


def _model_settings(served: AIAgentConfig | AIAgentConfigDefault) -> ModelSettings:
    """Return the model; all of its parameters, without the copy of the tools among them."""
    assert served.model is not None
    model = served.model.to_dict()
    parameters = {k: v for k, v in (model["parameters"] or {}).items() if k != "tools"}
    provider = served.provider.name if served.provider else ""
    return ModelSettings(model["name"], provider, parameters, model["custom"] or {})


def _run(tracker: LDAIConfigTracker) -> dict[str, Any]:
    """Return run id, AI Config, variation and version: what `$ld:ai:*` events carry as well."""
    token = tracker.resumption_token
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    return found
