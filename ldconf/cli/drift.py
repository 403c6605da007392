"""`ldconf drift`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def drift(
    context: typer.Context,
    unmanaged: Annotated[
        bool, typer.Option("--unmanaged", help="Also list live objects that no file names")
    ] = False,
    formats: options.Formats = None,
    base: options.BaseRef = None,
    target: options.Targets = None,
    environment: options.Environments = None,
    no_context: options.NoContext = False,
    redact_text: options.RedactText = False,
    detailed_exitcode: options.Detailed = False,
) -> int:
    """Tell who moved: LaunchDarkly, the repository, or both. Cannot write.

    With --detailed-exitcode: 2 repository ahead, 4 LaunchDarkly ahead, 6 both or not known.

    \b
    Examples:
      ldconf drift
      ldconf drift --unmanaged
      ldconf drift --detailed-exitcode --format json
    """
    from ldconf.cli.formats import wanted as check_formats
    from ldconf.cli.planning import Drawn, drift_exit_code, finish
    from ldconf.workflow.plan import PlanWish

    run = run_of(context)
    check_formats(formats)
    wish = PlanWish(
        base=base,
        targets=tuple(target or ()),
        environments=tuple(environment or ()),
        context=not no_context,
        unmanaged=unmanaged,
    )
    planned = run.plan(wish)
    finish(run, planned, Drawn(formats, None, redact_text, as_drift=True))
    return drift_exit_code(planned.plan) if detailed_exitcode else 0
