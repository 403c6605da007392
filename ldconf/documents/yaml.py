"""YAML text to plain values with positions: the only import of PyYAML.

The YAML 1.2 core schema on the libyaml parser: `no`, `on`, `017`, `1:30` and dates are text. What
a JSON document cannot say (other tags, keys that are not text, duplicate keys, `.inf`) is a problem
with a position, as is anything that could exhaust memory. Plain values carry no positions; a
`Document` composes its text again when one is asked for, so that a thousand documents stay small.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import yaml

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.resource import Json

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # pragma: no cover - wheels of PyYAML bring libyaml
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

Path: TypeAlias = tuple[str | int, ...]

LIBYAML: bool = yaml.__with_libyaml__  # False: the pure Python parser, about 20 times slower
MAX_BYTES = 10_000_000  # files of this size and more are refused
MAX_VALUES = 500_000  # values in one document, aliases written out
MAX_DEPTH = 100  # levels of nesting, aliases written out

_TAG = "tag:yaml.org,2002:"
_STR, _MERGE, _NULL, _BOOL = _TAG + "str", _TAG + "merge", _TAG + "null", _TAG + "bool"
_INT, _FLOAT, _MAP, _SEQ = _TAG + "int", _TAG + "float", _TAG + "map", _TAG + "seq"

_NULLS = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOLS = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INTS = re.compile(r"^(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOATS = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_BAD_CHARACTER = re.compile(
    "[^\\x09\\x0a\\x0d\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_BIGGEST_INT = 2**64
_SEPARATORS = (",", "\n", ":", "[", "{")


class _Loader(_BaseLoader):
    """The C parser with the YAML 1.2 core schema instead of 1.1's."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_Loader.add_implicit_resolver(_BOOL, _BOOLS, list("tTfF"))
_Loader.add_implicit_resolver(_INT, _INTS, list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, _FLOATS, list("-+.0123456789"))
_Loader.add_implicit_resolver(_NULL, _NULLS, ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_MERGE, re.compile(r"^<<$"), ["<"])


class Node:
    """A YAML node with its place in the text; `start` and `end` are offsets into `Document.text`.

    A node reached by an alias is the anchored node itself, with the anchor's place.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    @property
    def kind(self) -> str:
        """`scalar`, `sequence` or `mapping`."""
        return str(self.raw.id)

    @property
    def text(self) -> str:
        """The text of a scalar, without quotes and escapes."""
        return self.raw.value if self.raw.id == "scalar" else ""

    @property
    def is_flow(self) -> bool:
        """True for `{...}` and `[...]`."""
        return self.raw.id != "scalar" and bool(self.raw.flow_style)

    @property
    def style(self) -> str:
        """The style of a scalar: `'`, `"`, `|`, `>` or nothing for a plain one."""
        return (self.raw.style or "") if self.raw.id == "scalar" else ""

    @property
    def start(self) -> int:
        """Offset of the first character."""
        return int(self.raw.start_mark.index)

    @property
    def end(self) -> int:
        """Offset after the last character (of a block: where the next key's line starts)."""
        return int(self.raw.end_mark.index)

    @property
    def line(self) -> int:
        """Line of the first character, from 1."""
        return int(self.raw.start_mark.line) + 1

    @property
    def column(self) -> int:
        """Column of the first character, from 1."""
        return int(self.raw.start_mark.column) + 1

    @property
    def is_merge(self) -> bool:
        """True for the key `<<`."""
        return bool(self.raw.tag == _MERGE)

    def entries(self) -> list[tuple[Node, Node]]:
        """Return the (key, value) nodes of a mapping as written, merge keys included."""
        if self.raw.id != "mapping":
            return []
        return [(Node(key), Node(value)) for key, value in self.raw.value]

    def items(self) -> list[Node]:
        """Return the nodes of a sequence."""
        return [Node(item) for item in self.raw.value] if self.raw.id == "sequence" else []

    def entry(self, step: str | int) -> tuple[Node | None, Node] | None:
        """Return the (key, value) of one step of a path, or None. Items have no key."""
        if isinstance(step, int):
            items = self.items()
            return (None, items[step]) if 0 <= step < len(items) else None
        merged: tuple[Node | None, Node] | None = None
        for key, value in self.entries():
            if key.is_merge:
                merged = merged or _merged_entry(value, step)
            elif key.text == step:
                return key, value
        return merged

    def at(self, path: Path) -> Node | None:
        """Return the node at a path, or None."""
        node: Node | None = self
        for step in path:
            found = node.entry(step) if node else None
            node = found[1] if found else None
        return node

    def children(self) -> Iterator[tuple[str | int, Node]]:
        """Yield (step, node) of a mapping or sequence, merged entries included."""
        yield from enumerate(self.items())
        seen: set[str] = set()
        for key, value in self.entries():
            if key.is_merge:
                inner = value.items() if value.kind == "sequence" else [value]
                found = [pair for source in inner for pair in source.children()]
            else:
                found = [(key.text, value)]
            for step, child in found:
                if str(step) not in seen:
                    seen.add(str(step))
                    yield step, child


def _merged_entry(value: Node, step: str) -> tuple[Node | None, Node] | None:
    for source in value.items() if value.kind == "sequence" else [value]:
        found = source.entry(step)
        if found:
            return found
    return None


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
        loader = _Loader(self.text)
        try:
            raw = loader.get_single_node()
        except (yaml.YAMLError, RecursionError):
            return None
        finally:
            loader.dispose()
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


def parse(content: bytes | str, file: str) -> Document:
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
    return _compose(text, file, has_bom)


def _failed(file: str, text: str, summary: str, position: Position, rule: str) -> Document:
    return Document(file, text, None, (_error(summary, position, rule),))


def _error(summary: str, position: Position, rule: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(Severity.ERROR, summary, position, rule, hint)


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
        return _error(f"control character {code} in the file", position, "yaml-encoding", hint)
    # Each value but the first follows one of these, so this bounds the memory of the parser.
    if len(text) > MAX_VALUES and sum(map(text.count, _SEPARATORS)) > 2 * MAX_VALUES:
        summary = f"the file holds too many values; the limit is {MAX_VALUES:,}"
        return _error(summary, Position(file), "yaml-size")
    return None


def _compose(text: str, file: str, has_bom: bool) -> Document:
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as err:
        return Document(file, text, None, (_syntax(err, text, file),), has_bom)
    except yaml.YAMLError as err:  # pragma: no cover - readers' errors are found before
        summary = f"not YAML: {' '.join(str(err).split())}"
        return Document(file, text, None, (_error(summary, Position(file), "yaml-syntax"),))
    except RecursionError:  # pragma: no cover - only the pure Python parser
        summary = f"nested too deeply; the limit is {MAX_DEPTH} levels"
        return Document(file, text, None, (_error(summary, Position(file), "yaml-depth"),))
    if root is None:
        return Document(file, text, None, (), has_bom)
    builder = _Builder(file)
    try:
        if "*" in text:
            _measure(root, {}, 0)
        value = builder.build(root, 0)
    except _TooMuch as err:
        node = Node(err.node)
        position = Position(file, node.line, node.column)
        return Document(file, text, None, (_error(err.summary, position, err.rule),), has_bom)
    return Document(file, text, value, tuple(builder.problems), has_bom)


_SYNTAX_WORDS = (
    ("exceeded maximum nesting depth", f"nested too deeply; the limit is {MAX_DEPTH} levels"),
    ("but found another document", "a file holds one YAML document; a second one starts here"),
    ("found undefined alias", "alias without an anchor"),
    ("found duplicate anchor", "the anchor is defined twice"),
)
_SYNTAX_HINTS = (
    ("mapping values are not allowed", 'put text that contains ": " into quotes'),
    ("could not find expected ':'", "a `:` is missing, or a line is indented too little"),
    ("did not find expected key", "check the indentation and the quotes around this place"),
    ("while scanning an alias", 'put text that starts with "*" into quotes'),
    ("while scanning an anchor", 'put text that starts with "&" into quotes'),
    ("found unexpected end of stream", "the quote that starts here is not closed"),
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
        return _error("a tab cannot indent YAML", position, "yaml-syntax", "use spaces")
    for part, words in _SYNTAX_WORDS:
        if part in said:
            return _error(words, position, "yaml-syntax")
    hint = next((words for part, words in _SYNTAX_HINTS if part in said), None)
    if at in ("`", "@", "%") and "cannot start any token" in said:
        hint = f'put text that starts with "{at}" into quotes'
    return _error(f"not YAML: {said}", position, "yaml-syntax", hint)


class _TooMuch(Exception):
    """The document is refused before it is built."""

    def __init__(self, node: Any, summary: str, rule: str) -> None:
        super().__init__(summary)
        self.node = node
        self.summary = summary
        self.rule = rule


def _measure(node: Any, memo: dict[int, tuple[int, int, int] | None], depth: int) -> None:
    """Refuse recursive anchors and aliases that multiply: counts values before any is built."""

    def size(node: Any, depth: int) -> tuple[int, int, int]:  # values, characters, height
        known = memo.get(id(node), ())
        if known is None:
            raise _TooMuch(node, "an anchor contains an alias of itself", "yaml-alias")
        if known:
            if depth + known[2] > MAX_DEPTH:
                raise _TooMuch(node, _TOO_DEEP, "yaml-depth")
            return known
        if depth > MAX_DEPTH:
            raise _TooMuch(node, _TOO_DEEP, "yaml-depth")
        memo[id(node)] = None
        values, characters, height = 1, 0, 0
        if node.id == "scalar":
            characters = len(node.value)
        else:
            pairs = node.value if node.id == "mapping" else ((item,) for item in node.value)
            for child in (child for pair in pairs for child in pair):
                inner = size(child, depth + 1)
                values += inner[0]
                characters += inner[1]
                height = max(height, inner[2] + 1)
        if values > MAX_VALUES or characters >= MAX_BYTES:
            raise _TooMuch(
                node,
                f"aliases multiply to more than {MAX_VALUES:,} values or {MAX_BYTES:,} characters",
                "yaml-alias",
            )
        memo[id(node)] = (values, characters, height)
        return values, characters, height

    size(node, depth)


_TOO_DEEP = f"nested too deeply; the limit is {MAX_DEPTH} levels"


@dataclass
class _Builder:
    """Turns composed nodes into plain values; collects problems with positions."""

    file: str
    problems: list[Diagnostic] = field(default_factory=list)
    memo: dict[int, Json] = field(default_factory=dict)

    def build(self, node: Any, depth: int) -> Json:
        """Return the plain value of a node."""
        if depth > MAX_DEPTH:
            raise _TooMuch(node, _TOO_DEEP, "yaml-depth")
        if node.id == "scalar":
            return node.value if node.tag == _STR else self._scalar(node)
        known = self.memo.get(id(node))
        if known is None:
            if node.id == "mapping":
                known = self._mapping(node, depth + 1)
            else:
                self._check_tag(node, _SEQ)
                known = [self.build(item, depth + 1) for item in node.value]
            self.memo[id(node)] = known
        return known

    def _mapping(self, node: Any, depth: int) -> dict[str, Json]:
        self._check_tag(node, _MAP)
        value: dict[str, Json] = {}
        merged: dict[str, Json] = {}
        first: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            if key in first:
                self._duplicate(first[key], key_node)
                continue
            first[key] = key_node
            if key_node.tag == _MERGE:
                merged = self._merge(value_node, depth)
            else:
                value[key] = self.build(value_node, depth)
        return {**merged, **value} if merged else value

    def _key(self, node: Any) -> str | None:
        if node.tag == _STR or node.tag == _MERGE:
            return str(node.value)
        if node.id == "scalar":
            hint = f"write {quoted(node.value)}"
            self._problem(node, f"a key must be text, not {node.value or 'nothing'}", hint)
            return None
        hint = 'put text that starts with "{" or "[" into quotes'
        self._problem(node, "a key must be text", hint)
        return None

    def _duplicate(self, first: Any, second: Any) -> None:
        there = f"{self.file}:{first.start_mark.line + 1}:{first.start_mark.column + 1}"
        self._problem(second, f"the key `{second.value}` stands here twice; first at {there}")

    def _merge(self, node: Any, depth: int) -> dict[str, Json]:
        sources = node.value if node.id == "sequence" else [node]
        merged: dict[str, Json] = {}
        for source in sources:
            if source.id != "mapping":
                self._problem(source, "`<<` takes a mapping or a list of mappings")
                continue
            for key, value in self.build(source, depth).items():
                merged.setdefault(key, value)
        return merged

    def _scalar(self, node: Any) -> Json:
        text, tag = node.value, node.tag
        if tag == _INT and _INTS.match(text):
            return self._int(node)
        if tag == _FLOAT and _FLOATS.match(text):
            return self._float(node)
        if tag == _BOOL and _BOOLS.match(text):
            return text[0] in "tT"
        if tag == _NULL and _NULLS.match(text):
            return None
        if tag == _MERGE:
            return text
        if tag in (_INT, _FLOAT, _BOOL, _NULL):
            self._problem(node, f"{quoted(text)} is not of the type its tag says")
        else:
            self._check_tag(node, _STR)
        return text

    def _int(self, node: Any) -> Json:
        text = node.value
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        if len(text) < 40:
            number = int(text[2:] if base != 10 else text, base)
            if abs(number) < _BIGGEST_INT:
                return number
        self._problem(node, "the number is too large", f"write {_shown(text)} if text is meant")
        return 0

    def _float(self, node: Any) -> Json:
        text = node.value
        number = float(text) if text.lower().lstrip("-+") not in (".inf", ".nan") else math.inf
        if math.isfinite(number):
            return number
        hint = f"write {_shown(text)} if text is meant"
        self._problem(node, "JSON has no such number", hint)
        return 0

    def _check_tag(self, node: Any, core: str) -> None:
        if node.tag != core:
            tag = node.tag.replace(_TAG, "!!")
            self._problem(
                node, f"the tag `{tag}` is not allowed here", "only JSON's types have a place here"
            )

    def _problem(self, node: Any, summary: str, hint: str | None = None) -> None:
        mark = node.start_mark
        position = Position(self.file, mark.line + 1, mark.column + 1)
        rule = "yaml-duplicate-key" if "twice" in summary else "yaml-value"
        self.problems.append(_error(summary, position, rule, hint))


def _shown(text: str) -> str:
    return quoted(text) if len(text) <= 40 else "it in quotes"


def quoted(text: str) -> str:
    """Return a text as a double-quoted YAML scalar on one line."""
    return json.dumps(text, ensure_ascii=False)


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
