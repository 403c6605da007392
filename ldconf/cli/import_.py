"""`ldconf import`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def import_(
    context: typer.Context,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Only this address and below (repeatable)"),
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(metavar="E", help="Environments to manage (repeatable); else all"),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Project to import where there is no ldconf.yaml yet"),
    ] = None,
    with_members: options.WithMembers = False,
) -> int:
    """Write what is live into new files, so that planning them is empty. Overwrites nothing.

    Individual targets and segment members are personal data and stay out unless --with-members.

    \b
    Examples:
      ldconf import
      ldconf import --only aiConfigs/pet-store-agent
      ldconf --workspace configs import --project pet-store-agent --environment production
    """
    from ldconf.cli.writing import told
    from ldconf.workflow.imports import ImportWish, import_live

    run = run_of(context)
    wish = ImportWish(tuple(only or ()), tuple(environment or ()), with_members)
    with run.new_site(project, wish.environments) as site, run.progress() as progress:
        imported = run.wait(import_live, site, wish, progress)
    run.tell(imported.diagnostics)
    told(run, imported.paths, "Nothing to import: everything live is in the files.")
    return 0
