"""The work of `ldconf experiment ship`: decide, write, and show the plan it leads to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ldconf.cli.planning import Drawn, finish
from ldconf.cli.run import Run
from ldconf.cli.writing import told
from ldconf.core.analysis import Decision
from ldconf.core.errors import ExitCode, LdconfError
from ldconf.render import experiment as drawing
from ldconf.settings import has_token
from ldconf.workflow import shipping
from ldconf.workflow.plan import PlanWish
from ldconf.workflow.shipping import ShipWish

if TYPE_CHECKING:
    from ldconf.workflow.experiment import Results


def run_ship(run: Run, key: str, wish: ShipWish, results: Callable[[], Results]) -> int:
    """Write the end of an experiment into the files. Returns the exit code.

    `results` are only asked for if nobody names the winner.
    """
    key = key.removeprefix("experiments/")
    shipping.check_wish(wish)
    shipping.check_key(run.root(), key)
    decision = _decision(run, results()) if wish.needs_decision else None
    done = shipping.ship(run.root(), key, shipping.ending_of(key, wish, decision))
    winner = done.ending.winner
    told(run, done.texts, f"Nothing to do: {key} is stopped, and {winner} is served.")
    for name in done.archived:
        run.say(f"{name} is archived")
    for remark in done.remarks:
        run.say(remark)
    if done.texts:
        _show_plan(run)
    return ExitCode.DONE


def _decision(run: Run, found: Results) -> Decision:
    """Return what the results say, shown on the way."""
    for remark in found.remarks:
        run.say(f"note: {remark}")
    run.out(drawing.decided(found.decision, found.analysis, run.look))
    return found.decision


def _show_plan(run: Run) -> None:
    """Show what the change leads to. The files are written, whatever becomes of this."""
    if not run.local and not has_token(os.environ):
        run.say(
            "to see the plan it leads to: `ldconf plan`, with LAUNCHDARKLY_ACCESS_TOKEN or --local"
        )
        return
    try:
        finish(run, run.plan(PlanWish()), Drawn())
    except LdconfError as error:
        run.say(f"the plan it leads to cannot be made now: {error.summary}; see `ldconf plan`")
