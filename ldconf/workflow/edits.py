"""Use cases that change existing files: pull and promote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.api.reader import Progress
from ldconf.core.address import Address
from ldconf.core.errors import UsageError
from ldconf.documents import promote as promoting
from ldconf.documents import pull as pulling
from ldconf.workflow.plan import Inputs, PlanWish, base_of, planned
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


async def pull(site: Site, wish: PullWish, progress: Progress | None = None) -> tuple[Path, ...]:
    """Take live values into the files and return what was written."""
    workspace, _ = load_workspace(site.root)
    base = base_of(site, workspace, wish.base if wish.drift else "none")
    if wish.drift and base.workspace is None:
        raise UsageError(
            "without a base nobody can tell what moved in LaunchDarkly",
            "name one with --base REF, or pull by address",
        )
    addresses: Sequence[Address] = [parsed(text) for text in wish.addresses]
    async with site.client() as client:
        inputs = Inputs(site, workspace, base)
        found = await planned(client, inputs, PlanWish(context=False), progress)
    if wish.drift:
        moved = (*found.plan.drift, *found.plan.conflicts)
        addresses = list(dict.fromkeys(one.address for one in moved if one.field is not None))
    texts = pulling.pull(site.root, workspace, found.live, addresses, wish.with_members)
    return write(site.root, texts)


def promote(root: Path, ai_config: str, source: str, target: str) -> tuple[Path, ...]:
    """Copy targeting between environments in the files and return what was written."""
    workspace, _ = load_workspace(root)
    return write(root, promoting.promote(root, workspace, ai_config, source, target))
