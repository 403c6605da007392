"""Problems in the files: `file:line:column: error: summary [rule]`, the line itself, a hint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.cells import cell_len

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.render.canvas import Canvas, Look
from ldconf.render.escape import visible_line
from ldconf.render.names import counted

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_WIDEST = 120  # characters of a source line around the caret


def text(
    diagnostics: Iterable[Diagnostic], look: Look, sources: Mapping[str, str] | None = None
) -> str:
    """Return every problem with the line it is about, where `sources` has that file."""
    canvas = Canvas(look)
    for found in diagnostics:
        where = f"{found.position}: " if found.position else ""
        severity = (found.severity.value, _STYLES[found.severity])
        rule = (f" [{found.rule}]", "dim") if found.rule else ""
        canvas.add(0, (where, "bold"), severity, f": {found.summary}", rule)
        if found.position is not None:
            _snippet(canvas, found.position, (sources or {}).get(found.position.file, ""))
        if found.hint:
            canvas.add(2, found.hint)
    return canvas.draw()


def counts(diagnostics: Iterable[Diagnostic]) -> str:
    """Return `2 errors, 1 warning`, or `no problems`."""
    found = list(diagnostics)
    numbers = {severity: sum(d.severity is severity for d in found) for severity in Severity}
    words = [counted(number, severity.value) for severity, number in numbers.items() if number]
    return ", ".join(words) or "no problems"


def data(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return the problems as JSON values."""
    return [
        {
            "severity": found.severity.value,
            "summary": found.summary,
            "rule": found.rule,
            "hint": found.hint,
            "address": str(found.address) if found.address else None,
            "file": found.position.file if found.position else None,
            "line": found.position.line if found.position else None,
            "column": found.position.column if found.position else None,
        }
        for found in diagnostics
    ]


def _snippet(canvas: Canvas, position: Position, source: str) -> None:
    lines = source.splitlines()
    if not 0 < position.line <= len(lines):
        return
    line = lines[position.line - 1]
    number = str(position.line)
    widest = min(_WIDEST, (canvas.look.width or _WIDEST) - len(number) - 5)
    start = max(position.column - widest // 2, 0) if len(line) > widest else 0
    shown = line[start : start + widest]
    before = visible_line(shown[: max(position.column - 1 - start, 0)])
    canvas.keep(2, (f"{number} │ ", "dim"), shown)
    canvas.keep(2, (f"{' ' * len(number)} │ ", "dim"), " " * cell_len(before), ("^", "bold red"))
