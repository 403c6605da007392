"""`ldconf fmt`: one canonical form of a document, that says the same and keeps every comment.

Two columns per level, lists indented below their key, quotes only where needed, fields in the
order of the kind, one blank line between sections. What fits on a line in flow style stays there.
Comments, anchors (also unused ones), blank lines between entries, line ends and the style of long
texts are kept. The result is compared with the original, so a fault here cannot lose anything.
"""

from __future__ import annotations

import posixpath

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.errors import DocumentError
from ldconf.core.resource import canonical_json
from ldconf.documents import format_scalar
from ldconf.documents.comments import Comment, Comments, Entry, header_comment
from ldconf.documents.emit import STEP, WIDTH
from ldconf.documents.format_order import ordered
from ldconf.documents.format_scalar import properties
from ldconf.documents.source import BOM, Source
from ldconf.documents.source_nodes import Node, Pair
from ldconf.documents.tree import SETTINGS_FILE
from ldconf.documents.yaml import Path


def format_text(text: str, path: str) -> str:
    """Return a document in canonical form. Raises DocumentError if it is not valid YAML."""
    source = Source(text, path)
    formatted = "".join(f"{line}{source.eol}" for line in _Writer(source).document())
    result = BOM + formatted if source.has_bom else formatted
    if not _says_the_same(source, result):
        summary = "this document cannot be formatted without changing what it says"
        raise DocumentError([Diagnostic(Severity.ERROR, summary, Position(path), "fmt")])
    return result


def _says_the_same(before: Source, text: str) -> bool:
    try:
        after = Source(text)
    except DocumentError:
        return False
    same = canonical_json(before.data) == canonical_json(after.data)
    return same and _comments(before) == _comments(after) and _anchors(before) == _anchors(after)


def _comments(source: Source) -> list[str]:
    plain = [source.text[start:end].rstrip() for start, end in source.comments]
    nodes = source.root.walk() if source.root else ()
    return sorted([*plain, *filter(None, (header_comment(source, node) for node in nodes))])


def _anchors(source: Source) -> list[str]:
    nodes = source.root.walk() if source.root else ()
    return sorted(node.anchor for node in nodes if node.anchor)


class _Writer:
    """Writes the parsed document anew, line by line."""

    def __init__(self, source: Source) -> None:
        self.source = source
        start = source.document_start
        self.has_sections = posixpath.basename(source.file) != SETTINGS_FILE
        self.comments = Comments(source, start)
        self.lines = [line.rstrip() for line in source.text[:start].splitlines() if line.strip()]
        self._body = len(self.lines)

    def document(self) -> list[str]:
        """Return all lines."""
        root = self.source.root
        if root is not None and root.is_block:
            if properties(self.source, root):
                self.lines.append(properties(self.source, root))
            self._collection(root, 0, ())
        elif root is not None and (root.pairs or root.items or root.end > root.start):
            self._value("", root, 0, [], ())
            self._remarks(self.comments.closing(root), 0, first=False)
        self._remarks(self.comments.closing(None), 0, first=len(self.lines) == self._body)
        if self.source.has_document_end:
            self.lines.append("...")
        return self.lines

    def _collection(self, node: Node, column: int, path: Path) -> None:
        if node.kind == "mapping":
            self._mapping(node, column, path)
        else:
            self._sequence(node, column, path)
        self._remarks(self.comments.closing(node), column, first=False)

    def _mapping(self, node: Node, column: int, path: Path) -> None:
        was_section = False
        for place, pair in enumerate(ordered(node, path)):
            start = f"{' ' * column}{self._key(pair)}:"
            below = (*path, pair.key.value)
            inline = self._inline(f"{start} ", pair.value, below)
            is_section = self.has_sections and not path and inline is None
            self._lead(pair, column, first=not place, apart=was_section and is_section)
            was_section = is_section
            beside = self.comments.of(pair).beside
            self._value(start, pair.value, column, beside, below)

    def _sequence(self, node: Node, column: int, path: Path) -> None:
        for place, item in enumerate(node.items):
            self._lead(item, column, first=not place)
            value, below, dash = item.value, (*path, place), " " * column + "-"
            beside = self.comments.of(item).beside
            nested = self._inline(f"{dash} ", value, below) is None and (value.pairs or value.items)
            if not nested or beside or properties(self.source, value):
                self._value(dash, value, column, beside, below)
                continue
            mark = len(self.lines)
            self._collection(value, column + STEP, below)
            first = self.lines[mark]
            if first.lstrip().startswith("#"):
                self.lines.insert(mark, dash)
            else:
                self.lines[mark] = f"{dash} {first[column + STEP :]}"

    def _lead(self, entry: Entry, column: int, *, first: bool, apart: bool = False) -> None:
        """Write the comments and the blank line above an entry."""
        notes = self.comments.of(entry)
        if apart:
            self._blank()
        self._remarks(notes.before, column, first=first)
        if notes.spaced and (notes.before or not first):
            self._blank()

    def _remarks(self, comments: list[Comment], column: int, *, first: bool) -> None:
        for place, comment in enumerate(comments):
            if comment.spaced and (place or not first):
                self._blank()
            self.lines.append(" " * column + comment.text)

    def _blank(self) -> None:
        if len(self.lines) > self._body and self.lines[-1]:
            self.lines.append("")

    def _value(self, start: str, node: Node, column: int, beside: list[str], path: Path) -> None:
        """Write an entry: `start` (its key or dash) and the value behind or below it."""
        remarks = [*beside, *filter(None, [header_comment(self.source, node)])]
        self.lines += [" " * column + remark for remark in remarks[:-1]]
        remark = f" {remarks[-1]}" if remarks else ""
        start += " " if start else ""
        inline = self._inline(start, node, path)
        if inline is not None:
            self.lines.append(f"{start}{inline}{remark}")
            return
        if not (node.pairs or node.items):
            block = format_scalar.block(self.source, node)
            below = [" " * column + line if line else "" for line in block.body]
            if block.is_spread:
                self.lines += [f"{start}{block.head}", *below[:-1], below[-1] + remark]
            else:
                self.lines += [f"{start}{block.head}{remark}", *below]
            return
        self.lines.append(f"{start}{properties(self.source, node)}".rstrip(" ") + remark)
        self._collection(node, column + STEP, path)

    def _inline(self, start: str, node: Node, path: Path) -> str | None:
        """Return a value on one line, None if it does not fit or should not stand on one."""
        if not (node.pairs or node.items):
            return format_scalar.inline(self.source, node)
        if not node.flow or self.comments.inside(node):
            return None
        flow = self._flow(node, path)
        return flow if len(start) + len(flow) <= WIDTH else None

    def _flow(self, node: Node, path: Path) -> str:
        lead = properties(self.source, node)
        lead += " " if lead else ""
        if node.kind == "mapping" and node.pairs:
            pairs = (
                f"{self._key(pair, flow=True)}: {self._flow(pair.value, (*path, pair.key.value))}"
                for pair in ordered(node, path)
            )
            return f"{lead}{{{', '.join(pairs)}}}"
        if node.items:
            items = (self._flow(item.value, (*path, i)) for i, item in enumerate(node.items))
            return f"{lead}[{', '.join(items)}]"
        return format_scalar.flow(self.source, node)

    def _key(self, pair: Pair, *, flow: bool = False) -> str:
        if pair.is_merge:
            return "<<"
        if pair.key.kind == "alias":
            return f"*{pair.key.value} "
        return format_scalar.key(self.source, pair.key, in_flow=flow)
