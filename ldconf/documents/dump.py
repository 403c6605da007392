"""`ldconf import`: a live project as files of a workspace, so that planning them is empty.

Fields that are empty live are left out; so are individual targets and segment members (personal
data) unless asked for. What a file cannot say is left out with a remark in the file and a
diagnostic. References to what is not imported become `external` entries of `ldconf.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Severity
from ldconf.core.errors import DocumentError, LdconfError
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed
from ldconf.core.workspace import DEFAULT_HOST, Workspace
from ldconf.documents.dump_external import external
from ldconf.documents.dump_files import Layout, settings_text
from ldconf.documents.dump_objects import Objects, Written
from ldconf.documents.load import load
from ldconf.documents.overlay import Overlay
from ldconf.documents.source import Source
from ldconf.documents.tree import SETTINGS_FILE, Tree
from ldconf.kinds import KINDS, kind_of
from ldconf.kinds.experiment import environment_of
from ldconf.kinds.serve import DISABLED

# By kind: the kinds of the objects it names that are imported together with it.
ALONG: Mapping[str, tuple[str, ...]] = {
    "targeting": ("variations",),
    "experiments": ("aiConfigs", "variations", "targeting"),
}
_ORDER = {kind.name: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class DumpOptions:
    """What to import. `only` are address patterns (none: everything); `environments` (none: all
    of the project) are those to manage where there is no `ldconf.yaml` yet."""

    only: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    with_members: bool = False
    host: str = DEFAULT_HOST


@dataclass(frozen=True)
class Dumped:
    """`files` maps path -> text of what is new or changes; `diagnostics` say what is left out."""

    files: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()


def dump(live: Live, options: DumpOptions, tree: Tree | None = None) -> Dumped:
    """Return the files that list what is live and not yet listed by the workspace in `tree`.

    No file that is there is replaced; documents and `ldconf.yaml` that are there get new entries.
    Raises DocumentError if that workspace does not load, LdconfError if a new file is there
    already or nothing live matches `only`.
    """
    workspace = _workspace(tree)
    chosen = _chosen(live, workspace, options)
    if options.only and not chosen:
        raise LdconfError(f"nothing to import matches {', '.join(options.only)}")
    if not chosen and workspace:
        return Dumped({})
    return _Dump(live, options, tree, workspace, chosen).dumped()


def _workspace(tree: Tree | None) -> Workspace | None:
    if tree is None or SETTINGS_FILE not in tree.paths():
        return None
    loaded = load(tree)
    if loaded.workspace is None:
        raise DocumentError(loaded.diagnostics)
    return loaded.workspace


def _chosen(live: Live, workspace: Workspace | None, options: DumpOptions) -> set[Address]:
    """Return what to import: asked for, not listed yet, what its targeting serves, and what an
    experiment is about (its metrics may stay elsewhere)."""
    chosen = {
        address
        for address, observed in live.observed.items()
        if _is_importable(address, observed, live, workspace, options)
        and (not options.only or any(address.matches(pattern) for pattern in options.only))
    }
    for kind in ("experiments", "targeting"):
        for address in [one for one in chosen if one.kind == kind]:
            chosen |= set(_taken_along(address, live, workspace, options))
    return chosen


def _taken_along(
    address: Address, live: Live, workspace: Workspace | None, options: DumpOptions
) -> Iterator[Address]:
    """Yield what an object cannot stand in a file without."""
    resource = live.observed[address].resource
    for reference in kind_of(address).references(address, resource):
        target = reference.target
        found = live.observed.get(target)
        if (
            target.kind in ALONG[address.kind]
            and found
            and _is_importable(target, found, live, workspace, options)
        ):
            yield target


def _is_importable(
    address: Address,
    observed: Observed,
    live: Live,
    workspace: Workspace | None,
    options: DumpOptions,
) -> bool:
    if workspace and (address in workspace.resources or address in workspace.removed):
        return False
    if observed.meta.get("archived"):
        return False
    environment = environment_of(address, observed.resource)
    if environment is not None:
        return environment in _environments(live, workspace, options)
    if address.kind == "modelConfigs":
        return not observed.meta.get("global")
    return address.kind != "variations" or address.key != DISABLED


def _environments(live: Live, workspace: Workspace | None, options: DumpOptions) -> tuple[str, ...]:
    if workspace:
        return workspace.settings.environments
    return options.environments or tuple(live.environments)


class _Dump:
    """One import: drops what does not load until the rest does."""

    def __init__(
        self,
        live: Live,
        options: DumpOptions,
        tree: Tree | None,
        workspace: Workspace | None,
        chosen: set[Address],
    ) -> None:
        self.live = live
        self.options = options
        self.tree = tree
        self.workspace = workspace
        self.chosen = chosen
        self.refused: dict[Address, str] = {}
        self.reader = Objects(live, frozenset())

    def dumped(self) -> Dumped:
        """Return the files; what the loader would refuse is left out."""
        for _ in range(len(self.chosen) + 1):
            objects = list(self._objects())
            texts = self._files([one for one in objects if isinstance(one, Written)])
            errors = [d for d in load(Overlay(self.tree, texts)).diagnostics if d.is_error]
            if not errors:
                return Dumped(texts, tuple(self._diagnostics(objects)))
            blamed = {d.address: d.summary for d in errors if d.address in self.chosen}
            if not blamed:
                break
            for address, words in blamed.items():
                if address is not None:
                    self._refuse(address, words)
        raise DocumentError(errors)

    def _refuse(self, address: Address, words: str) -> None:
        self.refused[address] = words
        self.chosen = {one for one in self.chosen if not address.covers(one)}

    def _objects(self) -> Iterator[Written]:
        """Yield what can be written, in the order of kinds; refuse what cannot."""
        while True:
            own = self.chosen | set(self.workspace.resources if self.workspace else ())
            self.reader = Objects(self.live, frozenset(own), self.options.with_members)
            found = {address: self.reader.written(address) for address in self._sorted()}
            wrong = {a: words for a, words in found.items() if isinstance(words, str)}
            if not wrong:
                yield from (one for one in found.values() if isinstance(one, Written))
                return
            for address, words in wrong.items():
                self._refuse(address, words)

    def _sorted(self) -> list[Address]:
        """Return the chosen addresses by kind; variations and rules keep LaunchDarkly's order."""
        place = {address: number for number, address in enumerate(self.live.observed)}
        return sorted(self.chosen, key=lambda a: (_ORDER[a.kind], a.parts[:2], place[a]))

    def _files(self, objects: list[Written]) -> dict[str, str]:
        layout = Layout(self.tree, self._homes())
        for one in objects:
            layout.add(one)
        for address, words in self.refused.items():
            layout.remark(address, [words])
        texts = layout.files()
        before = Overlay(self.tree).text(SETTINGS_FILE) if self.workspace else None
        settings = settings_text(before, self._settings(before, objects))
        return texts if settings == before else {SETTINGS_FILE: settings, **texts}

    def _homes(self) -> dict[Address, str]:
        """Return the document of each AI Config that the files list."""
        homes: dict[Address, str] = {}
        for address in self.workspace.resources if self.workspace else ():
            position = self.workspace.position(address) if self.workspace else None
            if address.ai_config is not None and position is not None:
                homes.setdefault(Address(address.parts[:2]), position.file)
        return homes

    def _settings(self, before: str | None, objects: list[Written]) -> dict[str, Json]:
        listed = {one.address for one in objects}
        listed |= set(self.workspace.resources if self.workspace else ())
        written = Source(before).data.get("external") or {} if before else {}
        found = external(written, listed, self.reader.needed)
        environments = list(_environments(self.live, self.workspace, self.options))
        settings: dict[str, Json] = {"project": self.live.project, "environments": environments}
        if self.options.host != DEFAULT_HOST:
            settings["host"] = self.options.host
        return {**settings, "external": found} if found or written else settings

    def _diagnostics(self, objects: Iterable[Written]) -> Iterator[Diagnostic]:
        for address, words in self.refused.items():
            yield _note(address, f"{address} is not imported: {words}")
        for one in objects:
            for note in one.notes:
                yield _note(one.address, f"{one.address} is imported in part: {note}")


def _note(address: Address, summary: str) -> Diagnostic:
    return Diagnostic(Severity.WARNING, summary, rule="import", address=address)
