"""Events and tokens of the parser to nodes with spans."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from ldconf.documents.source_nodes import Item, Node, Pair
from ldconf.documents.yaml import Mark


class Builder:
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
