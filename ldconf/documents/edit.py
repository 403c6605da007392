"""Edits of YAML text that leave every other byte as it is: comments, order, quotes, line ends.

Each edit replaces, inserts or cuts the characters of one value, then reads the whole text again and
compares: a text that does not say exactly what was meant is never returned (`EditError`).

Nothing that stands elsewhere changes: a value reached through an alias or a merge key is written
out first, and an anchor with other users moves to the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from ldconf.core.resource import Json, canonical_json, same
from ldconf.documents import splice, yaml
from ldconf.documents.source import (
    EditError,
    Source,
    child,
    merged,
    node_contains,
    written_at,
)
from ldconf.documents.splice import NewPair
from ldconf.documents.yaml import Path

_MISSING = object()


@lru_cache(maxsize=4)
def _parsed(text: str) -> Source:
    """Return a parsed text; one edit asks for the same text several times."""
    return Source(text)


def set_value(text: str, path: Path, value: Json, after: str | None = None, levels: int = 0) -> str:
    """Return the text with `value` at a path, changing only the leaves that differ.

    Missing maps on the way are made. A new key goes behind the key `after` ("": to the
    start), else to the end; the first `levels` levels of maps below it never stand on one line.
    """
    data = _parsed(text).data
    if _get(data, path) is _MISSING:
        edited = _insert_key(text, path, value, after, levels)
    else:
        edited = _update(text, path, value)
    return _checked(edited, assigned(data, path, value), path)


def remove(text: str, path: Path) -> str:
    """Return the text without the key or list item at a path. Comments above it stay."""
    data = _parsed(text).data
    if _get(data, path) is _MISSING or not path:
        raise EditError(f"there is no `{_shown(path)}` to remove")
    return _checked(_remove(text, path), without(data, path), path)


def insert(text: str, path: Path, index: int, value: Json) -> str:
    """Return the text with a new item before the item `index` of the list at a path."""
    data = _parsed(text).data
    items = _get(data, path)
    if not isinstance(items, list) or not 0 <= index <= len(items):
        raise EditError(f"there is no place {index} in `{_shown(path)}`")
    expected = assigned(data, path, [*items[:index], value, *items[index:]])
    return _checked(_insert_item(text, path, index, value), expected, path)


def assigned(data: Json, path: Path, value: Json) -> Json:
    """Return plain data with `value` at a path; missing and null maps on the way are made."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(data, list) and isinstance(step, int):
        return [assigned(one, rest, value) if i == step else one for i, one in enumerate(data)]
    given = dict(data) if isinstance(data, Mapping) else {}
    return {**given, str(step): assigned(given.get(str(step)), rest, value)}


def without(data: Json, path: Path) -> Json:
    """Return plain data without the key or item at a path that exists."""
    step, rest = path[0], path[1:]
    if rest:
        return assigned(data, path[:1], without(data[step], rest))
    if isinstance(data, list):
        return [one for place, one in enumerate(data) if place != step]
    return {name: inner for name, inner in data.items() if name != step}


def _checked(text: str, expected: Json, path: Path) -> str:
    document = yaml.parse(text, "")
    if document.problems or not same(document.value, expected):
        raise EditError(
            f"cannot change `{_shown(path)}` without changing the rest of the file",
            hint="write this part in block style without anchors, or edit it by hand",
        )
    return text


def _update(text: str, path: Path, new: Json, after: str | None = None) -> str:
    old = _get(_parsed(text).data, path)
    if old is _MISSING:
        return _insert_key(text, path, new, after)
    if same(old, new):
        return text
    if isinstance(old, Mapping) and isinstance(new, Mapping) and set(old) & set(new):
        return _update_map(text, path, old, new)
    if isinstance(old, list) and isinstance(new, list) and old and new:
        return _update_list(text, path, old, new)
    text = _owned(text, path, whole=True)
    source = _parsed(text)
    return splice.applied(source, splice.replace(source, written_at(source, path), new))


def _update_map(text: str, path: Path, old: Mapping[str, Json], new: Mapping[str, Json]) -> str:
    for name in old:
        if name not in new:
            text = _remove(text, (*path, name))
    before: str | None = None
    for name, value in new.items():
        text = _update(text, (*path, name), value, before)
        before = name
    return text


def _update_list(text: str, path: Path, old: Sequence[Json], new: Sequence[Json]) -> str:
    """Match items by what names them, then work from the end so that places stay valid."""
    matcher = SequenceMatcher(None, _identities(old), _identities(new), autojunk=False)
    for _, low, high, new_low, new_high in reversed(matcher.get_opcodes()):
        paired = min(high - low, new_high - new_low)
        for place in range(high - 1, low + paired - 1, -1):
            text = _remove(text, (*path, place))
        for place in range(new_high - 1, new_low + paired - 1, -1):
            text = _insert_item(text, path, low + paired, new[place])
        for place in range(paired):
            text = _update(text, (*path, low + place), new[new_low + place])
    return text


def _identities(items: Sequence[Json]) -> list[str]:
    return [_identity(one) for one in items]


def _identity(item: Json) -> str:
    """Return what makes a list item the same one after an edit: its name, else all of it."""
    if isinstance(item, Mapping):
        for names in (
            ("description",),
            ("key",),
            ("judgeConfigKey",),
            ("variation", "contextKind"),
        ):
            if names[0] in item:
                return canonical_json([item.get(name) for name in names])
    return canonical_json(item)


def _remove(text: str, path: Path) -> str:
    text = _owned(text, path[:-1])
    source = _parsed(text)
    parent = written_at(source, path[:-1])
    if child(parent.node, path[-1]) is None:
        text = _unmerged(text, path[:-1])
    text = _owned(text, path, whole=True)
    source = _parsed(text)
    return splice.applied(source, splice.cut(source, written_at(source, path[:-1]), path[-1]))


def _insert_key(text: str, path: Path, value: Json, after: str | None, levels: int = 0) -> str:
    """Insert a key whose parent may be missing too, or stand there as null."""
    data = _parsed(text).data
    depth = 0
    while depth < len(path) - 1 and isinstance(_get(data, path[: depth + 1]), Mapping | list):
        depth += 1
    value = assigned(None, path[depth + 1 :], value)
    if _get(data, path[: depth + 1]) is not _MISSING:
        return _update(text, path[: depth + 1], value)
    text = _owned(text, path[:depth])
    source = _parsed(text)
    parent = written_at(source, path[:depth])
    name = str(path[depth])
    if levels:
        levels += len(path) - depth - 1
    edits = splice.insert_key(source, parent, NewPair(name, value, after, levels))
    return splice.applied(source, edits)


def _insert_item(text: str, path: Path, index: int, value: Json) -> str:
    text = _owned(text, path)
    source = _parsed(text)
    place = written_at(source, path)
    return splice.applied(source, splice.insert_item(source, place, index, value))


def _owned(text: str, path: Path, whole: bool = False) -> str:
    """Return the text, saying the same, in which all on the way to a path belongs to it alone.

    With `whole` also all below the path (it is about to be replaced or cut).
    """
    while edits := _disowned(_parsed(text), path, whole):
        text = splice.applied(_parsed(text), edits)
    return text


def _disowned(source: Source, path: Path, whole: bool) -> splice.Splices:
    """Return the splices that take away the first thing shared with another place, or none."""
    for depth, step in enumerate(path):
        place = written_at(source, path[:depth])
        node = place.node
        if node.users:
            return splice.move_anchor(source, node)
        if node.kind == "alias":
            return splice.replace(source, place, _get(source.data, path[:depth]))
        if child(node, step) is None:
            if isinstance(step, str) and merged(node, step):
                value = _get(source.data, path[: depth + 1])
                return splice.insert_key(source, place, NewPair(step, value))
            return []
    place = written_at(source, path)
    last = place.node
    if last.kind == "alias" and not whole:
        return splice.replace(source, place, _get(source.data, path))
    for inner in last.walk() if whole else [last]:
        if any(inner is last or not node_contains(last, user) for user in inner.users):
            return splice.move_anchor(source, inner)
    return []


def _unmerged(text: str, path: Path) -> str:
    """Return the text in which a map spells out what it had by `<<`, so that a key can go."""
    whole = _get(_parsed(text).data, path)
    source = _parsed(text)
    for name in whole:
        if child(written_at(source, path).node, name) is None:
            edits = splice.insert_key(source, written_at(source, path), NewPair(name, whole[name]))
            source = _parsed(splice.applied(source, edits))
    return splice.applied(source, splice.cut(source, written_at(source, path), None))


def _get(data: Json, path: Path) -> Json:
    for step in path:
        inside = isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data)
        if not inside and not (isinstance(data, Mapping) and step in data):
            return _MISSING
        data = data[step]
    return data


def _shown(path: Path) -> str:
    return "/".join(str(step) for step in path) or "the document"
