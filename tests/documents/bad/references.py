"""Names that lead nowhere, or to something that does not fit."""

# ruff: noqa: E501 - a message on one line can be searched for

from __future__ import annotations

from tests.documents.bad.case import SETTINGS, Case, case

RULE = "rules: [{description: r, clauses: [{attribute: '', op: segmentMatch, values: [%s]}], serve: a}]"


def served(name: str, field: str, *problems: str, variations: str = "{a: {}, b: {}}") -> Case:
    text = f"aiConfigs:\n  bot:\n    variations: {variations}\n    targeting:\n      test:\n        {field}\n"
    return case(name, text, *problems)


CASES: tuple[Case, ...] = (
    case(
        "tool",
        "tools: {search: {}}\naiConfigs:\n  bot:\n    variations:\n      v: {tools: [serch]}\n",
        "a.yaml:5:19: tool `serch` is not defined",
    ),
    case(
        "tool-pinned",
        "aiConfigs:\n  bot:\n    variations:\n      v:\n        tools:\n        - {key: nothing, version: 2}\n",
        "a.yaml:6:17: tool `nothing` is not defined",
    ),
    case(
        "own-model-config",
        "modelConfigs: {Acme.small: {}}\naiConfigs:\n  bot:\n    variations:\n      v: {modelConfigKey: Acme.smal}\n",
        "a.yaml:5:27: model config `Acme.smal` is not defined",
    ),
    case(
        "custom-model-config",
        "aiConfigs:\n  bot:\n    variations:\n      v: {modelConfigKey: Custom.small}\n",
        "a.yaml:4:27: model config `Custom.small` is not defined",
    ),
    case(
        "model-config-without-provider",
        "aiConfigs:\n  bot:\n    variations:\n      v: {modelConfigKey: gpt-4o}\n",
        "a.yaml:4:27: model config `gpt-4o` is not defined",
    ),
    case(
        "contradicting-model-name",
        "modelConfigs:\n  Acme.small: {id: small-1}\naiConfigs:\n  bot:\n    variations:\n      v:\n        modelConfigKey: Acme.small\n        model: {modelName: small-2}\n",
        "a.yaml:8:28: `model.modelName` contradicts Acme.small, whose `id` is small-1",
    ),
    case(
        "judge",
        "aiConfigs:\n  bot:\n    variations:\n      v:\n        judgeConfiguration:\n          judges:\n          - {judgeConfigKey: critic, samplingRate: 1}\n",
        "a.yaml:7:30: AI Config `critic` is not defined",
    ),
    case(
        "judge-mode",
        "aiConfigs:\n  critic: {mode: completion}\n  bot:\n    variations:\n      v:\n        judgeConfiguration:\n          judges:\n          - {judgeConfigKey: critic, samplingRate: 1}\n",
        "a.yaml:8:30: AI Config `critic` has `mode: completion`, not a judge",
    ),
    case(
        "graph-node",
        "aiConfigs: {a: {mode: agent}}\nagentGraphs:\n  g:\n    rootConfigKey: a\n    edges:\n      e: {sourceConfig: a, targetConfig: b}\n",
        "a.yaml:6:42: AI Config `b` is not defined",
    ),
    case(
        "graph-mode",
        "aiConfigs: {a: {mode: judge}}\nagentGraphs:\n  g:\n    rootConfigKey: a\n    edges: {}\n",
        "a.yaml:4:20: AI Config `a` has `mode: judge`, not an agent",
    ),
    case(
        "group-metric",
        "metrics: {clicks: {}}\nmetricGroups:\n  g: {metrics: [{key: click}]}\n",
        "a.yaml:3:23: metric `click` is not defined",
    ),
    served("fallthrough", "fallthrough: c", "a.yaml:6:22: variation `c` is not defined"),
    served(
        "rollout-arm",
        "fallthrough: {rollout: {a: 50, bb: rest}}",
        "a.yaml:6:44: variation `bb` is not defined",
    ),
    served(
        "rule-serve",
        "rules: [{description: r, clauses: [{attribute: x, op: in, values: [y]}], serve: A}]",
        "a.yaml:6:89: variation `A` is not defined",
    ),
    served(
        "target",
        "targets: [{variation: x, values: [u]}]",
        "a.yaml:6:31: variation `x` is not defined",
    ),
    served(
        "disabled-is-fine-the-other-not",
        "fallthrough: {rollout: {disabled: 50, gone: 50}}",
        "a.yaml:6:53: variation `gone` is not defined",
    ),
    served(
        "archived",
        "fallthrough: a",
        "a.yaml:6:22: variation `a` is archived",
        variations="{a: {state: archived}, b: {}}",
    ),
    served(
        "archived-in-rollout",
        "fallthrough: {rollout: {a: 1, b: rest}}",
        "a.yaml:6:36: variation `a` is archived",
        variations="{a: {state: archived}, b: {}}",
    ),
    served(
        "segment", RULE % "beta", "a.yaml:6:87: segment `beta` is not defined in environment `test`"
    ),
    case(
        "segment-of-other-environment",
        "segments:\n  beta: {production: {}}\naiConfigs:\n  bot:\n    variations: {a: {}}\n    targeting:\n      test:\n        "
        + RULE % "beta"
        + "\n",
        "a.yaml:8:87: segment `beta` is not defined in environment `test`",
    ),
    case(
        "segment-in-segment",
        "segments:\n  s:\n    test:\n      rules:\n      - {clauses: [{op: segmentMatch, values: [t]}]}\n",
        "a.yaml:5:48: segment `t` is not defined in environment `test`",
    ),
    case(
        "inherited-reference",
        "aiConfigs:\n  bot:\n    variations: {a: {}}\n    targeting:\n      test: {fallthrough: zz}\n      production: {extends: test}\n",
        "a.yaml:5:27: variation `zz` is not defined",
    ),
    case(
        "off-is-still-checked",
        "aiConfigs:\n  bot:\n    variations: {a: {}}\n    targeting:\n      test:\n        off: true\n        fallthrough: zz\n",
        "a.yaml:7:22: variation `zz` is not defined",
    ),
    case(
        "removed-but-used",
        "tools: {search: {}}\nremoved: [tools/old]\naiConfigs:\n  bot:\n    variations:\n      v: {tools: [old]}\n",
        "a.yaml:6:19: tool `old` is in `removed` and still used here",
    ),
    case(
        "listed-and-removed",
        "tools:\n  search: {}\nremoved:\n- tools/search\n",
        "a.yaml:2:3: tools/search is listed here and in `removed` at a.yaml:4:3",
    ),
    case(
        "listed-and-external",
        {
            "ldconf.yaml": SETTINGS + "external: {tools: [search]}\n",
            "a.yaml": "tools:\n  search: {}\n",
        },
        "a.yaml:2:3: tools/search is listed here and `external` in ldconf.yaml",
    ),
    case(
        "segment-listed-and-external",
        {
            "ldconf.yaml": SETTINGS + "external: {segments: {test: [beta]}}\n",
            "a.yaml": "segments:\n  beta: {test: {}, production: {}}\n",
        },
        "a.yaml:2:10: segments/beta/test is listed here and `external` in ldconf.yaml",
    ),
    case(
        "removed-and-external",
        {
            "ldconf.yaml": SETTINGS + "external: {tools: [search]}\n",
            "a.yaml": "removed:\n- tools/search\n",
        },
        "a.yaml:2:3: tools/search is in `removed` and `external` in ldconf.yaml",
    ),
    case(
        "reserved-variation",
        "aiConfigs:\n  bot:\n    variations:\n      disabled: {}\n",
        "a.yaml:4:7: 'disabled' is a reserved variation key",
        schema=True,
    ),
    case(
        "target-did-not-load",
        "tools: {search: {tagz: []}}\naiConfigs:\n  bot:\n    variations:\n      v: {tools: [search]}\n",
        "a.yaml:1:18: unknown key `tagz`",
        schema=True,
    ),
    case(
        "target-in-a-broken-file",
        {
            "a.yaml": "tools:\n  search:\n    description: 'x\n",
            "b.yaml": "aiConfigs:\n  bot:\n    variations:\n      v: {tools: [search]}\n",
        },
        "a.yaml:3:18: not YAML: found unexpected end of stream",
    ),
    case(
        "document-as-a-text",
        {
            "a.yaml": "tools:\n  t:\n    description: {file: b.yaml}\n    extra: 1\n",
            "b.yaml": "tools: {t2: {extra: 2}}\n",
        },
        "a.yaml:4:5: unknown key `extra`",
        "b.yaml:1:14: unknown key `extra`",
        schema=True,
    ),
)
