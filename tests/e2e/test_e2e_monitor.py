"""`monitor`: use per variation, from the local LaunchDarkly and from LaunchDarkly's API."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydantic import SecretStr

from ldconf.core.errors import UsageError
from ldconf.core.usage import Monitoring, Use
from ldconf.emulator.serve import open_local
from ldconf.render.canvas import Look
from ldconf.render.monitoring import text
from ldconf.settings import Connection
from ldconf.workflow.monitor import MonitorWish, monitor, seconds
from ldconf.workflow.site import Site, settings_of
from tests.e2e.world import PROJECT, World
from tests.terminals import watched

LDCONF = Path(sys.executable).with_name("ldconf")
CONTEXT = {"kind": "user", "key": "u1"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def run_events(variation: str | None, version: int, run: str, ms: int, good: bool) -> Iterator[Any]:
    """Yield the events of one request, as the AI SDK sends them (protocol notes 4.3)."""
    data: dict[str, Any] = {"runId": run, "configKey": "pet-store-agent", "version": version}
    if variation is not None:
        data["variationKey"] = variation
    outcome = "success" if good else "error"
    thumb = "positive" if good else "negative"
    for key, value in (
        ("duration:total", ms),
        (f"generation:{outcome}", 1),
        ("tokens:input", 1000),
        ("tokens:output", 100),
        (f"feedback:user:{thumb}", 1),
    ):
        yield {
            "kind": "custom",
            "creationDate": now_ms() - 60_000,
            "key": f"$ld:ai:{key}",
            "context": CONTEXT,
            "data": data,
            "metricValue": value,
        }


EVENTS = [
    *run_events("base-config", 1, "r1", 1000, good=True),
    *run_events("base-config", 1, "r2", 3000, good=True),
    *run_events("base-config", 2, "r3", 500, good=True),
    *run_events("model-variant-2", 1, "r4", 800, good=False),
    *run_events(None, 1, "r5", 10, good=True),
]


@pytest.fixture
def used(applied: World) -> World:
    """The example workspace, applied, after five requests in `test`."""

    async def send(host: str, app: Any) -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=host) as http:
            answer = await http.get(
                f"/api/v2/projects/{PROJECT}/environments/test",
                headers={"Authorization": "api-x"},
            )
            headers = {"Authorization": answer.json()["apiKey"]}
            assert (await http.post("/bulk", json=EVENTS, headers=headers)).status_code == 202

    with open_local(applied.root / ".ldconf/local" / PROJECT, PROJECT, ()) as access:
        anyio.run(send, access.host, access.app)
    return applied


def test_table_has_a_row_per_variation_and_version(used: World) -> None:
    found = used.run("monitor")
    assert found.code == 0
    lines = [" ".join(line.split()) for line in found.out.splitlines()]
    assert "pet-store-agent in test: 5 requests" in lines
    commit = used.git("rev-parse", "HEAD")[:12]
    row = f"base-config v1 {commit} 2 40 % 2.00 s 2.90 s - 2,000 200 0 % 100 % $0.0090"
    assert row in lines
    assert any(line.startswith("base-config v2 - 1 20 % 500 ms") for line in lines)
    assert any("model-variant-2 v1" in line and "100 % 0 %" in line for line in lines)
    assert any(line.startswith("the app's own default v1 - 1 20 %") for line in lines)


def test_versions_name_the_commit_that_they_were_written_from(used: World) -> None:
    first = used.git("rev-parse", "HEAD")
    used.edit("temperature: 0.7", "temperature: 0.5")
    second = used.commit()
    assert used.run("apply", "--yes", "--quiet").code == 0
    uses = used.run("monitor", "--format", "json").json["uses"]
    commits = {(use["variation"], use["version"]): use["commit"] for use in uses}
    assert commits == {
        ("base-config", 1): first,
        ("base-config", 2): second,
        ("model-variant-2", 1): first,
        (None, 1): None,
    }
    used.hot_fix(0.1)  # a version that no commit wrote
    assert used.run("monitor").code == 0


def test_without_a_known_commit_there_is_no_column() -> None:
    use = Use("test", "bot", "one", 1, 4)
    assert "commit" not in text(Monitoring("shop", 0, 1, (use,)), Look())


def test_json_holds_the_same(used: World) -> None:
    found = used.run("monitor", "pet-store-agent", "--environment", "test", "--format", "json").json
    assert found["kind"] == "monitoring"
    assert len(found["uses"]) == 4
    assert sum(use["requests"] for use in found["uses"]) == 5


def test_other_environment_and_ai_config_have_no_use(used: World) -> None:
    for words in (("--environment", "production"), ("no-such-config",)):
        assert "no requests from" in used.run("monitor", *words).out


def test_short_window_leaves_older_events_out(used: World) -> None:
    assert "no requests" in used.run("monitor", "--since", "5s").out
    assert "5 requests" in used.run("monitor", "--since", "10m").out


def test_unknown_environment_is_a_usage_error(used: World) -> None:
    found = used.run("monitor", "--environment", "moon")
    assert (found.code, "ldconf.yaml lists test, production" in found.err) == (64, True)


def test_watch_needs_a_terminal(used: World) -> None:
    assert used.run("monitor", "--watch").code == 64
    assert used.run("monitor", "--watch", "--format", "json").code == 64


def test_watch_draws_until_ctrl_c(used: World) -> None:
    said = watched(used.root, "monitor", "--local", until="model-variant-2")
    assert b"5 requests" in said
    assert b"Traceback" not in said


def test_launchdarkly_tells_means_per_variation(used: World) -> None:
    settings = settings_of(used.root)
    with open_local(used.root / ".ldconf/local" / PROJECT, PROJECT, ()) as access:
        account = Connection(access.host, SecretStr(access.token), access.app, is_local=False)
        site = Site(used.root, account, settings)
        found = anyio.run(monitor, site, MonitorWish(), now_ms())
    assert not found.has_percentiles
    by_variation = {use.variation: use for use in found.uses}
    assert set(by_variation) == {"base-config", "model-variant-2"}
    base = by_variation["base-config"]
    assert (base.requests, base.version, base.mean_ms) == (3, None, 1500)
    assert (base.error_rate, base.satisfaction) == (0, 1)
    assert by_variation["model-variant-2"].error_rate == 1


@pytest.mark.parametrize(
    ("words", "expected"), [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)]
)
def test_durations(words: str, expected: int) -> None:
    assert seconds(words) == expected


@pytest.mark.parametrize("words", ["", "0h", "5", "h", "1w", "-1h", "101d", "1.5h"])
def test_what_is_no_duration_is_a_usage_error(words: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        seconds(words)


def test_means_have_their_own_column_and_colours_only_if_wanted() -> None:
    use = Use("test", "bot", "one", None, 4, mean_ms=1500.0, error_rate=0.5)
    found = Monitoring("shop", 0, 1, (use,), has_percentiles=False)
    plain = text(found, Look())
    assert "mean" in plain
    assert "p95" not in plain
    assert "1.50 s" in plain
    assert "\x1b" not in plain
    assert "\x1b[31m  50 %" in text(found, Look(120, colour=True))


def test_hostile_names_are_shown_by_their_code() -> None:
    use = Use("test", "bot", "a\x1b[2Jb", 1, 1)
    assert "a\\x1b[2Jb" in text(Monitoring("shop", 0, 1, (use,)), Look())
