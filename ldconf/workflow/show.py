"""One object as the files say it, beside LaunchDarkly."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.api.live import Wants, read_live
from ldconf.api.reader import Progress
from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.core.errors import UsageError
from ldconf.core.resource import Json, Resource
from ldconf.kinds import KIND_BY_NAME
from ldconf.kinds.experiment import ai_config_of
from ldconf.workflow.site import Site, load_workspace


@dataclass(frozen=True)
class Shown:
    """One object. `files` and `live` are None where it does not exist."""

    address: Address
    label: str
    files: dict[str, Json] | None
    live: dict[str, Json] | None
    position: Position | None
    version: int | None = None
    external: bool = False


async def show(site: Site, text: str, progress: Progress | None = None) -> Shown:
    """Return the object at an address. Raises UsageError if it is neither here nor there."""
    address = parsed(text)
    workspace, _ = load_workspace(site.root)
    resource = workspace.resources.get(address)
    kinds = {address.kind, "variations", "targeting"} if address.ai_config else {address.kind}
    wants = Wants(
        targeting=_targeting(address, resource),
        kinds=frozenset(kinds),
        approvals=False,
    )
    async with site.client() as client:
        live = await read_live(client, workspace.settings.project, wants, progress)
    observed = live.observed.get(address)
    if resource is None and observed is None:
        raise UsageError(f"{address} is neither in the files nor in LaunchDarkly")
    return Shown(
        address=address,
        label=KIND_BY_NAME[address.kind].label,
        files=resource.managed() if resource else None,
        live=observed.resource.managed() if observed else None,
        position=workspace.position(address) if resource else None,
        version=observed.version if observed else None,
        external=resource is None and workspace.settings.external.has(address),
    )


def _targeting(address: Address, resource: Resource | None) -> frozenset[str] | None:
    """Return whose targeting has to be read; of an experiment in no file that is not known."""
    key = ai_config_of(address, resource)
    if key is None and address.kind == "experiments":
        return None
    return frozenset({key} if key else ())


def parsed(text: str) -> Address:
    """Return an address that a person typed. Raises UsageError."""
    try:
        address = Address.parse(text.strip("/"))
    except ValueError as err:
        raise UsageError(
            str(err), "an address is a YAML path: aiConfigs/KEY/variations/KEY"
        ) from err
    if address.kind not in KIND_BY_NAME or len(address.parts) < 2:
        known = ", ".join(name for name in KIND_BY_NAME if name not in ("variations", "targeting"))
        raise UsageError(f"{text!r} names no object", f"it starts with one of {known}")
    return address
