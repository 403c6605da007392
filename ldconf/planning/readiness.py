"""What stands in the way of an iteration that is to start, and what a reviewer should know of it.

Figures are the normal approximation of `core.power`; nothing here depends on the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import Change, Create, Delete, Note, NoteKind, Transition, Update
from ldconf.core.power import POWER, Assumption, Criterion, detectable, units_of_control
from ldconf.core.resource import Json
from ldconf.kinds.experiment_model import RUNNING, STOPPED, Experiment
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.kinds.targeting_rules import name_rules
from ldconf.kinds.words import percent
from ldconf.planning import protection
from ldconf.planning.lifecycle import NEW_DRAFT, RESTART, START, STATUS
from ldconf.planning.scene import Scene
from ldconf.planning.sides import EXPERIMENTS, Values

# A rate of 60 %, or a mean with sd/mean of 0.8, and an effect of 10 % (statistics, section 3).
_EFFECT = 0.10
_RATE, _SPREAD = 0.60, 0.80
_THRESHOLD = 0.95
_RESULTS = (
    "LaunchDarkly's API returns no results of experiments: read them on its results page, or"
    " analyse events with `ldconf experiment results KEY`"
)


@dataclass(frozen=True)
class Reason:
    """Why an iteration cannot be made or start, and the way out."""

    summary: str
    hint: str


def reasons(scene: Scene, address: Address, design: Values, *, starts: bool) -> Iterator[Reason]:
    """Yield what keeps an iteration of this design from being made or, if `starts`, started."""
    place = targeting_address(design["aiConfig"], design["environment"])
    control, arms = design.get("control"), design.get("allocation") or {}
    if control and arms and control not in arms:
        yield Reason(
            f"its control {control!r} takes no part", f"`control` is one of {', '.join(arms)}"
        )
    rule = design.get("rule") or FALLTHROUGH
    known = _rules(scene, place)
    if isinstance(rule, Mapping) and known is not None and rule["description"] not in known:
        yield Reason(
            f"{place} has no rule {rule['description']!r}",
            f"its rules are {', '.join(map(repr, known))}" if known else "it has no rules",
        )
    if not starts:
        return
    observed = scene.live.observed(place)
    if observed is not None and observed.meta.get("enabled") is False:
        yield Reason(
            f"{place} is switched off in LaunchDarkly, so no iteration can start there",
            "switch it on in LaunchDarkly; the API has no way to",
        )
    for other in _beside(scene, address, design):
        yield Reason(
            f"experiment {other!r} runs on the same rule in {design['environment']}",
            f"stop experiments/{other} first, or in the same commit",
        )


def _rules(scene: Scene, place: Address) -> list[str] | None:
    """Return the names of the rules once targeting is written, None if they are not known."""
    wanted = scene.desired.values(place)
    if wanted is not None and "rules" in wanted:
        return [rule["description"] for rule in wanted["rules"] or ()]
    live = scene.live.values(place)
    if live is None:
        return None
    return [rule["description"] for rule in name_rules(live.get("rules") or ())]


def _beside(scene: Scene, address: Address, design: Values) -> Iterator[str]:
    """Yield other experiments that go on running on the same rule."""
    rule, place = design.get("rule") or FALLTHROUGH, (design["aiConfig"], design["environment"])
    for one in protection.running(scene):
        other = Address.of(EXPERIMENTS, one.key)
        there = scene.live.values(other)
        if other == address or there is None or place != (one.ai_config, one.environment):
            continue
        wanted = scene.desired.values(other) or {}
        at = wanted.get(STATUS) or {}
        moves = at.get("iteration", 0) > there[STATUS]["iteration"] and "rule" in wanted
        goes_on = wanted["rule"] if moves else there.get("rule") or FALLTHROUGH
        if goes_on == rule and at.get(STATUS) != STOPPED:
            yield one.key


def notes(scene: Scene, change: Change) -> Iterator[Note]:
    """Yield what a step of an experiment does besides what its fields say."""
    if change.address.kind != EXPERIMENTS:
        return
    for kind, words in _notes(scene, change):
        yield Note(kind, words, change.address)


def results_note(changes: tuple[Change, ...]) -> Iterator[Note]:
    """Yield, once a plan, where results come from."""
    for change in changes:
        if isinstance(change, Transition) and change.verb in (START, RESTART):
            yield Note(NoteKind.EXPERIMENT, _RESULTS.replace("KEY", change.address.key))
            return


def _notes(scene: Scene, change: Change) -> Iterator[tuple[NoteKind, str]]:
    live = scene.live.values(change.address) or {}
    match change:
        case Delete():
            yield (
                NoteKind.WARNING,
                "LaunchDarkly has no way to delete an experiment: it is archived, and its key stays"
                " taken for good",
            )
        case Transition(verb="stop", after=after):
            yield from _stopping(scene, change.address, after.managed())
        case Transition(verb="restart"):
            yield (
                NoteKind.WARNING,
                f"iteration {_number(live)} ends for good and does not come back; results begin"
                " anew",
            )
        case Update() if not _tells_what_may_change(scene, change.address):
            yield (
                NoteKind.WARNING,
                "LaunchDarkly does not tell which fields may change now (mutableFieldsByStatus);"
                " only those that are expected to be free are sent",
            )
        case _:
            pass
    if isinstance(change, Create) or _begins(change):
        yield from _design(scene, change)


def _stopping(scene: Scene, address: Address, end: Values) -> Iterator[tuple[NoteKind, str]]:
    wanted = (scene.desired.values(address) or {}).get(STATUS) or {}
    if wanted.get(STATUS) == RUNNING:
        until = "until its next iteration starts"
    elif _is_served_by_files(scene, scene.live.values(address) or {}):
        until = "until targeting is written"
    else:
        until = "and as no file manages what is served there"
    yield (
        NoteKind.WARNING,
        f"iteration {end['iteration']} ends for good and does not come back; {until}, its audience"
        f" gets what LaunchDarkly leaves (as a rule the winner, {end.get('winner')})",
    )


def _is_served_by_files(scene: Scene, live: Values) -> bool:
    """True if the files say what is served where an experiment was."""
    targeting = scene.desired.values(targeting_address(live["aiConfig"], live["environment"])) or {}
    return ("rules" if isinstance(live.get("rule"), Mapping) else FALLTHROUGH) in targeting


def _begins(change: Change) -> bool:
    return isinstance(change, Transition) and change.verb in (NEW_DRAFT, RESTART)


def _design(scene: Scene, change: Change) -> Iterator[tuple[NoteKind, str]]:
    """Yield what weakens a design, where it is made."""
    design = {**(scene.live.values(change.address) or {})}
    if isinstance(change, Create | Transition):
        design |= change.after.managed()
    unit = design.get("randomizationUnit") or "user"
    yield from _of_units(scene, design, unit)
    listed = scene.desired.workspace.resources.get(change.address)
    if isinstance(listed, Experiment) and listed.decision is not None:
        yield from _of_size(scene, listed, design)


def _of_units(scene: Scene, design: Values, unit: str) -> Iterator[tuple[NoteKind, str]]:
    """Yield metrics and rules that look at other contexts than those that are assigned."""
    for metric in design.get("metrics") or ():
        if not isinstance(metric, str):
            continue
        at = Address.of("metrics", metric)
        values = {**(scene.live.values(at) or {}), **(scene.desired.values(at) or {})}
        units = values.get("analysisUnits") or ["user"]
        if values and unit not in units:
            yield (
                NoteKind.WARNING,
                f"metric {metric!r} is analysed by {', '.join(units)}, and {unit} contexts are"
                " assigned: it will have no results",
            )
    rule = design.get("rule")
    if not isinstance(rule, Mapping):
        return
    place = targeting_address(design["aiConfig"], design["environment"])
    targeting = {**(scene.live.values(place) or {}), **(scene.desired.values(place) or {})}
    for found in targeting.get("rules") or ():
        kinds = {clause.get("contextKind") or "user" for clause in found["clauses"]}
        if found.get("description") == rule["description"] and kinds - {unit}:
            yield (
                NoteKind.WARNING,
                f"its rule looks at {', '.join(sorted(kinds))} contexts, and {unit} contexts are"
                f" assigned: who has no {unit} context takes no part",
            )


def _of_size(
    scene: Scene, experiment: Experiment, design: Values
) -> Iterator[tuple[NoteKind, str]]:
    """Yield whether the declared number of units finds an effect of usual size."""
    block = experiment.decision
    assert block is not None
    declared = block.planned_units_per_arm or block.minimum_units_per_arm
    rate = _is_rate(scene, design.get("primary"))
    what = Assumption(_RATE, _EFFECT) if rate else Assumption(1.0, _EFFECT, _SPREAD)
    criterion = _criterion(design)
    enough = units_of_control(what, criterion)
    if declared >= enough:
        return
    found = detectable(declared, what, criterion)
    kind = f"a rate of {percent(100 * _RATE)}" if rate else f"a mean with sd/mean {_SPREAD:g}"
    shown = percent(round(100 * found)) if found != float("inf") else "none at all"
    yield (
        NoteKind.WARNING,
        f"underpowered: {declared} units per arm find an effect of {shown} on {kind}"
        f" ({percent(100 * POWER)} of the time); {enough} per arm are enough for"
        f" {percent(100 * _EFFECT)}. `ldconf experiment size` takes your own baseline",
    )


def _criterion(design: Values) -> Criterion:
    """Return when a difference counts as found."""
    settings = design.get("analysisConfig") or {}
    threshold = float(settings.get("bayesianThreshold") or 100 * _THRESHOLD) / 100
    if design.get("methodology") == "frequentist":
        significance = float(settings.get("significanceThreshold") or 0.05)
        threshold = 1 - (significance / 100 if significance > 1 else significance) / 2
    return Criterion(threshold if 0.5 < threshold < 1 else _THRESHOLD)


def _is_rate(scene: Scene, primary: Json) -> bool:
    at = Address.of("metrics", primary or "?")
    values = {**(scene.live.values(at) or {}), **(scene.desired.values(at) or {})}
    return not values.get("isNumeric")


def _number(live: Values) -> Json:
    return (live.get(STATUS) or {}).get("iteration", "?")


def _tells_what_may_change(scene: Scene, address: Address) -> bool:
    observed = scene.live.observed(address)
    if observed is None:
        return True
    at = (scene.live.values(address) or {}).get(STATUS) or {}
    steady = at.get(STATUS) in (RUNNING, STOPPED)
    return not steady or observed.meta.get("mutable") is not None
