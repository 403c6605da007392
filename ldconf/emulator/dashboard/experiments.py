"""The experiments of the page: where they stand, their arms, and who was exposed to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldconf.core import figures
from ldconf.core.resource import Json
from ldconf.emulator.dashboard.markup import Child, Markup, el
from ldconf.emulator.dashboard.pieces import chip, empty, swatch, table, when
from ldconf.emulator.dashboard.scene import Config
from ldconf.emulator.dashboard.telemetry import Exposed
from ldconf.emulator.database import Ref
from ldconf.emulator.experiments.rollout import FALLTHROUGH, subject
from ldconf.emulator.store import Store
from ldconf.emulator.targeting_document import DISABLED
from ldconf.kinds import words
from ldconf.kinds.experiment_live import iterations

_HEADS = ("Experiment", "Status", "Iteration", "Arms")


@dataclass(frozen=True)
class Treatment:
    """One arm."""

    variation: str
    percent: float
    is_control: bool
    is_winner: bool


@dataclass(frozen=True)
class Experiment:
    """The newest iteration of an experiment: its draft, else the current one. `exposed` says which
    exposures are its own; None before it starts."""

    key: str
    name: str
    environment: str
    ai_config: str
    status: str  # draft | running | stopped
    since_ms: int
    number: int  # of the iteration, from 1
    hypothesis: str
    treatments: tuple[Treatment, ...]
    exposed: Exposed | None


def found(store: Store, project: str) -> list[Experiment]:
    """Return the experiments of a project that are not archived, in order of creation."""
    return [
        _experiment(store, project, one)
        for _, one in store.children(project, "experiments")
        if not one.get("archivedDate")
    ]


def _experiment(store: Store, project: str, document: Mapping[str, Json]) -> Experiment:
    iteration = document.get("draftIteration") or document["currentIteration"]
    key, _ = subject(iteration)
    targeting = store.get(Ref(project, "targeting", key)) or {"slots": ()}
    names = {slot["_id"]: slot["key"] or DISABLED for slot in targeting["slots"]}
    started = iteration.get("startedAt")
    return Experiment(
        key=document["key"],
        name=document["name"],
        environment=document["environmentKey"],
        ai_config=key,
        status={"not_started": "draft"}.get(iteration["status"], iteration["status"]),
        since_ms=iteration.get("endedAt") or started or iteration["createdAt"],
        number=len(iterations(document)),
        hypothesis=iteration["hypothesis"],
        treatments=tuple(
            Treatment(
                variation=names.get(arm["parameters"][0]["variationId"], arm["name"]),
                percent=float(arm["allocationPercent"]),
                is_control=arm["baseline"],
                is_winner=arm["_id"] == iteration.get("winningTreatmentId"),
            )
            for arm in iteration["treatments"]
        ),
        exposed=None if started is None else _exposed(document["environmentKey"], iteration),
    )


def _exposed(environment: str, iteration: Mapping[str, Json]) -> Exposed:
    key, flag = subject(iteration)
    rule = flag["targetingRule"]
    return Exposed(
        environment=environment,
        ai_config=key,
        rule=None if rule == FALLTHROUGH else rule,
        unit=iteration["randomizationUnit"],
        since_ms=iteration["startedAt"],
        until_ms=iteration.get("endedAt"),
    )


def experiments(
    shown: Sequence[Experiment],
    configs: Sequence[Config],
    units: Sequence[Mapping[str, int] | None],
) -> Markup:
    """Return a table of experiments. `units` are the exposed ones by variation, for each."""
    if not shown:
        return empty("No experiments yet.")
    by_key = {config.key: config for config in configs}
    rows = [
        _row(one, by_key.get(one.ai_config), counted)
        for one, counted in zip(shown, units, strict=True)
    ]
    return table("Experiments", _HEADS, rows)


def _row(
    one: Experiment, config: Config | None, units: Mapping[str, int] | None
) -> Sequence[Child]:
    name = config.name if config else one.ai_config
    about = el("a", el("bdi", name), href=f"#ai-config-{one.ai_config}") if config else name
    return (
        el(
            "span",
            el("b", el("bdi", one.name)),
            " ",
            el("code", one.key),
            " ",
            chip(one.environment),
            " on ",
            about,
            el("span", el("bdi", one.hypothesis), class_="quiet line"),
        ),
        el(
            "span",
            chip(one.status, "warn" if one.status == "running" else ""),
            el("span", "since ", when(one.since_ms), class_="quiet line"),
        ),
        one.number,
        el("span", [_arm(arm, config, units) for arm in one.treatments]),
    )


def _arm(arm: Treatment, config: Config | None, units: Mapping[str, int] | None) -> Markup:
    notes = [words.percent(arm.percent)]
    notes += ["control"] if arm.is_control else []
    notes += ["winner"] if arm.is_winner else []
    if units is not None:
        notes.append(f"{figures.count(units.get(arm.variation, 0))} exposed")
    return el(
        "span",
        swatch(config.colour(arm.variation) if config else 0),
        el("span", el("b", arm.variation), " ", ", ".join(notes)),
        class_="arm line",
    )
