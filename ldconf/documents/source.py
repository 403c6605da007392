"""The text of a YAML file with the span of every key, value and list item, for editing.

`yaml.Document` answers what a file says and where; this answers which characters say it. Anchors
and aliases are kept apart here, since an edit of one place must not change another.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

from ldconf.core.errors import DocumentError, LdconfError
from ldconf.core.resource import Json
from ldconf.documents import yaml
from ldconf.documents.source_builder import Builder
from ldconf.documents.source_nodes import Item, Node, Pair
from ldconf.documents.yaml import Path

BOM = "\ufeff"


class EditError(LdconfError):
    """The text cannot be edited without changing something else."""


class Source:
    """One parsed text. Raises DocumentError if it is not valid YAML of ours."""

    def __init__(self, text: str, file: str = "") -> None:
        self.has_bom = text.startswith(BOM)
        self.text = text.removeprefix(BOM)
        self.file = file
        document = yaml.parse(self.text, file)
        if document.problems:
            raise DocumentError(document.problems)
        self.data: Json = document.value
        events, tokens = yaml.marks(self.text)
        builder = Builder(self.text, events, tokens)
        self.root: Node | None = builder.document()
        self.commas = builder.commas
        self._tokens = tokens

    @cached_property
    def eol(self) -> str:
        """The line end of this file."""
        first = self.text.find("\n")
        return "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    def line_start(self, offset: int) -> int:
        """Return where the line of an offset starts."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Return where the line of an offset ends, before its line end."""
        end = self.text.find("\n", offset)
        if end < 0:
            return len(self.text)
        return end - 1 if end > offset and self.text[end - 1] == "\r" else end

    def next_line(self, offset: int) -> int:
        """Return where the line after that of an offset starts."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1

    def column(self, offset: int) -> int:
        """Return how many characters stand before an offset on its line."""
        return offset - self.line_start(offset)

    def starts_line(self, offset: int) -> bool:
        """True if only blanks stand before an offset on its line."""
        return not self.text[self.line_start(offset) : offset].strip(" \t")

    def comma(self, start: int, end: int) -> int | None:
        """Return the offset of the first flow comma in a span."""
        at = bisect_left(self.commas, start)
        return self.commas[at] if at < len(self.commas) and self.commas[at] < end else None

    @cached_property
    def comments(self) -> list[tuple[int, int]]:
        """The spans of all comments: what is not blank between the tokens."""
        found: list[tuple[int, int]] = []
        before = 0
        for token in self._tokens:
            if token.start > before:
                hits = re.finditer(r"#[^\r\n]*", self.text[before : token.start])
                found += [(before + hit.start(), before + hit.end()) for hit in hits]
            before = max(before, token.end)
        return found

    @cached_property
    def document_start(self) -> int:
        """The offset behind `---`, 0 if there is none."""
        return next((token.end for token in self._tokens if token.name == "DocumentStart"), 0)

    @cached_property
    def has_document_end(self) -> bool:
        """True if the document is closed by `...`."""
        return any(token.name == "DocumentEnd" for token in self._tokens)


def child(node: Node, step: str | int) -> Node | None:
    """Return the node that is written one step below."""
    if node.kind == "sequence":
        inside = isinstance(step, int) and 0 <= step < len(node.items)
        return node.items[int(step)].value if inside else None
    found = pair_of(node, step)
    return found.value if found else None


def pair_of(node: Node, step: str | int) -> Pair | None:
    """Return the pair with a key, if it is written in this very mapping."""
    for pair in node.pairs:
        if pair.key.value == step and not pair.is_merge:
            return pair
    return None


def merged(node: Node, key: str) -> Node | None:
    """Return the node that a mapping has for a key by `<<`, or None."""
    for pair in node.pairs:
        if pair.is_merge:
            whole = _resolved(pair.value)
            parts = [item.value for item in whole.items] if whole.kind == "sequence" else [whole]
            for part in map(_resolved, parts):
                own = pair_of(part, key)
                found = own.value if own else merged(part, key)
                if found:
                    return found
    return None


@dataclass(frozen=True)
class Place:
    """A node and where it hangs: in a pair or item (None: the root), inside flow style or not."""

    node: Node
    holder: Pair | Item | None = None
    in_flow: bool = False


def written_at(source: Source, path: Path) -> Place:
    """Return the place that is written at a path, not through aliases or merge keys.

    Raises EditError if nothing is written there.
    """
    place = Place(source.root or _EMPTY)
    for step in path:
        holder: Pair | Item | None
        if isinstance(step, int):
            holder = place.node.items[step] if step < len(place.node.items) else None
        else:
            holder = pair_of(place.node, step)
        if holder is None:
            raise EditError(f"`{step}` is not written in this file")
        place = Place(holder.value, holder, place.in_flow or place.node.flow)
    return place


def place_of(source: Source, wanted: Node, within: Place | None = None) -> Place | None:
    """Return the place of a node that is a value somewhere in the text."""
    place = within or Place(source.root or _EMPTY)
    if place.node is wanted:
        return place
    holders: list[Pair | Item] = [*place.node.pairs, *place.node.items]
    for holder in holders:
        inner = Place(holder.value, holder, place.in_flow or place.node.flow)
        found = place_of(source, wanted, inner)
        if found:
            return found
    return None


def node_contains(outer: Node, inner: Node) -> bool:
    """True if `inner` is written inside `outer`."""
    return outer.start <= inner.start and inner.end <= outer.end


_EMPTY = Node("scalar", 0, 0, 0, 0)


def data_of(node: Node) -> Json:
    """Return the plain value of a node, aliases and merge keys written out."""
    if node.target:
        return data_of(node.target)
    if node.kind == "scalar":
        typed = not node.style and "\n" not in node.value and node.tag != "tag:yaml.org,2002:str"
        return yaml.parse(f"- {node.value}", "").value[0] if typed else node.value
    if node.kind == "sequence":
        return [data_of(item.value) for item in node.items]
    below: dict[str, Json] = {}
    for pair in node.pairs:
        if pair.is_merge:
            found = data_of(pair.value)
            for part in found if isinstance(found, list) else [found]:
                below = {**part, **below}
    own = {pair.key.value: data_of(pair.value) for pair in node.pairs if not pair.is_merge}
    return {**below, **own}


def _resolved(node: Node) -> Node:
    return node.target if node.target else node
