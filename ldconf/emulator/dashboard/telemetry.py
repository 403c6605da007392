"""What SDKs do, as the page shows it. The event store and the SDK endpoints provide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Usage:
    """Use of one version of a variation in one environment. Figures that nobody sent are None;
    shares are of one."""

    environment: str
    ai_config: str
    variation: str | None  # None: the application's own default answered
    version: int | None
    requests: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    first_token_ms: float | None = None
    error_rate: float | None = None
    satisfaction: float | None = None
    cost: float | None = None
    commit: str | None = None  # of the files that the version was written from


@dataclass(frozen=True)
class Connection:
    """An SDK that holds a stream open, or polled a moment ago."""

    environment: str
    sdk: str
    protocol: str
    since_ms: int


@dataclass(frozen=True)
class Event:
    """An event that an SDK sent."""

    at_ms: int
    environment: str
    kind: str
    key: str
    context: str = ""
    about: str = ""
    value: str = ""


@dataclass(frozen=True)
class Exposed:
    """Which exposures are meant: those of an iteration. `rule` None is the fallthrough, `until_ms`
    None is now."""

    environment: str
    ai_config: str
    rule: str | None
    unit: str
    since_ms: int
    until_ms: int | None = None


class Telemetry(Protocol):
    """Where the page gets traffic from."""

    def usage(self, project: str) -> Sequence[Usage]:
        """Return the use of every variation in the last 24 hours."""

    def connections(self, project: str) -> Sequence[Connection]:
        """Return the SDKs that are connected now."""

    def exposures(self, project: str, exposed: Exposed) -> Mapping[str, int]:
        """Return how many units were exposed to each variation of an experiment."""

    def events(self, project: str, limit: int) -> Sequence[Event]:
        """Return the newest events first."""
