"""`{file:}` under a pull: texts go into the file that is named, unless it has another user."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.resource import Json, normalise_text, same
from ldconf.documents import edit
from ldconf.documents.files import SCHEMAS, TEXTS
from ldconf.documents.overlay import Overlay
from ldconf.documents.pull_family import Edit, Member
from ldconf.documents.source import BOM
from ldconf.documents.yaml import Path

Wanted = Callable[[Address, Path], Json]


@dataclass
class Texts:
    """Decides where the texts of edits go. `users` maps a file to who names or inherits it.

    `wanted` returns what a text of an object is to be after the pull.
    """

    tree: Overlay
    users: Mapping[str, frozenset[tuple[Address, Path]]]
    wanted: Wanted
    files: dict[str, str] = field(default_factory=dict)  # what is new or changes

    def placed(self, member: Member, found: Edit) -> Json:
        """Return what to write into the document for an edit; texts may go into `files`."""
        name, value = found.field, found.value
        if name in TEXTS and isinstance(value, str):
            return self._text(member, (name,), value)
        if name in SCHEMAS and isinstance(value, Mapping):
            return self._schema(member, name, value)
        if name == "messages" and isinstance(value, list):
            return list(self._messages(member, value))
        return value

    def _messages(self, member: Member, messages: list[Json]) -> Iterator[Json]:
        """Yield messages; one that only moved keeps its file."""
        before = member.resolved.get("messages") or []
        places = {place for place in range(len(before)) if _content(place) in member.files}
        moved = {
            place: next((i for i in places if before[i] == message), None)
            for place, message in enumerate(messages)
        }
        free = places - set(moved.values())
        for place, message in enumerate(messages):
            old = moved[place]
            if old is None and place in free and before[place]["role"] == message["role"]:
                old = place
            content = message["content"]
            if old is not None:
                content = self._text(member, _content(old), content)
            yield {**message, "content": content}

    def _text(self, member: Member, path: Path, text: str) -> Json:
        named = member.files.get(path)
        if named is None:
            return text
        if self._read(named) == text:
            return _reference(member, named, path)
        if not self._is_free(named, text):
            named = self._beside(member, named)
        self._write(named, text)
        return _reference(member, named, path)

    def _schema(self, member: Member, name: str, value: Mapping[str, Json]) -> Json:
        named = member.files.get((name,))
        if named is None:
            return value
        is_own = _is_reference(member.raw.get(name))
        content = (member.content if is_own else member.resolved).get(name)
        if same(content, value):
            return _reference(member, named, (name,))
        if not is_own:
            return value
        if len(self.users[named]) == 1 and not named.startswith("../"):
            self.files[named] = self._schema_text(named, value)
        else:
            named = self._beside(member, named)
            self.files[named] = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        return _reference(member, named, (name,))

    def _is_free(self, named: str, text: str) -> bool:
        """True if everybody who uses a file wants this text in it."""
        if named.startswith("../"):  # the shared folder: other workspaces use it
            return False
        return all(self.wanted(address, path) == text for address, path in self.users[named])

    def _read(self, path: str) -> str:
        if path in self.files:
            return _normal(self.files[path])
        return _normal(self.tree.text(path) or "")

    def _write(self, path: str, text: str) -> None:
        before = self.tree.text(path)
        ends = before is None or before.endswith("\n") or text.endswith("\n") or not text
        new = f"{text}\n" if ends else text
        if before and "\r\n" in before:
            new = new.replace("\n", "\r\n")
        self.files[path] = BOM + new if before and before.startswith(BOM) else new

    def _schema_text(self, path: str, value: Mapping[str, Json]) -> str:
        before = self.tree.text(path) or ""
        if not path.endswith(".json"):
            return edit.set_value(before, (), value)
        indent = re.search(r"\n([ \t]+)\S", before)
        text = json.dumps(
            _in_order(value, json.loads(before.removeprefix(BOM))),
            indent=(indent.group(1) if indent else None),
            ensure_ascii=False,
        )
        return text + ("\n" if before.endswith("\n") else "")

    def _beside(self, member: Member, named: str) -> str:
        """Return a free path beside a file, named after the object: `NAME.VARIATION.md`."""
        stem, suffix = posixpath.splitext(named)
        if named.startswith("../"):
            stem = posixpath.join(posixpath.dirname(member.document), posixpath.basename(stem))
        there = {path.casefold() for path in (*self.tree.paths(), *self.files)}
        path, number = f"{stem}.{member.address.key}{suffix}", 2
        while path.casefold() in there:
            path, number = f"{stem}.{member.address.key}-{number}{suffix}", number + 1
        return path


def _reference(member: Member, file: str, path: Path) -> Json:
    """Return `{file:}` for a document: as it is written, if it names this file already."""
    written: Json = member.raw
    for step in path:
        inside = isinstance(step, int) and isinstance(written, list) and step < len(written)
        if inside or (isinstance(written, Mapping) and step in written):
            written = written[step]
        else:
            written = None
    if _is_reference(written) and member.files.get(path) == file:
        return written
    return {"file": posixpath.relpath(file, posixpath.dirname(member.document) or ".")}


def _is_reference(value: Json) -> bool:
    return isinstance(value, Mapping) and set(value) == {"file"}


def _content(place: int) -> Path:
    return ("messages", place, "content")


def _normal(text: str) -> str:
    return normalise_text(text.removeprefix(BOM))


def _in_order(new: Json, old: Json) -> Json:
    """Return a JSON value with keys in the order of an older one, new keys last."""
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        names = [*(name for name in old if name in new), *(n for n in new if n not in old)]
        return {name: _in_order(new[name], old.get(name)) for name in names}
    if isinstance(new, list) and isinstance(old, list):
        longer = [*old, *[None] * len(new)]
        return [_in_order(one, longer[place]) for place, one in enumerate(new)]
    return new
