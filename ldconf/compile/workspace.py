"""The source of what files say: for offline evaluation, config tests and fallback code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ldconf.compile.rows import Library, Row, event_key, variation_value
from ldconf.compile.salt import rule_id
from ldconf.compile.served import canonical_served
from ldconf.compile.source import (
    FALLTHROUGH,
    AIConfigSource,
    EnvironmentTargeting,
    ExperimentSource,
    Source,
    TargetRule,
    VariationValue,
)
from ldconf.core.address import Address
from ldconf.core.address import ai_config as ai_config_address
from ldconf.core.resource import Json, Resource
from ldconf.core.workspace import Workspace
from ldconf.kinds.experiment_model import RUNNING, Experiment, rule_description
from ldconf.kinds.segment_rule import wire_rules
from ldconf.kinds.serve import DISABLED


def workspace_source(workspace: Workspace, experiments: Sequence[ExperimentSource] = ()) -> Source:
    """Return the source of a loaded workspace. `experiments` are those that divide their traffic
    (`running_experiments`); any other counts as its control, which its rule or fallthrough serves.

    Versions, which files do not know, are 1. What files leave to others is filled in as far as
    keys tell: an external model config by `Provider.model-id`, an external tool by its name.
    Unmanaged targeting serves `disabled`, as that of a new AI Config does.
    """
    by_kind: dict[str, dict[Address, Resource]] = {}
    for address, resource in workspace.resources.items():
        by_kind.setdefault(address.kind, {})[address] = resource
    library = Library(
        tools={address.key: one.managed() for address, one in _of(by_kind, "tools")},
        model_configs={address.key: one.managed() for address, one in _of(by_kind, "modelConfigs")},
    )
    project = workspace.settings.project
    segments: dict[str, dict[str, Mapping[str, Json]]] = {}
    for address, resource in _of(by_kind, "segments"):
        segments.setdefault(address.environment or "", {})[address.key] = _segment(resource)
    return Source(
        project=project,
        ai_configs={
            key: AIConfigSource(
                key,
                _variations(key, workspace, _below(by_kind, "variations", key), library),
                {
                    address.parts[3]: _targeting(project, address, resource)
                    for address, resource in _below(by_kind, "targeting", key)
                },
            )
            for key in _keys(workspace)
        },
        segments=segments,
        graphs={address.key: _graph(one) for address, one in _of(by_kind, "agentGraphs")},
        experiments=experiments,
    )


def running_experiments(workspace: Workspace) -> tuple[ExperimentSource, ...]:
    """Return the experiments that the files say run, as far as they say who gets what.

    Their seeds are made from keys: the shares are right, but which arm a context gets is decided by
    the seed that LaunchDarkly gives to the iteration.
    """
    return tuple(
        ExperimentSource(
            key=address.key,
            environment=found.environment,
            ai_config=found.ai_config,
            allocation={key: float(share) for key, share in found.allocation.items()},
            remainder=found.remainder or found.control,
            rule=rule_description(found) or FALLTHROUGH,
            unit=found.randomization_unit,
            iteration=found.iteration,
        )
        for address, found in workspace.resources.items()
        if isinstance(found, Experiment)
        and {"status", "allocation", "control"} <= found.managed_names
        and found.status == RUNNING
    )


def _of(
    by_kind: Mapping[str, Mapping[Address, Resource]], kind: str
) -> Iterable[tuple[Address, Resource]]:
    return by_kind.get(kind, {}).items()


def _below(
    by_kind: Mapping[str, Mapping[Address, Resource]], kind: str, ai_config: str
) -> list[tuple[Address, Resource]]:
    return [(one, found) for one, found in _of(by_kind, kind) if one.ai_config == ai_config]


def _keys(workspace: Workspace) -> list[str]:
    """Return the AI Configs that the files speak of, in their order."""
    named = (address.ai_config for address in workspace.resources)
    return list(dict.fromkeys(key for key in named if key is not None))


def _variations(
    key: str,
    workspace: Workspace,
    variations: Sequence[tuple[Address, Resource]],
    library: Library,
) -> list[VariationValue]:
    found = workspace.resources.get(ai_config_address(key))
    about = found.managed() if found is not None else {}
    rows = [{**one.managed(), "key": address.key, "version": 1} for address, one in variations]
    config: Row = {
        "mode": about.get("mode") or _likely_mode(rows),
        "evaluationMetricKey": event_key(about.get("evaluationMetricKey")),
    }
    return [variation_value(config, row, library) for row in rows]


def _likely_mode(rows: Iterable[Row]) -> str:
    """Return the mode of an AI Config that is managed elsewhere, by what its variations have."""
    return "agent" if any(row.get("instructions") for row in rows) else "completion"


def _targeting(project: str, address: Address, resource: Resource) -> EnvironmentTargeting:
    managed = resource.managed()
    key, environment = address.parts[1], address.parts[3]
    return EnvironmentTargeting(
        targets=managed.get("targets") or (),
        rules=[
            TargetRule(
                id=rule_id(project, environment, key, rule["description"]),
                clauses=rule["clauses"],
                serve=canonical_served(rule["serve"]),
                description=rule["description"],
            )
            for rule in managed.get("rules") or ()
        ],
        fallthrough=canonical_served(managed.get("fallthrough") or DISABLED),
    )


def _segment(resource: Resource) -> Mapping[str, Json]:
    managed = resource.managed()
    return {**managed, "rules": wire_rules(managed.get("rules") or ())}


def _graph(resource: Resource) -> Mapping[str, Json]:
    managed = resource.managed()
    edges = (managed.get("edges") or {}).items()
    return {**managed, "edges": [{"key": key, **edge} for key, edge in edges]}
