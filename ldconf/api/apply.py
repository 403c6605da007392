"""Carrying out a plan: by phase, then by kind, skipping what depends on what did not come about.

No journal: every change is read before and after, so running again converges (design 4.6).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import anyio

from ldconf.api.approve import Approver
from ldconf.api.client import Client
from ldconf.api.facts import WriteFacts
from ldconf.api.readback import model_config_of
from ldconf.api.reader import Progress
from ldconf.api.tasks import concurrently
from ldconf.api.write import Writer
from ldconf.core.address import Address
from ldconf.core.change import (
    Archive,
    Change,
    Delete,
    Phase,
    Plan,
    Restore,
    Step,
    Update,
    step,
)
from ldconf.core.dependency import dependencies, needs, stays_usable
from ldconf.core.errors import (
    ApiError,
    Forbidden,
    LdconfError,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from ldconf.core.kind import Reference
from ldconf.core.live import Live
from ldconf.core.outcome import Applied, Awaiting, Failed, Outcome, Skipped
from ldconf.core.resource import Resource
from ldconf.kinds import KINDS, kind_of

_ORDER = {kind.name: index for index, kind in enumerate(KINDS)}


def _never() -> bool:
    return False


@dataclass(frozen=True)
class ApplyOptions:
    """How to apply. `comment` goes into LaunchDarkly's audit log where the API takes one.

    `commit` is that of the files ("" without git). `stop` is asked before every change: once true,
    the changes in flight are finished and the rest is skipped. `concurrency` bounds how many
    objects are written at a time. `progress` hears of every finished change.
    """

    comment: str = "ldconf"
    commit: str = ""
    concurrency: int = 4
    stop: Callable[[], bool] = _never
    progress: Progress | None = None


DEFAULTS = ApplyOptions()


async def apply(
    plan: Plan, live: Live, client: Client, options: ApplyOptions = DEFAULTS
) -> AsyncIterator[Outcome]:
    """Yield what became of each change, in the order of the plan's phases. Never raises ApiError.

    `live` is the state that the plan was made from: what moved since is not overwritten.
    """
    run = _Run(plan, live, client, options)
    for batch in _batches(plan.changes):
        for outcome in await run.batch(batch):
            yield outcome


class _Run:
    """One apply in progress."""

    def __init__(self, plan: Plan, live: Live, client: Client, options: ApplyOptions) -> None:
        self._options = options
        self._writer = Writer(client, live, WriteFacts(live, options.comment, options.commit))
        self._approver = Approver(client, live.project, plan.approvals, self._writer)
        self._slots = anyio.Semaphore(options.concurrency)
        self._live = live
        self._total = len(plan.changes)
        self._done = 0
        self._halted: str | None = None
        # Why an address cannot be built upon, and the first of each phase that did not come about.
        self._blocked: dict[Address, str] = {}
        self._undone: dict[Step, str] = {}
        self._unclean: dict[Phase, tuple[Address, str]] = {}
        self._needed = dependencies(plan.changes, _references, plan.relies)
        for change in plan.refused:
            if not isinstance(change, Archive | Delete):
                self._block(change, "was refused")
        for conflict in plan.conflicts:
            self._blocked[conflict.address] = "is in conflict"
            self._unclean.setdefault(Phase.STOP, (conflict.address, "is in conflict"))
        for address in [one for one in self._blocked if stays_usable(one, live)]:
            del self._blocked[address]

    async def batch(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Carry out changes of one kind that do not build upon each other."""
        lanes: dict[str, list[int]] = {}
        for index, change in enumerate(changes):
            lanes.setdefault(_lane(change), []).append(index)
        outcomes: dict[int, Outcome] = {}

        async def walk(lane: Sequence[int]) -> None:
            for index in lane:
                async with self._slots:
                    outcomes[index] = await self._perform(changes[index])

        await concurrently([partial(walk, lane) for lane in lanes.values()])
        for index, change in enumerate(changes):
            self._remember(change, outcomes[index])
        return [outcomes[index] for index in range(len(changes))]

    async def _perform(self, change: Change) -> Outcome:
        outcome = self._skipped(change) or await self._write(change)
        self._done += 1
        if self._options.progress is not None:
            self._options.progress(str(change.address), self._done, self._total)
        return outcome

    def _skipped(self, change: Change) -> Skipped | None:
        """Return why a change is not even tried, if so."""
        if self._halted is not None:
            return Skipped(change, None, self._halted)
        if self._options.stop():
            return Skipped(change, None, "interrupted")
        for one in sorted(self._needed.get(step(change), ())):
            if one in self._undone and not stays_usable(one.address, self._live):
                return Skipped(change, one.address, f"{_needing(change, one)} {self._undone[one]}")
        for address in sorted(self._needs(change)):
            if address in self._blocked:
                why = self._blocked[address]
                return Skipped(change, address, f"builds upon {address}, which {why}")
        if change.phase in (Phase.ARCHIVE, Phase.DELETE):
            for phase, (address, why) in sorted(self._unclean.items()):
                # A delete that failed may still use objects of the kinds that come after it.
                user = phase is change.phase is Phase.DELETE and address.kind != change.address.kind
                if phase < change.phase or user:
                    words = f"waits until all else is done, and {address} {why}"
                    return Skipped(change, address, words)
        return None

    def _needs(self, change: Change) -> frozenset[Address]:
        """Return what a change builds upon, a model config that it only re-pins included."""
        needed = set(needs(change, _references))
        fields = change.fields if isinstance(change, Update | Restore) else ()
        if any(diff.field == "modelConfigVersion" for diff in fields):
            used = model_config_of(change, self._writer.facts)
            needed |= {used} if used else set()
        return frozenset(needed - {change.address})

    async def _write(self, change: Change) -> Outcome:
        try:
            if self._approver.is_needed(change):
                return await self._approver.request(change)
            return Applied(change, await self._writer.write(change))
        except LdconfError as error:
            self._halt_if_hopeless(error)
            return Failed(change, error.summary, self._hint(change, error))

    def _halt_if_hopeless(self, error: LdconfError) -> None:
        """Stop early when every further request would end the same way."""
        if isinstance(error, Unauthorized):
            self._halted = "LaunchDarkly no longer accepts the token"
        elif isinstance(error, RateLimited):
            self._halted = "the rate limit stayed exhausted"
        elif isinstance(error, Unreachable) and error.method == "GET":
            self._halted = "LaunchDarkly cannot be reached"

    def _hint(self, change: Change, error: LdconfError) -> str | None:
        """A bare 403 where approvals are on is probably one of them (reference U22)."""
        environment = self._live.environments.get(change.address.environment or "")
        gated = environment and (environment.approvals or environment.approval_tags)
        if isinstance(error, Forbidden) and gated:
            return "this environment requires approvals, or the token's role does not allow this"
        advice = kind_of(change.address).advice
        if isinstance(error, ApiError) and advice and (words := advice(change, error)):
            return words
        if isinstance(error, ApiError) and error.hint is None:
            return "running `ldconf apply` again continues where this one stopped"
        return error.hint

    def _remember(self, change: Change, outcome: Outcome) -> None:
        match outcome:
            case Failed():
                self._block(change, "failed")
            case Skipped():
                self._block(change, "was skipped")
            case Awaiting():
                self._block(change, "awaits an approval")
            case Applied():
                pass

    def _block(self, change: Change, why: str) -> None:
        self._unclean.setdefault(change.phase, (change.address, why))
        self._undone.setdefault(step(change), why)
        self._blocked.setdefault(change.address, why)


def _needing(change: Change, one: Step) -> str:
    if one.address == change.address:
        return f"comes after its `{one.verb}`, which"
    return f"builds upon {one.address}, which"


def _references(address: Address, resource: Resource) -> Sequence[Reference]:
    return kind_of(address).references(address, resource)


def _lane(change: Change) -> str:
    """Changes of one lane are written one after the other.

    One AI Config's variations share their order and its targeting document; kinds that are not
    `parallel` have a single lane.
    """
    kind = kind_of(change.address)
    if not kind.parallel:
        return kind.name
    return change.address.ai_config or str(change.address)


def _batches(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Yield changes by phase, kind, and then by who names whom inside the kind.

    Deletes run backward: users before what they use.
    """
    groups: dict[tuple[Phase, int], list[Change]] = {}
    for change in changes:
        order = _ORDER[change.address.kind]
        place = -order if change.phase is Phase.DELETE else order
        groups.setdefault((change.phase, place), []).append(change)
    for key in sorted(groups):
        yield from _waves(groups[key])


def _waves(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Yield changes of one kind so that each comes after those it names (a cycle: together)."""
    needed = dependencies(changes, _references)
    left = {step(change): change for change in changes}
    while left:
        ready = [change for at, change in left.items() if not needed[at] & left.keys()]
        wave = ready or list(left.values())
        for change in wave:
            del left[step(change)]
        yield wave
