"""Import: what is live and in no file becomes files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.api.live import Wants, read_live
from ldconf.api.reader import Progress
from ldconf.core.diagnostic import Diagnostic
from ldconf.core.errors import UsageError
from ldconf.core.workspace import DEFAULT_HOST, WorkspaceSettings
from ldconf.documents.dump import DumpOptions, dump
from ldconf.documents.tree import SETTINGS_FILE, Folder
from ldconf.settings import HOST_VARIABLE, is_loopback, normal_host
from ldconf.workflow.site import Site
from ldconf.workflow.written import write


@dataclass(frozen=True)
class ImportWish:
    """What to import: addresses and below (none: all), environments to manage (none: all)."""

    only: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    with_members: bool = False


@dataclass(frozen=True)
class Imported:
    """The files that were written, and what could not be written into any."""

    paths: tuple[Path, ...]
    diagnostics: tuple[Diagnostic, ...]


async def import_live(site: Site, wish: ImportWish, progress: Progress | None = None) -> Imported:
    """Write new files for what is live. Raises before the first write if one is there already."""
    site.root.mkdir(parents=True, exist_ok=True)
    has_settings = (site.root / SETTINGS_FILE).is_file()
    if has_settings and wish.environments:
        raise UsageError(
            f"--environment is for a new workspace; {SETTINGS_FILE} lists the environments here"
        )
    async with site.client() as client:
        live = await read_live(client, site.settings.project, Wants(approvals=False), progress)
    options = DumpOptions(wish.only, wish.environments, wish.with_members, site.settings.host)
    dumped = dump(live, options, Folder(site.root))
    return Imported(write(site.root, dumped.files), dumped.diagnostics)


def first_settings(
    project: str, environments: Sequence[str], env: Mapping[str, str]
) -> WorkspaceSettings:
    """Return settings to import with where no `ldconf.yaml` says any."""
    named = env.get(HOST_VARIABLE, "").strip()
    host = normal_host(named) if named else DEFAULT_HOST
    if is_loopback(host):
        host = DEFAULT_HOST  # a workspace is about an account, wherever this import reads
    return WorkspaceSettings(project, tuple(environments), host)
