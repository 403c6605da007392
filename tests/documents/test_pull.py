from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed
from ldconf.core.workspace import Workspace
from ldconf.documents.load import load
from ldconf.documents.overlay import Overlay
from ldconf.documents.pull import pull, pull_from
from ldconf.documents.tree import Folder
from tests import build
from tests.properties.worlds import loaded

SETTINGS = "project: shop\nenvironments: [test, production]\n"
BASE, SMALL = "aiConfigs/agent/variations/base", "aiConfigs/agent/variations/small"
TEST, PROD = "aiConfigs/agent/targeting/test", "aiConfigs/agent/targeting/production"
AGENT = """\
# The agent.
aiConfigs:
  agent:
    name: Agent # as people know it
    mode: agent
    variations:
      # the good one
      base:
        name: Base
        modelConfigKey: OpenAI.gpt-4o
        model:
          parameters: {temperature: 0.7, max_tokens: 4096}
          custom: {max_search_results: 5}
        instructions: {file: prompts/agent.md} # long
        tools: [order, search]
      # the cheap one
      small:
        extends: base
        name: Small
        model: {parameters: {temperature: 0.2}}
    targeting:
      test:
        rules:
          # premium first
          - description: Premium # gold
            clauses:
              - {attribute: plan, op: in, values: [gold]}
            serve: base
          - description: Others
            clauses: [{attribute: plan, op: in, values: [free]}]
            serve: {rollout: {small: rest, base: 10}}
        fallthrough: small
      production:
        extends: test
        fallthrough: base # safe
"""
TOOLS = """\
tools:
  search: {schema: {file: tools/search.json}, tags: [b, a]}
  order: {schema: {}}
"""
FILES = {
    "ldconf.yaml": SETTINGS,
    "agent.yaml": AGENT,
    "tools.yaml": TOOLS,
    "prompts/agent.md": "Be kind.\nBe brief.\n",
    "tools/search.json": '{\n    "type": "object",\n    "properties": {}\n}\n',
}


def live_of(files: Mapping[str, str]) -> Live:
    return build.as_live(loaded(files))


def moved(live: Live, address: str, **fields: Json) -> Live:
    """Return the live state after somebody changed fields of one object there."""
    at = Address.parse(address)
    observed = live.observed[at]
    values = {n: v for n, v in observed.resource.managed().items() if v is not None}
    values = {name: v for name, v in {**values, **fields}.items() if v is not None}
    changed = build.observed(at, version=observed.version, **values)
    return replace(live, observed={**live.observed, at: changed})


def pulled(files: Mapping[str, str], live: Live, *addresses: str, **more: bool) -> dict[str, str]:
    workspace = loaded(files)
    return pull_from(
        Overlay(None, files), workspace, live, [Address.parse(one) for one in addresses], **more
    )


def lines(files: Mapping[str, str], changed: Mapping[str, str], path: str) -> list[str]:
    """Return the lines that a changed file has and the old one has not."""
    old = files[path].splitlines()
    return [line for line in changed[path].splitlines() if line not in old]


def resolved(files: Mapping[str, str], address: str) -> dict[str, Json]:
    return loaded(files).resources[Address.parse(address)].managed()


def test_nothing_differs_nothing_changes() -> None:
    assert pulled(FILES, live_of(FILES), BASE, SMALL, TEST, PROD, "tools/search") == {}


def test_one_field_changes_one_line() -> None:
    live = moved(live_of(FILES), "aiConfigs/agent", name="no", description="What it is")
    changed = pulled(FILES, live, "aiConfigs/agent")
    assert lines(FILES, changed, "agent.yaml") == ['    name: "no" # as people know it']


def test_cleared_fields_are_null_or_empty() -> None:
    files = {**FILES, "tools.yaml": TOOLS + "  x: {schema: {}, description: X, tags: [a]}\n"}
    live = moved(live_of(files), "tools/x", description=None, tags=None)
    assert lines(files, pulled(files, live, "tools/x"), "tools.yaml") == [
        "  x: {schema: {}, description: null, tags: []}"
    ]


def test_sets_keep_their_order() -> None:
    live = moved(live_of(FILES), "tools/search", tags=["a", "b", "c"])
    assert "tags: [b, a, c]" in pulled(FILES, live, "tools/search")["tools.yaml"]


def test_parent_changes_and_its_child_writes_the_old_value_out() -> None:
    parameters: Json = {"temperature": 0.9, "top_p": 1}
    model = {"parameters": parameters, "custom": {"max_search_results": 5}, "modelName": "gpt-4o"}
    live = moved(live_of(FILES), BASE, model=model, tools=[{"key": "search", "version": 1}])
    changed = pulled(FILES, live, BASE)
    assert resolved({**FILES, **changed}, SMALL) == resolved(FILES, SMALL)
    assert lines(FILES, changed, "agent.yaml") == [
        "          parameters: {temperature: 0.9, top_p: 1}",
        "        tools: [search]",
        "        model: {parameters: {temperature: 0.2, max_tokens: 4096, top_p: null}}",
    ]


def test_child_writes_the_smallest_override() -> None:
    model: Json = {
        "parameters": {"temperature": 0.2, "max_tokens": 100},
        "custom": {"max_search_results": 5},
        "modelName": "gpt-4o",
    }
    changed = pulled(FILES, moved(live_of(FILES), SMALL, model=model), SMALL)
    assert lines(FILES, changed, "agent.yaml") == [
        "        model: {parameters: {temperature: 0.2, max_tokens: 100}}"
    ]


def test_override_that_became_equal_to_the_parent_is_removed() -> None:
    live = live_of(FILES)
    model = live.observed[build.at(BASE)].resource.managed()["model"]
    live = moved(live, SMALL, model=model)
    live = moved(live, PROD, fallthrough="small")
    changed = pulled(FILES, live, SMALL, PROD)["agent.yaml"]
    assert "      small:\n        extends: base\n        name: Small\n    targeting:\n" in changed
    assert changed.endswith("      production:\n        extends: test\n")


def test_text_goes_into_its_file_if_all_its_users_change() -> None:
    live = live_of(FILES)
    for address in (BASE, SMALL):
        live = moved(live, address, instructions="Sell.\nMore.")
    assert pulled(FILES, live, BASE, SMALL) == {"prompts/agent.md": "Sell.\nMore.\n"}


def test_text_with_another_user_is_not_edited() -> None:
    live = moved(live_of(FILES), BASE, instructions="Sell.")
    changed = pulled(FILES, live, BASE)
    assert changed["prompts/agent.base.md"] == "Sell.\n"
    assert "prompts/agent.md" not in changed
    assert lines(FILES, changed, "agent.yaml") == [
        "        instructions: {file: prompts/agent.base.md} # long",
        "        instructions: {file: prompts/agent.md}",
    ]
    assert resolved({**FILES, **changed}, SMALL) == resolved(FILES, SMALL)


def test_child_gets_its_own_text_beside_the_inherited_file() -> None:
    changed = pulled(FILES, moved(live_of(FILES), SMALL, instructions="Sell."), SMALL)
    assert changed["prompts/agent.small.md"] == "Sell.\n"
    assert lines(FILES, changed, "agent.yaml") == [
        "        instructions: {file: prompts/agent.small.md}"
    ]


def test_own_text_file_never_replaces_one_that_is_there() -> None:
    files = {**FILES, "prompts/agent.small.md": "other"}
    changed = pulled(files, moved(live_of(files), SMALL, instructions="Sell."), SMALL)
    assert changed["prompts/agent.small-2.md"] == "Sell.\n"


def test_text_keeps_line_ends_and_lack_of_a_final_one() -> None:
    agent = AGENT.replace("        extends: base\n", "")
    for before, after in (
        ("\ufeffBe\r\nkind.\r\n", "\ufeffSell\r\nmore.\r\n"),
        ("Be\nkind.", "Sell\nmore."),
    ):
        files = {**FILES, "agent.yaml": agent, "prompts/agent.md": before}
        live = moved(live_of(files), BASE, instructions="Sell\nmore.")
        assert pulled(files, live, BASE) == {"prompts/agent.md": after}


def test_shared_text_is_not_edited() -> None:
    agent = AGENT.replace("        extends: base\n", "").replace(
        "prompts/agent.md", "../shared/agent.md"
    )
    files = {
        "ldconf.yaml": SETTINGS + "shared: ../shared\n",
        "agent.yaml": agent,
        "tools.yaml": TOOLS,
        "tools/search.json": "{}",
        "../shared/agent.md": "Be kind.\n",
    }

    class Shared(Overlay):
        def paths(self) -> list[str]:
            return [path for path in super().paths() if not path.startswith("..")]

    tree = Shared(None, files)
    found = load(tree).workspace
    assert found is not None
    live = moved(build.as_live(found), BASE, instructions="Sell.")
    changed = pull_from(tree, found, live, [build.at(BASE)])
    assert changed["agent.base.md"] == "Sell.\n"
    assert lines(files, changed, "agent.yaml") == [
        "        instructions: {file: agent.base.md} # long"
    ]


def test_schema_file_keeps_its_indentation_and_order() -> None:
    schema: Json = {"properties": {"q": {}}, "type": "object", "x": 1}
    live = moved(live_of(FILES), "tools/search", schema=schema)
    assert pulled(FILES, live, "tools/search") == {
        "tools/search.json": '{\n    "type": "object",\n    "properties": {\n        "q": {}\n'
        '    },\n    "x": 1\n}\n'
    }


def test_schema_file_with_another_user_is_not_edited() -> None:
    tools = TOOLS + "  find: {schema: {file: tools/search.json}}\n"
    files = {**FILES, "tools.yaml": tools}
    live = moved(live_of(files), "tools/search", schema={"type": "array"})
    changed = pulled(files, live, "tools/search")
    assert changed["tools/search.search.json"] == '{\n  "type": "array"\n}\n'
    assert "search: {schema: {file: tools/search.search.json}, tags" in changed["tools.yaml"]


def test_schema_in_yaml_is_edited_in_place() -> None:
    files = {**FILES, "tools.yaml": "tools:\n  search: {schema: {file: s.yaml}}\n  order: {}\n"}
    files["s.yaml"] = "type: object # always\nproperties: {}\n"
    live = moved(live_of(files), "tools/search", schema={"type": "object", "properties": {"q": {}}})
    assert pulled(files, live, "tools/search") == {
        "s.yaml": "type: object # always\nproperties:\n  q: {}\n"
    }


def test_rules_keep_comments_rest_and_flow() -> None:
    live = live_of(FILES)
    rules = live.observed[build.at(TEST)].resource.managed()["rules"]
    rules[0] = {**rules[0], "serve": "small"}
    rules[1] = {
        **rules[1],
        "serve": {"rollout": {"base": 30, "small": 70}, "bucketBy": "key", "contextKind": "user"},
    }
    live = moved(live, TEST, rules=rules)
    changed = pulled(FILES, live, TEST)
    assert resolved({**FILES, **changed}, PROD) == resolved(FILES, PROD)
    text = changed["agent.yaml"]
    assert "          # premium first\n          - description: Premium # gold\n" in text
    assert "            serve: {rollout: {small: rest, base: 30}}\n" in text
    assert text.endswith(
        "      production:\n"
        "        extends: test\n"
        "        rules:\n"
        "          - description: Premium\n"
        "            clauses:\n"
        "              - {attribute: plan, op: in, values: [gold]}\n"
        "            serve: base\n"
        "          - description: Others\n"
        "            clauses:\n"
        "              - {attribute: plan, op: in, values: [free]}\n"
        "            serve:\n"
        "              rollout: {small: rest, base: 10}\n"
        "        fallthrough: base # safe\n"
    )


def test_rule_added_by_hand_gets_a_number() -> None:
    live = live_of(FILES)
    rules = live.observed[build.at(TEST)].resource.managed()["rules"]
    added = {**rules[0], "serve": "small", "description": "x"}
    live = moved(live, TEST, rules=[*rules, added])
    observed = live.observed[build.at(TEST)]
    nameless = observed.resource.rules[2].model_copy(update={"description": ""})  # type: ignore[attr-defined]
    resource = observed.resource.model_copy(
        update={"rules": [*observed.resource.rules[:2], nameless]}  # type: ignore[attr-defined]
    )
    live = replace(live, observed={**live.observed, build.at(TEST): Observed(resource)})
    text = pulled(FILES, live, TEST)["agent.yaml"]
    assert "          - description: rule-3\n            clauses:\n" in text


def test_tools_are_pinned_only_where_they_do_not_follow() -> None:
    live = live_of(FILES)
    tools = [{"key": "order", "version": 3}, {"key": "search", "version": 1}]
    tools += [{"key": "theirs", "version": 7}]
    live = moved(live, BASE, tools=tools)
    theirs = build.observed("tools/theirs", version=9, schema={})
    live = replace(live, observed={**live.observed, build.at("tools/theirs"): theirs})
    settings = SETTINGS + "external: {tools: [theirs]}\n"
    files = {**FILES, "ldconf.yaml": settings}
    changed = pulled(files, live, BASE)
    assert lines(files, changed, "agent.yaml")[0] == (
        "        tools: [{key: order, version: 3}, search, theirs]"
    )


def test_pinned_tool_from_elsewhere_takes_the_version_in_use() -> None:
    files = {
        "ldconf.yaml": SETTINGS + "external: {tools: [t, u]}\n",
        "a.yaml": "aiConfigs:\n  a: {variations: {v: {tools: [{key: t, version: 1}, u]}}}\n",
    }
    live = build.live(
        {
            "aiConfigs/a": {},
            "aiConfigs/a/variations/v": {
                "tools": [{"key": "t", "version": 2}, {"key": "u", "version": 5}]
            },
        }
    )
    assert (
        "tools: [{key: t, version: 2}, u]"
        in (pulled(files, live, "aiConfigs/a/variations/v")["a.yaml"])
    )


def test_archived_variation_is_marked_and_its_children_stay() -> None:
    live = moved(live_of(FILES), BASE, state="archived")
    live = moved(live, TEST, rules=None, fallthrough="small")
    live = moved(live, PROD, rules=None, fallthrough="small")
    changed = pulled(FILES, live, BASE, TEST, PROD)
    assert "        tools: [order, search]\n        state: archived\n" in changed["agent.yaml"]
    assert resolved({**FILES, **changed}, SMALL) == resolved(FILES, SMALL)


def test_restored_variation_takes_all_that_is_written() -> None:
    old = "      old: {extends: base, name: Old, tools: [order], state: archived}\n"
    agent = AGENT.replace("      # the cheap one\n", old + "      # the cheap one\n")
    files = {**FILES, "agent.yaml": agent}
    live = live_of(files)
    base = live.observed[build.at(BASE)].resource.managed()
    values = {name: value for name, value in base.items() if value is not None}
    old_live = build.observed("aiConfigs/agent/variations/old", **{**values, "name": "New"})
    address = build.at("aiConfigs/agent/variations/old")
    live = replace(live, observed={**live.observed, address: old_live})
    changed = pulled(files, live, str(address))
    assert lines(files, changed, "agent.yaml") == ["      old: {extends: base, name: New}"]


OFF = AGENT.replace("      test:\n", "      test:\n        off: true # INC-1\n").replace(
    "        fallthrough: base # safe\n", "        off: false\n        fallthrough: base # safe\n"
)


def test_targeting_switched_on_by_hand_loses_off() -> None:
    files = {**FILES, "agent.yaml": OFF}
    live = moved(live_of(files), TEST, fallthrough="base")
    changed = pulled(files, live, TEST)
    text = changed["agent.yaml"]
    assert "off: true" not in text
    assert "        rules: []\n          # premium first\n        fallthrough: base\n" in text
    assert resolved({**files, **changed}, PROD) == resolved(files, PROD)


def test_members_fill_in_what_off_needs() -> None:
    agent = OFF.replace("        off: false\n", "")
    files = {**FILES, "agent.yaml": agent}
    targets: Json = [{"variation": "base", "contextKind": "user", "values": ["ann"]}]
    live = moved(live_of(files), TEST, targets=targets)
    assert pulled(files, live, TEST) == {}
    changed = pulled(files, live, TEST, with_members=True)
    text = changed["agent.yaml"]
    assert "      test:\n        targets:\n          - {variation: base, " in text
    assert "values: [ann]}\n        off: true # INC-1\n        rules:\n" in text
    assert "        extends: test\n        unmanaged: [targets]\n" in text


def test_members_asked_for_do_not_hide_that_it_was_switched_on_by_hand() -> None:
    agent = OFF.replace("        off: true # INC-1\n", "        off: true\n        targets: []\n")
    files = {**FILES, "agent.yaml": agent}
    live = moved(live_of(files), TEST, fallthrough="base")
    changed = pulled(files, live, TEST, with_members=True)
    assert "off: true" not in changed["agent.yaml"]
    assert resolved({**files, **changed}, TEST)["fallthrough"] == "base"


def test_members_only_on_request_and_never_inherited_by_others() -> None:
    targets: Json = [{"variation": "base", "contextKind": "user", "values": ["ann"]}]
    live = moved(live_of(FILES), TEST, targets=targets)
    assert pulled(FILES, live, TEST) == {}
    changed = pulled(FILES, live, TEST, with_members=True)
    assert "targets" not in resolved({**FILES, **changed}, PROD)
    assert "        unmanaged: [targets]\n" in changed["agent.yaml"]
    assert resolved({**FILES, **changed}, TEST)["targets"] == targets


def test_managed_targets_are_pulled_in_place() -> None:
    agent = AGENT.replace(
        "      test:\n",
        "      test:\n        targets:\n"
        "          - {variation: base, values: [zoe, ann]} # ours\n"
        "          - {variation: small, values: [bob]}\n"
        "          - {variation: base, values: [tom]}\n",
    )
    files = {**FILES, "agent.yaml": agent}
    targets: Json = [
        {"variation": "base", "contextKind": "user", "values": ["ann", "eve", "tom"]},
        {"variation": "small", "contextKind": "org", "values": ["acme"]},
    ]
    changed = pulled(files, moved(live_of(files), TEST, targets=targets), TEST)
    assert (
        "          - {variation: base, values: [ann]} # ours\n"
        "          - {variation: base, values: [tom, eve]}\n"
        "          - {variation: small, contextKind: org, values: [acme]}\n"
    ) in changed["agent.yaml"]


def test_segment_members_and_rules() -> None:
    segments = (
        "segments:\n  vip:\n    test:\n      name: VIP\n      included: [zoe]\n      rules:\n"
        "        - clauses:\n            - {attribute: a, op: in, values: [x], negate: false}\n"
        "    production:\n      extends: test\n"
    )
    files = {**FILES, "segments.yaml": segments}
    rules: Json = [
        {"clauses": [{"attribute": "a", "op": "in", "values": ["x", "y"]}]},
        {"description": "R", "clauses": [{"attribute": "b", "op": "in", "values": [1]}]},
    ]
    live = moved(live_of(files), "segments/vip/test", included=["ann", "zoe"], rules=rules)
    changed = pulled(files, live, "segments/vip/test")["segments.yaml"]
    assert "      included: [zoe, ann]\n" in changed
    assert "- {attribute: b, op: in, values: [1]}\n" in changed
    assert changed.endswith(
        "    production:\n      extends: test\n      included: [zoe]\n      rules:\n"
        "        - clauses:\n            - {attribute: a, op: in, values: [x], negate: false}\n"
    )


def test_messages_keep_their_files_where_they_move() -> None:
    chat = (
        "aiConfigs:\n  chat:\n    variations:\n      v:\n        messages:\n"
        "          - {role: system, content: {file: p/a.md}} # A\n"
        "          - {role: user, content: {file: p/b.md}} # B\n"
    )
    files = {"ldconf.yaml": SETTINGS, "chat.yaml": chat, "p/a.md": "A\n", "p/b.md": "B\n"}
    messages: Json = [
        {"role": "developer", "content": "New"},
        {"role": "system", "content": "A"},
        {"role": "user", "content": "C"},
    ]
    live = moved(live_of(files), "aiConfigs/chat/variations/v", messages=messages)
    changed = pulled(files, live, "aiConfigs/chat/variations/v")
    assert resolved({**files, **changed}, "aiConfigs/chat/variations/v")["messages"] == messages
    messages = [{"role": "system", "content": "A2"}, {"role": "user", "content": "B"}]
    live = moved(live_of(files), "aiConfigs/chat/variations/v", messages=messages)
    assert pulled(files, live, "aiConfigs/chat/variations/v") == {"p/a.md": "A2\n"}


def test_anchors_of_others_are_not_edited() -> None:
    text = (
        "aiConfigs:\n  a:\n    variations:\n"
        "      v: &v {name: V, model: {parameters: {t: 1}}}\n"
        "      w: {<<: *v, name: W}\n"
    )
    files = {"ldconf.yaml": SETTINGS, "a.yaml": text}
    live = moved(live_of(files), "aiConfigs/a/variations/v", model={"parameters": {"t": 2}})
    changed = pulled(files, live, "aiConfigs/a/variations/v")
    assert changed["a.yaml"] == (
        "aiConfigs:\n  a:\n    variations:\n"
        "      v: {name: V, model: {parameters: {t: 2}}}\n"
        "      w: {<<: &v {name: V, model: {parameters: {t: 1}}}, name: W}\n"
    )


def test_judges_and_output_format_and_metric_groups() -> None:
    files = {
        "ldconf.yaml": SETTINGS,
        "a.yaml": (
            "aiConfigs:\n  j: {mode: judge}\n  k: {mode: judge}\n  a:\n    variations:\n      v:\n"
            "        judgeConfiguration:\n          judges:\n"
            "            - {judgeConfigKey: k, samplingRate: 0.50} # k\n"
            "            - {judgeConfigKey: j, samplingRate: 1}\n"
            "        outputFormat: {type: object, title: T}\n"
            "      w: {extends: v, outputFormat: {title: W}}\n"
            "metricGroups:\n  g: {kind: standard, metrics: [{key: m}, n]}\n"
            "metrics:\n"
            "  m: {kind: custom, eventKey: e, isNumeric: false}\n"
            "  n: {kind: custom, eventKey: e, isNumeric: false}\n"
        ),
    }
    live = live_of(files)
    judges: Json = {"judges": [{"judgeConfigKey": "j", "samplingRate": 0.25}]}
    judges["judges"].append({"judgeConfigKey": "k", "samplingRate": 0.5})
    live = moved(
        live, "aiConfigs/a/variations/v", judgeConfiguration=judges, outputFormat={"title": "V"}
    )
    live = moved(live, "metricGroups/g", metrics=["n", "m"])
    changed = pulled(files, live, "aiConfigs/a/variations/v", "metricGroups/g")["a.yaml"]
    assert "            - {judgeConfigKey: k, samplingRate: 0.50} # k\n" in changed
    assert "            - {judgeConfigKey: j, samplingRate: 0.25}\n" in changed
    assert "        outputFormat: {title: V}\n" in changed
    assert "outputFormat: {title: W, type: object}" in changed
    assert '  g: {kind: standard, metrics: ["n", {key: m}]}\n' in changed
    assert resolved({**files, "a.yaml": changed}, "aiConfigs/a/variations/w") == (
        resolved(files, "aiConfigs/a/variations/w")
    )


def test_model_key_and_its_version_and_name_move_together() -> None:
    text = (
        "modelConfigs:\n  Custom.m: {id: m}\n  Custom.n: {id: n}\naiConfigs:\n  a:\n"
        "    variations:\n      v: {modelConfigKey: Custom.m, modelConfigVersion: 1}\n"
        "      w: {extends: v}\n      x: {extends: v, modelConfigKey: Custom.n}\n"
    )
    files = {"ldconf.yaml": SETTINGS, "a.yaml": text}
    live = moved(live_of(files), "aiConfigs/a/variations/w", modelConfigKey="Custom.n")
    live = moved(live, "aiConfigs/a/variations/x", modelConfigKey="Custom.m")
    changed = pulled(files, live, "aiConfigs/a/variations/w", "aiConfigs/a/variations/x")
    assert lines(files, changed, "a.yaml") == [
        "      w: {extends: v, modelConfigKey: Custom.n, modelConfigVersion: 1}",
        "      x: {extends: v, modelConfigKey: Custom.m}",
    ]


def test_omitted_texts_are_left_alone() -> None:
    live = moved(live_of(FILES), BASE, instructions=None)
    observed = replace(live.observed[build.at(BASE)], omitted=frozenset({"instructions"}))
    live = replace(live, observed={**live.observed, build.at(BASE): observed})
    assert pulled(FILES, live, BASE) == {}


def test_only_the_named_fields_are_pulled() -> None:
    live = moved(live_of(FILES), TEST, fallthrough="base", rules=None)
    workspace = loaded(FILES)
    fields = {build.at(TEST): frozenset({"fallthrough"})}
    changed = pull_from(Overlay(None, FILES), workspace, live, [build.at(TEST)], fields=fields)
    assert "description: Premium # gold" in changed["agent.yaml"]
    assert "        fallthrough: base\n      production:\n" in changed["agent.yaml"]


def test_live_value_that_the_files_cannot_hold_changes_nothing() -> None:
    live = moved(live_of(FILES), TEST, fallthrough="unknown")
    with pytest.raises(LdconfError, match="nothing was written, for the files would not load"):
        pulled(FILES, live, TEST)


def test_reference_to_an_object_that_no_file_lists_says_how_to_get_it() -> None:
    live = moved(live_of(FILES), BASE, tools=[{"key": "new", "version": 1}])
    with pytest.raises(LdconfError, match="tool `new` is not defined") as caught:
        pulled(FILES, live, BASE)
    assert "ldconf import --only tools/new" in (caught.value.hint or "")


def test_live_rules_that_a_file_cannot_say_are_an_error() -> None:
    live = live_of(FILES)
    observed = live.observed[build.at(TEST)]
    first = observed.resource.rules[0]  # type: ignore[attr-defined]
    clause = first.clauses[0].model_copy(update={"op": "sounds-like"})
    rule = first.model_copy(update={"clauses": [clause]})
    resource = observed.resource.model_copy(update={"rules": [rule]})
    live = replace(live, observed={**live.observed, build.at(TEST): Observed(resource)})
    with pytest.raises(LdconfError, match=f"a file cannot say the live rules of {TEST}"):
        pulled(FILES, live, TEST)


def test_fields_that_a_new_value_needs_become_managed() -> None:
    metrics = (
        "metrics:\n  m:\n    kind: custom\n    eventKey: e # theirs\n    isNumeric: false\n"
        "    analysisType: mean\n"
    )
    files = {"ldconf.yaml": SETTINGS, "m.yaml": metrics}
    live = moved(
        live_of(files),
        "metrics/m",
        name="M",
        isNumeric=True,
        unit="ms",
        successCriteria="LowerThanBaseline",
        analysisType="percentile",
        percentileValue=95,
        tags=["x"],
    )
    assert lines(files, pulled(files, live, "metrics/m"), "m.yaml") == [
        "    isNumeric: true",
        "    unit: ms",
        "    successCriteria: LowerThanBaseline",
        "    analysisType: percentile",
        "    percentileValue: 95",
    ]


def test_schema_that_is_inherited_from_a_file() -> None:
    text = (
        "aiConfigs:\n  a:\n    variations:\n"
        "      v: {outputFormat: {file: o.json}}\n      w: {extends: v}\n"
    )
    files = {"ldconf.yaml": SETTINGS, "a.yaml": text, "o.json": '{"x": [{"a": 1}]}'}
    v, w = "aiConfigs/a/variations/v", "aiConfigs/a/variations/w"
    live = moved(live_of(files), w, outputFormat={"x": [{"a": 1}], "y": 2})
    assert "w: {extends: v, outputFormat: {y: 2}}" in pulled(files, live, w)["a.yaml"]
    live = moved(live_of(files), v, outputFormat={"x": [{"b": 1, "a": 1}]})
    changed = pulled(files, live, v)
    assert changed["o.v.json"].startswith('{\n  "x": [\n')
    assert resolved({**files, **changed}, w) == resolved(files, w)
    alone = {**files, "a.yaml": text.replace("      w: {extends: v}\n", "")}
    live = moved(live_of(alone), v, outputFormat={"x": [{"b": 1, "a": 2}]})
    assert pulled(alone, live, v) == {"o.json": '{"x": [{"a": 2, "b": 1}]}'}


def test_files_that_changed_since_they_were_loaded_are_an_error() -> None:
    workspace = loaded(FILES)
    live = moved(live_of(FILES), SMALL, name="S")
    for text, problem in (
        (AGENT.replace("extends: base", "extends: gone"), "the files do not load"),
        (None, "agent.yaml cannot be read"),
    ):
        files = {path: one for path, one in FILES.items() if path != "agent.yaml"}
        now = {**files, "agent.yaml": text} if text else files
        with pytest.raises(LdconfError, match=problem):
            pull_from(Overlay(None, now), workspace, live, [build.at(SMALL)])
    with pytest.raises(LdconfError, match="it is not known where"):
        pull_from(Overlay(None, FILES), replace(workspace, positions={}), live, [build.at(SMALL)])


def test_value_that_a_child_cannot_override_changes_nothing() -> None:
    text = (
        "aiConfigs:\n  a:\n    variations:\n"
        "      v: {model: {parameters: {stop: null}}}\n      w: {extends: v}\n"
    )
    files = {"ldconf.yaml": SETTINGS, "a.yaml": text}
    v = "aiConfigs/a/variations/v"
    live = moved(live_of(files), v, model={"parameters": {"t": 1}})
    with pytest.raises(LdconfError, match="make `model` of aiConfigs/a/variations/w something"):
        pulled(files, live, v)


def test_object_that_is_gone_live_is_an_error() -> None:
    with pytest.raises(LdconfError, match="LaunchDarkly has no aiConfigs/agent/variations/base"):
        pulled(FILES, build.live({}), BASE)


def test_pull_reads_a_folder_and_takes_patterns(tmp_path: build.Json) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    workspace = load(Folder(tmp_path)).workspace
    assert isinstance(workspace, Workspace)
    live = moved(live_of(FILES), BASE, name="B")
    live = moved(live, SMALL, name="S")
    for wanted in ("aiConfigs/agent", "aiConfigs/*/variations"):
        changed = pull(tmp_path, workspace, live, [Address.parse(wanted)])
        assert lines(FILES, changed, "agent.yaml") == ["        name: B", "        name: S"]
    with pytest.raises(UsageError, match="the files list nothing at tools/none"):
        pull(tmp_path, workspace, live, [Address.parse("tools/none")])
