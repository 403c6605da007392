"""A workspace folder with the account it is applied to; loading and checking the files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from ldconf.api.client import Client
from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Severity
from ldconf.core.errors import DocumentError
from ldconf.core.live import Live
from ldconf.core.workspace import Workspace, WorkspaceSettings
from ldconf.documents.lint import lint
from ldconf.documents.load import load, load_settings
from ldconf.documents.tree import Folder
from ldconf.settings import Connection


@dataclass(frozen=True)
class Site:
    """Where a command acts: files and account."""

    root: Path
    connection: Connection
    settings: WorkspaceSettings

    def client(self) -> AbstractAsyncContextManager[Client]:
        """Return a client for the account, to be opened with `async with`."""
        found = self.connection
        return Client(found.host, found.token, app=found.app)


@dataclass(frozen=True)
class Checked:
    """What the files are like. `workspace` is None if they do not load."""

    workspace: Workspace | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def objects(self) -> int:
        """How many objects the files manage."""
        return len(self.workspace.resources) if self.workspace else 0

    @property
    def has_errors(self) -> bool:
        """True if a command must not go on."""
        return any(found.is_error for found in self.diagnostics)


def settings_of(root: Path) -> WorkspaceSettings:
    """Return the settings of a workspace. Raises DocumentError."""
    loaded = load_settings(Folder(root))
    if loaded.settings is None:
        raise DocumentError(loaded.diagnostics)
    return loaded.settings


def check(root: Path, *, strict: bool = False) -> Checked:
    """Load and lint the files offline; with `strict` every warning is an error."""
    loaded = load(Folder(root))
    found = list(loaded.diagnostics)
    if loaded.workspace is not None:
        found += lint(loaded.workspace)
    return Checked(loaded.workspace, tuple(_stricter(found) if strict else found))


def load_workspace(root: Path) -> tuple[Workspace, tuple[Diagnostic, ...]]:
    """Return the workspace and what is worth a remark. Raises DocumentError for any error."""
    checked = check(root)
    if checked.workspace is None or checked.has_errors:
        raise DocumentError(checked.diagnostics)
    return checked.workspace, checked.diagnostics


def lint_online(
    workspace: Workspace, live: Live, known: Sequence[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """Return the findings that only show beside the live state. Raises DocumentError."""
    found = tuple(one for one in lint(workspace, live) if one not in known)
    if any(one.is_error for one in found):
        raise DocumentError(found)
    return found


def addresses(root: Path) -> Sequence[Address]:
    """Return the addresses of the workspace; empty if the files do not load."""
    loaded = load(Folder(root))
    return tuple(loaded.workspace.resources) if loaded.workspace else ()


def _stricter(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    return [
        replace(one, severity=Severity.ERROR) if one.severity is Severity.WARNING else one
        for one in found
    ]
