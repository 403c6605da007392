"""A small workspace with a running experiment, and the events of people who took part."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from ldconf.emulator.serve import open_local
from tests.e2e.world import World

PROJECT = "lab"
KEY = "two-models"
SETTINGS = "project: lab\nenvironments: [test]\n"
CONFIG = """\
metrics:
  liked:
    {name: Liked, kind: custom, eventKey: "$ld:ai:feedback:user:positive", isNumeric: false,
     successCriteria: HigherThanBaseline, analysisUnits: [user], unitAggregationType: average}
  disliked:
    {name: Disliked, kind: custom, eventKey: "$ld:ai:feedback:user:negative", isNumeric: false,
     successCriteria: LowerThanBaseline, analysisUnits: [user], unitAggregationType: average}
  time:
    {name: Time, kind: custom, eventKey: "$ld:ai:duration:total", isNumeric: true, unit: ms,
     successCriteria: LowerThanBaseline, analysisUnits: [user], unitAggregationType: average,
     analysisType: mean, eventDefault: {disabled: true}}
aiConfigs:
  bot:
    name: Bot
    mode: agent
    variations:
      one: {name: One, modelConfigKey: OpenAI.gpt-4o-mini, instructions: Be kind.}
      two: {name: Two, modelConfigKey: OpenAI.gpt-4o-mini, instructions: Be brief.}
    targeting:
      test: {fallthrough: one, rules: [], targets: []}
experiments:
  two-models:
    name: Two models
    environment: test
    aiConfig: bot
    rule: fallthrough
    hypothesis: Brief answers are liked as much.
    randomizationUnit: user
    methodology: bayesian
    analysisConfig: {bayesianThreshold: 90}
    metrics: [liked, disliked, time]
    primary: liked
    attributes: [country]
    allocation: {one: 50, two: 50}
    control: one
    remainder: one
    decision:
      minimumUnitsPerArm: 100
      plannedUnitsPerArm: 150
      maximumDays: 14
      guardrails: {disliked: {margin: 0, threshold: 95}}
    status: running
    iteration: 1
"""


def laboratory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose experiment is declared, and not applied yet."""
    root = folder / "lab"
    root.mkdir()
    (root / "ldconf.yaml").write_text(SETTINGS)
    (root / "bot.yaml").write_text(CONFIG)
    return World(root, monkeypatch)


def people(number: int, liked: dict[str, float], seed: int = 1) -> list[dict[str, Any]]:
    """Return the events of so many people, half of them in each arm: exposure, then outcome.

    `liked` is the share that likes the answers of a variation; half of the rest dislike them.
    """
    dice = random.Random(seed)
    now = time.time_ns() // 1_000_000
    events: list[dict[str, Any]] = []
    for at in range(number):
        variation = ("one", "two")[at % 2]
        country = ("de", "fr")[at // 2 % 2]
        context = {"kind": "user", "key": f"u{at}", "country": country}
        events.append({"kind": "index", "creationDate": now, "context": context})
        events.append(
            {
                "kind": "feature",
                "creationDate": now,
                "key": "bot",
                "context": {"kind": "user", "key": f"u{at}"},
                "variation": at % 2,
                "version": 1,
                "value": {"_ldMeta": {"variationKey": variation, "version": 1, "enabled": True}},
                "reason": {"kind": "FALLTHROUGH", "inExperiment": True},
            }
        )
        luck = dice.random()
        outcome = [("duration:total", dice.lognormvariate(7 if variation == "one" else 6.5, 0.4))]
        if luck < liked[variation]:
            outcome.append(("feedback:user:positive", 1))
        elif luck > (1 + liked[variation]) / 2:
            outcome.append(("feedback:user:negative", 1))
        events += [
            {
                "kind": "custom",
                "creationDate": now + 1,
                "key": f"$ld:ai:{key}",
                "context": {"kind": "user", "key": f"u{at}"},
                "data": {"configKey": "bot", "variationKey": variation, "version": 1},
                "metricValue": value,
            }
            for key, value in outcome
        ]
    return events


def send(world: World, events: list[dict[str, Any]]) -> None:
    """Send events to the local LaunchDarkly of the workspace, as an SDK does."""

    async def post(host: str, app: Any) -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=host) as http:
            answer = await http.get(
                f"/api/v2/projects/{PROJECT}/environments/test", headers={"Authorization": "api-x"}
            )
            headers = {"Authorization": answer.json()["apiKey"]}
            assert (await http.post("/bulk", json=events, headers=headers)).status_code == 202

    with open_local(world.root / ".ldconf/local" / PROJECT, PROJECT, ()) as access:
        anyio.run(post, access.host, access.app)
