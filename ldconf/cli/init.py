"""`ldconf init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli.run import run_of


def init(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Else --workspace, else here")
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="KEY", help="Key of the LaunchDarkly project")
    ] = "pet-store-agent",
) -> int:
    """Write a workspace with the Pet Store example. Overwrites nothing.

    \b
    Examples:
      ldconf init
      ldconf init configs --project support-bots
    """
    from ldconf.cli.writing import told
    from ldconf.workflow.beginning import init

    run = run_of(context)
    root = folder or run.workspace or Path.cwd()
    told(run, init(root, project), "Everything is there already.")
    run.say("Next: `ldconf validate`, then `ldconf --local plan` (no account needed).")
    return 0
