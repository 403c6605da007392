from __future__ import annotations

from pathlib import Path

import pytest

from ldconf.core.address import Address, ai_config, segment, targeting, variation
from ldconf.core.errors import DocumentError
from ldconf.core.workspace import Workspace
from ldconf.documents.load import load, load_base
from ldconf.documents.load_salvage import salvaged_addresses
from ldconf.documents.tree import Folder, GitTree
from tests.documents.trees import SETTINGS, Memory, Repository


def base(files: dict[str, str | bytes] | str) -> Workspace:
    return load_base(Memory({"a.yaml": files} if isinstance(files, str) else files), "abc")


def named(*addresses: str) -> set[Address]:
    return {Address.parse(address) for address in addresses}


def test_base_at_a_commit_equals_the_files_at_that_time(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write(
        {
            "w/ldconf.yaml": SETTINGS + "shared: ../shared\n",
            "w/a.yaml": "tools: {t: {description: {file: ../shared/d.md}}}\n",
            "shared/d.md": "before\r\n",
        }
    )
    then = load(Folder(tmp_path / "w")).workspace
    commit = repository.commit({})
    repository.write({"shared/d.md": "after", "w/a.yaml": "tools: {}\n", "w/ldconf.yaml": ""})

    found = load_base(GitTree(tmp_path, commit, "w"), commit)

    assert then is not None
    assert dict(found.resources) == dict(then.resources)
    assert found.resources[Address.parse("tools/t")].managed() == {"description": "before"}
    assert found.files == then.files
    assert found.settings == then.settings
    assert dict(found.positions) == dict(then.positions)
    assert found.ref == commit
    assert found.unloadable == frozenset()


def test_settings_that_do_not_load_are_an_error() -> None:
    with pytest.raises(DocumentError) as caught:
        base({"ldconf.yaml": "project: 1\n", "a.yaml": "tools: {t: {x: 1}}\n"})

    assert [str(found.position) for found in caught.value.diagnostics] == [
        "ldconf.yaml:1:1",
        "ldconf.yaml:1:10",
    ]


def test_references_are_not_checked() -> None:
    found = base("aiConfigs: {bot: {variations: {v: {tools: [gone]}}}}\n")

    assert found.unloadable == frozenset()
    assert variation("bot", "v") in found.resources


def test_object_that_does_not_load_is_unloadable_and_the_rest_loads() -> None:
    found = base("tools:\n  a: {description: 1}\n  b: {description: x}\nfoo: {}\n")

    assert found.unloadable == named("tools/a")
    assert set(found.resources) == named("tools/b")


def test_missing_text_makes_an_object_unloadable() -> None:
    found = base("tools:\n  a: {description: {file: gone.md}, tags: [x]}\n")

    assert found.unloadable == named("tools/a")


def test_child_of_what_does_not_resolve_is_unloadable() -> None:
    found = base(
        "aiConfigs: {bot: {variations: {a: {extends: b}, b: {extends: a}, c: {extends: a}}}}\n"
    )

    assert found.unloadable == {variation("bot", key) for key in "abc"}


def test_entry_that_is_no_mapping_is_unloadable() -> None:
    found = base("aiConfigs: {bot: {variations: []}}\ntools: {t: 1}\n")

    assert found.unloadable == named("aiConfigs/bot", "tools/t")


def test_environment_that_the_base_does_not_list_is_unloadable() -> None:
    found = base("aiConfigs: {bot: {targeting: {staging: {}}}}\n")

    assert found.unloadable == {targeting("bot", "staging")}


def test_key_in_two_documents_is_unloadable() -> None:
    found = base({"a.yaml": "tools: {t: {}}\n", "b.yaml": "tools: {t: {}}\n"})

    assert Address.parse("tools/t") in found.unloadable


def test_document_with_yaml_problems_is_doubtful_as_a_whole() -> None:
    found = base("tools:\n  a: {}\n  b: {tags: [x], tags: [y]}\n")

    assert found.unloadable == named("tools/a", "tools/b")


def test_objects_of_a_document_that_is_no_yaml_are_unloadable() -> None:
    text = """\
    tools:
      search:
        description: 'it's broken
    aiConfigs:
      bot:
        variations:
          v: {}
        targeting:
          test:
            fallthrough: v
    """
    found = base(text)

    assert found.resources == {}
    assert {
        Address.parse("tools/search"),
        ai_config("bot"),
        variation("bot", "v"),
        targeting("bot", "test"),
    } <= found.unloadable


def test_experiments_of_the_base_load() -> None:
    found = base("experiments: {e: {environment: test, aiConfig: b}, f: {}}\ntools: {t: {}}\n")

    assert set(found.resources) == named("tools/t", "experiments/e")
    assert found.unloadable == named("experiments/f")


def test_salvaged_addresses() -> None:
    text = """\
# comment: x
tools:
  a:
    description: x
  "b c": {}
segments:
  beta:
    test: [
    production:
aiConfigs:
  bot:
    name: x
    variations:
      v1:
        model:
          parameters:
    other:
      x: 1
foo:
  bar:
"""
    assert salvaged_addresses(text) == {
        Address.of("tools", "a"),
        Address.of("tools", "b c"),
        segment("beta", "test"),
        segment("beta", "production"),
        ai_config("bot"),
        variation("bot", "v1"),
    }
