"""The base of a three-way plan: which commit, and what the files said there (design 4.2)."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.core.errors import DocumentError, LdconfError, UsageError
from ldconf.core.workspace import Workspace, WorkspaceSettings
from ldconf.documents import git
from ldconf.documents.load import load_base
from ldconf.documents.tree import SETTINGS_FILE
from ldconf.documents.tree import find_base as tree_at
from ldconf.planning.options import empty_base

NONE = "none"


@dataclass(frozen=True)
class Repository:
    """The git repository that a workspace lies in."""

    top: Path
    prefix: str  # path of the workspace from the top, "" for the top itself
    head: str | None  # commit, None before the first one
    dirty: bool  # the files of the workspace differ from HEAD


@dataclass(frozen=True)
class Base:
    """What the plan is compared with. `workspace` None: no base, so the direction is unknown.

    `merged` holds the files at the merge base of a pull request, if the base is older.
    """

    workspace: Workspace | None = None
    commit: str | None = None
    name: str | None = None  # for people: commit and where it comes from
    merged: Workspace | None = None
    repository: Repository | None = None


@dataclass(frozen=True)
class Choice:
    """The commit that was chosen as base, before it is read."""

    commit: str
    why: str
    merge_base: str | None = None  # set if the base is the applied ref in a pull request


def find_base(root: Path, desired: Workspace, wanted: str | None, env: Mapping[str, str]) -> Base:
    """Return the base: `wanted` (a ref or `none`), else what design 4.2 says. Never fetches."""
    repository = find_repository(root, desired)
    if wanted == NONE:
        return Base(repository=repository)
    if repository is None or repository.head is None:
        if wanted is not None:
            raise UsageError(f"--base {wanted}: {root} is in no git repository with a commit")
        return Base(repository=repository)
    choice = _choose(repository, repository.head, desired.settings.project, wanted, env)
    if choice is None:
        return Base(repository=repository)
    merged = None
    if choice.merge_base is not None and choice.merge_base != choice.commit:
        merged = read_at(repository, choice.merge_base, desired)
    return Base(
        workspace=read_at(repository, choice.commit, desired),
        commit=choice.commit,
        name=f"{choice.commit[:12]} ({choice.why})",
        merged=merged,
        repository=repository,
    )


def find_repository(root: Path, desired: Workspace) -> Repository | None:
    """Return the repository around a workspace, None outside of git."""
    top = git.top_level(root)
    if top is None:
        return None
    here = Path(os.path.realpath(root))
    prefix = here.relative_to(os.path.realpath(top)).as_posix()
    paths = [here]
    if desired.settings.shared:
        paths.append(here / desired.settings.shared)
    read = {here / file for file in (*desired.sources, *desired.files.values())}
    dirty = git.is_dirty(top, *paths, read=read)
    return Repository(top, "" if prefix == "." else prefix, git.head(top), dirty)


def workspace_name(repository: Repository | None, project: str) -> str:
    """Return the name of a workspace as the applied ref has it."""
    prefix = repository.prefix if repository else ""
    return git.workspace_ref_name(project, prefix).rpartition("/")[2]


def read_at(repository: Repository, commit: str, desired: Workspace) -> Workspace:
    """Return the workspace at a commit; an empty one if there was none (first adoption)."""
    tree = tree_at(repository.top, commit, repository.prefix, desired.settings.project)
    if tree is None:
        return empty_base(desired, commit)
    try:
        return load_base(tree, commit)
    except DocumentError as error:
        problem = error.diagnostics[0].summary if error.diagnostics else error.summary
        raise LdconfError(
            f"{SETTINGS_FILE} at the base {commit[:12]} does not load: {problem}",
            "choose another base with --base REF (or `none`)",
        ) from error
    finally:
        tree.close()


def history(base: Base, desired: Workspace) -> tuple[Workspace, ...]:
    """Return what the files said at each first-parent commit after the base, newest first."""
    repository = base.repository
    if repository is None or repository.head is None or base.commit is None:
        return ()
    found = commits(repository.top, base.commit, paths_of(repository.prefix, desired.settings))
    return tuple(read_at(repository, commit, desired) for commit in found)


def paths_of(prefix: str, settings: WorkspaceSettings) -> list[str]:
    """Return the folders of a workspace, from the top of its repository."""
    paths = [prefix or "."]
    if settings.shared:
        paths.append(posixpath.normpath(posixpath.join(paths[0], settings.shared)))
    return paths


def commits(top: Path, base: str, paths: Sequence[str]) -> list[str]:
    """Return the first-parent commits after `base` that touch the paths, newest first."""
    walk = ("rev-list", "--first-parent", "HEAD", f"^{base}", "--")
    return git.git(top, "--literal-pathspecs", *walk, *paths).stdout.decode().split()


def _choose(
    repository: Repository, head: str, project: str, wanted: str | None, env: Mapping[str, str]
) -> Choice | None:
    top = repository.top
    if wanted is not None:
        commit = git.resolve(top, wanted)
        _must_be_ancestor(top, commit, head, f"--base {wanted}")
        return Choice(commit, wanted)
    ref = git.workspace_ref_name(project, repository.prefix)
    applied = _existing(top, [ref])
    branch = env.get("GITHUB_BASE_REF")
    if branch:
        merge_base = _merge_base(top, branch, head)
        if applied is not None and git.is_ancestor(top, applied, merge_base):
            return Choice(applied, "applied last", merge_base)
        return Choice(merge_base, f"merge base with {branch}")
    if applied is None:
        return None
    _must_be_ancestor(top, applied, head, ref)
    return Choice(applied, "applied last")


def _merge_base(top: Path, branch: str, head: str) -> str:
    names = [f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"]
    target = _existing(top, names)
    if target is None:
        git.resolve(top, names[0])  # raises, and says how to get the history
    found = git.merge_base(top, head, target or names[0])
    if found is None:
        raise LdconfError(f"HEAD and the base branch {branch} have no common ancestor")
    return found


def _existing(top: Path, names: Sequence[str]) -> str | None:
    """Return the commit of the first ref that exists. A ref whose commit is missing raises."""
    for name in names:
        done = git.git(top, "show-ref", "--verify", "--quiet", name, check=False)
        if done.returncode == 0:
            return git.resolve(top, name)
    return None


def _must_be_ancestor(top: Path, commit: str, head: str, name: str) -> None:
    if not git.is_ancestor(top, commit, head):
        raise LdconfError(
            f"{name} ({commit[:12]}) is no ancestor of HEAD ({head[:12]})",
            "merge or rebase onto it, or choose another base with --base REF (or `none`)",
        )
