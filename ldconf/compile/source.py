"""What is compiled: AI Configs with served values and targeting, segments, graphs, experiments.

Everything is named by key; indexes, salts and seeds appear only in the compiled flags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ldconf.core.resource import Json
from ldconf.kinds.serve import DISABLED

FALLTHROUGH = "fallthrough"


@dataclass(frozen=True)
class Arm:
    """One arm of a rollout; `weight` is in thousandths of a percent. An untracked arm of an
    experiment is served without being part of it."""

    variation: str
    weight: int
    untracked: bool = False


@dataclass(frozen=True)
class Split:
    """A percentage rollout, or the rollout of a running experiment. The order of the arms decides
    who gets which one."""

    arms: tuple[Arm, ...]
    context_kind: str = "user"
    bucket_by: str = "key"
    seed: int | None = None
    experiment: bool = False


Served: TypeAlias = str | Split  # a variation key, or a split


@dataclass(frozen=True)
class TargetRule:
    """A rule. `clauses` are in the words of the API; `description` is for people, not compiled."""

    id: str
    clauses: Sequence[Mapping[str, Json]]
    serve: Served
    description: str | None = None
    track_events: bool = False


@dataclass(frozen=True)
class EnvironmentTargeting:
    """The targeting of one AI Config in one environment. What a new AI Config has is the default:
    on, and serving `disabled`. `targets` are `{variation, contextKind, values}`."""

    targets: Sequence[Mapping[str, Json]] = ()
    rules: Sequence[TargetRule] = ()
    fallthrough: Served = DISABLED
    on: bool = True
    off_variation: str = DISABLED
    track_events: bool = False
    track_events_fallthrough: bool = False
    version: int = 1
    salt: str | None = None  # None: made from the keys


@dataclass(frozen=True)
class VariationValue:
    """A variation and the JSON value that SDKs get. An archived one is left out unless it is
    served all the same."""

    key: str
    value: Mapping[str, Json]
    archived: bool = False


@dataclass(frozen=True)
class AIConfigSource:
    """An AI Config: its variations (without `disabled`) and its targeting by environment."""

    key: str
    variations: Sequence[VariationValue] = ()
    targeting: Mapping[str, EnvironmentTargeting] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentSource:
    """A running experiment that is to be laid over the targeting of its rule or fallthrough.

    `rule` is `fallthrough`, or the id or description of a rule. `allocation` is percent of that
    rule's traffic by variation; what is left gets `remainder`, untracked.
    """

    key: str
    environment: str
    ai_config: str
    allocation: Mapping[str, float]
    remainder: str
    rule: str = FALLTHROUGH
    unit: str = "user"
    iteration: int = 1
    seed: int | None = None  # None: made from the keys and the iteration


@dataclass(frozen=True)
class Source:
    """Everything that decides what SDKs of a project get.

    `segments` holds the API's form (weights in thousandths of a percent) by environment and key;
    `graphs` the API's form (`rootConfigKey`, `edges` as a list) by key.
    """

    project: str
    ai_configs: Mapping[str, AIConfigSource] = field(default_factory=dict)
    segments: Mapping[str, Mapping[str, Mapping[str, Json]]] = field(default_factory=dict)
    graphs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    experiments: Sequence[ExperimentSource] = ()
