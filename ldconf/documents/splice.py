"""Which characters to replace for one edit of a parsed text. `edit.py` decides what to edit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ldconf.core.resource import Json
from ldconf.documents import emit
from ldconf.documents.emit import Spot
from ldconf.documents.source import BOM, EditError, Place, Source, data_of, pair_of, place_of
from ldconf.documents.source_nodes import Item, Node, Pair

Splices: TypeAlias = list[tuple[int, int, str]]  # (start, end, replacement), any order


def applied(source: Source, splices: Splices) -> str:
    """Return the whole text with replacements made; new line ends become those of the file."""
    text = source.text
    if not text.endswith("\n") and any(e == len(text) and "\n" in new for _, e, new in splices):
        text += source.eol  # a block that ends the file needs a line end; the splices stay valid
    ordered = sorted(enumerate(splices), key=lambda one: (*one[1][:2], one[0]), reverse=True)
    for _, (start, end, new) in ordered:
        text = text[:start] + new.replace("\n", source.eol) + text[end:]
    return BOM + text if source.has_bom else text


def replace(source: Source, place: Place, value: Json, anchor: str | None = None) -> Splices:
    """Replace a value. Its anchor stays (or becomes `anchor`), its tag goes."""
    node = place.node
    anchor = anchor or node.anchor
    if place.in_flow:
        return [(node.start, node.end, _inline(source, place, anchor, emit.flow(value)))]
    if place.holder is None:
        return _replace_root(source, node, value, anchor)
    head, body = _rendered(source, place.holder, value, anchor)
    base = _base(place.holder)
    if "\n" in source.text[base : node.content]:
        return _replace_below(source, place, head, body, anchor)
    if node.style in ("|", ">"):
        header_end = source.line_end(node.content)
        comment = re.search(r"[ \t]+#.*", source.text[node.content : header_end])
        head += comment.group() if comment else ""
    gap = source.text[base : node.start]
    lead = (gap or " ") if head else ""
    end = source.line_end(node.end)
    splices = [(base, node.end, lead + head)]
    if body:
        splices.append((end, end, "\n" + "\n".join(body)))
    return splices


def _replace_below(
    source: Source, place: Place, head: str, body: Sequence[str], anchor: str | None
) -> Splices:
    """Replace a value that starts on a line below its key or dash."""
    node = place.node
    base = properties = _base(place.holder)
    value_start = node.start
    if "\n" not in source.text[base : node.start]:  # an anchor beside the key
        beside = re.match(r"(?:[&!]\S*[ \t]*)*", source.text[node.start : node.content])
        properties = node.start + len(beside.group().rstrip()) if beside else base
        value_start = node.content
    first_line = source.line_start(value_start)
    splices = [(base, properties, f" {head}" if head else "")]
    if not body:  # comments between the key and the value stay
        return [*splices, (first_line, source.next_line(node.end), "")]
    below = "\n".join(body)
    end = source.line_end(node.end)  # a comment behind the old value would be text of a new block
    if head in ("", f"&{anchor}"):
        return [*splices, (first_line, end, below)]
    return [*splices, (source.line_end(base), end, f"\n{below}")]


def _replace_root(source: Source, node: Node, value: Json, anchor: str | None) -> Splices:
    rendered = emit.value(
        value, Spot(column=-emit.STEP, levels=1, blocks=_is_free(source, node.end, 0))
    )
    lines = [line.removeprefix(" " * emit.STEP) for line in rendered.body]
    text = "\n".join([rendered.head, *lines] if rendered.head else lines)
    text = f"&{anchor} {text}" if anchor else text
    if source.root is None:
        end = len(source.text)
        gap = "" if not source.text or source.text.endswith("\n") else "\n"
        return [(end, end, f"{gap}{text}\n")]
    return [(node.start, source.line_end(node.end), text)]


@dataclass(frozen=True)
class NewPair:
    """A pair to insert behind the key `after`, or at the end of its map; "" is its start.

    The first `levels` levels of maps below its key do not stand on one line.
    """

    name: str
    value: Json
    after: str | None = None
    levels: int = 0


def insert_key(source: Source, place: Place, new: NewPair) -> Splices:
    """Insert a pair into a map."""
    node = place.node
    if source.root is None or (node.kind == "scalar" and place.holder is None):
        return _replace_root(source, node, {new.name: new.value}, node.anchor)
    if not node.pairs:
        return replace(source, place, {new.name: new.value})
    before = (pair_of(node, new.after) if new.after else None) or node.pairs[-1]
    first = node.pairs[0].start
    if node.flow:
        text = f"{emit.key(new.name, flow=True)}: {emit.flow(new.value)}"
        return (
            [(first, first, f"{text}, ")] if new.after == "" else _insert_flow(source, before, text)
        )
    column = source.column(first)
    if new.after == "":
        return _insert_first(
            source, first, emit.entry(new.name, new.value, Spot(column, levels=new.levels))
        )
    spot = Spot(column, levels=new.levels, blocks=_is_free(source, before.tail, column))
    return _insert_block(source, before, emit.entry(new.name, new.value, spot), column)


def insert_item(source: Source, place: Place, index: int, value: Json) -> Splices:
    """Insert an item into a list before the item `index`."""
    node = place.node
    if not node.items:
        return replace(source, place, [value])
    before = node.items[index - 1] if index else None
    if node.flow:
        if before is None:
            start = node.items[0].start
            return [(start, start, f"{emit.flow(value)}, ")]
        return _insert_flow(source, before, emit.flow(value))
    column = source.column(node.items[0].start)
    free = before is None or _is_free(source, before.tail, column)
    lines = emit.element(value, Spot(column, blocks=free))
    if before is None:
        return _insert_first(source, node.items[0].start, lines)
    return _insert_block(source, before, lines, column)


def cut(source: Source, place: Place, step: str | int | None) -> Splices:
    """Cut a pair or item out of a map or list; `None` cuts the merge key."""
    node = place.node
    parts: Sequence[Pair | Item] = node.pairs or node.items
    if isinstance(step, int):
        index = step
    else:
        wanted = pair_of(node, step) if step else next(p for p in node.pairs if p.is_merge)
        index = next(i for i, part in enumerate(parts) if part is wanted)
    if len(parts) == 1:
        return replace(source, place, {} if node.kind == "mapping" else [])
    return _cut_flow(source, node, index) if node.flow else _cut_block(source, parts, index)


def move_anchor(source: Source, node: Node) -> Splices:
    """Take the anchor away from a node and give it, with a copy of the value, to its first user."""
    end = node.start + len(f"&{node.anchor}")
    end += len(source.text[end : node.content]) - len(source.text[end : node.content].lstrip(" \t"))
    start = node.start
    if source.text[end : end + 1] in ("", "\r", "\n", "#"):
        start -= len(source.text[:start]) - len(source.text[:start].rstrip(" \t"))
    first = min(node.users, key=lambda user: user.start)
    place = place_of(source, first)
    if place is None:
        raise EditError(f"the alias `*{node.anchor}` is used as a key")
    return [(start, end, ""), *replace(source, place, data_of(node), node.anchor)]


def _rendered(
    source: Source, holder: Pair | Item, value: Json, anchor: str | None
) -> tuple[str, list[str]]:
    """Return what follows the colon or dash, and the lines below it, indented for the file."""
    column = source.column(holder.start)
    head_column = column + _base(holder) - holder.start + 1
    spot = Spot(column, head_column, blocks=_is_free(source, holder.tail, column))
    if isinstance(holder, Item) and not anchor:
        first, *rest = emit.element(value, spot)
        head = first.removeprefix("- ")
    else:
        rendered = emit.value(value, spot)
        head, rest = rendered.head, list(rendered.body)
    if anchor:
        head = f"&{anchor} {head}".rstrip(" ")
    return head, [" " * column + line if line else "" for line in rest]


def _is_free(source: Source, offset: int, column: int) -> bool:
    """False if a deeper comment follows, which a block text below `column` would swallow."""
    following = re.compile(r"\s*^( *)#", re.MULTILINE).match(source.text, source.next_line(offset))
    return following is None or len(following.group(1)) <= column


def _base(holder: Pair | Item | None) -> int:
    """Return the offset behind the colon or dash."""
    if isinstance(holder, Item):
        return holder.dash or holder.start
    return (holder.colon or holder.key.end) if holder else 0


def _inline(source: Source, place: Place, anchor: str | None, new: str) -> str:
    text = f"&{anchor} {new}" if anchor else new
    if isinstance(place.holder, Pair) and place.holder.colon is None:
        return f": {text}"
    before = source.text[place.node.start - 1 : place.node.start]
    return f" {text}" if before == ":" else text


def _insert_block(
    source: Source, before: Pair | Item, lines: Sequence[str], column: int
) -> Splices:
    text = "\n".join(" " * column + line if line else "" for line in lines)
    if before.tail > before.end and source.column(before.tail) == 0:
        return [(before.tail, before.tail, text + "\n")]
    at = source.line_end(before.tail)
    return [(at, at, "\n" + text), *_closed(source, before, at)]


def _insert_first(source: Source, first: int, lines: Sequence[str]) -> Splices:
    """Insert lines above the first entry of a block and the comments that belong to it."""
    start = _above(source, first)
    indent = " " * source.column(start)
    below = [indent + line if line else "" for line in lines[1:]]
    return [(start, start, "\n".join([lines[0], *below, indent]))]


def _closed(source: Source, before: Pair | Item, at: int) -> Splices:
    """A block text that ends the file without a line end must not gain one: `|` becomes `|-`."""
    *_, last = before.value.walk()
    if at < len(source.text) or last.style not in ("|", ">"):
        return []
    header = re.match(r"[|>][0-9]?\+?", source.text[last.content :])
    if header is None or source.text[last.content + header.end() :].startswith("-"):
        return []
    end = last.content + header.end()
    return [(last.content, end, header.group().rstrip("+") + "-")]


def _insert_flow(source: Source, before: Pair | Item, new: str) -> Splices:
    at = before.end
    if source.starts_line(before.start):
        return [(at, at, f",\n{' ' * source.column(before.start)}{new}")]
    return [(at, at, f", {new}")]


def _above(source: Source, start: int) -> int:
    """Return where the comment lines directly above a block entry start, in its own column."""
    column = source.column(start)
    if not source.starts_line(start):
        return start
    while (line := source.line_start(start)) > 0:
        above = source.line_start(line - 1)
        text = source.text[above:line]
        if not text.startswith(" " * column + "#"):
            break
        start = above + column
    return start


def _cut_block(source: Source, parts: Sequence[Pair | Item], index: int) -> Splices:
    part = parts[index]
    end = part.tail if part.tail > part.end else source.next_line(part.end)
    if source.starts_line(part.start):
        return [(source.line_start(part.start), end, "")]
    # The first of a map or list that starts behind a dash: the next one takes its place.
    following = parts[1].start
    between = source.text[part.end : following]
    if "#" in between:
        start = (
            part.start - len(source.text[: part.start]) + len(source.text[: part.start].rstrip(" "))
        )
        return [(start, source.line_end(part.end), "")]
    return [(part.start, following, "")]


def _cut_flow(source: Source, node: Node, index: int) -> Splices:
    parts: Sequence[Pair | Item] = node.pairs or node.items
    part = parts[index]
    limit = parts[index + 1].start if index + 1 < len(parts) else node.end
    comma = source.comma(part.end, limit)
    alone = source.starts_line(part.start)
    end = part.end if comma is None else comma + 1
    rest = source.text[end : source.line_end(end)].strip(" \t")
    if alone and (not rest or rest.startswith("#")):
        return [(source.line_start(part.start), source.next_line(end), "")]
    if index + 1 < len(parts):
        blanks = len(source.text[end:limit]) - len(source.text[end:limit].lstrip(" "))
        return [(part.start, end + blanks, "")]
    before = source.comma(parts[index - 1].end, part.start)
    if before is None or "#" in source.text[before : part.start]:
        return [(part.start, part.end, "")]
    return [(before, part.end, "")]
