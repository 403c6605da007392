"""The work of `ldconf monitor`: one look, or one every two seconds."""

from __future__ import annotations

import sys
import time

from ldconf.cli.options import Plain
from ldconf.cli.run import Run
from ldconf.core.errors import UsageError
from ldconf.core.usage import Monitoring
from ldconf.render import json
from ldconf.render import monitoring as drawing
from ldconf.workflow.monitor import MonitorWish, monitor

EVERY_S = 2.0


def show(run: Run, wish: MonitorWish, form: Plain) -> None:
    """Write the use of variations once."""
    found = _look(run, wish)
    if form is Plain.JSON:
        run.out(json.document("monitoring", found))
    else:
        run.out(drawing.text(found, run.look))


def watch_on(run: Run, wish: MonitorWish, form: Plain) -> None:
    """Keep a table on the terminal up to date until Ctrl-C. Raises UsageError without one.

    The account is opened anew for each look, so that other commands get at the local state.
    """
    from rich.console import Console
    from rich.live import Live

    if form is Plain.JSON or not sys.stdout.isatty():
        raise UsageError("--watch draws on a terminal", "without --watch it prints once")
    console = Console(no_color=not run.look.colour)
    with Live(drawing.tables(_look(run, wish)), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(EVERY_S)
            live.update(drawing.tables(_look(run, wish)), refresh=True)


def _look(run: Run, wish: MonitorWish) -> Monitoring:
    with run.site() as site:
        return run.wait(monitor, site, wish, time.time_ns() // 1_000_000)
