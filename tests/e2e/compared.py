"""A running experiment in the example workspace, with events whose outcome is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import anyio
import httpx

from ldconf.emulator.serve import open_local
from tests.e2e.world import PROJECT, World

KEY = "small-or-base"
GOOD = "$ld:ai:feedback:user:positive"
BAD = "$ld:ai:feedback:user:negative"
AGENT = "pet-store-agent"
ARMS = ("base-config", "model-variant-2")
EXPERIMENT = f"""\
# What we compare this month
experiments:
  {KEY}: # asked by Ann
    name: Small or base
    environment: production
    aiConfig: {AGENT}
    hypothesis: The small model does as well
    methodology: bayesian
    metrics: [positive_feedback_rate, negative_feedback_rate]
    primary: positive_feedback_rate
    allocation: {{base-config: 50, model-variant-2: rest}}
    control: base-config
    decision: {{minimumUnitsPerArm: 100, plannedUnitsPerArm: 150, maximumDays: 28,
      guardrails: {{negative_feedback_rate: {{margin: 0, threshold: 95}}}}}}
    status: running # since May
"""


def declare(world: World, text: str = EXPERIMENT) -> str:
    """Write the experiment, commit and apply. Returns the commit."""
    (world.root / "experiments.yaml").write_text(text, encoding="utf-8")
    commit = world.commit("An experiment")
    done = world.run("apply", "--yes", "--quiet")
    assert done.code == 0, done.both
    return commit


def events(rates: tuple[float, float], users: int, bad: float = 0.1) -> Iterator[dict[str, Any]]:
    """Yield exposures of `users` per arm, of whom the shares `rates` gave a thumbs-up."""
    now = time.time_ns() // 1_000_000
    for place, (arm, rate) in enumerate(zip(ARMS, rates, strict=True)):
        for number in range(users):
            context = {"kind": "user", "key": f"{arm}-{number}"}
            yield {
                "kind": "feature",
                "creationDate": now,
                "key": AGENT,
                "version": 7,
                "variation": place + 1,
                "value": {"_ldMeta": {"variationKey": arm, "version": 1, "enabled": True}},
                "reason": {"kind": "FALLTHROUGH", "inExperiment": True},
                "context": context,
            }
            for key, share in ((GOOD, rate), (BAD, bad)):
                if number < share * users:
                    yield {
                        "kind": "custom",
                        "creationDate": now + 1,
                        "key": key,
                        "context": context,
                        "data": {"configKey": AGENT, "variationKey": arm, "version": 1},
                        "metricValue": 1,
                    }


async def send(host: str, app: Any, found: list[dict[str, Any]]) -> None:
    """Send events to the production environment as an SDK does."""
    transport = httpx.ASGITransport(app=app) if app else None
    async with httpx.AsyncClient(transport=transport, base_url=host) as http:
        answer = await http.get(
            f"/api/v2/projects/{PROJECT}/environments/production",
            headers={"Authorization": "api-x"},
        )
        headers = {"Authorization": answer.json()["apiKey"]}
        assert (await http.post("/bulk", json=found, headers=headers)).status_code == 202


def expose(world: World, rates: tuple[float, float], users: int = 200, *, bad: float = 0.1) -> None:
    """Let the local LaunchDarkly have events of users with these shares of thumbs-up."""
    found = list(events(rates, users, bad))
    with open_local(world.root / ".ldconf/local" / PROJECT, PROJECT, ()) as access:
        anyio.run(send, access.host, access.app, found)
