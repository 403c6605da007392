"""Fingerprints of texts in a version's comment (design section 4.4).

The API may not return `instructions` and `description` of an agent (reference 21 U14). Each write
says in the version's comment what these texts are, so that a later plan can compare them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ldconf.core.resource import normalise_text, sha256

TEXTS = ("instructions", "description")  # of agents; the API may leave them out of answers
COMMENT = re.compile(
    r"ldconf(?: (?!i=|d=)(?P<commit>\S+))?"
    r"(?: i=(?P<instructions>[0-9a-f]{12}))?(?: d=(?P<description>[0-9a-f]{12}))?"
)


def fingerprint(text: str) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of the normalised text."""
    return sha256(normalise_text(text))[:12]


def fingerprints(comment: str | None) -> dict[str, str]:
    """Return field -> fingerprint as a comment of ours states them; {} for any other comment."""
    found = COMMENT.fullmatch(comment or "")
    if found is None:
        return {}
    stated = {name: found[name] for name in TEXTS}
    return {name: value for name, value in stated.items() if value}


def commit_of(comment: str | None) -> str | None:
    """Return the commit that a comment of ours names, None for any other comment."""
    found = COMMENT.fullmatch(comment or "")
    return found["commit"] if found else None


def write_comment(commit: str, stated: Mapping[str, str]) -> str:
    """Return `ldconf COMMIT i=HASH d=HASH`, without what is not known."""
    parts = ["ldconf", commit]
    parts += [
        f"{name[0]}={stated[name]}" for name in ("instructions", "description") if name in stated
    ]
    return " ".join(part for part in parts if part)
