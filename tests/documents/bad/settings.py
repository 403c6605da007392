"""An `ldconf.yaml` that does not load."""

# ruff: noqa: E501 - a message on one line can be searched for

from __future__ import annotations

from tests.documents.bad.case import Case, Link, case

BASE = "project: pet-store\nenvironments: [test, production]\n"


def settings(name: str, text: str, *problems: str, schema: bool = False) -> Case:
    return case(name, {"ldconf.yaml": text}, *problems, schema=schema)


CASES: tuple[Case, ...] = (
    settings(
        "empty",
        "",
        "ldconf.yaml:1:1: `environments` is missing",
        "ldconf.yaml:1:1: `project` is missing",
    ),
    settings(
        "list", "- project: x\n", "ldconf.yaml:1:1: ldconf.yaml must be a mapping", schema=True
    ),
    settings(
        "syntax", "project: [x\n", "ldconf.yaml:1:10: not YAML: did not find expected ',' or ']'"
    ),
    settings(
        "missing-environments",
        "project: x\n",
        "ldconf.yaml:1:1: `environments` is missing",
        schema=True,
    ),
    settings(
        "missing-project",
        "environments: []\n",
        "ldconf.yaml:1:1: `project` is missing",
        schema=True,
    ),
    settings(
        "unknown-key", BASE + "guard: {}\n", "ldconf.yaml:3:1: unknown key `guard`", schema=True
    ),
    settings(
        "snake-case",
        BASE + "guards: {max_delete_percent: 30}\n",
        "ldconf.yaml:3:10: unknown key `max_delete_percent` in `guards`",
        schema=True,
    ),
    settings(
        "section-in-settings",
        BASE + "metrics: {}\n",
        "ldconf.yaml:3:1: unknown key `metrics`",
        schema=True,
    ),
    settings(
        "number-project",
        "project: 2026\nenvironments: [test]\n",
        "ldconf.yaml:1:10: `project` must be text, not the number 2026",
        schema=True,
    ),
    settings(
        "bad-project",
        "project: pet store\nenvironments: [test]\n",
        'ldconf.yaml:1:10: `project` cannot be "pet store"',
        schema=True,
    ),
    settings(
        "environment-number",
        "project: x\nenvironments: [1.0]\n",
        "ldconf.yaml:2:16: `environments[0]` must be text, not the number 1.0",
        schema=True,
    ),
    settings(
        "environment-boolean",
        "project: x\nenvironments: [true, test]\n",
        "ldconf.yaml:2:16: `environments[0]` must be text, not true",
        schema=True,
    ),
    settings(
        "environment-text",
        "project: x\nenvironments: test\n",
        'ldconf.yaml:2:15: `environments` must be a list, not "test"',
        schema=True,
    ),
    settings(
        "environment-twice",
        "project: x\nenvironments: [test, prod, test]\n",
        "ldconf.yaml:2:28: `environments`: environment 'test' is listed twice",
        schema=True,
    ),
    settings(
        "environments-null",
        "project: x\nenvironments:\n",
        "ldconf.yaml:2:14: `environments` cannot be null",
        schema=True,
    ),
    settings(
        "host-http",
        BASE + "host: http://app.launchdarkly.com\n",
        "ldconf.yaml:3:7: `host` must start with https:// (http:// only for this machine)",
        schema=True,
    ),
    settings(
        "host-path",
        BASE + "host: https://app.launchdarkly.com/api/v2\n",
        "ldconf.yaml:3:7: `host` is only the address, for instance https://app.launchdarkly.com",
        schema=True,
    ),
    settings(
        "host-user",
        BASE + "host: https://me:secret@app.launchdarkly.com\n",
        "ldconf.yaml:3:7: `host` is only the address, for instance https://app.launchdarkly.com",
        schema=True,
    ),
    settings(
        "host-name-only",
        BASE + "host: app.launchdarkly.com\n",
        "ldconf.yaml:3:7: `host` must start with https:// (http:// only for this machine)",
        schema=True,
    ),
    settings(
        "host-bad-port",
        BASE + "host: https://a:b\n",
        "ldconf.yaml:3:7: `host` is not an address: Port could not be cast to integer value as 'b'",
    ),
    settings("host-null", BASE + "host:\n", "ldconf.yaml:3:6: `host` cannot be null", schema=True),
    settings(
        "percent-above-100",
        BASE + "guards: {maxDeletePercent: 130}\n",
        "ldconf.yaml:3:28: `guards.maxDeletePercent` must be at most 100, not 130",
        schema=True,
    ),
    settings(
        "percent-negative",
        BASE + "guards:\n  maxUpdatePercent: -1\n",
        "ldconf.yaml:4:21: `guards.maxUpdatePercent` must be at least 0, not -1",
        schema=True,
    ),
    settings(
        "percent-text",
        BASE + 'guards: {maxUpdatePercent: "50"}\n',
        'ldconf.yaml:3:28: `guards.maxUpdatePercent` must be a number, not "50"',
        schema=True,
    ),
    settings(
        "min-objects-float",
        BASE + "guards: {minObjects: 1.5}\n",
        "ldconf.yaml:3:22: `guards.minObjects` must be a whole number, not the number 1.5",
        schema=True,
    ),
    settings(
        "protect-text",
        BASE + "guards: {protect: aiConfigs/x}\n",
        'ldconf.yaml:3:19: `guards.protect` must be a list, not "aiConfigs/x"',
        schema=True,
    ),
    settings(
        "protect-unknown-section",
        BASE + "guards:\n  protect:\n  - aiConfig/x\n",
        'ldconf.yaml:5:5: "aiConfig/x" starts with no known section',
    ),
    settings(
        "protect-empty-part",
        BASE + "guards: {protect: [aiConfigs//x]}\n",
        'ldconf.yaml:3:20: "aiConfigs//x" is not an address',
    ),
    settings(
        "protect-unknown-part",
        BASE + "guards: {protect: [aiConfigs/x/targetting/test]}\n",
        'ldconf.yaml:3:20: "aiConfigs/x/targetting/test" is not an address',
    ),
    settings(
        "in-place-edits-value",
        BASE + "guards: {inPlaceEdits: {production: forbidden}}\n",
        'ldconf.yaml:3:37: `guards.inPlaceEdits.production` cannot be "forbidden"',
        schema=True,
    ),
    settings(
        "in-place-edits-boolean",
        BASE + "guards: {inPlaceEdits: {production: false}}\n",
        "ldconf.yaml:3:37: `guards.inPlaceEdits.production` must be one of allow, forbid, not false",
        schema=True,
    ),
    settings(
        "external-unknown-section",
        BASE + "external:\n  metric: []\n",
        "ldconf.yaml:4:11: unknown section `metric`",
        schema=True,
    ),
    settings(
        "external-text",
        BASE + "external: {tools: all}\n",
        'ldconf.yaml:3:19: `external.tools` must be "*" or a list or a mapping, not "all"',
        schema=True,
    ),
    settings(
        "external-per-environment",
        BASE + "external: {tools: {test: [x]}}\n",
        'ldconf.yaml:3:19: `tools` takes a list of keys or "*"',
    ),
    settings(
        "external-number",
        BASE + "external: {tools: [1]}\n",
        "ldconf.yaml:3:20: `external.tools[0]` must be text, not the number 1",
        schema=True,
    ),
    settings(
        "shared-absolute",
        BASE + "shared: /etc\n",
        'ldconf.yaml:3:9: `shared` must be a relative path, not "/etc"',
    ),
    settings(
        "shared-parent",
        BASE + "shared: ../..\n",
        "ldconf.yaml:3:9: `shared: ../..` holds the workspace itself",
    ),
    settings(
        "shared-hidden", BASE + "shared: ../.git\n", "ldconf.yaml:3:9: `shared: ../.git` is hidden"
    ),
    settings(
        "shared-list",
        BASE + "shared: [a, b]\n",
        "ldconf.yaml:3:9: `shared` must be text, not a list",
        schema=True,
    ),
    settings(
        "lint-level",
        BASE + "lint: {unused-variation: warn}\n",
        'ldconf.yaml:3:26: `lint.unused-variation` cannot be "warn"',
        schema=True,
    ),
    settings(
        "lint-off-unquoted-is-text",
        BASE + "lint: {unused-variation: off}\nlints: {}\n",
        "ldconf.yaml:4:1: unknown key `lints`",
        schema=True,
    ),
    settings(
        "several",
        "project: 1\nenvironments: x\nhost: y\n",
        "ldconf.yaml:1:10: `project` must be text, not the number 1",
        'ldconf.yaml:2:15: `environments` must be a list, not "x"',
        "ldconf.yaml:3:7: `host` must start with https:// (http:// only for this machine)",
        schema=True,
    ),
    case(
        "linked",
        {"real.txt": BASE, "ldconf.yaml": Link("real.txt")},
        "ldconf.yaml:1:1: ldconf.yaml is a symbolic link, which is not followed",
    ),
    case("yml", {"ldconf.yml": BASE}, "ldconf.yml:1:1: rename this file to ldconf.yaml"),
    settings(
        "protect-unlisted-environment",
        BASE + "guards: {protect: [aiConfigs/*/targeting/prodution]}\n",
        "ldconf.yaml:3:20: environment `prodution` is not listed under `environments:`",
    ),
    settings(
        "protect-unlisted-segment-environment",
        BASE + "guards: {protect: [segments/x/tests]}\n",
        "ldconf.yaml:3:20: environment `tests` is not listed under `environments:`",
    ),
    settings(
        "external-unlisted-environment",
        BASE + "external: {segments: {prod: [x]}}\n",
        "ldconf.yaml:3:29: environment `prod` is not listed under `environments:`",
    ),
)
