"""Planning: files, live state and base -> plan, with what a reviewer may want to know beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ldconf.api.client import Client
from ldconf.api.live import Wants, read_live
from ldconf.api.reader import Progress
from ldconf.core.address import Address
from ldconf.core.change import Plan
from ldconf.core.cost import Tokens
from ldconf.core.diagnostic import Diagnostic
from ldconf.core.live import Live
from ldconf.core.resource import Observed
from ldconf.core.workspace import Consent, Workspace
from ldconf.kinds.experiment_model import ai_config_of
from ldconf.kinds.variation_live import wanted_fields
from ldconf.planning import planfile
from ldconf.planning.options import PlanOptions
from ldconf.planning.planner import needs_history, plan
from ldconf.render.rows import ContextEntry
from ldconf.workflow.audit import events_seen, who_moved
from ldconf.workflow.base import Base, find_base, history, workspace_name
from ldconf.workflow.requests import Requests, requests_of
from ldconf.workflow.site import Site, lint_online, load_workspace


@dataclass(frozen=True)
class PlanWish:
    """What the caller asks of a plan. `context` asks the audit log; `consents` come from a person
    at a terminal, beside those in the files."""

    base: str | None = None
    targets: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    resend: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    file_consents: bool = True  # do consents in the files count?
    context: bool = True
    requests: bool = False
    unmanaged: bool = False
    as_account: bool = False  # a loopback host gets a base too, as an account does


@dataclass(frozen=True)
class Planned:
    """A plan with everything it was made from."""

    plan: Plan
    workspace: Workspace
    live: Live
    base: Base
    diagnostics: tuple[Diagnostic, ...] = ()
    context: tuple[ContextEntry, ...] = ()
    remarks: tuple[str, ...] = ()
    requests: Requests = field(default_factory=dict)
    unmanaged: tuple[Address, ...] | None = None
    typical: Mapping[Address, Tokens] = field(default_factory=dict)  # requests, as monitored

    @property
    def file(self) -> str:
        """The plan file, for `apply FILE`."""
        return planfile.dumps(self.plan)


async def make_plan(site: Site, wish: PlanWish, progress: Progress | None = None) -> Planned:
    """Return the plan of a site. Only reads."""
    workspace, remarks = load_workspace(site.root)
    base = base_of(site, workspace, wish.base, as_account=wish.as_account)
    async with site.client() as client:
        return await planned(client, Inputs(site, workspace, base, remarks), wish, progress)


@dataclass(frozen=True)
class Inputs:
    """Everything of a plan that is known before LaunchDarkly is asked."""

    site: Site
    workspace: Workspace
    base: Base
    diagnostics: tuple[Diagnostic, ...] = ()


async def planned(
    client: Client, inputs: Inputs, wish: PlanWish, progress: Progress | None = None
) -> Planned:
    """Read the live state and plan; ask the audit log about what moved, if wished."""
    workspace, base = inputs.workspace, inputs.base
    live = await read_live(client, workspace.settings.project, wants(workspace), progress)
    online = lint_online(workspace, live, inputs.diagnostics)
    found = plan(workspace, live, base.workspace, options(inputs, wish, live))
    context: tuple[ContextEntry, ...] = ()
    if wish.context:
        context = (*await who_moved(client, found, live), *events_seen(found, live))
    return Planned(
        plan=found,
        workspace=workspace,
        live=live,
        base=base,
        diagnostics=(*inputs.diagnostics, *online),
        context=context,
        remarks=tuple(f"not known: {words}" for words in live.unknown),
        requests=requests_of(found, live) if wish.requests else {},
        unmanaged=unmanaged(workspace, live) if wish.unmanaged else None,
    )


def base_of(
    site: Site, workspace: Workspace, wanted: str | None, *, as_account: bool = False
) -> Base:
    """Return the base; for --local and loopback hosts it is `none` unless one is named."""
    if wanted is None and site.connection.needs_no_history and not as_account:
        wanted = "none"
    return find_base(site.root, workspace, wanted, os.environ)


def options(inputs: Inputs, wish: PlanWish, live: Live) -> PlanOptions:
    """Return the planner's options; older commits are only read if they may matter."""
    workspace, base = inputs.workspace, inputs.base
    return replace(
        base_options(base, workspace.settings.project),
        targets=wish.targets,
        environments=wish.environments,
        resend=wish.resend,
        history=history(base, workspace) if needs_history(workspace, live, base.workspace) else (),
        merged=base.merged,
        extra_consents=wish.consents,
        file_consents=wish.file_consents,
    )


def base_options(base: Base, project: str) -> PlanOptions:
    """Return what a plan says of the commits it compares."""
    repository = base.repository
    return PlanOptions(
        workspace_name=workspace_name(repository, project),
        dirty=repository is not None and repository.dirty,
        base_ref=base.name,
        head_ref=repository.head[:12] if repository and repository.head else None,
    )


def wants(workspace: Workspace) -> Wants:
    """Return what has to be read to plan a workspace: lists, and the targeting that matters.

    Who uses a segment that is to be deleted is only known from the targeting of all AI Configs,
    and who uses a tool from those of all variations.
    """
    named = [*workspace.resources, *workspace.removed]
    tools = {f"tools/{address.key}" for address in workspace.removed if address.kind == "tools"}
    everywhere = any(address.kind == "segments" for address in workspace.removed)
    fields = {
        (address, name)
        for address, resource in workspace.resources.items()
        for name in wanted_fields(resource)
    }
    keys = {address.ai_config for address in named}
    keys |= {ai_config_of(address, found) for address, found in workspace.resources.items()}
    ai_configs = frozenset(key for key in keys if key is not None)
    return Wants(
        fields=frozenset(fields),
        everywhere=frozenset({"tools", *tools} if tools else ()),
        targeting=None if everywhere else ai_configs,
        experiments=any(address.kind == "experiments" for address in workspace.resources),
    )


def unmanaged(workspace: Workspace, live: Live) -> tuple[Address, ...]:
    """Return what is live and in no file: neither managed, nor removed, nor external.

    Left out is what nobody made: global model configs, and targeting and segments of an
    environment that were never touched.
    """
    known = workspace.resources.keys() | workspace.removed.keys()
    return tuple(
        sorted(
            address
            for address, observed in live.observed.items()
            if address not in known
            and not workspace.settings.external.has(address)
            and not _is_untouched(address, observed)
        )
    )


def _is_untouched(address: Address, observed: Observed) -> bool:
    if address.kind not in ("targeting", "segments"):
        return bool(observed.meta.get("global"))
    values = observed.resource.managed()
    content = ("targets", "rules", "included", "excluded", "includedContexts", "excludedContexts")
    return values.get("fallthrough", "disabled") == "disabled" and not any(
        values.get(name) for name in content
    )
