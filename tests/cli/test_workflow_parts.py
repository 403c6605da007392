"""Use cases where the commands do not reach every corner."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from ldconf.cli import local
from ldconf.core.address import Address
from ldconf.core.errors import UsageError
from ldconf.core.live import Live
from ldconf.core.resource import Observed
from ldconf.core.workspace import External, Workspace, WorkspaceSettings
from ldconf.emulator.access import READ_ONLY_TOKEN, SERVICE_TOKEN
from ldconf.emulator.app import create_app
from ldconf.emulator.seed import seed
from ldconf.emulator.store import Store
from ldconf.render.checkup import Finding, Level
from ldconf.settings import Connection
from ldconf.workflow import audit, doctor
from ldconf.workflow.imports import first_settings
from ldconf.workflow.interrupt import stop_on_interrupt
from ldconf.workflow.offline import as_live, plan_against
from ldconf.workflow.plan import PlanWish, unmanaged
from ldconf.workflow.site import Site
from tests.e2e.world import PROJECT, World, pet_store
from tests.render.plans import resource

HOST = "http://localhost"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return pet_store(tmp_path, monkeypatch)


@pytest.fixture
def app() -> Iterator[Any]:
    store = Store(None)
    seed(store, PROJECT, ("test", "production"))
    yield create_app(store)
    store.close()


def findings(app: Any, token: str, project: str = PROJECT) -> dict[str, Finding]:
    connection = Connection(HOST, SecretStr(token), app)
    settings = WorkspaceSettings(project, ("test", "production"))
    found = anyio.run(doctor.account, Site(Path(), connection, settings))
    return {one.name: one for one in found}


def test_doctor_names_a_token_that_is_not_accepted(app: Any) -> None:
    assert findings(app, "sdk-123")["token"].level is Level.FAIL


def test_doctor_knows_a_service_token(app: Any) -> None:
    found = findings(app, SERVICE_TOKEN)["token"]
    assert (found.level, "a service token" in found.words) == (Level.OK, True)


def test_doctor_warns_of_a_token_that_cannot_write(app: Any) -> None:
    found = findings(app, READ_ONLY_TOKEN)["token"]
    assert found.level is not Level.FAIL


def test_doctor_names_a_missing_project(app: Any) -> None:
    assert findings(app, "api-known", "nowhere")["project"].level is Level.FAIL


def test_doctor_names_a_host_that_does_not_answer() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    found = findings(silent, "api-known")
    assert any(one.level is Level.FAIL for one in found.values())


def test_first_interrupt_is_noticed_and_the_second_ends() -> None:
    noticed = []

    async def work() -> None:
        async with stop_on_interrupt() as stopped:
            os.kill(os.getpid(), signal.SIGINT)
            while not stopped():
                await anyio.sleep(0.01)
            noticed.append(True)
            os.kill(os.getpid(), signal.SIGINT)
            await anyio.sleep(10)

    with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)):
        anyio.run(work)
    assert noticed == [True]


def test_without_interrupt_nothing_happens() -> None:
    async def work() -> bool:
        async with stop_on_interrupt() as stopped:
            return stopped()

    assert anyio.run(work) is False


def test_offline_plan_sends_nothing(world: World) -> None:
    world.commit()
    for wish in (PlanWish(requests=True), PlanWish(resend=("tools/*",))):
        with pytest.raises(UsageError, match="offline"):
            plan_against(world.root, "HEAD", wish)
    with pytest.raises(UsageError, match="needs a commit"):
        plan_against(world.root, "none", PlanWish())


def test_offline_plan_takes_external_objects_for_granted() -> None:
    external = External(
        {
            "metrics": frozenset({"revenue"}),
            "modelConfigs": None,
            "segments": frozenset({"everywhere"}),
            "segments/test": frozenset({"beta"}),
        }
    )
    files = Workspace(WorkspaceSettings("p", ("test", "production"), external=external), {})
    found = as_live(files, files).observed
    assert {str(address) for address in found} == {
        "metrics/revenue",
        "segments/everywhere/test",
        "segments/everywhere/production",
        "segments/beta/test",
    }


def observed(text: str, meta: dict[str, Any] | None = None, **fields: Any) -> tuple[Any, Observed]:
    address = Address.parse(text)
    return address, Observed(resource(address, **fields), meta=meta or {})


def test_unmanaged_is_what_somebody_made_and_no_file_names() -> None:
    external = External({"metrics": frozenset({"revenue"})})
    settings = WorkspaceSettings("p", ("test",), external=external)
    made = {"type": "object"}
    live = [
        observed("tools/mine", description="x", schema=made),
        observed("tools/by_hand", description="x", schema=made),
        observed("metrics/revenue", kind="custom", eventKey="e", isNumeric=False),
        observed("modelConfigs/Anthropic.x", {"global": True}, name="x", id="x", provider="A"),
        observed("aiConfigs/bot/targeting/test", fallthrough="disabled"),
        observed("aiConfigs/bot/targeting/production", fallthrough="v"),
        observed("segments/beta/test", name="beta"),
        observed("segments/beta/production", name="beta", included=["u1"]),
    ]
    workspace = Workspace(settings, {live[0][0]: live[0][1].resource})
    found = unmanaged(workspace, Live("p", {}, dict(live)))
    assert [str(address) for address in found] == [
        "aiConfigs/bot/targeting/production",
        "segments/beta/production",
        "tools/by_hand",
    ]


@pytest.mark.parametrize(
    ("address", "spec"),
    [
        ("aiConfigs/bot", "proj/p:aiconfig/bot"),
        ("aiConfigs/bot/variations/v", "proj/p:aiconfig/bot"),
        ("aiConfigs/bot/targeting/test", "proj/p:env/test:aiconfig/bot"),
        ("segments/beta/test", "proj/p:env/test:segment/beta"),
        ("tools/t", "proj/p:ai-tool/t"),
        ("metrics/m", "proj/p:metric/m"),
        ("experiments/e", "proj/p:env/*:experiment/e"),
    ],
)
def test_resource_specifier_for_the_audit_log(address: str, spec: str) -> None:
    assert audit.spec("p", Address.parse(address)) == spec


def test_first_settings_take_the_host_of_the_account() -> None:
    env = {"LAUNCHDARKLY_API_HOST": "app.eu.launchdarkly.com"}
    assert first_settings("p", ["test"], env).host == "https://app.eu.launchdarkly.com"
    local_env = {"LAUNCHDARKLY_API_HOST": "http://127.0.0.1:1"}
    assert first_settings("p", [], local_env).host == "https://app.launchdarkly.com"


def test_new_local_project_gets_the_usual_environments(tmp_path: Path) -> None:
    with local.local_connection(tmp_path, WorkspaceSettings("p", ())) as connection:
        found = anyio.run(
            doctor.account, Site(tmp_path, connection, WorkspaceSettings("p", ("x",)))
        )
    (missing,) = [one for one in found if one.is_fail]
    assert missing.hint == "there are test, production"
