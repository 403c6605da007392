"""`extends` under a pull: what each object of a family has to write so that only that changes.

Parents come first. A child that inherited a changed field writes the old value out; one that takes
a value over writes the smallest override, or drops an override that became equal to the parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.resource import Json, same
from ldconf.documents.extends import EXTENDS, RULES, UNMANAGED, Rules, inheritable, merge_patch
from ldconf.documents.extends import sibling as sibling_of
from ldconf.documents.pull_style import canonical
from ldconf.documents.yaml import Path

_DEFAULTS: Mapping[str, Json] = {"off": False, "state": "published"}  # what absence means
_KEYS_FIRST = ("modelConfigKey",)  # decides what else of a model is inherited


@dataclass(frozen=True)
class Member:
    """An object as it stands in a document.

    `raw` is what is written there, `content` the same with `{file:}` read, `resolved` with what it
    inherits; `files` names the files of texts, own and inherited, by path inside the object.
    """

    address: Address
    document: str
    raw: Mapping[str, Json]
    content: Mapping[str, Json]
    resolved: Mapping[str, Json]
    files: Mapping[Path, str]

    @property
    def parent(self) -> Address | None:
        """The address that `extends` names."""
        key = self.content.get(EXTENDS) if self.address.kind in RULES else None
        return sibling_of(self.address, key) if isinstance(key, str) else None


@dataclass(frozen=True)
class Edit:
    """One field of one object to write (`{file:}` not yet considered), or to take out."""

    address: Address
    field: str
    value: Json = None
    is_gone: bool = False


def family_edits(
    members: Sequence[Member], wanted: Mapping[Address, Mapping[str, Json]]
) -> Iterator[Edit]:
    """Yield the edits after which each object resolves to `wanted`, else to what it did before."""
    resolved: dict[Address, Mapping[str, Json]] = {}
    for member in _parents_first(members):
        above = resolved.get(member.parent) if member.parent else None
        writer = _Writer(member, above, wanted.get(member.address, {}))
        yield from writer.edits()
        resolved[member.address] = writer.after()


def _parents_first(members: Sequence[Member]) -> list[Member]:
    by_address = {member.address: member for member in members}

    def depth(member: Member) -> int:
        parent = by_address.get(member.parent) if member.parent else None
        return 0 if parent is None else depth(parent) + 1

    return sorted(members, key=depth)


class _Writer:
    """Decides what one object writes, given what its parent comes to."""

    def __init__(
        self, member: Member, above: Mapping[str, Json] | None, pulled: Mapping[str, Json]
    ) -> None:
        self.member = member
        self.rules = RULES.get(member.address.kind, Rules())
        self.above = above or {}
        self.pulled = pulled
        self.own = dict(member.content)

    def edits(self) -> Iterator[Edit]:
        """Yield the edits of this object, keeping `own` up to date."""
        wanted = {**self.member.resolved, **self.pulled}
        first = [name for name in _KEYS_FIRST if name in wanted]
        for name in (*first, *(name for name in wanted if name not in first)):
            edit = self._edit(name, wanted[name])
            if edit is not None:
                self._note(edit)
                yield edit
        new = [name for name in self._inheritable() if name not in wanted and name not in self.own]
        left = self.own.get(UNMANAGED) or []
        if set(new) - set(left):
            edit = Edit(self.member.address, UNMANAGED, [*left, *(n for n in new if n not in left)])
            self._note(edit)
            yield edit

    def after(self) -> dict[str, Json]:
        """Return what the object resolves to with its edits."""
        left = self.own.get(UNMANAGED) or ()
        found = {name: v for name, v in self._inheritable().items() if name not in left}
        for name, value in self.own.items():
            if name not in (EXTENDS, UNMANAGED):
                found[name] = self._resolved(name, value)
        return found

    def _note(self, edit: Edit) -> None:
        self.own.pop(edit.field, None)
        if not edit.is_gone:
            self.own[edit.field] = edit.value

    def _inheritable(self) -> dict[str, Json]:
        return dict(inheritable(self.above, self.own, self.rules))

    def _resolved(self, name: str, own: Json) -> Json:
        if name in self.rules.deep and isinstance(own, Mapping) and self.above:
            return merge_patch(self._inheritable().get(name), own)
        return own

    def _edit(self, name: str, value: Json) -> Edit | None:
        """Return how this field comes to its value, None if it does already."""
        address = self.member.address
        inherited = {**_DEFAULTS, **self._inheritable()}
        has_base, base = name in inherited, inherited.get(name)
        has_own = name in self.own
        now = self._resolved(name, self.own[name]) if has_own else base
        agrees = (has_own or has_base) and self._equal(name, now, value)
        if agrees and not (has_own and name in self.pulled):
            return None
        if has_base and self._equal(name, base, value) and not self._would_inherit_more(name):
            return Edit(address, name, is_gone=True) if has_own else None
        if agrees:
            return None
        is_deep = name in self.rules.deep
        if is_deep and isinstance(base, Mapping) and isinstance(value, Mapping):
            return Edit(address, name, difference(base, value))
        return Edit(address, name, value)

    def _would_inherit_more(self, name: str) -> bool:
        """True if dropping `modelConfigKey` here would bring the parent's version or model name."""
        if name != "modelConfigKey":
            return False
        model = self.above.get("model")
        named = isinstance(model, Mapping) and "modelName" in model
        return named or "modelConfigVersion" in self.above

    def _equal(self, name: str, one: Json, other: Json) -> bool:
        if same(one, other):
            return True
        address = self.member.address
        return same(canonical(address, name, one), canonical(address, name, other))


def difference(before: Mapping[str, Json], after: Mapping[str, Json]) -> dict[str, Json]:
    """Return the smallest patch (RFC 7396) that makes `after` of `before`."""
    patch: dict[str, Json] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if name in before and same(old, value):
            continue
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            patch[name] = difference(old, value)
        else:
            patch[name] = value
    return patch
