"""`{file: PATH}`: texts and schemas in files of their own, read only where design section 2 says.

Contained in the workspace or in the one shared folder: no `..` out of it, no absolute path, no
symbolic link, no hidden file (a checkout's `.git/config` may hold a token). Elsewhere a mapping
with the one key `file` is data.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.resource import Json, normalise_text
from ldconf.documents.tree import Tree, Unreadable
from ldconf.documents.yaml import MAX_DEPTH, Document, Path, parse, quoted

TEXTS = ("instructions", "description")
SCHEMAS = ("schema", "outputFormat")
_STRANGE = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True)
class FileReference:
    """A `{file:}` as written, at `path` inside an object."""

    path: Path
    name: Json
    is_schema: bool


@dataclass(frozen=True)
class Content:
    """What a `{file:}` stands for; `path` is relative to the workspace."""

    path: str
    value: Json


class Refused(Exception):
    """A `{file:}` cannot be used."""

    def __init__(self, summary: str, hint: str | None = None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


def references(value: Mapping[str, Json]) -> Iterator[FileReference]:
    """Yield every `{file:}` at a legal place of an object."""
    for name in (*TEXTS, *SCHEMAS):
        if _is_reference(value.get(name)):
            yield FileReference((name,), value[name]["file"], name in SCHEMAS)
    messages = value.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict) and _is_reference(message.get("content")):
            path = ("messages", index, "content")
            yield FileReference(path, message["content"]["file"], False)


def replaced(value: Mapping[str, Json], path: Path, content: Json) -> dict[str, Json]:
    """Return the object with the value at `path` replaced; the rest is shared, not copied."""
    name, *rest = path
    changed = dict(value)
    if not rest:
        changed[str(name)] = content
    else:
        items = list(changed[str(name)])
        items[int(rest[0])] = {**items[int(rest[0])], str(rest[1]): content}
        changed[str(name)] = items
    return changed


def without(value: Mapping[str, Json], path: Path) -> dict[str, Json]:
    """Return the object without a text that cannot be read, so that the rest can be checked."""
    if len(path) > 1:
        return replaced(value, path, "")
    return {name: inner for name, inner in value.items() if name != path[0]}


def _is_reference(value: Json) -> bool:
    return isinstance(value, dict) and list(value) == ["file"]


def locate(document: str, name: Json, shared: str | None = None) -> str:
    """Return the path that a document names, relative to the workspace. Raises Refused."""
    if not isinstance(name, str) or not name:
        raise Refused("`file` takes the path of a file")
    if _STRANGE.search(name):
        raise Refused(f"{quoted(name)} cannot be a path", "write it with `/` between the folders")
    if posixpath.isabs(name) or re.match(r"[A-Za-z]:", name):
        raise Refused(f'"{name}" is an absolute path', "write it relative to this document")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document), name))
    leaves = path == ".." or path.startswith("../")
    if leaves and not (shared is not None and path.startswith(f"{shared}/")):
        hint = "name a folder outside as `shared:` in ldconf.yaml"
        raise Refused(f'"{name}" leads out of the workspace', hint)
    if any(part.startswith(".") and part != ".." for part in path.split("/")):
        raise Refused(f'"{name}" is hidden', "hidden files and folders are not read")
    return path


@dataclass
class Files:
    """Reads the files that documents name, each once."""

    tree: Tree
    shared: str | None = None
    problems: list[Diagnostic] = field(default_factory=list)  # inside the files
    _read: dict[tuple[str, bool], Json] = field(default_factory=dict)

    def content(self, document: str, reference: FileReference) -> Content:
        """Return what a reference stands for. Raises Refused.

        Problems inside a schema file are added to `problems` at their place in that file.
        """
        path = locate(document, reference.name, self.shared)
        wanted = (path, reference.is_schema)
        if wanted not in self._read:
            self._read[wanted] = self._load(path, document, reference)
        return Content(path, self._read[wanted])

    def _load(self, path: str, document: str, reference: FileReference) -> Json:
        try:
            raw = self.tree.read(path)
        except Unreadable as err:
            raise Refused(
                f"{path} {err.reason}", self._elsewhere(document, reference.name)
            ) from err
        if not reference.is_schema:
            return _text(path, raw)
        parsed = _json(path, raw) if _is_json(path) else parse(raw, path)
        if parsed.problems:
            self.problems += parsed.problems
            raise Refused(f"{path} cannot be read as {'JSON' if _is_json(path) else 'YAML'}")
        if not isinstance(parsed.value, dict):
            raise Refused(f"{path} does not hold a JSON object")
        return parsed.value

    def _elsewhere(self, document: str, name: str) -> str | None:
        """Return what to write if the path would be right from the root of the workspace."""
        folder = posixpath.dirname(document)
        if not folder:
            return None
        try:
            self.tree.read(locate("", name))
        except (Unreadable, Refused):
            return None
        meant = posixpath.relpath(name, folder)
        return f"paths are relative to this document: write {meant}"


def _is_json(path: str) -> bool:
    return path.endswith(".json")


def _text(path: str, raw: bytes) -> str:
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as err:
        line = raw[: err.start].count(b"\n") + 1
        raise Refused(f"{path} is not UTF-8 (byte 0x{raw[err.start]:02x} in line {line})") from err
    if "\0" in text:
        raise Refused(f"{path} is not a text file")
    return normalise_text(text)


def _json(path: str, raw: bytes) -> Document:
    """Parse JSON strictly; duplicate keys are found by the YAML parser, which knows positions."""
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return parse(raw, path)  # says where
    problem: str | None = None
    position = Position(path)
    value: Json = None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_number,
            parse_float=_number,
        )
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as err:
        problem = f"not JSON: {err.msg[:1].lower()}{err.msg[1:]}"
        position = Position(path, err.lineno, err.colno)
    except _Duplicate as err:
        found = parse(raw, path)
        if any(one.rule == "yaml-duplicate-key" for one in found.problems):
            return found
        problem = str(err)
    except UnicodeEncodeError:
        problem = "half of a surrogate pair stands in a text"
    except RecursionError:
        problem = f"nested too deeply; the limit is {MAX_DEPTH} levels"
    except ValueError as err:
        problem = str(err)
    if problem is None and _depth_exceeds(value, MAX_DEPTH):
        problem = f"nested too deeply; the limit is {MAX_DEPTH} levels"
    if problem is None:
        return Document(path, text, value)
    return Document(
        path, text, None, (Diagnostic(Severity.ERROR, problem, position, "file-syntax"),)
    )


class _Duplicate(ValueError):
    """A key twice in one JSON object."""


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Duplicate(f"the key {twice!r} stands here twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"JSON has no {name}")


def _number(text: str) -> int | float:
    number = int(text) if len(text) < 40 and text.lstrip("-").isdigit() else float(text)
    if isinstance(number, float) and (math.isinf(number) or text.lstrip("-").isdigit()):
        raise ValueError(f"the number {text[:20]}... is too large")
    return number


def _depth_exceeds(value: Json, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        inner: list[Json] = []
        for found in level:
            if isinstance(found, dict):
                inner += found.values()
            elif isinstance(found, list):
                inner += found
        if not inner:
            return False
        level = inner
    return True
