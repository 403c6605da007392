from __future__ import annotations

from pathlib import Path

import pytest

from ldconf.core.address import Address, variation
from ldconf.core.diagnostic import Position
from ldconf.documents.load import load
from ldconf.documents.tree import Folder
from tests.documents.trees import SETTINGS, Memory, problems, workspace

TOOL = Address.of("tools", "t")
V = variation("bot", "v")


def bot(fields: str) -> str:
    return f"aiConfigs:\n  bot:\n    variations:\n      v: {fields}\n"


OUTPUT = "outputFormat: {file: o.json}"


def test_every_legal_place_is_read() -> None:
    found = workspace(
        {
            "a.yaml": bot("{instructions: {file: i.md}, description: {file: d.md}, %s}") % OUTPUT,
            "b.yaml": """\
                aiConfigs:
                  chat:
                    variations:
                      w:
                        messages:
                        - {role: user, content: x}
                        - {role: system, content: {file: m.md}}
                tools: {t: {schema: {file: s.yaml}}}
            """,
            "i.md": "instructions",
            "d.md": "description",
            "m.md": "message",
            "o.json": '{"type": "object"}',
            "s.yaml": "type: array\n",
        }
    )

    assert found.resources[V].managed() == {
        "instructions": "instructions",
        "description": "description",
        "outputFormat": {"type": "object"},
        "state": "published",
    }
    chat = found.resources[variation("chat", "w")].managed()
    assert [message["content"] for message in chat["messages"]] == ["x", "message"]
    assert found.resources[TOOL].managed() == {"schema": {"type": "array"}}
    assert found.files == {
        (V, ("instructions",)): "i.md",
        (V, ("description",)): "d.md",
        (V, ("outputFormat",)): "o.json",
        (variation("chat", "w"), ("messages", 1, "content")): "m.md",
        (TOOL, ("schema",)): "s.yaml",
    }


def test_elsewhere_a_mapping_with_file_is_data() -> None:
    found = workspace(
        "tools: {t: {customParameters: {file: x}, schema: {type: object, default: {file: y}}}}\n"
    )

    assert found.resources[TOOL].managed() == {
        "customParameters": {"file": "x"},
        "schema": {"type": "object", "default": {"file": "y"}},
    }
    assert found.files == {}


@pytest.mark.parametrize(
    "content",
    [b"one\ntwo", b"one\ntwo\n", b"one\r\ntwo\r\n", b"one\rtwo\r", b"\xef\xbb\xbfone\ntwo\n"],
)
def test_texts_are_normalised(content: bytes) -> None:
    found = workspace({"a.yaml": bot("{instructions: {file: i.md}}"), "i.md": content})

    assert found.resources[V].managed()["instructions"] == "one\ntwo"


def test_text_in_a_file_equals_the_same_text_in_place() -> None:
    in_place = workspace(bot("\n        instructions: |\n          one\n          two"))
    in_file = workspace({"a.yaml": bot("{instructions: {file: i.md}}"), "i.md": "one\ntwo\n"})

    assert in_place.resources[V].managed() == in_file.resources[V].managed()


def test_paths_are_relative_to_the_document() -> None:
    found = workspace(
        {
            "docs/a.yaml": bot("{instructions: {file: ../prompts/./x/../i.md}}"),
            "prompts/i.md": "x",
        }
    )

    assert found.files == {(V, ("instructions",)): "prompts/i.md"}


def test_shared_folder_outside_of_the_workspace() -> None:
    found = workspace(
        {
            "ldconf.yaml": SETTINGS + "shared: ../shared/\n",
            "deep/a.yaml": bot("{instructions: {file: ../../shared/deep/i.md}}"),
            "../shared/deep/i.md": "x",
        }
    )

    assert found.files == {(V, ("instructions",)): "../shared/deep/i.md"}
    assert found.settings.shared == "../shared"


def test_shared_folder_in_the_file_system(tmp_path: Path) -> None:
    for name, content in {
        "w/ldconf.yaml": SETTINGS + "shared: ../shared\n",
        "w/a.yaml": bot("{instructions: {file: ../shared/i.md}}"),
        "shared/i.md": "x",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    loaded = load(Folder(tmp_path / "w"))

    assert loaded.diagnostics == ()


def test_yaml_schema_below_the_workspace_is_no_document() -> None:
    assert (
        problems({"a.yaml": "tools: {t: {schema: {file: s.yaml}}}\n", "s.yaml": "type: x\n"}) == []
    )


def test_broken_yaml_schema_is_reported_once() -> None:
    found = problems({"a.yaml": "tools: {t: {schema: {file: s.yaml}}}\n", "s.yaml": "a: [b\n"})

    assert found == [
        "a.yaml:1:28: s.yaml cannot be read as YAML",
        "s.yaml:1:4: not YAML: did not find expected ',' or ']'",
    ]


def test_a_file_used_twice_is_read_once() -> None:
    class Counting(Memory):
        reads = 0

        def read(self, path: str) -> bytes:
            self.reads += path == "d.md"
            return super().read(path)

    tree = Counting(
        {
            "a.yaml": "tools: {t: {description: {file: d.md}}, u: {description: {file: d.md}}}\n",
            "d.md": "x",
        }
    )
    load(tree)

    assert tree.reads == 1


def test_missing_file_is_reported_for_each_user() -> None:
    text = "tools:\n  t: {description: {file: d.md}}\n  u: {description: {file: d.md}}\n"

    assert problems(text) == [
        "a.yaml:2:27: d.md does not exist",
        "a.yaml:3:27: d.md does not exist",
    ]


def test_other_problems_of_an_object_are_found_beside_a_missing_file() -> None:
    text = bot("{instructions: {file: i.md}, messages: [{role: x, content: {file: m.md}}], foo: 1}")

    assert [line.split(": ", 1)[1] for line in problems(text)] == [
        "i.md does not exist",
        '`messages[0].role` cannot be "x"',
        "m.md does not exist",
        "unknown key `foo`",
    ]


def test_inherited_files_are_recorded_for_the_child_too() -> None:
    found = workspace(
        {
            "a.yaml": "aiConfigs:\n  bot:\n    variations:\n      v: {instructions: {file: i.md}}\n"
            "      w: {extends: v}\n      u: {extends: v, instructions: y}\n",
            "i.md": "x",
        }
    )

    assert found.files == {
        (V, ("instructions",)): "i.md",
        (variation("bot", "w"), ("instructions",)): "i.md",
    }


def test_format_from_a_file_merges_with_the_parents() -> None:
    found = workspace(
        {
            "a.yaml": bot("{outputFormat: {file: o.json}}")
            + "      w: {extends: v, outputFormat: {required: [a]}}\n",
            "o.json": '{"type": "object", "maxProperties": 1e2, "minProperties": 1.0, "title": -3}',
        }
    )

    assert found.resources[variation("bot", "w")].managed()["outputFormat"] == {
        "type": "object",
        "maxProperties": 100.0,
        "minProperties": 1.0,
        "title": -3,
        "required": ["a"],
    }


def test_position_of_what_stands_in_a_file_is_where_the_file_is_named() -> None:
    found = workspace({"a.yaml": bot("{outputFormat: {file: o.json}}"), "o.json": '{"type": "x"}'})

    assert found.position(V, "outputFormat", "type") == Position("a.yaml", 4, 25)


def test_figures_of_an_experiment_are_no_document_wherever_they_are_kept() -> None:
    figures = "experiment: e\niteration: 1\nexposures: {a: 1}\nmetrics: {m: {a: {total: 1}}}\n"
    metric = """\
        metrics:
          m: {kind: custom, eventKey: e, isNumeric: false, successCriteria: HigherThanBaseline}
    """
    found = workspace({"figures.yaml": figures, "m.yaml": metric})
    assert list(found.resources) == [Address.of("metrics", "m")]
    assert problems({"figures.yaml": "experiment: e\n", "m.yaml": metric})
