"""`ldconf validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def validate(
    context: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors")] = False,
    form: options.OneFormat = options.Format.TEXT,
) -> int:
    """Check the files offline: schema, references, lint. All problems at once.

    \b
    Examples:
      ldconf validate
      ldconf validate --strict
      ldconf validate --format json
    """
    from ldconf.cli import checking
    from ldconf.workflow.site import check

    run = run_of(context)
    checked = check(run.root(), strict=strict)
    checking.show(run, checked, form)
    return int(checked.has_errors)
