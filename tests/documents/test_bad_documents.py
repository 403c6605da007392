"""Every bad workspace gives exactly the diagnostics that its case says, and never a traceback."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ldconf.documents.load import load
from ldconf.documents.schema import schema
from ldconf.documents.tree import Folder
from ldconf.documents.yaml import parse
from tests.documents.bad import (
    experiments,
    files,
    inheritance,
    lists,
    objects,
    references,
    settings,
    yaml_syntax,
)
from tests.documents.bad.case import Case

TABLES = (yaml_syntax, settings, objects, references, lists, inheritance, files, experiments)
CASES = tuple(chain.from_iterable(table.CASES for table in TABLES))
VALIDATOR = Draft202012Validator(schema())


def named(case: Case) -> str:
    return case.id


def rejected_by_schema(root: Path) -> bool:
    documents = [parse(path.read_bytes(), path.name) for path in sorted(root.rglob("*.y*ml"))]
    return not all(VALIDATOR.is_valid(found.value) for found in documents)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_bad_workspace_is_described_precisely(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    case.write(root)

    loaded = load(Folder(root))

    assert [f"{found.position}: {found.summary}" for found in loaded.diagnostics] == list(
        case.problems
    )
    assert loaded.workspace is None


@pytest.mark.parametrize("case", [case for case in CASES if case.by_schema], ids=named)
def test_schema_rejects_what_the_loader_rejects(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    case.write(root)

    assert rejected_by_schema(root)


def test_there_are_more_than_a_hundred_bad_workspaces() -> None:
    assert len(CASES) > 100
    assert all(case.problems for case in CASES)


def test_ids_are_unique_within_a_table() -> None:
    for table in TABLES:
        ids = [case.id for case in table.CASES]
        assert len(ids) == len(set(ids)), table.__name__
