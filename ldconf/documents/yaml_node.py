"""YAML nodes with their places in the text, for positions and for edits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
MERGE_TAG = "tag:yaml.org,2002:merge"


class Node:
    """A YAML node with its place in the text; `start` and `end` are offsets into `Document.text`.

    A node reached by an alias is the anchored node itself, with the anchor's place.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    @property
    def kind(self) -> str:
        """`scalar`, `sequence` or `mapping`."""
        return str(self.raw.id)

    @property
    def text(self) -> str:
        """The text of a scalar, without quotes and escapes."""
        return self.raw.value if self.raw.id == "scalar" else ""

    @property
    def is_flow(self) -> bool:
        """True for `{...}` and `[...]`."""
        return self.raw.id != "scalar" and bool(self.raw.flow_style)

    @property
    def style(self) -> str:
        """The style of a scalar: `'`, `"`, `|`, `>` or nothing for a plain one."""
        return (self.raw.style or "") if self.raw.id == "scalar" else ""

    @property
    def start(self) -> int:
        """Offset of the first character."""
        return int(self.raw.start_mark.index)

    @property
    def end(self) -> int:
        """Offset after the last character (of a block: where the next key's line starts)."""
        return int(self.raw.end_mark.index)

    @property
    def line(self) -> int:
        """Line of the first character, from 1."""
        return int(self.raw.start_mark.line) + 1

    @property
    def column(self) -> int:
        """Column of the first character, from 1."""
        return int(self.raw.start_mark.column) + 1

    @property
    def is_merge(self) -> bool:
        """True for the key `<<`."""
        return bool(self.raw.tag == MERGE_TAG)

    def entries(self) -> list[tuple[Node, Node]]:
        """Return the (key, value) nodes of a mapping as written, merge keys included."""
        if self.raw.id != "mapping":
            return []
        return [(Node(key), Node(value)) for key, value in self.raw.value]

    def items(self) -> list[Node]:
        """Return the nodes of a sequence."""
        return [Node(item) for item in self.raw.value] if self.raw.id == "sequence" else []

    def entry(self, step: str | int) -> tuple[Node | None, Node] | None:
        """Return the (key, value) of one step of a path, or None. Items have no key."""
        if isinstance(step, int):
            items = self.items()
            return (None, items[step]) if 0 <= step < len(items) else None
        merged: tuple[Node | None, Node] | None = None
        for key, value in self.entries():
            if key.is_merge:
                merged = merged or _merged_entry(value, step)
            elif key.text == step:
                return key, value
        return merged

    def at(self, path: Path) -> Node | None:
        """Return the node at a path, or None."""
        node: Node | None = self
        for step in path:
            found = node.entry(step) if node else None
            node = found[1] if found else None
        return node

    def children(self) -> Iterator[tuple[str | int, Node]]:
        """Yield (step, node) of a mapping or sequence, merged entries included."""
        yield from enumerate(self.items())
        seen: set[str] = set()
        for key, value in self.entries():
            if key.is_merge:
                inner = value.items() if value.kind == "sequence" else [value]
                found = [pair for source in inner for pair in source.children()]
            else:
                found = [(key.text, value)]
            for step, child in found:
                if str(step) not in seen:
                    seen.add(str(step))
                    yield step, child


def _merged_entry(value: Node, step: str) -> tuple[Node | None, Node] | None:
    for source in value.items() if value.kind == "sequence" else [value]:
        found = source.entry(step)
        if found:
            return found
    return None
