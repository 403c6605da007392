from __future__ import annotations

from hypothesis import given

from ldconf.core.resource import Json, same
from ldconf.documents import yaml
from ldconf.documents.format import format_text
from tests.documents.random_yaml import examples, texts


def read(text: str) -> Json:
    document = yaml.parse(text, "x.yaml")
    assert document.problems == (), text
    return document.value


@examples
@given(texts)
def test_formatting_twice_is_formatting_once(text: str) -> None:
    once = format_text(text, "x.yaml")
    assert format_text(once, "x.yaml") == once


@examples
@given(texts)
def test_formatting_changes_no_value_and_loses_no_comment(text: str) -> None:
    formatted = format_text(text, "x.yaml")
    assert same(read(formatted), read(text))
    assert formatted.count("# note") == text.count("# note")
    assert formatted.count("# why") == text.count("# why")
