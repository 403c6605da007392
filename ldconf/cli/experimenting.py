"""The work of `ldconf experiment results` and `decide`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ldconf.cli import actions, formats
from ldconf.cli.moments import moment
from ldconf.cli.options import EventsFrom, Format, PriorChoice, ResultsFormat
from ldconf.cli.run import Run
from ldconf.core.analysis import Verdict
from ldconf.core.errors import UsageError
from ldconf.render import experiment as drawing
from ldconf.render import experiment_html, experiment_json, experiment_markdown
from ldconf.settings import has_token
from ldconf.workflow import experiment as workflow
from ldconf.workflow.experiment import NO_SOURCE, Results, ResultsWish

EVERY_S = 3.0
CODES = {
    Verdict.SHIP_TREATMENT: 0,
    Verdict.SHIP_CONTROL: 9,
    Verdict.KEEP_RUNNING: 10,
    Verdict.STOP_INCONCLUSIVE: 11,
    Verdict.BLOCKED_BY_GUARDRAIL: 12,
    Verdict.INVALID: 13,
}


@dataclass(frozen=True)
class Asked:
    """What was typed: the experiment, where its events are, how to analyse."""

    key: str
    source: EventsFrom | None = None
    events: Path | None = None
    aggregates: Path | None = None
    prior: PriorChoice | None = None
    as_of: str | None = None
    since: str | None = None
    slice_by: str | None = None


def show_results(
    run: Run, asked: Asked, values: Iterable[str] | None, out: Path | None, *, watch: bool
) -> int:
    """Analyse and write every wanted format. Returns the exit code."""
    places = _places(values, out)
    if watch:
        return _watch(run, asked, places)
    found = found_results(run, asked)
    analysis, decision = found.analysis, found.decision
    draw: dict[ResultsFormat, Callable[[], str]] = {
        ResultsFormat.TEXT: partial(
            drawing.text, analysis, decision, run.look, slices_of=asked.slice_by
        ),
        ResultsFormat.JSON: partial(experiment_json.results, analysis, decision),
        ResultsFormat.MARKDOWN: partial(experiment_markdown.results, analysis, decision),
        ResultsFormat.HTML: partial(experiment_html.page, analysis, decision),
    }
    formats.write_all(run, places, draw)
    _finish(run, found, experiment_markdown.results(analysis, decision))
    return 0


def show_decision(
    run: Run, asked: Asked, values: Iterable[str] | None, *, by_exit_code: bool
) -> int:
    """Decide and write every wanted format. Returns the exit code."""
    formats.wanted(values)
    found = found_results(run, asked, history=False)
    analysis, decision = found.analysis, found.decision
    draw: dict[Format, Callable[[], str]] = {
        Format.TEXT: partial(drawing.decided, decision, analysis, run.look),
        Format.JSON: partial(experiment_json.decided, decision, analysis),
        Format.MARKDOWN: partial(experiment_markdown.decided, decision, analysis),
    }
    formats.write(run, values, draw)
    _finish(run, found, experiment_markdown.decided(decision, analysis))
    return CODES[decision.verdict] if by_exit_code else 0


def print_template(run: Run, key: str) -> int:
    """Print a file for `--aggregates` to fill in."""
    run.out(workflow.template(run.root(), key))
    return 0


def _places(
    values: Iterable[str] | None, out: Path | None
) -> list[tuple[ResultsFormat, Path | None]]:
    places = formats.among(ResultsFormat, values)
    if out is None:
        return places
    if len(places) != 1 or places[0][1] is not None:
        raise UsageError("--out takes one format", "or name a file for each: --format html=FILE")
    return [(places[0][0], out)]


def found_results(run: Run, asked: Asked, *, history: bool = True) -> Results:
    """Return the results from where the events are. Raises LdconfError in words."""
    now = time.time_ns() // 1_000_000
    if asked.source is EventsFrom.LOCAL:
        run.local = True
    wish = _wish(asked, now, is_local=run.local, history=history)
    root = run.root()
    online = run.local or has_token(os.environ)  # else the counts are in files
    with run.site() if online else nullcontext() as site:
        return run.wait(workflow.results, root, site, wish, now)


def _wish(asked: Asked, now: int, *, is_local: bool, history: bool) -> ResultsWish:
    """Return what is wanted. Raises UsageError for no place with events, or for two."""
    if asked.events is not None and asked.aggregates is not None:
        raise UsageError("--events and --aggregates are two sources: give one of them")
    files = asked.events or asked.aggregates
    if asked.source is EventsFrom.LOCAL and files is not None:
        raise UsageError(f"--from local and {files} are two sources: give one of them")
    if files is None and not is_local:
        raise UsageError(*NO_SOURCE)
    as_of = None if asked.as_of is None else moment(asked.as_of, now)
    since = None if asked.since is None else moment(asked.since, now)
    if since is not None and since >= (now if as_of is None else as_of):
        raise UsageError("--since is not before the time that the results are of")
    return ResultsWish(
        key=asked.key,
        events=asked.events,
        aggregates=asked.aggregates,
        prior=None if asked.prior is None else asked.prior.value,
        as_of=as_of,
        since=since,
        slice_by=asked.slice_by,
        history=history,
    )


def _finish(run: Run, found: Results, markdown: str) -> None:
    for remark in found.remarks:
        run.say(f"note: {remark}")
    actions.leave_summary(markdown)


def _watch(run: Run, asked: Asked, places: list[tuple[ResultsFormat, Path | None]]) -> int:
    """Keep the tables on the terminal up to date until Ctrl-C. Raises UsageError without one.

    The account is opened anew for each look, so that other commands get at the local state.
    """
    from rich.console import Console, Group
    from rich.live import Live

    if places != [(ResultsFormat.TEXT, None)] or not sys.stdout.isatty():
        raise UsageError("--watch draws on a terminal", "without --watch it prints once")
    console = Console(no_color=not run.look.colour, highlight=False)

    def look() -> Group:
        found = found_results(run, asked, history=False)
        return drawing.tables(found.analysis, found.decision, slices_of=asked.slice_by)

    with Live(look(), console=console, auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            time.sleep(EVERY_S)
            live.update(look(), refresh=True)
