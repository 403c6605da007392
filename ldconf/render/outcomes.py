"""What became of a plan: outcomes -> `ApplyReport` -> text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from ldconf.core.address import Address
from ldconf.core.change import Plan, verb_of
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


def build(plan: Plan, outcomes: Iterable[Outcome], *, interrupted: bool = False) -> ApplyReport:
    """Return the report of an apply. Changes without outcome count as `not started`."""
    rows = tuple(row(outcome) for outcome in outcomes)
    counts = {name: sum(found.result == name for found in rows) for name in _SIGNS}
    counts["notStarted"] = len(plan.changes) - len(rows)
    counts["refused"] = len(plan.refused)
    counts["conflict"] = len({conflict.address for conflict in plan.conflicts})
    return ApplyReport(rows, counts, _verdict(counts, interrupted), interrupted)


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
