"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from ldconf.core.errors import UsageError
from ldconf.workflow.monitor import seconds


def moment(text: str, now_ms: int) -> int:
    """Return `2026-11-24`, `2026-11-24T09:30Z` or `2d` (ago) as epoch ms; UTC unless it says so.

    Raises UsageError for anything else.
    """
    words = text.strip().removesuffix("ago").strip()
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        try:
            return now_ms - seconds(words) * 1000
        except UsageError:
            raise UsageError(
                f"{text!r} is no time", "for instance 2026-11-24, 2026-11-24T09:30Z, or 2d (ago)"
            ) from None
    at = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)
