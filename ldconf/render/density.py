"""A density as a few characters, on an axis that the arms of a metric share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ldconf.core.analysis import MetricResult

BLOCKS = " ▁▂▃▄▅▆▇█"
Density = Sequence[tuple[float, float]]


def axis(metric: MetricResult) -> tuple[float, float] | None:
    """Return where the densities of a metric's arms begin and end; None without any."""
    values = [value for arm in metric.arms for value, _ in arm.density]
    if not values or min(values) == max(values):
        return None
    return min(values), max(values)


def sparkline(density: Density, ends: tuple[float, float] | None, width: int) -> str:
    """Return the density as `width` block characters; spaces where there is none."""
    if not density or ends is None:
        return " " * width
    start, step = ends[0], (ends[1] - ends[0]) / width
    heights = [at(density, start + (cell + 0.5) * step) for cell in range(width)]
    top = max(heights)
    if top <= 0:  # all of it between two cells
        value = max(density, key=lambda point: point[1])[0]
        cell = min(int((value - start) / step), width - 1)
        return " " * cell + BLOCKS[-1] + " " * (width - cell - 1)
    last = len(BLOCKS) - 1
    return "".join(BLOCKS[min(round(height / top * last), last)] for height in heights)


def at(density: Density, value: float) -> float:
    """Return the density at a value, between its points by a straight line; 0 outside."""
    if not density[0][0] <= value <= density[-1][0]:
        return 0.0
    for (left, low), (right, high) in pairwise(density):
        if left <= value <= right:
            part = (value - left) / (right - left) if right > left else 0.0
            return low + (high - low) * part
    return density[-1][1]
