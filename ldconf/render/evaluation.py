"""What a context gets, for a terminal; and how sample contexts are spread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ldconf.core.evaluation import Distribution, Evaluation, Miss, TestResult
from ldconf.core.resource import Json
from ldconf.kinds import words
from ldconf.render.canvas import Canvas, Look

_BAR = 24  # characters of a whole bar


def evaluation(found: Evaluation, look: Look, note: str | None = None) -> str:
    """Return one evaluation with its rendered prompt."""
    canvas = Canvas(look)
    canvas.add(0, (f"{found.ai_config} in {found.environment}", "bold"))
    for name, value in _facts(found):
        canvas.add(2, (f"{name:<11}", "dim"), value)
    for message in found.messages:
        canvas.add(2, (message.role, "dim"))
        canvas.block(4, [message.content])
    if note:
        canvas.add(0, (f"note: {note}", "yellow"))
    return canvas.draw()


def _facts(found: Evaluation) -> Sequence[tuple[str, str]]:
    model = found.model or "none"
    if found.provider:
        model += f" ({found.provider})"
    facts = [
        ("variation", found.variation),
        ("because", found.reason.words),
        ("enabled", "true" if found.enabled else "false"),
    ]
    if found.enabled:
        facts += [
            ("model", model),
            ("parameters", _pairs(found.parameters)),
            ("custom", _pairs(found.custom)),
            ("tools", ", ".join(found.tools)),
        ]
    return [(name, value) for name, value in facts if value]


def distribution(found: Distribution, source: str, look: Look, note: str | None = None) -> str:
    """Return who gets what of many contexts."""
    canvas = Canvas(look)
    title = f"{found.ai_config} in {found.environment}"
    canvas.add(0, (title, "bold"), f": {found.total} contexts of {source}")
    width = max((len(key) for key in found.counts), default=0)
    for key, count in found.counts.items():
        share = count / found.total
        bar = "█" * max(1, round(share * _BAR))
        figures = f"{count:>7}  {words.percent(round(share * 100, 1)):>7}  "
        canvas.add(2, f"{key:<{width}}", figures, (bar, "cyan"))
    if note:
        canvas.add(0, (f"note: {note}", "yellow"))
    return canvas.draw()


def tests(results: Sequence[TestResult], places: Mapping[int, str], look: Look) -> str:
    """Return the results of config tests; `places` maps the index of a test to `file:line`."""
    canvas = Canvas(look)
    for index, result in enumerate(results):
        if result.passed:
            canvas.add(0, ("ok    ", "green"), result.test.name)
        else:
            canvas.add(0, ("FAIL  ", "bold red"), result.test.name, (f"  {places[index]}", "dim"))
            _failure(canvas, result)
    failed = sum(not result.passed for result in results)
    style = "bold red" if failed else "bold green"
    canvas.blank()
    canvas.add(0, (f"{len(results) - failed} passed, {failed} failed", style))
    return canvas.draw()


def failure_words(result: TestResult) -> str:
    """Return why a test failed, in plain lines."""
    canvas = Canvas(Look())
    _failure(canvas, result)
    return canvas.draw()


def _failure(canvas: Canvas, result: TestResult) -> None:
    test, got = result.test, result.evaluation
    given = f"{test.ai_config} in {test.environment}, {_plain(test.context)}"
    if test.variables:
        given += f", variables {_plain(test.variables)}"
    canvas.add(4, ("given     ", "dim"), given)
    for miss in result.misses:
        _miss(canvas, miss)
    if got is not None:
        canvas.add(4, ("because   ", "dim"), f"{got.variation}: {got.reason.words}")
    if result.error is not None:
        canvas.add(4, ("error     ", "dim"), result.error)


def _miss(canvas: Canvas, miss: Miss) -> None:
    if "\n" not in miss.expected + miss.got and len(miss.got) < 100:
        canvas.add(4, (f"{miss.what:<10}", "dim"), f"expected {miss.expected}, got {miss.got}")
        return
    for label, text in (("expected", miss.expected), ("got", miss.got)):
        canvas.add(4, (f"{miss.what:<10}", "dim"), label)
        canvas.block(6, [text])


def _pairs(values: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} = {_plain(value)}" for name, value in values.items())


def _plain(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
