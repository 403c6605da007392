"""What SDKs do, as the page shows it. The event store and the SDK endpoints provide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ldconf.core.usage import Use


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

    def usage(self, project: str) -> Sequence[Use]:
        """Return the use of every variation in the last 24 hours."""

    def connections(self, project: str) -> Sequence[Connection]:
        """Return the SDKs that are connected now."""

    def exposures(self, project: str, exposed: Exposed) -> Mapping[str, int]:
        """Return how many units were exposed to each variation of an experiment."""

    def events(self, project: str, limit: int) -> Sequence[Event]:
        """Return the newest events first."""
