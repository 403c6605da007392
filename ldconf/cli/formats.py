"""`--format text,json=FILE`: what is written where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from ldconf.cli.options import Format
from ldconf.cli.run import Run
from ldconf.core.errors import LdconfError, UsageError

F = TypeVar("F", bound=StrEnum)


def wanted(values: Iterable[str] | None) -> list[tuple[Format, Path | None]]:
    """Return the formats with the file each goes to (None: stdout). Raises UsageError."""
    return among(Format, values)


def among(forms: type[F], values: Iterable[str] | None) -> list[tuple[F, Path | None]]:
    """Return the formats, of those that a command has, with the file each goes to."""
    words = [word.strip() for value in values or ["text"] for word in value.split(",")]
    return [_one(forms, word) for word in words if word]


def write(run: Run, values: Iterable[str] | None, draw: Mapping[Format, Callable[[], str]]) -> None:
    """Draw every wanted format and write it where it goes."""
    write_all(run, wanted(values), draw)


def write_all(
    run: Run, places: Iterable[tuple[F, Path | None]], draw: Mapping[F, Callable[[], str]]
) -> None:
    """Draw formats and write each where it goes."""
    for name, path in places:
        text = draw[name]()
        if path is None:
            run.out(text)
        else:
            write_file(path, text)


def write_file(path: Path, text: str) -> None:
    """Write a file that a flag names. Raises LdconfError with the system's reason."""
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as err:
        raise LdconfError(f"cannot write {path}: {err.strerror or err}") from err


def _one(forms: type[F], word: str) -> tuple[F, Path | None]:
    name, equals, path = word.partition("=")
    try:
        found = forms(name)
    except ValueError:
        names = ", ".join(one.value for one in forms)
        raise UsageError(f"unknown format {name!r}", f"choose from {names}") from None
    if equals and not path:
        raise UsageError(f"--format {word} names no file")
    return found, Path(path) if path else None
