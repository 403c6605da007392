"""Counts of an experiment's events, for its analysis."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.core.aggregates import Aggregates
from ldconf.core.experiment import ExperimentDesign
from ldconf.emulator.events.store import EventStore
from ldconf.experiments.aggregation import aggregate

SOURCE = "events of the local LaunchDarkly"


def counts(
    events: EventStore, design: ExperimentDesign, looks: Sequence[int]
) -> tuple[Aggregates, ...]:
    """Return what was counted up to each look (epoch ms), oldest first."""
    with events.reading() as ask:
        return aggregate(ask, design, looks, SOURCE)
