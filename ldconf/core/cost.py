"""What answers cost, before and after a plan. Facts beside the plan: never in its digest."""

from __future__ import annotations

from dataclasses import dataclass

REQUESTS = 1_000


@dataclass(frozen=True)
class Tokens:
    """A typical request. `source` says where the figures are from, for people."""

    input: float
    output: float
    source: str
    is_measured: bool = True


ASSUMED = Tokens(1_500, 400, "assumed", is_measured=False)


@dataclass(frozen=True)
class CostSide:
    """What serves, in words, and its US dollars per 1,000 requests; None: a price is not known."""

    model: str
    per_thousand: float | None


@dataclass(frozen=True)
class CostChange:
    """The cost before (None: nothing served before) and after. `percent` is the increase."""

    before: CostSide | None
    after: CostSide
    percent: float | None
    tokens: Tokens


def change(before: CostSide | None, after: CostSide, tokens: Tokens) -> CostChange:
    """Return the cost change of two sides."""
    was = before.per_thousand if before else None
    becomes = after.per_thousand
    percent = round((becomes / was - 1) * 100, 1) if was and becomes is not None else None
    return CostChange(before, after, percent, tokens)
