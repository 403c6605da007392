"""Was the rule written before the start, and was anything changed under the experiment since?

Both are read from git: the first first-parent commit whose files say that the iteration runs holds
the rule as it was registered, and the commits after it hold what was changed (design section 5).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

from ldconf.core.address import Address
from ldconf.core.analysis import PreRegistration, Registration
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.core.workspace import Consent, Workspace
from ldconf.documents import git, history, yaml
from ldconf.documents.history import Commit
from ldconf.documents.load import load_base
from ldconf.documents.tree import SETTINGS_FILE
from ldconf.documents.tree import find_base as tree_at
from ldconf.kinds.experiment_model import RUNNING, Experiment
from ldconf.kinds.experiment_parts import AnalysisBlock, DecisionBlock
from ldconf.workflow.base import Repository, find_repository, paths_of
from ldconf.workflow.depending import Values, changes, depends_on, kept

_SUFFIXES = (".yaml", ".yml")
_CONTAMINATE = "contaminate"
_MOST = 12  # characters of a commit

Entries: TypeAlias = Mapping[str, Mapping[str, Json]]  # blob -> the experiment as written there


def registration(
    root: Path, workspace: Workspace, key: str, iteration: int | None = None
) -> PreRegistration:
    """Return how the rule of an experiment compares with the one at the start of its iteration.

    `iteration` None: the one that the files speak of. Never raises for a missing history: without
    it nothing is verifiable, and `reason` says why.
    """
    at = Address.of("experiments", key)
    today = workspace.resources.get(at)
    if not isinstance(today, Experiment):
        return _unknown(f"the files have no experiment {key}")
    number = iteration or today.iteration
    try:
        repository = find_repository(root, workspace)
        if repository is None or repository.head is None:
            return _unknown("the files are in no git repository with a commit")
        return _Search(repository, workspace, at, number).registration(today)
    except LdconfError as error:
        return _unknown(error.summary)


def _unknown(reason: str) -> PreRegistration:
    return PreRegistration(Registration.NOT_VERIFIABLE, reason=reason)


@dataclass
class _Search:
    """The commits of a workspace, asked for one iteration of one experiment."""

    repository: Repository
    desired: Workspace
    at: Address
    iteration: int
    commits: Sequence[Commit] = ()
    entries: Entries = field(default_factory=dict)
    consenting: frozenset[str] = frozenset()  # blobs that may hold a consent to contaminate

    def registration(self, today: Experiment) -> PreRegistration:
        """Return what git says of this iteration."""
        paths = paths_of(self.repository.prefix, self.desired.settings)
        self.commits = history.first_parents(self.repository.top, paths)
        self._read_blobs()
        start = self._start()
        if isinstance(start, str):
            return _unknown(start)
        place, files = start
        commit = self.commits[place]
        then = files.resources[self.at]
        assert isinstance(then, Experiment)
        changed = tuple(_edited(then, today))
        return PreRegistration(
            status=Registration.EDITED if changed else Registration.SAME,
            commit=commit.id,
            changed=changed,
            contaminations=tuple(self._contaminations(place, files)),
            date=commit.date,
            author=commit.author,
        )

    def _read_blobs(self) -> None:
        """Find the experiment in every version of every document; most do not name it."""
        blobs = [
            file.blob
            for commit in self.commits
            for file in commit.files
            if file.blob and file.path.endswith(_SUFFIXES)
        ]
        entries: dict[str, Mapping[str, Json]] = {}
        consenting = set()
        for blob, content in history.texts(self.repository.top, blobs):
            if _CONTAMINATE.encode() in content:
                consenting.add(blob)
            if self.at.key.encode() in content:
                value = yaml.parse(content, "").value
                section = value.get("experiments") if isinstance(value, Mapping) else None
                found = section.get(self.at.key) if isinstance(section, Mapping) else None
                if isinstance(found, Mapping):
                    entries[blob] = found
        self.entries, self.consenting = entries, frozenset(consenting)

    def _start(self) -> tuple[int, Workspace] | str:
        """Return the place of the commit that starts the iteration, with the files there; a text
        says why there is none."""
        blobs: dict[str, str] = {}
        for place, commit in enumerate(self.commits):
            for file in commit.files:
                blobs.pop(file.path, None)
                if file.blob is not None:
                    blobs[file.path] = file.blob
            written = [self.entries[blob] for blob in blobs.values() if blob in self.entries]
            if not any(self._may_run(entry) for entry in written):
                continue
            files = self._files(commit.id)
            if files is not None and self._runs(files):
                return self._begun_before(commit) or (place, files)
        return f"no commit's files say that iteration {self.iteration} runs"

    def _begun_before(self, commit: Commit) -> str | None:
        """Return why an iteration may have started before this commit, None if it did not."""
        top, parent = self.repository.top, f"{commit.id}^1"
        if git.git(top, "rev-parse", "--verify", "--quiet", parent, check=False).returncode != 0:
            words = "the clone is shallow: its history may begin after the start"
            return words if git.is_shallow(top) else None
        before = self._files(git.resolve(top, parent))
        if before is not None and self._runs(before):
            return f"the workspace was moved at {commit.id[:_MOST]}, after the start"
        return None

    def _contaminations(self, place: int, files: Workspace) -> Iterator[str]:
        """Yield in words what was changed while the iteration ran, oldest first."""
        state = _State(self.at, files)
        for commit in self.commits[place + 1 :]:
            if not self._may_matter(commit, state.reads):
                continue
            files_then = self._files(commit.id)
            if files_then is None or self.at in files_then.unloadable:
                continue  # such a commit can be neither planned nor applied
            if not self._runs(files_then):
                return
            yield from state.step(files_then, commit.words)
        if self.repository.dirty and self._runs(self.desired):
            yield from state.step(self.desired, "not committed yet")

    def _may_matter(self, commit: Commit, reads: frozenset[str]) -> bool:
        """True if a commit touches what is depended on, brings a document, or a consent."""
        prefix = self.repository.prefix
        watched = {
            posixpath.normpath(f"{prefix or '.'}/{name}") for name in (*reads, SETTINGS_FILE)
        }
        for file in commit.files:
            if file.path in watched:
                return True
            if file.path.endswith(_SUFFIXES) and (file.is_new or file.blob in self.consenting):
                return True
        return False

    def _may_run(self, entry: Mapping[str, Json]) -> bool:
        return entry.get("status") == RUNNING and entry.get("iteration", 1) == self.iteration

    def _runs(self, files: Workspace) -> bool:
        found = files.resources.get(self.at)
        return (
            isinstance(found, Experiment)
            and found.status == RUNNING
            and found.iteration == self.iteration
        )

    def _files(self, commit: str) -> Workspace | None:
        """Return the files at a commit, None if they do not load."""
        repository, project = self.repository, self.desired.settings.project
        tree = tree_at(repository.top, commit, repository.prefix, project)
        if tree is None:
            return None
        try:
            return load_base(tree, commit)
        except LdconfError:
            return None
        finally:
            tree.close()


class _State:
    """What the experiment depends on, followed from commit to commit."""

    def __init__(self, at: Address, files: Workspace) -> None:
        self.at = at
        self.values: Values = {}
        self.consents = {one.identity for one in files.consents}
        self.reads: frozenset[str] = frozenset()
        self._take(files, self._values(files))

    def step(self, files: Workspace, when: str) -> Iterator[str]:
        """Yield what differs from before, and take it over."""
        now = self._values(files)
        consents = list(self._fresh(files.consents, now))
        found = dict(changes(self.values, now))
        for address, fields in found.items():
            because = [one.because for one in consents if address.matches(one.address)]
            told = f" (consent: {'; '.join(because)})" if because else ""
            yield f"{when}: {address}: {', '.join(fields)} changed{told}"
        for one in consents:
            if not any(address.matches(one.address) for address in found):
                yield f"{when}: consent to contaminate {one.address}: {one.because}"
        self._take(files, now)

    def _fresh(self, consents: Iterable[Consent], now: Values) -> Iterator[Consent]:
        """Yield consents that a commit brings and that are about what is depended on."""
        for one in consents:
            if one.identity in self.consents or one.allow != _CONTAMINATE:
                continue
            if any(address.matches(one.address) for address in {**self.values, **now}):
                yield one

    def _values(self, files: Workspace) -> Values:
        experiment = files.resources[self.at]
        assert isinstance(experiment, Experiment)
        return depends_on(files, self.at, experiment)

    def _take(self, files: Workspace, now: Values) -> None:
        self.values = kept(self.values, now)
        self.consents |= {one.identity for one in files.consents}
        documents = {place.file for at in self.values if (place := files.position(at)) is not None}
        texts = {path for (at, _), path in files.files.items() if at in self.values}
        self.reads = frozenset({*documents, *texts})


def _edited(then: Experiment, today: Experiment) -> Iterator[str]:
    """Yield the fields of the rule that differ, as YAML paths; defaults count as written."""
    yield from _differing("decision", then.decision or DecisionBlock(), today.decision)
    yield from _differing("analysis", then.analysis or AnalysisBlock(), today.analysis)


def _differing(name: str, then: BaseModel, today: BaseModel | None) -> Iterator[str]:
    before = _leaves(then)
    after = _leaves(today if today is not None else type(then)())
    for path in dict.fromkeys((*before, *after)):
        if before.get(path) != after.get(path):
            yield f"{name}.{path}"


def _leaves(block: BaseModel) -> dict[str, Json]:
    """Return path -> value of a block; guardrails and denominators by their key."""
    found: dict[str, Json] = {}
    for name, value in block.model_dump(mode="json", by_alias=True, warnings="none").items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            found[name] = value
    return found
