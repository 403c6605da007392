"""Test results in the XML that continuous integration reads (JUnit's)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ldconf.core.evaluation import TestResult
from ldconf.render.escape import visible, visible_line
from ldconf.render.evaluation import failure_words


def junit(results: Sequence[TestResult], files: Mapping[int, tuple[str, int]]) -> str:
    """Return the document; `files` maps the index of a test to its file and line."""
    failed = sum(bool(result.misses) for result in results)
    errors = sum(result.error is not None for result in results)
    counts = {"tests": str(len(results)), "failures": str(failed), "errors": str(errors)}
    time = f"{sum(result.seconds for result in results):.3f}"
    root = Element("testsuites", {"name": "ldconf", **counts, "time": time})
    suite = SubElement(root, "testsuite", {"name": "ldconf test", **counts, "time": time})
    for index, result in enumerate(results):
        _case(suite, result, files.get(index))
    indent(root)
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _case(suite: Element, result: TestResult, place: tuple[str, int] | None) -> None:
    test = result.test
    about = {
        "classname": visible_line(f"{test.ai_config}.{test.environment}"),
        "name": visible_line(test.name),
        "time": f"{result.seconds:.3f}",
    }
    if place is not None:
        about |= {"file": place[0], "line": str(place[1])}
    case = SubElement(suite, "testcase", about)
    if result.passed:
        return
    kind = "failure" if result.error is None else "error"
    summary = result.error or f"{', '.join(miss.what for miss in result.misses)} not as expected"
    entry = SubElement(case, kind, {"message": visible_line(summary)})
    entry.text = visible(failure_words(result))
