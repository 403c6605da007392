"""All flags and segments of one environment, as `GET /sdk/latest-all` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ldconf.compile.experiment import with_experiments
from ldconf.compile.flag import compile_flag
from ldconf.compile.graph import compile_graph
from ldconf.compile.segment import compile_segment
from ldconf.compile.source import Source
from ldconf.core.resource import Json


def compile_environment(source: Source, environment: str) -> dict[str, dict[str, Json]]:
    """Return `{"flags": {KEY: FLAG}, "segments": {KEY: SEGMENT}}`, each sorted by key.

    The same source compiles to the same JSON, in any process. An AI Config without targeting in
    the environment serves `disabled`, as a new one does. A graph that has the key of an AI Config
    is left out.
    """
    flags: dict[str, Json] = {}
    for key in sorted({*source.ai_configs, *source.graphs}):
        flags[key] = _flag(source, environment, key)
    segments: Mapping[str, Mapping[str, Json]] = source.segments.get(environment, {})
    return {
        "flags": flags,
        "segments": {
            key: compile_segment(source.project, environment, key, segments[key])
            for key in sorted(segments)
        },
    }


def _flag(source: Source, environment: str, key: str) -> dict[str, Json]:
    ai_config = source.ai_configs.get(key)
    if ai_config is None:
        return compile_graph(source.project, environment, key, source.graphs[key])
    running = [
        experiment
        for experiment in source.experiments
        if (experiment.environment, experiment.ai_config) == (environment, key)
    ]
    if running:
        targeting = with_experiments(source.project, ai_config, environment, running)
        ai_config = replace(ai_config, targeting={**ai_config.targeting, environment: targeting})
    return compile_flag(source.project, environment, ai_config)
