"""The work of `ldconf test`: run, draw, and leave a report and annotations."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ldconf.cli.formats import write_file
from ldconf.cli.options import Plain
from ldconf.cli.run import Run
from ldconf.cli.writing import seen_from_here
from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.evaluation import TestResult
from ldconf.render import evaluation as drawing
from ldconf.render import github, json
from ldconf.render.junit import junit as drawn_junit
from ldconf.workflow.evaluate import config_tests


def run_tests(run: Run, junit: Path | None, form: Plain) -> int:
    """Run the tests of the workspace and write what became of them. Returns the exit code."""
    results = config_tests(run.root())
    places = {index: _place(run, result) for index, result in enumerate(results)}
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        write_file(junit, drawn_junit(results, places))
    if form is Plain.JSON:
        failed = sum(not result.passed for result in results)
        members = {"passed": len(results) - failed, "failed": failed, "results": _data(results)}
        run.out(json.document("tests", members))
    elif results:
        named = {index: f"{file}:{line}" for index, (file, line) in places.items()}
        run.out(drawing.tests(results, named, run.look))
    if not results:
        run.say("no tests: write some under `tests:`")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stderr.write(github.annotations(_problems(results, places)))
    return int(any(not result.passed for result in results))


def _place(run: Run, result: TestResult) -> tuple[str, int]:
    position = result.test.position
    assert position is not None  # every test comes from a file
    return seen_from_here(run.root() / position.file), position.line


def _data(results: Sequence[TestResult]) -> list[object]:
    return [{**json.data(result), "passed": result.passed} for result in results]


def _problems(
    results: Sequence[TestResult], places: Mapping[int, tuple[str, int]]
) -> list[Diagnostic]:
    return [
        Diagnostic(
            Severity.ERROR,
            f"config test failed: {result.test.name}\n{drawing.failure_words(result)}",
            Position(*places[index]),
            "config-test",
        )
        for index, result in enumerate(results)
        if not result.passed
    ]
