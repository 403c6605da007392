"""Which objects a broken document was about: a base must not mistake them for absent ones."""

from __future__ import annotations

import re

from ldconf.core.address import Address
from ldconf.documents.load_settings import NESTED, SECTIONS

_KEY_LINE = re.compile(
    r"^(?P<indent> *)(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>[^\s#'\"\[{][^:#]*)):(?:\s|$)"
)


def salvaged_addresses(text: str) -> set[Address]:
    """Return the addresses that the indented keys of a text spell, right or wrong.

    Too many do no harm: their direction is then unknown rather than guessed.
    """
    found: set[Address] = set()
    open_keys: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = _KEY_LINE.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        while open_keys and open_keys[-1][0] >= indent:
            open_keys.pop()
        open_keys.append((indent, (match["quoted"] or match["plain"]).strip()))
        parts = tuple(key for _, key in open_keys)
        if _is_address(parts):
            found.add(Address(parts))
    return found


def _is_address(parts: tuple[str, ...]) -> bool:
    if parts[0] not in SECTIONS:
        return False
    if parts[0] == "segments":
        return len(parts) == 3
    return len(parts) == 2 or (parts[0] == "aiConfigs" and len(parts) == 4 and parts[2] in NESTED)
