"""Where files come from: the working tree (`Folder`) or a commit (`GitTree`), read alike.

Paths are relative to the workspace folder and use `/`. Symbolic links, submodules and LFS pointers
are unreadable in both, so that a commit says the same as the working tree it was made from.
"""

from __future__ import annotations

import os
import posixpath
import stat
import subprocess
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ldconf.core.errors import LdconfError
from ldconf.documents import git
from ldconf.documents.yaml import MAX_BYTES, parse

SETTINGS_FILE = "ldconf.yaml"
_READ = os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
_LFS = b"version https://git-lfs.github.com/spec/"


class Unreadable(Exception):
    """A file cannot be read; `reason` completes the sentence `PATH ...`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


class Tree(Protocol):
    """A workspace folder, wherever it is kept."""

    def paths(self) -> Sequence[str]:
        """Return the files below the workspace, sorted; hidden ones and other workspaces left out.

        Symbolic links are in it (reading one raises), what lies behind a linked folder is not.
        """

    def read(self, path: str) -> bytes:
        """Return a file's bytes. `../` may lead to a shared folder. Raises Unreadable."""


class Folder:
    """A workspace in the file system."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def paths(self) -> Sequence[str]:
        """Return the files below the workspace (see `Tree`)."""
        return sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        pending = [""]
        while pending:
            folder = pending.pop()
            entries = self._visible(folder)
            if folder and any(entry.name == SETTINGS_FILE for entry in entries):
                continue  # a workspace of its own
            for entry in entries:
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{path}/")
                else:
                    yield path

    def _visible(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as found:
                return [entry for entry in found if not entry.name.startswith(".")]
        except OSError as err:
            if not folder:
                raise LdconfError(f"cannot read the folder {self.root}", err.strerror) from err
            return []  # a folder nobody may list holds no document of ours

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises Unreadable."""
        try:
            self._check_links(path)
            handle = os.open(self.root / path, _READ)
            try:
                _check_regular(path, os.fstat(handle))
                with os.fdopen(handle, "rb", closefd=False) as opened:
                    return _check_pointer(path, opened.read())
            finally:
                os.close(handle)
        except OSError as err:
            raise Unreadable(path, _reason(err)) from err

    def _check_links(self, path: str) -> None:
        """Refuse a path with a symbolic link on the way, also one that leads back inside."""
        here = self.root
        parts = path.split("/")
        for index, part in enumerate(parts):
            here = here.parent if part == ".." else here / part
            if part != ".." and here.is_symlink():
                raise Unreadable(path, _link(is_last=index == len(parts) - 1))


def _link(*, is_last: bool) -> str:
    return f"{'is' if is_last else 'lies behind'} a symbolic link, which is not followed"


def _check_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise Unreadable(path, "is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(path, "is not a regular file")
    _check_size(path, status.st_size)


def _reason(err: OSError) -> str:
    if isinstance(err, FileNotFoundError | NotADirectoryError):
        return "does not exist"
    return f"cannot be read: {(err.strerror or str(err)).lower()}"


def _check_size(path: str, size: int) -> None:
    if size >= MAX_BYTES:
        raise Unreadable(path, f"is too large: {size:,} bytes, the limit is {MAX_BYTES:,}")


def _check_pointer(path: str, content: bytes) -> bytes:
    if content.startswith(_LFS):
        raise Unreadable(path, "is a Git LFS pointer, not the file itself")
    return content


@dataclass(frozen=True)
class _Blob:
    mode: str
    kind: str
    id: str
    size: int


class GitTree:
    """A workspace at a commit, read from git's objects; nothing is checked out.

    `prefix` is the workspace's path from the root of the repository ("" for the root itself).
    One `git cat-file --batch` serves all reads; `close` (or the garbage collector) ends it.
    """

    def __init__(self, repo: Path, commit: str, prefix: str) -> None:
        self.repo = repo
        self.commit = commit
        self.prefix = prefix.strip("/") if prefix != "." else ""
        self._blobs: dict[str, _Blob] | None = None
        self._batch: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[..., GitTree] | None = None

    def paths(self) -> Sequence[str]:
        """Return the files below the workspace (see `Tree`)."""
        prefix = f"{self.prefix}/" if self.prefix else ""
        below = [path[len(prefix) :] for path in self._all() if path.startswith(prefix)]
        others = {posixpath.dirname(path) for path in below if _is_settings(path)} - {""}
        return sorted(path for path in below if _is_visible(path, others))

    def read(self, path: str) -> bytes:
        """Return a file's bytes at the commit. Raises Unreadable."""
        full = posixpath.normpath(posixpath.join(self.prefix, path))
        if full.startswith("../") or posixpath.isabs(full):
            raise Unreadable(path, "lies outside of the repository")
        self._check_links(path, full)
        blob = self._all().get(full)
        if blob is None:
            is_folder = any(other.startswith(f"{full}/") for other in self._all())
            raise Unreadable(path, "is a folder" if is_folder else "does not exist")
        _check_size(path, blob.size)
        return _check_pointer(path, self._content(path, blob.id))

    def workspaces(self) -> Sequence[str]:
        """Return the folders of the whole commit that hold an `ldconf.yaml` ("" is the root)."""
        return sorted(posixpath.dirname(path) for path in self._all() if _is_settings(path))

    def close(self) -> None:
        """End the `git cat-file` process."""
        if self._finalizer is not None:
            self._finalizer()

    def _check_links(self, path: str, full: str) -> None:
        parts = full.split("/")
        for length in range(1, len(parts) + 1):
            blob = self._all().get("/".join(parts[:length]))
            if blob and blob.mode == "120000":
                raise Unreadable(path, _link(is_last=length == len(parts)))
            if blob and blob.kind == "commit":
                raise Unreadable(path, "lies in a submodule")

    def _all(self) -> dict[str, _Blob]:
        """Return every file of the commit by its path from the repository's root."""
        if self._blobs is None:
            listing = git.git(self.repo, "ls-tree", "-r", "-z", "-l", "--full-tree", self.commit)
            self._blobs = dict(_listed(row) for row in listing.stdout.split(b"\0") if row)
        return self._blobs

    def _content(self, path: str, object_id: str) -> bytes:
        try:
            batch = self._batch or self._start()
            assert batch.stdin is not None
            assert batch.stdout is not None
            batch.stdin.write(object_id.encode() + b"\n")
            batch.stdin.flush()
            header = batch.stdout.readline().split()
        except OSError as err:
            raise Unreadable(path, "cannot be read from git") from err
        if len(header) != 3 or header[1] != b"blob":
            # A partial clone lacks the object, and nothing is ever fetched.
            raise Unreadable(path, "is not in this clone; run `git fetch --refetch`")
        content = batch.stdout.read(int(header[2]))
        batch.stdout.read(1)
        return content

    def _start(self) -> subprocess.Popen[bytes]:
        self._batch = subprocess.Popen(
            ["git", "-C", str(self.repo), "cat-file", "--batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=git.environment(),
        )
        self._finalizer = weakref.finalize(self, _stop, self._batch)
        return self._batch


def _stop(process: subprocess.Popen[bytes]) -> None:
    with process:
        process.terminate()


def _listed(row: bytes) -> tuple[str, _Blob]:
    """Return (path, blob) of one row of `git ls-tree -l`: `MODE KIND ID SIZE<tab>PATH`."""
    head, _, path = row.partition(b"\t")
    mode, kind, object_id, size = head.decode().split()
    return os.fsdecode(path), _Blob(mode, kind, object_id, int(size) if size.isdigit() else 0)


def _is_settings(path: str) -> bool:
    return posixpath.basename(path) == SETTINGS_FILE


def _is_visible(path: str, other_workspaces: set[str]) -> bool:
    parts = path.split("/")
    if any(part.startswith(".") for part in parts):
        return False
    folders = ("/".join(parts[:length]) for length in range(1, len(parts)))
    return other_workspaces.isdisjoint(folders)


def find_base(repo: Path, commit: str, prefix: str, project: str) -> GitTree | None:
    """Return the workspace at a commit, None if it is not there (a first adoption).

    By the same path, else (it was moved) by the one `ldconf.yaml` that names the same project and
    is no longer where it was. Raises LdconfError if several could be meant.
    """
    tree = GitTree(repo, commit, prefix)
    if tree.prefix in tree.workspaces() and _project(tree) in (project, None):
        return tree
    moved = [
        folder
        for folder in tree.workspaces()
        if folder != tree.prefix
        and not (repo / folder / SETTINGS_FILE).exists()
        and _project(GitTree(repo, commit, folder)) == project
    ]
    if len(moved) > 1:
        raise LdconfError(
            f"several workspaces of project {project} were moved since {commit[:12]}: "
            + ", ".join(moved),
            "move them one at a time, or give `--base none`",
        )
    return GitTree(repo, commit, moved[0]) if moved else None


def _project(tree: Tree) -> str | None:
    """Return the project that an `ldconf.yaml` names, None if it cannot be read."""
    try:
        value = parse(tree.read(SETTINGS_FILE), SETTINGS_FILE).value
    except Unreadable:
        return None
    project = value.get("project") if isinstance(value, dict) else None
    return project if isinstance(project, str) else None
