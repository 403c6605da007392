"""What the unmodified SDKs do in an experiment, as it is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import anyio
import pytest
from ldai.client import LDAIClient
from ldai.tracker import TokenUsage
from ldclient import Context
from pydantic import SecretStr

from ldconf.api.aggregates import read_aggregates
from ldconf.api.client import Client
from ldconf.core.aggregates import Aggregates
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.emulator.store import Store
from tests.emulator.sdk.server import PROJECT, Server
from tests.emulator.sdk.test_sdk_experiments import Duel

TOKENS = "$ld:ai:tokens:total"
UNITS = 60


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Store(randomness=random.Random(5))) as made:
        made.ai_config("bot", "one", "two", "three")
        made.ai_config("judge", "strict")
        yield made


def design(**fields: object) -> ExperimentDesign:
    known: dict[str, object] = {
        "allocation": {"one": 20.0, "two": 30.0},
        "control": "one",
        "metrics": (
            MetricDesign("m", "m", "m", "occurrence"),
            MetricDesign("tokens", "tokens", TOKENS, "average", missing=None),
        ),
        "primary": "m",
        "attributes": ("country",),
        **fields,
    }
    return ExperimentDesign(PROJECT, "duel", "Duel", "test", "bot", **known)  # type: ignore[arg-type]


def counted(server: Server, wanted: ExperimentDesign) -> Aggregates:
    async def read() -> Aggregates:
        async with Client(server.host, SecretStr("api-test")) as client:
            (found,) = await read_aggregates(client, wanted, 2**52)
            return found

    return anyio.run(read)


def context_of(number: int) -> Context:
    user = Context.builder(f"u{number}").set("country", "de" if number % 3 else "fr").build()
    org = Context.builder(f"o{number % 4}").kind("org").build()
    return Context.create_multi(user, org) if number % 2 else user


def test_tracked_events_of_exposed_users_are_counted(server: Server) -> None:
    Duel(server)
    client = server.sdk()
    ai = LDAIClient(client)
    arm: dict[str, str] = {}
    for number in range(UNITS):
        client.track("m", context_of(number))  # before the exposure: does not count
    time.sleep(0.002)
    for number in range(UNITS):
        context = context_of(number)
        agent = ai.agent_config("bot", context)
        arm[f"u{number}"] = (agent.instructions or "").removeprefix("I am ")
        judge = ai.agent_config("judge", context)
        agent.create_tracker().track_tokens(TokenUsage(total=100 + number, input=1, output=1))
        judge.create_tracker().track_tokens(TokenUsage(total=9_000, input=1, output=1))
        if number % 5 == 0:
            client.track("m", context)
    client.track("m", Context.builder("lonely").kind("org").build())
    client.close()
    found = counted(server, design())
    for name, counts in found.arms.items():
        numbers = [number for number in range(UNITS) if arm[f"u{number}"] == name]
        assert numbers, "the traffic reaches every arm"
        assert counts.exposed == len(numbers)
        voted = counts.metrics["m"]
        assert voted.units == len(numbers)
        assert voted.total == sum(number % 5 == 0 for number in numbers)
        tokens = counts.metrics["tokens"]
        assert (tokens.units, tokens.total) == (
            len(numbers),
            sum(100 + number for number in numbers),
        )
        assert list(counts.versions) == [1]
    assert found.events_without_unit == 1
    assert found.unexpected == {}
    shown = {(one.attribute, one.value) for one in found.slices}
    assert shown == {("country", "de"), ("country", "fr")}
    assert sum(a.exposed for one in found.slices for a in one.arms.values()) == found.exposed


def test_units_of_another_kind(server: Server) -> None:
    """Randomized by organization: users of one organization are one unit."""
    server.call("PUT", f"/projects/{PROJECT}/context-kinds/org", {"name": "Org"})
    units = [{"randomizationUnit": "user"}, {"randomizationUnit": "org"}]
    settings = f"/projects/{PROJECT}/experimentation-settings"
    server.call("PUT", settings, {"randomizationUnits": units})
    Duel(server, randomizationUnit="org")
    client = server.sdk()
    ai = LDAIClient(client)
    for number in range(40):
        org = Context.builder(f"o{number % 10}").kind("org").build()
        both = Context.create_multi(Context.create(f"u{number}"), org)
        ai.agent_config("bot", both)
        client.track("m", both)
        client.track("m", Context.create(f"u{number}"))
    client.close()
    found = counted(server, design(unit="org"))
    assert 0 < found.exposed <= 10
    assert sum(arm.metrics["m"].total for arm in found.arms.values()) == found.exposed
    assert found.events_without_unit == 40
