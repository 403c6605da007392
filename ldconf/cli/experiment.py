"""`ldconf experiment`: size, results, decide and ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help="Key of an experiment in the files",
        autocompletion=options.complete_experiment,
    ),
]
From = Annotated[
    options.EventsFrom | None,
    typer.Option("--from", help="local: events of the local LaunchDarkly (as --local says too)"),
]
Events = Annotated[
    Path | None,
    typer.Option("--events", metavar="FILE|DIR", help="Exported events: parquet or jsonl"),
]
Counts = Annotated[
    Path | None,
    typer.Option("--aggregates", metavar="FILE", help="Figures typed in; see --template"),
]
PriorOption = Annotated[
    options.PriorChoice | None,
    typer.Option("--prior", help="Instead of what the files say (`analysis.prior`)"),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="As it was then: 2026-11-24T09:30Z, or 2d ago"),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Start, where LaunchDarkly does not tell it"),
]


@app.callback()
def experiment() -> None:
    """Plan, analyse and decide experiments that the files declare.

    Statistics need the extra `stats`; events of the local LaunchDarkly and of files also `dev`.
    """


@app.command()
def size(
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="[KEY]",
            help="Key of an experiment in the files; without it, of figures alone",
            autocompletion=options.complete_experiment,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="Control's rate (60%) or mean (1200, with --sd)"),
    ] = None,
    mde: Annotated[
        str | None,
        typer.Option(
            "--mde", metavar="PERCENT", help="Smallest relative difference worth finding: 10%"
        ),
    ] = None,
    sd: Annotated[
        str | None, typer.Option("--sd", metavar="VALUE", help="Standard deviation of one unit")
    ] = None,
    lower_is_better: Annotated[
        bool, typer.Option("--lower-is-better", help="Without KEY: less is better")
    ] = False,
    threshold: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="Probability to beat control that ships"),
    ] = None,
    power: Annotated[
        str, typer.Option(metavar="PERCENT", help="Chance to find a difference of that size")
    ] = "80%",
    split: Annotated[
        str | None,
        typer.Option(metavar="A/B", help="Without KEY: percent per arm, control first; 50/50"),
    ] = None,
    traffic: Annotated[
        str | None, typer.Option(metavar="N/day", help="Units that meet the rule: 500/day")
    ] = None,
    simulate: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help="Simulate the rule N times each way"),
    ] = None,
    looks: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="How often results are acted upon, for --simulate"),
    ] = None,
    source: From = None,
    events: Events = None,
    aggregates: Counts = None,
    form: options.PlainFormat = options.Plain.TEXT,
) -> int:
    """Say how many units an experiment needs, for how long, and what its numbers can find.

    With a source of events the baseline is what control has so far. --simulate runs the declared
    rule on made-up experiments, with and without a difference: how often does it ship what is no
    better, and miss what is?

    \b
    Examples:
      ldconf experiment size --baseline 60% --mde 10% --threshold 90% --traffic 500/day
      ldconf experiment size --baseline 1200 --sd 900 --mde 5% --lower-is-better
      ldconf experiment size KEY --baseline 60% --mde 10% --simulate 2000 --looks 5
    """
    from ldconf.cli.experimenting import Asked
    from ldconf.cli.sizing import Typed, show_size

    typed = Typed(
        key=key,
        baseline=baseline,
        mde=mde,
        sd=sd,
        lower_is_better=lower_is_better,
        threshold=threshold,
        power=power,
        split=split,
        traffic=traffic,
        simulate=simulate,
        looks=looks,
    )
    pilot = Asked(key or "", source, events, aggregates)
    return show_size(run_of(context), typed, pilot, form)


@app.command()
def results(
    context: typer.Context,
    key: Key,
    source: From = None,
    events: Events = None,
    aggregates: Counts = None,
    template: Annotated[
        bool, typer.Option("--template", help="Print a file for --aggregates to fill in")
    ] = False,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, json, markdown or html; `html=FILE` writes to a file (repeatable)",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the one format there")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep the tables up to date until Ctrl-C")
    ] = False,
    prior: PriorOption = None,
    as_of: AsOf = None,
    since: Since = None,
    slice_by: Annotated[
        str | None,
        typer.Option("--slice", metavar="ATTRIBUTE", help="Also by the values of an attribute"),
    ] = None,
) -> int:
    """Show the results of an experiment: estimates, differences, probabilities, health.

    LaunchDarkly's API returns no results: say where the events are.

    \b
    Examples:
      ldconf experiment results pet-store-agent-model-performance --local
      ldconf experiment results KEY --events exported/ --format text,html=report.html
      ldconf experiment results KEY --template > figures.yaml
      ldconf experiment results KEY --aggregates figures.yaml --prior flat
    """
    from ldconf.cli.experimenting import Asked, print_template, show_results

    run = run_of(context)
    if template:
        return print_template(run, key)
    asked = Asked(key, source, events, aggregates, prior, as_of, since, slice_by)
    return show_results(run, asked, form, out, watch=watch)


@app.command()
def decide(
    context: typer.Context,
    key: Key,
    source: From = None,
    events: Events = None,
    aggregates: Counts = None,
    form: options.Formats = None,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="Tell the verdict: ship 0, ship control 9, keep running 10, no winner 11, "
            "guardrail 12, invalid 13",
        ),
    ] = False,
    prior: PriorOption = None,
    as_of: AsOf = None,
    since: Since = None,
) -> int:
    """Say what the rule of an experiment decides: ship, stop or keep running, and why.

    The rule is the `decision` block of the files. It is compared with the block at the commit that
    started the iteration, and changes since to what was compared are named.

    \b
    Examples:
      ldconf experiment decide pet-store-agent-model-performance --local
      ldconf experiment decide KEY --aggregates figures.yaml --exit-code
    """
    from ldconf.cli.experimenting import Asked, show_decision

    asked = Asked(key, source, events, aggregates, prior, as_of, since)
    return show_decision(run_of(context), asked, form, by_exit_code=exit_code)
