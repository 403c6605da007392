from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.live import Live
from ldconf.core.resource import Observed
from ldconf.core.workspace import Workspace
from ldconf.documents.lint import RULES, lint
from ldconf.documents.lint.rule import Rule
from ldconf.documents.load import load
from ldconf.kinds import KIND_BY_NAME

SETTINGS = "project: shop\nenvironments: [test]\n"


class Texts:
    """A tree in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def paths(self) -> Sequence[str]:
        return sorted(self.files)

    def read(self, path: str) -> bytes:
        return self.files[path].encode()


def loaded(document: str, settings: str = SETTINGS, **files: str) -> Workspace:
    found = load(Texts({"ldconf.yaml": settings, "a.yaml": document, **files}))
    assert [d for d in found.diagnostics if d.is_error] == []
    assert found.workspace is not None
    return found.workspace


def live() -> Live:
    """A project with two model configs, one of them restricted."""
    model = KIND_BY_NAME["modelConfigs"].model
    observed = {
        Address.of("modelConfigs", key): Observed(
            model.model_construct(), meta={"global": True, "restricted": restricted}
        )
        for key, restricted in (("OpenAI.gpt-4o-mini", False), ("OpenAI.gpt-4", True))
    }
    return Live("shop", {}, observed)


def hits(rule: str, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    return [one for one in found if one.rule == rule]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_bad_example_is_reported_and_good_one_is_not(rule: Rule) -> None:
    online = live() if rule.online else None
    bad = hits(rule.id, lint(loaded(rule.bad), online))
    assert [one.severity for one in bad] == [rule.severity]
    assert bad[0].position is not None
    assert bad[0].position.file == "a.yaml"
    assert lint(loaded(rule.good), online) == []


def test_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def agent(instructions: str, mode: str = "agent", extra: str = "") -> str:
    return (
        f"aiConfigs:\n  greeter:\n    name: G\n    mode: {mode}\n    variations:\n      main:\n"
        f"        modelConfigKey: OpenAI.gpt-4o-mini\n        {instructions}\n"
        f"    targeting:\n      test: {{fallthrough: main}}\n{extra}"
    )


def summaries(document: str, settings: str = SETTINGS, **files: str) -> list[str]:
    return [f"{d.position}: {d.rule}" for d in lint(loaded(document, settings, **files))]


def test_rule_is_switched_off_on_its_line() -> None:
    document = agent("instructions: 'Hi {{name}}' # ldconf: ignore[prompt-variable-unfilled]")
    assert summaries(document) == []


def test_rule_is_switched_off_by_the_line_above() -> None:
    document = agent(
        "# ldconf: ignore[prompt-single-brace, prompt-variable-unfilled]\n"
        "        instructions: 'Hi {{name}} {x}'"
    )
    assert summaries(document) == []


def test_comment_switches_off_only_what_it_names() -> None:
    document = agent("instructions: 'Hi {{name}} {x}' # ldconf: ignore[prompt-single-brace]")
    assert summaries(document) == ["a.yaml:8:27: prompt-variable-unfilled"]


def test_settings_change_severity_and_switch_off() -> None:
    document = agent("instructions: 'Hi {{name}} {x}'")
    settings = f"{SETTINGS}lint: {{prompt-single-brace: error, prompt-variable-unfilled: off}}\n"
    found = lint(loaded(document, settings))
    assert [(d.rule, d.severity) for d in found] == [("prompt-single-brace", Severity.ERROR)]


def test_finding_in_a_file_stands_at_its_place_there() -> None:
    document = agent("instructions: {file: p.md}")
    found = lint(loaded(document, **{"p.md": "One\nTwo {{name}}\n"}))
    assert [d.position for d in found] == [Position("p.md", 2, 5)]


def test_finding_in_a_block_stands_on_its_line() -> None:
    document = agent("instructions: |\n          One\n          Two {{name}}")
    assert summaries(document) == ["a.yaml:10:15: prompt-variable-unfilled"]


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("{{ldctx.plan}}", False),
        ("{{ question }}", True),
        ("{{#ldctx.items}}{{name}}{{/ldctx.items}}", False),
        ("{{#items}}{{name}}{{/items}}", True),
        ("{{! a comment }}", False),
        ("{{> partial}}", False),
        ("{{&question}}", True),
    ],
)
def test_variables_are_told_from_other_tags(text: str, reported: bool) -> None:
    found = hits("prompt-variable-unfilled", lint(loaded(agent(f"instructions: '{text}'"))))
    assert bool(found) is reported


@pytest.mark.parametrize("scope", ["greeter", '"*"'])
def test_declared_variable_is_filled(scope: str) -> None:
    settings = f"{SETTINGS}promptVariables: {{{scope}: [question]}}\n"
    assert summaries(agent("instructions: 'Answer {{question}}'"), settings) == []


def test_judge_has_its_own_variables() -> None:
    messages = "messages: [{role: system, content: 'Judge {{response_to_evaluate}}'}]"
    judge = agent(messages, mode="judge")
    assert summaries(judge) == []
    assert summaries(judge.replace("mode: judge", "mode: completion")) == [
        "a.yaml:8:51: prompt-variable-unfilled"
    ]


@pytest.mark.parametrize("text", ['{"a": {"b": 1}}', "${HOME}", "{{ldctx.key}}", "{}", "{ 1 }"])
def test_braces_that_are_no_variable_are_let_be(text: str) -> None:
    assert summaries(agent(f"instructions: '{text}'")) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("{{#ldctx.a}}x{{/ldctx.a}}", 0),
        ("{{#ldctx.a}}x", 1),
        ("x{{/ldctx.a}}", 1),
        ("{{#ldctx.a}}{{#ldctx.b}}x{{/ldctx.a}}{{/ldctx.b}}", 2),
        ("{{ldctx.key} hello", 1),
    ],
)
def test_tags_must_close(text: str, count: int) -> None:
    found = hits("prompt-broken-tag", lint(loaded(agent(f"instructions: '{text}'"))))
    assert len(found) == count


SECRETS = [
    "api-" + "12345678-1234-1234-1234-123456789012",
    "sk-ant-" + "a" * 30,
    "sk-proj-" + "b" * 30,
    "ghp_" + "c" * 36,
    "xoxb-" + "1234567890-abc",
    "AIza" + "d" * 35,
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12,
    "password: " + "hunter2hunter2",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_secret_is_reported_once_and_never_repeated(secret: str) -> None:
    found = lint(loaded(agent(f"instructions: 'Use {secret} now.'")))
    assert [d.rule for d in found] == ["prompt-secret"]
    assert secret not in f"{found[0].summary} {found[0].hint}"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("jane@petstore.co", True),
        ("jane@example.com", False),
        ("jane@shop.example", False),
        ("+1 415 555 0132", True),
        ("+49 30 901820", True),
        ("078-05-1120", True),
        ("4111 1111 1111 1111", True),
        ("4111 1111 1111 1112", False),
        ("DE89 3704 0044 0532 0130 00", True),
        ("DE89 3704 0044 0532 0130 01", False),
        ("order 12345, 2026-11-25, version 1.2.3", False),
    ],
)
def test_personal_data_is_told_from_other_numbers(text: str, reported: bool) -> None:
    found = hits("prompt-personal-data", lint(loaded(agent(f"instructions: 'Call {text}.'"))))
    assert bool(found) is reported


@pytest.mark.parametrize(
    ("key", "name", "rule"),
    [
        ("Anthropic.claude-sonnet-4-5", "maxTokens", "model-parameter-unknown"),
        ("OpenAI.gpt-4o-mini", "max_token", "model-parameter-unknown"),
        ("OpenAI.gpt-4o-mini", "cost_cap_dollars", "model-parameter-application"),
        ("Bedrock.amazon.nova-pro-v1:0", "maxTokens", None),
        ("Custom.own-model", "anything", None),
    ],
)
def test_parameters_are_checked_by_provider(key: str, name: str, rule: str | None) -> None:
    document = agent("instructions: Hi").replace("OpenAI.gpt-4o-mini", key)
    document = document.replace(
        "        instructions",
        f"        model: {{parameters: {{{name}: 1}}}}\n        instructions",
    )
    if key.startswith("Custom."):
        document += (
            "modelConfigs:\n  Custom.own-model: {name: Own, id: own-model, provider: Custom}\n"
        )
    assert [d.rule for d in lint(loaded(document))] == ([rule] if rule else [])


def test_own_model_config_is_known_online() -> None:
    document = agent("instructions: Hi").replace("OpenAI.gpt-4o-mini", "Custom.own")
    document += "modelConfigs:\n  Custom.own: {name: Own, id: own, provider: Custom}\n"
    assert lint(loaded(document), live()) == []


def test_off_environment_is_not_reported_as_serving_only_disabled() -> None:
    document = agent("instructions: Hi").replace(
        "test: {fallthrough: main}",
        "test: {targets: null, rules: null, fallthrough: main, 'off': true}",
    )
    assert lint(loaded(document)) == []


def test_unknown_rule_in_settings_is_reported() -> None:
    settings = f"{SETTINGS}lint:\n  prompt-singel-brace: off\n"
    found = lint(loaded(agent("instructions: Hi"), settings))
    assert [(d.rule, d.position, d.hint) for d in found] == [
        ("lint-unknown-rule", Position("ldconf.yaml", 4, 3), "did you mean `prompt-single-brace`?")
    ]


def test_weights_that_do_not_sum_are_an_error_with_an_id() -> None:
    document = agent("instructions: Hi").replace(
        "{fallthrough: main}", "{fallthrough: {rollout: {main: 90}}}"
    )
    found = load(Texts({"ldconf.yaml": SETTINGS, "a.yaml": document})).diagnostics
    assert [(d.rule, d.is_error) for d in found] == [("rollout-weights", True)]
