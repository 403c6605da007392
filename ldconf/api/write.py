"""Bringing about one change: fresh read, requests, read-back; and what to do when in doubt.

An answer that may hide success (no answer, 5xx, a disguised rate limit, a duplicate key) is never
believed: the object is read, and the change counts as done exactly if it reads back as wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from ldconf.api.answers import is_uncertain
from ldconf.api.client import Client
from ldconf.api.facts import WriteFacts
from ldconf.api.readback import (
    expected,
    half_kept,
    kept,
    lost,
    not_kept,
    remaining,
    verifiable,
    version_of,
    wanted,
)
from ldconf.api.reader import LiveReader, Wants
from ldconf.api.trials import EXPERIMENTS, Trials, stale_step, wrong_share
from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Delete, Transition
from ldconf.core.dependency import needs
from ldconf.core.errors import ApiError, Conflict, LdconfError
from ldconf.core.kind import Kind, Request
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_model import LIFECYCLE
from ldconf.kinds.targeting_document import VariationIds

POLL_S = 2.0
POLLS = 10  # reference Q7: 10 x 2 s until the version advances
UNVERSIONED_POLLS = 3  # nothing tells a late read from a lost write, so give up sooner
VISIBLE_S = 30.0  # reference U5
CONFLICT_TRIES = 3
CREATE_TRIES = 3


class WriteError(LdconfError):
    """A change that did not come about, although no single request says so."""


@dataclass
class Writer:
    """Carries out changes of one plan, one at a time per object."""

    client: Client
    live: Live
    facts: WriteFacts
    requests: dict[Address, int] = field(default_factory=dict)
    answers: dict[Address, Mapping[str, Json]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trials = Trials(self.live)

    async def write(self, change: Change) -> int:
        """Bring the change about; return how many writes it took. Raises LdconfError."""
        kind = kind_of(change.address)
        self.requests[change.address] = 0
        tries = 0
        while not self.is_there(change, before := await self.look(kind, change)):
            self.refuse_stale(change, before)
            change = remaining(change, before)
            try:
                await self._rounds(kind, change, before)
                break
            except Conflict:  # a concurrent write (reference 1.4): read, judge and try again
                tries += 1
                if tries == CONFLICT_TRIES or isinstance(change, Create):
                    raise
        await self._took(change)
        return self.requests[change.address]

    async def _took(self, change: Change) -> None:
        """Take in what a step of an experiment left; a stop changes targeting by itself."""
        self.trials.took(change, self.facts.live(change.address))
        if (found := self.trials.slot_after(change)) is None:
            return
        place, experiment = found
        waited_s = 0.0
        while True:
            now = await self._read_at(kind_of(place), place, Wants())
            if now is None or not self.trials.still_filled(experiment, now):
                break
            if waited_s >= VISIBLE_S:
                return  # reads lag: what is written there next says so
            await self.client.timing.sleep(POLL_S)
            waited_s += POLL_S
        if now is not None:
            self.trials.accept(place, experiment, now)

    async def look(self, kind: Kind, change: Change) -> Observed | None:
        """Return the object as it is now; for targeting, once every variation it needs is there.

        Not for a create of an object that stands by itself: the plan has just seen it absent.
        """
        subject = self.trials.subject(change)
        if isinstance(change, Create) and change.address.kind != "targeting":
            if subject is not None:
                await self._read_targeting(self._reader(Wants()), subject)
                await self._until_visible(kind, change, subject)
            return None
        observed = await self.read(kind, change)
        if subject is not None:
            await self._until_visible(kind, change, subject)
        if change.address.kind == "targeting":
            await self._until_visible(kind, change, change.address.ai_config or "")
            observed = self.facts.live(change.address)
        return observed

    async def read(self, kind: Kind, change: Change) -> Observed | None:
        """Read the object of a change afresh, and remember it."""
        wants = Wants(fields=wanted(change))
        return await self._read_at(kind, change.address, wants, self.trials.subject(change))

    async def _read_at(
        self, kind: Kind, address: Address, wants: Wants, subject: str | None = None
    ) -> Observed | None:
        """Read an object, and the targeting document that it is about."""
        reader = self._reader(wants)
        observed = self.trials.seen(address, await kind.read(reader, address))
        self.facts.learn(address, observed)
        if address.kind == "targeting":
            subject = address.ai_config
        if subject is not None:
            await self._read_targeting(reader, subject)
        return observed

    async def _read_targeting(self, reader: LiveReader, ai_config: str) -> None:
        """Learn a targeting document; where the kind has read it, it is the same GET."""
        document = await reader.get(_targeting_path(self.live.project, ai_config))
        self.facts.learn_targeting(ai_config, document)

    def _reader(self, wants: Wants) -> LiveReader:
        environments = tuple(self.live.environments.values())
        return LiveReader(self.client, self.live.project, environments, wants)

    async def _until_visible(self, kind: Kind, change: Change, ai_config: str) -> None:
        """Wait until targeting knows every variation that the change names (reference U5)."""
        wanted = _served(kind, change)
        waited_s = 0.0
        while True:
            document = self.facts.targeting(ai_config)
            missing = sorted(wanted - set(VariationIds(document)))
            if not missing:
                return
            if waited_s >= VISIBLE_S:
                raise WriteError(
                    f"variation {missing[0]!r} does not show up in the targeting of "
                    f"{ai_config!r} after {VISIBLE_S:.0f} s",
                    "run `ldconf apply` again in a minute",
                )
            await self.client.timing.sleep(POLL_S)
            waited_s += POLL_S
            if isinstance(change, Create) and change.address.kind != "targeting":
                await self._read_targeting(self._reader(Wants()), ai_config)
            else:
                await self.read(kind, change)

    def is_there(self, change: Change, before: Observed | None) -> bool:
        """True if nothing has to be sent: somebody (or an earlier try) was faster."""
        if isinstance(change, Delete):
            return before is None
        if before is None:
            return False
        return (
            verifiable(change, before)
            and not (set(expected(change)) & before.omitted)
            and not not_kept(change, before, self.facts)
        )

    def refuse_stale(self, change: Change, before: Observed | None) -> None:
        """Raise if LaunchDarkly moved between the plan and now, in what this change writes."""
        if isinstance(change, Create | Delete):
            return
        if before is None:
            raise WriteError(
                "it was deleted in LaunchDarkly since the plan", "run `ldconf plan` again"
            )
        planned = self.trials.planned(change.address)
        if change.address.kind == EXPERIMENTS and (why := stale_step(change, planned, before)):
            raise WriteError(f"{why}; it was left as it is", "run `ldconf plan` again")
        if planned is None:
            return
        then, now = planned.resource.managed(), before.resource.managed()
        omitted = planned.omitted | before.omitted
        for name, value in expected(change).items():
            if isinstance(change, Transition) and name in LIFECYCLE:
                continue
            if name in omitted or same(then.get(name), now.get(name)):
                continue
            if not kept(change, name, value, now.get(name), self.facts):
                raise WriteError(
                    f"`{name}` changed in LaunchDarkly since the plan; it was not overwritten",
                    "run `ldconf plan` again",
                )

    async def _rounds(self, kind: Kind, change: Change, before: Observed | None) -> None:
        """Send, read back, and ask the kind again until it has nothing more to send."""
        for _ in range(max(1, kind.rounds)):
            requests = kind.requests(change, self.facts)
            if not requests:
                break
            version = version_of(before)
            await self._send_all(kind, change, requests)
            before = await self._read_back(kind, change, version)
        if isinstance(change, Create) and before is not None:
            before = await self._complete(kind, change, before)
        self._verify(change, before)

    async def _send_all(self, kind: Kind, change: Change, requests: Sequence[Request]) -> None:
        """Send requests in order.

        A 400 to a step of an experiment may mean that targeting moved on since it was read: then
        the same step, with the version that targeting has now, is tried once more (13.8, U7).
        """
        for index, request in enumerate(requests):
            try:
                await self._send(kind, change, request, requests[index + 1 :])
            except ApiError as error:
                subject = self.trials.subject(change)
                if error.status != 400 or subject is None:
                    raise
                await self._read_targeting(self._reader(Wants()), subject)
                again = kind.requests(change, self.facts)
                if list(again) == list(requests):
                    raise
                for later in again:
                    await self._send(kind, change, later, ())
                return

    async def _complete(self, kind: Kind, change: Create, before: Observed) -> Observed | None:
        """Edit once more what the create did not keep, as the answer to it or a read shows."""
        answer = self.answers.get(change.address)
        rest = lost(change, before, answer, self.facts)
        if rest is None:
            return before
        for request in kind.requests(rest, self.facts):
            await self._send(kind, rest, request, ())
        return await self._read_back(kind, rest, version_of(before))

    async def _send(
        self, kind: Kind, change: Change, request: Request, later: Sequence[Request]
    ) -> None:
        """Send one request; in doubt, find out by reading whether it had its effect."""
        tries = 0
        while True:
            tries += 1
            self.requests[change.address] += 1
            try:
                answer = await self.client.send(request)
                self.answers[change.address] = answer if isinstance(answer, Mapping) else {}
                return
            except ApiError as error:
                doubt = error
            is_create = request.method == "POST"
            if not (is_uncertain(doubt) or (is_create and doubt.status in (400, 409))):
                raise doubt
            if await self._look_for(kind, change, request, doubt, later):
                return
            if not is_create or not is_uncertain(doubt) or tries == CREATE_TRIES:
                raise doubt

    async def _look_for(
        self,
        kind: Kind,
        change: Change,
        request: Request,
        doubt: ApiError,
        later: Sequence[Request],
    ) -> bool:
        """Return True if the object reads back as this request leaves it.

        A create that finds the key taken by something else raises Conflict.
        """
        polls = UNVERSIONED_POLLS if is_uncertain(doubt) else 1
        for poll in range(polls):
            if poll:
                await self.client.timing.sleep(POLL_S)
            observed = await self.read(kind, change)
            if observed is None:
                continue
            wrong = set(half_kept(change, observed, self.facts)) - _names(later)
            if not wrong and (verifiable(change, observed) or _says_so(request, observed)):
                return True
            if request.method == "POST":
                raise Conflict(
                    f"{change.address} exists already, with other content "
                    f"({', '.join(sorted(wrong)) or 'not verifiable'})",
                    method=request.method,
                    path=request.path,
                    status=doubt.status,
                    message=doubt.message,
                    hint="somebody made it since the plan; run `ldconf plan` again",
                )
        return False

    async def _read_back(self, kind: Kind, change: Change, version: int | None) -> Observed | None:
        """Return the object once it shows this write: reads may lag behind (reference 4.6)."""
        for poll in range(POLLS + 1):
            if poll:
                await self.client.timing.sleep(POLL_S)
            observed = await self.read(kind, change)
            if self._has_settled(change, observed, version):
                return observed
            unversioned = observed is not None and version_of(observed) is None
            if unversioned and poll + 1 >= UNVERSIONED_POLLS:
                return observed
        return observed

    def _has_settled(self, change: Change, observed: Observed | None, version: int | None) -> bool:
        if isinstance(change, Delete) or observed is None:
            return isinstance(change, Delete) and observed is None
        if verifiable(change, observed) and not not_kept(change, observed, self.facts):
            return True
        now = version_of(observed)
        return now is not None and (version is None or now > version)

    def _verify(self, change: Change, observed: Observed | None) -> None:
        """Raise unless what LaunchDarkly shows is what was sent."""
        if isinstance(change, Delete):
            if observed is not None:
                raise WriteError("LaunchDarkly still shows it after the delete", _LATE)
            return
        if observed is None:
            raise WriteError("LaunchDarkly does not show it after the write", _LATE)
        if wrong := not_kept(change, observed, self.facts):
            names = ", ".join(f"`{name}`" for name in wrong)
            raise WriteError(
                f"LaunchDarkly did not keep {names}",
                "the request was accepted, but the value read back is another one",
            )
        subject = self.trials.subject(change)
        if subject and (why := wrong_share(change, observed, self.facts.targeting(subject))):
            raise WriteError(
                f"it runs, but {why}", "stop it in LaunchDarkly: its results would be of others"
            )


_LATE = "reads may lag behind; run `ldconf plan` again in a minute"


def _served(kind: Kind, change: Change) -> frozenset[str]:
    """Return the keys of the variations that a targeting change names."""
    named = needs(change, kind.references)
    return frozenset(address.key for address in named if address.kind == "variations")


def _says_so(request: Request, observed: Observed) -> bool:
    """True if a version bears the very comment of this write: its texts may not be returned."""
    comment = request.body.get("comment") if isinstance(request.body, dict) else None
    return comment is not None and comment == observed.comment


def _names(requests: Sequence[Request]) -> frozenset[str]:
    """Return the top-level fields that requests set (plain objects and JSON patches)."""
    names: set[str] = set()
    for request in requests:
        body: Json = request.body
        if isinstance(body, dict) and "patch" in body:
            body = body["patch"]
        if isinstance(body, list):
            names |= {step["path"].strip("/").partition("/")[0] for step in body}
        elif isinstance(body, dict):
            names |= set(body)
    return frozenset(names)


def _targeting_path(project: str, key: str) -> str:
    return f"/projects/{quote(project, safe='')}/ai-configs/{quote(key, safe='')}/targeting"
