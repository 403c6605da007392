"""Experiments on AI Configs. Source: reference section 13, design section 5."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.core.address import Address
from ldconf.core.change import Phase
from ldconf.core.errors import ApiError
from ldconf.core.kind import Kind, Problem, Reader
from ldconf.core.resource import Observed, Resource
from ldconf.kinds import ai_config, experiment_live
from ldconf.kinds.experiment_checks import problems
from ldconf.kinds.experiment_live import Payload, is_archived, stage, subject
from ldconf.kinds.experiment_model import (
    DRAFT,
    RUNNING,
    Experiment,
    ai_config_of,
    environment_of,
    references,
)
from ldconf.kinds.experiment_payloads import payloads, targeting
from ldconf.kinds.experiment_requests import advice, requests

__all__ = ["EXPERIMENT", "TOLERATED", "Experiment", "ai_config_of", "environment_of", "fetch"]

# An account without experimentation, a role that may not see experiments, a server without them.
TOLERATED = (403, 404, 501)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read every experiment of the project, for one list request.

    None where experiments cannot be read; who has to know asks for them (`api.experiments`). The
    targeting that names their variations is read where it is wanted, or where one is going on.
    """
    try:
        found = await payloads(reader)
    except ApiError as error:
        if error.status not in TOLERATED:
            raise
        return []
    known = {payload["key"] for payload in await ai_config.payloads(reader)} if found else set()
    pairs: list[tuple[Address, Observed]] = []
    for payload in found:
        document = None
        keys = subject(payload)
        if len(keys) == 1 and keys[0] in known and _matters(reader, payload, keys[0]):
            document = await targeting(reader, keys[0])
        observed = experiment_live.observed(payload, document)
        pairs.append((Address.of("experiments", payload["key"]), observed))
    return pairs


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one experiment afresh, archived or not. Its address does not tell the environment."""
    for payload in await payloads(reader):
        if payload["key"] == address.key:
            keys = subject(payload)
            document = await targeting(reader, keys[0]) if len(keys) == 1 else None
            return experiment_live.observed(payload, document)
    return None


def check(address: Address, resource: Resource) -> Sequence[Problem]:
    """Return what is wrong inside one experiment."""
    if not isinstance(resource, Experiment):
        raise TypeError(f"not an experiment: {resource!r}")
    return tuple(problems(resource))


def _matters(reader: Reader, payload: Payload, key: str) -> bool:
    at = stage(payload)
    going_on = at is not None and at.status in (DRAFT, RUNNING) and not is_archived(payload)
    return going_on or reader.wants_targeting(key)


EXAMPLE = """\
metrics:
  positive_feedback_rate: {kind: custom, eventKey: $ld:ai:feedback:user:positive, isNumeric: false}
aiConfigs:
  pet-store-agent:
    variations:
      base-config: {modelConfigKey: Anthropic.claude-sonnet-4-5}
      model-variant-2: {modelConfigKey: OpenAI.gpt-4o-mini}
    targeting:
      production: {fallthrough: base-config}
experiments:
  pet-store-agent-model-performance:
    name: Pet Store Agent Model Performance
    environment: production
    aiConfig: pet-store-agent
    rule: fallthrough
    hypothesis: The alternative model gives better answers to complex queries
    randomizationUnit: user
    methodology: bayesian
    analysisConfig: {bayesianThreshold: 90}
    metrics: [positive_feedback_rate]
    primary: positive_feedback_rate
    allocation: {base-config: 50, model-variant-2: 50}
    control: base-config
    status: draft
    iteration: 1
"""

EXPERIMENT = Kind(
    name="experiments",
    label="experiment",
    model=Experiment,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    phase=Phase.EXPERIMENTS,
    rounds=4,
    parallel=False,
    advice=advice,
    check=check,
    example=EXAMPLE,
)
