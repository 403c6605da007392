"""Where values are written: positions found on demand, so that loading need not keep them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.documents.yaml import Document, Node, Path

_KEPT = 8  # documents whose nodes are kept; neighbours are asked for together


@dataclass(frozen=True)
class Place:
    """A value in a document: the file, and the path from the document's root."""

    file: str
    path: Path = ()

    def below(self, *steps: str | int) -> Place:
        """Return the place of a value inside this one."""
        return Place(self.file, (*self.path, *steps))


class Sources:
    """The texts of the documents, and positions in them."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._composed: OrderedDict[str, Document] = OrderedDict()

    def add(self, document: Document) -> None:
        """Remember the text of a document."""
        self.texts[document.file] = document.text

    def _document(self, file: str) -> Document:
        found = self._composed.pop(file, None) or Document(file, self.texts.get(file, ""))
        self._composed[file] = found
        if len(self._composed) > _KEPT:
            self._composed.popitem(last=False)
        return found

    def node(self, place: Place) -> Node | None:
        """Return the node at a place."""
        return self._document(place.file).node(place.path)

    def value(self, place: Place) -> Position | None:
        """Return where a value starts; a block stands where its key stands."""
        return self._document(place.file).position(place.path)

    def key(self, place: Place) -> Position | None:
        """Return where the key (or list item) of a place starts."""
        return self._document(place.file).key_position(place.path)

    def written(self, place: Place) -> str | None:
        """Return a scalar as it stands in the file, quotes and all; None for anything else."""
        node = self.node(place)
        if node is None or node.kind != "scalar":
            return None
        return self.texts[place.file][node.start : node.end]


@dataclass(frozen=True)
class ObjectPlaces:
    """Where an object is written; `fields` names the places of a field, own first, then parents."""

    own: Place
    fields: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)


class Positions(Mapping[tuple[Address, Path], Position]):
    """(address, path inside the object) -> position, composed from the text when asked."""

    def __init__(self, sources: Sources, objects: Mapping[Address, ObjectPlaces]) -> None:
        self._sources = sources
        self._objects = objects

    def __getitem__(self, wanted: tuple[Address, Path]) -> Position:
        address, path = wanted
        found = self._objects.get(address)
        position = self._exact(found, path) if found else None
        if position is None:
            raise KeyError(wanted)
        return position

    def nearest(self, address: Address, path: Path, *, at_key: bool = False) -> Position | None:
        """Return where a path, or as much of it as is written, stands; `at_key`: where its key."""
        found = self._objects[address]
        lengths = range(len(path), -1, -1)
        tries = (self._exact(found, path[:length], at_key=at_key) for length in lengths)
        return next((position for position in tries if position is not None), None)

    def written(self, address: Address, path: Path) -> str | None:
        """Return a scalar of an object as it stands in its file."""
        texts = (self._sources.written(place) for place in self._places(address, path))
        return next((text for text in texts if text is not None), None)

    def _exact(self, found: ObjectPlaces, path: Path, *, at_key: bool = False) -> Position | None:
        if not path:
            return self._sources.key(found.own)
        where = self._sources.key if at_key else self._sources.value
        places = found.fields.get(str(path[0]), ())
        tries = (where(place.below(*path)) for place in places)
        return next((position for position in tries if position is not None), None)

    def _places(self, address: Address, path: Path) -> Iterator[Place]:
        fields = self._objects[address].fields
        for place in fields.get(str(path[0]), ()) if path else ():
            yield place.below(*path)

    def __iter__(self) -> Iterator[tuple[Address, Path]]:
        for address, found in self._objects.items():
            yield (address, ())
            seen: set[Path] = set()
            for name, places in found.fields.items():
                for place in places:
                    for path in self._paths(place.below(name), (name,)):
                        if path not in seen:
                            seen.add(path)
                            yield (address, path)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _paths(self, place: Place, path: Path) -> Iterator[Path]:
        node = self._sources.node(place)
        pending = [(path, node)] if node else []
        while pending:
            path, node = pending.pop()
            yield path
            pending += [((*path, step), child) for step, child in node.children()]
