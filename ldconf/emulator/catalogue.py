"""The global model configs of the local LaunchDarkly, with example prices (reference 6).

LaunchDarkly keeps such a catalogue; this one is an example of it. Prices are the providers' list
prices as known in `PRICES_AS_OF`, rounded, in USD per million tokens (the API speaks of USD per
token): good enough to see how plans show costs, not for a bill. Each entry says so in its tags.
"""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json

PRICES_AS_OF = "2025-10"
_MILLION = 1_000_000

# provider, model id, name, USD per million tokens: input, output, cached input (None: not known)
_ROWS: tuple[tuple[str, str, str, float, float, float | None], ...] = (
    ("Anthropic", "claude-opus-4-1", "Claude Opus 4.1", 15, 75, 1.5),
    ("Anthropic", "claude-opus-4", "Claude Opus 4", 15, 75, 1.5),
    ("Anthropic", "claude-sonnet-4-5", "Claude Sonnet 4.5", 3, 15, 0.3),
    ("Anthropic", "claude-sonnet-4", "Claude Sonnet 4", 3, 15, 0.3),
    ("Anthropic", "claude-haiku-4-5", "Claude Haiku 4.5", 1, 5, 0.1),
    ("Anthropic", "claude-3-7-sonnet-latest", "Claude Sonnet 3.7", 3, 15, 0.3),
    ("Anthropic", "claude-3-5-haiku-latest", "Claude Haiku 3.5", 0.8, 4, 0.08),
    ("Bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5", 3, 15, 0.3),
    ("Bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0", "Claude Haiku 4.5", 1, 5, 0.1),
    ("Bedrock", "anthropic.claude-3-5-haiku-20241022-v1:0", "Claude Haiku 3.5", 0.8, 4, 0.08),
    ("Bedrock", "amazon.nova-premier-v1:0", "Nova Premier", 2.5, 12.5, None),
    ("Bedrock", "amazon.nova-pro-v1:0", "Nova Pro", 0.8, 3.2, 0.2),
    ("Bedrock", "amazon.nova-lite-v1:0", "Nova Lite", 0.06, 0.24, 0.015),
    ("Bedrock", "amazon.nova-micro-v1:0", "Nova Micro", 0.035, 0.14, 0.00875),
    ("Bedrock", "meta.llama3-3-70b-instruct-v1:0", "Llama 3.3 70B Instruct", 0.72, 0.72, None),
    ("OpenAI", "gpt-5", "GPT-5", 1.25, 10, 0.125),
    ("OpenAI", "gpt-5-mini", "GPT-5 mini", 0.25, 2, 0.025),
    ("OpenAI", "gpt-5-nano", "GPT-5 nano", 0.05, 0.4, 0.005),
    ("OpenAI", "gpt-4.1", "GPT-4.1", 2, 8, 0.5),
    ("OpenAI", "gpt-4.1-mini", "GPT-4.1 mini", 0.4, 1.6, 0.1),
    ("OpenAI", "gpt-4.1-nano", "GPT-4.1 nano", 0.1, 0.4, 0.025),
    ("OpenAI", "gpt-4o", "GPT-4o", 2.5, 10, 1.25),
    ("OpenAI", "gpt-4o-mini", "GPT-4o mini", 0.15, 0.6, 0.075),
    ("OpenAI", "o3", "o3", 2, 8, 0.5),
    ("OpenAI", "o4-mini", "o4-mini", 1.1, 4.4, 0.275),
    ("Azure", "gpt-4o", "GPT-4o", 2.5, 10, 1.25),
    ("Azure", "gpt-4o-mini", "GPT-4o mini", 0.15, 0.6, 0.075),
    ("Azure", "gpt-4.1", "GPT-4.1", 2, 8, 0.5),
    ("Gemini", "gemini-2.5-pro", "Gemini 2.5 Pro", 1.25, 10, 0.125),
    ("Gemini", "gemini-2.5-flash", "Gemini 2.5 Flash", 0.3, 2.5, 0.03),
    ("Gemini", "gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", 0.1, 0.4, 0.01),
    ("Gemini", "gemini-2.0-flash", "Gemini 2.0 Flash", 0.1, 0.4, 0.025),
    ("Vertex", "gemini-2.5-pro", "Gemini 2.5 Pro", 1.25, 10, 0.125),
    ("Vertex", "gemini-2.5-flash", "Gemini 2.5 Flash", 0.3, 2.5, 0.03),
    ("Mistral", "mistral-large-latest", "Mistral Large", 2, 6, None),
    ("Mistral", "mistral-medium-latest", "Mistral Medium", 0.4, 2, None),
    ("Mistral", "mistral-small-latest", "Mistral Small", 0.1, 0.3, None),
    ("Mistral", "codestral-latest", "Codestral", 0.3, 0.9, None),
    ("Cohere", "command-a-03-2025", "Command A", 2.5, 10, None),
    ("Cohere", "command-r-plus-08-2024", "Command R+", 2.5, 10, None),
    ("Cohere", "command-r-08-2024", "Command R", 0.15, 0.6, None),
    ("Cohere", "command-r7b-12-2024", "Command R7B", 0.0375, 0.15, None),
    ("DeepSeek", "deepseek-chat", "DeepSeek V3", 0.28, 0.42, 0.028),
    ("DeepSeek", "deepseek-reasoner", "DeepSeek R1", 0.28, 0.42, 0.028),
    ("Groq", "llama-3.3-70b-versatile", "Llama 3.3 70B", 0.59, 0.79, None),
    ("xAI", "grok-4", "Grok 4", 3, 15, 0.75),
)


def _entry(row: tuple[str, str, str, float, float, float | None]) -> dict[str, Json]:
    provider, model_id, name, cost_input, cost_output, cost_cached = row
    entry: dict[str, Json] = {
        "key": f"{provider}.{model_id}",
        "id": model_id,
        "name": name,
        "provider": provider,
        "icon": provider.lower(),
        "global": True,
        "params": {},
        "customParams": {},
        "tags": ["example-price", f"price-of-{PRICES_AS_OF}"],
        "version": 1,
        "costPerInputToken": _per_token(cost_input),
        "costPerOutputToken": _per_token(cost_output),
    }
    if cost_cached is not None:
        entry["costPerCachedInputToken"] = _per_token(cost_cached)
    return entry


def _per_token(per_million: float) -> float:
    return float(f"{per_million / _MILLION:.6g}")


CATALOGUE: Mapping[str, Mapping[str, Json]] = {entry["key"]: entry for entry in map(_entry, _ROWS)}
