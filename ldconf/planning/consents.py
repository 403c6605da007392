"""Consents: written permissions that lift a guard once (design section 9)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.change import ConsentUse, Note, NoteKind
from ldconf.core.workspace import Consent, Workspace
from ldconf.planning.options import PlanOptions

EVERYTHING = "*"
ONLY_EVERYTHING = frozenset({"deletes", "updates"})


@dataclass(frozen=True)
class Consents:
    """Entries that count (`valid`), entries that the base holds already (`spent`)."""

    valid: tuple[Consent, ...] = ()
    spent: tuple[Consent, ...] = ()
    idle: tuple[Consent, ...] = ()  # would count, but nobody reviewed a plan with them

    @classmethod
    def of(cls, desired: Workspace, base: Workspace | None, options: PlanOptions) -> Consents:
        """Return the consents of the files against the base, and those of the terminal."""
        known = {entry.identity for entry in base.consents} if base else set()
        fresh = tuple(entry for entry in desired.consents if entry.identity not in known)
        spent = tuple(entry for entry in desired.consents if entry.identity in known)
        written, idle = (fresh, ()) if options.file_consents else ((), fresh)
        return cls(_sorted((*written, *options.extra_consents)), _sorted(spent), _sorted(idle))

    def find(self, address: Address | None, allow: str) -> Consent | None:
        """Return the first consent that allows this, None if there is none.

        `deletes` and `updates` speak of the whole apply, so only of the address `*`.
        """
        for entry in self.valid:
            if entry.allow != allow:
                continue
            if allow in ONLY_EVERYTHING:
                if entry.address == EVERYTHING:
                    return entry
            elif address is not None and address.matches(entry.address):
                return entry
        return None

    def notes(self, used: Collection[Consent]) -> Iterator[Note]:
        """Yield one line per consent that this plan does not use."""
        for entry in self.valid:
            if entry not in used:
                yield _note(NoteKind.CONSENT, "still open: ", entry)
        for entry in self.idle:
            yield _note(
                NoteKind.CONSENT, "counts only with a reviewed plan or on a terminal: ", entry
            )
        for entry in self.spent:
            yield _note(NoteKind.SPENT, "consent is spent, its entry may be deleted: ", entry)


def _sorted(entries: Iterable[Consent]) -> tuple[Consent, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.identity))


def use(consent: Consent, address: Address | None) -> ConsentUse:
    """Return the plan line of a consent that lifts a guard at an address."""
    return ConsentUse(address or Address.of(EVERYTHING), consent.allow, consent.because)


def _note(kind: NoteKind, words: str, entry: Consent) -> Note:
    return Note(kind, f"{words}{entry.allow} at {entry.address} ({entry.because})")
