"""Composed YAML nodes to plain JSON values: the 1.2 core schema, and what it refuses."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.resource import Json
from ldconf.documents.yaml_node import MERGE_TAG

MAX_BYTES = 10_000_000  # files of this size and more are refused
MAX_VALUES = 500_000  # values in one document, aliases written out
MAX_DEPTH = 100  # levels of nesting, aliases written out
TOO_DEEP = f"nested too deeply; the limit is {MAX_DEPTH} levels"

_TAG = "tag:yaml.org,2002:"
STR, MERGE, NULL, BOOL = _TAG + "str", MERGE_TAG, _TAG + "null", _TAG + "bool"
INT, FLOAT, MAP, SEQ = _TAG + "int", _TAG + "float", _TAG + "map", _TAG + "seq"

NULLS = re.compile(r"^(?:~|null|Null|NULL|)$")
BOOLS = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
INTS = re.compile(r"^(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$")
FLOATS = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_BIGGEST_INT = 2**64


def error(summary: str, position: Position, rule: str, hint: str | None = None) -> Diagnostic:
    """Return an error of this file."""
    return Diagnostic(Severity.ERROR, summary, position, rule, hint)


class TooMuch(Exception):
    """The document is refused before it is built."""

    def __init__(self, node: Any, summary: str, rule: str) -> None:
        super().__init__(summary)
        self.node = node
        self.summary = summary
        self.rule = rule


def measure(node: Any, memo: dict[int, tuple[int, int, int] | None], depth: int) -> None:
    """Refuse recursive anchors and aliases that multiply: counts values before any is built."""

    def size(node: Any, depth: int) -> tuple[int, int, int]:  # values, characters, height
        known = memo.get(id(node), ())
        if known is None:
            raise TooMuch(node, "an anchor contains an alias of itself", "yaml-alias")
        if known:
            if depth + known[2] > MAX_DEPTH:
                raise TooMuch(node, TOO_DEEP, "yaml-depth")
            return known
        if depth > MAX_DEPTH:
            raise TooMuch(node, TOO_DEEP, "yaml-depth")
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
            raise TooMuch(
                node,
                f"aliases multiply to more than {MAX_VALUES:,} values or {MAX_BYTES:,} characters",
                "yaml-alias",
            )
        memo[id(node)] = (values, characters, height)
        return values, characters, height

    size(node, depth)


@dataclass
class Builder:
    """Turns composed nodes into plain values; collects problems with positions."""

    file: str
    problems: list[Diagnostic] = field(default_factory=list)
    memo: dict[int, Json] = field(default_factory=dict)

    def build(self, node: Any, depth: int) -> Json:
        """Return the plain value of a node."""
        if depth > MAX_DEPTH:
            raise TooMuch(node, TOO_DEEP, "yaml-depth")
        if node.id == "scalar":
            return node.value if node.tag == STR else self._scalar(node)
        known = self.memo.get(id(node))
        if known is None:
            if node.id == "mapping":
                known = self._mapping(node, depth + 1)
                if node.flow_style and any(key.id == "mapping" for key, _ in node.value):
                    known = ""  # `{{name}}` without quotes: text was meant, and the key is reported
            else:
                self._check_tag(node, SEQ)
                known = [self.build(item, depth + 1) for item in node.value]
            self.memo[id(node)] = known
        return known

    def _mapping(self, node: Any, depth: int) -> dict[str, Json]:
        self._check_tag(node, MAP)
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
            if key_node.tag == MERGE:
                merged = self._merge(value_node, depth)
            else:
                value[key] = self.build(value_node, depth)
        return {**merged, **value} if merged else value

    def _key(self, node: Any) -> str | None:
        if node.tag == STR or node.tag == MERGE:
            return str(node.value)
        if node.id == "scalar":
            hint = f"write {quoted(node.value)}"
            self._problem(node, f"a key must be text, not {node.value or 'nothing'}", hint)
            return None
        start = "{" if node.id == "mapping" else "["
        hint = f'put text that starts with "{start}" into quotes'
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
        if tag == INT and INTS.match(text):
            return self._int(node)
        if tag == FLOAT and FLOATS.match(text):
            return self._float(node)
        if tag == BOOL and BOOLS.match(text):
            return text[0] in "tT"
        if tag == NULL and NULLS.match(text):
            return None
        if tag == MERGE:
            return text
        if tag in (INT, FLOAT, BOOL, NULL):
            self._problem(node, f"{quoted(text)} is not of the type its tag says")
        else:
            self._check_tag(node, STR)
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
        self.problems.append(error(summary, position, rule, hint))


def _shown(text: str) -> str:
    return quoted(text) if len(text) <= 40 else "it in quotes"


def quoted(text: str) -> str:
    """Return a text as a double-quoted YAML scalar on one line."""
    return json.dumps(text, ensure_ascii=False)
