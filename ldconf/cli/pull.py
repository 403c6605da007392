"""`ldconf pull`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of
from ldconf.core.errors import UsageError


def pull(
    context: typer.Context,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADDRESS]...", autocompletion=options.complete_address),
    ] = None,
    drift: Annotated[
        bool, typer.Option("--drift", help="Everything that moved in LaunchDarkly; needs a base")
    ] = False,
    with_members: options.WithMembers = False,
    base: options.BaseRef = None,
) -> int:
    """Take changes made in LaunchDarkly into the existing files. Comments and order stay.

    Writes only fields that differ. Adds no objects: `ldconf import` does.

    \b
    Examples:
      ldconf pull aiConfigs/pet-store-agent/targeting/production
      ldconf pull --drift
    """
    from ldconf.cli.writing import told
    from ldconf.workflow.edits import PullWish, pull

    if bool(addresses) == drift:
        raise UsageError("name what to pull: either ADDRESS... or --drift")
    run = run_of(context)
    wish = PullWish(tuple(addresses or ()), drift, with_members, base)
    with run.site() as site, run.progress() as progress:
        pulled = run.wait(pull, site, wish, progress)
    for remark in pulled.remarks:
        run.say(remark)
    told(run, pulled.paths, "Nothing to take over: files and LaunchDarkly agree there.")
    return 0
