"""Reading the live state of one project with as few requests as the API allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from urllib.parse import quote

from ldconf.api.approvals import pending_approvals
from ldconf.api.client import Client
from ldconf.api.experiments import Experiments, read_experiments
from ldconf.api.reader import LiveReader, Object, Progress, Wants
from ldconf.api.tasks import concurrently
from ldconf.core.address import Address
from ldconf.core.errors import Forbidden, NotFound
from ldconf.core.live import Environment, Live, PendingApproval
from ldconf.core.resource import Json, Observed
from ldconf.kinds import KINDS
from ldconf.kinds.experiment_slots import masked, slots

__all__ = ["ALL", "Wants", "read_live"]

ALL = Wants()


async def read_live(
    client: Client, project: str, wants: Wants = ALL, progress: Progress | None = None
) -> Live:
    """Return the live state of a project; raises NotFound if the token cannot see it.

    Costs: the list pages of each kind, one targeting read per wanted AI Config, one read per agent
    graph, three for project, environments and member, and the pages of pending approval requests
    if an environment requires approvals. A rollout that a running experiment put into targeting
    counts as its control (design section 9). What could not be read is named in `Live.unknown`; for
    experiments that the files manage it is an error.
    """
    reader = LiveReader(client, project, (), wants, progress)
    heads: Sequence[Callable[[LiveReader], Awaitable[object]]] = (_project, _environments, _member)
    await concurrently([partial(read, reader) for read in heads])
    reader.environments = environments = await _environments(reader)  # not a second request
    kinds = [kind for kind in KINDS if wants.kinds is None or kind.name in wants.kinds]
    found = await concurrently([partial(kind.fetch, reader) for kind in kinds])
    observed = dict(pair for pairs in found for pair in pairs)
    experiments = Experiments()
    if wants.kinds is None:
        experiments = await read_experiments(reader, _ai_configs(observed))
        if experiments.error is not None and wants.experiments:
            raise experiments.error
        observed |= experiments.targeting
        observed |= {
            address: masked(address, found, experiments.running)
            for address, found in observed.items()
            if address.kind == "targeting" and slots(found)
        }
    approvals: tuple[PendingApproval, ...] = ()
    if wants.approvals and any(found.approvals or found.approval_tags for found in environments):
        approvals = await pending_approvals(reader)
    return Live(
        project=project,
        environments={found.key: found for found in environments},
        observed=observed,
        experiments=experiments.running,
        approvals=approvals,
        read_targeting=None
        if wants.targeting is None
        else wants.targeting | experiments.ai_configs,
        member=await _member(reader),
        unknown=experiments.unknown,
    )


def _ai_configs(observed: Mapping[Address, Observed]) -> frozenset[str]:
    return frozenset(address.key for address in observed if address.kind == "aiConfigs")


async def _project(reader: LiveReader) -> Object:
    try:
        return await reader.get(f"/projects/{quote(reader.project, safe='')}")
    except NotFound as error:
        raise NotFound(
            f"project {reader.project!r} does not exist, or the token may not see it",
            method=error.method,
            path=error.path,
            status=error.status,
            message=error.message,
            hint="`project:` in ldconf.yaml is the project's key, not its name",
        ) from None


async def _environments(reader: LiveReader) -> Sequence[Environment]:
    path = f"/projects/{quote(reader.project, safe='')}/environments"
    try:
        return [environment(found) for found in await reader.list(path)]
    except NotFound:
        await _project(reader)  # says which of the two is missing
        raise


def environment(payload: Mapping[str, Json]) -> Environment:
    """Return an environment. Approval settings are keyed by resource kind (reference 2.2)."""
    by_kind = payload.get("resourceApprovalSettings") or {}
    settings = {kind.lower(): found for kind, found in by_kind.items() if found}
    tags = {kind: found.get("requiredApprovalTags") or () for kind, found in settings.items()}
    return Environment(
        key=payload["key"],
        name=payload.get("name") or "",
        critical=bool(payload.get("critical")),
        approvals=frozenset(kind for kind, found in settings.items() if found.get("required")),
        approval_tags={kind: frozenset(found) for kind, found in tags.items() if found},
    )


async def _member(reader: LiveReader) -> str | None:
    """Return the id of the calling member; a service token has none (reference 1.1)."""
    try:
        found = await reader.get("/members/me")
    except (NotFound, Forbidden):
        return None
    return found.get("_id")
