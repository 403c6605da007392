"""Writing objects into the files, as tools for editors do it: checked, then written whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic
from ldconf.core.errors import DocumentError
from ldconf.core.resource import Json
from ldconf.documents.author import Author
from ldconf.documents.lint import lint
from ldconf.documents.tree import Folder
from ldconf.workflow.site import load_workspace
from ldconf.workflow.written import write


@dataclass(frozen=True)
class Wrote:
    """The files that were written, and what the linter says of the workspace now."""

    paths: tuple[Path, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def write_objects(root: Path, objects: Mapping[Address, Mapping[str, Json]]) -> Wrote:
    """Set fields of objects, made where the files do not have them; all of it or nothing.

    Raises DocumentError if the files would not load or would have a lint error.
    """
    author = _author(root)
    for address, fields in objects.items():
        author.write(address, fields)
    return _written(root, author)


def written_fields(root: Path, address: Address) -> Mapping[str, Json]:
    """Return what the files say of an object, as it is written; nothing if they do not have it."""
    return _author(root).raw(address)


def write_rule(
    root: Path, place: tuple[str, str], rule: Mapping[str, Json], *, first: bool = False
) -> Wrote:
    """Add a rule to the targeting of (AI Config, environment), or change the one of that name."""
    author = _author(root)
    author.rule(place, rule, first)
    return _written(root, author)


def _author(root: Path) -> Author:
    workspace, _ = load_workspace(root)
    return Author(Folder(root), workspace)


def _written(root: Path, author: Author) -> Wrote:
    texts, workspace = author.done()
    found = tuple(lint(workspace))
    if any(one.is_error for one in found):
        raise DocumentError([one for one in found if one.is_error])
    shared = workspace.settings.shared
    return Wrote(write(root, texts, root / shared if shared else None), found)
