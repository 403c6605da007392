"""A tree with some files replaced or added: what a workspace would be after writing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ldconf.documents.tree import Tree, Unreadable


@dataclass(frozen=True)
class Overlay:
    """`files` (path -> text) laid over a tree, or over nothing."""

    under: Tree | None
    files: Mapping[str, str] = field(default_factory=dict)

    def paths(self) -> Sequence[str]:
        """Return the paths of both, sorted."""
        return sorted({*(self.under.paths() if self.under else ()), *self.files})

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises Unreadable."""
        if path in self.files:
            return self.files[path].encode()
        if self.under is None:
            raise Unreadable(path, "does not exist")
        return self.under.read(path)

    def text(self, path: str) -> str | None:
        """Return a file's text, None if there is no such file or it is not UTF-8."""
        try:
            return self.read(path).decode()
        except (Unreadable, UnicodeDecodeError):
            return None
