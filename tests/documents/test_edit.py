from __future__ import annotations

import pytest

from ldconf.core.errors import DocumentError
from ldconf.documents import edit
from ldconf.documents.edit import EditError

AGENT = """\
# The agent.
aiConfigs:
  agent: # ours
    name: "Agent"   # shown in the list
    mode: agent

    variations:
      base:
        model: {parameters: {temperature: 0.7, max_tokens: 4096}}
        tools: [search, 'order']
        instructions: |-
          You are a pet shop.

            Be kind.
      # the cheap one
      small: {extends: base, name: Small}
    targeting:
      test:
        rules:
          # premium first
          - description: Premium # gold
            clauses:
              - {attribute: plan, op: in, values: [gold]}
            serve: base
          - description: Rest
            serve: small
        fallthrough: base
"""
BASE = ("aiConfigs", "agent", "variations", "base")
TEST = ("aiConfigs", "agent", "targeting", "test")


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return (lines gone, lines new) between a common start and a common end."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return old, new


def test_scalar_is_replaced_beside_its_comment() -> None:
    text = edit.set_value(AGENT, ("aiConfigs", "agent", "name"), "no")
    assert changed(AGENT, text) == (
        ['    name: "Agent"   # shown in the list'],
        ['    name: "no"   # shown in the list'],
    )


def test_one_leaf_of_a_flow_map_is_replaced() -> None:
    path = (*BASE, "model")
    text = edit.set_value(AGENT, path, {"parameters": {"temperature": 1, "max_tokens": 4096}})
    assert changed(AGENT, text)[1] == [
        "        model: {parameters: {temperature: 1, max_tokens: 4096}}"
    ]


def test_literal_block_takes_a_new_text() -> None:
    text = edit.set_value(AGENT, (*BASE, "instructions"), " Sell.\nMore\n")
    assert changed(AGENT, text) == (
        ["        instructions: |-", "          You are a pet shop.", "", "            Be kind."],
        ["        instructions: |2", "           Sell.", "          More"],
    )


def test_literal_block_becomes_one_line() -> None:
    text = edit.set_value(AGENT, (*BASE, "instructions"), "Short")
    assert changed(AGENT, text)[1] == ["        instructions: Short"]


def test_scalar_becomes_a_block_map() -> None:
    rollout = {"rollout": {"base": 50, "small": "rest"}, "bucketBy": "key"}
    text = edit.set_value(AGENT, (*TEST, "fallthrough"), rollout)
    assert changed(AGENT, text)[1] == [
        "        fallthrough:",
        "          rollout: {base: 50, small: rest}",
        "          bucketBy: key",
    ]


def test_block_map_becomes_a_scalar_and_keeps_the_comment_of_its_key() -> None:
    text = edit.set_value(AGENT, ("aiConfigs", "agent"), None)
    assert text == "# The agent.\naiConfigs:\n  agent: null # ours\n"


def test_list_items_are_matched_by_description() -> None:
    rules = [
        {"description": "New", "serve": "small"},
        {"description": "Premium", "clauses": [], "serve": "base"},
        {"description": "Rest", "serve": "base"},
    ]
    text = edit.set_value(AGENT, (*TEST, "rules"), rules)
    assert "          - {description: New, serve: small}\n          # premium first\n" in text
    assert "          - description: Premium # gold\n            clauses: []\n" in text
    assert "          - description: Rest\n            serve: base\n" in text


def test_key_is_added_at_the_end_of_its_map() -> None:
    text = edit.set_value(AGENT, (*BASE, "description"), "A shop")
    assert changed(AGENT, text) == ([], ["        description: A shop"])
    assert text.index("Be kind.") < text.index("description: A shop") < text.index("# the cheap")


def test_key_is_added_behind_another() -> None:
    text = edit.set_value(AGENT, (*BASE, "name"), "Base", after="model")
    assert changed(AGENT, text) == ([], ["        name: Base"])
    assert text.index("model:") < text.index("name: Base") < text.index("tools:")


def test_key_is_added_at_the_start_above_its_comments() -> None:
    text = "a:\n  # about b\n  b: 1\nc: [{d: 1}]\n"
    assert edit.set_value(text, ("a", "x"), "1\n2", after="") == (
        "a:\n  x: |-\n    1\n    2\n  # about b\n  b: 1\nc: [{d: 1}]\n"
    )
    assert edit.set_value(text, ("c", 0, "x"), 2, after="").endswith("c: [{x: 2, d: 1}]\n")
    assert edit.set_value("- a: 1\n", (0, "x"), 2, after="") == "- x: 2\n  a: 1\n"


def test_missing_maps_on_the_way_are_made() -> None:
    text = edit.set_value(AGENT, ("aiConfigs", "agent", "targeting", "prod", "off"), True)
    assert changed(AGENT, text)[1] == ["      prod: {off: true}"]


@pytest.mark.parametrize("empty", ["", "# nothing\n", "~\n", "null", "{}\n"])
def test_empty_document_takes_a_key(empty: str) -> None:
    text = edit.set_value(empty, ("removed",), ["tools/x"])
    assert "removed: [tools/x]\n" in text + "\n"
    assert text.startswith("# nothing") == empty.startswith("# nothing")


def test_null_and_empty_maps_take_keys() -> None:
    text = "a:\n  b: # why\n  c: {} # none\nd: ~\n"
    text = edit.set_value(text, ("a", "b", "x"), 1)
    text = edit.set_value(text, ("a", "c", "y"), [])
    text = edit.set_value(text, ("d", "e", "f"), "g h")
    assert text == "a:\n  b: {x: 1} # why\n  c: {y: []} # none\nd:\n  e:\n    f: g h\n"


def test_removed_key_leaves_the_comments_around() -> None:
    text = edit.remove(AGENT, ("aiConfigs", "agent", "variations", "small"))
    assert changed(AGENT, text) == (["      small: {extends: base, name: Small}"], [])


def test_map_whose_last_key_is_removed_becomes_empty() -> None:
    assert edit.remove("a:\n  # why\n  b:\n    c: 1\nd: 2\n", ("a", "b")) == (
        "a: {}\n  # why\nd: 2\n"
    )
    assert edit.remove("a:\n- 1\n", ("a", 0)) == "a: []\n"
    assert edit.remove("a: 1", ("a",)) == "{}"


def test_first_key_behind_a_dash_is_removed() -> None:
    assert edit.remove("- a: 1\n  b: 2\n", (0, "a")) == "- b: 2\n"
    assert edit.remove("- a: 1\n  # why\n  b: 2\n", (0, "a")) == "-\n  # why\n  b: 2\n"


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{a: 1, b: 2}\n", ("a",), "{b: 2}\n"),
        ("{a: 1, b: 2}\n", ("b",), "{a: 1}\n"),
        ("{a: 1, b: 2,}\n", ("b",), "{a: 1,}\n"),
        ("{\n  a: 1, # one\n  b: 2, # two\n}\n", ("b",), "{\n  a: 1, # one\n}\n"),
        ("{\n  a: 1, # one\n  b: 2 }\n", ("b",), "{\n  a: 1, # one\n   }\n"),
        ("{\n  a: 1, # one\n  b: 2\n}\n", ("a",), "{\n  b: 2\n}\n"),
        ("[{a: 1, b: 2}, 3]\n", (0, "b"), "[{a: 1}, 3]\n"),
        ("[1, [2, 3], 4]\n", (1, 1), "[1, [2], 4]\n"),
    ],
)
def test_flow_entries_are_removed_with_one_comma(text: str, path: edit.Path, expected: str) -> None:
    assert edit.remove(text, path) == expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{a: 1}\n", ("b",), "{a: 1, b: 2}\n"),
        ("{a: {}}\n", ("a", "b"), "{a: {b: 2}}\n"),
        ("{a: , c}\n", ("a",), "{a: 2 , c}\n"),
        ("{a: , c}\n", ("c",), "{a: , c: 2}\n"),
        ("{'a':1}\n", ("a",), "{'a': 2}\n"),
        ("{\n  a: 1,\n}\n", ("b",), "{\n  a: 1,\n  b: 2,\n}\n"),
        ("? a\n: 1\n", ("a",), "? a\n: 2\n"),
        ("a: !!str 1\n", ("a",), "a: 2\n"),
        ("a: !!map\n  b: 1\n", ("a",), "a: 2\n"),
        ("a: &x # why\n  b: 1\n", ("a",), "a: &x 2 # why\n"),
        ("a:\n  &x\n  b: 1\n", ("a",), "a: &x 2\n"),
        ("a: 'one\n\n  two' # why\nb: 1\n", ("a",), "a: 2 # why\nb: 1\n"),
        ("a:\n  # why\n  one\nb: 1\n", ("a",), "a: 2\n  # why\nb: 1\n"),
        ("a: |+ # why\n  one\n\nb: 1\n", ("a",), "a: 2 # why\n\nb: 1\n"),
    ],
)
def test_unusual_styles_take_a_value(text: str, path: edit.Path, expected: str) -> None:
    assert edit.set_value(text, path, 2) == expected


def test_key_behind_a_block_that_keeps_blank_lines() -> None:
    text = "a:\n  b: |+\n    one\n\nc: 1\n"
    assert edit.set_value(text, ("a", "d"), 1) == "a:\n  b: |+\n    one\n\n  d: 1\nc: 1\n"


@pytest.mark.parametrize(
    ("header", "expected"), [("|", "|-"), (">", ">-"), ("|2", "|2-"), ("|+", "|-"), ("|-", "|-")]
)
def test_text_at_the_end_of_a_file_without_line_end_keeps_its_value(
    header: str, expected: str
) -> None:
    assert edit.set_value(f"a: {header}\n  one", ("b",), 1) == f"a: {expected}\n  one\nb: 1\n"


def test_block_text_before_an_indented_comment_is_quoted() -> None:
    text = "a: 1\nb: 2\n  # about b\n"
    assert edit.set_value(text, ("b",), "x\ny") == 'a: 1\nb: "x\\ny"\n  # about b\n'


def test_line_ends_and_byte_order_mark_stay() -> None:
    text = "\ufeffa: 1\r\nb:\r\n  c: 2\r\n"
    edited = edit.set_value(text, ("b", "d"), "x\ny\n")
    assert edited == "\ufeffa: 1\r\nb:\r\n  c: 2\r\n  d: |\r\n    x\r\n    y\r\n"


def test_item_is_inserted_above_the_comment_of_the_first() -> None:
    text = "a:\n  # first\n  - 1\n"
    assert edit.insert(text, ("a",), 0, 0) == "a:\n  - 0\n  # first\n  - 1\n"
    assert edit.insert(text, ("a",), 1, 2) == "a:\n  # first\n  - 1\n  - 2\n"
    assert edit.insert("a: [1]\n", ("a",), 0, 0) == "a: [0, 1]\n"
    assert edit.insert("a: []\n", ("a",), 0, "b c") == "a:\n  - b c\n"
    assert edit.insert("- - 1\n", (0,), 0, 0) == "- - 0\n  - 1\n"


SHARED = """\
base: &base
  model: &model {t: 1} # shared
  tools: [a]
copy:
  <<: *base
  name: Copy
alias: *model
"""


def test_value_behind_an_alias_is_written_out() -> None:
    text = edit.set_value(SHARED, ("alias", "t"), 2)
    assert changed(SHARED, text) == (["alias: *model"], ["alias: {t: 2}"])


def test_value_of_a_merge_key_is_overridden() -> None:
    text = edit.set_value(SHARED, ("copy", "tools"), ["b"])
    assert changed(SHARED, text) == ([], ["  tools: [b]"])


def test_part_of_a_value_of_a_merge_key_is_overridden_whole() -> None:
    text = edit.set_value(SHARED, ("copy", "model", "u"), 3)
    assert changed(SHARED, text) == ([], ["  model: {t: 1, u: 3}"])


def test_key_of_a_merge_is_removed_by_spelling_out_the_rest() -> None:
    text = edit.remove(SHARED, ("copy", "tools"))
    assert text == SHARED.replace("  <<: *base\n  name: Copy\n", "  name: Copy\n  model: {t: 1}\n")


def test_anchor_moves_to_its_first_user_when_its_own_value_changes() -> None:
    text = edit.set_value(SHARED, ("base", "tools"), ["b"])
    assert text == (
        "base:\n"
        "  model: &model {t: 1} # shared\n"
        "  tools: [b]\n"
        "copy:\n"
        "  <<: &base\n"
        "    model: {t: 1}\n"
        "    tools: [a]\n"
        "  name: Copy\n"
        "alias: *model\n"
    )


def test_anchor_without_users_stays() -> None:
    assert edit.set_value("a: &x 1\n", ("a",), 2) == "a: &x 2\n"
    assert edit.set_value("- &x\n  a: 1\n", (0,), {"b": 1}) == "- &x {b: 1}\n"


def test_removed_anchor_moves_to_its_first_user() -> None:
    assert edit.remove("a: &x\n  - 1\n  - 2 a\nb: [*x, *x]\n", ("a",)) == ("b: [&x [1, 2 a], *x]\n")
    assert edit.remove("a: {b: &x 1}\nc: *x\n", ("a",)) == "c: &x 1\n"


def test_merge_of_several_maps_in_order() -> None:
    text = "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\n"
    assert edit.remove(text, ("c", "y")) == ("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {z: 3, x: 1}\n")
    assert edit.set_value(text, ("b", "y"), 5).endswith("c: {<<: [*a, &b {x: 2, y: 2}], z: 3}\n")


def test_merges_of_merges_and_anchors_in_merges() -> None:
    text = (
        "a: &a {x: 1}\nb: &b {<<: *a, y: &y 2}\nc: {<<: {<<: *b}}\nd: *y\ne:\n  <<: [*b, {z: 3}]\n"
    )
    assert edit.set_value(text, ("c", "x"), 5).splitlines()[2] == "c: {<<: {<<: *b}, x: 5}"
    assert edit.set_value(text, ("e", "z"), 4).endswith("e:\n  <<: [*b, {z: 3}]\n  z: 4\n")
    assert edit.remove(text, ("e", "z")).endswith("e:\n  x: 1\n  y: 2\n")
    moved = edit.set_value(text, ("b", "y"), 7).splitlines()
    assert moved[1:4] == ["b: {<<: *a, y: 7}", "c: {<<: {<<: &b {x: 1, y: 2}}}", "d: &y 2"]


def test_path_that_only_an_alias_reaches_is_written_out_once() -> None:
    text = "a: &a\n  - {x: 1}\nb:\n  - *a\n"
    assert edit.set_value(text, ("b", 0, 0, "x"), 2) == ("a: &a\n  - {x: 1}\nb:\n  - - {x: 2}\n")
    assert edit.insert(text, ("b", 0), 1, 5) == "a: &a\n  - {x: 1}\nb:\n  - - {x: 1}\n    - 5\n"
    assert edit.remove("a: &a {x: 1, y: 2}\nb: *a\n", ("b", "y")) == (
        "a: &a {x: 1, y: 2}\nb: {x: 1}\n"
    )
    assert edit.set_value("a: &a {x: 1}\nb: *a\n", ("b", "y"), 2) == (
        "a: &a {x: 1}\nb: {x: 1, y: 2}\n"
    )


def test_alias_used_as_a_key_is_refused() -> None:
    with pytest.raises(EditError, match="used as a key"):
        edit.set_value("a: &x k\n*x : 1\n", ("a",), 2)


def test_edit_that_would_change_something_else_is_refused() -> None:
    with pytest.raises(EditError, match="cannot change `a`"):
        edit.set_value("? a\n", ("a",), 2)


def test_removing_what_is_not_there_is_refused() -> None:
    with pytest.raises(EditError, match="there is no `a/b` to remove"):
        edit.remove("a: 1\n", ("a", "b"))
    with pytest.raises(EditError, match="there is no `the document`"):
        edit.remove("a: 1\n", ())


def test_inserting_outside_a_list_is_refused() -> None:
    with pytest.raises(EditError, match="there is no place 3 in `a`"):
        edit.insert("a: [1]\n", ("a",), 3, 1)


def test_broken_document_is_refused() -> None:
    with pytest.raises(DocumentError):
        edit.set_value("a: [\n", ("a",), 1)


def test_unchanged_value_leaves_the_text_alone() -> None:
    assert (
        edit.set_value(
            AGENT, BASE, edit.Source(AGENT).data["aiConfigs"]["agent"]["variations"]["base"]
        )
        == AGENT
    )
