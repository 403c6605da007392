"""`ldconf promote`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def promote(
    context: typer.Context,
    ai_config: Annotated[
        str, typer.Argument(metavar="AI_CONFIG", autocompletion=options.complete_ai_config)
    ],
    source: Annotated[
        str,
        typer.Option("--from", metavar="E", autocompletion=options.complete_environment),
    ],
    target: Annotated[
        str,
        typer.Option("--to", metavar="E", autocompletion=options.complete_environment),
    ],
) -> int:
    """Copy the targeting of an AI Config from one environment to another, in the files.

    \b
    Examples:
      ldconf promote pet-store-agent --from test --to production
    """
    from ldconf.cli.writing import told
    from ldconf.workflow.edits import promote

    run = run_of(context)
    written = promote(run.root(), ai_config, source, target)
    told(run, written, f"Nothing to do: {target} has the targeting of {source} already.")
    return 0
