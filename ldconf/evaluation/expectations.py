"""What a config test expects, against what a context gets."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator

from ldconf.compile import Source
from ldconf.core.errors import LdconfError
from ldconf.core.evaluation import ConfigTest, Evaluation, Miss, TestResult, TextExpectation
from ldconf.evaluation.sdk import Evaluator, evaluator


def run_tests(source: Source, tests: Iterable[ConfigTest]) -> Iterator[TestResult]:
    """Yield the result of each test, those of one environment together.

    Raises LdconfError without the extra `agent`.
    """
    by_environment: dict[str, list[ConfigTest]] = {}
    for test in tests:
        by_environment.setdefault(test.environment, []).append(test)
    for environment, group in by_environment.items():
        with evaluator(source, environment) as found:
            for test in group:
                yield _result(found, test)


def _result(found: Evaluator, test: ConfigTest) -> TestResult:
    started = time.perf_counter()
    try:
        evaluation = found.evaluate(test.ai_config, test.context, test.variables)
    except LdconfError as err:
        return TestResult(test, None, error=err.summary, seconds=time.perf_counter() - started)
    misses = tuple(compare(test, evaluation))
    return TestResult(test, evaluation, misses, seconds=time.perf_counter() - started)


def compare(test: ConfigTest, got: Evaluation) -> Iterator[Miss]:
    """Yield every expectation that is not met."""
    if test.variation is not None and test.variation != got.variation:
        yield Miss("variation", test.variation, got.variation)
    if test.enabled is not None and test.enabled != got.enabled:
        yield Miss("enabled", _word(test.enabled), _word(got.enabled))
    if test.model is not None and test.model != got.model:
        yield Miss("model", test.model, got.model or "none")
    if test.tools is not None and test.tools != set(got.tools):
        yield Miss("tools", _names(test.tools), _names(got.tools))
    if test.text is not None:
        yield from _text_misses(test.text, got.text)


def _text_misses(expected: TextExpectation, text: str) -> Iterator[Miss]:
    for part in expected.contains:
        if part not in text:
            yield Miss("text", f"contains {part!r}", text)
    if expected.equals is not None and expected.equals.rstrip("\n") != text.rstrip("\n"):
        yield Miss("text", expected.equals, text)
    if expected.matches is not None and not re.search(expected.matches, text):
        yield Miss("text", f"matches {expected.matches}", text)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _word(value: bool) -> str:
    return "true" if value else "false"
