"""Git questions, answered by the `git` program; nothing is checked out, fetched or written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import quote

from ldconf.core.errors import LdconfError

_DEPTH_HINT = "in GitHub Actions give actions/checkout `fetch-depth: 0`, or run `git fetch`"

_DOCUMENTS = (".yaml", ".yml")
# Set inside git hooks, where they would point `git -C FOLDER` at the wrong place.
_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def git(
    repo: Path, *arguments: str, check: bool = True, given: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in `repo`, `given` on its standard input.

    Raises LdconfError with git's own words if `check` and it fails.
    """
    command = ["git", "-C", str(repo), *arguments]
    try:
        done = subprocess.run(
            command, input=given.encode(), capture_output=True, env=environment(), check=False
        )
    except OSError as err:
        raise LdconfError("the program `git` cannot be started", str(err)) from err
    if check and done.returncode != 0:
        said = _words(done.stderr)
        raise LdconfError(f"git {arguments[0]}: {said or f'exit code {done.returncode}'}")
    return done


def environment() -> dict[str, str]:
    """Return the environment for git: English, no locks, no lazy fetches, no replaced objects."""
    extra = {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
    kept = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    return {**kept, **extra}


def top_level(path: Path) -> Path | None:
    """Return the root of the working tree that holds `path`, None outside of git."""
    try:
        done = git(path, "rev-parse", "--show-toplevel", check=False)
    except LdconfError:
        return None  # no git program: as good as no repository
    if done.returncode == 0 and done.stdout.strip():
        return Path(os.fsdecode(done.stdout.rstrip(b"\n")))
    if b"not a git repository" in done.stderr or b"must be run in a work tree" in done.stderr:
        return None
    # For instance `detected dubious ownership`: without an answer a base would vanish silently.
    raise LdconfError(f"git cannot read the repository: {_words(done.stderr)}")


def resolve(repo: Path, ref: str) -> str:
    """Return the commit that `ref` names. Raises LdconfError that says how to get the history."""
    done = git(
        repo,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{ref}^{{commit}}",
        check=False,
    )
    commit = done.stdout.decode().strip()
    if done.returncode != 0 or not commit:
        raise LdconfError(f"the base {ref!r} cannot be resolved to a commit", _history_hint(repo))
    if git(repo, "cat-file", "-e", f"{commit}^{{tree}}", check=False).returncode != 0:
        raise LdconfError(f"the commit of {ref!r} is not in this clone", _history_hint(repo))
    return commit


def head(repo: Path) -> str | None:
    """Return the commit of HEAD, None before the first commit."""
    done = git(repo, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False)
    return done.stdout.decode().strip() or None


def merge_base(repo: Path, one: str, other: str) -> str | None:
    """Return the best common ancestor, None if there is none.

    Raises LdconfError if the clone is shallow and none is found: it may lie beyond the clone.
    """
    done = git(repo, "merge-base", one, other, check=False)
    if done.returncode == 0:
        return done.stdout.decode().split()[0]
    if done.returncode == 1 and not is_shallow(repo):
        return None
    if done.returncode == 1:
        raise LdconfError(
            f"{one} and {other} have no common ancestor in this shallow clone", _DEPTH_HINT
        )
    raise LdconfError(f"git merge-base: {_words(done.stderr)}", _history_hint(repo))


def is_ancestor(repo: Path, ancestor: str, of: str) -> bool:
    """True if `ancestor` is reachable from `of` (or is the same commit)."""
    done = git(repo, "merge-base", "--is-ancestor", ancestor, of, check=False)
    if done.returncode > 1:
        raise LdconfError(f"git merge-base: {_words(done.stderr)}", _history_hint(repo))
    if done.returncode == 1 and is_shallow(repo):
        raise LdconfError(
            f"this shallow clone does not say whether {of} follows {ancestor}", _DEPTH_HINT
        )
    return done.returncode == 0


def first_parents(repo: Path, base: str, to: str) -> tuple[str, ...]:
    """Return the first-parent commits from `to` back to `base`, newest first, `base` left out."""
    done = git(repo, "rev-list", "--first-parent", to, f"^{base}", "--")
    return tuple(done.stdout.decode().split())


def is_dirty(repo: Path, *paths: Path, read: Collection[Path] | None = None) -> bool:
    """True if what is read below `paths` differs from HEAD.

    `read` are the files that were read; without it, every tracked file and every YAML file counts.
    So a report or plan file that lies about in a workspace makes nothing dirty.
    """
    wanted = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored")
    done = git(
        repo, "--literal-pathspecs", *wanted, "--", *(_relative(repo, path) for path in paths)
    )
    rows = [os.fsdecode(row) for row in done.stdout.split(b"\0") if row]
    changed = {row[3:]: row[:2] for row in rows}
    if read is None:
        return any(_may_count(path, status) for path, status in changed.items())
    files = {_relative(repo, path) for path in read}
    return any(
        path in files
        or ("D" in status and path.endswith(_DOCUMENTS))
        or (path.endswith("/") and any(file.startswith(path) for file in files))
        for path, status in changed.items()
    )


def _may_count(path: str, status: str) -> bool:
    if any(part.startswith(".") for part in path.split("/")):
        return False
    return path.endswith(_DOCUMENTS) or status not in ("??", "!!")


def _relative(repo: Path, path: Path) -> str:
    return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(repo))).as_posix()


def is_shallow(repo: Path) -> bool:
    """True if the clone lacks history."""
    done = git(repo, "rev-parse", "--is-shallow-repository", check=False)
    return done.stdout.strip() == b"true"


def workspace_ref_name(project: str, workspace: str) -> str:
    """Return the applied ref of a workspace; `workspace` is its path from the repository's root.

    `/` is written `--`, the root `_root`; what a ref name cannot hold is percent-encoded.
    """
    path = workspace.strip("/")
    name = "_root" if path in ("", ".") else path.replace("/", "--")
    return f"refs/ldconf/applied/{ref_part(project)}/{ref_part(name)}"


def ref_part(text: str) -> str:
    """Return a text as one part of a ref's name; what such a name cannot hold is encoded."""
    part = quote(text, safe="-_.").replace("..", ".%2E")
    if part.startswith("."):
        part = "%2E" + part[1:]
    if part.endswith((".", ".lock")):
        head, _, tail = part.rpartition(".")
        part = f"{head}%2E{tail}"
    return part


def _history_hint(repo: Path) -> str:
    if is_shallow(repo):
        return f"this clone is shallow: {_DEPTH_HINT}"
    return f"check the name; if the clone lacks it, {_DEPTH_HINT}"


def _words(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else ""


__all__: Sequence[str] = (
    "first_parents",
    "git",
    "head",
    "is_ancestor",
    "is_dirty",
    "is_shallow",
    "merge_base",
    "ref_part",
    "resolve",
    "top_level",
    "workspace_ref_name",
)
