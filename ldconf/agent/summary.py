"""What traffic was like, per variation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ldconf.agent.traffic import Visit, by_variation


@dataclass(frozen=True)
class VariationSummary:
    """The figures of one variation. Durations are milliseconds, costs US dollars per request."""

    variation: str
    model: str
    requests: int
    users: int
    p50_ms: int
    p95_ms: int
    tokens: float
    cost_usd: float | None
    helpful: float
    thumbs_up: int
    thumbs_down: int


@dataclass(frozen=True)
class Summary:
    """The figures of all variations, and the requests that failed, by error."""

    variations: tuple[VariationSummary, ...]
    failed: dict[str, int]
    simulated: bool
    reasons: tuple[str, ...] = ()  # why the default answered, if it did

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {"formatVersion": 1, **asdict(self)}


def summarise(visits: Sequence[Visit], *, simulated: bool) -> Summary:
    """Return the summary of visits."""
    answers = [visit.answer for visit in visits if visit.answer is not None]
    return Summary(
        tuple(_of(name, group, simulated) for name, group in by_variation(list(visits))),
        dict(sorted(Counter(visit.error for visit in visits if visit.error).items())),
        simulated,
        tuple(sorted({answer.reason for answer in answers if answer.reason})),
    )


def _of(variation: str, visits: Sequence[Visit], simulated: bool) -> VariationSummary:
    answers = [visit.answer for visit in visits if visit.answer is not None]
    durations = sorted(answer.result.duration_ms for answer in answers)
    costs = [answer.cost_usd for answer in answers if answer.cost_usd is not None]
    models = sorted({answer.model.name for answer in answers if answer.model is not None})
    return VariationSummary(
        variation=variation,
        model=", ".join(f"simulated {name}" if simulated else name for name in models),
        requests=len(visits),
        users=len({visit.user.key for visit in visits}),
        p50_ms=_percentile(durations, 50),
        p95_ms=_percentile(durations, 95),
        tokens=round(math.fsum(a.result.tokens.total for a in answers) / len(answers), 1),
        cost_usd=round(math.fsum(costs) / len(costs), 8) if costs else None,
        helpful=round(sum(visit.helpful for visit in visits) / len(visits), 4),
        thumbs_up=sum(visit.liked is True for visit in visits),
        thumbs_down=sum(visit.liked is False for visit in visits),
    )


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
