"""`plan --against REF`: the files against those of a commit, without any LaunchDarkly."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ldconf.core.address import Address
from ldconf.core.errors import UsageError
from ldconf.core.live import Environment, Live, RunningExperiment
from ldconf.core.resource import Json, Observed, Resource
from ldconf.core.workspace import Workspace
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_model import DRAFT, RUNNING, Experiment, rule_description
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.kinds.model_config import PRICES
from ldconf.kinds.targeting import Targeting
from ldconf.planning.graph import references
from ldconf.planning.planner import plan
from ldconf.workflow.base import find_base
from ldconf.workflow.plan import Planned, PlanWish, base_options
from ldconf.workflow.site import load_workspace


def plan_against(root: Path, ref: str, wish: PlanWish) -> Planned:
    """Return what the files change against those at `ref`. The plan has no digest: nothing of it
    was compared with LaunchDarkly, so nobody can apply it as reviewed."""
    if wish.requests or wish.resend:
        raise UsageError("--against is offline: it knows no requests and sends nothing again")
    workspace, remarks = load_workspace(root)
    base = find_base(root, workspace, ref, os.environ)
    if base.workspace is None:
        raise UsageError("--against needs a commit")
    live = as_live(base.workspace, workspace)
    described = base_options(base, workspace.settings.project)
    found = plan(
        workspace,
        live,
        base.workspace,
        replace(described, targets=wish.targets, environments=wish.environments, offline=True),
    )
    return Planned(
        plan=replace(found, digest="", change_hashes={}),
        workspace=workspace,
        live=live,
        base=base,
        diagnostics=remarks,
        remarks=(f"offline: compared with the files at {ref}, not with LaunchDarkly",),
    )


def as_live(files: Workspace, desired: Workspace) -> Live:
    """Return a live state that says what the files of a commit say, and has what they refer to."""
    observed = {
        address: Observed(_whole(found), meta=_meta(found))
        for address, found in files.resources.items()
    }
    for workspace in (files, desired):
        for address in _elsewhere(workspace):
            if address not in desired.resources:
                blank = kind_of(address).model.model_construct()
                observed.setdefault(address, Observed(_whole(blank)))
    keys = dict.fromkeys((*files.settings.environments, *desired.settings.environments))
    return Live(
        project=desired.settings.project,
        environments={key: Environment(key) for key in keys},
        observed=observed,
        experiments=tuple(_running(files)),
    )


def _meta(resource: Resource) -> Mapping[str, Json]:
    """Return what experiments ask of live objects: a rule's name stands for its id."""
    if isinstance(resource, Targeting):
        return {"rule_ids": [rule.description for rule in resource.rules or ()]}
    if isinstance(resource, Experiment):
        return {"rule_id": rule_description(resource) or FALLTHROUGH}
    return {}


def _running(files: Workspace) -> Iterator[RunningExperiment]:
    """Yield the experiments that run by what files say: they are protected offline, too."""
    for address, found in sorted(files.resources.items(), key=lambda pair: pair[0]):
        if isinstance(found, Experiment) and found.status in (DRAFT, RUNNING):
            yield RunningExperiment(
                address.key,
                found.name or address.key,
                found.environment,
                found.ai_config,
                found.status,
                rule_description(found) or FALLTHROUGH,
                frozenset({*found.arms, *filter(None, (found.remainder, found.control))}),
                found.control or None,
            )


def _whole(resource: Resource) -> Resource:
    """Return the resource with every field given, as one that was read from the API.

    A price that nobody wrote is not known, rather than nothing.
    """
    model = type(resource)
    given = {name: None for name in PRICES if name in model.model_fields}
    given |= {name: getattr(resource, name) for name in resource.model_fields_set}
    return model.model_construct(_fields_set=set(model.model_fields), **given)


def _elsewhere(workspace: Workspace) -> Iterator[Address]:
    """Yield what the files refer to without making it: global models, external objects."""
    for address, resource in workspace.resources.items():
        yield from (found.target for found in references(address, resource))
    for section, keys in workspace.settings.external.keys.items():
        kind, _, environment = section.partition("/")
        for key in keys or ():
            for place in [environment] if environment else workspace.settings.environments:
                yield Address.of(kind, key, place) if kind == "segments" else Address.of(kind, key)
