from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldconf.core.address import segment, targeting, variation
from ldconf.core.diagnostic import Position
from ldconf.core.resource import Json
from ldconf.core.workspace import Inherited, Workspace
from ldconf.documents.extends import merge_patch
from tests.documents.trees import workspace


def variations(text: str) -> Workspace:
    body = textwrap.indent(textwrap.dedent(text), "      ")
    return workspace(f"aiConfigs:\n  bot:\n    variations:\n{body}")


def managed(found: Workspace, key: str) -> dict[str, Json]:
    fields = found.resources[variation("bot", key)].managed()
    fields.pop("state")
    return fields


def test_fields_are_inherited_whole() -> None:
    found = variations("""\
    base: {name: Base, modelConfigKey: A.b, instructions: x, tools: [], description: d}
    child: {extends: base, description: e}
    """)

    assert managed(found, "child") == {
        "modelConfigKey": "A.b",
        "instructions": "x",
        "tools": None,
        "description": "e",
    }


def test_lists_are_replaced_not_joined() -> None:
    found = variations("""\
    base: {messages: [{role: system, content: a}, {role: user, content: b}]}
    child: {extends: base, messages: [{role: user, content: c}]}
    """)

    assert managed(found, "child") == {"messages": [{"role": "user", "content": "c"}]}


def test_model_judges_and_format_merge_deeply() -> None:
    found = variations("""\
    base:
      model: {parameters: {temperature: 0.7, top_p: 1, stop: [a]}, custom: {x: 1}}
      outputFormat: {type: object, properties: {a: {type: string}}}
    child:
      extends: base
      model: {parameters: {temperature: 0, top_p: null, stop: [b]}}
      outputFormat: {properties: {b: {type: number}}}
    """)

    assert managed(found, "child") == {
        "model": {"parameters": {"temperature": 0, "stop": ["b"]}, "custom": {"x": 1}},
        "outputFormat": {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
        },
    }


def test_inner_null_without_a_parent_value_is_nothing() -> None:
    found = variations("base: {}\nchild: {extends: base, model: {parameters: {a: 1, b: null}}}\n")

    assert managed(found, "child") == {"model": {"parameters": {"a": 1}}}


def test_inner_null_without_extends_is_data() -> None:
    found = variations("base: {model: {parameters: {b: null}}}\n")

    assert managed(found, "base") == {"model": {"parameters": {"b": None}}}


def test_top_level_null_clears_what_is_inherited() -> None:
    found = variations("""\
    base: {model: {parameters: {a: 1}}, instructions: x}
    child: {extends: base, model: null, instructions: null}
    """)

    assert managed(found, "child") == {"model": None, "instructions": None}


def test_null_of_the_parent_is_inherited() -> None:
    found = variations(
        "base: {model: null}\nchild: {extends: base}\n"
        "other: {extends: base, model: {parameters: {a: 1}}}\n"
    )

    assert managed(found, "child") == {"model": None}
    assert managed(found, "other") == {"model": {"parameters": {"a": 1}}}


def test_unmanaged_leaves_inherited_fields_out() -> None:
    found = variations("""\
    base: {instructions: x, description: d, tools: []}
    child: {extends: base, unmanaged: [instructions, tools]}
    grandchild: {extends: child}
    """)

    assert managed(found, "child") == {"description": "d"}
    assert managed(found, "grandchild") == {"description": "d"}


def test_name_and_state_are_not_inherited() -> None:
    found = variations(
        "base: {name: Base, state: archived, instructions: x}\nchild: {extends: base}\n"
    )

    assert found.resources[variation("bot", "child")].managed() == {
        "instructions": "x",
        "state": "published",
    }


def test_model_name_and_version_follow_the_model_config() -> None:
    found = variations("""\
    base: {modelConfigKey: A.b, modelConfigVersion: 3, model: {modelName: b, parameters: {t: 1}}}
    same: {extends: base}
    other: {extends: base, modelConfigKey: A.c}
    """)

    assert managed(found, "same") == managed(found, "base")
    assert managed(found, "other") == {"modelConfigKey": "A.c", "model": {"parameters": {"t": 1}}}


def test_model_of_nothing_but_its_name_is_not_inherited() -> None:
    found = variations("""\
    base: {modelConfigKey: A.b, model: {modelName: b}}
    other: {extends: base, modelConfigKey: A.c}
    third: {extends: base, modelConfigKey: A.c, model: {parameters: {t: 1}}}
    """)

    assert managed(found, "other") == {"modelConfigKey": "A.c"}
    assert managed(found, "third")["model"] == {"parameters": {"t": 1}}


def test_chains_and_order_in_the_file() -> None:
    found = variations("""\
    c: {extends: b, model: {parameters: {z: 3}}}
    b: {extends: a, model: {parameters: {y: 2}}}
    a: {model: {parameters: {x: 1}}}
    """)

    assert managed(found, "c") == {"model": {"parameters": {"x": 1, "y": 2, "z": 3}}}


def test_very_long_chains_do_not_exhaust_the_stack() -> None:
    lines = "".join(f"v{n}: {{extends: v{n + 1}}}\n" for n in range(3000))

    found = variations(lines + "v3000: {instructions: x}\n")

    assert managed(found, "v0") == {"instructions": "x"}


def test_targeting_replaces_whole_fields() -> None:
    found = workspace("""\
    aiConfigs:
      bot:
        variations: {a: {}, b: {}}
        targeting:
          test:
            targets: [{variation: a, values: [u]}]
            fallthrough: {rollout: {a: 50, b: rest}}
          production:
            extends: test
            unmanaged: [targets]
            fallthrough: {rollout: {a: 10, b: rest}}
    """)

    assert found.resources[targeting("bot", "production")].managed() == {
        "fallthrough": {"rollout": {"a": 10, "b": 90}, "bucketBy": "key", "contextKind": "user"}
    }


def test_segments_inherit_the_name_too() -> None:
    found = workspace(
        "segments:\n  s:\n    test: {name: S, included: [a]}\n"
        "    production: {extends: test, included: null}\n"
    )

    assert found.resources[segment("s", "production")].managed() == {"name": "S", "included": None}


def test_inherited_fields_name_the_ancestor_that_wrote_them() -> None:
    found = variations("""\
    a: {instructions: x, model: {parameters: {p: 1}}, description: d}
    b: {extends: a, description: e}
    c: {extends: b, model: {parameters: {q: 2}}}
    """)
    a, b, c = (variation("bot", key) for key in "abc")

    assert found.inherited == {
        (b, "instructions"): Inherited(a),
        (b, "model"): Inherited(a),
        (c, "instructions"): Inherited(a),
        (c, "description"): Inherited(b),
        (c, "model"): Inherited(a, ((c, ("model.parameters.q",)),)),
    }


def test_who_wrote_each_path_of_a_field_that_merges_deeply() -> None:
    found = variations("""\
    a: {model: {parameters: {p: 1, q: 1, r: 1}, custom: {x: {y: 1, z: 1}}}}
    b: {extends: a, model: {parameters: {q: 2, r: null}}}
    c: {extends: b, model: {parameters: {p: 3}, custom: {x: {y: 3}}}}
    d: {extends: c}
    """)
    a, b, c, d = (variation("bot", key) for key in "abcd")
    writer = {
        path: found.inherited[d, "model"].writer(f"model.{path}")
        for path in ("parameters.p", "parameters.q", "parameters.r", "custom.x", "custom.x.z")
    }
    expected = [c, b, b, c, a]
    assert list(writer.values()) == expected
    assert found.inherited[c, "model"].writer("model.custom.x.y") == c


def test_positions_of_inherited_values_are_the_parents() -> None:
    found = variations("""\
    a:
      instructions: x
      model: {parameters: {p: 1}}
    b: {extends: a, model: {parameters: {q: 2}}}
    """)
    child = variation("bot", "b")

    assert found.position(child) == Position("a.yaml", 7, 7)
    assert found.position(child, "instructions") == Position("a.yaml", 5, 23)
    assert found.position(child, "model", "parameters", "q") == Position("a.yaml", 7, 47)
    assert found.position(child, "model", "parameters", "p") == Position("a.yaml", 6, 33)
    assert found.position(child, "extends") == Position("a.yaml", 7, 20)


def test_positions_can_be_listed() -> None:
    found = variations("a: {instructions: x, tools: []}\nb: {extends: a}\n")

    listed = {path for address, path in found.positions if address == variation("bot", "b")}

    assert listed == {(), ("extends",), ("instructions",), ("tools",)}
    assert len(found.positions) == len(list(found.positions))
    assert all(found.positions[key] for key in found.positions)


def test_unknown_places_have_no_position() -> None:
    found = variations("a: {instructions: x}\n")

    assert found.position(variation("bot", "zz")) is None
    assert found.position(variation("bot", "a"), "tools", 3) == Position("a.yaml", 4, 7)
    assert (variation("bot", "a"), ("tools",)) not in found.positions


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_in_the_appendix_of_rfc_7396(
    target: Json, patch: Json, expected: Json
) -> None:
    assert merge_patch(target, patch) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=10,
)


@given(JSON, JSON)
def test_patching_twice_is_patching_once(target: Json, patch: Json) -> None:
    once = merge_patch(target, patch)

    assert merge_patch(once, patch) == once
