"""`extends` and `unmanaged` used wrongly."""

# ruff: noqa: E501 - a message on one line can be searched for

from __future__ import annotations

from tests.documents.bad.case import Case, case


def variations(name: str, lines: str, *problems: str, schema: bool = False) -> Case:
    body = "".join(f"      {line}\n" for line in lines.splitlines())
    return case(name, f"aiConfigs:\n  bot:\n    variations:\n{body}", *problems, schema=schema)


CASES: tuple[Case, ...] = (
    variations(
        "unknown-parent",
        "base: {}\nchild: {extends: bass}\n",
        "a.yaml:5:24: `extends` names bass, which is not here",
    ),
    variations(
        "itself", "a: {extends: a}\n", "a.yaml:4:20: `extends` goes round in a circle: a extends a"
    ),
    variations(
        "circle-of-two",
        "a: {extends: b}\nb: {extends: a}\n",
        "a.yaml:5:20: `extends` goes round in a circle: a extends b extends a",
    ),
    variations(
        "circle-of-three-with-tail",
        "t: {extends: a}\na: {extends: b}\nb: {extends: c}\nc: {extends: a}\n",
        "a.yaml:7:20: `extends` goes round in a circle: a extends b extends c extends a",
    ),
    variations(
        "parent-number",
        "a: {}\nb:\n  extends: 1\n",
        "a.yaml:6:18: `extends` takes the key of one other entry",
        schema=True,
    ),
    variations(
        "parent-null",
        "a: {}\nb: {extends: null}\n",
        "a.yaml:5:20: `extends` takes the key of one other entry",
        schema=True,
    ),
    variations(
        "parent-list",
        "a: {}\nb: {extends: [a]}\n",
        "a.yaml:5:20: `extends` takes the key of one other entry",
        schema=True,
    ),
    variations(
        "address-as-parent",
        "a: {}\nb: {extends: aiConfigs/bot/variations/a}\n",
        "a.yaml:5:20: `extends` names aiConfigs/bot/variations/a, which is not here",
    ),
    variations(
        "unmanaged-without-extends",
        "a: {unmanaged: [description]}\n",
        "a.yaml:4:22: `unmanaged` needs `extends`",
        schema=True,
    ),
    variations(
        "unmanaged-not-inherited",
        "a: {description: x}\nb: {extends: a, unmanaged: [descripton]}\n",
        "a.yaml:5:35: `descripton` is not inherited",
        schema=True,
    ),
    variations(
        "unmanaged-own-value",
        "a: {description: x}\nb: {extends: a, description: y, unmanaged: [description]}\n",
        "a.yaml:5:51: `description` is unmanaged and has a value here",
    ),
    variations(
        "unmanaged-text",
        "a: {description: x}\nb: {extends: a, unmanaged: description}\n",
        "a.yaml:5:34: `unmanaged` takes a list of field names",
        schema=True,
    ),
    variations(
        "unmanaged-name",
        "a: {name: x}\nb: {extends: a, unmanaged: [name]}\n",
        "a.yaml:5:35: `name` is not inherited",
        schema=True,
    ),
    variations(
        "inherited-wrong-value-once",
        "a: {modelConfigVersion: 0}\nb: {extends: a}\nc: {extends: b}\n",
        "a.yaml:4:31: `modelConfigVersion` must be at least 1, not 0",
        schema=True,
    ),
    variations(
        "merged-wrong-value",
        "a: {model: {parameters: {x: 1}}}\nb: {extends: a, model: {custom: 5}}\n",
        "a.yaml:5:39: `model.custom` must be a mapping, not the number 5",
        schema=True,
    ),
    variations(
        "unknown-key-lists-extends",
        "a: {extend: b}\nb: {}\n",
        "a.yaml:4:11: unknown key `extend`",
        schema=True,
    ),
    case(
        "other-ai-config",
        "aiConfigs:\n  one: {variations: {a: {}}}\n  two:\n    variations:\n      b: {extends: a}\n",
        "a.yaml:5:20: `extends` names a, which is not here",
    ),
    case(
        "ai-config-extends",
        "aiConfigs:\n  one: {}\n  two: {extends: one}\n",
        "a.yaml:3:9: unknown key `extends`",
        schema=True,
    ),
    case(
        "targeting-circle",
        "aiConfigs:\n  bot:\n    targeting:\n      test: {extends: production}\n      production: {extends: test}\n",
        "a.yaml:5:29: `extends` goes round in a circle: test extends production extends test",
    ),
    case(
        "targeting-parent-unlisted",
        "aiConfigs:\n  bot:\n    targeting:\n      test: {extends: staging}\n",
        "a.yaml:4:23: `extends` names staging, which is not here",
    ),
    case(
        "segment-parent",
        "segments:\n  s:\n    test: {}\n    production: {extends: tests}\n",
        "a.yaml:4:27: `extends` names tests, which is not here",
    ),
)
