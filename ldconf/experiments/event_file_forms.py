"""Which files hold events, in which form, and what is wrong with one that cannot be read."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from ldconf.core.errors import LdconfError
from ldconf.experiments.event_files_sql import NEEDED

Form = Literal["lines", "array", "parquet"]
SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
MOST_PROBLEMS = 10
FIRST_LINE = 16 * 2**20  # a longer first line that opens a list is read as one list


@dataclass(frozen=True)
class EventFile:
    """A file of events. `upper`: the names of its columns are in capitals."""

    path: Path
    form: Form = "lines"
    upper: bool = False

    @property
    def pattern(self) -> str:
        """The path as DuckDB takes it: a pattern that nothing else matches."""
        return re.sub(r"([*?\[])", r"[\1]", str(self.path))

    def name(self, folder: Path) -> str:
        """Return how the file is told to users."""
        try:
            return str(self.path.relative_to(folder)) if folder != Path() else str(self.path)
        except ValueError:
            return str(self.path)


def find(path: Path) -> tuple[EventFile, ...]:
    """Return the files of events at a path, in order of names. Raises LdconfError if none are
    there, or if one cannot be opened."""
    if not path.exists():
        raise LdconfError(
            f"{path} does not exist", hint="give a file of events, or a folder of them"
        )
    if path.is_dir():
        found = sorted(
            one
            for one in path.rglob("*")
            if one.name.lower().endswith(SUFFIXES)
            and one.is_file()
            and not any(part.startswith(".") for part in one.relative_to(path).parts)
        )
        if not found:
            raise LdconfError(
                f"{path} has no files of events", hint=f"they end in {', '.join(SUFFIXES)}"
            )
    elif path.name.lower().endswith(SUFFIXES):
        found = [path]
    else:
        raise LdconfError(
            f"{path} is no file of events by its name", hint=f"they end in {', '.join(SUFFIXES)}"
        )
    return tuple(_form_of(one) for one in found)


def _form_of(path: Path) -> EventFile:
    if path.suffix.lower() == ".parquet":
        return EventFile(path, "parquet")
    try:
        with _open(path) as stream:
            first = next((line for line in _lines(stream) if line.strip()), b"")
    except (OSError, EOFError) as err:
        words = getattr(err, "strerror", None) or str(err)
        raise LdconfError(f"{path} cannot be read: {words}") from None
    try:
        value = json.loads(first)
    except ValueError:
        return EventFile(path, "array" if first.lstrip().startswith(b"[") else "lines")
    sample = value[0] if isinstance(value, list) and value else value
    upper = isinstance(sample, dict) and bool({"FLAG_KEY", "EVENT_KEY"} & sample.keys())
    return EventFile(path, "lines", upper)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(FIRST_LINE):
        yield line


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value] # GzipFile reads bytes


def broken_lines(file: EventFile, folder: Path) -> Iterator[str]:
    """Yield `file:line: what is wrong` of the first lines that are no JSON objects."""
    if file.form == "parquet":
        return
    name = file.name(folder)
    found = 0
    try:
        with _open(file.path) as stream:
            if file.form == "array":
                yield from _broken_array(stream, name)
                return
            for number, line in enumerate(stream, start=1):
                problem = _problem(line)
                if problem is None:
                    continue
                found += 1
                if found > MOST_PROBLEMS:
                    yield f"{name}: and more"
                    return
                yield f"{name}:{number}: {problem}"
    except (OSError, EOFError) as err:
        yield f"{name}: {getattr(err, 'strerror', None) or err}"


def _broken_array(stream: IO[bytes], name: str) -> Iterator[str]:
    try:
        json.loads(stream.read(256 * 2**20))
    except ValueError as err:
        line = getattr(err, "lineno", 1)
        yield f"{name}:{line}: {getattr(err, 'msg', err)}"


def _problem(line: bytes) -> str | None:
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except UnicodeDecodeError as err:
        return f"not UTF-8: {err.reason}"
    except (ValueError, RecursionError) as err:
        return f"not valid JSON: {getattr(err, 'msg', err)}"
    if not isinstance(value, dict | list):
        return "not a JSON object"
    return None


def missing_columns(names: set[str]) -> str | None:
    """Return in words what a table with these columns (in lower case) lacks, None if nothing."""
    shapes = [shape for shape in NEEDED if shape in names]
    if not shapes:
        return (
            "no column tells what its rows are: events have `kind`, evaluations `flag_key`, "
            "metric events `event_key`"
        )
    lacking = {
        shape: [
            " or ".join(f"`{one}`" for one in group)
            for group in NEEDED[shape]
            if not any(one.lower() in names for one in group)
        ]
        for shape in shapes
    }
    if any(not missing for missing in lacking.values()):
        return None
    return "; ".join(
        f"rows with `{shape}` also need {', '.join(missing)}" for shape, missing in lacking.items()
    )
