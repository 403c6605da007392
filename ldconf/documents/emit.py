"""JSON values as YAML text that reads back as the same value, in the style of our files.

Strings are quoted when YAML 1.1 tools would read something else (`no`, `1:30`), multi-line text is
a literal block, short lists of words and small maps of words stand on one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ldconf.core.resource import Json

WIDTH = 100
STEP = 2

# What YAML 1.1 or the 1.2 core schema would not read as a string.
_LOOKS_TYPED = re.compile(
    r"(?i:null|true|false|yes|no|on|off|y|n)|~"
    r"|[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[-+]?0[xob][0-9a-fA-F_]+"
    r"|[-+]?(?i:\.inf)|(?i:\.nan)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
    r"|<<|="
)
# The same for keys, where only the 1.2 core schema counts (`off` and `on` are ordinary keys).
_TYPED_KEY = re.compile(
    r"(?:null|Null|NULL|true|True|TRUE|false|False|FALSE)|~|<<|="
    r"|[-+]?(?:0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
# Characters that YAML does not allow in a plain text, or reads as a line break.
_UNPRINTABLE = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=")
_FLOW_BREAKS = re.compile(r"[,\[\]{}?]|:(?=$|[,\[\]{}?])")


@dataclass(frozen=True)
class Rendered:
    """A value behind `key:` or `-`: `head` stays on that line, `body` are the lines below it."""

    head: str
    body: tuple[str, ...] = ()


def string(value: str, *, flow: bool = False) -> str:
    """Return a string on one line: plain if no reader can mistake it, else quoted."""
    return value if _is_plain(value, flow) and not _LOOKS_TYPED.fullmatch(value) else quoted(value)


def key(value: str, *, flow: bool = False) -> str:
    """Return a mapping key on one line."""
    return value if _is_plain(value, flow) and not _TYPED_KEY.fullmatch(value) else quoted(value)


def quoted(value: str) -> str:
    """Return a quoted string: double quotes, or single ones where that saves escapes."""
    simple = not _UNPRINTABLE.search(value) and not set("'\n\t") & set(value)
    if simple and set('"\\') & set(value):
        return f"'{value}'"
    return _UNPRINTABLE.sub(_escape, json.dumps(value, ensure_ascii=False))


def scalar(value: Json, *, flow: bool = False) -> str:
    """Return null, a boolean, a number or a string on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(value)
    return string(value, flow=flow)


def flow(value: Json) -> str:
    """Return any value on one line, maps and lists in flow style."""
    if isinstance(value, Mapping):
        pairs = (f"{key(name, flow=True)}: {flow(inner)}" for name, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    return scalar(value, flow=True)


def literal(value: str) -> Rendered | None:
    """Return a text as a literal block whose lines are indented by one step, if YAML can hold it.

    Texts on one line, with unprintable characters or with a final empty line cannot (the blank
    lines that follow the block in the file would become part of it).
    """
    if "\n" not in value or value.endswith("\n\n") or not value.strip("\n"):
        return None
    lines = value.removesuffix("\n").split("\n")
    if _UNPRINTABLE.search(value) or not lines[-1].strip(" \t"):
        return None
    indicator = str(STEP) if not lines[0].strip(" \t") or lines[0][0] in " \t" else ""
    chomp = "" if value.endswith("\n") else "-"
    body = tuple(" " * STEP + line if line else "" for line in lines)
    return Rendered(f"|{indicator}{chomp}", body)


@dataclass(frozen=True)
class Spot:
    """Where a value will stand, which decides what fits on a line.

    `column` is that of its key or dash, `head` where it would start on that line. The first
    `levels` levels of maps never stand on one line. Without `blocks` multi-line text is quoted.
    """

    column: int = 0
    head: int = 0
    levels: int = 0
    blocks: bool = True


def value(content: Json, spot: Spot = Spot()) -> Rendered:
    """Return a value in block style; body lines are relative to its key or dash."""
    if isinstance(content, str):
        return (literal(content) if spot.blocks else None) or Rendered(string(content))
    if not isinstance(content, Mapping | list | tuple):
        return Rendered(scalar(content))
    may_flow = spot.levels <= 0 or not isinstance(content, Mapping)
    if not content or (may_flow and _fits(content, spot.head)):
        return Rendered(flow(content))
    inner = replace(spot, column=spot.column + STEP, levels=spot.levels - 1)
    return Rendered("", tuple(_indented(_lines(content, inner))))


def entry(name: str, content: Json, spot: Spot = Spot()) -> list[str]:
    """Return `name: content` as lines, for a key that will stand in the spot's column."""
    start = f"{key(name)}:"
    rendered = value(content, replace(spot, head=spot.column + len(start) + 1))
    return [f"{start} {rendered.head}" if rendered.head else start, *rendered.body]


def element(content: Json, spot: Spot = Spot()) -> list[str]:
    """Return `- content` as lines, for a dash that will stand in the spot's column."""
    spot = replace(spot, head=spot.column + 2, levels=0)
    rendered = value(content, spot)
    if rendered.head:
        return [f"- {rendered.head}", *rendered.body]
    lines = _lines(content, replace(spot, column=spot.column + STEP))
    return ["- " + lines[0], *_indented(lines[1:])]


def document(content: Mapping[str, Json], levels: int = 3) -> str:
    """Return a whole document: a block mapping with a blank line between its sections."""
    spot = Spot(levels=levels - 1)
    chunks = ["\n".join(entry(name, inner, spot)) for name, inner in content.items()]
    return "\n\n".join(chunks) + "\n" if chunks else "{}\n"


def _lines(content: Mapping[str, Json] | Sequence[Json], spot: Spot) -> list[str]:
    """Return a map or list, not empty, in block style from the spot's column on."""
    if isinstance(content, Mapping):
        entries = (entry(name, inner, spot) for name, inner in content.items())
        return [line for lines in entries for line in lines]
    return [line for inner in content for line in element(inner, spot)]


def _indented(lines: Sequence[str]) -> list[str]:
    return [" " * STEP + line if line else "" for line in lines]


def _fits(content: Json, column: int) -> bool:
    """True for lists of words, and maps of words and such lists, that fit on the line."""
    if isinstance(content, Mapping):
        small = len(content) <= 6 and all(
            _is_word(one) or _is_words(one) for one in content.values()
        )
    else:
        small = _is_words(content)
    return small and column + len(flow(content)) <= WIDTH


def _is_words(content: Json) -> bool:
    return isinstance(content, list | tuple) and all(_is_word(one) for one in content)


def _is_word(content: Json) -> bool:
    if isinstance(content, str):
        return not re.search(r"\s", content)
    return not isinstance(content, Mapping | list | tuple)


def _is_plain(text: str, in_flow: bool) -> bool:
    if not text or text != text.strip() or text[0] in _INDICATORS or text[-1] == ":":
        return False
    if _UNPRINTABLE.search(text) or "\n" in text or "\t" in text or text.startswith("..."):
        return False
    if ": " in text or " #" in text:
        return False
    return not (in_flow and _FLOW_BREAKS.search(text))


def _float(value: float) -> str:
    """Return a float as a person writes it, with a point or exponent so that it stays a float."""
    if value != value or value in (float("inf"), float("-inf")):
        return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
    plain = format(Decimal(repr(value)), "f")
    if len(plain) > 20:
        return repr(value)
    return plain if "." in plain else f"{plain}.0"


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
