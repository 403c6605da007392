"""The work of `ldconf github experiments`: a report on each, and a pull request that ships."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ldconf.cli import actions
from ldconf.cli.experimenting import Asked, found_results
from ldconf.cli.planning import Drawn, report_of
from ldconf.cli.run import Run
from ldconf.core.errors import ExitCode, LdconfError, UsageError
from ldconf.render import delivery as drawing
from ldconf.render import experiment_markdown, experiment_rows, markdown
from ldconf.settings import has_token
from ldconf.workflow import delivery, reporting, shipping
from ldconf.workflow.delivery import Place, Runner
from ldconf.workflow.experiment import NO_SOURCE, Results
from ldconf.workflow.plan import PlanWish
from ldconf.workflow.reporting import Running
from ldconf.workflow.shipping import SHIPS, ShipWish

_PLAN, _RESULTS = 24_000, 30_000  # characters: both fit into one text of GitHub


@dataclass(frozen=True)
class ExperimentsDelivery:
    """What `ldconf github experiments` takes. `{key}` in a path is the experiment's key."""

    events: str | None = None
    aggregates: str | None = None
    issue: int | None = None
    archive_losers: bool = False
    redact: bool = False
    author: str | None = None


def deliver_experiments(run: Run, wanted: ExperimentsDelivery) -> int:
    """Report on every running experiment. Exits 1 if one could not be analysed."""
    if wanted.events and wanted.aggregates:
        raise UsageError("--events and --aggregates are two sources: give one of them")
    if not (wanted.events or wanted.aggregates or run.local):
        raise UsageError(*NO_SOURCE)
    runner = delivery.runner(os.environ, wanted.author)
    place = delivery.place(run.root())
    running = reporting.running(run.root())
    failed, proposed = [], {}
    for experiment in running:
        done = _One(run, wanted, runner, place, experiment)
        found = done.results()
        proposed[experiment.key] = done.ship(found) if isinstance(found, Results) else None
        done.report(found, proposed[experiment.key])
        if isinstance(found, LdconfError):
            failed.append(experiment.key)
    over = run.wait(reporting.close_over, runner, place.settings.project, running)
    for number in over:
        run.say(f"issue {number} is closed: its experiment runs no more")
    if not running:
        run.say("no experiment of the files is running")
    numbers = [str(number) for number in proposed.values() if number is not None]
    actions.leave_outputs({"pull-requests": ",".join(numbers), "failed": ",".join(failed)})
    return ExitCode.ERROR if failed else ExitCode.DONE


@dataclass(frozen=True)
class _One:
    """One experiment in its delivery."""

    run: Run
    wanted: ExperimentsDelivery
    runner: Runner
    place: Place
    experiment: Running

    @property
    def key(self) -> str:
        return self.experiment.key

    def results(self) -> Results | LdconfError:
        """Return what was found, or why nothing was."""
        try:
            events, aggregates = self._path(self.wanted.events), self._path(self.wanted.aggregates)
            asked = Asked(self.key, events=events, aggregates=aggregates)
            return found_results(self.run, asked)
        except LdconfError as error:
            self.run.say(f"{self.key}: {error.summary}")
            return error

    def ship(self, found: Results) -> int | None:
        """Keep the pull request that ships as the verdict wants it. Returns its number."""
        branch = reporting.branch(self.place.settings.project, self.key)
        if found.decision.verdict not in SHIPS:
            gone = self._propose(branch, {}, ("", ""))
            if gone.closed is not None:
                self.run.say(f"pull request {gone.closed} is closed: {self.key} is to go on")
            return None
        wish = ShipWish(archive_losers=self.wanted.archive_losers)
        try:
            ending = shipping.ending_of(self.key, wish, found.decision)
            edit = shipping.edited(self.run.root(), self.key, ending)
        except LdconfError as error:
            self.run.say(f"{self.key}: {error.summary}\n{error.hint or ''}".rstrip())
            return None
        report = experiment_markdown.results(found.analysis, found.decision, limit=_RESULTS)
        remarks = (*_doubts(found), *edit.remarks)
        body = drawing.ship_body(report, remarks, self._plan(edit.texts))
        words = (drawing.ship_title(self.key, ending.winner), body)
        made = self._propose(branch, edit.texts, words)
        self.run.say(f"pull request {made.number} ships {ending.winner} of {self.key}")
        return made.number

    def report(self, found: Results | LdconfError, ship: int | None) -> None:
        """Write the report where it goes."""
        marker = experiment_markdown.marker(self.place.settings.project, self.key)
        if isinstance(found, LdconfError):
            text = drawing.no_results(marker, self.key, found.summary)
        else:
            text = experiment_markdown.results(found.analysis, found.decision, limit=_RESULTS)
        told = f"Pull request #{ship} ships it." if ship is not None else None
        body = drawing.with_foot(self.place.heading(self.runner), text, told)
        title = drawing.report_title(self.key, self.experiment.environment)
        number = self.run.wait(reporting.put, self.runner, (title, body), issue=self.wanted.issue)
        actions.leave_summary(body)
        self.run.say(f"issue {number} reports on {self.key}")

    def _propose(
        self, branch: str, texts: dict[Path, str], words: tuple[str, str]
    ) -> delivery.Proposed:
        return self.run.wait(delivery.propose, self.runner, self.place, branch, texts, words)

    def _plan(self, texts: dict[Path, str]) -> str | None:
        """Return the plan of the files as they will be, None if nobody can be asked."""
        if not self.run.local and not has_token(os.environ):
            return None
        with _written(texts):
            try:
                planned = self.run.plan(PlanWish(as_account=not self.run.local, context=False))
            except LdconfError as error:
                self.run.say(f"{self.key}: the plan cannot be made: {error.summary}")
                return None
        report = report_of(planned, Drawn(redact=self.wanted.redact))
        return markdown.plan(report, artifact=actions.artifact(), limit=_PLAN)

    def _path(self, pattern: str | None) -> Path | None:
        return Path(pattern.replace("{key}", self.key)) if pattern else None


def _doubts(found: Results) -> tuple[str, ...]:
    """Return what a reviewer should know before the figures: a rule that was edited since the
    start or that nobody can verify, and what contaminated the comparison."""
    registered = found.decision.registration
    if registered is None or registered.is_clean:
        return ()
    return tuple(experiment_rows.registration(registered))


@contextmanager
def _written(texts: dict[Path, str]) -> Iterator[None]:
    """Have files say something else for a while."""
    before = {path: path.read_bytes() for path in texts}
    try:
        for path, text in texts.items():
            path.write_bytes(text.encode())
        yield
    finally:
        for path, content in before.items():
            path.write_bytes(content)
