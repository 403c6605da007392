"""`ldconf apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def apply(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A plan of `ldconf plan --out FILE`")
    ] = None,
    reviewed: Annotated[
        list[str] | None,
        typer.Option(metavar="DIGEST|FILE", help="Apply only what this plan holds (repeatable)"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    base: options.BaseRef = None,
    target: options.Targets = None,
    environment: options.Environments = None,
    resend: options.Resend = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS[=GUARD]",
            help="Lift the guards at an address, once (terminal only, repeatable)",
            autocompletion=options.complete_address,
        ),
    ] = None,
    because: Annotated[str | None, typer.Option(metavar="TEXT", help="Why --allow")] = None,
    no_context: options.NoContext = False,
) -> int:
    """Show the plan, ask, and do exactly that.

    Without a terminal it needs --yes, a plan file or a reviewed digest. A change that was not in
    the reviewed plan stops it (exit 3) before the first write. Running it again after a failure
    goes on where it stopped.

    \b
    Examples:
      ldconf apply
      ldconf apply plan.json
      ldconf apply --reviewed 4f1c... --reviewed other-plan.json
      ldconf apply --local --yes
      ldconf apply --allow aiConfigs/bot/targeting/production=protected --because INC-1234
    """
    from ldconf.cli.applying import Consented, run_apply
    from ldconf.workflow.plan import PlanWish

    run = run_of(context)
    wish = PlanWish(
        base=base,
        targets=tuple(target or ()),
        environments=tuple(environment or ()),
        resend=tuple(resend or ()),
        context=not no_context,
    )
    given = [str(file)] if file else []
    return run_apply(
        run, wish, Consented(yes, (*given, *(reviewed or ())), tuple(allow or ()), because)
    )
