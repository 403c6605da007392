"""The text of a YAML file with the span of every key, value and list item, for editing.

`yaml.Document` answers what a file says and where; this answers which characters say it. Anchors
and aliases are kept apart here, since an edit of one place must not change another.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ldconf.core.errors import DocumentError, LdconfError
from ldconf.core.resource import Json
from ldconf.documents import yaml
from ldconf.documents.yaml import Mark, Path

BOM = "\ufeff"


class EditError(LdconfError):
    """The text cannot be edited without changing something else."""


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
        builder = _Builder(self.text, events, tokens)
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


class _Builder:
    """Events give the structure, tokens give the places of dashes, colons and commas."""

    def __init__(self, text: str, events: list[Mark], tokens: list[Mark]) -> None:
        self.text = text
        self.events = iter(events)
        self.anchors: dict[str, Node] = {}
        self.scalars = [mark.start for mark in tokens if mark.name == "Scalar"]
        self.dashes = [mark.start for mark in tokens if mark.name == "BlockEntry"]
        self.colons = [mark.start for mark in tokens if mark.name == "Value"]
        self.questions = [m.start for m in tokens if m.name == "Key" and m.end > m.start]
        self.commas = [mark.start for mark in tokens if mark.name == "FlowEntry"]

    def document(self) -> Node | None:
        """Return the root node, None for an empty document."""
        for event in self.events:
            if event.name == "DocumentStart":
                return self._node(next(self.events))
        return None

    def _node(self, event: Mark) -> Node:
        if event.name == "Alias":
            node = Node("alias", event.start, event.start, event.end, event.end, event.anchor or "")
            node.target = self.anchors[event.anchor or ""]
            node.target.users.append(node)
            return node
        node = self._scalar(event) if event.name == "Scalar" else self._collection(event)
        node.anchor, node.tag = event.anchor, event.tag
        return node

    def _scalar(self, event: Mark) -> Node:
        content = event.start
        if event.anchor or event.tag:
            at = bisect_left(self.scalars, event.start)
            inside = at < len(self.scalars) and self.scalars[at] < event.end
            content = self.scalars[at] if inside else event.end
        end = tail = event.end
        if event.style in ("|", ">"):
            blank = re.search(r"(?:\r?\n[ \t]*)*\Z", self.text[content:end])
            end = content + blank.start() if blank else end
            keeps = "+" in self.text[content : content + 3]
            tail = event.end if keeps or " " in self.text[end : event.end] else end
        node = Node("scalar", event.start, content, end, tail, event.value, event.style)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _collection(self, event: Mark) -> Node:
        kind = event.name.removesuffix("Start").lower()
        node = Node(kind, event.start, event.end, event.end, event.end, flow=event.flow)
        if event.anchor:
            self.anchors[event.anchor] = node
        last = self._pairs(node) if kind == "mapping" else self._items(node)
        if event.flow:
            bracket = self.text[event.end - 1 : event.end] in ("{", "[")
            node.content = event.end - 1 if bracket else event.start
            node.end = node.tail = last.end if bracket else max(p.end for p in node.pairs)
            return node
        parts: list[Pair] | list[Item] = node.pairs or node.items
        node.content = parts[0].start
        if not (event.anchor or event.tag):
            node.start = node.content
        node.end, node.tail = parts[-1].end, parts[-1].tail
        return node

    def _pairs(self, node: Node) -> Mark:
        while (event := next(self.events)).name != "MappingEnd":
            key = self._node(event)
            value = self._node(next(self.events))
            at = bisect_left(self.colons, key.end)
            limit = max(value.start, key.end + 1)
            colon = self.colons[at] + 1 if at < len(self.colons) else None
            if colon is not None and colon > limit:
                colon = None
            if value.start == value.end:  # an empty value stands behind its colon
                value.start = value.content = value.end = value.tail = colon or key.end
            before = node.pairs[-1].end if node.pairs else node.start
            start = self._before(self.questions, before, key.start)
            node.pairs.append(Pair(key, value, key.start if start is None else start, colon))
        return event

    def _items(self, node: Node) -> Mark:
        while (event := next(self.events)).name != "SequenceEnd":
            before = node.items[-1].end if node.items else node.start
            value = self._node(event)
            start = None if node.flow else self._before(self.dashes, before, value.start)
            dash = None if start is None else start + 1
            node.items.append(Item(value, value.start if start is None else start, dash))
        return event

    @staticmethod
    def _before(marks: list[int], low: int, high: int) -> int | None:
        """Return the first mark from `low` on that stands before or at `high`."""
        at = bisect_left(marks, low)
        last = bisect_right(marks, high)
        return marks[at] if at < last else None
