"""The wheel holds everything it needs: built, installed in an empty environment, and run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# distribution name -> name to import, where they differ
IMPORT_NAMES = {
    "pyyaml": "yaml",
    "launchdarkly-server-sdk": "ldclient",
    "launchdarkly-server-sdk-ai": "ldai",
    "langchain-core": "langchain_core",
    "strands-agents": "strands",
}
# pydantic pins this part of itself exactly
PARTS = {"pydantic_core"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the wheel; its dependencies are lent by a path file."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel)],
        check=True,
        capture_output=True,
    )
    packages = next((home / "lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home


def run(home: Path, folder: Path, *words: str) -> str:
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("LAUNCHDARKLY_", "PYTHON"))
    }
    done = subprocess.run(
        [str(home / "bin" / "ldconf"), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_package_comes_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import ldconf; print(ldconf.__file__)"
    found = subprocess.run(
        [str(installed / "bin" / "python"), "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(installed))


def test_installed_wheel_does_the_main_job(installed: Path, tmp_path: Path) -> None:
    run(installed, tmp_path, "init", "shop")
    shop = tmp_path / "shop"
    run(installed, shop, "validate")
    run(installed, shop, "apply", "--local", "--yes")
    assert "No changes" in run(installed, shop, "plan", "--local")


def test_wheel_holds_data_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "ldconf/py.typed" in names
    assert "ldconf/example/ldconf.yaml" in names
    assert "ldconf/example/prompts/pet-store-agent.md" in names
    assert [name for name in names if name.startswith(("tests", "scripts", "ldconf/tests"))] == []


def test_version_is_that_of_the_package(installed: Path, tmp_path: Path) -> None:
    from ldconf import __version__

    assert __version__ in run(installed, tmp_path, "--version")


def declared(requirements: list[str]) -> set[str]:
    names = {re.split(r"[<>=!~\[; ]", one)[0].lower() for one in requirements}
    return {IMPORT_NAMES.get(name, name) for name in names}


def test_every_import_is_declared() -> None:
    core = declared(PROJECT["dependencies"])
    extras = {
        name for found in PROJECT["optional-dependencies"].values() for name in declared(found)
    }
    imported = {
        name.split(".")[0]
        for path in (ROOT / "ldconf").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = imported - set(sys.stdlib_module_names) - {"ldconf"}
    assert foreign - PARTS <= core | extras
