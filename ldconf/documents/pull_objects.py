"""Objects as they stand in the documents, with their families: what a pull edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.documents import edit, extends, files
from ldconf.documents.format_order import field_order
from ldconf.documents.load_places import Place
from ldconf.documents.load_settings import NESTED
from ldconf.documents.overlay import Overlay
from ldconf.documents.pull_family import Edit, Member
from ldconf.documents.source import Source
from ldconf.documents.tree import Tree
from ldconf.documents.yaml import Path


class Families:
    """The objects of the files as they are written, read when asked for."""

    def __init__(self, tree: Tree, workspace: Workspace) -> None:
        self.tree = Overlay(tree)
        self.workspace = workspace
        self._reader = files.Files(tree, workspace.settings.shared)
        self._data: dict[str, Json] = {}
        self._families: dict[tuple[str, ...], dict[Address, Member]] = {}

    def member(self, address: Address) -> Member:
        """Return an object as it is written and as it resolves."""
        return self.family(address)[address]

    def family(self, address: Address) -> Mapping[Address, Member]:
        """Return all objects that may extend each other with this one."""
        alone = address.kind not in extends.RULES
        key = address.parts if alone else address.parts[:-1]
        if key not in self._families:
            members = [
                a
                for a in self.workspace.resources
                if a == address or (not alone and a.parts[:-1] == key)
            ]
            self._families[key] = self._read(members)
        return self._families[key]

    def _read(self, addresses: Sequence[Address]) -> dict[Address, Member]:
        raw = {address: self._raw(address) for address in addresses}
        written = {address: self._written(address, raw[address]) for address in addresses}
        resolved, flaws = extends.resolve(written)
        if flaws:
            raise LdconfError(f"the files do not load: {flaws[0].summary}")
        return {
            address: Member(
                address,
                self.document(address),
                raw[address],
                written[address].value,
                resolved[address].value,
                resolved[address].files,
            )
            for address in addresses
        }

    def document(self, address: Address) -> str:
        """Return the document that lists an object."""
        position = self.workspace.position(address)
        if position is None:
            raise LdconfError(f"it is not known where {address} is written")
        return position.file

    def text(self, document: str) -> str:
        """Return the text of a document, byte order mark and all."""
        text = self.tree.text(document)
        if text is None:
            raise LdconfError(f"{document} cannot be read")
        return text

    def _raw(self, address: Address) -> Mapping[str, Json]:
        document = self.document(address)
        if document not in self._data:
            self._data[document] = Source(self.text(document), document).data
        found = self._data[document]
        for part in address.parts:
            found = (found or {}).get(part) or {}
        nested = NESTED if address.kind == "aiConfigs" else ()
        return {name: value for name, value in found.items() if name not in nested}

    def _written(self, address: Address, raw: Mapping[str, Json]) -> extends.Written:
        document = self.document(address)
        value, named = raw, dict[Path, str]()
        for reference in files.references(raw):
            content = self._reader.content(document, reference)
            named[reference.path] = content.path
            value = files.replaced(value, reference.path, content.value)
        return extends.Written(address, value, Place(document, address.parts), named)


class Documents:
    """The texts of documents while edits are written into them."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self._present: dict[Address, set[str]] = {}  # fields of an object that are written by now
        self.files: dict[str, str] = {}  # path -> text of what was edited

    def write(self, member: Member, change: Edit, value: Json) -> None:
        """Write one field, or take it out. New fields stand where the kind's order puts them."""
        text = self.files.get(member.document) or self._families.text(member.document)
        path = (*member.address.parts, change.field)
        present = self._present.setdefault(member.address, set(member.raw))
        if change.is_gone:
            present.discard(change.field)
            self.files[member.document] = edit.remove(text, path)
            return
        order = field_order(member.address.kind)
        own = order.get(change.field, len(order))
        above = [name for name in present if order.get(name, len(order)) < own]
        after = max(above, key=lambda name: order.get(name, 0), default="")
        present.add(change.field)
        self.files[member.document] = edit.set_value(text, path, value, after)
