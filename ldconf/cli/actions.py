"""What a command leaves for GitHub Actions: annotations, the step summary, outputs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ldconf.cli.run import Run
from ldconf.core.errors import LdconfError
from ldconf.render.rows import Report


def leave_plan(run: Run, report: Report) -> None:
    """Write annotations, summary and outputs of a plan, if this runs in GitHub Actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from ldconf.render import github, markdown

    prefix = os.path.relpath(run.root(), os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    folder = "" if prefix == "." else f"{Path(prefix).as_posix()}/"
    sys.stderr.write(github.plan_annotations(report, folder))
    _append("GITHUB_STEP_SUMMARY", markdown.plan(report, artifact=artifact()))
    _append("GITHUB_OUTPUT", github.outputs(github.plan_outputs(report)))


def artifact() -> str | None:
    """Return where a shortened plan is found whole, if this runs in GitHub Actions."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (os.environ.get(name) for name in names)
    if not (server and repository and number):
        return None
    return f"in the artifacts of the run {server}/{repository}/actions/runs/{number}"


def leave_summary(text: str) -> None:
    """Add Markdown to the step summary, if there is one."""
    _append("GITHUB_STEP_SUMMARY", f"{text}\n")


def leave_outputs(values: Mapping[str, str]) -> None:
    """Set outputs of the step, if this is one."""
    from ldconf.render import github

    _append("GITHUB_OUTPUT", github.outputs(values))


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as err:
        raise LdconfError(f"cannot write the file of {variable}: {err.strerror}") from err
