from __future__ import annotations

import gc
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldconf.core.address import Address, ai_config, segment, targeting, variation
from ldconf.core.diagnostic import Position
from ldconf.core.evaluation import TextExpectation
from ldconf.documents.load import load
from ldconf.kinds import KINDS
from tests.documents.trees import SETTINGS, Memory, problems, workspace

BOT = """\
aiConfigs:
  bot:
    name: Bot
    mode: completion
    variations:
      a: {messages: [{role: user, content: hi}]}
      b: {extends: a}
    targeting:
      test:
        rules:
        - description: Beta
          clauses: [{op: segmentMatch, values: [beta]}]
          serve: {rollout: {a: 12.5, b: rest}}
        fallthrough: a
segments:
  beta:
    test: {included: [u1]}
    production: {extends: test}
"""


def test_sections_of_all_documents_are_merged() -> None:
    found = workspace({"a.yaml": BOT, "deep/b.yml": "tools: {search: {}}\nmetrics: {m: {}}\n"})

    assert set(found.resources) == {
        ai_config("bot"),
        variation("bot", "a"),
        variation("bot", "b"),
        targeting("bot", "test"),
        segment("beta", "test"),
        segment("beta", "production"),
        Address.of("tools", "search"),
        Address.of("metrics", "m"),
    }


def test_order_of_files_does_not_matter() -> None:
    one = workspace({"a.yaml": BOT, "b.yaml": "tools: {search: {}}\n"})
    other = workspace({"z.yaml": BOT, "b.yaml": "tools: {search: {}}\n"})

    assert dict(one.resources) == dict(other.resources)


def test_order_of_variations_is_the_files() -> None:
    text = "aiConfigs: {bot: {variations: {z: {}, a: {}, m: {}}}}\n"

    found = workspace(text).resources

    assert [address.key for address in found if address.kind == "variations"] == ["z", "a", "m"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "tools:\n", "tools: {}\nremoved:\n", "{}\n"])
def test_empty_documents_and_sections_say_nothing(text: str) -> None:
    assert workspace(text).resources == {}


def test_absent_null_and_value_are_three_states() -> None:
    text = "metrics:\n  m: {description: null, tags: [x], name: N}\n"

    managed = workspace(text).resources[Address.of("metrics", "m")].managed()

    assert managed == {"description": None, "tags": ["x"], "name": "N"}


def test_listing_without_fields_manages_none() -> None:
    found = workspace("tools: {t: {}}\naiConfigs: {bot: {targeting: {}}}\n").resources

    assert found[Address.of("tools", "t")].managed() == {}
    assert found[ai_config("bot")].managed() == {}


def test_archived_variation_manages_its_state_only() -> None:
    text = """\
    aiConfigs:
      bot:
        variations:
          old: {state: archived, name: Old, instructions: x}
          new: {extends: old}
    """
    found = workspace(text).resources

    assert found[variation("bot", "old")].managed() == {"state": "archived"}
    assert found[variation("bot", "new")].managed() == {"instructions": "x", "state": "published"}


def test_off_is_compiled_and_remembered() -> None:
    text = """\
    aiConfigs:
      bot:
        variations: {a: {}}
        targeting:
          test: {off: true, targets: [{variation: a, values: [u]}], rules: [], fallthrough: a}
          production: {extends: test, off: false}
    """
    found = workspace(text)

    assert found.off == {targeting("bot", "test")}
    assert found.resources[targeting("bot", "test")].managed() == {
        "targets": None,
        "rules": None,
        "fallthrough": "disabled",
    }
    assert found.resources[targeting("bot", "production")].managed()["fallthrough"] == "a"


def test_off_is_inherited() -> None:
    text = """\
    aiConfigs:
      bot:
        variations: {a: {}}
        targeting:
          test: {off: true, targets: null, rules: null, fallthrough: a}
          production: {extends: test}
    """
    assert workspace(text).off == {targeting("bot", "test"), targeting("bot", "production")}


def test_fields_that_off_leaves_unmanaged_can_be_told() -> None:
    text = "aiConfigs: {bot: {targeting: {test: {off: true, targets: null}}}}\n"

    found = workspace(text)

    written = [
        name
        for name in ("targets", "rules", "fallthrough")
        if (targeting("bot", "test"), (name,)) in found.positions
    ]
    assert written == ["targets"]


def test_removed_and_consents() -> None:
    text = """\
    removed: [tools/old, aiConfigs/x/variations/v, segments/beta/test]
    consents:
    - {address: tools/*, allow: [drift, protected], because: INC-1}
    - {address: "*", allow: [deletes, updates], because: INC-2}
    """
    found = workspace(text)

    assert found.removed[Address.parse("tools/old")] == Position("a.yaml", 1, 11)
    assert len(found.removed) == 3
    assert [consent.identity for consent in found.consents] == [
        ("tools/*", "drift", "INC-1"),
        ("tools/*", "protected", "INC-1"),
        ("*", "deletes", "INC-2"),
        ("*", "updates", "INC-2"),
    ]
    assert found.consents[0].position == Position("a.yaml", 3, 3)


def test_lists_of_all_documents_are_joined() -> None:
    found = workspace({"a.yaml": "removed: [tools/a]\n", "b.yaml": "removed: [tools/b]\n"})

    assert [str(address) for address in found.removed] == ["tools/a", "tools/b"]


def test_tests_are_read_with_their_place() -> None:
    text = """\
    aiConfigs: {bot: {variations: {v: {}}}}
    tests:
    - given: {aiConfig: bot, environment: test, context: {kind: user, key: u1, plan: pro}}
      expect: {variation: v}
    - given: {aiConfig: bot, environment: test, context: {kind: multi, user: {key: u1}}}
      expect: {variation: disabled}
    """
    found = workspace(text).tests

    assert found[0].context["plan"] == "pro"
    assert (found[0].variation, found[0].position) == ("v", Position("a.yaml", 3, 3))
    assert found[0].name == "bot in test for user u1"
    assert [test.variation for test in found] == ["v", "disabled"]


def test_tests_may_expect_model_prompt_and_tools() -> None:
    text = """\
    aiConfigs: {bot: {variations: {v: {}}}}
    tests:
    - name: All of it
      given: {aiConfig: bot, environment: test, context: {key: u1}, variables: {mood: calm}}
      expect:
        model: gpt-4o
        enabled: true
        tools: [search]
        text: {contains: calm, matches: "^Be"}
    """
    (found,) = workspace(text).tests

    assert (found.name, found.model, found.enabled) == ("All of it", "gpt-4o", True)
    assert (found.variation, found.tools) == (None, {"search"})
    assert found.text == TextExpectation(contains=("calm",), matches="^Be")
    assert found.variables == {"mood": "calm"}


def test_external_objects_may_be_referenced() -> None:
    settings = SETTINGS + (
        "external:\n  tools: [search]\n  modelConfigs: '*'\n  aiConfigs: [critic]\n"
        "  segments: {test: [beta]}\n"
    )
    text = """\
    aiConfigs:
      bot:
        variations:
          v:
            tools: [search]
            modelConfigKey: Custom.mine
            judgeConfiguration: {judges: [{judgeConfigKey: critic, samplingRate: 0.5}]}
        targeting:
          test:
            rules:
            - description: r
              clauses: [{op: segmentMatch, values: [beta]}]
              serve: disabled
    """
    found = workspace({"ldconf.yaml": settings, "a.yaml": text})
    variation = found.resources[Address.parse("aiConfigs/bot/variations/v")].managed()
    assert variation["tools"] == [{"key": "search"}]
    assert variation["modelConfigKey"] == "Custom.mine"


def test_catalogue_models_are_not_checked_offline() -> None:
    found = workspace("aiConfigs: {b: {variations: {v: {modelConfigKey: OpenAI.gpt-4o}}}}\n")
    variation = found.resources[Address.parse("aiConfigs/b/variations/v")].managed()
    assert variation["modelConfigKey"] == "OpenAI.gpt-4o"


def test_judges_and_agents_of_unmanaged_mode_are_taken_on_trust() -> None:
    found = workspace("""\
    aiConfigs:
      critic: {}
      bot:
        variations:
          v: {judgeConfiguration: {judges: [{judgeConfigKey: critic, samplingRate: 1}]}}
    agentGraphs: {g: {rootConfigKey: bot, edges: {}}}
    """)
    assert Address.parse("agentGraphs/g") in found.resources
    assert Address.parse("aiConfigs/bot/variations/v") in found.resources


def test_model_name_of_the_own_model_config_may_be_repeated() -> None:
    found = workspace("""\
    modelConfigs: {Acme.small: {id: small-1, provider: Acme}}
    aiConfigs:
      bot: {variations: {v: {modelConfigKey: Acme.small, model: {modelName: small-1}}}}
    """)
    variation = found.resources[Address.parse("aiConfigs/bot/variations/v")].managed()
    assert variation["model"] == {"modelName": "small-1"}


def test_anchors_and_merge_keys_make_ordinary_objects() -> None:
    text = """\
    tools:
      a: &base
        description: D
        tags: [x]
      b:
        <<: *base
        tags: [y]
      c: *base
    """
    found = workspace(text)

    assert found.resources[Address.parse("tools/b")].managed() == {
        "description": "D",
        "tags": ["y"],
    }
    assert found.position(Address.parse("tools/b"), "description") == Position("a.yaml", 3, 18)
    assert found.resources[Address.parse("tools/c")] == found.resources[Address.parse("tools/a")]


def test_sources_hold_every_document() -> None:
    found = workspace({"a.yaml": "tools: {}\n", "b.yaml": "metrics: {}\n"})

    assert found.sources == {
        "ldconf.yaml": SETTINGS,
        "a.yaml": "tools: {}\n",
        "b.yaml": "metrics: {}\n",
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_example_of_each_kind_has_no_problem_of_its_own(kind: object) -> None:
    found = load(Memory({"a.yaml": kind.example}))  # type: ignore[attr-defined]  # a Kind

    assert {problem.rule for problem in found.diagnostics} <= {"unknown-reference"}


def test_problems_are_sorted_by_place() -> None:
    text = "tools:\n  b: {x: 1}\n  a: {description: 1}\n"

    assert [line.split(": ")[0] for line in problems({"z.yaml": text, "b.yaml": "foo: 1\n"})] == [
        "b.yaml:1:1",
        "z.yaml:2:7",
        "z.yaml:3:20",
    ]


def test_broken_settings_do_not_hide_broken_documents() -> None:
    found = problems({"ldconf.yaml": "project: 1\n", "a.yaml": "tools: {a: {x: 1}}\n"})

    assert [line.split(": ")[0] for line in found] == [
        "a.yaml:1:13",
        "ldconf.yaml:1:1",
        "ldconf.yaml:1:10",
    ]


def test_any_error_means_no_workspace() -> None:
    assert load(Memory({"a.yaml": "foo: 1\n"})).workspace is None


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_left_as_found(enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        load(Memory({"a.yaml": "foo: ["}))
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


@given(st.randoms(use_true_random=False))
def test_splitting_a_workspace_into_files_changes_nothing(rng: random.Random) -> None:
    entries = [
        f"{section}:\n  k{n}: {{tags: [t{n}]}}\n"
        for n in range(3)
        for section in ("tools", "metrics", "modelConfigs")
    ]
    entries = [entry.replace("modelConfigs:\n  k", "modelConfigs:\n  A.k") for entry in entries]
    whole = workspace({f"{n}.yaml": entry for n, entry in enumerate(entries)})
    rng.shuffle(entries)
    again = workspace({f"{rng.random()}/{n}.yaml": entry for n, entry in enumerate(entries)})

    assert dict(whole.resources) == dict(again.resources)
