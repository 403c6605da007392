"""Bringing about one change: fresh read, requests, read-back; and what to do when in doubt.

An answer that may hide success (no answer, 5xx, a disguised rate limit, a duplicate key) is never
believed: the object is read, and the change counts as done exactly if it reads back as wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ldconf.api.answers import is_uncertain
from ldconf.api.client import Client
from ldconf.api.facts import WriteFacts
from ldconf.api.look import POLL_S, Look, WriteError
from ldconf.api.readback import (
    expected,
    half_kept,
    kept,
    lost,
    not_kept,
    remaining,
    verifiable,
    version_of,
)
from ldconf.api.trials import (
    EXPERIMENTS,
    Trials,
    is_running,
    is_same_rule,
    stale_step,
    with_version,
    wrong_share,
)
from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Delete, Transition
from ldconf.core.errors import ApiError, Conflict
from ldconf.core.kind import Kind, Request
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_model import LIFECYCLE

POLLS = 10  # reference Q7: 10 x 2 s until the version advances
UNVERSIONED_POLLS = 3  # nothing tells a late read from a lost write, so give up sooner
CONFLICT_TRIES = 3
CREATE_TRIES = 3


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
        self.eye = Look(self.client, self.live, self.facts, self.trials)

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
        await self.eye.after_step(change)
        return self.requests[change.address]

    async def look(self, kind: Kind, change: Change) -> Observed | None:
        """Return the object as it is now, see `Look.before`."""
        return await self.eye.before(kind, change)

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
            if change.address.kind == EXPERIMENTS and is_same_rule(name, planned, before):
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
        """Send requests in order; a step of an experiment once more if targeting moved on."""
        for index, request in enumerate(requests):
            try:
                await self._send(kind, change, request, requests[index + 1 :])
            except ApiError as error:
                subject = self.trials.subject(change)
                if error.status != 400 or subject is None:
                    raise
                await self._send_with_version(kind, change, requests, error)
                return

    async def _send_with_version(
        self, kind: Kind, change: Change, refused: Sequence[Request], error: ApiError
    ) -> None:
        """A 400 may mean another version of targeting than was sent: read it afresh, then try that
        of the whole document (reference 13.8, U7). Raises the first error that speaks of something
        else than a version, else the last."""
        subject = self.trials.subject(change) or ""
        await self.eye.read_targeting(subject)
        fresh = tuple(kind.requests(change, self.facts))
        whole = self.facts.targeting(subject).get("_version")
        tried, errors = [tuple(refused)], [error]
        for requests in (fresh, tuple(with_version(one, whole) for one in fresh)):
            if requests in tried:
                continue
            tried.append(requests)
            try:
                for request in requests:
                    await self._send(kind, change, request, ())
                return
            except ApiError as later:
                if later.status != 400:
                    raise
                errors.append(later)
        raise next((one for one in errors if not _is_of_version(one)), errors[-1])

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
            observed = await self.eye.read(kind, change)
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
            observed = await self.eye.read(kind, change)
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
            runs = isinstance(change, Transition) and is_running(observed)
            raise WriteError(
                f"{'it runs, but ' if runs else ''}LaunchDarkly did not keep {names}",
                STOP_IT
                if runs
                else "the request was accepted, but the value read back is another one",
            )
        subject = self.trials.subject(change)
        if subject and (why := wrong_share(change, observed, self.facts.targeting(subject))):
            raise WriteError(f"it runs, but {why}", STOP_IT)


STOP_IT = "stop it (`ldconf pull` it first, or in LaunchDarkly): its results would be of others"
_LATE = "reads may lag behind; run `ldconf plan` again in a minute"


def _is_of_version(error: ApiError) -> bool:
    return "version" in (error.message or "").lower()


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
