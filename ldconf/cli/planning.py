"""What plan, drift and apply share: the report of a plan, drawn and written; exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ldconf.cli import actions, formats
from ldconf.cli.options import Format
from ldconf.cli.run import Run
from ldconf.core.change import Plan
from ldconf.core.errors import ExitCode
from ldconf.render import json, markdown, text
from ldconf.render.redact import plan_file
from ldconf.render.rows import Report, SampleRow
from ldconf.workflow.plan import Planned
from ldconf.workflow.review import Beside, review_report

CHANGES, LIVE_AHEAD, BOTH = 2, 4, 6  # detailed exit codes (design section 3)


@dataclass(frozen=True)
class Drawn:
    """How and where a plan is shown."""

    formats: Iterable[str] | None = None
    out: Path | None = None
    redact: bool = False
    remarks: tuple[str, ...] = ()
    samples: tuple[SampleRow, ...] = ()
    as_drift: bool = False


def report_of(planned: Planned, drawn: Drawn) -> Report:
    """Return the report of a plan, with its context and positions in the files."""
    beside = Beside(drawn.remarks, drawn.samples, drawn.redact)
    return review_report(planned, beside)


def finish(run: Run, planned: Planned, drawn: Drawn) -> None:
    """Write lint findings, the plan in every wanted format, the plan file, and for GitHub."""
    run.tell(planned.diagnostics)
    found = report_of(planned, drawn)
    kind = "drift" if drawn.as_drift else "plan"
    in_words = text.drift if drawn.as_drift else text.plan
    draw: dict[Format, Callable[[], str]] = {
        Format.TEXT: partial(in_words, found, run.look),
        Format.JSON: partial(json.document, kind, found),
        Format.MARKDOWN: partial(markdown.plan, found, artifact=actions.artifact()),
    }
    formats.write(run, drawn.formats, draw)
    if drawn.out is not None:
        formats.write_file(drawn.out, plan_file(planned.file) if drawn.redact else planned.file)
    actions.leave_plan(run, found)


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Return 3 if apply would refuse something, else (if asked) 2 for changes, else 0."""
    if plan.refusals or plan.refused or plan.conflicts:
        return ExitCode.REFUSED
    return CHANGES if detailed and plan.changes else ExitCode.DONE


def drift_exit_code(plan: Plan) -> int:
    """Return 2 repository ahead, 4 LaunchDarkly ahead, 6 both or direction unknown, else 0."""
    repository = bool(plan.changes or plan.refused)
    live = bool(plan.drift)
    if plan.conflicts or (repository and (live or plan.direction_unknown)):
        return BOTH
    return LIVE_AHEAD if live else CHANGES if repository else ExitCode.DONE
