"""Problems of documents: collected without doubles, sorted by place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Position, Severity

LONGEST = 500  # characters of a message


class Problems:
    """Collects diagnostics. The same words at the same place count once (inherited values)."""

    def __init__(self) -> None:
        self._found: dict[tuple[Position | None, str], Diagnostic] = {}
        self.addresses: set[Address] = set()  # objects with an error

    def add(self, diagnostic: Diagnostic) -> None:
        """Collect one diagnostic."""
        if diagnostic.address is not None and diagnostic.is_error:
            self.addresses.add(diagnostic.address)
        hint = one_line(diagnostic.hint) if diagnostic.hint else None
        found = replace(diagnostic, summary=one_line(diagnostic.summary), hint=hint)
        self._found.setdefault((found.position, found.summary), found)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Collect many diagnostics."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def error(
        self,
        summary: str,
        position: Position | None,
        rule: str,
        *,
        hint: str | None = None,
        address: Address | None = None,
    ) -> None:
        """Collect an error."""
        self.add(Diagnostic(Severity.ERROR, summary, position, rule, hint, address))

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return all diagnostics by file, line and column.

        What the YAML itself makes wrong at a place explains a wrong type there.
        """
        explained = {d.position for d in self._found.values() if d.rule == "yaml-value"}
        found = [
            diagnostic
            for diagnostic in self._found.values()
            if diagnostic.rule != "wrong-type" or diagnostic.position not in explained
        ]
        return tuple(sorted(found, key=_place))

    @property
    def has_errors(self) -> bool:
        """True if anything found stops a command."""
        return any(found.is_error for found in self._found.values())


def one_line(text: str) -> str:
    """Return a message as one printable line: keys of a document may hold anything."""
    line = text[: LONGEST + 1]
    if not line.isprintable():
        line = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in line
        )
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    at = diagnostic.position
    return (at.file, at.line, at.column, diagnostic.summary) if at else ("", 0, 0, "")


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed word that was probably meant: other spelling first, then typing errors."""
    words = sorted(allowed)
    plain = {_plain(candidate): candidate for candidate in reversed(words)}
    if _plain(word) in plain:
        return plain[_plain(word)]
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return found[0] if found else None


def suggestion(word: str, allowed: Sequence[str], *, words: str = "allowed") -> str:
    """Return `did you mean ...? allowed: a, b, c` (long lists are cut)."""
    shown = list(allowed[:20]) + ([f"and {len(allowed) - 20} more"] if len(allowed) > 20 else [])
    listed = f"{words}: {', '.join(shown)}" if shown else f"{words}: none"
    meant = nearest(word, allowed)
    return f"did you mean `{meant}`? {listed}" if meant else listed


def _plain(word: str) -> str:
    return word.replace("_", "").replace("-", "").casefold()
