"""Salts and seeds, made from keys: the same in every process, so nobody changes arms by chance."""

from __future__ import annotations

from ldconf.core.resource import sha256

SEED_BITS = 31  # seeds are integers in all models of the API


def salt(project: str, environment: str, kind: str, key: str) -> str:
    """Return the bucketing salt of a flag or segment."""
    return sha256("/".join(("salt", project, environment, kind, key)))[:32]


def seed(project: str, environment: str, experiment: str, iteration: int) -> int:
    """Return the seed of an iteration; another iteration shuffles everybody anew."""
    text = "/".join(("seed", project, environment, experiment, str(iteration)))
    return int(sha256(text)[:16], 16) % (1 << SEED_BITS)


def rule_id(project: str, environment: str, ai_config: str, name: str) -> str:
    """Return the id of a rule that is known by its description only, in the form of a UUID."""
    digits = sha256("/".join(("rule", project, environment, ai_config, name)))
    parts = (digits[:8], digits[8:12], "5" + digits[13:16], "8" + digits[17:20], digits[20:32])
    return "-".join(parts)
