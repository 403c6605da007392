"""From AI Configs, targeting and segments to the flag JSON that SDKs read. Pure.

`Source` is the one input; `workspace_source` makes it from files, `live_source` from what
LaunchDarkly says, the local LaunchDarkly from its own store. `compile_environment` compiles it.
"""

from __future__ import annotations

from ldconf.compile.environment import compile_environment
from ldconf.compile.live import live_source
from ldconf.compile.source import (
    AIConfigSource,
    Arm,
    EnvironmentTargeting,
    ExperimentSource,
    Source,
    Split,
    TargetRule,
    VariationValue,
)
from ldconf.compile.workspace import running_experiments, workspace_source

__all__ = [
    "AIConfigSource",
    "Arm",
    "EnvironmentTargeting",
    "ExperimentSource",
    "Source",
    "Split",
    "TargetRule",
    "VariationValue",
    "compile_environment",
    "live_source",
    "running_experiments",
    "workspace_source",
]
