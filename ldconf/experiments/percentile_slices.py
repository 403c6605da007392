"""Rows of the aggregation SQL -> the parts of a distribution from which percentiles follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ldconf.core.aggregates import ClusterPoint, ClusterSlice, OrderSlice
from ldconf.experiments.aggregation_questions import Row
from ldconf.experiments.aggregation_sql import MOST_POINTS

Cell = tuple[int, int]  # cohort, arm


def order_slices(rows: Iterable[Row]) -> Mapping[Cell, OrderSlice]:
    """Take (cohort, arm, rank, value) rows, in order of rank."""
    found: dict[Cell, list[tuple[int, float]]] = {}
    for cohort, arm, rank, value in rows:
        found.setdefault((cohort, arm), []).append((int(rank), float(value)))
    return {cell: OrderSlice(tuple(ranks)) for cell, ranks in found.items()}


def cluster_slices(sizes: Iterable[Row], points: Iterable[Row]) -> Mapping[Cell, ClusterSlice]:
    """Take (cohort, arm, events, their squares per unit) and (cohort, arm, value, below, squares,
    cross sum) rows, these by rising value."""
    found: dict[Cell, list[ClusterPoint]] = {}
    for cohort, arm, *point in points:
        found.setdefault((cohort, arm), []).append(ClusterPoint(*map(float, point)))
    return {
        (cohort, arm): ClusterSlice(
            events=float(events),
            events_squares=float(squares),
            points=tuple(thinned(found.get((cohort, arm), []))),
        )
        for cohort, arm, events, squares in sizes
    }


def thinned(points: Sequence[ClusterPoint]) -> Sequence[ClusterPoint]:
    """Return at most about MOST_POINTS of them, evenly, the first and the last included."""
    if len(points) <= MOST_POINTS:
        return points
    step = -(-len(points) // MOST_POINTS)
    kept = points[::step]
    return kept if kept[-1] is points[-1] else [*kept, points[-1]]
