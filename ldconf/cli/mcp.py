"""`ldconf mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli.run import run_of


def mcp(
    context: typer.Context,
    allow_apply: Annotated[
        bool, typer.Option("--allow-apply", help="Also the tool apply, of plans that were shown")
    ] = False,
) -> int:
    """Serve tools on files and plans to an editor or assistant, over stdio (MCP).

    It writes files of the workspace and reads LaunchDarkly. Without --allow-apply it changes
    nothing there. Needs the extra `mcp`.

    \b
    Examples:
      ldconf mcp
      ldconf --local mcp --allow-apply
    """
    from importlib.util import find_spec

    from ldconf.core.errors import LdconfError

    if find_spec("mcp") is None:
        raise LdconfError("the MCP SDK is not installed", "pip install 'ldconf[mcp]'")
    from ldconf.mcp.desk import Desk
    from ldconf.mcp.server import create

    run = run_of(context)
    create(Desk(run.root(), run.site, allow_apply)).run("stdio")
    return 0
