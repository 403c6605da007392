"""Values, pairs and list items of a document as they are written, with their spans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(eq=False)
class Node:
    """A value as written. `text[content:end]` is the value, `text[start:content]` its properties.

    `end` is where its own characters end (never in the white space behind); `tail` also covers the
    blank lines that belong to a `|+` block. An empty value has `content == end`.
    """

    kind: str  # scalar | mapping | sequence | alias
    start: int
    content: int
    end: int
    tail: int
    value: str = ""  # of a scalar its text, of an alias its anchor
    style: str = ""
    flow: bool = False
    anchor: str | None = None
    tag: str | None = None
    pairs: list[Pair] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    target: Node | None = None  # of an alias
    users: list[Node] = field(default_factory=list)  # aliases of this node

    @property
    def is_block(self) -> bool:
        """True for a map or list in block style."""
        return self.kind in ("mapping", "sequence") and not self.flow

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, in the order of the text."""
        yield self
        for pair in self.pairs:
            yield from pair.key.walk()
            yield from pair.value.walk()
        for item in self.items:
            yield from item.value.walk()


@dataclass(eq=False)
class Pair:
    """`key: value`. `colon` is the offset after the colon, None in `{key}` and `? key`."""

    key: Node
    value: Node
    start: int
    colon: int | None

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return max(self.key.end, self.colon or 0, self.value.end)

    @property
    def tail(self) -> int:
        """Offset after its last character, final blank lines of a `|+` block included."""
        return max(self.end, self.value.tail)

    @property
    def is_merge(self) -> bool:
        """True for `<<: ...`."""
        return self.key.value == "<<" and self.key.style == "" and self.key.kind == "scalar"


@dataclass(eq=False)
class Item:
    """A list item. `start` is where its dash stands; in flow style where its value starts."""

    value: Node
    start: int
    dash: int | None  # offset after the dash

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return max(self.value.end, self.dash or 0)

    @property
    def tail(self) -> int:
        """Offset after its last character, final blank lines of a `|+` block included."""
        return max(self.end, self.value.tail)
