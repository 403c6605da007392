from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from ldconf.core.errors import LdconfError
from ldconf.documents import yaml
from ldconf.documents.format import format_text
from ldconf.documents.load import load
from ldconf.documents.overlay import Overlay
from ldconf.documents.scaffold import init


def test_new_workspace_loads_and_has_the_project_asked_for() -> None:
    files = init("support-bots")
    loaded = load(Overlay(None, files))
    assert [d.summary for d in loaded.diagnostics] == []
    assert loaded.workspace is not None
    assert loaded.workspace.settings.project == "support-bots"
    assert {address.kind for address in loaded.workspace.resources} >= {"aiConfigs", "metrics"}


def test_documents_name_a_schema_that_accepts_them() -> None:
    files = init()
    schema = json.loads(files["ldconf.schema.json"])
    documents = [path for path in files if path.endswith(".yaml")]
    assert len(documents) > 2
    for path in documents:
        assert files[path].startswith("# yaml-language-server: $schema=ldconf.schema.json\n")
        jsonschema.validate(yaml.parse(files[path], path).value, schema)
        assert format_text(files[path], path) == files[path]


def test_local_state_is_ignored_by_git_and_editors_find_the_schema() -> None:
    files = init()
    assert ".ldconf/" in files[".gitignore"].splitlines()
    settings = json.loads(files[".vscode/settings.json"])
    assert settings == {"yaml.schemas": {"./ldconf.schema.json": ["**/*.yaml"]}}


def test_jetbrains_editors_find_the_schema() -> None:
    options = {
        option.get("name"): option.get("value")
        for option in ElementTree.fromstring(init()[".idea/jsonSchemas.xml"]).iter("option")
    }
    assert options["relativePathToSchema"] == "ldconf.schema.json"
    assert (options["path"], options["mappingKind"]) == ("*.yaml", "Pattern")


def test_existing_workspace_gets_no_example() -> None:
    assert set(init(has_workspace=True)) == {
        ".gitignore",
        ".idea/jsonSchemas.xml",
        ".vscode/settings.json",
        "ldconf.schema.json",
    }


def test_hidden_files_of_the_example_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "ldconf.yaml").write_text("project: x # key\nenvironments: [test]\n")
    (tmp_path / ".ldconf").mkdir()
    (tmp_path / ".ldconf" / "state.json").write_text("{}")
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "a.yaml").write_text("tools: {}\n")
    files = init("other", places=(tmp_path / "none", tmp_path))
    assert ".ldconf/state.json" not in files
    assert files["ldconf.yaml"].endswith("project: other # key\nenvironments: [test]\n")
    assert files["team/a.yaml"] == (
        "# yaml-language-server: $schema=../ldconf.schema.json\ntools: {}\n"
    )


def test_installation_without_example_says_so(tmp_path: Path) -> None:
    with pytest.raises(LdconfError, match="the example is missing"):
        init(places=(tmp_path,))
