"""The known truth about simulated models: quality, latency, tokens and errors by model name.

None of these figures is a measurement of the model whose name it carries. They are chosen so that
experiments on the simulated model have a known right answer; docs/agent.md shows the table.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from ldconf.agent.task import ModelSettings

CUSTOM = "simulated"  # `model.custom.simulated` overrides single figures of the table
SPREAD = 0.25  # sigma of the log-normal factor (mean 1) on every latency


@dataclass(frozen=True)
class Truth:
    """How a simulated model behaves.

    `quality`: share of answers that are complete. `first_token_ms`: mean time of one model call
    until its first token, without 0.02 ms per input token. `token_ms`: mean time per output token.
    `tokens`: tokens per four characters. `error_rate`: share of runs that fail.
    """

    quality: float
    first_token_ms: float
    token_ms: float
    tokens: float = 1.0
    error_rate: float = 0.0

    def call_ms(self, input_tokens: int, output_tokens: int) -> tuple[float, float]:
        """Return the mean time of one call until its first token, and until its last."""
        first = self.first_token_ms + 0.02 * input_tokens
        return first, first + self.token_ms * output_tokens


MODELS: Mapping[str, Truth] = {
    "claude-opus-4-1": Truth(0.84, 620, 17.0, 1.10),
    "claude-sonnet-4-5": Truth(0.80, 380, 9.0, 1.10),
    "claude-haiku-4-5": Truth(0.70, 210, 4.5, 1.10),
    "gpt-5": Truth(0.82, 540, 11.0),
    "gpt-5-mini": Truth(0.72, 320, 6.0),
    "gpt-4o": Truth(0.74, 300, 8.0),
    "gpt-4o-mini": Truth(0.62, 190, 5.0),
    "gemini-2.5-flash": Truth(0.68, 200, 3.5, 0.95),
    "llama-3.3-70b-versatile": Truth(0.60, 120, 2.5, 1.05),
}

# What a prompt adds to quality: each of these, if it is there.
PROMPT_BONUS = 0.04
PROMPT_PARTS: Mapping[str, re.Pattern[str]] = {
    "numbered steps": re.compile(r"(?m)^\s*1\. .*(?:\n|.)*^\s*2\. "),
    "three or more rules": re.compile(r"(?m)(?:^\s*- .*\n(?:\s*\n)?){2,}^\s*- "),
    "a length for the answer": re.compile(r"at most \d+ words"),
}
HOT = 1.0  # a temperature above this costs 0.2 quality per degree


def truth(model: ModelSettings, instructions: str) -> Truth:
    """Return how the simulated model behaves with this prompt; documented in docs/agent.md."""
    known = replace(_by_name(model.name), **_overrides(model.custom))
    quality = known.quality
    if CUSTOM not in model.custom or "quality" not in model.custom[CUSTOM]:
        quality += PROMPT_BONUS * _good_parts(instructions)
        quality -= 0.2 * max(0.0, float(model.parameters.get("temperature", 0)) - HOT)
    return replace(known, quality=round(min(1.0, max(0.0, quality)), 4))


@lru_cache(maxsize=256)  # each call of a run has the same prompt
def _good_parts(instructions: str) -> int:
    return sum(1 for part in PROMPT_PARTS.values() if part.search(instructions))


def _by_name(name: str) -> Truth:
    """Return the table's figures; of the longest entry in `name` (Bedrock's ids hold more than the
    name); else figures that follow from a hash of the name."""
    for known in sorted(MODELS, key=len, reverse=True):
        if known in name:
            return MODELS[known]
    digest = hashlib.sha256(name.encode()).digest()
    return Truth(
        quality=0.55 + 0.25 * digest[0] / 255,
        first_token_ms=150 + 400 * digest[1] / 255,
        token_ms=2.5 + 12 * digest[2] / 255,
        tokens=0.9 + 0.2 * digest[3] / 255,
    )


def _overrides(custom: Mapping[str, Any]) -> dict[str, float]:
    given = custom.get(CUSTOM, {})
    unknown = set(given) - set(asdict(MODELS["gpt-4o"]))
    if unknown:
        raise ValueError(f"model.custom.{CUSTOM} knows no {', '.join(sorted(unknown))}")
    return {name: float(value) for name, value in given.items()}
