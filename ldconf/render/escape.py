"""Text from files and from LaunchDarkly may hold anything; drawings must not obey it.

A prompt or a rule name can hold terminal escapes, characters that reverse the reading direction,
or invisible ones. They are shown by their code, so that a reviewer sees what there is.
"""

from __future__ import annotations

import re

# C0 without newline and tab, DEL, C1, soft hyphen, direction marks and overrides, zero width space
# and no-break space, line and paragraph separators, interlinear marks, surrogates, tag characters.
# Zero width (non-)joiners and variation selectors stay: emoji and several scripts need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Return the text with control, direction and invisible characters written as their codes.

    Newlines and tabs stay.
    """
    return _UNSAFE.sub(_code, text)


def visible_line(text: str) -> str:
    """Return `visible(text)` as one line: newlines and tabs are written as `\\n` and `\\t`."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def json_safe(text: str) -> str:
    """Return JSON text whose unsafe characters are `\\uXXXX` escapes: same value, safe to print."""
    return _UNSAFE.sub(_json_escape, text)


def _code(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _json_escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
