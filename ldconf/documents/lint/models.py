"""Lint of models and their parameters."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ldconf.core.address import Address
from ldconf.core.diagnostic import Severity
from ldconf.core.resource import Json
from ldconf.documents.lint.rule import Finding, Rule, Scope

# Request parameters of the providers' public APIs, as their Python clients name them (seen
# 2026-11). LaunchDarkly itself does not check names. A provider not listed here is not checked.
_COMMON = frozenset({"temperature", "top_p", "stop", "tools", "tool_choice", "stream", "timeout",
                     "max_retries", "provider"})  # fmt: skip
_ANTHROPIC = _COMMON | {"max_tokens", "top_k", "stop_sequences", "thinking", "metadata",
                        "service_tier", "effort", "betas"}  # fmt: skip
_OPENAI = _COMMON | {
    "max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty", "seed",
    "logit_bias", "logprobs", "top_logprobs", "n", "response_format", "reasoning_effort",
    "reasoning", "verbosity", "parallel_tool_calls", "service_tier", "user", "store", "metadata",
    "modalities",
}  # fmt: skip
_BEDROCK = _COMMON | {"max_tokens", "maxTokens", "topP", "top_k", "stopSequences",
                      "stop_sequences", "additional_model_request_fields", "guardrail_config",
                      "performance_config", "region_name"}  # fmt: skip
_GOOGLE = _COMMON | {"max_tokens", "max_output_tokens", "top_k", "candidate_count",
                     "stop_sequences", "safety_settings", "response_mime_type", "seed",
                     "response_schema", "thinking_budget", "presence_penalty",
                     "frequency_penalty"}  # fmt: skip
_MISTRAL = _COMMON | {"max_tokens", "random_seed", "safe_prompt", "response_format",
                      "presence_penalty", "frequency_penalty", "n"}  # fmt: skip
_COHERE = _COMMON | {"max_tokens", "k", "p", "seed", "stop_sequences", "frequency_penalty",
                     "presence_penalty", "safety_mode", "documents"}  # fmt: skip

PARAMETERS = {
    "Anthropic": _ANTHROPIC,
    "OpenAI": _OPENAI,
    "Azure": _OPENAI,
    "AzureOpenAI": _OPENAI,
    "Bedrock": _BEDROCK,
    "Gemini": _GOOGLE,
    "Google": _GOOGLE,
    "VertexAI": _GOOGLE,
    "Mistral": _MISTRAL,
    "Cohere": _COHERE,
}


def _parameters(scope: Scope) -> Iterator[tuple[Address, str, str, frozenset[str]]]:
    """Yield (address, provider, name, known names) of parameters that the provider lacks."""
    for address, fields in scope.of_kind("variations"):
        key = fields.get("modelConfigKey")
        provider = key.split(".")[0] if isinstance(key, str) else ""
        known = PARAMETERS.get(provider)
        model = fields.get("model")
        if known is None or not isinstance(model, dict):
            continue
        for name in model.get("parameters") or ():
            if name not in known:
                yield address, provider, name, known


def _nearest(name: str, known: frozenset[str]) -> str | None:
    plain = {_bare(candidate): candidate for candidate in sorted(known)}
    found = difflib.get_close_matches(_bare(name), plain, n=1, cutoff=0.8)
    return plain[found[0]] if found else None


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def unknown_parameters(scope: Scope) -> Iterator[Finding]:
    """Misspelt parameters: close to one that the provider takes."""
    for address, provider, name, known in _parameters(scope):
        nearest = _nearest(name, known)
        if nearest is not None:
            yield Finding(
                address,
                ("model", "parameters", name),
                f"{provider} takes no parameter `{name}`",
                f"did you mean `{nearest}`?",
            )


def application_parameters(scope: Scope) -> Iterator[Finding]:
    """Parameters like none of the provider's: they belong to the application."""
    for address, provider, name, known in _parameters(scope):
        if _nearest(name, known) is None:
            yield Finding(
                address,
                ("model", "parameters", name),
                f"`{name}` is not a parameter of {provider}: the call would fail or ignore it",
                "settings of your own code belong under `custom`",
            )


def _model_configs(scope: Scope) -> dict[str, Json]:
    if scope.live is None:
        return {}
    return {
        address.key: dict(observed.meta)
        for address, observed in scope.live.observed.items()
        if address.kind == "modelConfigs"
    }


def unknown_models(scope: Scope) -> Iterator[Finding]:
    """Model config keys that neither LaunchDarkly nor the files have (only when online)."""
    known = _model_configs(scope)
    if not known:
        return
    for address, fields in scope.of_kind("variations"):
        key = fields.get("modelConfigKey")
        if not isinstance(key, str) or key in known:
            continue
        if Address.of("modelConfigs", key) in scope.workspace.resources:
            continue
        nearest = difflib.get_close_matches(key, known, n=1)
        yield Finding(
            address,
            ("modelConfigKey",),
            f"LaunchDarkly has no model config `{key}`",
            f"did you mean `{nearest[0]}`?" if nearest else "declare it under `modelConfigs:`",
        )


def restricted_models(scope: Scope) -> Iterator[Finding]:
    """Model configs that the project has restricted (only when online)."""
    known = _model_configs(scope)
    for address, fields in scope.of_kind("variations"):
        key = fields.get("modelConfigKey")
        if isinstance(key, str) and known.get(key, {}).get("restricted"):
            yield Finding(
                address,
                ("modelConfigKey",),
                f"the model config `{key}` is restricted in this project",
                "choose another one, or lift the restriction in LaunchDarkly",
            )


_DOC = """\
aiConfigs:
  greeter:
    name: Greeter
    mode: agent
    variations:
      main:
        name: Main
        modelConfigKey: {key}
        model: {model}
        instructions: Greet the customer.
    targeting:
      test: {{fallthrough: main}}
"""


def _document(model: str, key: str = "OpenAI.gpt-4o-mini") -> str:
    return _DOC.format(model=model, key=key)


RULES = (
    Rule(
        "model-parameter-unknown",
        Severity.WARNING,
        "A parameter that the model's provider does not take",
        "LaunchDarkly passes parameters on without checking them. A misspelt one fails in the "
        "provider's client, or is ignored.",
        unknown_parameters,
        _document("{parameters: {temprature: 0.2}}"),
        _document("{parameters: {temperature: 0.2}}"),
    ),
    Rule(
        "model-parameter-application",
        Severity.WARNING,
        "A setting of the application under `parameters`",
        "`parameters` go to the model; `custom` is for your code. An application setting under "
        "`parameters` breaks agents that forward all parameters, as they should.",
        application_parameters,
        _document("{parameters: {max_search_results: 5}}"),
        _document("{custom: {max_search_results: 5}}"),
    ),
    Rule(
        "model-unknown",
        Severity.ERROR,
        "A model config that does not exist",
        "Global model configs can only be checked against LaunchDarkly, so this runs with `plan`.",
        unknown_models,
        _document("{parameters: {temperature: 0.2}}", "OpenAI.gpt-4o-minni"),
        _document("{parameters: {temperature: 0.2}}"),
        online=True,
    ),
    Rule(
        "model-restricted",
        Severity.WARNING,
        "A model config that the project restricts",
        "Restricted models cannot be chosen in LaunchDarkly any more; a variation that still "
        "names one will fail to save there.",
        restricted_models,
        _document("{parameters: {temperature: 0.2}}", "OpenAI.gpt-4"),
        _document("{parameters: {temperature: 0.2}}"),
        online=True,
    ),
)
