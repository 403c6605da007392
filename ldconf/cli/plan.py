"""`ldconf plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def plan(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the plan for `ldconf apply FILE`")
    ] = None,
    formats: options.Formats = None,
    base: options.BaseRef = None,
    target: options.Targets = None,
    environment: options.Environments = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Offline: compare with the files at REF; no digest"),
    ] = None,
    resend: options.Resend = None,
    no_context: options.NoContext = False,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Do not evaluate contexts.jsonl")
    ] = False,
    show_requests: Annotated[
        bool, typer.Option("--show-requests", help="List the requests that apply would send")
    ] = False,
    redact_text: options.RedactText = False,
    detailed_exitcode: options.Detailed = False,
) -> int:
    """Show what apply would do, for whom and in which environments. Only reads.

    Exits 3 if apply would refuse something; with --detailed-exitcode 2 if there are changes.

    \b
    Examples:
      ldconf plan
      ldconf plan --local
      ldconf plan --out plan.json --format text,markdown=plan.md
      ldconf plan --target aiConfigs/pet-store-agent --environment test
      ldconf plan --against origin/main
    """
    from ldconf.cli.formats import wanted as check_formats
    from ldconf.cli.planning import Drawn, exit_code, finish
    from ldconf.workflow import samples
    from ldconf.workflow.offline import plan_against
    from ldconf.workflow.plan import PlanWish

    run = run_of(context)
    check_formats(formats)
    wish = PlanWish(
        base=base,
        targets=tuple(target or ()),
        environments=tuple(environment or ()),
        resend=tuple(resend or ()),
        context=not no_context,
        requests=show_requests,
    )
    samples.check(run.root(), skip=no_samples)
    planned = run.plan(wish) if against is None else plan_against(run.root(), against, wish)
    sampled = samples.sampled(run.root(), planned, skip=no_samples)
    drawn = Drawn(formats, out, redact_text, sampled.remarks, sampled.rows)
    finish(run, planned, drawn)
    return exit_code(planned.plan, detailed=detailed_exitcode)
