"""What `ldconf experiment size` answers: units, days, what declared numbers find, luck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ldconf.core.analysis import Caution


@dataclass(frozen=True)
class Detects:
    """What a number of units per arm finds: a relative `effect` (signed; None: nothing that is
    possible), in `days` (None: no traffic was told)."""

    name: str
    per_arm: int
    effect: float | None
    days: float | None


@dataclass(frozen=True)
class Chances:
    """How often the rule decided what, in simulated experiments of one kind. `effect` is the true
    relative difference, `shipped` the share of runs that shipped a treatment and `error` its
    standard error, `verdicts` the share of each verdict. The smallest arm had `per_arm` units."""

    scenario: str
    effect: float
    runs: int
    per_arm: int
    shipped: float
    error: float
    verdicts: Mapping[str, float]


@dataclass(frozen=True)
class SizeReport:
    """The answer. `experiment` and `metric` are None if only figures were given. `effect` is
    relative and signed. `per_arm` is what the smallest arm needs."""

    experiment: str | None
    metric: str | None
    unit: str
    baseline: float
    baseline_from: str
    is_rate: bool
    sd: float | None
    effect: float | None
    threshold: float
    power: float
    per_arm: int | None
    total: int | None
    arms: Mapping[str, int]
    days: float | None
    daily_units: float | None
    detects: tuple[Detects, ...] = ()
    looks: int = 1
    simulated: tuple[Chances, ...] = ()
    warnings: tuple[Caution, ...] = ()
    notes: tuple[str, ...] = ()
