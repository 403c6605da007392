"""One run of the program: global options, the workspace, the account, and where output goes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import typer

if TYPE_CHECKING:
    from ldconf.cli.progress import Bar
    from ldconf.core.diagnostic import Diagnostic
    from ldconf.core.workspace import WorkspaceSettings
    from ldconf.render.canvas import Look
    from ldconf.workflow.plan import Planned, PlanWish
    from ldconf.workflow.site import Site

T = TypeVar("T")
_ASCII = str.maketrans(
    {"→": "->", "…": "...", "│": "|", "·": "-", "─": "-", "±": "+/-"}
    | dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True))
)


@dataclass
class Run:
    """Global options, filled in by typer; commands get it with `run_of(context)`."""

    workspace: Path | None = None
    local: bool = False
    quiet: bool = False
    verbose: bool = False
    host: str = ""  # once it is known
    folder: Path | None = None  # the workspace, once it is found

    def root(self) -> Path:
        """Return the workspace folder."""
        from ldconf.settings import find_workspace

        if self.folder is None:
            self.folder = find_workspace(self.workspace, Path.cwd())
        return self.folder

    @contextmanager
    def site(self) -> Iterator[Site]:
        """Give the workspace with the account that options and environment name."""
        from ldconf.workflow.site import settings_of

        root = self.root()
        with self._connected(root, settings_of(root)) as found:
            yield found

    @contextmanager
    def new_site(self, project: str | None, environments: Sequence[str]) -> Iterator[Site]:
        """Give the site of an import: where no `ldconf.yaml` is yet, `project` names it."""
        from ldconf.workflow.imports import first_settings

        folder = self.workspace or Path.cwd()
        if project is None or (folder / "ldconf.yaml").exists():
            with self.site() as found:
                yield found
        else:
            self.folder = folder
            settings = first_settings(project, environments, os.environ)
            with self._connected(folder, settings) as found:
                yield found

    @contextmanager
    def _connected(self, root: Path, settings: WorkspaceSettings) -> Iterator[Site]:
        from ldconf.settings import connection
        from ldconf.workflow.site import Site

        if not self.local:
            account = connection(settings, os.environ)
            self.host = account.host
            yield Site(root, account, settings)
            return
        from ldconf.cli.local import local_connection

        with local_connection(root, settings) as found:
            yield Site(root, found, settings)

    def plan(self, wish: PlanWish) -> Planned:
        """Return the plan of the workspace against its account."""
        from ldconf.workflow.review import plan_for_review

        with self.site() as site, self.progress() as progress:
            return self.wait(plan_for_review, site, wish, progress)

    def progress(self) -> AbstractContextManager[Bar | None]:
        """Show a progress bar while in this context, if somebody can see it."""
        from ldconf.cli.progress import progress

        return progress(quiet=self.quiet)

    @property
    def look(self) -> Look:
        """How to draw on stdout."""
        return _look(sys.stdout)

    def out(self, text: str) -> None:
        """Write a result to stdout."""
        _write(sys.stdout, text)

    def say(self, text: str) -> None:
        """Write a remark to stderr, unless `--quiet`."""
        if not self.quiet:
            _write(sys.stderr, f"{text}\n")

    def tell(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Write problems in the files to stderr, with the lines they are about."""
        from ldconf.core.diagnostic import Severity
        from ldconf.render import diagnostics as drawing
        from ldconf.render import github

        found = list(diagnostics)
        if self.quiet:
            found = [one for one in found if one.severity is Severity.ERROR]
        if not found:
            return
        shown = [self._from_here(one) for one in found]
        sources = {one.position.file: _source(one.position.file) for one in shown if one.position}
        _write(sys.stderr, drawing.text(shown, _look(sys.stderr), sources))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            _write(sys.stderr, github.annotations(shown))

    def _from_here(self, found: Diagnostic) -> Diagnostic:
        """Paths of diagnostics start at the workspace; people need them from where they stand."""
        if found.position is None or self.folder is None:
            return found
        path = os.path.relpath(self.folder / found.position.file)
        return replace(found, position=replace(found.position, file=Path(path).as_posix()))

    def wait(self, work: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        """Run an async use case to its end. `--verbose` logs its requests."""
        import anyio

        with _log_on_stderr() if self.verbose else nullcontext():
            return anyio.run(partial(work, *arguments, **named))


def run_of(context: typer.Context) -> Run:
    """Return the run that a command belongs to."""
    found = context.find_object(Run)
    assert found is not None
    return found


@contextmanager
def _log_on_stderr() -> Iterator[None]:
    """Write our own log (requests, waits) to stderr; other libraries keep quiet."""
    import logging

    logger, handler = logging.getLogger("ldconf"), logging.StreamHandler(sys.stderr)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _look(stream: TextIO) -> Look:
    from ldconf.render.canvas import Look
    from ldconf.settings import colour

    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else None
    return Look(width, colour(os.environ, terminal))


def _write(stream: TextIO, text: str) -> None:
    """Write text; an output that cannot hold a character gets a plain one instead."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    stream.write(text)
    stream.flush()


def _source(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
