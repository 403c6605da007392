"""Experiments, as far as other families must know of them (reference 13)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ldconf.core.resource import Json
from ldconf.emulator.store import Store


def experiments_on(store: Store, project: str, ai_config: str) -> list[Json]:
    """Return the experiments with a running iteration on an AI Config, in any environment."""
    return [
        experiment
        for _, experiment in store.children(project, "experiments")
        if any(
            iteration["status"] == "running" and ai_config in iteration["flags"]
            for iteration in iterations(experiment)
        )
    ]


def experiments_measuring(store: Store, project: str, metric: str) -> list[Json]:
    """Return the experiments whose current or draft iteration uses a metric or metric group."""
    return [
        experiment
        for _, experiment in store.children(project, "experiments")
        if any(_measures(iteration, metric) for iteration in iterations(experiment))
    ]


def still_measuring(experiments: Iterable[Json], metric: str) -> list[Json]:
    """Return those of `experiments_measuring` that still need the metric: with a draft or a running
    iteration, not archived.

    An experiment that is over cannot be deleted, so it must not hold its metrics for ever. [INF]
    """
    return [
        experiment
        for experiment in experiments
        if not experiment.get("archivedDate")
        and any(
            iteration["status"] != "stopped" and _measures(iteration, metric)
            for iteration in iterations(experiment)
        )
    ]


def iterations(experiment: Json) -> Iterator[Json]:
    """Yield the current iteration and the draft, as far as there are any."""
    for name in ("currentIteration", "draftIteration"):
        if experiment.get(name):
            yield experiment[name]


def _measures(iteration: Json, metric: str) -> bool:
    return any(metric == used["key"] for used in iteration["metrics"])
