"""YAML text to plain values with positions: the only import of PyYAML.

The YAML 1.2 core schema on the libyaml parser: `no`, `on`, `017`, `1:30` and dates are text. What
a JSON document cannot say (other tags, keys that are not text, duplicate keys, `.inf`) is a problem
with a position, as is anything that could exhaust memory. Plain values carry no positions; a
`Document` composes its text again when one is asked for, so that a thousand documents stay small.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from ldconf.core.diagnostic import Diagnostic, Position
from ldconf.core.resource import Json
from ldconf.documents.yaml_node import Node, Path
from ldconf.documents.yaml_values import (
    BOOL,
    BOOLS,
    FLOAT,
    FLOATS,
    INT,
    INTS,
    MAP,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    MERGE,
    NULL,
    NULLS,
    SEQ,
    STR,
    TOO_DEEP,
    Builder,
    TooMuch,
    error,
    measure,
    quoted,
)

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # pragma: no cover - wheels of PyYAML bring libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

__all__ = [
    "LIBYAML",
    "MAX_BYTES",
    "MAX_DEPTH",
    "Document",
    "Mark",
    "Node",
    "Path",
    "marks",
    "parse",
    "quoted",
]

LIBYAML: bool = yaml.__with_libyaml__  # False: the pure Python parser, about 20 times slower
_BAD_CHARACTER = re.compile(
    "[^\\x09\\x0a\\x0d\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATORS = (",", "\n", ":", "[", "{")


_TYPED = (
    (BOOL, BOOLS, "tTfF"),
    (INT, INTS, "-+0123456789"),
    (FLOAT, FLOATS, "-+.0123456789"),
    (NULL, NULLS, "~nN"),
    (MERGE, re.compile(r"^<<$"), "<"),
)
_BY_START: dict[str, list[tuple[str, re.Pattern[str]]]] = {"": [(NULL, NULLS)]}
for _tag, _pattern, _starts in _TYPED:
    for _start in _starts:
        _BY_START.setdefault(_start, []).append((_tag, _pattern))


class CoreSchema:
    """The YAML 1.2 core schema for a loader of PyYAML, whose own are those of 1.1."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """Return the tag of a node that has none."""
        if kind is yaml.ScalarNode:
            if implicit[0]:
                for tag, pattern in _BY_START.get(value[:1], ()):
                    if pattern.match(value):
                        return tag
            return STR
        return SEQ if kind is yaml.SequenceNode else MAP

    def descend_resolver(self, *_: Any) -> None:
        """Nothing depends on the path: saves a third of the time."""

    def ascend_resolver(self) -> None:
        """Nothing depends on the path."""


class _Loader(CoreSchema, _BaseLoader):
    """The libyaml parser with our schema."""


@dataclass(frozen=True)
class Document:
    """One YAML file. `value` is plain JSON, None if the file is empty or has a syntax error."""

    file: str
    text: str  # without a byte order mark
    value: Json = None
    problems: tuple[Diagnostic, ...] = ()
    has_bom: bool = False

    @cached_property
    def root(self) -> Node | None:
        """The node tree, composed anew; None for an empty or broken document."""
        try:
            raw = yaml.compose(self.text, _Loader)
        except (yaml.YAMLError, RecursionError):
            return None
        return Node(raw) if raw is not None else None

    def node(self, path: Path) -> Node | None:
        """Return the node at a path."""
        return self.root.at(path) if self.root else None

    def key_position(self, path: Path) -> Position | None:
        """Return where the key (or list item) at a path starts."""
        parent = self.node(path[:-1]) if path else None
        found = parent.entry(path[-1]) if parent else None
        if not found:
            return self._position(self.root) if self.root and not path else None
        return self._position(found[0] or found[1])

    def position(self, path: Path) -> Position | None:
        """Return where the value at a path is written: a block below a key counts as its key."""
        node = self.node(path)
        if node is None:
            return None
        if path and (node.kind != "scalar" and not node.is_flow):
            return self.key_position(path)
        return self._position(node)

    def _position(self, node: Node) -> Position:
        return Position(self.file, node.line, node.column)


def parse(content: bytes | str, file: str, *, loader: type[Any] = _Loader) -> Document:
    """Return the document; never raises: what is wrong with it stands in `problems`."""
    if len(content) >= MAX_BYTES:
        summary = f"the file is too large: {len(content):,} bytes, the limit is {MAX_BYTES:,}"
        return _failed(file, "", summary, Position(file), "yaml-size")
    if isinstance(content, bytes):
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as err:
            before = content[: err.start].decode("utf-8")
            summary = f"the file is not UTF-8 (byte 0x{content[err.start]:02x})"
            return _failed(file, "", summary, _end_of(before, file), "yaml-encoding")
    else:
        text = content
    has_bom = text.startswith("\ufeff")
    text = text.removeprefix("\ufeff")
    problem = _unreadable(text, file)
    if problem:
        return Document(file, text, None, (problem,), has_bom)
    return _compose(text, file, has_bom, loader)


def _failed(file: str, text: str, summary: str, position: Position, rule: str) -> Document:
    return Document(file, text, None, (error(summary, position, rule),))


def _end_of(text: str, file: str) -> Position:
    """Return the position of the character after `text`."""
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    return Position(file, len(lines), len(lines[-1]) + 1)


def _unreadable(text: str, file: str) -> Diagnostic | None:
    """Return the problem of a text that must not reach the parser."""
    bad = _BAD_CHARACTER.search(text)
    if bad:
        position = _end_of(text[: bad.start()], file)
        code = f"U+{ord(bad.group()):04X}"
        hint = f'write it as "\\u{ord(bad.group()):04x}" in double quotes, or remove it'
        return error(f"control character {code} in the file", position, "yaml-encoding", hint)
    # Each value but the first follows one of these, so this bounds the memory of the parser.
    if len(text) > MAX_VALUES and sum(map(text.count, _SEPARATORS)) > 2 * MAX_VALUES:
        summary = f"the file holds too many values or lines; the limit is about {MAX_VALUES:,}"
        return error(summary, Position(file), "yaml-size")
    return None


def _compose(text: str, file: str, has_bom: bool, loader: type[Any]) -> Document:
    try:
        root = yaml.compose(text, loader)
    except yaml.MarkedYAMLError as err:
        return Document(file, text, None, (_syntax(err, text, file),), has_bom)
    except yaml.YAMLError as err:  # pragma: no cover - readers' errors are found before
        summary = f"not YAML: {' '.join(str(err).split())}"
        return Document(file, text, None, (error(summary, Position(file), "yaml-syntax"),))
    except RecursionError:  # pragma: no cover - only the pure Python parser
        summary = TOO_DEEP
        return Document(file, text, None, (error(summary, Position(file), "yaml-depth"),))
    if root is None:
        return Document(file, text, None, (), has_bom)
    builder = Builder(file)
    try:
        if "*" in text:
            measure(root, {}, 0)
        value = builder.build(root, 0)
    except TooMuch as err:
        node = Node(err.node)
        position = Position(file, node.line, node.column)
        return Document(file, text, None, (error(err.summary, position, err.rule),), has_bom)
    return Document(file, text, value, tuple(builder.problems), has_bom)


_SYNTAX_WORDS = (
    ("exceeded maximum nesting depth", TOO_DEEP),
    ("but found another document", "a file holds one YAML document; a second one starts here"),
    ("found undefined alias", "alias without an anchor"),
    ("found duplicate anchor", "the anchor is defined twice"),
)
_SYNTAX_HINTS = (
    ("mapping values are not allowed", 'put text that contains ": " into quotes'),
    ("could not find expected ':'", "a `:` is missing, or a line is indented too little"),
    ("did not find expected key", "check the indentation and the quotes around this place"),
    ("found undefined alias", 'put text that starts with "*" into quotes'),
    ("while scanning an alias", 'put text that starts with "*" into quotes'),
    ("while scanning an anchor", 'put text that starts with "&" into quotes'),
    ("found unexpected end of stream", "the quote that starts here is not closed"),
    ("while parsing a flow node", "a bracket is not closed, or a value is missing"),
    ("while parsing a flow", "the bracket that starts here is not closed, or a `,` is missing"),
)


def _syntax(err: yaml.MarkedYAMLError, text: str, file: str) -> Diagnostic:
    """Return the parser's error in our words, at the place it names."""
    said = " ".join(f"{err.context or ''} {err.problem or ''}".split())
    unclosed = "unexpected end of stream" in said or "flow" in (err.context or "")
    mark = (err.context_mark if unclosed else None) or err.problem_mark or err.context_mark
    position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
    at = text[mark.index : mark.index + 1] if mark else ""
    if at == "\t":
        return error("a tab cannot indent YAML", position, "yaml-syntax", "use spaces")
    hint = next((words for part, words in _SYNTAX_HINTS if part in said), None)
    for part, words in _SYNTAX_WORDS:
        if part in said:
            return error(words, position, "yaml-syntax", hint)
    if at in ("`", "@", "%") and "cannot start any token" in said:
        hint = f'put text that starts with "{at}" into quotes'
    said = " ".join((err.problem or said).split())
    return error(f"not YAML: {said}", position, "yaml-syntax", hint)


@dataclass(frozen=True)
class Mark:
    """One event or token of the parser with its span; for editors, which need every character.

    `name` is the parser's word without its ending: `Scalar`, `MappingStart`, `Alias`, `BlockEntry`.
    """

    name: str
    start: int
    end: int
    anchor: str | None = None
    tag: str | None = None
    value: str = ""
    style: str = ""
    flow: bool = False


def marks(text: str) -> tuple[list[Mark], list[Mark]]:
    """Return (events, tokens) of a text without byte order mark, which `parse` found valid."""
    return (
        [_mark(event, "Event") for event in yaml.parse(text, Loader=_Loader)],
        [_mark(token, "Token") for token in yaml.scan(text, Loader=_Loader)],
    )


def _mark(raw: Any, ending: str) -> Mark:
    return Mark(
        type(raw).__name__.removesuffix(ending),
        raw.start_mark.index,
        raw.end_mark.index,
        getattr(raw, "anchor", None),
        getattr(raw, "tag", None),
        str(getattr(raw, "value", None) or ""),
        getattr(raw, "style", None) or "",
        bool(getattr(raw, "flow_style", False)),
    )


def is_text(plain: str) -> bool:
    """True if a scalar written without quotes is text, not null, a boolean or a number."""
    return not any(typed.match(plain) for typed in (NULLS, BOOLS, INTS, FLOATS))
