"""The REST API, one file per family. `ROUTES` is all of it."""

from __future__ import annotations

from ldconf.emulator.http import Route
from ldconf.emulator.rest import (
    ai_configs,
    contexts,
    environments,
    metrics,
    model_configs,
    projects,
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
    *segments.ROUTES,
)
