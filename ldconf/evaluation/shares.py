"""Many contexts at once: who gets which variation, and who would get another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ldconf.compile import Source
from ldconf.core.evaluation import Distribution
from ldconf.core.resource import Json
from ldconf.evaluation.sdk import evaluator

Contexts = Sequence[Mapping[str, Json]]


@dataclass(frozen=True)
class Switch:
    """How many of the sample contexts move from one variation to another."""

    ai_config: str
    environment: str
    before: str
    after: str
    count: int
    total: int


def distribution(
    source: Source, ai_config: str, environment: str, contexts: Contexts
) -> Distribution:
    """Return how many contexts get each variation, the most frequent first."""
    with evaluator(source, environment) as found:
        counts = Counter(found.variation(ai_config, context) for context in contexts)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Distribution(ai_config, environment, dict(ordered))


def switches(
    before: Source, after: Source, places: Iterable[tuple[str, str]], contexts: Contexts
) -> tuple[Switch, ...]:
    """Return who would switch at these (AI Config, environment), the largest group first.

    An AI Config that is in neither or only in `after` serves `disabled` before.
    """
    found: list[Switch] = []
    by_environment: dict[str, list[str]] = {}
    for ai_config, environment in places:
        by_environment.setdefault(environment, []).append(ai_config)
    for environment, ai_configs in sorted(by_environment.items()):
        old = _variations(before, environment, ai_configs, contexts)
        new = _variations(after, environment, ai_configs, contexts)
        for ai_config in ai_configs:
            moves = Counter(zip(old[ai_config], new[ai_config], strict=True))
            found += [
                Switch(ai_config, environment, was, becomes, count, len(contexts))
                for (was, becomes), count in sorted(moves.items(), key=lambda one: (-one[1], one))
                if was != becomes
            ]
    return tuple(found)


def _variations(
    source: Source, environment: str, ai_configs: Sequence[str], contexts: Contexts
) -> dict[str, list[str]]:
    with evaluator(source, environment) as found:
        return {
            key: [found.variation(key, context) for context in contexts]
            if key in source.ai_configs
            else ["disabled"] * len(contexts)
            for key in ai_configs
        }
