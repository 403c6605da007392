"""Charts as inline SVG: densities side by side, and lines over time. Colours come from CSS."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ldconf.render.escape import visible_line

WIDTH = 460
_LEFT, _RIGHT, _TOP = 8, 8, 10
_AXIS = 22  # below the drawing, for the numbers
_WHISKER = 13  # height of an interval's line
_LEAST_PEAK = 0.3  # of the highest: a flat curve stays visible beside a narrow one
COLOURS = 6  # classes c0 to c5


@dataclass(frozen=True)
class Curve:
    """A density, its mean and the interval below it. `name` is shown on hovering."""

    name: str
    points: Sequence[tuple[float, float]]
    mean: float | None
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Line:
    """Values over time; None leaves a gap."""

    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True)
class Mark:
    """A horizontal line at a value that matters."""

    name: str
    value: float
    at_start: bool = False  # its name above its start; else below its end


def escaped(text: str) -> str:
    """Return text for HTML and SVG, also inside of attributes."""
    return html.escape(visible_line(text))


def densities(title: str, curves: Sequence[Curve], written: Callable[[float], str]) -> str:
    """Return curves on one axis, with their intervals below; empty without any density."""
    values = [value for curve in curves for value, _ in curve.points]
    if not values or min(values) == max(values):
        return ""
    low, high = min(values), max(values)
    height = 130
    floor = _TOP + height
    bottom = floor + _WHISKER * len(curves) + 6

    def x(value: float) -> float:
        inner = WIDTH - _LEFT - _RIGHT
        return _LEFT + (min(max(value, low), high) - low) / (high - low) * inner

    top = max(density for curve in curves for _, density in curve.points)
    parts = [_ticks(low, high, x, bottom, written)]
    for at, curve in enumerate(curves):
        if not curve.points or top <= 0:
            continue
        peak = max(density for _, density in curve.points)
        scale = height * max(peak / top, _LEAST_PEAK) / peak if peak else 0.0
        dots = " ".join(f"{x(v):.1f},{floor - d * scale:.1f}" for v, d in curve.points)
        first, last = x(curve.points[0][0]), x(curve.points[-1][0])
        name = f"<title>{escaped(curve.name)}</title>"
        parts.append(
            f'<g class="c{at % COLOURS}">{name}<polygon class="area" '
            f'points="{first:.1f},{floor} {dots} {last:.1f},{floor}"/>'
            f'<polyline class="line" points="{dots}"/></g>'
        )
    parts += [_whisker(at, curve, x, floor) for at, curve in enumerate(curves)]
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>'
    )
    return _svg(title, bottom + _AXIS, parts)


def _whisker(at: int, curve: Curve, x: Callable[[float], float], floor: float) -> str:
    if curve.ends is None:
        return ""
    y = floor + _WHISKER * (at + 0.75)
    left, right = map(x, curve.ends)
    dot = "" if curve.mean is None else f'<circle cx="{x(curve.mean):.1f}" cy="{y:.1f}" r="3.5"/>'
    return (
        f'<g class="c{at % COLOURS}"><title>{escaped(curve.name)}</title>'
        f'<line class="whisker" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f"{dot}</g>"
    )


def over_time(
    title: str,
    lines: Sequence[Line],
    marks: Sequence[Mark],
    top: float | None,
    written: tuple[Callable[[float], str], Callable[[float], str]],
) -> str:
    """Return lines over time from 0 to `top` (None: their highest). `written` writes times and
    values. Empty with less than two times."""
    times = sorted({time for line in lines for time, _ in line.points})
    values = [value for line in lines for _, value in line.points if value is not None]
    if len(times) < 2 or not values:
        return ""
    most = top or max(max(values), *(mark.value for mark in marks), 1e-12) * 1.06
    left, height = 44, 120
    floor = _TOP + height

    def x(time: float) -> float:
        return left + (time - times[0]) / (times[-1] - times[0]) * (WIDTH - left - _RIGHT - 6)

    def y(value: float) -> float:
        return floor - value / most * height

    parts = [
        f'<line class="rule" x1="{left}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" '
        f'y2="{y(value):.1f}"/><text x="{left - 6}" y="{y(value) + 4:.1f}" '
        f'text-anchor="end">{escaped(written[1](value))}</text>'
        for value in nice(0, most, 4)
    ]
    parts.append(_ticks(times[0], times[-1], x, floor, written[0]))
    parts += [_mark(mark, left, y(mark.value)) for mark in marks]
    for at, line in enumerate(lines):
        parts += _pieces(at, line, x, y, written)
    return _svg(title, floor + _AXIS, parts)


def _mark(mark: Mark, left: float, y: float) -> str:
    end = WIDTH - _RIGHT
    place = f'x="{left + 4}" y="{y - 4:.1f}"'
    if not mark.at_start:
        place = f'x="{end}" y="{y + 12:.1f}" text-anchor="end"'
    return (
        f'<line class="mark" x1="{left}" x2="{end}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f"<text {place}>{escaped(mark.name)}</text>"
    )


def _pieces(
    at: int,
    line: Line,
    x: Callable[[float], float],
    y: Callable[[float], float],
    written: tuple[Callable[[float], str], Callable[[float], str]],
) -> list[str]:
    """Return a line in as many pieces as gaps leave, with a dot per value."""
    runs: list[list[tuple[float, float]]] = [[]]
    for time, value in line.points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((time, value))
    colour = f"c{at % COLOURS}"
    parts = []
    for run in filter(None, runs):
        dots = " ".join(f"{x(time):.1f},{y(value):.1f}" for time, value in run)
        parts.append(f'<g class="{colour}"><polyline class="line" points="{dots}"/></g>')
        for time, value in run:
            words = f"{line.name}, {written[0](time)}: {written[1](value)}"
            parts.append(
                f'<g class="{colour}"><circle cx="{x(time):.1f}" cy="{y(value):.1f}" r="2.5">'
                f"<title>{escaped(words)}</title></circle></g>"
            )
    return parts


def nice(low: float, high: float, most: int) -> list[float]:
    """Return at most `most + 1` round numbers from low to high."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if power * unit >= rough * 0.999999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _ticks(
    low: float,
    high: float,
    x: Callable[[float], float],
    bottom: float,
    written: Callable[[float], str],
) -> str:
    parts = []
    for value in nice(low, high, 5):
        at = x(value)
        anchor = "start" if at < 24 else "end" if at > WIDTH - 24 else "middle"
        parts.append(
            f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
            f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="{anchor}">'
            f"{escaped(written(value))}</text>"
        )
    return "".join(parts)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    name = escaped(title)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{name}">'
        f"{''.join(parts)}</svg>"
    )
