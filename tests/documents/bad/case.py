"""What a bad workspace is made of."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SETTINGS = "project: pet-store\nenvironments: [test, production]\n"


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Case:
    """`files` by path; an `ldconf.yaml` is added if there is none. `problems` are exact."""

    id: str
    files: Mapping[str, str | bytes | Link]
    problems: tuple[str, ...]
    hints: Mapping[str, str] = field(default_factory=dict)
    by_schema: bool = False  # the JSON Schema rejects it too

    def write(self, root: Path) -> None:
        """Write the workspace."""
        for name, content in {"ldconf.yaml": SETTINGS, **self.files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                path.symlink_to(content.target)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(textwrap.dedent(content), encoding="utf-8")


def case(
    name: str,
    files: str | bytes | Mapping[str, str | bytes | Link],
    *problems: str,
    schema: bool = False,
) -> Case:
    """Return a case; a text alone is the document `a.yaml`."""
    by_path = {"a.yaml": files} if isinstance(files, str | bytes) else files
    return Case(name, by_path, problems, by_schema=schema)
