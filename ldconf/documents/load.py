"""Files to the desired state: reads a tree, resolves it, validates it, and says all that is wrong.

Text -> plain values with places (`load_sections`) -> `{file:}` read (`files`) -> `extends` resolved
(`extends`) -> resources -> references checked (`check`). Nothing stops at the first problem.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import ValidationError

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic
from ldconf.core.errors import DocumentError
from ldconf.core.resource import Resource
from ldconf.core.workspace import Inherited, Workspace, WorkspaceSettings
from ldconf.documents import extends, files
from ldconf.documents.check import check
from ldconf.documents.extends import Resolved, Written
from ldconf.documents.load_explain import flaws
from ldconf.documents.load_lists import Lists, read_lists
from ldconf.documents.load_places import Positions, Sources
from ldconf.documents.load_problems import Problems, suggestion
from ldconf.documents.load_salvage import salvaged_addresses
from ldconf.documents.load_sections import Raw, Sections, read_sections
from ldconf.documents.load_settings import NESTED, load_settings, read_settings
from ldconf.documents.tree import Tree
from ldconf.documents.yaml import Path
from ldconf.kinds import KIND_BY_NAME
from ldconf.kinds.targeting import Targeting

__all__ = ["Loaded", "load", "load_base", "load_settings"]

CHILDREN: Mapping[str, tuple[str, ...]] = {"aiConfigs": NESTED}


@dataclass(frozen=True)
class Loaded:
    """What the files say. `workspace` is None if there is any error among the diagnostics."""

    workspace: Workspace | None
    diagnostics: tuple[Diagnostic, ...]


def load(tree: Tree) -> Loaded:
    """Return the workspace with every problem found, sorted by place."""
    with _paused_collector():
        reading = _read(tree)
        problems = reading.problems
        if reading.settings is None:
            return Loaded(None, problems.sorted())
        workspace = reading.workspace(reading.settings)
        problems.extend(check(workspace, reading.written, reading.unloadable()))
        return Loaded(None if problems.has_errors else workspace, problems.sorted())


def load_base(tree: Tree, ref: str) -> Workspace:
    """Return the workspace at a commit: loaded, not checked; what does not load is `unloadable`.

    Raises DocumentError if its `ldconf.yaml` does not load.
    """
    with _paused_collector():
        reading = _read(tree)
        if reading.settings is None:
            raise DocumentError(reading.settings_problems)
        return reading.workspace(reading.settings, ref)


@contextmanager
def _paused_collector() -> Iterator[None]:
    """Keep the cyclic collector from walking a growing heap over and over: half the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass
class _Reading:
    """Everything read from a tree so far."""

    problems: Problems
    sources: Sources
    sections: Sections
    settings: WorkspaceSettings | None = None
    settings_problems: tuple[Diagnostic, ...] = ()
    resolved: Mapping[Address, Resolved] = field(default_factory=dict)
    written: dict[Address, Resource] = field(default_factory=dict)  # before `off` is compiled
    lists: Lists = field(default_factory=Lists)

    def workspace(self, settings: WorkspaceSettings, ref: str | None = None) -> Workspace:
        """Return the workspace of what loaded."""
        objects = {address: found.places for address, found in self.resolved.items()}
        off = {a for a, r in self.written.items() if isinstance(r, Targeting) and r.off}
        inherited = {
            (address, name): Inherited(parent, self.resolved[address].levels.get(name, ()))
            for address in self.written
            for name, parent in self.resolved[address].inherited.items()
        }
        named = {
            (address, path): file
            for address in self.written
            for path, file in self.resolved[address].files.items()
        }
        return Workspace(
            settings=settings,
            resources={address: _compiled(found) for address, found in self.written.items()},
            removed=self.lists.removed,
            consents=tuple(self.lists.consents),
            tests=tuple(self.lists.tests),
            positions=Positions(self.sources, objects),
            files=named,
            inherited=inherited,
            off=frozenset(off),
            unloadable=self.unloadable() if ref is not None else frozenset(),
            sources=self.sources.texts,
            ref=ref,
        )

    def unloadable(self) -> frozenset[Address]:
        """Return the addresses that the files name, but say nothing reliable about."""
        sections = self.sections
        found = set(self.problems.addresses) | (set(sections.objects) - set(self.written))
        found |= {a for a, raw in sections.objects.items() if raw.place.file in sections.doubted}
        for document in sections.broken:
            found |= salvaged_addresses(document.text)
        return frozenset(found)


def _compiled(resource: Resource) -> Resource:
    return resource.compiled() if isinstance(resource, Targeting) else resource


def _read(tree: Tree) -> _Reading:
    problems, sources = Problems(), Sources()
    settings = read_settings(tree, sources, problems)
    settings_problems = problems.sorted()
    sections = read_sections(tree, sources, problems)
    reading = _Reading(problems, sources, sections, settings, settings_problems)
    reader = files.Files(tree, settings.shared if settings else None)
    written = {
        address: _with_files(address, raw, reader, reading)
        for address, raw in sections.objects.items()
        if settings is None or _is_in_listed_environment(address, raw, settings, reading)
    }
    problems.extend(reader.problems)
    reading.resolved, wrong = extends.resolve(written)
    for flaw in wrong:
        place = written[flaw.address].place.below(*flaw.path)
        problems.error(
            flaw.summary, sources.value(place), flaw.rule, hint=flaw.hint, address=flaw.address
        )
    for resolved in reading.resolved.values():
        resource = _validated(resolved, reading)
        if resource is not None:
            reading.written[resolved.address] = resource
    reading.lists = read_lists(sections, sources, settings, problems)
    return reading


def _is_in_listed_environment(
    address: Address, raw: Raw, settings: WorkspaceSettings, reading: _Reading
) -> bool:
    environment = address.environment
    if environment is None or environment in settings.environments:
        return True
    reading.problems.error(
        f"environment `{environment}` is not listed under `environments:` in ldconf.yaml",
        reading.sources.key(raw.place),
        "unknown-environment",
        hint=suggestion(environment, settings.environments, words="listed"),
        address=address,
    )
    return False


def _with_files(address: Address, raw: Raw, reader: files.Files, reading: _Reading) -> Written:
    """Return the object with every `{file:}` replaced by what the file holds."""
    value = raw.value
    named: dict[Path, str] = {}
    for reference in files.references(value):
        try:
            content = reader.content(raw.place.file, reference)
        except files.Refused as err:
            position = reading.sources.value(raw.place.below(*reference.path, "file"))
            reading.problems.error(err.summary, position, "file", hint=err.hint, address=address)
            value = files.without(value, reference.path)
        else:
            named[reference.path] = content.path
            value = files.replaced(value, reference.path, content.value)
    return Written(address, value, raw.place, named)


def _validated(resolved: Resolved, reading: _Reading) -> Resource | None:
    """Return the resource, None (and problems with positions) if it is not valid."""
    kind = KIND_BY_NAME[resolved.address.kind]
    try:
        return kind.model.model_validate(resolved.value, by_alias=True, by_name=False)
    except ValidationError as err:
        positions = Positions(reading.sources, {resolved.address: resolved.places})

        def written(path: Path) -> str | None:
            return positions.written(resolved.address, path)

        also = (*(extends.KEYS if kind.name in extends.RULES else ()), *CHILDREN.get(kind.name, ()))
        for flaw in flaws(kind.model, err, resolved.value, written, also):
            position = positions.nearest(resolved.address, flaw.path, at_key=flaw.at_key)
            reading.problems.error(
                flaw.summary, position, flaw.rule, hint=flaw.hint, address=resolved.address
            )
        return None
