"""Which of the proposed changes go through, which are refused, and what lifted a guard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.change import Change, Refusal, Restore
from ldconf.core.dependency import needs, stays_usable
from ldconf.core.live import RunningExperiment
from ldconf.core.workspace import Consent
from ldconf.kinds.variation_model import ARCHIVED
from ldconf.planning import approvals, guards, limits, protection, usage
from ldconf.planning.compare import STATE
from ldconf.planning.experiment_refusals import EXPERIMENT
from ldconf.planning.graph import references
from ldconf.planning.scene import Scene
from ldconf.planning.ways import Proposed, Way, is_stopped_by


@dataclass
class Verdict:
    """The outcome of the guards; filled in rounds until nothing more follows.

    The steps of one address go through together or not at all.
    """

    allowed: dict[Address, tuple[Change, ...]]
    refused: dict[Address, tuple[Change, ...]] = field(default_factory=dict)
    refusals: dict[Refusal, tuple[Address, ...]] = field(default_factory=dict)
    uses: dict[tuple[Consent, Address | None], None] = field(default_factory=dict)

    def refuse(self, refusal: Refusal, addresses: Iterable[Address]) -> None:
        """Take the changes of these addresses out of what goes through."""
        self.refusals[refusal] = tuple(addresses)
        for address in self.refusals[refusal]:
            changes = self.allowed.pop(address, None)
            if changes is not None:
                self.refused[address] = changes

    def refusals_of(self, addresses: Iterable[Address]) -> Mapping[Refusal, tuple[Address, ...]]:
        """Return the refusals that took these changes out, with all that each took out."""
        wanted = set(addresses)
        return {
            refusal: refused
            for refusal, refused in self.refusals.items()
            if wanted.intersection(refused)
        }


@dataclass(frozen=True)
class Case:
    """What is judged, and what is known of it beforehand.

    `blocked` maps objects that stay as they are (in conflict, deleted in LaunchDarkly) to why;
    what depends on them is refused too. `standing` refusals were found before, with what each
    takes out. `ways` are the running experiments of the files, by address.
    """

    changes: Proposed
    blocked: Mapping[Address, str]
    standing: Mapping[Refusal, tuple[Address, ...]]
    ways: Mapping[Address, Way]


def judge(scene: Scene, case: Case) -> Verdict:
    """Return which changes go through."""
    verdict = Verdict(dict(sorted(case.changes.items())))
    for refusal, addresses in case.standing.items():
        verdict.refuse(refusal, addresses)
    running = _running_after_phase_1(scene, case)
    for address, changes in case.changes.items():
        for change in changes:
            for refusal in guards.check(scene, change, running):
                _refuse_unless_allowed(scene, verdict, refusal, (address,))
    _spread(scene, verdict, case)
    for refusal, addresses in tuple(limits.exceeded(scene, verdict.allowed)):
        _refuse_unless_allowed(scene, verdict, refusal, addresses)
    _spread(scene, verdict, case)
    return verdict


def _running_after_phase_1(scene: Scene, case: Case) -> tuple[RunningExperiment, ...]:
    """Return the experiments that no step stops; a stop that is refused takes along what it would
    have made way for."""
    ended = [way.running for way in case.ways.values() if is_stopped_by(case.changes, way)]
    return tuple(one for one in protection.running(scene) if one not in ended)


def _refuse_unless_allowed(
    scene: Scene, verdict: Verdict, refusal: Refusal, addresses: Iterable[Address]
) -> None:
    consent = scene.consents.find(refusal.address, refusal.allow) if refusal.allow else None
    if consent is not None:
        verdict.uses[consent, refusal.address] = None
    else:
        verdict.refuse(refusal, addresses)


def _spread(scene: Scene, verdict: Verdict, case: Case) -> None:
    """Refuse what depends on refused changes, and what would be retired while in use."""
    while True:
        found = [
            *_dependants(scene, verdict, case.blocked),
            *_kept_running(scene, verdict, case),
            *usage.in_use(scene, verdict.allowed, {*verdict.refused, *case.blocked}),
        ]
        if not found:
            return
        for refusal in found:
            assert refusal.address is not None
            verdict.refuse(refusal, [refusal.address])


def _kept_running(scene: Scene, verdict: Verdict, case: Case) -> Iterator[Refusal]:
    """A stop, what it makes way for, and the restart are refused together (design 4.5)."""
    for address, way in case.ways.items():
        if not is_stopped_by(case.changes, way):
            continue
        if address in verdict.allowed and (why := _in_the_way(scene, verdict, case, way)):
            yield Refusal(
                address,
                EXPERIMENT,
                f"goes on running: {why}",
                hint="lift that first; the stop and all that it makes way for go together",
            )
        elif address in verdict.refused:
            for freed in sorted(way.frees & verdict.allowed.keys()):
                yield Refusal(
                    freed,
                    EXPERIMENT,
                    f"experiment {address.key!r} runs in {way.running.environment}, and its stop"
                    " is refused",
                    hint=f"see {address}; this change follows by itself",
                )


def _in_the_way(scene: Scene, verdict: Verdict, case: Case, way: Way) -> str | None:
    """Return why the stop must not be sent, None if nothing speaks against it."""
    for address in sorted(way.frees):
        if address in verdict.refused:
            return f"{address}, which its stop would make way for, is refused"
        if address in case.blocked:
            return f"{address}, which its stop would make way for, {case.blocked[address]}"
        environment = address.environment
        if environment and approvals.requires(scene, address, environment):
            return f"{address}, which its stop would make way for, needs an approval first"
    for address in sorted(way.conflicts):
        return f"{address}, which its stop would make way for, is in conflict"
    return None


def _dependants(
    scene: Scene, verdict: Verdict, blocked: Mapping[Address, str]
) -> Iterator[Refusal]:
    why = {**dict.fromkeys(verdict.refused, "is refused"), **blocked}
    for address, changes in verdict.allowed.items():
        for needed in sorted({one for change in changes for one in needs(change, references)}):
            if needed == address:
                continue
            if needed in why and not stays_usable(needed, scene.live.live):
                yield Refusal(
                    address,
                    "dependency",
                    f"needs {needed}, which {why[needed]}",
                    hint=f"settle {needed} first; this change follows by itself",
                )
                break
            if _is_archived(scene, verdict, needed):
                yield Refusal(
                    address,
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
    return retired and not any(
        isinstance(change, Restore) for change in verdict.allowed.get(needed, ())
    )
