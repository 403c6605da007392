"""LaunchDarkly's Python SDKs, without network: flags come from memory, events go nowhere.

The only module that imports `ldclient` and `ldai` for evaluation; both are of the extra `agent`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ldconf.compile import EnvironmentTargeting, Source, Split, TargetRule, compile_environment
from ldconf.compile.experiment import with_experiments
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.evaluation import Evaluation, Message, Reason, ReasonKind
from ldconf.core.resource import Json
from ldconf.kinds import words
from ldconf.kinds.serve import DISABLED

if TYPE_CHECKING:
    from ldclient import Context, LDClient

PIP_LINE = 'pip install "ldconf[agent]"'
AGENT = "agent"


class Evaluator:
    """Evaluates the AI Configs of one environment; made by `evaluator`."""

    def __init__(self, client: LDClient, source: Source, environment: str) -> None:
        from ldai import LDAIClient

        self._client = client
        self._ai = LDAIClient(client)
        self._source = source
        self.environment = environment

    def variation(self, ai_config: str, context: Mapping[str, Json]) -> str:
        """Return the key of the variation that a context gets. Renders nothing."""
        return _key(self._detail(ai_config, _context(context)).value)

    def evaluate(
        self,
        ai_config: str,
        context: Mapping[str, Json],
        variables: Mapping[str, Json] | None = None,
    ) -> Evaluation:
        """Return what a context gets, with the prompt rendered for it.

        Raises UsageError for something that is no context, LdconfError for a prompt that does not
        render.
        """
        sdk_context = _context(context)
        detail = self._detail(ai_config, sdk_context)
        value, key = detail.value, _key(detail.value)
        reason = self._reason(ai_config, detail.reason, sdk_context, key)
        if key == DISABLED:
            return Evaluation(ai_config, self.environment, DISABLED, False, reason)
        model = value.get("model") or {}
        mode = value["_ldMeta"].get("mode", "completion")
        return Evaluation(
            ai_config=ai_config,
            environment=self.environment,
            variation=key,
            enabled=bool(value["_ldMeta"].get("enabled")),
            reason=reason,
            mode=mode,
            model=model.get("name"),
            provider=(value.get("provider") or {}).get("name"),
            parameters={n: v for n, v in (model.get("parameters") or {}).items() if n != "tools"},
            custom=model.get("custom") or {},
            tools=tuple(sorted(value.get("tools") or ())),
            messages=self._rendered(ai_config, mode, sdk_context, variables or {}),
        )

    def _detail(self, ai_config: str, context: Context) -> Any:
        detail = self._client.variation_detail(ai_config, context, None)
        if detail.variation_index is None:
            kind = detail.reason.get("errorKind") or detail.reason.get("kind")
            raise LdconfError(f"the SDK cannot evaluate {ai_config}: {kind}")
        return detail

    def _reason(
        self, ai_config: str, reason: Mapping[str, Json], context: Context, variation: str
    ) -> Reason:
        targeting = self._targeting(ai_config)
        kind, experiment = reason["kind"], bool(reason.get("inExperiment"))
        if kind == "RULE_MATCH":
            return _rule_reason(targeting.rules[reason["ruleIndex"]], experiment)
        if kind == "TARGET_MATCH":
            who = _target(targeting, variation, context)
            return Reason(ReasonKind.TARGET, f"individual target {who}")
        if kind == "OFF":
            return Reason(ReasonKind.OFF, "targeting is off")
        return _served(ReasonKind.FALLTHROUGH, "fallthrough", targeting.fallthrough, experiment)

    def _targeting(self, ai_config: str) -> EnvironmentTargeting:
        """Return the targeting that was compiled: experiments that run are laid over it."""
        found, source = self._source.ai_configs[ai_config], self._source
        here = (self.environment, ai_config)
        running = [one for one in source.experiments if (one.environment, one.ai_config) == here]
        return with_experiments(source.project, found, self.environment, running)

    def _rendered(
        self, ai_config: str, mode: str, context: Context, variables: Mapping[str, Json]
    ) -> tuple[Message, ...]:
        from chevron import ChevronError

        given = dict(variables)
        try:
            if mode == AGENT:
                agent = self._ai.agent_config(ai_config, context, variables=given)
                text = agent.instructions
                return (Message("instructions", text),) if text else ()
            if mode == "judge":
                messages = self._ai.judge_config(ai_config, context, variables=given).messages
            else:
                messages = self._ai.completion_config(ai_config, context, variables=given).messages
        except ChevronError as err:
            raise LdconfError(
                f"the prompt of {ai_config} does not render: {err}",
                "templates are Mustache: every {{#section}} needs its {{/section}}",
            ) from err
        return tuple(Message(message.role, message.content) for message in messages or ())


@contextmanager
def evaluator(source: Source, environment: str) -> Iterator[Evaluator]:
    """Give an evaluator of one environment. Raises LdconfError without the extra `agent`."""
    try:
        import ldai  # noqa: F401 - only its presence counts here
        from ldclient import Config, LDClient
        from ldclient.feature_store import InMemoryFeatureStore
        from ldclient.versioned_data_kind import FEATURES, SEGMENTS
    except ModuleNotFoundError as err:
        raise LdconfError(
            f"evaluation needs LaunchDarkly's SDK ({err.name}), which is not installed", PIP_LINE
        ) from err
    compiled = compile_environment(source, environment)
    store = InMemoryFeatureStore()  # type: ignore[no-untyped-call]  # the SDK is typed in part
    flags = {key: _without_judges(flag) for key, flag in compiled["flags"].items()}
    items = {FEATURES: flags, SEGMENTS: compiled["segments"]}
    store.init(items)  # type: ignore[no-untyped-call]  # likewise
    with _quiet():
        # Daemon mode: the SDK reads the store it was given and connects to nothing.
        config = Config("sdk-offline", feature_store=store, use_ldd=True, send_events=False)
        client = LDClient(config, start_wait=0)
        try:
            yield Evaluator(client, source, environment)
        finally:
            client.close()  # type: ignore[no-untyped-call]  # likewise


def _without_judges(flag: Mapping[str, Json]) -> dict[str, Json]:
    """Return a flag whose variations name no judges: the AI SDK would start every one of them.

    Judges decide neither which variation is served nor how its prompt is rendered.
    """
    values = [
        {name: part for name, part in value.items() if name != "judgeConfiguration"}
        for value in flag["variations"]
    ]
    return {**flag, "variations": values}


def _context(values: Mapping[str, Json]) -> Context:
    from ldclient import Context

    context = Context.from_dict({"kind": "user", **values})
    if not context.valid:
        raise UsageError(
            f"not a context: {context.error}",
            'for instance {"kind": "user", "key": "u1", "plan": "gold"}',
        )
    return context


def _key(value: Mapping[str, Json]) -> str:
    key: str = value["_ldMeta"].get("variationKey") or DISABLED
    return key


def _rule_reason(rule: TargetRule, experiment: bool) -> Reason:
    clauses = words.clauses(rule.clauses)
    named = f'rule "{rule.description}": {clauses}' if rule.description else f"rule: {clauses}"
    return replace(_served(ReasonKind.RULE, named, rule.serve, experiment), rule=rule.description)


def _served(kind: ReasonKind, name: str, serve: str | Split, experiment: bool) -> Reason:
    if isinstance(serve, str):
        return Reason(kind, name, in_experiment=experiment)
    arms = ", ".join(f"{words.percent(arm.weight / 1000)} {arm.variation}" for arm in serve.arms)
    how = "experiment" if serve.experiment else "rollout"
    return Reason(kind, f"{name} ({how}: {arms})", is_rollout=True, in_experiment=experiment)


def _target(targeting: EnvironmentTargeting, variation: str, context: Context) -> str:
    """Return the individual context that a target names."""
    for target in targeting.targets:
        kind = target.get("contextKind") or "user"
        part = context.get_individual_context(kind)
        if target["variation"] == variation and part and part.key in target["values"]:
            return f"{kind} {part.key}"
    return context.fully_qualified_key


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the SDK's remarks on its own life to itself while in this context."""
    logger = logging.getLogger("ldclient")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
