from __future__ import annotations

import pytest
import yaml as pyyaml

from ldconf.core.diagnostic import Position
from ldconf.documents import yaml
from ldconf.documents.yaml import CoreSchema, Document, parse


def value(text: str) -> object:
    document = parse(text, "a.yaml")
    assert document.problems == ()
    return document.value


class LibYaml(CoreSchema, pyyaml.CSafeLoader):
    pass


class Pure(CoreSchema, pyyaml.SafeLoader):
    pass


both_parsers = pytest.mark.parametrize("loader", [LibYaml, Pure])


@pytest.mark.parametrize(
    "text",
    ["no", "on", "off", "yes", "Y", "017", "1:30", "2026-11-24", "1_000", "0b11", "=", "12e03x"],
)
def test_yaml_1_1_scalars_are_text(text: str) -> None:
    assert value(f"x: {text}\n") == {"x": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!float '1'", 1.0),
        ("18446744073709551615", 18446744073709551615),
    ],
)
def test_core_schema(text: str, expected: object) -> None:
    document = parse(f"x: {text}\n", "a.yaml")

    assert document.value == {"x": expected}
    assert document.problems == ()


@both_parsers
def test_values_are_the_same_with_both_parsers(loader: type) -> None:
    text = "a: &a {x: 1, y: no}\nb: {<<: *a, y: 2}\nc: [*a, 0o17, 'q', \"\\u00e9\"]\nd: |\n  t\n"

    assert parse(text, "a.yaml", loader=loader).value == {
        "a": {"x": 1, "y": "no"},
        "b": {"x": 1, "y": 2},
        "c": [{"x": 1, "y": "no"}, 15, "q", "é"],
        "d": "t\n",
    }


@pytest.mark.no_cover  # a large text with the slow parser; the lines are covered elsewhere
@both_parsers
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2\n", "a.yaml:2:1: the key `a` stands here twice; first at a.yaml:1:1"),
        ("a: [x\n", "a.yaml:1:4: not YAML: "),
        ("a: &x [*x]\n", "a.yaml:1:4: an anchor contains an alias of itself"),
        ("a: !x 1\n", "a.yaml:1:4: the tag `!x` is not allowed here"),
        ("a: 1\n---\nb: 1\n", "a.yaml:2:1: a file holds one YAML document"),
        ("[" * 3000, "a.yaml:1:"),
        ("\ufeffa: 1\na: 2\n", "a.yaml:2:1: the key `a` stands here twice; first at a.yaml:1:1"),
    ],
)
def test_problems_have_the_same_places_with_both_parsers(
    loader: type, text: str, problem: str
) -> None:
    (found,) = parse(text, "a.yaml", loader=loader).problems

    assert f"{found.position}: {found.summary}".startswith(problem)


def test_all_problems_of_a_document_are_reported() -> None:
    document = parse("a: 1\na: 2\nb: !x y\nc: .inf\n3: z\n", "a.yaml")

    assert [found.position.line for found in document.problems if found.position] == [2, 3, 4, 5]
    assert document.value == {"a": 1, "b": "y", "c": 0}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "---\n...\n"])
def test_empty_document_has_no_value_and_no_problem(text: str) -> None:
    document = parse(text, "a.yaml")

    assert (document.value, document.problems) == (None, ())


def test_merge_keys_take_the_first_source_and_own_keys_win() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\n"

    assert value(text)["c"] == {"x": 1, "y": 1, "z": 3}  # type: ignore[index]  # a mapping


def test_quoted_merge_key_is_an_ordinary_key() -> None:
    assert value('"<<": 1\n') == {"<<": 1}


def test_aliases_of_an_ordinary_document_are_not_refused() -> None:
    text = "a: &a [1, 2, 3]\n" + "".join(f"k{n}: *a\n" for n in range(1000))

    assert len(value(text)) == 1001  # type: ignore[arg-type]  # a mapping


def test_byte_order_mark_is_taken_off_and_remembered() -> None:
    document = parse(b"\xef\xbb\xbfa: 1\n", "a.yaml")

    assert document.has_bom
    assert document.text == "a: 1\n"
    assert document.position(("a",)) == Position("a.yaml", 1, 4)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_bad_bytes_are_found_in_the_right_line(end: str) -> None:
    content = f"a: 1{end}b: é".encode() + b"\xff\n"

    (found,) = parse(content, "a.yaml").problems

    assert found.position == Position("a.yaml", 2, 5)


def test_ten_megabytes_are_refused_before_they_are_parsed() -> None:
    (found,) = parse(b"#" * 10_000_000, "a.yaml").problems

    assert found.summary == "the file is too large: 10,000,000 bytes, the limit is 10,000,000"


def test_merge_key_as_a_value_is_text() -> None:
    assert value("a: <<\n") == {"a": "<<"}


def test_depth_through_aliases_is_counted() -> None:
    text = "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 50 + "*a" + "]" * 50 + "\n"

    (found,) = parse(text, "a.yaml").problems

    assert found.summary == "nested too deeply; the limit is 100 levels"


def test_depth_is_counted_beside_aliases() -> None:
    (found,) = parse("a: &a 1\nb: [*a, " + "[" * 120 + "]" * 120 + "]\n", "a.yaml").problems

    assert found.summary == "nested too deeply; the limit is 100 levels"


def test_text_is_accepted_as_well_as_bytes() -> None:
    assert parse("a: é\n", "a.yaml").value == parse("a: é\n".encode(), "a.yaml").value


TEXT = """\
aiConfigs:
  bot:
    name: Bot
    tags: [a, bb]
    variations:
      v:
        messages:
        - role: system
          content: |
            Hello
        - {role: user, content: "{{q}}"}
"""
VARIATION = ("aiConfigs", "bot", "variations", "v")


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 1, 1),
        (("aiConfigs",), 1, 1),
        (("aiConfigs", "bot"), 2, 3),
        (("aiConfigs", "bot", "name"), 3, 11),
        (("aiConfigs", "bot", "tags"), 4, 11),
        (("aiConfigs", "bot", "tags", 1), 4, 15),
        ((*VARIATION, "messages"), 7, 9),
        ((*VARIATION, "messages", 0), 8, 11),
        ((*VARIATION, "messages", 0, "content"), 9, 20),
        ((*VARIATION, "messages", 1, "content"), 11, 33),
    ],
)
def test_position_of_values(path: tuple[str | int, ...], line: int, column: int) -> None:
    assert parse(TEXT, "a.yaml").position(path) == Position("a.yaml", line, column)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 1, 1),
        (("aiConfigs", "bot", "name"), 3, 5),
        (("aiConfigs", "bot", "tags", 1), 4, 15),
        ((*VARIATION, "messages", 1), 11, 11),
    ],
)
def test_position_of_keys(path: tuple[str | int, ...], line: int, column: int) -> None:
    assert parse(TEXT, "a.yaml").key_position(path) == Position("a.yaml", line, column)


@pytest.mark.parametrize(
    "path",
    [("x",), ("aiConfigs", "bot", "tags", 2), ("aiConfigs", 0), ("aiConfigs", "bot", "name", "x")],
)
def test_what_is_not_written_has_no_position(path: tuple[str | int, ...]) -> None:
    document = parse(TEXT, "a.yaml")

    assert document.position(path) is None
    assert document.key_position(path) is None


@pytest.mark.parametrize("text", ["", "a: [", "# x\n"])
def test_document_without_nodes_has_no_positions(text: str) -> None:
    document = Document("a.yaml", text)

    assert document.root is None
    assert document.position(()) is None
    assert document.key_position(("a",)) is None


def test_merged_values_stand_where_they_are_written() -> None:
    document = parse("a: &a {x: 1}\nb: &b {x: 0, y: 2}\nc:\n  <<: [*a, *b]\n  z: 3\n", "a.yaml")

    assert document.position(("c", "x")) == Position("a.yaml", 1, 11)
    assert document.position(("c", "y")) == Position("a.yaml", 2, 17)
    assert document.position(("c", "w")) is None
    assert [step for step, _ in document.root.at(("c",)).children()] == ["x", "y", "z"]  # type: ignore[union-attr]  # it is there


def test_single_merge_source() -> None:
    document = parse("a: &a {x: 1}\nc: {<<: *a}\n", "a.yaml")

    assert document.position(("c", "x")) == Position("a.yaml", 1, 11)


def test_nodes_know_their_spans() -> None:
    document = parse('a: "x"  # c\nb: [1, 2]\nc: |\n  t\n', "a.yaml")
    spans = {key.text: (node.start, node.end) for key, node in document.root.entries()}  # type: ignore[union-attr]  # it is there

    assert document.text[slice(*spans["a"])] == '"x"'
    assert document.text[slice(*spans["b"])] == "[1, 2]"


def test_nodes_know_their_style() -> None:
    root = parse("a: 'x'\nb: [1]\nc:\n- 1\n", "a.yaml").root
    assert root is not None
    nodes = {key.text: node for key, node in root.entries()}

    assert (nodes["a"].kind, nodes["a"].style, nodes["a"].text) == ("scalar", "'", "x")
    assert (nodes["b"].kind, nodes["b"].is_flow, nodes["b"].text) == ("sequence", True, "")
    assert (nodes["c"].is_flow, nodes["c"].style) == (False, "")
    assert nodes["a"].entries() == []
    assert nodes["a"].items() == []


def test_quoted_text_reads_back() -> None:
    text = 'a "quoted" \\ é \n x'

    assert value(f"x: {yaml.quoted(text)}\n") == {"x": text}
