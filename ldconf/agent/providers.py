"""Providers by the name that an AI Config gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ldconf.agent.extras import require_key
from ldconf.agent.task import ModelSettings
from ldconf.core.errors import LdconfError


@dataclass(frozen=True)
class Provider:
    """How to reach a provider: LangChain's name for it, the variable with its key, our extra."""

    name: str
    langchain: str
    key_variable: str | None  # None: the provider's library looks for credentials by itself
    extra: str


_PROVIDERS = (
    Provider("Anthropic", "anthropic", "ANTHROPIC_API_KEY", "anthropic"),
    Provider("OpenAI", "openai", "OPENAI_API_KEY", "openai"),
    Provider("Bedrock", "bedrock_converse", None, "bedrock"),
    Provider("Gemini", "google_genai", "GOOGLE_API_KEY", "gemini"),
    Provider("Mistral", "mistralai", "MISTRAL_API_KEY", "mistral"),
    Provider("Groq", "groq", "GROQ_API_KEY", "groq"),
    Provider("Ollama", "ollama", None, "ollama"),
)
_BY_NAME: Mapping[str, Provider] = {one.name.lower(): one for one in _PROVIDERS}


def provider_of(model: ModelSettings, env: Mapping[str, str]) -> Provider:
    """Return the provider of a model, once its key is there.

    `Bedrock:Anthropic` is Bedrock: what follows the colon says only whose model it is. Raises
    LdconfError for a provider that nobody told us about, and SettingsError for a missing key.
    """
    found = _BY_NAME.get(model.provider.partition(":")[0].strip().lower())
    if found is None:
        raise LdconfError(
            f"no way to reach the provider {model.provider!r} of the model {model.name}",
            hint=f"known: {', '.join(one.name for one in _PROVIDERS)}; any other needs an "
            "OpenAI-compatible endpoint (--models endpoint), or use --models simulated",
        )
    if found.key_variable is not None:
        require_key(found.name, found.key_variable, env)
    return found
