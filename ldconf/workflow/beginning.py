"""A first workspace."""

from __future__ import annotations

from pathlib import Path

from ldconf.documents import scaffold
from ldconf.workflow.written import write


def init(root: Path, project: str) -> tuple[Path, ...]:
    """Write the example workspace and return the new files; existing ones stay as they are."""
    root.mkdir(parents=True, exist_ok=True)
    texts = {
        path: text for path, text in scaffold.init(project).items() if not (root / path).exists()
    }
    return write(root, texts)
