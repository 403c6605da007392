"""Which file holds which object after an import, and the texts of these files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.documents import edit, emit
from ldconf.documents.dump_objects import Written, texts
from ldconf.documents.files import SCHEMAS, replaced
from ldconf.documents.overlay import Overlay
from ldconf.documents.tree import Tree
from ldconf.documents.yaml import Path

DOCUMENTS: Mapping[str, str] = {
    "metrics": "metrics.yaml",
    "metricGroups": "metric-groups.yaml",
    "modelConfigs": "model-configs.yaml",
    "tools": "tools.yaml",
    "segments": "segments.yaml",
    "agentGraphs": "agent-graphs.yaml",
    "experiments": "experiments.yaml",
}
# How many levels of a document are maps that never stand on one line: down to the objects.
LEVELS: Mapping[str, int] = {"segments": 4, "aiConfigs": 5}


class Layout:
    """Places objects in files. `homes` names the documents of AI Configs that the files list."""

    def __init__(self, tree: Tree | None, homes: Mapping[Address, str]) -> None:
        self._under = Overlay(tree)
        self._there = set(self._under.paths())
        self._homes = dict(homes)
        self._objects: dict[str, list[tuple[Address, Json]]] = {}  # by document
        self._remarks: dict[str, list[str]] = {}
        self._side: dict[str, str] = {}  # prompts and schemas
        self._taken: set[str] = set()

    def add(self, found: Written) -> None:
        """Place an object; its long texts and its schema go into files of their own."""
        document = self._document(found.address)
        value = dict(found.value)
        for path, text in texts(found.address, value):
            name = _prompt_file(found.address, path)
            value = replaced(value, path, self._beside(document, name, f"{text}\n"))
        for name in SCHEMAS:
            if isinstance(value.get(name), Mapping) and value[name]:
                text = json.dumps(value[name], indent=2, ensure_ascii=False) + "\n"
                value[name] = self._beside(document, _schema_file(found.address), text)
        self._objects.setdefault(document, []).append((found.address, value))
        self.remark(found.address, found.notes)

    def remark(self, address: Address, notes: Iterable[str]) -> None:
        """Write into the object's document what it does not say of the object."""
        lines = [f"{address}: {note}" for note in notes]
        if lines:
            self._remarks.setdefault(self._document(address), []).extend(lines)

    def files(self) -> dict[str, str]:
        """Return path -> text of all files that are new or change.

        Raises LdconfError if a new file would replace one that is there.
        """
        conflicts = [
            path
            for path, text in self._side.items()
            if path in self._there and self._under.text(path) != text
        ]
        if conflicts:
            count = f"{len(conflicts)} file{'s' * (len(conflicts) > 1)}"
            raise LdconfError(
                f"import would replace {count}: {', '.join(sorted(conflicts))}",
                "move them away, or import less with --only ADDRESS",
            )
        found = {path: text for path, text in self._side.items() if path not in self._there}
        for document in {**self._objects, **self._remarks}:
            if document not in self._there:
                found[document] = self._fresh(document)
            elif document in self._objects:
                found[document] = self._extended(document)
        return found

    def _document(self, address: Address) -> str:
        if address.ai_config is None:
            return DOCUMENTS[address.section]
        owner = Address(address.parts[:2])
        if owner not in self._homes:
            self._homes[owner] = self._free(f"ai-configs/{owner.key}.yaml")
        return self._homes[owner]

    def _free(self, path: str) -> str:
        """Return a path that no other key takes, also where upper and lower case are one."""
        stem, suffix = posixpath.splitext(path)
        number = 2
        while path.casefold() in self._taken:
            path, number = f"{stem}-{number}{suffix}", number + 1
        self._taken.add(path.casefold())
        return path

    def _beside(self, document: str, path: str, text: str) -> dict[str, Json]:
        path = self._free(path)
        self._side[path] = text
        return {"file": posixpath.relpath(path, posixpath.dirname(document) or ".")}

    def _fresh(self, document: str) -> str:
        content: dict[str, Json] = {}
        for address, value in self._objects.get(document, ()):
            *above, key = address.parts
            place = content
            for part in above:
                place = place.setdefault(part, {})
            place[key] = dict(value)
        levels = max((LEVELS.get(section, 3) for section in content), default=0)
        text = emit.document(content, levels) if content else ""
        remarks = self._remarks.get(document)
        if not remarks:
            return text
        return "\n#   ".join(["# A file cannot say this:", *remarks]) + f"\n{text}"

    def _extended(self, document: str) -> str:
        """Return a document that is there with the new objects behind its own."""
        text = self._under.text(document)
        if text is None:
            raise LdconfError(f"{document} cannot be read as text")
        for address, value in self._objects[document]:
            text = edit.set_value(text, address.parts, value, levels=1)
        return text


def settings_text(before: str | None, settings: Mapping[str, Json]) -> str:
    """Return `ldconf.yaml`: new, or the one that is there with other `external` entries."""
    if before is None:
        spot = emit.Spot(levels=1)
        lines = [line for name in settings for line in emit.entry(name, settings[name], spot)]
        return "\n".join([_HEADER, *lines]) + "\n"
    if "external" not in settings:
        return before
    return edit.set_value(before, ("external",), settings["external"])


_HEADER = (
    "# Settings of this workspace. Everything below this folder is planned and applied together."
)


def _prompt_file(address: Address, path: Path) -> str:
    number = f".{int(path[1]) + 1}" if len(path) > 1 else ""
    return f"prompts/{address.parts[1]}.{address.key}{number}.md"


def _schema_file(address: Address) -> str:
    if address.kind == "tools":
        return f"tools/{address.key}.json"
    return f"schemas/{address.parts[1]}.{address.key}.json"
