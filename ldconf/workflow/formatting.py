"""The canonical form of documents, and their schema for editors. No LaunchDarkly needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.errors import DocumentError, UsageError
from ldconf.core.resource import Json
from ldconf.documents.format import format_text
from ldconf.documents.schema import schema
from ldconf.documents.tree import Folder
from ldconf.workflow.written import write


def format_files(paths: Iterable[Path], *, write_them: bool) -> tuple[Path, ...]:
    """Return the files that do not have the canonical form, after bringing them into it if asked.

    Raises DocumentError with every file that cannot be read as YAML; then nothing is written.
    """
    texts: dict[Path, str] = {}
    problems: list[Diagnostic] = []
    for path in paths:
        try:
            before = path.read_bytes().decode("utf-8")
            after = format_text(before, str(path.absolute()))
        except DocumentError as error:
            problems += error.diagnostics
        except UnicodeDecodeError:
            place = Position(str(path.absolute()))
            problems.append(Diagnostic(Severity.ERROR, "not UTF-8", place, "encoding"))
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
        else:
            if after != before:
                texts[path] = after
    if problems:
        raise DocumentError(problems)
    if write_them:
        for path, text in texts.items():
            write(path.parent, {path.name: text})
    return tuple(texts)


def documents(root: Path) -> Sequence[Path]:
    """Return the YAML files of a workspace."""
    return [root / path for path in Folder(root).paths() if path.endswith((".yaml", ".yml"))]


def document_schema() -> Mapping[str, Json]:
    """Return the JSON Schema of documents."""
    return schema()
