"""10,000 contexts get the same variation from a served SDK, in every mode, as from one that reads
a file of the same flags, compiled from the same workspace without any server."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from ldclient import Config, Context, LDClient
from ldclient.integrations import Files

from ldconf.compile import compile_environment, workspace_source
from ldconf.emulator.events.store import EventStore
from ldconf.kinds.clause import OPERATORS
from tests.emulator.sdk.server import Server
from tests.properties.worlds import ENVIRONMENTS, PROJECT, World, all_applied, loaded

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere

Answer = tuple[str, Any]  # variation and reason
MODES = ("FDv1 stream", "FDv1 poll", "FDv2", "FDv2 poll", "FDv2 stream")
CONTEXTS = 10_000
DATES: list[Any] = ["2019-05-05T00:00:00Z", 1_577_836_800_000, 1_764_633_600_000]
DATES += [f"2024-0{month}-01T10:00:00+02:00" for month in range(1, 10)] * 9
EVERYTHING = (Path(__file__).parent / "everything.yaml").read_text()
SETTINGS = json.dumps({"project": PROJECT, "environments": list(ENVIRONMENTS)})
WORKSPACE = {"ldconf.yaml": SETTINGS, "everything.yaml": EVERYTHING}


def context(random: random.Random, number: int) -> Context:
    """Return one of many different contexts: users, organisations, or both."""
    email = f"{random.choice('abcdxyz')}{number}@{random.choice(['ends.org', 'inner.org', 'x.io'])}"
    user: dict[str, Any] = {
        "key": f"u-{number}",
        "n": random.choice([1, "1", 2, True, [3, 2], *range(10, 300)]),
        "email": email,
        "age": random.choice([random.uniform(0, 100), random.randrange(100), "4"]),
        "since": random.choice(DATES),
        "app": f"{random.randrange(10)}.{random.randrange(12)}" + random.choice(["", ".0", ".7"]),
        "plan": random.choice(["gold", "silver", "tin", None]),
        "address": {"city": random.choice(["Rome", "Oslo", "Lima", "Bonn", "Kyiv"])},
    }
    org = {"key": f"o-{random.randrange(60)}", "size": random.randrange(100)}
    for name in random.sample(sorted(set(user) - {"key"}), random.randrange(6)):
        del user[name]
    match random.randrange(4):
        case 0:
            return Context.from_dict({"kind": "org", **org})
        case 1:
            return Context.from_dict({"kind": "multi", "user": user, "org": org})
        case _:
            return Context.from_dict({"kind": "user", **user})


def answers(client: LDClient, contexts: list[Context]) -> list[Answer]:
    """Return variation and reason for each context, ids of rules left out: files have none."""
    found = []
    for one in contexts:
        detail = client.variation_detail("bot", one, None)
        reason = {name: value for name, value in detail.reason.items() if name != "ruleId"}
        found.append((detail.value["_ldMeta"].get("variationKey", "disabled"), reason))
    return found


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    """The workspace, applied through the REST API."""
    world = World()
    assert all_applied(anyio.run(world.apply, loaded(WORKSPACE)))
    with Server(world.store, EventStore()) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flags")


# Not fixtures: those are traced, and this takes seconds then.
@cache
def contexts() -> list[Context]:
    draw = random.Random(10_000)
    return [context(draw, number) for number in range(CONTEXTS)]


@cache
def expected(folder: Path) -> list[Answer]:
    """What an SDK answers that reads a file of compiled flags, without a server."""
    path = folder / "flags.json"
    path.write_text(json.dumps(compile_environment(workspace_source(loaded(WORKSPACE)), "test")))
    source = Files.new_data_source(paths=[str(path)])
    client = LDClient(Config("sdk-file", update_processor_class=source, send_events=False))
    assert client.is_initialized()
    found = answers(client, contexts())
    client.close()
    return found


@pytest.mark.parametrize("mode", MODES)
def test_served_and_file_agree(served: Server, folder: Path, mode: str) -> None:
    with served.connected(mode, sdk_key=sdk_key(served), send_events=False) as client:
        assert answers(client, contexts()) == expected(folder)


def test_the_contexts_reach_every_rule_and_variation(folder: Path) -> None:
    variations = {variation for variation, _ in expected(folder)}
    rules = {reason.get("ruleIndex") for _, reason in expected(folder)}
    workspace = loaded(WORKSPACE)
    keys = {address.key for address in workspace.resources if address.kind == "variations"}
    assert variations == keys | {"disabled"}
    assert rules == {None, *range(18)}
    for operator in OPERATORS:
        assert f"op: {operator}," in EVERYTHING


def sdk_key(served: Server) -> str:
    found = served.store.documents(PROJECT, "environments")
    return str(next(one["apiKey"] for one in found if one["key"] == "test"))
