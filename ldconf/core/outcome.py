"""What became of a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ldconf.core.address import Address
from ldconf.core.change import Change


@dataclass(frozen=True)
class Applied:
    """Sent, read back, and every managed field found as sent."""

    change: Change
    requests: int = 1


@dataclass(frozen=True)
class Failed:
    """Not (wholly) done; `reason` says why in words, with method, path and status."""

    change: Change
    reason: str
    hint: str | None = None


@dataclass(frozen=True)
class Skipped:
    """Not tried, because `blocked_by` failed, was refused or awaits approval."""

    change: Change
    blocked_by: Address | None
    reason: str


@dataclass(frozen=True)
class Awaiting:
    """An approval request holds the change; `request_id` names it."""

    change: Change
    request_id: str
    reused: bool = False


Outcome: TypeAlias = Applied | Failed | Skipped | Awaiting
