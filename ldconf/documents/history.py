"""What first-parent commits changed below some folders, read in one go; nothing is checked out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.documents import git

_FORMAT = "%x01%H%x02%cI%x02%an"
_CONFIG = ("-c", "log.showRoot=true", "-c", "log.showSignature=false", "--literal-pathspecs")
_LOG = ("log", "--reverse", "--first-parent", "-m", "--raw", "--no-abbrev", "--no-renames", "-z")
_NONE = "0" * 40  # as git writes a blob that is not there; longer with SHA-256
_AT_ONCE = 200  # blobs that are held in memory together


@dataclass(frozen=True)
class Changed:
    """A file that a commit wrote (`blob` None: took away). The path is from the repository's top.

    `is_new`: there was no file of this name before.
    """

    path: str
    blob: str | None
    is_new: bool


@dataclass(frozen=True)
class Commit:
    """A commit; `date` as git writes it (ISO 8601), `files` compared with the first parent."""

    id: str
    date: str
    author: str
    files: tuple[Changed, ...]

    @property
    def words(self) -> str:
        """The commit for people: hash, day, author."""
        return f"{self.id[:12]} ({self.date[:10]}, {self.author})"


def first_parents(repo: Path, paths: Sequence[str]) -> tuple[Commit, ...]:
    """Return the first-parent commits up to HEAD that touch the paths, oldest first."""
    wanted = (*_LOG, f"--format={_FORMAT}", "HEAD", "--", *paths)
    return tuple(_commits(os.fsdecode(git.git(repo, *_CONFIG, *wanted).stdout)))


def _commits(text: str) -> Iterator[Commit]:
    for part in text.split("\x01")[1:]:
        head, _, rest = part.partition("\0")
        commit, date, author = head.split("\x02")
        tokens = [token.lstrip("\n") for token in rest.split("\0")]
        files = tuple(
            _changed(row, path)
            for row, path in zip(tokens[::2], tokens[1::2], strict=False)
            if row.startswith(":")
        )
        yield Commit(commit, date, author, files)


def _changed(row: str, path: str) -> Changed:
    """Return one row of `git log --raw`: `:MODE MODE BLOB BLOB STATUS`."""
    *_, blob, status = row.split(" ")
    return Changed(path, None if blob.startswith(_NONE) else blob, status.startswith("A"))


def texts(repo: Path, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (blob, its bytes), each once; one that this clone lacks is left out."""
    left = list(dict.fromkeys(blobs))
    while left:
        now, left = left[:_AT_ONCE], left[_AT_ONCE:]
        yield from _read(git.git(repo, "cat-file", "--batch", given="\n".join(now)).stdout)


def _read(answer: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        head = answer[at:end].decode().split()
        at = end + 1
        if len(head) == 3 and head[1] == "blob":
            size = int(head[2])
            yield head[0], answer[at : at + size]
            at += size + 1
