"""What was counted in one iteration of an experiment: sufficient statistics per arm and metric.

Events and exposures become these; estimators see nothing else. So a local event store, exported
files, a warehouse and figures typed by hand all lead to the same analysis. Times are milliseconds
since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Denominator:
    """Per unit, the events that divide the total of a ratio metric: their sums over units."""

    total: float
    squares: float
    cross: float  # sum over units of value x denominator


@dataclass(frozen=True)
class OrderSlice:
    """Order statistics of the units' values near the wanted percentile: (rank from 1, value)."""

    ranks: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class ClusterPoint:
    """One candidate value of a percentile over events. `below` is the sum over units of the number
    of its events at or below `value`; `below_squares` of its square; `cross` of below x events."""

    value: float
    below: float
    below_squares: float
    cross: float


@dataclass(frozen=True)
class ClusterSlice:
    """Percentile over events that come in clusters (units): sums of events per unit, and points
    near the wanted percentile, by rising value."""

    events: float
    events_squares: float
    points: tuple[ClusterPoint, ...]


@dataclass(frozen=True)
class UnitStatistics:
    """One metric in one arm. `units` have a value (those without events count if the metric gives
    them one); `total` and `squares` are sums over units of the value and of its square. `events`
    and `event_total` are of the raw events."""

    units: int
    total: float
    squares: float
    events: int = 0
    event_total: float = 0.0
    denominator: Denominator | None = None
    order: OrderSlice | None = None
    cluster: ClusterSlice | None = None


@dataclass(frozen=True)
class ArmCounts:
    """One arm: units whose first exposure in the iteration was to this variation. Units that met
    several variations stay with their first one and are counted in `crossover` as well."""

    exposed: int
    metrics: Mapping[str, UnitStatistics] = field(default_factory=dict)
    crossover: int = 0
    versions: Mapping[int, int] = field(default_factory=dict)  # AI version -> first exposure


@dataclass(frozen=True)
class Slice:
    """The arms again, of units whose attribute has one value."""

    attribute: str
    value: str
    arms: Mapping[str, ArmCounts]


@dataclass(frozen=True)
class Aggregates:
    """Everything that an analysis may know. `seen` is each metric's newest event of any unit
    (None: never). `wrong_unit` counts exposures that lacked the randomization unit, and
    `events_without_unit` metric events that did. `unexpected` counts exposed units by variations
    that are no arm. `source` says in words where from; `notes` what it could not tell."""

    arms: Mapping[str, ArmCounts]
    as_of: int
    source: str
    started: int | None = None
    first_exposure: int | None = None
    last_event: int | None = None
    seen: Mapping[str, int | None] = field(default_factory=dict)
    wrong_unit: int = 0
    events_without_unit: int = 0
    unexpected: Mapping[str, int] = field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exposed(self) -> int:
        """Units in all arms."""
        return sum(arm.exposed for arm in self.arms.values())
