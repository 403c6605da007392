"""`ldconf fmt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli.run import run_of


def fmt(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Else the whole workspace")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file would change")
    ] = False,
) -> int:
    """Bring the YAML documents into the canonical form. Comments stay.

    \b
    Examples:
      ldconf fmt
      ldconf fmt --check
    """
    from ldconf.cli.writing import seen_from_here, told
    from ldconf.workflow.formatting import documents, format_files

    run = run_of(context)
    changed = format_files(paths or documents(run.root()), write_them=not check)
    if not check:
        told(run, changed, "All files have the canonical form already.")
        return 0
    run.out("".join(f"would change {seen_from_here(path)}\n" for path in changed))
    return int(bool(changed))
