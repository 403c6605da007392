"""A file of figures for `ldconf experiment results --aggregates`: YAML or JSON -> counts."""

from __future__ import annotations

from pathlib import Path

from ldconf.core.aggregates import Aggregates
from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.errors import DocumentError, LdconfError
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.kind import Problem
from ldconf.documents.yaml import Document, parse
from ldconf.experiments.figures_file import counts_of_figures
from ldconf.experiments.figures_model import FiguresError

HINT = "`ldconf experiment results KEY --template` prints a file to fill in"


def read_figures(path: Path, design: ExperimentDesign, as_of: int) -> Aggregates:
    """Return the counts behind the figures in a file; `as_of` (epoch ms) if it does not say when.

    Raises LdconfError if it cannot be read, DocumentError with every problem and its place.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise LdconfError(f"{path} cannot be read: {err.strerror}", hint=HINT) from None
    document = parse(content, str(path))
    if document.problems:
        raise DocumentError(document.problems, str(path))
    try:
        return counts_of_figures(document.value, design, as_of, f"figures in {path}")
    except FiguresError as err:
        found = [_diagnostic(document, one) for one in err.problems]
        raise DocumentError(found, str(path)) from None


def _diagnostic(document: Document, problem: Problem) -> Diagnostic:
    where = tuple(str(step) if isinstance(step, str) else step for step in problem.path)
    place = next(
        (
            found
            for length in range(len(where), -1, -1)
            if (found := document.key_position(where[:length]))
        ),
        Position(document.file),
    )
    name = ".".join(str(step) for step in where)
    words = f"{name}: {problem.summary}" if name else problem.summary
    return Diagnostic(Severity.ERROR, words, place, "figures", HINT if not where else None)
