"""One field before and after -> the lines a reviewer reads: nested paths, texts, who gets what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from ldconf.core.resource import Json, canonical_json, same
from ldconf.render import textdiff
from ldconf.render.experiment_steps import allocation, status
from ldconf.render.rows import Detail, SetChange, TextChange, ValueChange
from ldconf.render.targeting import rules, serves, targets
from ldconf.render.textdiff import Op

_LONG = 60  # characters from which a text is drawn as a word-level difference
_LONG_ALONE = 100  # and from which a new or cleared one is drawn as its beginning
_MANY_LEAVES = 12  # a new or removed map with more is drawn as one value
_IDENTITIES = ("key", "judgeConfigKey")  # what tells the members of a list of maps apart
_TARGETING = {"targets": targets, "fallthrough": serves}
_EXPERIMENT = {"status": status, "allocation": allocation}


def details(
    kind: str, field: str, before: Json, after: Json, *, by_apply: bool = True
) -> tuple[Detail, ...]:
    """Return the lines for one field of an object of this kind (`Address.kind`).

    `by_apply`: apply would bring the change about; otherwise it happened in LaunchDarkly.
    """
    if kind == "targeting" and field == "rules":
        return tuple(rules(before, after, by_apply=by_apply))
    if kind == "targeting" and field in _TARGETING:
        return tuple(_TARGETING[field](before, after))
    if kind == "experiments" and before is None and field in ("status", "iteration"):
        return ()  # what every new experiment is: the draft of its first iteration
    if kind == "experiments" and field in _EXPERIMENT:
        return tuple(_EXPERIMENT[field](before, after))
    if (kind, field, before, after) == ("variations", "state", None, "published"):
        return ()  # what every new variation is
    return tuple(_any(field, before, after))


def _any(path: str, before: Json, after: Json) -> Iterator[Detail]:
    if same(before, after):
        return
    if _is_text(before) and _is_text(after) and _is_long(before, after):
        yield TextChange(path, _text(before or "", after or ""))
    elif _is_map(before) and _is_map(after):
        if None in (before, after) and _leaves(before or after) > _MANY_LEAVES:
            yield ValueChange(path, before, after)
            return
        for key in _keys(before or {}, after or {}):
            yield from _any(f"{path}.{key}", (before or {}).get(key), (after or {}).get(key))
    elif _is_list(before) and _is_list(after):
        yield from _lists(path, before or [], after or [])
    else:
        yield ValueChange(path, before, after)


def _text(before: str, after: str) -> tuple[textdiff.Span, ...]:
    if not before:
        return textdiff.preview(after, Op.ADDED)
    if not after:
        return textdiff.preview(before, Op.REMOVED)
    return textdiff.compare(before, after)


def _lists(path: str, before: Sequence[Json], after: Sequence[Json]) -> Iterator[Detail]:
    members = [*before, *after]
    if all(isinstance(member, str | int | float) for member in members):
        yield _set(path, before, after)
        return
    identity = next((name for name in _IDENTITIES if _told_apart(before, after, name)), None)
    if identity is not None:
        yield from _named(path, before, after, identity)
    else:
        yield from _ordered(path, before, after)


def _set(path: str, before: Sequence[Json], after: Sequence[Json]) -> Detail:
    old, new = [str(member) for member in before], [str(member) for member in after]
    added = tuple(member for member in new if member not in set(old))
    removed = tuple(member for member in old if member not in set(new))
    if added or removed:
        return SetChange(path, added, removed)
    return ValueChange(path, before, after)  # only the order differs


def _named(
    path: str, before: Sequence[Json], after: Sequence[Json], identity: str
) -> Iterator[Detail]:
    old = {member[identity]: member for member in before}
    new = {member[identity]: member for member in after}
    added = tuple(str(key) for key in new if key not in old and _rest(new[key], identity) is True)
    removed = tuple(str(key) for key in old if key not in new and _rest(old[key], identity) is True)
    if added or removed:
        yield SetChange(path, added, removed)
    for key in _keys(old, new):
        if key in old and key in new:
            yield from _any(f"{path}[{key}]", old[key], new[key])
        elif str(key) not in (*added, *removed):
            yield ValueChange(
                f"{path}[{key}]", _rest(old.get(key), identity), _rest(new.get(key), identity)
            )
    common = [key for key in old if key in new]
    if common != [key for key in new if key in old]:
        yield ValueChange(f"{path} (order)", list(old), list(new))


def _rest(member: Json, identity: str) -> Json:
    """What stands beside the identity; True if nothing does."""
    if member is None:
        return None
    return {name: value for name, value in member.items() if name != identity} or True


def _ordered(path: str, before: Sequence[Json], after: Sequence[Json]) -> Iterator[Detail]:
    """Members told apart by their place only (messages, segment rules), equal ones skipped."""
    texts = [canonical_json(member) for member in before], [canonical_json(m) for m in after]
    for tag, start, end, start_after, end_after in SequenceMatcher(
        None, *texts, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        for step in range(max(end - start, end_after - start_after)):
            old = before[start + step] if start + step < end else None
            new = after[start_after + step] if start_after + step < end_after else None
            number = (start_after if new is not None else start) + step
            yield from _any(f"{path}[{number}]", old, new)


def _keys(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[str]:
    return [*before, *(key for key in after if key not in before)]


def _told_apart(before: Sequence[Json], after: Sequence[Json], name: str) -> bool:
    """True if every member is a map with a `name` of its own."""
    return all(
        all(isinstance(member, Mapping) and name in member for member in side)
        and len({canonical_json(member[name]) for member in side}) == len(side)
        for side in (before, after)
    )


def _leaves(value: Json) -> int:
    members = value.values() if isinstance(value, Mapping) else value if _is_list(value) else ()
    return sum(map(_leaves, members or ())) or 1


def _is_text(value: Json) -> bool:
    return value is None or isinstance(value, str)


def _is_long(before: Json, after: Json) -> bool:
    texts = [text for text in (before, after) if text is not None]
    longest = _LONG if len(texts) == 2 else _LONG_ALONE
    return any(len(text) > longest or "\n" in text for text in texts)


def _is_map(value: Json) -> bool:
    return value is None or isinstance(value, Mapping)


def _is_list(value: Json) -> bool:
    return value is None or (isinstance(value, Sequence) and not isinstance(value, str))
