"""How variations are used: what monitoring tells of a window of time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """Use of one variation in one environment; `version` None sums over its versions.

    `variation` None: the application's own default answered. Figures that nobody sent are None,
    rates are shares of one, times are milliseconds, cost is in US dollars. `commit` is that of the
    files which the version was written from, None if its comment does not tell.
    """

    environment: str
    ai_config: str
    variation: str | None
    version: int | None
    requests: int
    input_tokens: int = 0
    output_tokens: int = 0
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    first_token_ms: float | None = None
    error_rate: float | None = None
    satisfaction: float | None = None
    cost: float | None = None
    commit: str | None = None


@dataclass(frozen=True)
class Monitoring:
    """Use in a window, epoch ms. `has_percentiles` is false where only means are known."""

    project: str
    start_ms: int
    end_ms: int
    uses: tuple[Use, ...]
    has_percentiles: bool = True
