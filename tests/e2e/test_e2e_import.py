from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.world import PROJECT, World


@pytest.fixture
def empty(applied: World, tmp_path: Path) -> World:
    """A folder without files beside the local LaunchDarkly that holds the example."""
    root = tmp_path / "empty"
    root.mkdir()
    (applied.root / ".ldconf").rename(root / ".ldconf")
    return World(root, applied.monkeypatch)


def test_import_into_an_empty_folder_then_plan_is_empty(empty: World) -> None:
    done = empty.run("import", "--project", PROJECT)
    assert done.code == 0, done.err
    assert "wrote ldconf.yaml" in done.out
    assert empty.command("validate").code == 0
    plan = empty.run("plan", "--detailed-exitcode")
    assert (plan.code, plan.out.splitlines()[-1][:11]) == (0, "No changes."), plan.out


def test_second_import_has_nothing_to_do(empty: World) -> None:
    empty.run("import", "--project", PROJECT)
    again = empty.run("import")
    assert (again.code, again.out) == (0, "")
    assert "Nothing to import" in again.err


def test_import_of_one_object(empty: World) -> None:
    empty.run(
        "import", "--project", PROJECT, "--only", "tools/get_product", "--environment", "test"
    )
    assert empty.command("validate").out.startswith("1 objects")
    plan = empty.run("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out


def test_import_without_project_or_workspace_says_what_to_name(empty: World) -> None:
    found = empty.run("import")
    assert found.code == 1
    assert "--workspace" in found.err


def test_environment_in_an_existing_workspace_is_a_usage_error(empty: World) -> None:
    empty.run("import", "--project", PROJECT)
    assert empty.run("import", "--environment", "test").code == 64
