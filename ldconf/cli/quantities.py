"""Shares, numbers and traffic as people type them."""

from __future__ import annotations

import math
import re

from ldconf.core.errors import UsageError

_PER_DAY = {"hour": 24.0, "day": 1.0, "week": 1 / 7, "month": 1 / 30}


def number(flag: str, text: str) -> float:
    """Return `1200`, `1,200.5` or `60%` as a number. Raises UsageError naming the flag."""
    words = text.strip().replace(",", "")
    percent = words.endswith("%")
    try:
        found = float(words.removesuffix("%"))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise UsageError(f"{flag} {text!r} is no number", "for instance 0.6, 60% or 1200")
    return found / 100 if percent else found


def share(flag: str, text: str) -> float:
    """Return `90%`, `0.9` or `90` as 0.9. Raises UsageError outside of 0 to 1."""
    found = number(flag, text)
    if found > 1 and "%" not in text:
        found /= 100
    if not 0 < found < 1:
        raise UsageError(f"{flag} {text!r} does not lie between 0 and 100 %")
    return found


def percent(flag: str, text: str) -> float:
    """Return a relative difference, `10%` or `0.1`, as 0.1. Raises UsageError for 1 and more
    without `%`: nobody can tell 10 from 1000 %."""
    found = number(flag, text)
    if abs(found) >= 1 and "%" not in text:
        raise UsageError(f"{flag} {text!r}: is that {text} %?", f"write {flag} {text}%")
    return found


def per_day(flag: str, text: str) -> float:
    """Return `500/day`, `500` or `20000/month` per day. Raises UsageError."""
    amount, _, time = text.partition("/")
    time = time.strip().removesuffix("s") or "day"
    if time not in _PER_DAY:
        raise UsageError(f"{flag} {text!r}: per {', '.join(_PER_DAY)}, for instance 500/day")
    return number(flag, amount) * _PER_DAY[time]


def split(flag: str, text: str) -> dict[str, float]:
    """Return `50/50` or `80/10/10` as percent per arm, control first. Raises UsageError."""
    parts = [number(flag, part) for part in re.split(r"[/:]", text)]
    if len(parts) < 2 or any(part <= 0 for part in parts) or sum(parts) > 100.0001:
        raise UsageError(f"{flag} {text!r}: percent per arm, control first, for instance 50/50")
    names = ["control", "treatment"]
    if len(parts) > 2:
        names = ["control", *(f"treatment-{at}" for at in range(1, len(parts)))]
    return dict(zip(names, parts, strict=True))
