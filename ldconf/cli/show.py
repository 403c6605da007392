"""`ldconf show`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def show(
    context: typer.Context,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", autocompletion=options.complete_address)
    ],
    form: options.OneFormat = options.Format.TEXT,
) -> int:
    """Show one object as the files say it beside LaunchDarkly.

    \b
    Examples:
      ldconf show aiConfigs/pet-store-agent/variations/base-config
      ldconf show aiConfigs/pet-store-agent/targeting/production --format json
    """
    from ldconf.cli.showing import write
    from ldconf.workflow.show import show

    run = run_of(context)
    with run.site() as site, run.progress() as progress:
        shown = run.wait(show, site, address, progress)
    write(run, shown, form)
    return 0
