"""Opening an approval request instead of writing (design section 4.11, reference 16)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from ldconf.api.answers import is_uncertain
from ldconf.api.approvals import pending_approvals
from ldconf.api.client import Client
from ldconf.api.reader import LiveReader
from ldconf.api.write import Writer
from ldconf.core.address import Address
from ldconf.core.change import ApprovalNeed, Change
from ldconf.core.errors import ApiError
from ldconf.core.live import PendingApproval
from ldconf.core.outcome import Applied, Awaiting, Failed, Outcome, Skipped
from ldconf.core.resource import Json
from ldconf.kinds import kind_of
from ldconf.kinds.targeting_patch import same_instructions


@dataclass
class Approver:
    """Opens at most one request per AI Config and environment; never approves or applies one."""

    client: Client
    project: str
    needs: Sequence[ApprovalNeed]
    writer: Writer
    _pending: tuple[PendingApproval, ...] | None = None
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    def is_needed(self, change: Change) -> bool:
        """True if the plan says that this change goes through an approval."""
        return any(need.address == change.address for need in self.needs)

    async def request(self, change: Change) -> Outcome:
        """Reuse the pending request with equal instructions, or open one. Raises LdconfError."""
        kind = kind_of(change.address)
        if kind.approval is None:
            return Failed(change, f"a {kind.label} cannot go through an approval request")
        before = await self.writer.look(kind, change)
        if self.writer.is_there(change, before):
            return Applied(change, 0)
        self.writer.refuse_stale(change, before)
        request = kind.approval(change, self.writer.facts)
        steps = request.body["instructions"]
        held = _of(await self._list(), change.address)
        if outcome := _held(change, held, steps):
            return outcome
        try:
            opened = await self.client.send(request)
            return Awaiting(change, str((opened or {}).get("_id") or "?"))
        except ApiError as error:
            doubt = error
        if is_uncertain(doubt):
            held = _of(await self._list(afresh=True), change.address)
            found = [one for one in held if same_instructions(one.instructions, steps)]
            if found:
                return Awaiting(change, found[0].id)
        if doubt.status == 400:  # reference U21
            by_hand = json.dumps(steps, sort_keys=True)
            hint = f"open the approval request by hand with these instructions: {by_hand}"
            return Failed(change, doubt.summary, hint)
        raise doubt

    async def _list(self, afresh: bool = False) -> tuple[PendingApproval, ...]:
        """Return the pending requests of the project, read once per apply unless `afresh`."""
        async with self._lock:
            if self._pending is None or afresh:
                reader = LiveReader(self.client, self.project)
                self._pending = await pending_approvals(reader)
            return self._pending


def _of(pending: Sequence[PendingApproval], address: Address) -> Sequence[PendingApproval]:
    place = (address.ai_config, address.environment)
    return [one for one in pending if (one.ai_config, one.environment) == place]


def _held(
    change: Change, pending: Sequence[PendingApproval], steps: Sequence[Json]
) -> Awaiting | Skipped | None:
    """Return the outcome if a pending request stands for this change or in its way."""
    for one in pending:
        if same_instructions(one.instructions, steps):
            return Awaiting(change, one.id, reused=True)
    if pending:
        reason = f"approval request {pending[0].id} with other instructions is pending; it was left"
        return Skipped(change, None, reason)
    return None
