"""Problems in the user's files: collected, positioned, and returned rather than raised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ldconf.core.address import Address


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file. `line` and `column` start at 1; `file` is relative to the workspace."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(Enum):
    """How bad it is. Only `ERROR` stops a command (`--strict` makes warnings errors)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Diagnostic:
    """One problem. `rule` is the stable id of a lint rule or loader check, kebab-case."""

    severity: Severity
    summary: str
    position: Position | None = None
    rule: str | None = None
    hint: str | None = None
    address: Address | None = None

    @property
    def is_error(self) -> bool:
        """True if this stops a command."""
        return self.severity is Severity.ERROR
