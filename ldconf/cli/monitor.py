"""`ldconf monitor`."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def monitor(
    context: typer.Context,
    ai_config: Annotated[
        str | None, typer.Argument(metavar="[AI_CONFIG]", autocompletion=options.complete_ai_config)
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep the table up to date until Ctrl-C")
    ] = False,
    environment: Annotated[
        str | None,
        typer.Option("--environment", metavar="E", autocompletion=options.complete_environment),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="How far back: 15m, 24h, 7d")
    ] = "24h",
    form: options.PlainFormat = options.Plain.TEXT,
) -> int:
    """Show the use of variations: requests, times, tokens, errors, satisfaction, cost.

    With --local also per version and with percentiles; LaunchDarkly's API tells means only.

    \b
    Examples:
      ldconf monitor --local
      ldconf monitor pet-store-agent --local --watch --since 15m
      ldconf monitor --environment production --format json
    """
    from ldconf.cli.monitoring import show, watch_on
    from ldconf.workflow.monitor import MonitorWish, seconds

    run = run_of(context)
    wish = MonitorWish(ai_config, environment, seconds(since))
    if watch:
        watch_on(run, wish, form)
    else:
        show(run, wish, form)
    return 0
