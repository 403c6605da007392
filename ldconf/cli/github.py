"""`ldconf github`: what the GitHub action runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Author = Annotated[
    str | None,
    typer.Option(
        "--author",
        metavar="LOGIN",
        help="Whose comments are ours, if GITHUB_TOKEN is an app's  [github-actions[bot]]",
    ),
]


@app.callback()
def github() -> None:
    """Delivery in GitHub Actions: plan a pull request, apply a merge, propose drift, report.

    Needs what a job has: GITHUB_TOKEN, GITHUB_REPOSITORY and the event's file; a checkout with
    `fetch-depth: 0`; and the refs below `refs/ldconf/`, fetched.
    """


@app.command()
def plan(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where plan.json, plan.md and report.json go")
    ],
    redact_text: options.RedactText = False,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Do not evaluate contexts.jsonl")
    ] = False,
    author: Author = None,
) -> int:
    """Plan, and keep one comment per pull request and workspace up to date.

    Without secrets (a fork's pull request, Dependabot) the files are compared with those of the
    base branch, offline; nobody can apply such a plan as reviewed. Exits 3 if apply would refuse.

    \b
    Examples:
      ldconf github plan --out ldconf-plan
    """
    from ldconf.cli.delivering import PlanDelivery, deliver_plan

    return deliver_plan(run_of(context), PlanDelivery(out, redact_text, no_samples, author))


@app.command()
def apply(
    context: typer.Context,
    reviewed: Annotated[
        list[str] | None,
        typer.Option(metavar="DIGEST", help="Apply exactly this plan (a run that was approved)"),
    ] = None,
    redact_text: options.RedactText = False,
    author: Author = None,
) -> int:
    """Apply what was merged since the last time, as it was reviewed; then move the applied ref.

    Reviewed are the plans of the merged pull requests, found by their head commit. The first time
    nothing is written (exit 3): the plan that it shows is applied by its digest.

    \b
    Examples:
      ldconf github apply
      ldconf github apply --reviewed 4f1c...
    """
    from ldconf.cli.delivering import ApplyDelivery, deliver_apply

    wanted = ApplyDelivery(tuple(filter(None, reviewed or ())), redact_text, author)
    return deliver_apply(run_of(context), wanted)


@app.command()
def drift(
    context: typer.Context, redact_text: options.RedactText = False, author: Author = None
) -> int:
    """Open or update one pull request that takes over what moved in LaunchDarkly.

    Closes it when nothing is left to take over. Never writes to LaunchDarkly.

    \b
    Examples:
      ldconf github drift
    """
    from ldconf.cli.delivering import deliver_drift

    return deliver_drift(run_of(context), author, redact=redact_text)


@app.command()
def experiments(
    context: typer.Context,
    events: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR", help="Exported events; `{key}` in it is the experiment's key"
        ),
    ] = None,
    aggregates: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Figures typed in; `{key}` is the experiment's key"),
    ] = None,
    issue: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", help="Report in comments there  [an issue per experiment]", min=1
        ),
    ] = None,
    archive_losers: Annotated[
        bool, typer.Option("--archive-losers", help="Let the pull request archive who lost")
    ] = False,
    redact_text: options.RedactText = False,
    author: Author = None,
) -> int:
    """Report on every running experiment; when its rule says to end it, open a pull request.

    The pull request is what `ldconf experiment ship` writes; it is closed if the verdict changes.
    Never writes to LaunchDarkly. Exits 1 if an experiment could not be analysed.

    \b
    Examples:
      ldconf github experiments --events exported/
      ldconf github experiments --aggregates "figures/{key}.yaml" --issue 12
    """
    from ldconf.cli.delivering_experiments import ExperimentsDelivery, deliver_experiments

    wanted = ExperimentsDelivery(events, aggregates, issue, archive_losers, redact_text, author)
    return deliver_experiments(run_of(context), wanted)
