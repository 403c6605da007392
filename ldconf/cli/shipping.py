"""The work of `ldconf experiment ship`: decide, write, and show the plan it leads to."""

from __future__ import annotations

from ldconf.cli.experimenting import Asked, found_results
from ldconf.cli.planning import Drawn, finish
from ldconf.cli.run import Run
from ldconf.cli.writing import told
from ldconf.core.analysis import Decision
from ldconf.core.errors import ExitCode, LdconfError
from ldconf.render import experiment as drawing
from ldconf.workflow import shipping
from ldconf.workflow.experiment import has_account
from ldconf.workflow.plan import PlanWish
from ldconf.workflow.shipping import ShipWish


def run_ship(run: Run, asked: Asked, wish: ShipWish) -> int:
    """Write the end of an experiment into the files. Returns the exit code."""
    shipping.check_wish(wish)
    shipping.check_key(run.root(), asked.key)
    ending = shipping.ending_of(asked.key, wish, _decision(run, asked, wish))
    done = shipping.ship(run.root(), asked.key, ending)
    told(run, done.texts, f"Nothing to do: {asked.key} is stopped, and {ending.winner} is served.")
    for name in done.archived:
        run.say(f"{name} is archived")
    for remark in done.remarks:
        run.say(remark)
    if done.texts:
        _show_plan(run)
    return ExitCode.DONE


def _decision(run: Run, asked: Asked, wish: ShipWish) -> Decision | None:
    """Return what the results say, shown on the way; None if a person says it."""
    if not wish.needs_decision:
        return None
    found = found_results(run, asked, history=False)
    for remark in found.remarks:
        run.say(f"note: {remark}")
    run.out(drawing.decided(found.decision, found.analysis, run.look))
    return found.decision


def _show_plan(run: Run) -> None:
    """Show what the change leads to. The files are written, whatever becomes of this."""
    if not run.local and not has_account():
        run.say(
            "to see the plan it leads to: `ldconf plan`, with LAUNCHDARKLY_ACCESS_TOKEN or --local"
        )
        return
    try:
        finish(run, run.plan(PlanWish()), Drawn())
    except LdconfError as error:
        run.say(f"the plan it leads to cannot be made now: {error.summary}; see `ldconf plan`")
