"""The conversation of `ldconf apply`: show, ask, tell."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from ldconf.cli.planning import Drawn, finish
from ldconf.cli.progress import Bar
from ldconf.cli.run import Run
from ldconf.core.change import NoteKind
from ldconf.core.errors import ExitCode, UsageError
from ldconf.core.outcome import Awaiting, Failed, Outcome, Skipped
from ldconf.core.workspace import Consent
from ldconf.render import outcomes
from ldconf.workflow.apply import ApplyWish, Done, apply_plan, read_reviewed
from ldconf.workflow.plan import Planned, PlanWish

# What `--allow ADDRESS` lifts unless a guard is named. Overwriting drift must be named.
_GUARDS = ("protected", "inPlaceEdit", "contaminate", "deletes", "updates")
_ALL = (*_GUARDS, "drift")


@dataclass(frozen=True)
class Consented:
    """How the person agreed: on the command line, by a reviewed plan, or not yet."""

    yes: bool = False
    reviewed: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    because: str | None = None


@dataclass
class Conversation:
    """Shows the plan and every outcome; asks on the terminal."""

    run: Run
    progress: Bar | None = None
    shown: Planned | None = None  # the plan that was shown last
    redact: bool = False

    def show(self, found: Planned) -> None:
        """Show the plan."""
        self.shown = found
        self._hide_bar()
        finish(self.run, found, Drawn(redact=self.redact))

    def _hide_bar(self) -> None:
        if self.progress is not None:
            self.progress.hide()

    def agrees(self) -> bool:
        """Ask; only the whole word is a yes."""
        sys.stderr.write("\nApply this? Only `yes` is a yes: ")
        sys.stderr.flush()
        return sys.stdin.readline().strip() == "yes"

    def tell(self, outcome: Outcome) -> None:
        """Say what became of one change."""
        self._hide_bar()
        if not self.run.quiet:
            self.run.out(outcomes.line(outcomes.row(outcome), self.run.look))


def run_apply(run: Run, wish: PlanWish, consented: Consented) -> int:
    """Apply, and return the exit code."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    lifted = tuple(consents(consented, is_terminal=is_terminal))
    whole = ApplyWish(
        plan=replace(wish, consents=lifted),
        reviewed=tuple(read_reviewed(one) for one in consented.reviewed),
        yes=consented.yes,
        is_terminal=is_terminal,
    )
    done = carry_out(run, whole, Conversation(run))
    return ExitCode.ERROR if done.declined else exit_code(done)


def carry_out(run: Run, wish: ApplyWish, talk: Conversation) -> Done:
    """Apply, and tell what became of it."""
    with run.site() as site, run.progress() as bar:
        talk.progress = bar
        done = run.wait(apply_plan, site, wish, talk)
    if done.declined:
        run.say("Nothing was applied.")
    elif done.planned.plan.changes:
        run.out(f"\n{outcomes.text(told(done), run.look)}")
    return done


def told(done: Done) -> outcomes.ApplyReport:
    """Return the report of what became of a plan."""
    return outcomes.build(done.planned.plan, done.outcomes, interrupted=done.interrupted)


def exit_code(done: Done) -> int:
    """Return the first that is true: interrupted, failed, refused, approval pending, done."""
    plan, found = done.planned.plan, done.outcomes
    if done.interrupted:
        return ExitCode.INTERRUPTED
    if any(isinstance(outcome, Failed) for outcome in found):
        return ExitCode.ERROR
    if plan.refusals or plan.refused or plan.conflicts:
        return ExitCode.REFUSED
    pending = any(note.kind is NoteKind.PENDING for note in plan.notes)
    pending |= any(need.blocked_by for need in plan.approvals)  # it waits for another request
    if pending or any(isinstance(outcome, Awaiting) for outcome in found):
        return ExitCode.APPROVAL_PENDING
    # A change that was skipped for any other reason must not look done.
    skipped = any(isinstance(outcome, Skipped) for outcome in found)
    return ExitCode.ERROR if skipped else ExitCode.DONE


def consents(consented: Consented, *, is_terminal: bool) -> list[Consent]:
    """Return the consents of `--allow` and `--because`. Raises UsageError."""
    if not consented.allow:
        if consented.because:
            raise UsageError("--because belongs to --allow ADDRESS")
        return []
    if not consented.because:
        raise UsageError("--allow needs --because TEXT: it is written into the audit log")
    if not is_terminal:
        raise UsageError(
            "--allow only works on a terminal", "elsewhere, write the consent into the files"
        )
    return [entry for text in consented.allow for entry in _parsed(text, consented.because)]


def _parsed(text: str, because: str) -> list[Consent]:
    address, _, named = text.partition("=")
    guards = tuple(named.split(",")) if named else _GUARDS
    unknown = [guard for guard in guards if guard not in _ALL]
    if unknown or not address:
        raise UsageError(
            f"--allow {text} names no address and guard",
            f"write ADDRESS or ADDRESS=GUARD; guards: {', '.join(_ALL)}",
        )
    return [Consent(address, guard, because) for guard in guards]
