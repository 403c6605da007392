"""Scalars in canonical form: quotes only where needed, long text as it was laid out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ldconf.documents import emit
from ldconf.documents.source import Source
from ldconf.documents.source_nodes import Node
from ldconf.documents.yaml import is_text


@dataclass(frozen=True)
class Block:
    """A value of several lines: `head` behind the key, `body` relative to the key's column.

    `is_spread` (plain or quoted): a comment belongs behind the last line, not behind the head.
    """

    head: str
    body: tuple[str, ...]
    is_spread: bool = False


def properties(source: Source, node: Node) -> str:
    """Return the anchor and the tag of a node as written, without what stands between them."""
    return " ".join(re.findall(r"(?m)(?<!\S)[&!][^\s#]*", source.text[node.start : node.content]))


def inline(source: Source, node: Node) -> str | None:
    """Return a scalar, alias or empty collection on one line, None if it takes several lines."""
    if node.kind == "scalar":
        if node.style in ("|", ">") and node.value.strip("\n"):
            return None
        if _is_spread(source, node) or (_is_text(node) and emit.literal(node.value)):
            return None
    return _one_line(source, node, in_flow=False)


def flow(source: Source, node: Node) -> str:
    """Return a scalar, alias or empty collection on one line inside a flow collection."""
    return _one_line(source, node, in_flow=True)


def key(source: Source, node: Node, *, in_flow: bool) -> str:
    """Return a mapping key."""
    return f"{properties(source, node)} {emit.key(node.value, flow=in_flow)}".lstrip()


def block(source: Source, node: Node) -> Block:
    """Return a scalar that `inline` does not take."""
    lead = properties(source, node)
    found = _block(source, node)
    return Block(f"{lead} {found.head}", found.body, found.is_spread) if lead else found


def _block(source: Source, node: Node) -> Block:
    if node.style == ">" and (folded := _folded(source, node)):
        return folded
    if node.style in ("|", ">"):
        return _literal(node.value)
    if _is_spread(source, node):
        first, *rest = source.text[node.content : node.end].splitlines()
        below = [" " * emit.STEP + line.strip(" \t") if line.strip() else "" for line in rest]
        return Block(first.rstrip(" \t"), tuple(below), is_spread=True)
    return _literal(node.value)


def _literal(value: str) -> Block:
    lines = value.removesuffix("\n").split("\n")
    indicator = str(emit.STEP) if not lines[0].strip() or lines[0][0] in " \t" else ""
    chomp = "-" if not value.endswith("\n") else "+" if value.endswith("\n\n") else ""
    return Block(f"|{indicator}{chomp}", _indented(lines))


def _folded(source: Source, node: Node) -> Block | None:
    """Return a folded block with its own line breaks, None if it says its indentation itself."""
    header, *lines = source.text[node.content : node.tail].splitlines()
    indicators = header.split("#")[0].strip()
    first = next((line for line in lines if line.strip()), "")
    if any(character.isdigit() for character in indicators):
        return None
    indent = len(first) - len(first.lstrip(" "))
    chomp = "-" if not node.value.endswith("\n") else "+" if "+" in indicators else ""
    return Block(f">{chomp}", _indented([line[indent:] for line in lines]))


def _indented(lines: list[str]) -> tuple[str, ...]:
    return tuple(" " * emit.STEP + line if line else "" for line in lines)


def _one_line(source: Source, node: Node, *, in_flow: bool) -> str:
    if node.kind == "alias":
        return f"*{node.value}"
    if node.kind != "scalar":
        text = "{}" if node.kind == "mapping" else "[]"
    elif _is_text(node):
        text = emit.string(node.value, flow=in_flow)
    else:
        text = _typed(source, node)
    return f"{properties(source, node)} {text}".strip(" ")


def _typed(source: Source, node: Node) -> str:
    """Return null, a boolean or a number; what has a tag stays as it is."""
    if node.tag:
        written = source.text[node.content : node.end]
        return emit.quoted(node.value) if node.style in ("|", ">") else " ".join(written.split())
    if node.value.lower() in ("", "~", "null"):
        return "null"
    return node.value.lower() if node.value[0] in "tTfF" else node.value


def _is_text(node: Node) -> bool:
    """True for text without a tag, which may be written in another style."""
    return not node.tag and bool(node.style or is_text(node.value))


def _is_spread(source: Source, node: Node) -> bool:
    """True for plain or quoted text over several lines."""
    return node.style not in ("|", ">") and "\n" in source.text[node.content : node.end]
