"""The agent on the local LaunchDarkly, through the unmodified SDK: real streams, real events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from ldconf.agent.choices import Framework, Models
from ldconf.agent.choose import make_runner
from ldconf.agent.connect import Access, access, launchdarkly
from ldconf.agent.pet_store import PetStoreAgent
from ldconf.agent.pet_store_defaults import PET_STORE_AGENT
from ldconf.agent.task import Conversation
from ldconf.core.errors import LdconfError, SettingsError
from ldconf.emulator.serve_sdk import SdkAccess, open_sdk
from tests.agent.shop import PREMIUM, PRICE
from tests.e2e.world import PROJECT, World, pet_store

ENVIRONMENTS = ("test", "production")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = pet_store(tmp_path, monkeypatch)
    assert found.run("apply", "--yes", "--quiet").code == 0
    return found


@pytest.fixture
def local(world: World) -> Iterator[SdkAccess]:
    state = world.root / ".ldconf" / "local" / PROJECT
    with open_sdk(state, PROJECT, ENVIRONMENTS, "test") as found:
        yield found


def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> float:
    """Wait until something holds; return how long it took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < within_s, "it never happened"
        time.sleep(0.005)
    return time.monotonic() - started


@pytest.mark.parametrize("framework", list(Framework), ids=str)
def test_apply_changes_the_next_answer_of_a_running_agent(
    framework: Framework, world: World, local: SdkAccess
) -> None:
    runner = make_runner(framework, Models.SIMULATED, {})
    with launchdarkly(Access.at(local.host, local.sdk_key)) as client:
        agent = PetStoreAgent(client, runner, PET_STORE_AGENT)
        talk = Conversation("talk", remember=True)
        before = agent.ask(PRICE, PREMIUM, talk)
        assert before.variation == "base-config"
        assert "15 % off: $46.74" in before.text
        prompt = "prompts/pet-store-agent.md"
        world.edit("15 % discount", "20 % discount", prompt)
        assert world.run("apply", "--yes", "--quiet").code == 0
        took = eventually(lambda: "20 % off: $43.99" in agent.ask(PRICE, PREMIUM, talk).text)
        assert took < 1


def test_kill_switch_reaches_a_running_agent(world: World, local: SdkAccess) -> None:
    runner = make_runner(Framework.PLAIN, Models.SIMULATED, {})
    with launchdarkly(Access.at(local.host, local.sdk_key)) as client:
        agent = PetStoreAgent(client, runner, PET_STORE_AGENT)
        assert agent.ask(PRICE, PREMIUM, Conversation("t")).reason == ""
        world.edit(
            "    targeting:\n      test:\n", "    targeting:\n      test:\n        off: true\n"
        )
        assert world.run("apply", "--yes", "--quiet").code == 0
        eventually(lambda: "switched off" in agent.ask(PRICE, PREMIUM, Conversation("t")).reason)


def test_events_arrive_by_variation(world: World, local: SdkAccess) -> None:
    runner = make_runner(Framework.PLAIN, Models.SIMULATED, {})
    with launchdarkly(Access.at(local.host, local.sdk_key)) as client:
        agent = PetStoreAgent(client, runner, PET_STORE_AGENT)
        for _ in range(3):
            answer = agent.ask(PRICE, PREMIUM, Conversation("t"))
        agent.feedback(answer, positive=True)
    base = f"/projects/{PROJECT}/ai-configs/pet-store-agent/metrics-by-variation"
    now_ms = int(time.time() * 1000)
    query = f"?from={now_ms - 600_000}&to={now_ms + 600_000}&env=test"
    found = world.rest("GET", base + query)
    (one,) = [row for row in found if row.get("variationKey") == "base-config"]
    assert one["metrics"]["generationCount"] == 3
    assert one["metrics"]["thumbsUp"] == 1
    assert one["metrics"]["totalTokens"] == 3 * answer.result.tokens.total


def test_unreachable_launchdarkly_answers_from_the_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    nowhere = "http://127.0.0.1:9"
    reach = Access(SecretStr("sdk-x"), nowhere, nowhere, nowhere, wait_s=0.2)
    for framework in Framework:
        runner = make_runner(framework, Models.SIMULATED, {})
        with launchdarkly(reach) as client:
            agent = PetStoreAgent(client, runner, PET_STORE_AGENT)
            answer = agent.ask(PRICE, PREMIUM, Conversation("t"))
        assert (answer.variation, answer.reason) == (None, "LaunchDarkly cannot be reached")
        # the SDK renders the texts of the default for the user
        assert "get_customer" in answer.result.tool_calls


def test_unknown_environment_names_the_known_ones(world: World) -> None:
    state = world.root / ".ldconf" / "local" / PROJECT
    with (
        pytest.raises(LdconfError, match="no environment 'staging'") as caught,
        open_sdk(state, PROJECT, ENVIRONMENTS, "staging"),
    ):
        pass
    assert "test, production" in (caught.value.hint or "")


def test_state_served_by_another_process_is_used(world: World, local: SdkAccess) -> None:
    state = world.root / ".ldconf" / "local" / PROJECT
    with open_sdk(state, PROJECT, ENVIRONMENTS, "production") as other:
        assert other.host == local.host
        assert other.sdk_key != local.sdk_key


def test_defaults_of_the_agent_are_up_to_date(world: World) -> None:
    shipped = Path(__file__).parents[2] / "ldconf" / "agent" / "pet_store_defaults.py"
    found = world.command("defaults", "--python", str(shipped), "--check")
    assert found.code == 0, found.both


def test_access_is_named_by_the_environment() -> None:
    assert access({"LAUNCHDARKLY_SDK_KEY": "sdk-1"}) == Access(SecretStr("sdk-1"))
    env = {"LAUNCHDARKLY_SDK_KEY": "sdk-1", "LD_BASE_URI": "http://b", "LD_EVENTS_URI": "http://e"}
    assert access(env) == Access(SecretStr("sdk-1"), "http://b", "http://b", "http://e")


def test_missing_sdk_key_names_both_ways() -> None:
    with pytest.raises(SettingsError) as caught:
        access({})
    assert "LAUNCHDARKLY_SDK_KEY" in (caught.value.hint or "")
    assert "--local" in (caught.value.hint or "")


def test_sdk_key_from_aws(world: World, monkeypatch: pytest.MonkeyPatch, local: SdkAccess) -> None:
    """Against moto's server over HTTP; boto3 finds it by its own variable."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        secret = f'{{"sdk": "{local.sdk_key}"}}'
        boto3.client("secretsmanager").create_secret(Name="shop/ld", SecretString=secret)
        monkeypatch.setenv("LAUNCHDARKLY_SDK_KEY", "aws-secretsmanager:shop/ld#sdk")
        monkeypatch.setenv("LD_BASE_URI", local.host)
        found = world.command("agent", "ask", PRICE, "--attr", "subscription_status=premium")
    finally:
        server.stop()
    assert "Doggy Delights (DD006)" in found.out
    assert "variation base-config" in found.err
