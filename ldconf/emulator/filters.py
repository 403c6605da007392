"""The `filter` parameter of metrics, segments, groups and approvals: `field operator value`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.emulator.http import bad_request, not_implemented

Test = Callable[[Json, str], bool]
_TERM = re.compile(
    r"\s*(?P<field>\w+)\s+(?P<operator>equals|anyOf|contains)\s+"
    r'(?P<value>\[[^\]]*\]|"[^"]*"|[^,\[\]"]+?)\s*(?:,|\band\b|$)'
)


def parse(text: str | None) -> list[tuple[str, tuple[str, ...]]]:
    """Return (field, wanted values) of each term; all terms must hold. 400 if it is no filter."""
    terms = []
    position = 0
    text = text or ""
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise bad_request(f"invalid filter {text!r}")
        terms.append((match["field"], _values(match["value"])))
        position = match.end()
    return terms


def _values(text: str) -> tuple[str, ...]:
    if not text.startswith(("[", '"')):
        return (text.strip(),)
    try:
        value = json.loads(text)
    except ValueError:
        raise bad_request(f"invalid filter value {text}") from None
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def apply(
    documents: Sequence[Json],
    terms: Sequence[tuple[str, tuple[str, ...]]],
    tests: Mapping[str, Test],
) -> list[Json]:
    """Return the documents for which every term holds for one of its values; 501 for a field that
    the local LaunchDarkly cannot filter by."""
    for name, _ in terms:
        if name not in tests:
            raise not_implemented(f"filter by {name}")
    return [
        document
        for document in documents
        if all(any(tests[name](document, value) for value in values) for name, values in terms)
    ]
