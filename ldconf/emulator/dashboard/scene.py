"""What the page shows of a project's documents: AI Configs, variations, who gets what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.emulator import library
from ldconf.emulator.database import Ref
from ldconf.emulator.store import ACCOUNT, Store
from ldconf.emulator.targeting_document import DISABLED
from ldconf.kinds import words


@dataclass(frozen=True)
class Arm:
    """A share (percent) of those who are served one variation."""

    variation: str
    percent: float
    tracked: bool = True  # False: served beside an experiment


@dataclass(frozen=True)
class Line:
    """One line of targeting: who, by what name, and what they get."""

    who: str
    arms: tuple[Arm, ...]
    name: str = ""
    experiment: bool = False


@dataclass(frozen=True)
class Place:
    """The targeting of one environment, in the order in which it is looked at."""

    environment: str
    name: str
    lines: tuple[Line, ...]
    enabled: bool
    version: int
    modified_ms: int


@dataclass(frozen=True)
class Variation:
    """The newest version of a variation. `texts` are (label, text)."""

    key: str
    name: str
    version: int
    archived: bool
    model: str
    provider: str
    parameters: Mapping[str, Json]
    custom: Mapping[str, Json]
    tools: tuple[str, ...]
    judges: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    comment: str


@dataclass(frozen=True)
class Config:
    """An AI Config."""

    key: str
    name: str
    mode: str
    description: str
    tags: tuple[str, ...]
    variations: tuple[Variation, ...]
    places: tuple[Place, ...]

    def colour(self, variation: str | None) -> int:
        """Return the number of the colour of a variation, the same all over the page."""
        keys = [found.key for found in self.variations]
        return keys.index(variation) % COLOURS + 1 if variation in keys else 0


COLOURS = 6


def projects(store: Store) -> list[Json]:
    """Return the documents of all projects."""
    return store.documents(ACCOUNT, "projects")


def ai_configs(store: Store, project: str) -> tuple[Config, ...]:
    """Return the AI Configs of a project, in order of creation."""
    return tuple(_config(store, project, found) for found in store.documents(project, "aiConfigs"))


def _config(store: Store, project: str, document: Mapping[str, Json]) -> Config:
    key = document["key"]
    targeting = store.get(Ref(project, "targeting", key))
    names = {found["key"]: found["name"] for found in store.documents(project, "environments")}
    rows = store.documents(project, "variations", key)
    return Config(
        key=key,
        name=document["name"],
        mode=document["mode"],
        description=document["description"],
        tags=tuple(document["tags"]),
        variations=tuple(_variation(store, project, document["mode"], row) for row in rows),
        places=tuple(
            _place(environment, names.get(environment, environment), block, targeting["slots"])
            for environment, block in targeting["environments"].items()
        ),
    )


def _variation(store: Store, project: str, mode: str, row: Mapping[str, Json]) -> Variation:
    model: Mapping[str, Json] = row.get("model") or {}
    known = library.model_config(store, project, row.get("modelConfigKey")) or {}
    judges = (row.get("judgeConfiguration") or {}).get("judges") or ()
    return Variation(
        key=row["key"],
        name=row["name"],
        version=row["version"],
        archived=row["state"] == "archived",
        model=model.get("modelName") or known.get("id") or "",
        provider=known.get("provider") or "",
        parameters=model.get("parameters") or {},
        custom=model.get("custom") or {},
        tools=tuple(f"{tool['key']} v{tool['version']}" for tool in row.get("tools") or ()),
        judges=tuple(judge["judgeConfigKey"] for judge in judges),
        texts=tuple(_texts(mode, row)),
        comment=row.get("comment") or "",
    )


def _texts(mode: str, row: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    if mode == "agent":
        if row.get("instructions"):
            yield "instructions", row["instructions"]
        return
    for message in row.get("messages") or ():
        yield str(message["role"]), str(message["content"])


def _place(
    environment: str, name: str, block: Mapping[str, Json], slots: Sequence[Mapping[str, Json]]
) -> Place:
    key_by_slot = {slot["_id"]: slot["key"] or DISABLED for slot in slots}
    lines = [*_targets(block, key_by_slot), *_rules(block, key_by_slot)]
    who = "everyone else" if lines else "everyone"
    lines.append(_line(who, block["fallthrough"], key_by_slot))
    return Place(
        environment=environment,
        name=name,
        lines=tuple(lines),
        enabled=block["enabled"],
        version=block["_version"],
        modified_ms=block["lastModified"],
    )


def _targets(block: Mapping[str, Json], key_by_slot: Mapping[str, str]) -> Iterator[Line]:
    for target in block["targets"]:
        who = f"{target['contextKind']} {words.named(target['values'], last='or')}"
        yield Line(who, (Arm(key_by_slot[target["variation"]], 100),))


def _rules(block: Mapping[str, Json], key_by_slot: Mapping[str, str]) -> Iterator[Line]:
    for rule in block["rules"]:
        yield _line(
            words.clauses(rule["clauses"]), rule, key_by_slot, name=rule.get("description") or ""
        )


def _line(
    who: str, serve: Mapping[str, Json], key_by_slot: Mapping[str, str], name: str = ""
) -> Line:
    rollout = serve.get("rollout")
    if not rollout:
        return Line(who, (Arm(key_by_slot[serve["variation"]], 100),), name)
    arms = tuple(
        Arm(key_by_slot[arm["variation"]], arm["weight"] / 1000, not arm.get("_untracked"))
        for arm in rollout["variations"]
        if arm["weight"]
    )
    return Line(who, arms, name, experiment="experimentAllocation" in rollout)
