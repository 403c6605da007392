"""Objects written into the documents as a person would: in place, comments and order kept.

Long texts live in files of their own (`prompts/AI_CONFIG.VARIATION.md`), and a text that has a file
already is changed there. Nothing is returned that would not load.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_of
from ldconf.core.errors import DocumentError, UsageError
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.documents import edit
from ldconf.documents.format import format_text
from ldconf.documents.format_order import field_order
from ldconf.documents.load import load
from ldconf.documents.load_settings import NESTED
from ldconf.documents.overlay import Overlay
from ldconf.documents.pull_objects import Families
from ldconf.documents.tree import SETTINGS_FILE, Tree

_TEXTS = ("instructions",)  # fields that get a file of their own if they are long
_LONG = 200
_DOCUMENTS = {"aiConfigs": "{key}.yaml"}  # where a new object goes; else one file per section
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Author:
    """Edits of one workspace, collected: path -> new text in `files`."""

    def __init__(self, tree: Tree, workspace: Workspace) -> None:
        self._under = tree
        self.workspace = workspace
        self.files: dict[str, str] = {}
        self._made: dict[Address, str] = {}  # new objects and their documents

    def write(self, address: Address, fields: Mapping[str, Json]) -> None:
        """Set fields of an object (`null` clears one), which is made if the files do not have it.

        Raises UsageError for an address that cannot be written, EditError for what cannot be
        changed without changing something else.
        """
        nested = [name for name in NESTED if name in fields and address.kind == "aiConfigs"]
        if nested:
            below = f"{address}/{nested[0]}/KEY"
            raise UsageError(f"`{nested[0]}` is no field of {address}", f"write {below} instead")
        document = self._document(address)
        text = self._text(document)
        order = field_order(address.kind)
        is_new = address not in self.workspace.resources
        given = self.raw(address)
        if is_new and not given:
            wanted = {name: fields[name] for name in sorted(fields, key=lambda n: _at(order, n))}
            whole = {n: self._with_file(address, document, n, v) for n, v in wanted.items()}
            # a section of its own level each: aiConfigs > KEY > variations > KEY > field
            self.files[document] = edit.set_value(text, address.parts, whole, None, 1)
            self._made[address] = document
            return
        present = dict(given)
        for name, value in fields.items():
            path = (*address.parts, name)
            said = self._with_file(address, document, name, value)
            if said is None and value is not None:
                continue  # the text stands in its own file
            above = [n for n in present if _at(order, n) < _at(order, name)]
            after = max(above, key=lambda n: _at(order, n), default="")
            text = edit.set_value(text, path, said, after)
            present[name] = said
        self.files[document] = text

    def rule(self, place: tuple[str, str], rule: Mapping[str, Json], first: bool) -> None:
        """Add a rule to the targeting of (AI Config, environment), or change the one of that name.

        A new rule goes behind the others, or `first`. Inherited rules are written out, because
        rules are inherited whole.
        """
        address = targeting_of(*place)
        found = [dict(one) for one in self._rules(address)]
        names = [one.get("description") for one in found]
        if rule["description"] in names:
            found[names.index(rule["description"])] = dict(rule)
        elif first:
            found = [dict(rule), *found]
        else:
            found = [*found, dict(rule)]
        self.write(address, {"rules": found})

    def done(self) -> tuple[dict[str, str], Workspace]:
        """Return path -> text of what changed, and the workspace as it will be.

        Raises DocumentError with every problem that the files would have.
        """
        changed = {
            path: format_text(text, path) if path not in self._paths() else text
            for path, text in self.files.items()
            if text != self._before(path)
        }
        loaded = load(Overlay(self._under, changed))
        if loaded.workspace is None or any(one.is_error for one in loaded.diagnostics):
            raise DocumentError([one for one in loaded.diagnostics if one.is_error])
        return changed, loaded.workspace

    def _rules(self, address: Address) -> list[Mapping[str, Json]]:
        if address not in self.workspace.resources:
            return []
        member = Families(self._under, self.workspace).member(address)
        return list(member.raw.get("rules") or member.resolved.get("rules") or [])

    def raw(self, address: Address) -> Mapping[str, Json]:
        """Return what is written of an object, as it is written; nothing if it is new."""
        if address not in self.workspace.resources:
            return {}
        return Families(self._under, self.workspace).member(address).raw

    def _document(self, address: Address) -> str:
        """Return the document that lists an object, or that a new one goes into."""
        position = self.workspace.position(address)
        if position is not None:
            return position.file
        if address in self._made:
            return self._made[address]
        if address.kind in ("variations", "targeting"):
            parent = Address(address.parts[:2])
            if parent not in self._made and self.workspace.position(parent) is None:
                raise UsageError(f"there is no {parent} in the files", "write it first")
            return self._document(parent)
        named = _DOCUMENTS.get(address.parts[0], "{section}.yaml")
        path = named.format(key=_UNSAFE.sub("_", address.key), section=address.parts[0])
        siblings = [
            place.file
            for other in self.workspace.resources
            if other.kind == address.kind and (place := self.workspace.position(other)) is not None
        ]
        if path == SETTINGS_FILE:
            path = f"{address.parts[0]}.yaml"
        return siblings[-1] if siblings and address.parts[0] not in _DOCUMENTS else path

    def _with_file(self, address: Address, document: str, name: str, value: Json) -> Json:
        """Return what the document says of a text: itself, a `{file:}`, or None if it stays."""
        if name not in _TEXTS or not isinstance(value, str):
            return value
        own = self.workspace.files.get((address, (name,)))
        inherited = (address, name) in self.workspace.inherited
        users = [key for key, path in self.workspace.files.items() if path == own]
        written = [key for key in users if key not in self._inherited_files()]
        if own is not None and not inherited and len(written) == 1:
            self.files[own] = value.rstrip("\n") + "\n"
            return None
        if "\n" not in value and len(value) <= _LONG:
            return value
        path = f"prompts/{_UNSAFE.sub('_', f'{address.parts[1]}.{address.key}')}.md"
        if self._before(path) is not None and path not in self.files:
            raise UsageError(f"{path} is there already", "change the text there, or move it away")
        self.files[path] = value.rstrip("\n") + "\n"
        up = "../" * (len(PurePosixPath(document).parts) - 1)
        return {"file": f"{up}{path}"}

    def _inherited_files(self) -> set[tuple[Address, tuple[str | int, ...]]]:
        files, inherited = self.workspace.files, self.workspace.inherited
        return {key for key in files if (key[0], str(key[1][0])) in inherited}

    def _text(self, document: str) -> str:
        return self.files.get(document) or self._before(document) or ""

    def _before(self, path: str) -> str | None:
        return Overlay(self._under).text(path)

    def _paths(self) -> frozenset[str]:
        """Return files that are there already, and texts: both stay as they are written."""
        texts = {path for path in self.files if not path.endswith((".yaml", ".yml"))}
        return frozenset({*self._under.paths(), *texts})


def _at(order: Mapping[str, int], name: str) -> int:
    return order.get(name, len(order))
