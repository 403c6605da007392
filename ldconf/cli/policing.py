"""The work of `ldconf policy`: a plan, the policies, what stands against it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ldconf.cli import formats
from ldconf.cli.options import Format
from ldconf.cli.planning import Drawn, report_of
from ldconf.cli.run import Run
from ldconf.cli.writing import seen_from_here
from ldconf.core.diagnostic import Diagnostic
from ldconf.core.errors import ExitCode, UsageError
from ldconf.core.policy import PolicyReport
from ldconf.render import github, json
from ldconf.render import policy as drawing
from ldconf.workflow import samples
from ldconf.workflow.offline import plan_against
from ldconf.workflow.plan import Planned, PlanWish
from ldconf.workflow.policy import check_file, check_text


@dataclass(frozen=True)
class Asked:
    """Which plan is held against the policies."""

    file: Path | None = None
    base: str | None = None
    against: str | None = None
    no_samples: bool = False


def run_policy(run: Run, asked: Asked, wanted: Iterable[str] | None) -> int:
    """Check, write what was found, and return the exit code."""
    formats.wanted(wanted)
    if asked.file is not None and asked.against is not None:
        raise UsageError("PLAN and --against name two plans: give one of them")
    report = _checked(run, asked)
    draw: dict[Format, Callable[[], str]] = {
        Format.TEXT: partial(drawing.text, report, run.look),
        Format.JSON: partial(json.document, "policy", report),
        Format.MARKDOWN: partial(drawing.markdown, report),
    }
    formats.write(run, wanted, draw)
    annotate(run, report)
    return ExitCode.REFUSED if report.is_refused else ExitCode.DONE


def annotate(run: Run, report: PolicyReport) -> None:
    """Write an annotation per violation, if this runs in GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        found = [_from_here(run, one) for one in drawing.diagnostics(report)]
        sys.stderr.write(github.annotations(found))


def held_against(root: Path, planned: Planned, drawn: Drawn) -> PolicyReport:
    """Hold a plan that was just made against the policies. Texts count whole, shown or not."""
    text = json.document("plan", report_of(planned, replace(drawn, redact=False)))
    return check_text(root, text, planned.base.commit or "none")


def _checked(run: Run, asked: Asked) -> PolicyReport:
    root = run.root()
    if asked.file is not None:
        return check_file(root, asked.file, asked.base)
    samples.check(root, skip=asked.no_samples)
    planned = _planned(run, asked)
    sampled = samples.sampled(root, planned, skip=asked.no_samples)
    drawn = Drawn(remarks=sampled.remarks, samples=sampled.rows)
    return held_against(root, planned, drawn)


def _planned(run: Run, asked: Asked) -> Planned:
    if asked.against is not None:
        return plan_against(run.root(), asked.against, PlanWish())
    return run.plan(PlanWish(base=asked.base))


def _from_here(run: Run, found: Diagnostic) -> Diagnostic:
    if found.position is None:
        return found
    file = seen_from_here(run.root() / found.position.file)
    return replace(found, position=replace(found.position, file=file))
