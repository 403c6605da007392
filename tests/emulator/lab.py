"""Experiments of the local LaunchDarkly in tests: an agent, metrics, and short ways to call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.emulator.ld import Ld

EXPERIMENTS = "/projects/p/environments/test/experiments"
EVERYTHING = (
    "expand=draftIteration,previousIterations,secondaryMetrics,treatments,analysisConfig,"
    "mutableFieldsByStatus"
)
START = {"kind": "startIteration"}


class Lab:
    """The agent `bot` with variations one, two and three, metrics m and n, and the group g."""

    def __init__(self, ld: Ld, ids: Mapping[str, str]) -> None:
        self.ld = ld
        self.slots = ids

    @classmethod
    async def make(cls, ld: Ld) -> Lab:
        await ld.ai_config("bot", "one", "two", "three")
        for key in ("m", "n"):
            metric = {"key": key, "kind": "custom", "eventKey": key, "isNumeric": False}
            await ld.post("/metrics/p", metric)
        group = {"key": "g", "name": "G", "kind": "standard", "maintainerId": "x", "tags": []}
        body = {**group, "metrics": [{"key": "n"}]}
        await ld.post("/projects/p/metric-groups", body, beta=True)
        return cls(ld, await ld.ids())

    async def version(self) -> int:
        block = (await self.ld.targeting())["environments"]["test"]
        return int(block["_version"])

    def arm(self, variation: str, percent: Any, **fields: Any) -> dict[str, Any]:
        return {
            "name": variation,
            "baseline": variation == "one",
            "allocationPercent": percent,
            "parameters": [{"flagKey": "bot", "variationId": self.slots[variation]}],
            **fields,
        }

    def arms(self, **percents: str) -> list[dict[str, Any]]:
        return [self.arm(variation, percent) for variation, percent in percents.items()]

    async def iteration(self, rule: str = "fallthrough", **fields: Any) -> dict[str, Any]:
        flag = {"ruleId": rule, "flagConfigVersion": await self.version()}
        return {
            "hypothesis": "Two is better",
            "metrics": [{"key": "m"}],
            "primarySingleMetricKey": "m",
            "treatments": self.arms(one="50", two="50"),
            "flags": {"bot": flag},
            **fields,
        }

    async def create(self, key: str = "duel", status: int = 201, **fields: Any) -> Any:
        body = {"key": key, "name": key.title(), "iteration": await self.iteration(), **fields}
        return await self.ld.post(EXPERIMENTS, body, status)

    async def draft(self, key: str = "duel", status: int = 201, **fields: Any) -> Any:
        """Create an experiment whose iteration has these fields."""
        return await self.create(key, status, iteration=await self.iteration(**fields))

    async def patch(
        self, *instructions: Any, key: str = "duel", status: int = 200, **body: Any
    ) -> Any:
        sent = {"instructions": list(instructions), **body}
        return await self.ld.patch(f"{EXPERIMENTS}/{key}", sent, status, semantic=True)

    async def edit(self, status: int = 200, **fields: Any) -> Any:
        """Update fields: each is a value to set, or (operation, value)."""
        return await self.patch(
            {"kind": "updateExperimentFields", "value": edits(**fields)}, status=status
        )

    async def stop(self, winner: str = "one", **fields: Any) -> Any:
        instruction = {
            "kind": "stopIteration",
            "winningTreatmentId": self.slots[winner],
            "winningReason": "enough seen",
        }
        return await self.patch(instruction, **fields)

    async def read(self, key: str = "duel", query: str = EVERYTHING) -> Any:
        return await self.ld.get(f"{EXPERIMENTS}/{key}?{query}")

    async def served(self, rule: int | None = None) -> Any:
        """Return what the fallthrough, or a rule by position, serves; variations by key."""
        block = (await self.ld.targeting())["environments"]["test"]
        slot = block["fallthrough"] if rule is None else block["rules"][rule]
        names = ("disabled", "one", "two", "three")
        if "rollout" not in slot:
            return names[slot["variation"]]
        return [
            (names[arm["variation"]], arm["weight"], not arm.get("_untracked"))
            for arm in slot["rollout"]["variations"]
        ]

    async def seed(self) -> int:
        block = (await self.ld.targeting())["environments"]["test"]
        return int(block["fallthrough"]["rollout"]["seed"])


def edits(**fields: Any) -> dict[str, Any]:
    """Return the map of field updates."""
    return {
        name: dict(zip(("operation", "value"), value, strict=False))
        if isinstance(value, tuple)
        else {"operation": "update", "value": value}
        for name, value in fields.items()
    }
