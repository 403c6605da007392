"""The table of design section 9: what base, files and live say together about one value."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Literal, Protocol, TypeAlias

from ldconf.core.resource import Json, same


class Nothing(Enum):
    """What stands in a column of the table that holds no value."""

    ABSENT = "absent"  # not managed there, or no such object
    UNKNOWN = "unknown"  # there is no base to ask


ABSENT: Literal[Nothing.ABSENT] = Nothing.ABSENT
UNKNOWN: Literal[Nothing.UNKNOWN] = Nothing.UNKNOWN
Column: TypeAlias = Json | Nothing


class Row(Enum):
    """A row of the table. `symbol`s and wording belong to the renderers."""

    CREATE = "create"  # - x absent
    ADOPT = "adopt"  # - x y
    ADOPTED = "adopted"  # - x x
    SAME = "same"  # x x x, and x z z (someone was faster)
    INTENDED = "intended"  # x z x, or live is ours
    DRIFT = "drift"  # x x y
    CONFLICT = "conflict"  # x z y
    GONE = "gone"  # x x absent
    GONE_CONFLICT = "gone-conflict"  # x z absent
    RELEASED = "released"  # x dropped any
    UNMANAGED = "unmanaged"  # - dropped any
    UNVERIFIABLE = "unverifiable"  # live is a text that nobody can see


WRITTEN = frozenset({Row.CREATE, Row.ADOPT, Row.INTENDED})
MOVED = frozenset({Row.DRIFT, Row.CONFLICT, Row.GONE, Row.GONE_CONFLICT})


class Equality(Protocol):
    """When two columns hold the same value; fields differ in what they can tell."""

    def in_sync(self, desired: Json, live: Json) -> bool:
        """True if live is exactly what the files say, so that nothing has to be sent."""

    def ours(self, said: Json, live: Json) -> bool:
        """True if live can only have come from a file that said `said`."""

    def unmoved(self, base: Json, desired: Json) -> bool:
        """True if the files still say what they said at the base."""


class Plain:
    """Canonical JSON values: equal or not."""

    def in_sync(self, desired: Json, live: Json) -> bool:
        """See `Equality`."""
        return same(desired, live)

    def ours(self, said: Json, live: Json) -> bool:
        """See `Equality`."""
        return same(said, live)

    def unmoved(self, base: Json, desired: Json) -> bool:
        """See `Equality`."""
        return same(base, desired)


PLAIN = Plain()


def row(
    base: Column,
    desired: Column,
    live: Column,
    history: Iterable[Column] = (),
    equality: Equality = PLAIN,
) -> Row:
    """Return the row of the table that these columns are.

    `history` holds what the files said at the first-parent commits between base and HEAD; live
    values found there are ours, so never drift (ABSENT there: the files removed the object).
    Without a base (UNKNOWN) every difference is a plain change.
    """
    if desired is ABSENT:
        return Row.UNMANAGED if isinstance(base, Nothing) else Row.RELEASED
    said = tuple(history)
    if live is ABSENT:
        if isinstance(base, Nothing) or any(value is ABSENT for value in said):
            return Row.CREATE
        return Row.GONE if equality.unmoved(base, desired) else Row.GONE_CONFLICT
    if equality.in_sync(desired, live):
        return Row.ADOPTED if base is ABSENT else Row.SAME
    if base is ABSENT:
        return Row.ADOPT
    if base is UNKNOWN:
        return Row.INTENDED
    ours = (base, desired, *(value for value in said if not isinstance(value, Nothing)))
    if any(equality.ours(value, live) for value in ours):
        return Row.INTENDED
    return Row.DRIFT if equality.unmoved(base, desired) else Row.CONFLICT
