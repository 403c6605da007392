"""Which entry each comment and blank line of a document belongs to, so that both can move along.

A comment on a line of its own belongs to the entry below it, unless it is indented deeper than
that: then it closes the block that it is indented with.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ldconf.documents.source import Source
from ldconf.documents.source_nodes import Item, Node, Pair

Entry: TypeAlias = Pair | Item


@dataclass(frozen=True)
class Comment:
    """A comment on its own line; `spaced` if the line above it is blank."""

    text: str
    spaced: bool


@dataclass
class Notes:
    """What is written around an entry."""

    before: list[Comment] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    spaced: bool = False  # the line above the entry is blank


@dataclass(frozen=True)
class _Place:
    """An entry with the collection it stands in and the entry above that."""

    entry: Entry
    parent: Node
    above: _Place | None


class Comments:
    """The comments of a document by entry (`of`) and by the block they close (`closing`)."""

    def __init__(self, source: Source, skipped: int = 0) -> None:
        """Comments before the offset `skipped` (directives and `---`) are left out."""
        self.source = source
        self._notes: dict[int, Notes] = defaultdict(Notes)
        self._closing: dict[int, list[Comment]] = defaultdict(list)
        self._places = list(_places(source.root, None)) if source.root else []
        self._starts = [place.entry.start for place in self._places]
        for place in self._places:
            self.of(place.entry).spaced = self._is_spaced(place.entry.start)
        self._clamp = (-1, 0)  # (next entry, deepest column still possible) of the gap at hand
        for start, end in source.comments:
            if start >= skipped:
                self._assign(start, source.text[start:end].rstrip())

    def of(self, entry: Entry) -> Notes:
        """Return what is written around an entry."""
        return self._notes[id(entry)]

    def closing(self, node: Node | None) -> list[Comment]:
        """Return the comments behind the last entry of a collection (None: of the document)."""
        return self._closing[id(node)]

    def inside(self, node: Node) -> bool:
        """True if a comment stands between the brackets of a flow collection."""
        return any(node.content < start < node.end for start, _ in self.source.comments)

    def _is_spaced(self, offset: int) -> bool:
        line = self.source.line_start(offset)
        if line == 0 or not self.source.starts_line(offset):
            return False
        return not self.source.text[self.source.line_start(line - 1) : line].strip()

    def _assign(self, start: int, text: str) -> None:
        at = bisect_left(self._starts, start)
        before = self._places[at - 1] if at else None
        after = self._places[at] if at < len(self._places) else None
        if before and not self.source.starts_line(start):
            self.of(_beside(before, start).entry).beside.append(text)
            return
        comment = Comment(text, self._is_spaced(start))
        if before and before.entry.start < start < before.entry.value.content:
            value = before.entry.value
            if not (value.pairs or value.items) or value.flow:
                self.of(before.entry).before.append(comment)
                return
        closed = self._closed(before, after, start) if before else None
        if closed:
            self.closing(closed).append(comment)
        elif after:
            self.of(after.entry).before.append(comment)
        else:
            self.closing(self.source.root if self._places else None).append(comment)

    def _closed(self, before: _Place, after: _Place | None, start: int) -> Node | None:
        """Return the collection that a comment between two entries closes, if it does."""
        for parent in _parents(before):
            if parent.flow and parent.content < start < parent.end:
                return None if after and after.entry.start < parent.end else parent
        column = self.source.column(start)
        floor = self.source.column(after.entry.start) if after else -1
        gap = after.entry.start if after else len(self.source.text)
        deepest = self._clamp[1] if self._clamp[0] == gap else column
        for parent in _parents(before):
            if after and parent.start <= after.entry.start < parent.end:
                break
            own = self.source.column((parent.pairs or parent.items)[0].start)
            if not parent.flow and floor < own <= min(column, deepest):
                self._clamp = (gap, own)
                return parent
        self._clamp = (gap, -1)
        return None


def header_comment(source: Source, node: Node) -> str:
    """Return the comment on the first line of a literal or folded block, or nothing."""
    if node.style not in ("|", ">"):
        return ""
    found = re.search(
        r"[ \t](#[^\r\n]*)", source.text[node.content : source.line_end(node.content)]
    )
    return found.group(1).rstrip() if found else ""


def _beside(place: _Place, start: int) -> _Place:
    """Return the entry beside which a comment stands: not one inside a closed flow collection."""
    found = place
    above = place.above
    parent = place.parent
    while above:
        if parent.flow and parent.end <= start:
            found = above
        parent, above = above.parent, above.above
    return found


def _parents(place: _Place) -> Iterator[Node]:
    """Yield the collections around an entry, from inside out."""
    around: _Place | None = place
    while around:
        yield around.parent
        around = around.above


def _places(node: Node, above: _Place | None) -> Iterator[_Place]:
    entries: list[Entry] = [*node.pairs, *node.items]
    for entry in entries:
        place = _Place(entry, node, above)
        yield place
        yield from _places(entry.value, place)
