"""The findings of `ldconf doctor`, drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from ldconf.render.canvas import Canvas, Look
from ldconf.render.markup import prose


class Level(Enum):
    """How a finding is. Only `FAIL` makes doctor exit 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    name: str
    words: str
    hint: str | None = None

    @property
    def is_fail(self) -> bool:
        """True if ldconf cannot work like this."""
        return self.level is Level.FAIL


def text(findings: Iterable[Finding], look: Look) -> str:
    """Return one line per finding, with what to do below it."""
    canvas = Canvas(look)
    for found in findings:
        mark = (f"{found.level.value:4}", _STYLES[found.level])
        canvas.add(0, mark, f"  {found.name}: {found.words}")
        if found.hint:
            canvas.add(6, (found.hint, "dim"))
    return canvas.draw()


def markdown(findings: Iterable[Finding]) -> str:
    """Return the findings as a list for GitHub."""
    lines = [
        f"- **{found.level.value}** {found.name}: {prose(found.words)}"
        + (f" ({prose(found.hint)})" if found.hint else "")
        for found in findings
    ]
    return "\n".join(lines) + "\n"
