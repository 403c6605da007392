"""Config tests: each expectation, met and missed."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.evaluation import (
    ConfigTest,
    Evaluation,
    Message,
    Miss,
    Reason,
    ReasonKind,
    TextExpectation,
)
from ldconf.evaluation.contexts import parse_object, read_samples
from ldconf.evaluation.expectations import compare, run_tests
from tests.evaluation.test_evaluation_sdk import source

GOT = Evaluation(
    ai_config="bot",
    environment="test",
    variation="one",
    enabled=True,
    reason=Reason(ReasonKind.FALLTHROUGH, "fallthrough"),
    model="gpt-4o",
    tools=("find", "search"),
    messages=(Message("system", "Be kind"), Message("user", "Hello u1")),
)


def config_test(**expected: Any) -> ConfigTest:
    return ConfigTest("a test", "bot", "test", {"key": "u1"}, **expected)


@pytest.mark.parametrize(
    "expected",
    [
        {"variation": "one"},
        {"enabled": True},
        {"model": "gpt-4o"},
        {"tools": frozenset({"search", "find"})},
        {"text": TextExpectation(contains=("kind", "u1"))},
        {"text": TextExpectation(equals="Be kind\n\nHello u1\n")},
        {"text": TextExpectation(matches=r"u\d$")},
    ],
    ids=lambda expected: next(iter(expected)),
)
def test_expectation_that_is_met_says_nothing(expected: dict[str, Any]) -> None:
    assert list(compare(config_test(**expected), GOT)) == []


@pytest.mark.parametrize(
    ("expected", "miss"),
    [
        ({"variation": "two"}, Miss("variation", "two", "one")),
        ({"enabled": False}, Miss("enabled", "false", "true")),
        ({"model": "claude"}, Miss("model", "claude", "gpt-4o")),
        ({"tools": frozenset({"search"})}, Miss("tools", "search", "find, search")),
        ({"tools": frozenset()}, Miss("tools", "none", "find, search")),
        (
            {"text": TextExpectation(contains=("kind", "rude"))},
            Miss("text", "contains 'rude'", "Be kind\n\nHello u1"),
        ),
        ({"text": TextExpectation(equals="Be")}, Miss("text", "Be", "Be kind\n\nHello u1")),
        (
            {"text": TextExpectation(matches="^Hello$")},
            Miss("text", "matches ^Hello$", "Be kind\n\nHello u1"),
        ),
    ],
    ids=lambda value: value.what if isinstance(value, Miss) else "",
)
def test_expectation_that_is_missed_is_told(expected: dict[str, Any], miss: Miss) -> None:
    assert list(compare(config_test(**expected), GOT)) == [miss]


def test_results_hold_what_was_got() -> None:
    tests = [config_test(variation="one"), config_test(variation="two", model="gpt-4o")]
    first, second = run_tests(source(), tests)
    assert first.passed
    assert not second.passed
    assert second.evaluation is not None
    assert second.evaluation.reason.words == "fallthrough"
    assert [miss.what for miss in second.misses] == ["variation"]


def test_context_that_is_none_is_an_error_of_that_test_only() -> None:
    bad = ConfigTest("bad", "bot", "test", {"key": 7}, variation="one")
    first, second = run_tests(source(), [bad, config_test(variation="one")])
    assert first.error is not None
    assert "not a context" in first.error
    assert not first.passed
    assert second.passed


def test_samples_are_read_line_by_line(tmp_path: Any) -> None:
    path = tmp_path / "contexts.jsonl"
    path.write_text('{"key": "a"}\n\n{"kind": "org", "key": "b"}\n')
    assert read_samples(path) == [{"key": "a"}, {"kind": "org", "key": "b"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b'{"key": 1}\n{', ":2: not JSON"), (b"\n[]", ":2: a context is"), (b"\xff", "not UTF-8")],
)
def test_bad_sample_is_named_with_its_line(tmp_path: Any, content: bytes, words: str) -> None:
    path = tmp_path / "contexts.jsonl"
    path.write_bytes(content)
    with pytest.raises(Exception, match=words):
        read_samples(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "7"])
def test_option_that_is_no_object_is_a_usage_error(text: str) -> None:
    with pytest.raises(Exception, match="--context"):
        parse_object(text, "--context")
