from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ldconf.core.kind import Kind
from ldconf.core.resource import Json
from ldconf.documents.schema import document_schema, schema, settings_schema
from ldconf.documents.yaml import parse
from ldconf.kinds import KINDS

ROOT = Path(__file__).parents[2]
WRITTEN = sorted(path for top in ("configs", "examples") for path in (ROOT / top).rglob("*.yaml"))
VALIDATOR = Draft202012Validator(schema())


def errors(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(parse(text, "a.yaml").value)]


@pytest.mark.parametrize("made", [schema(), document_schema(), settings_schema()])
def test_schema_is_valid_itself(made: dict[str, Json]) -> None:
    Draft202012Validator.check_schema(made)  # raises SchemaError
    assert made["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_are_valid(path: Path) -> None:
    assert errors(path.read_text()) == []


def test_there_are_examples() -> None:
    assert len(WRITTEN) >= 5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_example_of_each_kind_is_valid(kind: Kind) -> None:
    assert errors(kind.example) == []


def test_each_part_has_its_own_schema() -> None:
    settings = parse("project: p\nenvironments: []\n", "ldconf.yaml").value
    document = parse("tools: {t: {}}\n", "a.yaml").value

    assert Draft202012Validator(settings_schema()).is_valid(settings)
    assert not Draft202012Validator(settings_schema()).is_valid(document)
    assert Draft202012Validator(document_schema()).is_valid(document)
    assert not Draft202012Validator(document_schema()).is_valid(settings)


@pytest.mark.parametrize(
    "text",
    [
        "tools: {t: {schema: {file: s.json}, description: {file: d.md}}}\n",
        "aiConfigs: {b: {variations: {v: {messages: [{role: user, content: {file: m.md}}]}}}}\n",
        "aiConfigs: {b: {variations: {v: {instructions: {file: i.md}, outputFormat: {file: o}}}}}",
        "aiConfigs: {b: {variations: {a: {}, v: {extends: a, unmanaged: [tools], model: null}}}}\n",
        "aiConfigs: {b: {variations: {v: {extends: a, judgeConfiguration: {judges: null}}}}}\n",
        "aiConfigs: {b: {variations: {v: {tools: [t, {key: u, version: 2}]}}}}\n",
        "aiConfigs: {b: {targeting: {test: {extends: production, unmanaged: [rules]}}}}\n",
        "aiConfigs: {b: {targeting: {test: {fallthrough: {rollout: {a: 12.345, b: rest}}}}}}\n",
        "metricGroups: {g: {kind: standard, metrics: [m, {key: n, nameInGroup: x}]}}\n",
        "segments: {s: {test: {included: [u]}, production: {extends: test}}}\n",
        "removed: [tools/t, segments/s/test, aiConfigs/b, aiConfigs/b/variations/v]\n",
        "consents: [{address: '*', allow: [deletes], because: x}]\n",
        "metrics:\nremoved:\n",
        "aiConfigs: {b: {mode: agent, variations: {v: {messages: null}, w: {messages: []}}}}\n",
        "aiConfigs: {b: {mode: agent, variations: {v: {state: archived, messages: []}}}}\n",
        "modelConfigs: {'Bedrock.anthropic.claude:0': {id: x}}\n",
        "experiments: {e: {environment: test, aiConfig: b, rule: {description: x}, metrics: [m, "
        "{key: g, isGroup: true}], allocation: {a: 33.333, b: rest}, status: running}}\n",
        "experiments: {e: {environment: test, aiConfig: b, status: stopped, winner: a, reason: x, "
        "description: {file: d.md}, decision: {guardrails: {m: {margin: 0.05}}, looks: 4}}}\n",
    ],
)
def test_what_the_loader_takes_the_schema_takes(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "tools: {t: {tags: {file: s.json}}}\n",
        "tools: {t: {description: {file: d.md, encoding: x}}}\n",
        "tools: {t: {extends: u}}\n",
        "aiConfigs: {b: {variations: {v: {unmanaged: [tools]}}}}\n",
        "aiConfigs: {b: {variations: {v: {extends: a, unmanaged: [name]}}}}\n",
        "aiConfigs: {b: {targeting: {test: {fallthrough: null}}}}\n",
        "aiConfigs: {b: {targeting: {test: {rules: [{description: x, serve: a}]}}}}\n",
        "removed: [aiConfigs/b/targeting/test]\n",
        "experiments: {e: {}}\n",
        "project: p\nenvironments: [a, a]\n",
        "project: p\nenvironments: []\nhost: http://app.launchdarkly.com\n",
        "project: p\nenvironments: []\nguards: {maxDeletePercent: 101}\n",
        "modelConfigs: {A.b: {costPerInputToken: -1}}\n",
        "aiConfigs: {b: {mode: judge, variations: {v: {judgeConfiguration: {judges: [x]}}}}}\n",
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(text: str) -> None:
    assert errors(text) != []


def test_every_property_is_described_for_hover() -> None:
    bare = [
        f"{name}.{field}"
        for name, definition in schema()["$defs"].items()
        for field, found in definition.get("properties", {}).items()
        if "description" not in found and "$ref" not in found
    ]

    assert bare == []


def test_fields_of_objects_have_no_defaults() -> None:
    definitions = schema()["$defs"]

    for kind in KINDS:
        fields = definitions[kind.model.__name__]["properties"]
        assert [name for name, field in fields.items() if "default" in field] == []


def test_titles_are_words() -> None:
    fields = schema()["$defs"]["Judge"]["properties"]

    assert {name: field["title"] for name, field in fields.items()} == {
        "judgeConfigKey": "Judge config key",
        "samplingRate": "Sampling rate",
    }
