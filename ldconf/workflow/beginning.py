"""A first workspace."""

from __future__ import annotations

from pathlib import Path

from ldconf.documents import scaffold
from ldconf.documents.tree import SETTINGS_FILE
from ldconf.workflow.written import write


def init(root: Path, project: str) -> tuple[Path, ...]:
    """Write the example workspace and return the new files; existing ones stay as they are.

    Where there is a workspace already, only what editors and git need.
    """
    root.mkdir(parents=True, exist_ok=True)
    files = scaffold.init(project, has_workspace=(root / SETTINGS_FILE).exists())
    return write(root, {path: text for path, text in files.items() if not (root / path).exists()})
