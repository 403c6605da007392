from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from hypothesis import given

from ldconf.core.address import Address
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.documents.overlay import Overlay
from ldconf.documents.pull import pull_from
from tests import build
from tests.documents.random_yaml import Writer, examples, randoms
from tests.properties.worlds import loaded

TEXTS = ["Be kind.", "Be kind.\nBe brief.", "no", "  Sell\n\nmore\n"]
CLAUSES = [{"attribute": "plan", "op": "in", "values": [value]} for value in ("gold", "free")]
SERVED: list[Json] = ["v0", "v1", "disabled", {"rollout": {"v0": 30, "v1": "rest"}}]
MODELS = ["OpenAI.gpt-4o", "Anthropic.claude"]
TOOLS = "tools: {x: {schema: {}}, y: {schema: {}}}\n"
SETTINGS = "project: shop\nenvironments: [test, production]\n"


@dataclass
class World:
    """Files of one AI Config with a family of variations, and a live state that moved."""

    random: Random

    def maybe(self, share: float) -> bool:
        return self.random.random() < share

    def parameters(self) -> dict[str, Json]:
        return {n: self.random.choice([1, 2, [1], {"z": 1}]) for n in "abc" if self.maybe(0.6)}

    def field(self, name: str) -> Json:
        choose = self.random.choice
        found: Mapping[str, Json] = {
            "description": choose(TEXTS),
            "instructions": choose(TEXTS),
            "modelConfigKey": choose(MODELS),
            "model": {"parameters": self.parameters(), "custom": self.parameters()},
            "outputFormat": {"type": "object", **self.parameters()},
            "tools": choose([["x"], ["y", "x"], []]),
            "rules": self.rules(),
            "fallthrough": choose(SERVED),
            "targets": choose([[], [{"variation": "v0", "values": ["ann", "bob"]}]]),
            "name": choose(["A", "B"]),
        }
        return found[name]

    def rules(self) -> list[Json]:
        names = self.random.sample(["one", "two", "three"], self.random.randint(0, 3))
        choose = self.random.choice
        return [
            {"description": name, "clauses": [choose(CLAUSES)], "serve": choose(SERVED)}
            for name in names
        ]

    def fields(self, *names: str) -> dict[str, Json]:
        return {name: self.field(name) for name in names if self.maybe(0.5)}

    def files(self) -> dict[str, str]:
        files = {f"p/{place}.md": f"{self.random.choice(TEXTS)}\n" for place in range(2)}
        variations: dict[str, Json] = {}
        for place in range(4):
            found = self.variation()
            if place and self.maybe(0.7):
                found = {"extends": f"v{self.random.randrange(place)}", **found}
                if "outputFormat" in found and self.maybe(0.3):
                    found["outputFormat"] = {"type": None}
            if place > 1 and self.maybe(0.2):
                found["state"] = "archived"
            variations[f"v{place}"] = found
        test: dict[str, Json] = self.fields("targets", "rules", "fallthrough")
        production = self.fields("targets", "rules", "fallthrough")
        if self.maybe(0.7):
            production["extends"] = "test"
        for one in (test, production):
            if self.maybe(0.15):
                one |= {"off": True, **{"targets": [], "rules": [], "fallthrough": "v0", **one}}
        agent = {"mode": "agent", "variations": variations}
        agent["targeting"] = {"test": test, "production": production}
        writer = Writer(self.random, sharing=self.maybe(0.3))
        document = writer.document({"aiConfigs": {"agent": agent}})
        return {"ldconf.yaml": SETTINGS, "agent.yaml": document, "tools.yaml": TOOLS, **files}

    def variation(self) -> dict[str, Json]:
        names = ("name", "modelConfigKey", "model", "description", "outputFormat", "tools")
        found = self.fields(*names)
        if self.maybe(0.6):
            found["instructions"] = {"file": f"p/{self.random.randrange(2)}.md"}
        elif self.maybe(0.5):
            found["instructions"] = self.field("instructions")
        return found

    def moved(self, live: Live) -> Live:
        observed = dict(live.observed)
        for address, found in live.observed.items():
            values = {n: v for n, v in found.resource.managed().items() if v is not None}
            names = [name for name in values if name not in ("state", "mode")]
            if address.ai_config is None or not self.maybe(0.6):
                continue
            for name in names:
                if self.maybe(0.5):
                    values[name] = self.field(name)
                if name not in ("name", "fallthrough", "modelConfigKey") and self.maybe(0.1):
                    del values[name]
            if address.kind == "variations" and address.key in ("v2", "v3") and self.maybe(0.2):
                values["state"] = "archived"
            observed[address] = build.observed(address, **values)
        return replace(live, observed=observed)


@examples
@given(randoms)
def test_pull_takes_over_what_is_named_and_changes_nothing_else(random: Random) -> None:
    world = World(random)
    files = world.files()
    before = loaded(files)
    live = world.moved(build.as_live(before))
    there = [address for address in before.resources if address in live.observed]
    named = [address for address in there if world.maybe(0.4)] or [Address.of("aiConfigs", "agent")]
    changed = pull_from(Overlay(None, files), before, live, named)
    now = {**files, **changed}
    after = loaded(now)
    assert pull_from(Overlay(None, now), after, live, named) == {}
    for address, resource in before.resources.items():
        if address not in named:
            assert after.resources[address].managed() == resource.managed()
            assert (address in after.off) == (address in before.off)
