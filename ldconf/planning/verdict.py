"""Which of the proposed changes go through, which are refused, and what lifted a guard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.change import Change, Refusal, Restore
from ldconf.core.dependency import needs, stays_usable
from ldconf.core.workspace import Consent
from ldconf.kinds.variation_model import ARCHIVED
from ldconf.planning import guards, limits, usage
from ldconf.planning.compare import STATE, Scene
from ldconf.planning.graph import references


@dataclass
class Verdict:
    """The outcome of the guards; filled in rounds until nothing more follows."""

    allowed: dict[Address, Change]
    refused: dict[Address, Change] = field(default_factory=dict)
    refusals: dict[Refusal, tuple[Address, ...]] = field(default_factory=dict)
    uses: dict[tuple[Consent, Address | None], None] = field(default_factory=dict)

    def refuse(self, refusal: Refusal, addresses: Iterable[Address]) -> None:
        """Take these changes out of what goes through."""
        self.refusals[refusal] = tuple(addresses)
        for address in self.refusals[refusal]:
            change = self.allowed.pop(address, None)
            if change is not None:
                self.refused[address] = change

    def refusals_of(self, addresses: Iterable[Address]) -> Mapping[Refusal, tuple[Address, ...]]:
        """Return the refusals that took these changes out, with all that each took out."""
        wanted = set(addresses)
        return {
            refusal: refused
            for refusal, refused in self.refusals.items()
            if wanted.intersection(refused)
        }


def judge(
    scene: Scene,
    changes: Mapping[Address, Change],
    blocked: Mapping[Address, str],
    standing: Mapping[Refusal, tuple[Address, ...]],
) -> Verdict:
    """Return which changes go through.

    `blocked` maps objects that stay as they are (in conflict, deleted in LaunchDarkly) to why;
    what depends on them is refused too. `standing` refusals were found in an earlier round.
    """
    verdict = Verdict(dict(sorted(changes.items())))
    for refusal, addresses in standing.items():
        verdict.refuse(refusal, addresses)
    for change in list(changes.values()):
        for refusal in guards.check(scene, change):
            _refuse_unless_allowed(scene, verdict, refusal, (change.address,))
    _spread(scene, verdict, blocked)
    for refusal, addresses in tuple(limits.exceeded(scene, verdict.allowed)):
        _refuse_unless_allowed(scene, verdict, refusal, addresses)
    _spread(scene, verdict, blocked)
    return verdict


def _refuse_unless_allowed(
    scene: Scene, verdict: Verdict, refusal: Refusal, addresses: Iterable[Address]
) -> None:
    consent = scene.consents.find(refusal.address, refusal.allow) if refusal.allow else None
    if consent is not None:
        verdict.uses[consent, refusal.address] = None
    else:
        verdict.refuse(refusal, addresses)


def _spread(scene: Scene, verdict: Verdict, blocked: Mapping[Address, str]) -> None:
    """Refuse what depends on refused changes, and what would be retired while in use."""
    while True:
        found = [
            *_dependants(scene, verdict, blocked),
            *usage.in_use(scene, verdict.allowed, {*verdict.refused, *blocked}),
        ]
        if not found:
            return
        for refusal in found:
            assert refusal.address is not None
            verdict.refuse(refusal, [refusal.address])


def _dependants(
    scene: Scene, verdict: Verdict, blocked: Mapping[Address, str]
) -> Iterator[Refusal]:
    why = {**dict.fromkeys(verdict.refused, "is refused"), **blocked}
    for change in verdict.allowed.values():
        for needed in sorted(set(needs(change, references))):
            if needed in why and not stays_usable(needed, scene.live.live):
                yield Refusal(
                    change.address,
                    "dependency",
                    f"needs {needed}, which {why[needed]}",
                    hint=f"settle {needed} first; this change follows by itself",
                )
                break
            if _is_archived(scene, verdict, needed):
                yield Refusal(
                    change.address,
                    "dependency",
                    f"needs {needed}, which is archived in LaunchDarkly",
                    hint=f"restore it there, or write a consent"
                    f" `{{address: {needed}, allow: [drift]}}`",
                )
                break


def _is_archived(scene: Scene, verdict: Verdict, needed: Address) -> bool:
    """True for a variation that is retired live and that this plan does not bring back."""
    values = scene.live.values(needed) if needed.kind == "variations" else None
    retired = values is not None and values.get(STATE) == ARCHIVED
    return retired and not isinstance(verdict.allowed.get(needed), Restore)
