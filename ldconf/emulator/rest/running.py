"""Running experiments, as far as other families must know of them (reference 13)."""

from __future__ import annotations

from ldconf.core.resource import Json
from ldconf.emulator.store import Store


def experiments_on(store: Store, project: str, ai_config: str) -> list[Json]:
    """Return the experiments with a running iteration on an AI Config, in any environment."""
    return [
        experiment
        for _, experiment in store.children(project, "experiments")
        if (iteration := experiment.get("currentIteration"))
        and iteration["status"] == "running"
        and ai_config in (iteration.get("flags") or {})
    ]


def experiments_measuring(store: Store, project: str, metric: str) -> list[Json]:
    """Return the experiments whose current or draft iteration uses a metric or metric group."""
    return [
        experiment
        for _, experiment in store.children(project, "experiments")
        if any(
            metric == used["key"]
            for name in ("currentIteration", "draftIteration")
            for used in (experiment.get(name) or {}).get("metrics") or ()
        )
    ]
