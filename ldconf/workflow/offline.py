"""`plan --against REF`: the files against those of a commit, without any LaunchDarkly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ldconf.core.address import Address
from ldconf.core.errors import UsageError
from ldconf.core.live import Environment, Live
from ldconf.core.resource import Observed, Resource
from ldconf.core.workspace import Workspace
from ldconf.kinds import kind_of
from ldconf.kinds.model_config import PRICES
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
        replace(described, targets=wish.targets, environments=wish.environments),
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
    observed = {address: Observed(_whole(found)) for address, found in files.resources.items()}
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
