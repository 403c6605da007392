"""What LaunchDarkly says: the live state of one project, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.resource import Json, Observed


@dataclass(frozen=True)
class Environment:
    """An environment of the project. `approvals` names the kinds that need an approval there.

    Source: reference 2.2. `approvals` holds `aiconfig` and/or `segment`; absence proves nothing.
    """

    key: str
    name: str = ""
    critical: bool = False
    approvals: frozenset[str] = frozenset()
    approval_tags: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunningExperiment:
    """An experiment with a draft or running iteration, as far as protection needs it.

    `rule` is a rule id or `fallthrough`; `variations` are variation keys of treatments and of
    those served outside; `baseline` is the control's variation key.
    """

    key: str
    name: str
    environment: str
    ai_config: str
    status: str  # draft | running
    rule: str
    variations: frozenset[str] = frozenset()
    baseline: str | None = None


@dataclass(frozen=True)
class PendingApproval:
    """An approval request that is pending for one AI Config in one environment."""

    id: str
    ai_config: str
    environment: str
    instructions: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Live:
    """The live state. `observed` holds every object that was read, managed or not.

    `read_targeting` names the AI Configs whose targeting was read (None = all of them).
    `unknown` says in words what could not be read although a plan would want to know it.
    """

    project: str
    environments: Mapping[str, Environment]
    observed: Mapping[Address, Observed]
    experiments: tuple[RunningExperiment, ...] = ()
    approvals: tuple[PendingApproval, ...] = ()
    read_targeting: frozenset[str] | None = None
    member: str | None = None
    unknown: tuple[str, ...] = ()
