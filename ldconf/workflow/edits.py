"""Use cases that change existing files: pull and promote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ldconf.api.live import read_live
from ldconf.api.reader import Progress
from ldconf.core.address import Address
from ldconf.core.change import Plan
from ldconf.core.errors import UsageError
from ldconf.documents import promote as promoting
from ldconf.documents import pull as pulling
from ldconf.workflow.plan import Inputs, PlanWish, base_of, planned, wants
from ldconf.workflow.show import parsed
from ldconf.workflow.site import Site, load_workspace
from ldconf.workflow.written import write


@dataclass(frozen=True)
class PullWish:
    """What to take over: these addresses, or everything that moved in LaunchDarkly."""

    addresses: tuple[str, ...] = ()
    drift: bool = False
    with_members: bool = False
    base: str | None = None


@dataclass(frozen=True)
class Pulled:
    """The files that were written, and what cannot be taken over by itself."""

    paths: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


async def pull(site: Site, wish: PullWish, progress: Progress | None = None) -> Pulled:
    """Take live values into the files and return what was written."""
    workspace, _ = load_workspace(site.root)
    if not wish.drift:
        addresses = [parsed(text) for text in wish.addresses]
        async with site.client() as client:
            project = workspace.settings.project
            live = await read_live(client, project, wants(workspace), progress)
        texts = pulling.pull(site.root, workspace, live, addresses, wish.with_members)
        return Pulled(write(site.root, texts, _shared(site)))
    base = base_of(site, workspace, wish.base)
    if base.workspace is None:
        raise UsageError(
            "without a base nobody can tell what moved in LaunchDarkly",
            "name one with --base REF, or pull by address",
        )
    async with site.client() as client:
        inputs = Inputs(site, workspace, base)
        found = await planned(client, inputs, PlanWish(context=False), progress)
    moved: dict[Address, set[str]] = {}
    for drift in found.plan.drift:
        if drift.field is not None:
            moved.setdefault(drift.address, set()).add(drift.field)
    texts = {}
    if moved:
        fields = {address: frozenset(names) for address, names in moved.items()}
        texts = pulling.pull(
            site.root, workspace, found.live, list(moved), wish.with_members, fields=fields
        )
    return Pulled(write(site.root, texts, _shared(site)), tuple(_left(found.plan)))


def _shared(site: Site) -> Path | None:
    """Return the shared folder, whose texts belong to the workspace too."""
    shared = site.settings.shared
    return site.root / shared if shared else None


def _left(plan: Plan) -> Iterator[str]:
    for drift in plan.drift:
        if drift.field is None:
            yield f"{drift.address} was deleted in LaunchDarkly: drop it from the files or revert"
    for address in dict.fromkeys(conflict.address for conflict in plan.conflicts):
        yield f"{address} is in conflict: `ldconf pull {address}` takes LaunchDarkly's side"


def promote(root: Path, ai_config: str, source: str, target: str) -> tuple[Path, ...]:
    """Copy targeting between environments in the files and return what was written."""
    workspace, _ = load_workspace(root)
    return write(root, promoting.promote(root, workspace, ai_config, source, target))
