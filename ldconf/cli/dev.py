"""`ldconf dev`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli.run import run_of


def dev(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8765,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Else .ldconf/local/PROJECT")
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(metavar="TOKEN", help="Access token to accept (repeatable); else a new one"),
    ] = None,
    keep_days: Annotated[
        float, typer.Option(min=0, help="Events of SDKs older than that are dropped")
    ] = 90,
) -> int:
    """Serve the local LaunchDarkly on 127.0.0.1 until Ctrl-C. Needs the extra `dev`.

    REST API, flags for server-side SDKs, their events, and a page to look at.

    \b
    Examples:
      ldconf dev
      ldconf dev --port 0 --state ~/launchdarkly --token api-123
    """
    from ldconf.cli.local import serve

    serve(run_of(context), state, port=port, tokens=token or [], keep_days=keep_days)
    return 0
