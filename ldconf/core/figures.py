"""Figures in words: short, and the same width for the same size."""

from __future__ import annotations

from datetime import UTC, datetime

NOTHING = "-"


def count(value: float | None) -> str:
    """Return a whole number with separators: `12,345`."""
    return NOTHING if value is None else f"{value:,.0f}"


def duration(ms: float | None) -> str:
    """Return milliseconds as `843 ms` or `2.31 s`."""
    if ms is None:
        return NOTHING
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.2f} s"


def share(part: float | None) -> str:
    """Return a share of one as `12.5 %`."""
    return NOTHING if part is None else f"{part * 100:.1f}".removesuffix(".0") + " %"


def dollars(value: float | None) -> str:
    """Return US dollars with as many decimals as small amounts need."""
    if value is None:
        return NOTHING
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def iso(ms: int) -> str:
    """Return epoch milliseconds for machines: `2026-11-24T09:30:05Z`."""
    return _moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(ms: int) -> str:
    """Return epoch milliseconds for people: `24 Nov 09:30:05 UTC`."""
    return _moment(ms).strftime("%d %b %H:%M:%S UTC")


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
