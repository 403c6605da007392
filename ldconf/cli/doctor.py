"""`ldconf doctor`."""

from __future__ import annotations

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def doctor(context: typer.Context, form: options.OneFormat = options.Format.TEXT) -> int:
    """Check token, role, host, project, git base and installation. Exits 1 if one fails.

    \b
    Examples:
      ldconf doctor
      ldconf doctor --local
    """
    from ldconf.cli.examining import examine, write

    run = run_of(context)
    findings = examine(run)
    write(run, findings, form)
    return int(any(found.is_fail for found in findings))
