"""How the values of a metric are written: with their unit, and no more digits than they have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ldconf.core import figures
from ldconf.core.analysis import Difference, Interval, MetricResult

NOTHING = figures.NOTHING
DOLLARS = ("$", "USD", "usd")


@dataclass(frozen=True)
class Scale:
    """How the values of one metric are written: times `factor`, with a sign before or after."""

    factor: float = 1.0
    decimals: int = 0
    before: str = ""
    after: str = ""

    def value(self, found: float | None) -> str:
        """Return `2.31 s`, `$0.0042` or `60.10 %`."""
        return NOTHING if found is None else self._signed(found, "-" if found < 0 else "")

    def change(self, found: float | None) -> str:
        """Return a value with its sign, also of positive ones."""
        return NOTHING if found is None else self._signed(found, "-" if found < 0 else "+")

    def ends(self, found: Interval | None) -> str:
        """Return `[2.10, 2.54]`."""
        if found is None:
            return NOTHING
        return f"[{self._number(found.lower)}, {self._number(found.upper)}]"

    def _signed(self, found: float, sign: str) -> str:
        number = self._number(abs(found))
        sign = sign if number.strip("0.") else ""
        return f"{sign}{self.before}{number}{self.after}"

    def _number(self, found: float) -> str:
        text = f"{found * self.factor:,.{self.decimals}f}"
        return text.lstrip("-") if not text.strip("-0.,") else text  # no -0.00


PERCENT = Scale(100, 2, after=" %")


def tick(scale: Scale, found: float) -> str:
    """Return a round number of an axis, without needless zeros."""
    number = f"{found * scale.factor:,.{scale.decimals}f}"
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{scale.before}{'0' if number in ('-0', '') else number}{scale.after}"


def scale_of(metric: MetricResult) -> Scale:
    """Return how a metric's means, intervals and losses are written, by its unit and size."""
    if metric.kind == "rate":
        return PERCENT
    means = [abs(arm.mean) for arm in metric.arms if arm.mean and math.isfinite(arm.mean)]
    in_seconds = metric.unit == "ms" and max(means, default=0.0) >= 1000
    factor = 0.001 if in_seconds else 1.0
    decimals = _decimals([mean * factor for mean in means])
    if metric.unit in DOLLARS:
        return Scale(factor, max(decimals, 2), before="$")
    unit = "s" if in_seconds else metric.unit
    return Scale(factor, decimals, after=f" {unit}" if unit else "")


def _decimals(means: Sequence[float]) -> int:
    """Return the decimals that show three digits of the largest, and two of a smaller one."""
    if not means:
        return 0
    largest, smallest = (2 - math.floor(math.log10(size)) for size in (max(means), min(means)))
    return min(max(largest, min(smallest - 1, largest + 1), 0), 10)


def probability(found: float | None) -> str:
    """Return a probability as percent; never `100 %` or `0 %` for what is not certain."""
    if found is None:
        return NOTHING
    if 0 < found < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 < found < 1 else figures.share(found)


def difference(found: Difference | None, scale: Scale) -> tuple[str, str]:
    """Return a difference to control and its interval."""
    if found is None:
        return NOTHING, NOTHING
    written = Scale(100, 1, after=" %") if found.relative else scale
    return written.change(found.mean), written.ends(found.interval)
