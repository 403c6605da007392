"""`extends`: what a variation, an environment's targeting or a segment takes from another one.

On plain values, before validation (design sections 2 and 9). A field is inherited whole unless it
is one of the few that merge deeply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.resource import Json
from ldconf.documents.load_places import ObjectPlaces, Place
from ldconf.documents.load_problems import suggestion
from ldconf.documents.yaml import Path

EXTENDS, UNMANAGED = KEYS = ("extends", "unmanaged")


@dataclass(frozen=True)
class Rules:
    """How a kind inherits. `deep` fields merge by RFC 7396; `own` ones are never inherited."""

    deep: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()


RULES: Mapping[str, Rules] = {
    "variations": Rules(
        deep=frozenset({"model", "judgeConfiguration", "outputFormat"}),
        own=frozenset({"name", "state"}),
    ),
    "targeting": Rules(),
    "segments": Rules(),
}


@dataclass(frozen=True)
class Written:
    """An object as a document writes it, `{file:}` already read."""

    address: Address
    value: Mapping[str, Json]
    place: Place
    files: Mapping[Path, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """An object with everything it inherits. `inherited` names the ancestor that wrote a field.

    `levels` tells, of a field that merges deeply, which paths are written further down, nearest
    first: (who, paths such as `model.parameters.temperature`).
    """

    address: Address
    value: Mapping[str, Json]
    places: ObjectPlaces
    files: Mapping[Path, str]
    inherited: Mapping[str, Address] = field(default_factory=dict)
    levels: Mapping[str, tuple[tuple[Address, tuple[str, ...]], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Flaw:
    """A wrong use of `extends` or `unmanaged`, at `path` inside the object."""

    address: Address
    path: Path
    summary: str
    rule: str
    hint: str | None = None


def resolve(
    objects: Mapping[Address, Written],
) -> tuple[dict[Address, Resolved], list[Flaw]]:
    """Return every object that resolves, in the same order, and what is wrong with the others."""
    resolver = _Resolver(objects)
    found = {address: resolver.resolve(address) for address in objects}
    return {address: one for address, one in found.items() if one is not None}, resolver.flaws


def sibling(address: Address, key: str) -> Address:
    """Return the address that `extends: key` means: same AI Config, or same segment."""
    return Address((*address.parts[:-1], key))


class _Resolver:
    def __init__(self, objects: Mapping[Address, Written]) -> None:
        self.objects = objects
        self.flaws: list[Flaw] = []
        self.done: dict[Address, Resolved | None] = {}

    def resolve(self, address: Address) -> Resolved | None:
        """Walk up to the first ancestor that is resolved or extends nothing, then back down."""
        chain: list[Address] = []
        parents: dict[Address, Address | None] = {}
        following: Address | None = address
        while following is not None and following not in self.done:
            if following in parents:
                self._circle(chain[chain.index(following) :])
                parents[chain[-1]] = None
                break
            chain.append(following)
            parents[following] = self._parent(self.objects[following])
            following = parents[following]
        for one in reversed(chain):
            self.done[one] = self._resolved(self.objects[one], parents[one])
        return self.done[address]

    def _resolved(self, written: Written, parent_address: Address | None) -> Resolved | None:
        rules = RULES.get(written.address.kind)
        if rules is None:
            return _alone(written)
        own = {k: v for k, v in written.value.items() if k not in (EXTENDS, UNMANAGED)}
        if EXTENDS not in written.value:
            if UNMANAGED in written.value:
                self._flaw(written, (UNMANAGED,), "`unmanaged` needs `extends`")
            return _alone(Written(written.address, own, written.place, written.files))
        parent = self.done[parent_address] if parent_address else None
        if parent is None:
            return None
        unmanaged = self._unmanaged(written, own, parent, rules)
        return _merged(written, own, parent, rules, unmanaged)

    def _parent(self, written: Written) -> Address | None:
        if written.address.kind not in RULES or EXTENDS not in written.value:
            return None
        key = written.value[EXTENDS]
        if not isinstance(key, str):
            others = self._others(written)
            hint = f"one of: {', '.join(others)}" if others else None
            self._flaw(written, (EXTENDS,), "`extends` takes the key of one other entry", hint)
            return None
        address = sibling(written.address, key)
        if address not in self.objects:
            self._flaw(
                written,
                (EXTENDS,),
                f"`extends` names {key}, which is not here",
                suggestion(key, self._others(written)),
            )
            return None
        return address

    def _others(self, written: Written) -> list[str]:
        above, own = written.address.parts[:-1], written.address
        return sorted(a.parts[-1] for a in self.objects if a.parts[:-1] == above and a != own)

    def _circle(self, chain: list[Address]) -> None:
        words = " extends ".join(address.parts[-1] for address in [*chain, chain[0]])
        written = self.objects[chain[-1]]
        self._flaw(written, (EXTENDS,), f"`extends` goes round in a circle: {words}")

    def _unmanaged(
        self, written: Written, own: Mapping[str, Json], parent: Resolved, rules: Rules
    ) -> frozenset[str]:
        """Return the fields that stay unmanaged although the parent has them."""
        names = written.value.get(UNMANAGED, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._flaw(written, (UNMANAGED,), "`unmanaged` takes a list of field names")
            return frozenset()
        inheritable = sorted(set(parent.value) - rules.own)
        for index, name in enumerate(names):
            path = (UNMANAGED, index)
            if name in own:
                self._flaw(written, path, f"`{name}` is unmanaged and has a value here")
            elif name not in inheritable:
                hint = suggestion(name, inheritable, words="inherited")
                self._flaw(written, path, f"`{name}` is not inherited", hint)
        return frozenset(names)

    def _flaw(self, written: Written, path: Path, summary: str, hint: str | None = None) -> None:
        self.flaws.append(Flaw(written.address, path, summary, "extends", hint))


def _alone(written: Written) -> Resolved:
    fields = dict.fromkeys(written.value, (written.place,))
    places = ObjectPlaces(written.place, fields)
    return Resolved(written.address, written.value, places, written.files)


def _merged(
    written: Written,
    own: Mapping[str, Json],
    parent: Resolved,
    rules: Rules,
    unmanaged: frozenset[str],
) -> Resolved:
    taken_over = dict(inheritable(parent.value, own, rules))
    value: dict[str, Json] = {}
    fields: dict[str, tuple[Place, ...]] = {EXTENDS: (written.place,), UNMANAGED: (written.place,)}
    files: dict[Path, str] = dict(written.files)
    inherited: dict[str, Address] = {}
    levels = {}
    for name in (*taken_over, *(name for name in own if name not in taken_over)):
        above = parent.places.fields.get(name, ())
        if name not in own:
            if name in unmanaged:
                continue
            value[name] = taken_over[name]
            fields[name] = above
            files |= {path: file for path, file in parent.files.items() if path[0] == name}
        elif name in rules.deep and isinstance(own[name], Mapping):
            value[name] = merge_patch(taken_over.get(name), own[name])
            fields[name] = (written.place, *above) if name in taken_over else (written.place,)
        else:
            value[name] = own[name]
            fields[name] = (written.place,)
            continue
        if isinstance(taken_over.get(name), Mapping) or name not in own:
            inherited[name] = parent.inherited.get(name, parent.address)
            mine = ((written.address, tuple(leaves(name, own[name]))),) if name in own else ()
            levels[name] = (*mine, *parent.levels.get(name, ()))
    places = ObjectPlaces(written.place, fields)
    return Resolved(written.address, value, places, files, inherited, levels)


def leaves(path: str, value: Json) -> Iterator[str]:
    """Yield the paths that a map writes, with dots; a null and an empty map are leaves."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(f"{path}.{key}", inner)
    else:
        yield path


def inheritable(
    parent: Mapping[str, Json], own: Mapping[str, Json], rules: Rules
) -> Iterator[tuple[str, Json]]:
    """Yield what a child may take over: a model's version and name follow `modelConfigKey`."""
    for name, value in parent.items():
        if name in rules.own:
            continue
        if "modelConfigKey" in own:
            if name == "modelConfigVersion":
                continue
            if name == "model" and isinstance(value, Mapping) and "modelName" in value:
                rest = {key: inner for key, inner in value.items() if key != "modelName"}
                if rest:
                    yield name, rest
                continue
        yield name, value


def merge_patch(target: Json, patch: Json) -> Json:
    """Return `target` patched as RFC 7396 says: maps merge, an inner null removes the key."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
