"""The rule of who may import whom. This table is the rule; docs/architecture.md explains it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ldconf"
L1, L2 = {"core"}, {"core", "kinds"}

# part -> parts of ldconf that it may import besides itself
MAY_IMPORT = {
    "core": set(),
    "kinds": L1,
    "compile": L2,
    "evaluation": {*L2, "compile"},
    "planning": L2,
    "policy": L1,
    "documents": L2,
    "api": L2,
    "render": L2,
    "experiments": L2,
    "github": L1,
    "settings": {*L2, "documents.yaml"},
    "workflow": {
        *L2,
        "compile",
        "evaluation",
        "planning",
        "policy",
        "documents",
        "api",
        "render",
        "github",
        "settings",
        "experiments",
    },
    "emulator": {*L2, "compile", "experiments"},
    "agent": {*L2, "settings"},
    "mcp": {*L2, "workflow", "render"},
    "cli": {
        *L2,
        "workflow",
        "render",
        "settings",
        "emulator.serve",
        "emulator.serve_sdk",
        "agent",
        "mcp",
    },
}

# third-party package -> the only modules that may import it
ONLY_IN = {
    "httpx": {"api.client", "agent.openai_compatible", "github.client"},
    "yaml": {"documents.yaml"},
    "typer": {"cli"},
    "rich": {"cli", "render"},
    "ldclient": {"agent", "evaluation.sdk"},
    "ldai": {"agent", "evaluation.sdk"},
    "starlette": {"emulator"},
    "uvicorn": {"emulator.serve", "emulator.server"},
    "duckdb": {"emulator.events.store", "experiments.event_files"},
    "numpy": {"experiments.numeric"},
    "scipy": {"experiments.numeric"},
    "sqlite3": {"emulator", "agent.shop_database"},
    "langchain_core": {"agent.langchain_models", "agent.runners.langgraph", "agent.choose"},
    "strands": {"agent.strands_models", "agent.runners.strands", "agent.choose"},
    "prompt_toolkit": {"cli.agent_chat"},
    "mcp": {"mcp"},
    "subprocess": {"documents.git", "documents.tree"},
}


@cache
def modules() -> list[str]:
    return [
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


@cache
def imports_of(module: str) -> list[str]:
    path = PACKAGE.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    names: list[str] = []
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def allowed(part: str, target: str) -> bool:
    return any(target == one or target.startswith(f"{one}.") for one in MAY_IMPORT[part] | {part})


@pytest.mark.parametrize("module", [m for m in modules() if m not in ("__init__", "__main__")])
def test_imports_point_one_way(module: str) -> None:
    part = module.split(".")[0]
    own = [
        name.removeprefix("ldconf.") for name in imports_of(module) if name.startswith("ldconf.")
    ]
    assert part in MAY_IMPORT, f"a new part of the package needs a row here: {part}"
    assert [name for name in own if name != "__version__" and not allowed(part, name)] == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_library_is_imported_in_one_place_only(package: str) -> None:
    users = {
        module
        for module in modules()
        for name in imports_of(module)
        if name == package or name.startswith(f"{package}.")
    }
    home = ONLY_IN[package]
    assert {m for m in users if not any(m == h or m.startswith(f"{h}.") for h in home)} == set()
    assert users, f"{package} is used nowhere: delete the row"
