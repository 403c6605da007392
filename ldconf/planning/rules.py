"""Equality of targeting rules: names that a live rule does not bear yet are lent to it."""

from __future__ import annotations

from ldconf.core.resource import Json, same
from ldconf.kinds.targeting_rules import owed_names, settle


class Rules:
    """Equality of the field `rules` (design section 9, Rules)."""

    def in_sync(self, desired: Json, live: Json) -> bool:
        """True if equal; a name that import gave (`rule-N`) equals a rule that bears none."""
        return self.ours(desired, live) and not owed_names(desired or (), live or ())

    def ours(self, said: Json, live: Json) -> bool:
        """True if equal once nameless live rules bear the name of the file rule that they are.

        A rule is added first and named right after; in between it is ours all the same.
        """
        return same(list(said or ()), settle(said or (), live or ()))

    def unmoved(self, base: Json, desired: Json) -> bool:
        """True if the files still say the same."""
        return same(base, desired)
