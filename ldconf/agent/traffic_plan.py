"""How much simulated traffic is wanted; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrafficPlan:
    """How much traffic. `duration_s` spreads it over a time; else it goes as fast as it can."""

    users: int = 500
    requests: int = 2000
    concurrency: int = 8
    seed: int = 7
    duration_s: float | None = None
