"""Texts that the API does not return: compared by the fingerprints that ldconf left in a comment.

Source: reference 4.6 and 21 U14 (`instructions` and `description` of a variation).
"""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.core.resource import Json, Observed, same
from ldconf.kinds.variation_comment import fingerprint, fingerprints


@dataclass(frozen=True)
class Unseen:
    """A live text that nobody can see; `fingerprint` is what its version's comment says of it."""

    fingerprint: str | None


class Texts:
    """Equality of a text in files with one that may be known by its fingerprint alone."""

    def in_sync(self, desired: Json, live: Json) -> bool:
        """True if the text is the same, as far as a fingerprint can tell."""
        if isinstance(live, Unseen):
            return live.fingerprint is not None and live.fingerprint == fingerprint(desired or "")
        return same(desired, live)

    def ours(self, said: Json, live: Json) -> bool:
        """True if live is the text that a file said."""
        return self.in_sync(said, live)

    def unmoved(self, base: Json, desired: Json) -> bool:
        """True if both texts are equal."""
        return same(base, desired)


TEXTS = Texts()


def unseen(observed: Observed) -> dict[str, Unseen]:
    """Return field -> fingerprint (if any) of the fields that the API did not return."""
    said = fingerprints(observed.comment)
    return {name: Unseen(said.get(name)) for name in sorted(observed.omitted)}


def shown(live: Json) -> Json:
    """Return what can be told of a live value: itself, or its fingerprint."""
    return live.fingerprint if isinstance(live, Unseen) else live
