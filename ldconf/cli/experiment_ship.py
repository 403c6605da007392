"""`ldconf experiment ship`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ldconf.cli.experiment import AsOf, Counts, Events, From, Key, PriorOption, Since
from ldconf.cli.run import run_of

if TYPE_CHECKING:
    from ldconf.workflow.experiment import Results


def ship(
    context: typer.Context,
    key: Key,
    winner: Annotated[
        str | None,
        typer.Option(
            "--winner",
            metavar="VARIATION",
            help="Whatever the results say; needs --reason",
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; else that of the decision")
    ] = None,
    archive_losers: Annotated[
        bool,
        typer.Option(
            "--archive-losers", help="Archive the other variations, if nothing needs them"
        ),
    ] = False,
    source: From = None,
    events: Events = None,
    aggregates: Counts = None,
    prior: PriorOption = None,
    as_of: AsOf = None,
    since: Since = None,
) -> int:
    """End an experiment in the files: stopped, with its winner served. LaunchDarkly is not touched.

    Without --winner the decision names it; exits 3 if that is not to end the experiment. Prints the
    plan that the change leads to. Commit it, and `ldconf apply` stops, switches and archives.

    \b
    Examples:
      ldconf experiment ship pet-store-agent-model-performance --local
      ldconf experiment ship KEY --aggregates figures.yaml --archive-losers
      ldconf experiment ship KEY --winner base-config --reason "the provider leaves the market"
    """
    from ldconf.cli.shipping import run_ship
    from ldconf.workflow.shipping import ShipWish

    run = run_of(context)

    def found() -> Results:
        from ldconf.cli.experimenting import Asked, found_results  # needs the extra `stats`

        asked = Asked(key, source, events, aggregates, prior, as_of, since)
        return found_results(run, asked, history=False)

    return run_ship(run, key, ShipWish(winner, reason, archive_losers), found)
