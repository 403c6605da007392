from __future__ import annotations

from dataclasses import replace

import pytest

from ldconf.core.address import Address
from ldconf.core.errors import DocumentError, LdconfError
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed
from ldconf.documents.dump import Dumped, DumpOptions, dump
from ldconf.kinds.targeting import Targeting
from ldconf.planning.planner import plan
from tests import build
from tests.properties.worlds import Texts, loaded

SETTINGS = "project: shop\nenvironments: [test]\n"
AGENT: dict[str, Json] = {"name": "Agent", "mode": "agent"}
BASE: dict[str, Json] = {"name": "Base", "modelConfigKey": "OpenAI.gpt-4o"}
RULE: dict[str, Json] = {
    "clauses": [{"attribute": "plan", "op": "in", "values": ["gold"]}],
    "serve": "base",
}


def noted(dumped: Dumped) -> list[str]:
    return [one.summary for one in dumped.diagnostics]


def changed(live: Live, address: str, **parts: Json) -> Live:
    """Return the live state with other facts beside one object."""
    at = Address.parse(address)
    return replace(live, observed={**live.observed, at: replace(live.observed[at], **parts)})


def unsupported(live: Live, address: str, words: str) -> Live:
    meta = {**live.observed[Address.parse(address)].meta, "unsupported": words}
    return changed(live, address, meta=meta)


def agent(**more: dict[str, Json] | Observed) -> Live:
    return build.live({"aiConfigs/agent": AGENT, "aiConfigs/agent/variations/base": BASE, **more})


def nameless(*rules: dict[str, Json]) -> Observed:
    parsed = [Targeting.model_validate({"rules": [{"description": "x", **r}]}) for r in rules]
    built = [
        one.rules[0].model_copy(update={"description": rule.get("description", "")})
        for one, rule in zip(parsed, rules, strict=True)
        if one.rules
    ]
    return Observed(
        Targeting.model_construct(targets=None, rules=built, fallthrough="base"), meta={"raw": {}}
    )


def test_long_texts_and_schemas_get_their_own_files() -> None:
    live = agent(
        **{
            "aiConfigs/agent/variations/base": {**BASE, "instructions": "One\ntwo"},
            "aiConfigs/chat": {"mode": "completion"},
            "aiConfigs/chat/variations/v": {
                "messages": [
                    {"role": "system", "content": "Be kind.\nBe brief.\n"},
                    {"role": "user", "content": "Hi {{name}}"},
                ],
                "outputFormat": {"type": "object"},
            },
            "tools/find": {"schema": {"type": "object", "properties": {}}},
        }
    )
    files = dump(live, DumpOptions(environments=("test",))).files
    assert files["prompts/agent.base.md"] == "One\ntwo\n"
    assert files["prompts/chat.v.1.md"] == "Be kind.\nBe brief.\n"
    assert files["schemas/chat.v.json"] == '{\n  "type": "object"\n}\n'
    assert files["tools/find.json"].startswith('{\n  "type": "object",\n')
    assert files["ai-configs/chat.yaml"] == (
        "aiConfigs:\n"
        "  chat:\n"
        "    mode: completion\n"
        "    variations:\n"
        "      v:\n"
        "        messages:\n"
        "          - role: system\n"
        "            content: {file: ../prompts/chat.v.1.md}\n"
        "          - role: user\n"
        "            content: Hi {{name}}\n"
        "        outputFormat: {file: ../schemas/chat.v.json}\n"
        "    targeting:\n"
        "      test:\n"
        "        fallthrough: disabled\n"
    )
    assert plan(loaded(files), live, None).is_empty


@pytest.mark.parametrize(
    "text",
    [
        *("  lead\n", "tail  \n\n", "a\tb\r\nc", "no", "1.0", "null", "# x", "a: b", "\ufeffx\ny"),
        *("é\n\n", "\x85\u2028\nx", "{{x}}", "x" * 200, "a\n  \n", "\n", " "),
    ],
)
def test_texts_survive(text: str) -> None:
    chat = {"messages": [{"role": "user", "content": text}], "model": {"custom": {"text": text}}}
    live = build.live(
        {"aiConfigs/chat": {"mode": "completion"}, "aiConfigs/chat/variations/v": chat}
    )
    dumped = dump(live, DumpOptions())
    assert dumped.diagnostics == ()
    assert plan(loaded(dumped.files), live, None).is_empty
    found = loaded(dumped.files).resources[Address.parse("aiConfigs/chat/variations/v")].managed()
    assert found["model"] == {"custom": {"text": text}}


def test_text_that_is_no_unicode_is_left_out_with_a_remark() -> None:
    live = agent(**{"aiConfigs/agent/variations/base": {**BASE, "instructions": "\ud800\nx"}})
    dumped = dump(live, DumpOptions(environments=("test",)))
    assert noted(dumped) == [
        "aiConfigs/agent/variations/base is imported in part: "
        "`instructions`: half of a surrogate pair"
    ]
    assert dumped.files["ai-configs/agent.yaml"].startswith(
        "# A file cannot say this:\n"
        "#   aiConfigs/agent/variations/base: `instructions`: half of a surrogate pair\n"
        "aiConfigs:\n"
    )


def test_individual_targets_and_segment_members_only_on_request() -> None:
    live = agent(
        **{
            "aiConfigs/agent/targeting/test": {
                "targets": [{"variation": "base", "values": ["ann-1"]}],
                "fallthrough": "base",
            },
            "segments/vip/test": {"name": "VIP", "included": ["bob-1"], "excluded": ["zoe-1"]},
        }
    )
    without = "".join(dump(live, DumpOptions()).files.values())
    assert not any(name in without for name in ("ann-1", "bob-1", "zoe-1", "targets", "included"))
    with_members = "".join(dump(live, DumpOptions(with_members=True)).files.values())
    assert all(name in with_members for name in ("ann-1", "bob-1", "zoe-1"))


def test_nameless_and_repeated_rules_get_numbers_and_the_plan_stays_empty() -> None:
    gold = {"attribute": "plan", "op": "in", "values": ["gold"]}
    live = agent(
        **{
            "aiConfigs/agent/targeting/test": nameless(
                {**RULE, "description": "Same"},
                {"clauses": [{**gold, "values": ["silver"]}], "serve": "base"},
                {"clauses": [{**gold, "values": ["x"]}], "serve": "base", "description": "Same"},
            )
        }
    )
    dumped = dump(live, DumpOptions())
    text = dumped.files["ai-configs/agent.yaml"]
    assert [line.split(": ")[1] for line in text.splitlines() if "description:" in line] == [
        "Same",
        "rule-2",
        "rule-3",
    ]
    assert plan(loaded(dumped.files), live, None).is_empty


def test_archived_variation_is_written_as_archived() -> None:
    live = agent(**{"aiConfigs/agent/variations/old": {**BASE, "state": "archived"}})
    dumped = dump(live, DumpOptions(environments=("test",)))
    assert "      old:\n        state: archived\n" in dumped.files["ai-configs/agent.yaml"]
    assert plan(loaded(dumped.files), live, None).is_empty


def test_omitted_text_stays_unmanaged() -> None:
    live = changed(agent(), "aiConfigs/agent/variations/base", omitted=frozenset({"instructions"}))
    assert noted(dump(live, DumpOptions())) == [
        "aiConfigs/agent/variations/base is imported in part: "
        "LaunchDarkly did not return instructions: not managed here"
    ]


def test_part_that_files_cannot_say_is_remarked() -> None:
    live = unsupported(agent(), "aiConfigs/agent/variations/base", "agent skills")
    dumped = dump(live, DumpOptions())
    assert noted(dumped) == ["aiConfigs/agent/variations/base is imported in part: agent skills"]
    assert (
        "#   aiConfigs/agent/variations/base: agent skills\n"
        in (dumped.files["ai-configs/agent.yaml"])
    )


def test_object_that_files_cannot_say_is_left_out_and_external_where_it_is_used() -> None:
    metric: dict[str, Json] = {"kind": "custom", "eventKey": "e", "isNumeric": False}
    live = build.live(
        {
            "metrics/click": metric,
            "metrics/good": metric,
            "metricGroups/g": {"kind": "standard", "metrics": ["click", "good"]},
        }
    )
    dumped = dump(unsupported(live, "metrics/click", "click metric"), DumpOptions())
    assert noted(dumped) == ["metrics/click is not imported: click metric"]
    assert dumped.files["metrics.yaml"].startswith(
        "# A file cannot say this:\n#   metrics/click: click metric\nmetrics:\n  good:\n"
    )
    assert "external:\n  metrics: [click]\n" in dumped.files["ldconf.yaml"]
    assert plan(loaded(dumped.files), live, None).is_empty


def test_catalogue_model_of_an_own_provider_becomes_external() -> None:
    live = agent(**{"modelConfigs/OpenAI.tuned": {"id": "tuned", "name": "Tuned"}})
    files = dump(live, DumpOptions()).files
    assert "external:\n  modelConfigs: [OpenAI.gpt-4o]\n" in files["ldconf.yaml"]
    assert plan(loaded(files), live, None).is_empty


def test_versions_that_follow_by_themselves_are_left_out_and_older_ones_kept() -> None:
    tools: Json = [{"key": "new", "version": 2}, {"key": "old", "version": 1}]
    base = {**BASE, "modelConfigKey": "Custom.m", "modelConfigVersion": 3, "tools": tools}
    schema: dict[str, Json] = {"schema": {"type": "object"}}
    live = agent(
        **{
            "aiConfigs/agent/variations/base": {**base, "model": {"modelName": "m"}},
            "modelConfigs/Custom.m": build.observed("modelConfigs/Custom.m", version=3, id="m"),
            "tools/new": build.observed("tools/new", version=2, **schema),
            "tools/old": build.observed("tools/old", version=2, **schema),
        }
    )
    files = dump(live, DumpOptions()).files
    assert (
        "tools:\n          - new\n          - {key: old, version: 1}\n"
        in (files["ai-configs/agent.yaml"])
    )
    assert "modelConfigVersion" not in files["ai-configs/agent.yaml"]
    assert plan(loaded(files), live, None).is_empty
    only = dump(live, DumpOptions(only=("aiConfigs",))).files
    assert "tools: [new, old]" in only["ai-configs/agent.yaml"]
    assert "external:\n  modelConfigs: [Custom.m]\n  tools: [new, old]\n" in only["ldconf.yaml"]
    assert plan(loaded(only), live, None).is_empty


@pytest.mark.parametrize(
    ("key", "name", "expected"),
    [
        ("OpenAI.gpt-4o", "gpt-4o", None),
        ("OpenAI.gone", "other", {"modelName": "other"}),
        (None, "some-model", {"modelName": "some-model"}),
    ],
)
def test_model_name_is_written_only_if_it_does_not_follow(
    key: str | None, name: str, expected: Json
) -> None:
    base = {"name": "B", "model": {"modelName": name}, **({"modelConfigKey": key} if key else {})}
    live = agent(**{"aiConfigs/agent/variations/base": base})
    files = dump(live, DumpOptions()).files
    found = loaded(files).resources[Address.parse("aiConfigs/agent/variations/base")].managed()
    assert found.get("model") == expected
    assert plan(loaded(files), live, None).is_empty


def test_model_that_contradicts_its_model_config_stays_unmanaged() -> None:
    live = agent(
        **{
            "modelConfigs/Custom.m": {"id": "m"},
            "aiConfigs/agent/variations/base": {
                "modelConfigKey": "Custom.m",
                "model": {"modelName": "other", "parameters": {"t": 1}},
            },
        }
    )
    dumped = dump(live, DumpOptions())
    assert noted(dumped) == [
        "aiConfigs/agent/variations/base is imported in part: "
        "`model`: its model is other, that of Custom.m is m"
    ]
    assert plan(loaded(dumped.files), live, None).is_empty


def test_dangling_and_unfitting_references_are_left_out() -> None:
    live = agent(
        **{
            "aiConfigs/chat": {"mode": "completion"},
            "aiConfigs/agent/variations/old": {**BASE, "state": "archived"},
            "aiConfigs/agent/variations/base": {
                **BASE,
                "tools": ["gone"],
                "messages": [{"role": "user", "content": "x"}],
                "judgeConfiguration": {"judges": [{"judgeConfigKey": "chat", "samplingRate": 1}]},
            },
            "aiConfigs/agent/targeting/test": {"rules": [{**RULE, "description": "R"}]}
            | {"fallthrough": "old"},
            "agentGraphs/g": {"rootConfigKey": "chat", "edges": {}},
        }
    )
    assert noted(dump(live, DumpOptions(environments=("test",)))) == [
        "agentGraphs/g is not imported: aiConfigs/chat has mode completion, not an agent",
        "aiConfigs/agent/variations/base is imported in part: "
        "`tools`: names tools/gone, which does not exist",
        "aiConfigs/agent/variations/base is imported in part: "
        "`judgeConfiguration`: aiConfigs/chat has mode completion, not a judge",
        "aiConfigs/agent/variations/base is imported in part: "
        "`messages`: an agent takes `instructions`, not `messages`",
        "aiConfigs/agent/targeting/test is imported in part: "
        "`fallthrough`: serves old, which is archived",
    ]


def test_what_the_loader_refuses_is_an_error_that_says_so() -> None:
    live = build.live({"aiConfigs/bad key": AGENT, "aiConfigs/bad key/variations/v": BASE})
    with pytest.raises(DocumentError) as caught:
        dump(live, DumpOptions())
    assert "cannot be a key" in caught.value.diagnostics[0].summary


def test_object_that_the_loader_refuses_is_left_out() -> None:
    live = agent(
        **{
            "modelConfigs/nodot": {"id": "nodot"},
            "aiConfigs/agent/variations/base": {"name": "B", "modelConfigKey": "nodot"},
        }
    )
    dumped = dump(live, DumpOptions(environments=("test",)))
    assert noted(dumped) == [
        "modelConfigs/nodot is not imported: the key of a model config has the form "
        "Provider.model-id, not 'nodot'"
    ]
    assert "modelConfigs: [nodot]" in dumped.files["ldconf.yaml"]
    assert plan(loaded(dumped.files), live, None).is_empty


def test_settings_of_another_kind_of_reference_are_not_needed_twice() -> None:
    here = {"ldconf.yaml": SETTINGS + "external: {segments: {test: [vip]}}\n"}
    clauses: Json = [{"op": "segmentMatch", "values": ["vip", "new"]}]
    rule: Json = {"description": "R", "clauses": clauses, "serve": "base"}
    live = agent(
        **{
            "aiConfigs/agent/targeting/test": {"rules": [rule]},
            "segments/vip/test": {"name": "V"},
            "segments/new/test": {"name": "N"},
        }
    )
    only = DumpOptions(only=("aiConfigs",))
    settings = dump(live, only, Texts(here)).files["ldconf.yaml"]
    assert settings == SETTINGS + "external: {segments: {test: [vip, new]}}\n"
    every = {"ldconf.yaml": SETTINGS + "external: {segments: {test: '*'}}\n"}
    assert "ldconf.yaml" not in dump(live, only, Texts(every)).files


def test_only_brings_what_its_targeting_serves_and_external_entries() -> None:
    live = agent(
        **{
            "aiConfigs/agent/targeting/test": {
                "rules": [
                    {
                        "description": "R",
                        "clauses": [{"op": "segmentMatch", "values": ["vip"]}],
                        "serve": "base",
                    }
                ]
            },
            "segments/vip/test": {"name": "VIP"},
            "tools/t": {"schema": {}},
        }
    )
    files = dump(live, DumpOptions(only=("aiConfigs/agent/targeting/test",))).files
    assert set(files) == {"ldconf.yaml", "ai-configs/agent.yaml"}
    assert "  segments: {test: [vip]}\n" in files["ldconf.yaml"]
    assert "variations:\n      base:\n        name: Base\n" in files["ai-configs/agent.yaml"]
    assert plan(loaded(files), live, None).is_empty


def test_nothing_that_matches_is_an_error() -> None:
    with pytest.raises(LdconfError, match="nothing to import matches tools/x"):
        dump(agent(), DumpOptions(only=("tools/x",)))


def test_host_is_written_if_it_is_another_one() -> None:
    settings = dump(agent(), DumpOptions(host="https://app.eu.launchdarkly.com")).files[
        "ldconf.yaml"
    ]
    assert "host: https://app.eu.launchdarkly.com\n" in settings


def test_keys_that_differ_only_in_case_get_different_files() -> None:
    live = build.live(
        {
            "aiConfigs/Agent": AGENT,
            "aiConfigs/agent": AGENT,
            "tools/T": {"schema": {"type": "object"}},
            "tools/t": {"schema": {"type": "array"}},
        }
    )
    files = dump(live, DumpOptions()).files
    assert {
        "ai-configs/Agent.yaml",
        "ai-configs/agent-2.yaml",
        "tools/T.json",
        "tools/t-2.json",
    } <= (set(files))
    assert plan(loaded(files), live, None).is_empty


HERE = {
    "ldconf.yaml": SETTINGS + "external:\n  tools: [t] # theirs\n  segments: [vip]\n",
    "team/agent.yaml": "aiConfigs:\n  agent: # ours\n    variations:\n      base: {}\n",
    "tools.yaml": "# ours\ntools:\n  mine: {schema: {}}\n",
}


def test_existing_documents_get_what_is_new_and_keep_the_rest() -> None:
    live = agent(
        **{
            "aiConfigs/agent/variations/small": {**BASE, "tools": ["t", "u"]},
            "tools/mine": {"schema": {"x": 1}},
            "tools/t": {"schema": {}},
            "tools/u": {"schema": {"type": "object"}},
        }
    )
    only = ("aiConfigs/agent/variations", "tools/t", "tools/u")
    files = dump(live, DumpOptions(only=only), Texts(HERE)).files
    assert files == {
        "ldconf.yaml": SETTINGS + "external:\n  segments: [vip]\n",
        "tools.yaml": "# ours\ntools:\n  mine: {schema: {}}\n  t:\n    schema: {}\n  u:\n"
        "    schema: {file: tools/u.json}\n",
        "tools/u.json": '{\n  "type": "object"\n}\n',
        "team/agent.yaml": "aiConfigs:\n  agent: # ours\n    variations:\n      base: {}\n"
        "      small:\n        name: Base\n        modelConfigKey: OpenAI.gpt-4o\n"
        "        tools: [t, u]\n",
    }


def test_listed_and_removed_objects_are_not_imported() -> None:
    here = {**HERE, "removed.yaml": "removed: [tools/gone]\n"}
    live = build.live({"tools/mine": {"schema": {"x": 1}}, "tools/gone": {"schema": {}}})
    assert dump(live, DumpOptions(), Texts(here)).files == {}


def test_new_file_never_replaces_one_that_is_there() -> None:
    here = {"ldconf.yaml": SETTINGS, "prompts/agent.base.md": "mine", "tools/u.json": "{}"}
    live = agent(
        **{
            "aiConfigs/agent/variations/base": {**BASE, "instructions": "One\ntwo"},
            "tools/u": {"schema": {"type": "object"}},
        }
    )
    with pytest.raises(LdconfError, match=r"2 files: prompts/agent\.base\.md, tools/u\.json"):
        dump(live, DumpOptions(), Texts(here))
    here = {"ldconf.yaml": SETTINGS, "prompts/agent.base.md": "One\ntwo\n"}
    files = dump(live, DumpOptions(only=("aiConfigs",)), Texts(here)).files
    assert "prompts/agent.base.md" not in files
    assert "file: ../prompts/agent.base.md" in files["ai-configs/agent.yaml"]


def test_workspace_that_does_not_load_is_refused() -> None:
    with pytest.raises(DocumentError):
        dump(agent(), DumpOptions(), Texts({"ldconf.yaml": SETTINGS, "x.yaml": "nonsense: 1\n"}))


@pytest.mark.parametrize(
    ("external", "expected"),
    [
        ('{tools: "*"}', '{tools: "*", metrics: [m]}'),
        ("{tools: [a]}", "{tools: [a, t], metrics: [m]}"),
        ("{tools: [t], segments: {test: '*'}}", None),
    ],
)
def test_external_entries_are_added_once(external: str, expected: str | None) -> None:
    here = {"ldconf.yaml": f"{SETTINGS}external: {external}\n"}
    metric: dict[str, Json] = {"kind": "custom", "eventKey": "e", "isNumeric": False}
    live = agent(
        **{
            "aiConfigs/agent/variations/base": {**BASE, "tools": ["t"]},
            "tools/t": {"schema": {}},
            "tools/a": {"schema": {}},
            "metrics/m": metric,
            "metricGroups/g": {"kind": "standard", "metrics": ["m"]},
        }
    )
    only = ("aiConfigs", "metricGroups")
    settings = dump(live, DumpOptions(only=only), Texts(here)).files["ldconf.yaml"]
    if expected:
        assert settings == f"{SETTINGS}external: {expected}\n"
    else:
        assert "segments: {test: '*'}" in settings
