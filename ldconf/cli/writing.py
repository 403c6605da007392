"""What commands that write files say when they are done."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ldconf.cli.run import Run


def told(run: Run, paths: Iterable[Path], nothing: str) -> None:
    """Name every written file; or say that there was nothing to write."""
    names = [seen_from_here(path) for path in paths]
    run.out("".join(f"wrote {name}\n" for name in names))
    if not names:
        run.say(nothing)


def seen_from_here(path: Path) -> str:
    """Return a path relative to the current folder."""
    return Path(os.path.relpath(path)).as_posix()
