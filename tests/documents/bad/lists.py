"""Entries of `removed`, `consents` and `tests` that cannot be right."""

# ruff: noqa: E501 - a message on one line can be searched for

from __future__ import annotations

from tests.documents.bad.case import Case, case


def consent(name: str, entry: str, *problems: str, schema: bool = False) -> Case:
    return case(name, f"consents:\n- {entry}\n", *problems, schema=schema)


CASES: tuple[Case, ...] = (
    case(
        "removed-number",
        "removed: [1]\n",
        "a.yaml:1:11: `removed` takes addresses, not the number 1",
        schema=True,
    ),
    case(
        "removed-unknown-section",
        "removed:\n- tool/x\n",
        'a.yaml:2:3: "tool/x" starts with no known section',
        schema=True,
    ),
    case(
        "removed-too-short",
        "removed: [tools]\n",
        'a.yaml:1:11: "tools" is not an address',
        schema=True,
    ),
    case(
        "removed-too-long",
        "removed: [tools/a/b]\n",
        'a.yaml:1:11: "tools/a/b" is not an address',
        schema=True,
    ),
    case(
        "removed-empty-part",
        "removed: [tools/]\n",
        'a.yaml:1:11: "tools/" is not an address',
        schema=True,
    ),
    case(
        "removed-segment-without-environment",
        "removed: [segments/beta]\n",
        'a.yaml:1:11: "segments/beta" is not an address',
        schema=True,
    ),
    case(
        "removed-segment-elsewhere",
        "removed: [segments/beta/tset]\n",
        "a.yaml:1:11: environment `tset` is not listed under `environments:`",
    ),
    case(
        "removed-targeting",
        "removed: [aiConfigs/bot/targeting/test]\n",
        "a.yaml:1:11: targeting cannot be deleted",
        schema=True,
    ),
    case(
        "removed-twice",
        {"a.yaml": "removed: [tools/x]\n", "b.yaml": "removed:\n- tools/x\n"},
        "b.yaml:2:3: tools/x is removed twice; first at a.yaml:1:11",
    ),
    consent(
        "consent-text",
        "everything",
        'a.yaml:2:3: an entry of `consents` must be a mapping, not "everything"',
        schema=True,
    ),
    consent(
        "consent-unknown-key",
        "{address: tools/x, allow: [drift], because: y, until: z}",
        "a.yaml:2:50: unknown key `until`",
        schema=True,
    ),
    consent(
        "consent-without-reason",
        "{address: tools/x, allow: [drift]}",
        "a.yaml:2:3: `because` is missing",
        schema=True,
    ),
    consent(
        "consent-empty-reason",
        '{address: tools/x, allow: [drift], because: ""}',
        "a.yaml:2:47: `because` must not be empty",
        schema=True,
    ),
    consent(
        "consent-unknown-permission",
        "{address: tools/x, allow: [drifts], because: y}",
        'a.yaml:2:30: `allow[0]` cannot be "drifts"',
        schema=True,
    ),
    consent(
        "consent-nothing-allowed",
        "{address: tools/x, allow: [], because: y}",
        "a.yaml:2:29: `allow` needs at least one entry",
        schema=True,
    ),
    consent(
        "consent-allow-text",
        "{address: tools/x, allow: drift, because: y}",
        'a.yaml:2:29: `allow` must be a list, not "drift"',
        schema=True,
    ),
    consent(
        "consent-deletes-somewhere",
        "{address: tools/x, allow: [deletes], because: y}",
        'a.yaml:2:13: `deletes` is about the whole plan: its address is "*"',
    ),
    consent(
        "consent-drift-everywhere",
        '{address: "*", allow: [drift], because: y}',
        'a.yaml:2:13: "*" goes with deletes and updates only, not with drift',
    ),
    consent(
        "consent-wrong-address",
        "{address: aiConfig/x, allow: [drift], because: y}",
        'a.yaml:2:13: "aiConfig/x" starts with no known section',
    ),
    consent(
        "consent-reason-number",
        "{address: tools/x, allow: [drift], because: 1234}",
        "a.yaml:2:47: `because` must be text, not the number 1234",
        schema=True,
    ),
    case(
        "consent-twice",
        "consents:\n- {address: tools/x, allow: [drift], because: y}\n- {address: tools/x, allow: [drift], because: y}\n",
        "a.yaml:3:3: this consent is given twice; first at a.yaml:2:3",
    ),
    case(
        "test-without-expectation",
        "tests:\n- given: {aiConfig: a, environment: test, context: {kind: user, key: u}}\n",
        "a.yaml:2:3: `expect` is missing",
        schema=True,
    ),
    case(
        "test-without-key",
        "tests:\n- given: {aiConfig: a, environment: test, context: {kind: user}}\n  expect: {variation: v}\n",
        "a.yaml:2:52: `context` needs a `kind` and a `key`",
    ),
    case(
        "test-unknown-key",
        "tests:\n- given: {aiConfig: a, env: test, context: {key: u}}\n  expect: {variation: v}\n",
        "a.yaml:2:3: `environment` is missing in `given`",
        "a.yaml:2:24: unknown key `env` in `given`",
        schema=True,
    ),
    case(
        "test-text",
        "tests: [a]\n",
        'a.yaml:1:9: an entry of `tests` must be a mapping, not "a"',
        schema=True,
    ),
    case(
        "test-unknown-names",
        "aiConfigs: {bot: {variations: {v: {}}}}\ntests:\n- given: {aiConfig: boot, environment: tst, context: {key: u}}\n  expect: {variation: v}\n",
        "a.yaml:3:21: AI Config `boot` is not defined",
        "a.yaml:3:40: environment `tst` is not listed under `environments:`",
    ),
    case(
        "test-unknown-variation",
        "aiConfigs: {bot: {variations: {v1: {}}}}\ntests:\n- given: {aiConfig: bot, environment: test, context: {key: u}}\n  expect: {variation: v2}\n",
        "a.yaml:4:23: variation `v2` is not defined",
    ),
    case(
        "test-expects-nothing",
        "aiConfigs: {a: {}}\ntests:\n- given: {aiConfig: a, environment: test, context: {key: u}}\n  expect: {}\n",
        "a.yaml:4:11: `expect` needs at least one of `variation`, `model`, `enabled`, `text`, `tools`",
        schema=True,
    ),
    case(
        "test-bad-pattern",
        "aiConfigs: {a: {}}\ntests:\n- given: {aiConfig: a, environment: test, context: {key: u}}\n  expect: {text: {matches: '('}}\n",
        "a.yaml:4:28: `expect.text.matches`: '(' is not a regular expression: missing ), unterminated subpattern at position 0",
    ),
    case(
        "test-text-without-a-way",
        "aiConfigs: {a: {}}\ntests:\n- given: {aiConfig: a, environment: test, context: {key: u}}\n  expect: {text: {}}\n",
        "a.yaml:4:18: `text` needs `contains`, `equals` or `matches`",
        schema=True,
    ),
    case(
        "test-contains-number",
        "aiConfigs: {a: {}}\ntests:\n- given: {aiConfig: a, environment: test, context: {key: u}}\n  expect: {text: {contains: 7}}\n",
        "a.yaml:4:29: `expect.text.contains` must be text or a list, not the number 7",
        schema=True,
    ),
    consent(
        "consent-unlisted-environment",
        "{address: aiConfigs/x/targeting/tset, allow: [drift], because: y}",
        "a.yaml:2:13: environment `tset` is not listed under `environments:`",
    ),
)
