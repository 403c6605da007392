"""Reading one object afresh, before and after it is written, and waiting for what shows up late."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.api.client import Client
from ldconf.api.facts import WriteFacts
from ldconf.api.readback import wanted
from ldconf.api.reader import LiveReader, Wants
from ldconf.api.trials import Trials
from ldconf.core.address import Address
from ldconf.core.change import Change, Create
from ldconf.core.dependency import needs
from ldconf.core.errors import ApiError, LdconfError
from ldconf.core.kind import Kind
from ldconf.core.live import Live
from ldconf.core.resource import Observed
from ldconf.kinds import kind_of
from ldconf.kinds.ai_config import targeting_path
from ldconf.kinds.targeting_document import VariationIds

POLL_S = 2.0
VISIBLE_S = 30.0  # reference U5


class WriteError(LdconfError):
    """A change that did not come about, although no single request says so."""


@dataclass
class Look:
    """Fresh reads of one apply; every one is remembered in `facts`."""

    client: Client
    live: Live
    facts: WriteFacts
    trials: Trials

    async def before(self, kind: Kind, change: Change) -> Observed | None:
        """Return the object as it is now; of targeting and experiments, once every variation that
        they name is there.

        Not for a create of an object that stands by itself: the plan has just seen it absent.
        """
        subject = self.trials.subject(change)
        if isinstance(change, Create) and change.address.kind != "targeting":
            if subject is not None:
                await self.read_targeting(subject)
                await self._until_visible(kind, change, subject)
            return None
        await self.read(kind, change)
        if change.address.kind == "targeting":
            subject = change.address.ai_config
        if subject is not None:
            await self._until_visible(kind, change, subject)
        return self.facts.live(change.address)

    async def read(self, kind: Kind, change: Change) -> Observed | None:
        """Read the object of a change, and the targeting that the change is about."""
        wants = Wants(fields=wanted(change))
        return await self._read_at(kind, change.address, wants, self.trials.subject(change))

    async def read_targeting(self, ai_config: str, reader: LiveReader | None = None) -> None:
        """Learn a targeting document; from a reader that made this GET already it is that one."""
        path = targeting_path(self.live.project, ai_config)
        document = await (reader or self._reader(Wants())).get(path)
        self.facts.learn_targeting(ai_config, document)

    async def after_step(self, change: Change) -> None:
        """Take in what a step of an experiment left; a stop changes targeting by itself.

        The step is taken, whatever becomes of this read: targeting that was not seen is not
        overwritten later on.
        """
        self.trials.took(change, self.facts.live(change.address))
        found = self.trials.slot_after(change)
        if found is None:
            return
        place, experiment = found
        waited_s = 0.0
        try:
            while True:
                now = await self._read_at(kind_of(place), place, Wants())
                if now is None or not self.trials.still_filled(experiment, now):
                    break
                if waited_s >= VISIBLE_S:
                    return  # reads lag: what is written there next says so
                await self.client.timing.sleep(POLL_S)
                waited_s += POLL_S
        except ApiError:
            return
        if now is not None:
            self.trials.accept(place, experiment, now)

    async def _read_at(
        self, kind: Kind, address: Address, wants: Wants, subject: str | None = None
    ) -> Observed | None:
        reader = self._reader(wants)
        observed = self.trials.seen(address, await kind.read(reader, address))
        self.facts.learn(address, observed)
        if address.kind == "targeting":
            subject = address.ai_config
        if subject is not None:
            await self.read_targeting(subject, reader)
        return observed

    def _reader(self, wants: Wants) -> LiveReader:
        environments = tuple(self.live.environments.values())
        return LiveReader(self.client, self.live.project, environments, wants)

    async def _until_visible(self, kind: Kind, change: Change, ai_config: str) -> None:
        """Wait until targeting knows every variation that the change names (reference U5)."""
        named = needs(change, kind.references)
        wanted = {address.key for address in named if address.kind == "variations"}
        waited_s = 0.0
        while True:
            missing = sorted(wanted - set(VariationIds(self.facts.targeting(ai_config))))
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
            if change.address.kind == "targeting":
                await self.read(kind, change)
            else:
                await self.read_targeting(ai_config)
