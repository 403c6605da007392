"""Sample contexts: one JSON object per line (`contexts.jsonl`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.resource import Json


def parse_object(text: str, what: str) -> Mapping[str, Json]:
    """Return a JSON object that a person typed. Raises UsageError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise UsageError(f"{what} is not JSON: {err}", "put it in single quotes") from err
    if not isinstance(found, Mapping):
        raise UsageError(f"{what} must be a JSON object, not {text.strip()[:40]}")
    return found


def read_samples(path: Path) -> Sequence[Mapping[str, Json]]:
    """Return the contexts of a file, in order; empty lines are skipped. Raises LdconfError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "not UTF-8"
        raise LdconfError(f"cannot read {path}: {reason}") from err
    return [_sample(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _sample(path: Path, number: int, line: str) -> Mapping[str, Json]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as err:
        raise LdconfError(f"{path}:{number}: not JSON: {err}", "one context per line") from err
    if not isinstance(found, Mapping):
        raise LdconfError(f"{path}:{number}: a context is a JSON object")
    return found
