"""`ldconf experiment`: size, results, decide and ship."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def experiment() -> None:
    """Plan, analyse and decide experiments that the files declare.

    Statistics need the extra `stats`; events of the local LaunchDarkly and of files also `dev`.
    """
