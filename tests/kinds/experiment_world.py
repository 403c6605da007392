"""An AI Config with metrics on a local LaunchDarkly, and one experiment brought about by its kind
alone: read, ask for requests, send, read again. No planner, no writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from ldconf.api.client import Client
from ldconf.api.facts import WriteFacts
from ldconf.api.live import read_live
from ldconf.api.reader import LiveReader
from ldconf.core.address import Address
from ldconf.core.change import Change, Create, FieldDiff, Phase, Transition, Update
from ldconf.core.kind import Request
from ldconf.core.resource import Json, Observed
from ldconf.emulator.app import create_app
from ldconf.emulator.faults import Faults
from ldconf.emulator.store import Store
from ldconf.kinds.experiment import EXPERIMENT, Experiment
from ldconf.kinds.experiment_fields import differences
from ldconf.kinds.targeting import TARGETING, Targeting

PROJECT, HOST = "shop", "http://127.0.0.1"
ADDRESS = Address.of("experiments", "e")
TARGETING_PATH = "/projects/shop/ai-configs/bot/targeting"
FIELDS: Mapping[str, Json] = {
    "name": "Which model",
    "environment": "production",
    "aiConfig": "bot",
    "rule": {"description": "VIP"},
    "hypothesis": "B is better",
    "randomizationUnit": "user",
    "methodology": "bayesian",
    "analysisConfig": {"bayesianThreshold": 90},
    "metrics": ["solved", {"key": "group", "isGroup": True}],
    "primary": "solved",
    "allocation": {"a": 40, "b": 12.5},
    "control": "a",
    "remainder": "c",
    "status": "draft",
}
ONE = {"clauses": [{"attribute": "plan", "op": "in", "values": ["vip"]}], "serve": "a"}


def experiment(**fields: Json) -> Experiment:
    """Return the experiment with other fields; None takes one away."""
    values = {**FIELDS, **fields}
    return Experiment.model_validate({k: v for k, v in values.items() if v is not None})


def restricted(whole: Experiment, *names: str) -> Experiment:
    """Return only these fields as managed, as the planner sends an update."""
    given = {name for name in whole.model_fields_set if name in names}
    kept = {name: getattr(whole, name) for name in (*given, "ai_config", "environment")}
    return Experiment.model_construct(_fields_set=given, **kept)


_FILLED: list[Store] = []


@dataclass
class ExperimentWorld:
    """The account. `sent` are the writes of experiments, in order."""

    store: Store
    faults: Faults = field(default_factory=Faults)
    now: float = 1_790_000_000.0
    sent: list[Request] = field(default_factory=list)

    @classmethod
    async def new(cls) -> ExperimentWorld:
        """Return a copy of the one account that is filled."""
        if not _FILLED:
            world = cls(Store(None))
            world.store.ensure_project(PROJECT, ("test", "production"))
            async with world.client() as client:
                await world._fill(client)
            _FILLED.append(world.store)
        return cls(_FILLED[0].clone())

    def client(self) -> Client:
        async def sleep(seconds: float) -> None:
            self.now += seconds

        return Client(
            HOST,
            SecretStr("api-token"),
            app=create_app(self.store, self.faults),
            clock=lambda: self.now,
            sleep=sleep,
            jitter=lambda: 0.0,
        )

    async def _fill(self, client: Client) -> None:
        metric = {"kind": "custom", "isNumeric": False, "randomizationUnits": ["user"]}
        for key in ("solved", "slow"):
            body = {"key": key, "name": key, "eventKey": key, **metric}
            await client.send(Request("POST", "/metrics/shop", body))
        group = {
            "key": "group",
            "name": "Group",
            "kind": "standard",
            "maintainerId": "5f0cd446a77cba0b4c5644a7",
            "tags": [],
            "metrics": [{"key": "slow"}],
        }
        await client.send(Request("POST", "/projects/shop/metric-groups", group, beta=True))
        config = {"key": "bot", "name": "Bot", "mode": "agent"}
        await client.send(Request("POST", "/projects/shop/ai-configs", config))
        for key in "abc":
            body = {"key": key, "name": f"Variation {key}", "instructions": "x"}
            await client.send(Request("POST", "/projects/shop/ai-configs/bot/variations", body))
        rules = [{"description": "VIP", **ONE}]
        await self._target(client, Targeting.model_validate({"rules": rules, "fallthrough": "a"}))

    async def _target(self, client: Client, wanted: Targeting) -> None:
        address = Address.parse("aiConfigs/bot/targeting/production")
        for _ in range(3):
            facts = await self._facts(client)
            for request in TARGETING.requests(Create(address, wanted), facts):
                await client.send(request)

    async def _facts(self, client: Client) -> WriteFacts:
        live = await read_live(client, PROJECT)
        facts = WriteFacts(live, "ldconf 0123abc", "0123abc")
        facts.learn_targeting("bot", await client.get(TARGETING_PATH))
        return facts

    async def read(self) -> Observed | None:
        """Return the experiment as the kind reads it by itself."""
        async with self.client() as client:
            return await EXPERIMENT.read(LiveReader(client, PROJECT), ADDRESS)

    async def bring(self, change: Change) -> Observed:
        """Bring a change about; return what is live then."""
        async with self.client() as client:
            for _ in range(EXPERIMENT.rounds):
                facts = await self._facts(client)
                requests = EXPERIMENT.requests(change, facts)
                if not requests:
                    break
                for request in requests:
                    self.sent.append(request)
                    await client.send(request)
        found = await self.read()
        assert found is not None
        return found

    async def create(self, **fields: Json) -> Observed:
        return await self.bring(Create(ADDRESS, experiment(**fields), Phase.EXPERIMENTS))

    async def update(self, live: Observed, **fields: Json) -> Observed:
        """Edit what differs, as the planner's update does."""
        wanted = experiment(**fields)
        changed = differences(live.resource.managed(), wanted.managed())
        diffs = tuple(FieldDiff(name, None, after) for name, after in changed.items())
        names = {one.alias: name for name, one in Experiment.model_fields.items()}
        after = restricted(wanted, *(names[name] for name in changed))
        return await self.bring(Update(ADDRESS, after, diffs))

    async def step(self, verb: str, **fields: Json) -> Observed:
        return await self.bring(Transition(ADDRESS, verb, experiment(**fields)))
