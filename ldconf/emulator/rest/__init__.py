"""The REST API, one file per family. `ROUTES` is all of it."""

from __future__ import annotations

from ldconf.emulator.http import Route
from ldconf.emulator.rest import (
    account,
    agent_graphs,
    ai_configs,
    approval_settings,
    approvals,
    contexts,
    environments,
    experiment_counts,
    experiments,
    flags,
    metric_groups,
    metrics,
    model_configs,
    monitoring,
    projects,
    results,
    segments,
    targeting,
    tools,
    variations,
)

ROUTES: tuple[Route, ...] = (
    *projects.ROUTES,
    *environments.ROUTES,
    *contexts.ROUTES,
    *model_configs.ROUTES,
    *ai_configs.ROUTES,
    *variations.ROUTES,
    *targeting.ROUTES,
    *tools.ROUTES,
    *metrics.ROUTES,
    *metric_groups.ROUTES,
    *segments.ROUTES,
    *agent_graphs.ROUTES,
    *experiments.ROUTES,
    *flags.ROUTES,
    *approvals.ROUTES,
    *approval_settings.ROUTES,
    *account.ROUTES,
    *monitoring.ROUTES,
    *experiment_counts.ROUTES,
    *results.ROUTES,
)
