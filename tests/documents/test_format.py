from __future__ import annotations

from pathlib import Path

import pytest

from ldconf.core.errors import DocumentError
from ldconf.documents.format import format_text

EXAMPLES = sorted(
    path
    for folder in ("configs", "examples")
    for path in (Path(__file__).parents[2] / folder).rglob("*.yaml")
)


def formatted(text: str, path: str = "x.yaml") -> str:
    once = format_text(text, path)
    assert format_text(once, path) == once
    return once


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_formatting_our_examples_keeps_their_comments(path: Path) -> None:
    text = path.read_text()
    assert formatted(text, path.name).count("#") == text.count("#")


def test_canonical_form() -> None:
    text = """\


# The agent.

aiConfigs:
    agent:        # ours
        mode:   agent
        # what people see
        name: "Agent"
        variations:
            base:
                # why so warm
                model: { parameters: {temperature: 0.70 , 'max_tokens': 4096},
                         custom: {} }   # see the ADR
                tools: ['search',"no" ]
                instructions: "First\\n\\n  second\\n"
                modelConfigKey: Anthropic.x
                # last words

            small: {name: Small, extends: base}


        targeting:
          test:
            rules:
            - description: Premium
              serve: base
              clauses:
              -   op: in
                  attribute: plan
            # all others
            - {description: Rest, serve: ~}
            fallthrough: null
removed:
- tools/x
"""
    assert (
        formatted(text)
        == """\
# The agent.

aiConfigs:
  agent: # ours
    # what people see
    name: Agent
    mode: agent
    variations:
      base:
        modelConfigKey: Anthropic.x
        # why so warm
        model: {parameters: {temperature: 0.70, max_tokens: 4096}, custom: {}} # see the ADR
        instructions: |
          First

            second
        tools: [search, "no"]
        # last words

      small: {extends: base, name: Small}

    targeting:
      test:
        rules:
          - description: Premium
            serve: base
            clauses:
              - op: in
                attribute: plan
          # all others
          - {description: Rest, serve: null}
        fallthrough: null

removed:
  - tools/x
"""
    )


def test_flow_that_is_too_long_becomes_a_block_with_its_comments() -> None:
    text = "a: {x: 1, # one\n    # two\n    y: [2, 3]\n    # end\n   } # a\n"
    assert formatted(text) == "a: # a\n  x: 1 # one\n  # two\n  y: [2, 3]\n  # end\n"
    long = ", ".join(f"key{number}: value{number}" for number in range(10))
    assert formatted(f"a: {{{long}}}\n").count("\n") == 11


def test_lists_in_lists() -> None:
    assert formatted(
        "a:\n-   -   1\n    - # two\n      x: 2\n- \n  # b\n  y: 1\n- - # c\n    - 1\n"
    ) == ("a:\n  - - 1\n    - # two\n      x: 2\n  -\n    # b\n    y: 1\n  - - # c\n      - 1\n")


def test_anchors_also_unused_ones_and_merge_keys_stay() -> None:
    text = (
        "a: &a  {x: &b 1}\nb:\n  <<:  *a\n  y: *b # why\nc: &c\n    - 1\nd: [ *c , &d x ]\ne: &e\n"
    )
    assert formatted(text) == (
        "a: &a {x: &b 1}\nb:\n  <<: *a\n  y: *b # why\n\nc: &c\n  - 1\nd: [*c, &d x]\ne: &e null\n"
    )


def test_fields_with_anchors_keep_their_order() -> None:
    text = "tools:\n  t:\n    tags: &x [a]\n    description: A tool\n"
    assert formatted(text) == text


def test_metrics_are_ordered_but_maps_by_key_are_not() -> None:
    text = "metrics:\n  z: {unit: ms, name: Z}\n  a: {tags: [x], name: A}\n"
    assert formatted(text) == "metrics:\n  z: {name: Z, unit: ms}\n  a: {name: A, tags: [x]}\n"


def test_segments_are_ordered_in_their_environment() -> None:
    text = "segments:\n  s:\n    test:\n      rules: []\n      name: S\n      extends: prod\n"
    assert formatted(text) == (
        "segments:\n  s:\n    test:\n      extends: prod\n      name: S\n      rules: []\n"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("~", "null"),
        ("", "null"),
        ("Null", "null"),
        ("TRUE", "true"),
        ("False", "false"),
        ("1.50", "1.50"),
        ("0x1F", "0x1F"),
        ("no", '"no"'),
        ("'no'", '"no"'),
        ("'plain'", "plain"),
        ('"a # b"', '"a # b"'),
        ("'say \"hi\"'", 'say "hi"'),
        ("!!str 1", "!!str 1"),
        ("!!str  '1'", "!!str '1'"),
        ("!!map {}", "!!map {}"),
        ("[ ]", "[]"),
        ("{ }", "{}"),
        ('"\\n"', '"\\n"'),
        ("|\n", '""'),
        (">\n\n", '""'),
    ],
)
def test_scalars(value: str, expected: str) -> None:
    assert formatted(f"a: {value}\n") == f"a: {expected}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: >\n      one\n      two\n\n      three\n", "a: >\n  one\n  two\n\n  three\n"),
        ("a: >-  # why\n one\n   more\n", "a: >- # why\n  one\n    more\n"),
        ("a: >2\n    one\n  two\n", "a: |2\n    one\n  two\n"),
        ("a: >+\n  one\n\nb: 1\n", "a: >+\n  one\n\nb: 1\n"),
        ("a: |+ # why\n   one\n\n\nb: 1\n", "a: |+ # why\n  one\n\n\nb: 1\n"),
        ("a: |\n    one\n", "a: |\n  one\n"),
        ("a: |-\n    one\n", "a: |-\n  one\n"),
        ("a: one\n     two # why\nb: 1\n", "a: one\n  two # why\nb: 1\n"),
        ("a: 'one\n\n     two'\n", "a: 'one\n\n  two'\n"),
        ('a: "one \\\n     two"\n', 'a: "one \\\n  two"\n'),
        ("a: &x\n  one\n  two\n", "a: &x one\n  two\n"),
        ("a: [one\n two]\n", "a: [one two]\n"),
        ("a: # one\n  # two\n  5 # three\n", "# two\n# one\na: 5 # three\n"),
        ("a: !!str >\n  x\n", "a: !!str >\n  x\n"),
    ],
)
def test_long_texts_keep_their_style(text: str, expected: str) -> None:
    assert formatted(text) == expected


def test_document_marks_directives_and_line_ends_stay() -> None:
    text = "\ufeff# top\r\n%YAML 1.1\r\n--- # start\r\na:   1\r\n...\r\n"
    assert formatted(text) == "\ufeff# top\r\n%YAML 1.1\r\n---\r\n# start\r\na: 1\r\n...\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n\n# only\n\n\n# remarks\n", "# only\n\n# remarks\n"),
        ("{ }\n# end\n", "{}\n# end\n"),
        ("{a:   1}\n\n# end", "{a: 1}\n\n# end\n"),
        ("&x\na: 1\n", "&x\na: 1\n"),
        ("- 1\n-  2\n", "- 1\n- 2\n"),
        ("---\n", "---\n"),
        ("? a\n: 1\n? b\n", "a: 1\nb: null\n"),
        ("a: &x k\n*x : 1\n", "a: &x k\n*x : 1\n"),
        ("[a: 1]\n", "[{a: 1}]\n"),
    ],
)
def test_unusual_documents(text: str, expected: str) -> None:
    assert formatted(text) == expected


def test_comments_close_the_block_they_are_indented_with() -> None:
    text = (
        "a:\n    b:\n        c: 1\n        # of b\n    # of a\n    # of a\n  # odd\n"
        "# of d\nd: 1\n# end\n"
    )
    assert formatted(text) == (
        "a:\n  b:\n    c: 1\n    # of b\n  # of a\n  # of a\n# odd\n# of d\nd: 1\n# end\n"
    )


def test_sections_are_set_apart_but_settings_are_not() -> None:
    text = "a:\n  b: 1\n# c\nc:\n  d: 1\n"
    assert formatted(text) == "a:\n  b: 1\n\n# c\nc:\n  d: 1\n"
    assert formatted(text, "ldconf.yaml") == text


def test_text_that_cannot_be_laid_out_anew_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        format_text('a: "escaped blank \\ \n  here"\n', "x.yaml")
    assert [one.summary for one in caught.value.diagnostics] == [
        "this document cannot be formatted without changing what it says"
    ]


def test_broken_document_is_refused_with_its_place() -> None:
    with pytest.raises(DocumentError) as caught:
        format_text("a: [\n", "configs/x.yaml")
    assert str(caught.value.diagnostics[0].position).startswith("configs/x.yaml:")
