"""Figures as they stand in the sentences of an analysis."""

from __future__ import annotations

from collections.abc import Iterable

from ldconf.core import figures


def percent(share: float) -> str:
    """Return a probability or share; never 100 % or 0 % of what is not certain."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 < share < 1:
        return ">99.9 %"
    return figures.share(share)


def units(number: float, unit: str) -> str:
    """Return `1 user` or `1,200 users`."""
    return f"{figures.count(number)} {unit}{'' if number == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Return `a`, `a and b` or `a, b and c`."""
    found = list(names)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"
