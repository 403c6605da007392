"""Documents to objects: finds the documents of a workspace and merges their sections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.core.resource import Json
from ldconf.documents import files
from ldconf.documents.load_explain import shown
from ldconf.documents.load_places import Place, Sources
from ldconf.documents.load_problems import Problems, suggestion
from ldconf.documents.load_settings import KEY, NESTED, SECTIONS
from ldconf.documents.tree import SETTINGS_FILE, Tree, Unreadable
from ldconf.documents.yaml import Document, parse

LISTS = ("removed", "consents", "tests")
ALLOWED = (*SECTIONS, *LISTS)
_SUFFIXES = (".yaml", ".yml")
# Keys of the model catalogue come from providers: `Bedrock.anthropic.claude:0`, `OpenAI.o1@2024`.
KEYS: Mapping[str, str] = {"modelConfigs": r"^[^\s/\x00-\x1f]+$"}


@dataclass(frozen=True)
class Raw:
    """A value of a section as written: an object of `address`, or an entry of a list."""

    value: Json
    place: Place
    address: Address | None = None


@dataclass
class Sections:
    """What all documents say. `broken` are files without a value, `doubted` those with flaws."""

    objects: dict[Address, Raw] = field(default_factory=dict)
    lists: dict[str, list[Raw]] = field(default_factory=lambda: {name: [] for name in LISTS})
    broken: list[Document] = field(default_factory=list)
    doubted: set[str] = field(default_factory=set)


def read_sections(tree: Tree, sources: Sources, problems: Problems) -> Sections:
    """Return the merged sections of every document below the workspace."""
    documents = list(_documents(tree, problems))
    for document in documents:
        sources.add(document)
    parsed = [_Reader(document, sources) for document in documents]
    texts = _named_files(parsed)
    sections = Sections()
    owners: dict[tuple[str, str], Place] = {}
    for reader in parsed:
        document = reader.document
        if document.file in texts and not _has_sections(document):
            continue  # a schema that a document names by `{file:}`
        if _is_figures(document):
            continue
        problems.extend(document.problems)
        problems.extend(reader.problems.sorted())
        if document.problems:
            sections.doubted.add(document.file)
            if document.value is None:
                sections.broken.append(document)
        _merge(reader, sections, owners, problems)
    return sections


def _documents(tree: Tree, problems: Problems) -> Iterator[Document]:
    for path in tree.paths():
        if path == SETTINGS_FILE or not path.endswith(_SUFFIXES):
            continue
        shown_path = path.encode("utf-8", "backslashreplace").decode()
        if path == "ldconf.yml":
            problems.error("rename this file to ldconf.yaml", Position(path), "settings")
        elif shown_path != path:
            problems.error("the name of the file is not UTF-8", Position(shown_path), "file-name")
        else:
            try:
                yield parse(tree.read(path), path)
            except Unreadable as err:
                problems.error(f"the file {err.reason}", Position(path), "file-unreadable")


def _named_files(readers: Iterable[_Reader]) -> set[str]:
    """Return the paths that documents name by `{file:}`; these are no documents themselves."""
    named: set[str] = set()
    for reader in readers:
        for raw in reader.objects.values():
            for reference in files.references(raw.value) if isinstance(raw.value, dict) else ():
                try:
                    named.add(files.locate(reader.document.file, reference.name))
                except files.Refused:
                    continue
    return named


def _has_sections(document: Document) -> bool:
    value = document.value
    return isinstance(value, dict) and bool(value) and set(value) <= set(ALLOWED)


def _is_figures(document: Document) -> bool:
    """True of figures typed for `experiment results --aggregates`: no document, wherever kept."""
    value = document.value
    return isinstance(value, dict) and {"experiment", "exposures"} <= set(value)


def _merge(
    reader: _Reader,
    sections: Sections,
    owners: dict[tuple[str, str], Place],
    problems: Problems,
) -> None:
    sources = reader.sources
    for owner, place in reader.owners.items():
        first = owners.setdefault(owner, place)
        if first is not place:
            for one, other in ((place, first), (first, place)):
                summary = f"`{owner[1]}` of `{owner[0]}` is also written at {sources.key(other)}"
                address = Address.of(*owner)
                problems.error(summary, sources.key(one), "duplicate-key", address=address)
    for address, raw in reader.objects.items():
        sections.objects.setdefault(address, raw)
    for name, entries in reader.lists.items():
        sections.lists[name] += entries


class _Reader:
    """Takes one document apart. Problems are kept until it is clear that it is a document."""

    def __init__(self, document: Document, sources: Sources) -> None:
        self.document = document
        self.sources = sources
        self.problems = Problems()
        self.objects: dict[Address, Raw] = {}
        self.owners: dict[tuple[str, str], Place] = {}
        self.lists: dict[str, list[Raw]] = {}
        root = Place(document.file)
        if document.value is None:
            return
        if not isinstance(document.value, dict):
            hint = f"sections: {', '.join(ALLOWED)}"
            self._error("a document must be a mapping of sections", root, "wrong-type", hint=hint)
            return
        for section, content in document.value.items():
            self._section(section, content, root.below(section))

    def _section(self, section: str, content: Json, place: Place) -> None:
        if section not in ALLOWED:
            hint = suggestion(section, ALLOWED, words="sections")
            if section in ("project", "environments", "guards", "external", "shared", "lint"):
                hint = f"`{section}` belongs into {SETTINGS_FILE}"
            self._error(
                f"unknown section `{section}`", place, "unknown-key", at_key=True, hint=hint
            )
        elif section in LISTS and isinstance(content, list):
            entries = [Raw(entry, place.below(index)) for index, entry in enumerate(content)]
            self.lists.setdefault(section, []).extend(entries)
        elif section in SECTIONS and isinstance(content, dict):
            for key, value in content.items():
                self._entry(section, key, value, place.below(key))
        elif content is not None:
            form = "list" if section in LISTS else "mapping of keys"
            summary = f"`{section}` must be a {form}, not {shown(content)}"
            self._error(summary, place, "wrong-type")

    def _entry(self, section: str, key: str, value: Json, place: Place) -> None:
        if not re.search(KEYS.get(section, KEY), key):
            self._error(
                f'"{key}" cannot be a key',
                place,
                "wrong-key",
                at_key=True,
                hint="letters, digits, `.`, `_` and `-`; the first is a letter or digit",
            )
            return
        self.owners[(section, key)] = place
        if section == "segments":
            self._children((section, key), value, place)
        elif section == "aiConfigs" and isinstance(value, dict):
            own = {name: inner for name, inner in value.items() if name not in NESTED}
            self._object(Address.of(section, key), own, place)
            for name in NESTED:
                if name in value:
                    self._children((section, key, name), value[name], place.below(name))
        else:
            self._object(Address.of(section, key), value, place)

    def _children(self, above: tuple[str, ...], content: Json, place: Place) -> None:
        """Take a map of variations or environments."""
        if not isinstance(content, dict):
            what = "variation keys" if above[-1] == "variations" else "environments"
            summary = f"`{above[-1]}` must be a mapping of {what}, not {shown(content)}"
            address = Address(above[:2])
            self._error(summary, place, "wrong-type", address=address)
            return
        for key, value in content.items():
            if re.search(KEY, key):
                self._object(Address((*above, key)), value, place.below(key))
            else:
                self._error(f'"{key}" cannot be a key', place.below(key), "wrong-key", at_key=True)

    def _object(self, address: Address, value: Json, place: Place) -> None:
        if not isinstance(value, dict):
            hint = "write `{}` to list it without managing any field" if value is None else None
            if address.section == "segments":
                hint = f"segments are written per environment: `{address.parts[1]}: {{test: ...}}`"
            name = address.parts[-1]
            summary = f"`{name}` must be a mapping of fields, not {shown(value)}"
            self._error(summary, place, "wrong-type", hint=hint, address=address)
            return
        self.objects[address] = Raw(value, place, address)

    def _error(
        self,
        summary: str,
        place: Place,
        rule: str,
        *,
        at_key: bool = False,
        hint: str | None = None,
        address: Address | None = None,
    ) -> None:
        position = self.sources.key(place) if at_key else self.sources.value(place)
        self.problems.error(summary, position, rule, hint=hint, address=address)
