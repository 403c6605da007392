from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldconf.core.resource import Json
from ldconf.documents import emit, yaml
from tests.documents.random_yaml import examples

TRICKY = st.sampled_from(
    [
        *("no", "on", "null", "~", "1.0", "017", "1:30", "2026-11-24", "true", "", " a", "a "),
        *("a: b", "a #b", "#a", "- a", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">", "?", ":"),
        *("a:", "<<", "=", "a\n", "a\n\n", "\n", "\n\na", " a\nb", "a\n b\n", "a\nb ", "a\n  "),
        *("a\tb", "\ta\nb", "a\r\nb", "---", "...", "--- a\nb", "é\u2028b", "\x85", "\ufeff"),
        *("\U0001f600", "'", '"', "\\", "a'\"\\b", "{a}", "[a]", "a, b", "a: {b", "{{name}}"),
        *("$ld:ai:duration:total", "a?b", ".5", "1e3", "0x1F", "a\n# no comment\nb", "a\n\n\nb\n"),
        *("x" * 1100, "\x00", "\x7f", "1_000", ".inf", "-", "--"),
    ]
)
TEXT = TRICKY | st.text(max_size=20) | st.text("a \n\t#:-'\"", max_size=12)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
KEYS = TRICKY.filter(lambda key: len(key) < 1000) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
MAPS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def read(text: str) -> Json:
    document = yaml.parse(text, "x.yaml")
    assert document.problems == (), text
    return document.value


@examples
@given(MAPS)
def test_document_reads_back_as_written(content: dict[str, Json]) -> None:
    assert read(emit.document(content)) == content


@examples
@given(MAPS)
def test_flow_reads_back_as_written(content: dict[str, Json]) -> None:
    assert read(emit.flow(content) + "\n") == content


@examples
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_elements_read_back_as_written(content: list[Json]) -> None:
    lines = [line for one in content for line in emit.element(one)]
    assert read("\n".join(lines) + "\n") == content


@examples
@given(TEXT)
def test_no_line_of_a_document_ends_in_a_carriage_return(text: str) -> None:
    assert "\r" not in emit.document({"a": text})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain text, with: colon", '"plain text, with: colon"'),
        ("no", '"no"'),
        ("1:30", '"1:30"'),
        ("1_000", '"1_000"'),
        ("1e3", '"1e3"'),
        ("0o17", '"0o17"'),
        ("4.1.9", "4.1.9"),
        ("2026-11-24", '"2026-11-24"'),
        ('say "hi"', 'say "hi"'),
        ('"hi"', "'\"hi\"'"),
        ("it's", "it's"),
        ("$ld:ai:duration:total", "$ld:ai:duration:total"),
        ("https://app.launchdarkly.com", "https://app.launchdarkly.com"),
        ("\u2028", '"\\u2028"'),
        ("\x7f", '"\\x7f"'),
    ],
)
def test_strings_are_quoted_only_when_a_reader_could_mistake_them(
    value: str, expected: str
) -> None:
    assert emit.string(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((0.0000008, "0.0000008"), (1.0, "1.0"), (0.7, "0.7"), (1e30, "1e+30"), (7, "7")),
        *((float("inf"), ".inf"), (float("-inf"), "-.inf"), (float("nan"), ".nan")),
        *((None, "null"), (True, "true")),
    ],
)
def test_numbers_are_written_as_people_do(value: Json, expected: str) -> None:
    assert emit.scalar(value) == expected


def test_style_of_a_document() -> None:
    content = {
        "aiConfigs": {
            "agent": {
                "name": "Agent",
                "off": {},
                "model": {"parameters": {"temperature": 0.7, "stop": ["a", "b"]}},
                "instructions": "First\n\n  Second\n",
                "rules": [
                    {"description": "Premium users", "clauses": [{"op": "in", "values": [1]}]}
                ],
                "messages": ["with blank", ["nested", "list"], [["a b"]]],
            }
        },
        "removed": ["tools/x"],
    }
    assert emit.document(content) == (
        "aiConfigs:\n"
        "  agent:\n"
        "    name: Agent\n"
        "    off: {}\n"
        "    model:\n"
        "      parameters: {temperature: 0.7, stop: [a, b]}\n"
        "    instructions: |\n"
        "      First\n"
        "\n"
        "        Second\n"
        "    rules:\n"
        "      - description: Premium users\n"
        "        clauses:\n"
        "          - {op: in, values: [1]}\n"
        "    messages:\n"
        "      - with blank\n"
        "      - [nested, list]\n"
        "      - - - a b\n"
        "\n"
        "removed: [tools/x]\n"
    )


def test_empty_document_is_an_empty_map() -> None:
    assert emit.document({}) == "{}\n"
