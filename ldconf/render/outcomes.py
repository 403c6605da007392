"""What became of a plan: outcomes -> `ApplyReport` -> text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from ldconf.core.address import Address
from ldconf.core.change import Change, Plan, Transition, step, verb_of
from ldconf.core.outcome import Applied, Awaiting, Failed, Outcome, Skipped
from ldconf.render.canvas import Canvas, Look
from ldconf.render.names import counted

_SIGNS = {
    "done": ("ok", "green"),
    "failed": ("x", "bold red"),
    "skipped": ("-", "yellow"),
    "awaiting": ("?", "cyan"),
}


@dataclass(frozen=True)
class OutcomeRow:
    """One change and what became of it: `done`, `failed`, `skipped` or `awaiting`."""

    address: Address
    result: str
    word: str
    reason: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class ApplyReport:
    """Everything apply has to say when it ends, interrupted or not."""

    rows: tuple[OutcomeRow, ...]
    counts: Mapping[str, int]
    verdict: str
    interrupted: bool = False
    stranded: tuple[str, ...] = ()  # experiments that a failure left stopped, in words


def build(plan: Plan, outcomes: Iterable[Outcome], *, interrupted: bool = False) -> ApplyReport:
    """Return the report of an apply. Changes without outcome count as `not started`."""
    found = tuple(outcomes)
    rows = tuple(row(outcome) for outcome in found)
    counts = {name: sum(found.result == name for found in rows) for name in _SIGNS}
    counts["notStarted"] = len(plan.changes) - len(rows)
    counts["refused"] = len(plan.refused)
    counts["conflict"] = len({conflict.address for conflict in plan.conflicts})
    stranded = tuple(_stranded(plan, found))
    return ApplyReport(rows, counts, _verdict(counts, interrupted), interrupted, stranded)


def _stranded(plan: Plan, outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield the experiments that were stopped and whose further steps did not come about."""
    done = {step(one.change) for one in outcomes if isinstance(one, Applied)}
    for change in plan.changes:
        if not isinstance(change, Transition) or change.verb != "stop" or step(change) not in done:
            continue
        left = [
            one
            for one in plan.changes
            if step(one) not in done
            and (_goes_on(change, one) or step(change) in plan.relies.get(step(one), ()))
        ]
        number = change.after.managed()["iteration"]
        if any(_goes_on(change, one) for one in left):
            yield (
                f"{change.address} is stopped at iteration {number} and not started again: its"
                " audience gets what LaunchDarkly left"
            )
        elif left:
            names = ", ".join(str(one.address) for one in left)
            yield f"{change.address} is stopped, but what was to follow is not done: {names}"


def _goes_on(stop: Change, other: Change) -> bool:
    return (
        isinstance(other, Transition)
        and other.address == stop.address
        and other.verb in ("draft", "start")
    )


def row(outcome: Outcome) -> OutcomeRow:
    """Return the row of one outcome."""
    change = outcome.change
    word = verb_of(change)
    match outcome:
        case Applied():
            return OutcomeRow(change.address, "done", word)
        case Failed(reason=reason, hint=hint):
            return OutcomeRow(change.address, "failed", word, reason, hint)
        case Skipped(reason=reason):
            return OutcomeRow(change.address, "skipped", word, reason)
        case Awaiting(request_id=request_id, reused=reused):
            opened = "is pending" if reused else "was opened"
            reason = f"approval request {request_id} {opened}; approve and apply it in LaunchDarkly"
            return OutcomeRow(change.address, "awaiting", word, reason)
        case _:
            assert_never(outcome)


def line(found: OutcomeRow, look: Look) -> str:
    """Return one outcome as text, for showing progress change by change."""
    canvas = Canvas(look)
    _row(canvas, found)
    return canvas.draw()


def text(report: ApplyReport, look: Look) -> str:
    """Return what did not go through, each with its reason, and the counts."""
    canvas = Canvas(look)
    for words in report.stranded:
        canvas.add(0, ("!", "bold red"), f" {words}")
    for found in report.rows:
        if found.result != "done":
            _row(canvas, found)
    canvas.add(0, (report.verdict, "bold"))
    if report.counts["failed"] or report.interrupted:
        canvas.add(0, "Running apply again goes on from here; nothing is done twice.")
    return canvas.draw()


def _row(canvas: Canvas, found: OutcomeRow) -> None:
    sign, style = _SIGNS[found.result]
    result = "" if found.result == "done" else f": {found.result}"
    canvas.add(2, (f"{sign:2}", style), f" {found.word} {found.address}{result}")
    for words in (found.reason, found.hint):
        if words:
            canvas.add(7, words)


def _verdict(counts: Mapping[str, int], interrupted: bool) -> str:
    names = {
        "failed": "failed",
        "skipped": "skipped",
        "awaiting": "waiting for approval",
        "refused": "refused",
        "conflict": "in conflict",
        "notStarted": "not started",
    }
    rest = [f"{counts[name]} {words}" for name, words in names.items() if counts[name]]
    start = "Interrupted: " if interrupted else "Applied: "
    return f"{start}{', '.join([counted(counts['done'], 'change') + ' done', *rest])}."
