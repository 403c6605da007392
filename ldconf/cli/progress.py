"""A progress bar on stderr for what takes longer than a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE_S = 1.0


class Bar:
    """Call it with what is done, how much of it and of how much; `hide` before printing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._clock = clock
        self._started = clock()
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=None)

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show progress, once the work has taken a second."""
        if self._clock() - self._started > _PATIENCE_S:
            self._progress.start()
        self._progress.update(self._task, description=what, completed=done, total=total)

    @property
    def is_shown(self) -> bool:
        """True while the bar is on the screen."""
        return self._progress.live.is_started

    def hide(self) -> None:
        """Take the bar away; the next progress shows it again."""
        self._progress.stop()


@contextmanager
def progress(*, quiet: bool) -> Iterator[Bar | None]:
    """Give a bar to report progress to; None where nobody would see it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bar = Bar()
    try:
        yield bar
    finally:
        bar.hide()
