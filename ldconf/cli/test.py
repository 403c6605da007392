"""`ldconf test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def run(
    context: typer.Context,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML")
    ] = None,
    form: options.PlainFormat = options.Plain.TEXT,
) -> int:
    """Run the `tests:` of the files offline. Exits 1 if one fails. Needs the extra `agent`.

    LaunchDarkly's own SDK evaluates, so a test says what an application will get.

    \b
    Examples:
      ldconf test
      ldconf test --junit reports/ldconf.xml
    """
    from ldconf.cli.testing import run_tests

    return run_tests(run_of(context), junit, form)
