"""Objects with wrong fields and values."""

# ruff: noqa: E501 - a message on one line can be searched for

from __future__ import annotations

from tests.documents.bad.case import Case, case


def variation(
    name: str, fields: str, *problems: str, mode: str = "completion", schema: bool = False
) -> Case:
    lines = "".join(f"        {line}\n" for line in fields.splitlines())
    text = f"aiConfigs:\n  bot:\n    mode: {mode}\n    variations:\n      v:\n{lines}"
    return case(name, text, *problems, schema=schema)


def targeting(name: str, fields: str, *problems: str, schema: bool = False) -> Case:
    lines = "".join(f"        {line}\n" for line in fields.splitlines())
    text = (
        "aiConfigs:\n  bot:\n    variations: {a: {}, b: {}, c: {}}\n    targeting:\n"
        f"      test:\n{lines}"
    )
    return case(name, text, *problems, schema=schema)


CASES: tuple[Case, ...] = (
    case(
        "unknown-section", "metric:\n  a: {}\n", "a.yaml:1:1: unknown section `metric`", schema=True
    ),
    case(
        "settings-section",
        "environments: [test]\n",
        "a.yaml:1:1: unknown section `environments`",
        schema=True,
    ),
    case(
        "section-list",
        "metrics: [a, b]\n",
        "a.yaml:1:10: `metrics` must be a mapping of keys, not a list",
        schema=True,
    ),
    case(
        "section-text",
        "metrics: none\n",
        'a.yaml:1:10: `metrics` must be a mapping of keys, not "none"',
        schema=True,
    ),
    case(
        "list-section-mapping",
        "removed: {tools/x: true}\n",
        "a.yaml:1:10: `removed` must be a list, not a mapping",
        schema=True,
    ),
    case(
        "entry-null",
        "tools:\n  a:\n  b: {}\n",
        "a.yaml:2:5: `a` must be a mapping of fields, not null",
        schema=True,
    ),
    case(
        "entry-text",
        "tools:\n  a: text\n",
        'a.yaml:2:6: `a` must be a mapping of fields, not "text"',
        schema=True,
    ),
    case(
        "key-with-space",
        "tools:\n  my tool: {}\n",
        'a.yaml:2:3: "my tool" cannot be a key',
        schema=True,
    ),
    case(
        "key-with-slash",
        "modelConfigs:\n  a/b: {}\n",
        'a.yaml:2:3: "a/b" cannot be a key',
        schema=True,
    ),
    case(
        "key-with-leading-dot",
        "tools:\n  .x: {}\n",
        'a.yaml:2:3: ".x" cannot be a key',
        schema=True,
    ),
    case(
        "unknown-field",
        "tools:\n  a: {desciption: x}\n",
        "a.yaml:2:7: unknown key `desciption`",
        schema=True,
    ),
    case(
        "snake-case-field",
        "metrics:\n  a: {event_key: x}\n",
        "a.yaml:2:7: unknown key `event_key`",
        schema=True,
    ),
    case(
        "far-unknown-field", "tools:\n  a: {zzz: x}\n", "a.yaml:2:7: unknown key `zzz`", schema=True
    ),
    case(
        "number-for-text",
        "tools:\n  a: {description: 1.0}\n",
        "a.yaml:2:20: `description` must be text, not the number 1.0",
        schema=True,
    ),
    case(
        "boolean-for-text",
        "tools:\n  a: {description: True}\n",
        "a.yaml:2:20: `description` must be text, not true",
        schema=True,
    ),
    case(
        "octal-for-text",
        "tools:\n  a: {tags: [0o17, 017]}\n",
        "a.yaml:2:14: `tags[0]` must be text, not the number 15",
        schema=True,
    ),
    case(
        "list-for-text",
        "tools:\n  a:\n    description:\n    - x\n",
        "a.yaml:3:5: `description` must be text, not a list",
        schema=True,
    ),
    case(
        "text-for-list",
        "tools:\n  a: {tags: x}\n",
        'a.yaml:2:13: `tags` must be a list, not "x"',
        schema=True,
    ),
    case(
        "text-for-mapping",
        "tools:\n  a: {schema: x}\n",
        'a.yaml:2:15: `schema` must be a mapping, not "x"',
        schema=True,
    ),
    case(
        "text-for-boolean",
        'metrics:\n  a: {isNumeric: "yes", eventKey: x, kind: custom}\n',
        'a.yaml:2:18: `isNumeric` must be true or false, not "yes"',
        schema=True,
    ),
    case(
        "yes-for-boolean",
        "metrics:\n  a: {isNumeric: yes, eventKey: x}\n",
        'a.yaml:2:18: `isNumeric` must be true or false, not "yes"',
        schema=True,
    ),
    case(
        "null-for-required",
        "metrics:\n  a: {eventKey: null}\n",
        "a.yaml:2:17: `eventKey` cannot be null",
        schema=True,
    ),
    case(
        "empty-text",
        'metrics:\n  a: {eventKey: ""}\n',
        "a.yaml:2:17: `eventKey` must not be empty",
        schema=True,
    ),
    case(
        "wrong-choice",
        "metrics:\n  a: {successCriteria: LowerThanBaselin}\n",
        'a.yaml:2:24: `successCriteria` cannot be "LowerThanBaselin"',
        schema=True,
    ),
    case(
        "number-for-choice",
        "aiConfigs:\n  a: {mode: 1}\n",
        "a.yaml:2:13: `mode` must be one of completion, agent, judge, not the number 1",
        schema=True,
    ),
    case(
        "above-limit",
        "metrics:\n  a: {percentileValue: 101}\n",
        "a.yaml:2:24: `percentileValue` must be at most 100, not 101",
        schema=True,
    ),
    case(
        "float-for-integer",
        "metrics:\n  a: {percentileValue: 9.5}\n",
        "a.yaml:2:24: `percentileValue` must be a whole number, not the number 9.5",
        schema=True,
    ),
    case(
        "incomplete-metric",
        "metrics:\n  a:\n    kind: custom\n",
        "a.yaml:2:3: a custom metric needs `eventKey`",
        schema=True,
    ),
    case(
        "numeric-without-unit",
        "metrics:\n  a: {kind: custom, eventKey: x, isNumeric: true}\n",
        "a.yaml:2:3: a numeric metric needs `unit`",
        schema=True,
    ),
    case(
        "negative-price",
        "modelConfigs:\n  A.b:\n    costPerInputToken: -0.1\n",
        "a.yaml:3:24: `costPerInputToken` must be at least 0, not -0.1",
        schema=True,
    ),
    case(
        "model-config-key",
        "modelConfigs:\n  nodot: {id: x}\n",
        "a.yaml:2:3: the key of a model config has the form Provider.model-id, not 'nodot'",
        schema=True,
    ),
    case(
        "metric-group-empty",
        "metricGroups:\n  g: {metrics: []}\n",
        "a.yaml:2:16: `metrics` needs at least one entry",
        schema=True,
    ),
    case(
        "metric-group-twice",
        "metrics: {m: {}}\nmetricGroups:\n  g:\n    metrics: [m, m]\n",
        "a.yaml:4:18: `metrics`: metric 'm' is named twice",
    ),
    case(
        "metric-group-number",
        "metricGroups:\n  g: {metrics: [1]}\n",
        "a.yaml:2:17: `metrics[0]` must be a mapping, not the number 1",
        schema=True,
    ),
    case(
        "graph-root-without-edges",
        "agentGraphs:\n  g: {rootConfigKey: x}\n",
        "a.yaml:2:22: `rootConfigKey` and `edges` are given together or not at all",
        schema=True,
    ),
    case(
        "graph-edge-without-target",
        "aiConfigs: {a: {mode: agent}}\nagentGraphs:\n  g:\n    rootConfigKey: a\n    edges:\n      e: {sourceConfig: a}\n",
        "a.yaml:6:7: `targetConfig` is missing in `edges.e`",
        schema=True,
    ),
    case(
        "graph-edges-list",
        "agentGraphs:\n  g:\n    rootConfigKey: a\n    edges: []\n",
        "a.yaml:4:12: `edges` must be a mapping, not a list",
        schema=True,
    ),
    case(
        "segment-without-environment",
        "segments:\n  s: {name: x}\n",
        'a.yaml:2:13: `name` must be a mapping of fields, not "x"',
        schema=True,
    ),
    case(
        "segment-environments-list",
        "segments:\n  s: [test]\n",
        "a.yaml:2:6: `s` must be a mapping of environments, not a list",
        schema=True,
    ),
    case(
        "segment-unknown-environment",
        "segments:\n  s: {prod: {name: x}}\n",
        "a.yaml:2:7: environment `prod` is not listed under `environments:` in ldconf.yaml",
    ),
    case(
        "segment-both",
        "segments:\n  s:\n    test:\n      included: [a, b]\n      excluded: [b]\n",
        "a.yaml:5:18: user 'b' is both included and excluded",
    ),
    case(
        "segment-member-number",
        "segments:\n  s:\n    test:\n      included: [123]\n",
        "a.yaml:4:18: `included[0]` must be text, not the number 123",
        schema=True,
    ),
    case(
        "segment-weight",
        "segments:\n  s:\n    test:\n      rules:\n      - {clauses: [{attribute: a, op: in, values: [x]}], weight: 101}\n",
        "a.yaml:5:66: `rules[0].weight` must be at most 100, not 101",
        schema=True,
    ),
    case(
        "variations-list",
        "aiConfigs:\n  a:\n    variations:\n    - name: x\n",
        "a.yaml:3:5: `variations` must be a mapping of variation keys, not a list",
        schema=True,
    ),
    case(
        "variations-null",
        "aiConfigs:\n  a:\n    variations:\n",
        "a.yaml:3:16: `variations` must be a mapping of variation keys, not null",
        schema=True,
    ),
    case(
        "variation-key",
        "aiConfigs:\n  a:\n    variations: {a b: {}}\n",
        'a.yaml:3:18: "a b" cannot be a key',
        schema=True,
    ),
    case(
        "ai-config-text",
        "aiConfigs:\n  a: text\n",
        'a.yaml:2:6: `a` must be a mapping of fields, not "text"',
        schema=True,
    ),
    case(
        "two-maintainers",
        "aiConfigs:\n  a: {maintainerId: x, maintainerTeamKey: y}\n",
        "a.yaml:2:21: `maintainerId` and `maintainerTeamKey` exclude each other",
        schema=True,
    ),
    variation(
        "message-without-content",
        "messages:\n- role: system\n",
        "a.yaml:7:11: `content` is missing in `messages[0]`",
        schema=True,
    ),
    variation(
        "message-role",
        "messages: [{role: sistem, content: x}]\n",
        'a.yaml:6:27: `messages[0].role` cannot be "sistem"',
        schema=True,
    ),
    variation(
        "message-text",
        "messages: [hello]\n",
        'a.yaml:6:20: `messages[0]` must be a mapping, not "hello"',
        schema=True,
    ),
    variation(
        "message-content-number",
        "messages:\n- {role: user, content: 42}\n",
        "a.yaml:7:33: `messages[0].content` must be text, not the number 42",
        schema=True,
    ),
    variation(
        "model-unknown-key",
        "model: {temperature: 0.5}\n",
        "a.yaml:6:17: unknown key `temperature` in `model`",
        schema=True,
    ),
    variation(
        "model-name-number",
        "model: {modelName: 4.0}\n",
        "a.yaml:6:28: `model.modelName` must be text, not the number 4.0",
        schema=True,
    ),
    variation(
        "parameters-list",
        "model:\n  parameters: [a]\n",
        "a.yaml:7:23: `model.parameters` must be a mapping, not a list",
        schema=True,
    ),
    variation(
        "tool-version-zero",
        "tools: [{key: x, version: 0}]\n",
        "a.yaml:6:35: `tools[0].version` must be at least 1, not 0",
        schema=True,
    ),
    variation(
        "tool-number",
        "tools: [1]\n",
        "a.yaml:6:17: `tools[0]` takes a tool key, or `key:` with `version:`, not the number 1",
        schema=True,
    ),
    variation(
        "tool-twice",
        "tools: [Lookup, Lookup]\n",
        "a.yaml:6:25: `tools`: tool 'Lookup' is listed twice",
    ),
    variation(
        "sampling-rate",
        "judgeConfiguration:\n  judges: [{judgeConfigKey: j, samplingRate: 1.5}]\n",
        "a.yaml:7:54: `judgeConfiguration.judges[0].samplingRate` must be at most 1, not 1.5",
        schema=True,
    ),
    variation("state", "state: deleted\n", 'a.yaml:6:16: `state` cannot be "deleted"', schema=True),
    variation(
        "agent-with-messages",
        "messages: [{role: user, content: x}]\n",
        "a.yaml:6:19: `messages`: an agent takes `instructions`, not `messages`",
        mode="agent",
        schema=True,
    ),
    variation(
        "completion-with-instructions",
        "instructions: x\n",
        "a.yaml:6:23: `instructions`: a completion takes `messages`, not `instructions`",
        schema=True,
    ),
    variation(
        "judge-with-tools",
        "tools: [t]\n",
        "a.yaml:6:16: `tools`: a judge takes no tools",
        "a.yaml:6:17: tool `t` is not defined",
        mode="judge",
        schema=True,
    ),
    targeting(
        "fallthrough-null",
        "fallthrough: null\n",
        "a.yaml:6:22: `fallthrough` cannot be null: it takes a variation key, or `rollout:` with percentages",
        schema=True,
    ),
    targeting(
        "fallthrough-empty",
        "fallthrough:\n",
        "a.yaml:6:21: `fallthrough` cannot be null: it takes a variation key, or `rollout:` with percentages",
        schema=True,
    ),
    targeting(
        "fallthrough-number",
        "fallthrough: 1\n",
        "a.yaml:6:22: `fallthrough` takes a variation key, or `rollout:` with percentages, not the number 1",
        schema=True,
    ),
    targeting(
        "rollout-short",
        "fallthrough: {rollout: {a: 50, b: 40}}\n",
        "a.yaml:6:22: `fallthrough`: the percentages sum to 90, 10 missing; `rest` can fill it",
    ),
    targeting(
        "rollout-over",
        "fallthrough: {rollout: {a: 60, b: 50}}\n",
        "a.yaml:6:22: `fallthrough`: the percentages sum to 110, 10 too much",
    ),
    targeting(
        "rollout-two-rests",
        "fallthrough:\n  rollout: {a: rest, b: rest}\n",
        "a.yaml:6:9: `fallthrough`: only one arm may be `rest`, not 2",
    ),
    targeting(
        "rollout-decimals",
        "fallthrough: {rollout: {a: 33.3333, b: rest}}\n",
        "a.yaml:6:36: `fallthrough.rollout.a`: a percentage is a number from 0 to 100 with up to three decimals, or `rest`, not 33.3333",
    ),
    targeting(
        "rollout-text",
        "fallthrough: {rollout: {a: half, b: rest}}\n",
        "a.yaml:6:36: `fallthrough.rollout.a`: a percentage is a number from 0 to 100 with up to three decimals, or `rest`, not 'half'",
        schema=True,
    ),
    targeting(
        "rollout-negative",
        "fallthrough: {rollout: {a: -1, b: rest}}\n",
        "a.yaml:6:36: `fallthrough.rollout.a`: a percentage is a number from 0 to 100 with up to three decimals, or `rest`, not -1",
        schema=True,
    ),
    targeting(
        "rollout-list",
        "fallthrough: {rollout: [a, b]}\n",
        "a.yaml:6:32: `fallthrough.rollout` must be a mapping, not a list",
        schema=True,
    ),
    targeting(
        "rollout-empty",
        "fallthrough: {rollout: {}}\n",
        "a.yaml:6:32: `fallthrough.rollout` needs at least one entry",
        schema=True,
    ),
    targeting(
        "rollout-null-arm",
        "fallthrough: {rollout: {a: , b: rest}}\n",
        "a.yaml:6:36: `fallthrough.rollout.a`: a percentage is a number from 0 to 100 with up to three decimals, or `rest`, not null",
        schema=True,
    ),
    targeting(
        "rollout-unknown-key",
        "fallthrough: {rollout: {a: 100}, bucketby: key}\n",
        "a.yaml:6:42: unknown key `bucketby` in `fallthrough`",
        schema=True,
    ),
    targeting(
        "rule-without-description",
        "rules:\n- clauses: [{attribute: x, op: in, values: [y]}]\n  serve: a\n",
        "a.yaml:7:11: `description` is missing in `rules[0]`",
        schema=True,
    ),
    targeting(
        "rule-without-clauses",
        "rules:\n- {description: x, clauses: [], serve: a}\n",
        "a.yaml:7:37: `rules[0].clauses` needs at least one entry",
        schema=True,
    ),
    targeting(
        "rule-serve-null",
        "rules:\n- description: x\n  clauses: [{attribute: x, op: in, values: [y]}]\n  serve: null\n",
        "a.yaml:9:18: `rules[0].serve` cannot be null: it takes a variation key, or `rollout:` with percentages",
        schema=True,
    ),
    targeting(
        "rule-rollout-beside-clauses",
        "rules:\n- description: x\n  clauses: [{attribute: x, op: in, values: [y]}]\n  rollout: {a: 100}\n",
        "a.yaml:7:11: `serve` is missing in `rules[0]`",
        "a.yaml:9:11: unknown key `rollout` in `rules[0]`",
        schema=True,
    ),
    targeting(
        "rule-descriptions-equal",
        "rules:\n- &r {description: Beta, clauses: [{attribute: x, op: in, values: [y]}], serve: a}\n- {description: Beta, clauses: [{attribute: x, op: in, values: [z]}], serve: b}\n",
        "a.yaml:8:25: `rules`: rules 1 and 2 have the same description 'Beta'; it is what tells rules apart",
    ),
    targeting(
        "clause-op",
        "rules:\n- description: x\n  clauses:\n  - {attribute: x, op: equals, values: [y]}\n  serve: a\n",
        'a.yaml:9:32: `rules[0].clauses[0].op` cannot be "equals"',
        schema=True,
    ),
    targeting(
        "clause-regex",
        "rules:\n- description: x\n  clauses:\n  - {attribute: x, op: matches, values: ['(']}\n  serve: a\n",
        "a.yaml:9:50: `rules[0].clauses[0].values`: `matches` takes regular expressions (missing ), unterminated subpattern at position 0), not '('",
    ),
    targeting(
        "clause-number-values",
        "rules:\n- description: x\n  clauses:\n  - {attribute: x, op: startsWith, values: [1.0]}\n  serve: a\n",
        "a.yaml:9:52: `rules[0].clauses[0].values`: `startsWith` takes texts, not 1.0",
    ),
    targeting(
        "clause-values-text",
        "rules:\n- description: x\n  clauses:\n  - {attribute: x, op: in, values: premium}\n  serve: a\n",
        'a.yaml:9:44: `rules[0].clauses[0].values` must be a list, not "premium"',
        schema=True,
    ),
    targeting(
        "clause-values-mapping",
        "rules:\n- description: x\n  clauses:\n  - {attribute: x, op: in, values: [{a: b}]}\n  serve: a\n",
        "a.yaml:9:45: `rules[0].clauses[0].values[0]` must be text or true or false or a number, not a mapping",
        schema=True,
    ),
    targeting(
        "clause-without-attribute",
        "rules:\n- description: x\n  clauses:\n  - {op: in, values: [y]}\n  serve: a\n",
        "a.yaml:9:13: `rules[0].clauses[0]`: `in` needs an `attribute`",
        schema=True,
    ),
    targeting(
        "clause-negate-text",
        "rules:\n- description: x\n  clauses: [{attribute: x, op: in, values: [y], negate: no}]\n  serve: a\n",
        'a.yaml:8:65: `rules[0].clauses[0].negate` must be true or false, not "no"',
        schema=True,
    ),
    targeting(
        "target-number",
        "targets:\n- {variation: a, values: [1]}\n",
        "a.yaml:7:35: `targets[0].values[0]` must be text, not the number 1",
        schema=True,
    ),
    targeting(
        "target-twice",
        "targets:\n- {variation: a, values: [u1]}\n- {variation: b, values: [u1]}\n",
        "a.yaml:8:35: `targets`: user 'u1' cannot get both 'a' and 'b'",
    ),
    targeting(
        "target-unknown-key",
        "targets:\n- {variation: a, value: [u1]}\n",
        "a.yaml:7:11: `values` is missing in `targets[0]`",
        "a.yaml:7:26: unknown key `value` in `targets[0]`",
        schema=True,
    ),
    targeting(
        "off-text",
        'off: "true"\n',
        'a.yaml:6:14: `off` must be true or false, not "true"',
        schema=True,
    ),
    case(
        "targeting-null",
        "aiConfigs:\n  a:\n    targeting:\n      test:\n",
        "a.yaml:4:12: `test` must be a mapping of fields, not null",
        schema=True,
    ),
    case(
        "targeting-unknown-environment",
        "aiConfigs:\n  a:\n    targeting:\n      prodution: {off: true}\n",
        "a.yaml:4:7: environment `prodution` is not listed under `environments:` in ldconf.yaml",
    ),
    case(
        "duplicate-ai-config",
        {
            "a.yaml": "aiConfigs:\n  bot: {mode: agent}\n",
            "b/b.yaml": "tools: {}\naiConfigs:\n  bot:\n    variations: {v: {}}\n",
        },
        "a.yaml:2:3: `bot` of `aiConfigs` is also written at b/b.yaml:3:3",
        "b/b.yaml:3:3: `bot` of `aiConfigs` is also written at a.yaml:2:3",
    ),
    case(
        "duplicate-segment",
        {"a.yaml": "segments:\n  s: {test: {}}\n", "b.yaml": "segments:\n  s: {production: {}}\n"},
        "a.yaml:2:3: `s` of `segments` is also written at b.yaml:2:3",
        "b.yaml:2:3: `s` of `segments` is also written at a.yaml:2:3",
    ),
    case(
        "duplicate-metric-thrice",
        dict.fromkeys(("a.yaml", "b.yaml", "c.yml"), "metrics: {m: {}}\n"),
        "a.yaml:1:11: `m` of `metrics` is also written at b.yaml:1:11",
        "a.yaml:1:11: `m` of `metrics` is also written at c.yml:1:11",
        "b.yaml:1:11: `m` of `metrics` is also written at a.yaml:1:11",
        "c.yml:1:11: `m` of `metrics` is also written at a.yaml:1:11",
    ),
    case(
        "two-documents-many-problems",
        {
            "b.yaml": "tools:\n  a: {tag: []}\n  b: {description: 1}\n",
            "a.yaml": "metrics:\n  m: {kind: click}\nfoo: {}\n",
        },
        'a.yaml:2:13: `kind` cannot be "click"',
        "a.yaml:3:1: unknown section `foo`",
        "b.yaml:2:7: unknown key `tag`",
        "b.yaml:3:20: `description` must be text, not the number 1",
        schema=True,
    ),
    case(
        "control-characters-in-a-key",
        'tools:\n  t: {"a\\e[31m\\nb": 1}\n',
        "a.yaml:2:7: unknown key `a\\x1b[31m\\nb`",
        schema=True,
    ),
    case(
        "very-long-key",
        'tools:\n  t: {"' + "x" * 600 + '": 1}\n',
        "a.yaml:2:7: unknown key `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...",
        schema=True,
    ),
)
