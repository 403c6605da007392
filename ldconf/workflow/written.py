"""Writing files of a workspace: whole or not at all, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from ldconf.core.errors import LdconfError


def write(root: Path, texts: Mapping[str, str], shared: Path | None = None) -> tuple[Path, ...]:
    """Write texts to paths below `root` (or `shared`) and return the paths. Raises LdconfError.

    Every path is checked before the first write. A file is replaced in one step, so that a reader
    or a crash never meets half of one.
    """
    targets = {root / path: text for path, text in texts.items()}
    for path in targets:
        _check((root, shared) if shared else (root,), path)
    for path, text in targets.items():
        try:
            _replace(path, text)
        except OSError as err:
            raise LdconfError(f"cannot write {path}: {err.strerror or err}") from err
    return tuple(targets)


def _check(folders: Sequence[Path], path: Path) -> None:
    """Refuse a path outside of the folders, and symbolic links on the way."""
    parent = os.path.realpath(path.parent)
    reals = [os.path.realpath(folder) for folder in folders]
    if path.is_symlink() or not any(os.path.commonpath([r, parent]) == r for r in reals):
        raise LdconfError(f"will not write {path}: it lies outside of {folders[0]} or is a link")


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    with NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(text.encode())
            file.close()
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
