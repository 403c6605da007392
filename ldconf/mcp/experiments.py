"""Tools on experiments: declare, look at results, decide, ship. Only files are written."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from mcp.server import MCPServer

from ldconf.core.address import Address
from ldconf.core.errors import SettingsError, UsageError
from ldconf.kinds.experiment_model import DRAFT, Experiment, rule_description
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.mcp.answers import Decided, Experiments, ListedExperiment, Shipped, Written
from ldconf.mcp.desk import Desk, explained
from ldconf.mcp.planning import ASKS
from ldconf.mcp.reading import LOOKS
from ldconf.mcp.writing import WRITES, given_fields, written_answer
from ldconf.render import experiment_markdown, experiment_rows
from ldconf.workflow import shipping
from ldconf.workflow.author import write_objects, written_fields
from ldconf.workflow.shipping import ShipWish
from ldconf.workflow.site import load_workspace

if TYPE_CHECKING:
    from ldconf.workflow.experiment import Results

_NEW = {"methodology": "bayesian", "status": DRAFT}


def add_experiments(server: MCPServer, desk: Desk) -> None:
    """Add list_experiments, set_experiment, results, decide and ship."""

    @server.tool(annotations=LOOKS)
    @explained()
    def list_experiments() -> Experiments:
        """List the experiments of the files. show_object shows one whole (experiments/KEY)."""
        workspace, _ = load_workspace(desk.root)
        return Experiments(
            experiments=[
                _listed(address, found, str(workspace.position(address)))
                for address, found in workspace.resources.items()
                if isinstance(found, Experiment)
            ]
        )

    @server.tool(annotations=WRITES)
    @explained()
    @desk.alone
    def set_experiment(
        key: str,
        environment: str | None = None,
        ai_config: str | None = None,
        name: str | None = None,
        rule: str | None = None,
        hypothesis: str | None = None,
        metrics: list[str | dict[str, Any]] | None = None,
        primary: str | None = None,
        allocation: dict[str, float | str] | None = None,
        control: str | None = None,
        remainder: str | None = None,
        randomization_unit: str | None = None,
        methodology: str | None = None,
        decision: dict[str, Any] | None = None,
        status: str | None = None,
        iteration: int | None = None,
    ) -> Written:
        """Write an experiment into the files, or change the given fields of one.

        environment and ai_config cannot change later. rule: `fallthrough`, or the description of a
        rule. metrics: keys, or {"key": KEY, "isGroup": true}; primary: the one that decides.
        allocation: percent of the rule's traffic by variation, one may be `rest`; what is left of
        100 gets remainder. decision: written before the start: {"minimumUnitsPerArm": 100,
        "plannedUnitsPerArm": 600, "maximumDays": 28, "inconclusive": "control", "guardrails":
        {METRIC: {"margin": 0, "threshold": 95}}}. status: draft, or running to start it when it is
        applied; then the rule or fallthrough must serve control. A change of what a running
        experiment compares needs iteration raised by one. To end it use ship.
        """
        at = Address.of("experiments", key)
        fields = {
            "name": name,
            "environment": environment,
            "aiConfig": ai_config,
            "rule": {"description": rule} if rule not in (None, FALLTHROUGH) else rule,
            "hypothesis": hypothesis,
            "randomizationUnit": randomization_unit,
            "methodology": methodology,
            "metrics": metrics,
            "primary": primary,
            "allocation": allocation,
            "control": control,
            "remainder": remainder,
            "decision": decision,
            "status": status,
            "iteration": iteration,
        }
        new = {} if written_fields(desk.root, at) else _NEW
        return written_answer(desk, write_objects(desk.root, {at: {**new, **given_fields(fields)}}))

    @server.tool(annotations=ASKS)
    async def results(
        key: str, events: str | None = None, aggregates: str | None = None
    ) -> Decided:
        """Analyse an experiment: estimates, probabilities, health, and what its rule decides.

        LaunchDarkly's API returns no results: events (a file or folder of exported ones) or
        aggregates (a file of figures) say where they are; a local LaunchDarkly has its own.
        """
        return _answer(await _found(desk, key, events, aggregates), whole=True)

    @server.tool(annotations=ASKS)
    async def decide(key: str, events: str | None = None, aggregates: str | None = None) -> Decided:
        """Say what the rule of an experiment decides, whether it was written before the start, and
        what was changed under the experiment since. Sources as in results."""
        return _answer(await _found(desk, key, events, aggregates), whole=False)

    @server.tool(annotations=WRITES)
    async def ship(
        key: str,
        winner: str | None = None,
        reason: str | None = None,
        archive_losers: bool = False,
        events: str | None = None,
        aggregates: str | None = None,
    ) -> Shipped:
        """End an experiment in the files: stopped, with its winner served. Then plan.

        Without winner the decision names it, and this is refused if that is not to end the
        experiment. A winner of the person's own choice needs their reason: ask for both.
        """
        with explained():
            key = key.removeprefix("experiments/")
            wish = ShipWish(winner, reason, archive_losers)
            shipping.check_wish(wish)
            decision = None
            if wish.needs_decision:
                decision = (await _found(desk, key, events, aggregates)).decision
            ending = shipping.ending_of(key, wish, decision)
            write = desk.alone(shipping.ship)
            done = await to_thread.run_sync(write, desk.root, key, ending)
        return Shipped(
            files=sorted(os.path.relpath(path, desk.root) for path in done.texts),
            winner=ending.winner,
            reason=ending.reason,
            archived=list(done.archived),
            remarks=list(done.remarks),
        )


async def _found(desk: Desk, key: str, events: str | None, aggregates: str | None) -> Results:
    """Return the results. Raises ToolError in words."""
    with explained():
        from ldconf.workflow.experiment import NO_SOURCE, ResultsWish  # needs the extra `stats`
        from ldconf.workflow.experiment import results as analysed

        if events is not None and aggregates is not None:
            raise UsageError("events and aggregates are two sources: give one of them")
        wish = ResultsWish(
            key, events=_path(desk.root, events), aggregates=_path(desk.root, aggregates)
        )
        with ExitStack() as stack:
            try:
                site = stack.enter_context(desk.site())
            except SettingsError:
                if not wish.from_files:
                    raise
                site = None  # figures from files need no account
            if site is not None and not site.connection.is_local and not wish.from_files:
                raise UsageError(*NO_SOURCE)
            return await analysed(desk.root, site, wish, time.time_ns() // 1_000_000)


def _answer(found: Results, *, whole: bool) -> Decided:
    decision, analysis = found.decision, found.analysis
    if whole:
        report = experiment_markdown.results(analysis, decision)
    else:
        report = experiment_markdown.decided(decision, analysis)
    return Decided(
        verdict=decision.verdict.value,
        words=experiment_rows.verdict(decision),
        winner=decision.winner,
        reasons=list(decision.reasons),
        warnings=[one.words for one in decision.warnings],
        registration=experiment_rows.registration(decision.registration),
        remarks=list(found.remarks),
        report=report,
    )


def _listed(address: Address, found: Experiment, place: str) -> ListedExperiment:
    return ListedExperiment(
        address=str(address),
        place=place,
        environment=found.environment,
        ai_config=found.ai_config,
        rule=rule_description(found) or FALLTHROUGH,
        status=found.status,
        iteration=found.iteration,
        primary=found.primary,
        allocation={key: float(percent) for key, percent in found.allocation.items()},
        control=found.control,
        winner=found.winner,
    )


def _path(root: Path, given: str | None) -> Path | None:
    return root / given if given else None
