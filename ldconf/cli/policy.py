"""`ldconf policy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def policy(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[PLAN]", help="What `ldconf plan --format json=PLAN` wrote"),
    ] = None,
    formats: options.Formats = None,
    base: options.BaseRef = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Offline: hold the changes since REF against them"),
    ] = None,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Do not evaluate contexts.jsonl")
    ] = False,
) -> int:
    """Hold a plan against the `policy:` of ldconf.yaml. Exits 3 if it is violated.

    Without PLAN it makes the plan first. Rules count as the base has them; new ones count at once.

    \b
    Examples:
      ldconf policy plan.json
      ldconf policy --local
      ldconf policy --against origin/main
      ldconf policy plan.json --format text,markdown=policy.md
    """
    from ldconf.cli.policing import Asked, run_policy

    return run_policy(run_of(context), Asked(file, base, against, no_samples), formats)
