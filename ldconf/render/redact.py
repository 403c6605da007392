"""Plans carry whole prompts. For public repositories a text is replaced by its size and hash."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ldconf.core.resource import Json, sha256

_TEXTS = frozenset({"instructions", "content", "description"})
_LONG = 80


def redacted(name: str, value: Json) -> Json:
    """Return a field's value without its texts: those of prompts, and any other long string."""
    if isinstance(value, str):
        multi_line = "\n" in value
        return _placeholder(value) if name in _TEXTS or len(value) > _LONG or multi_line else value
    if isinstance(value, Mapping):
        return {key: redacted(key, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(name if isinstance(inner, str) else "", inner) for inner in value]
    return value


def plan_file(text: str) -> str:
    """Return a plan file without its texts. Hashes stay, so it can still be applied."""
    whole = json.loads(text)
    for change in whole["changes"]:
        for name, sides in change["fields"].items():
            sides |= {side: redacted(name, sides[side]) for side in ("before", "after")}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _placeholder(text: str) -> str:
    return f"[{len(text)} characters, {sha256(text)[:8]}]"
