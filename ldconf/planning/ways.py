"""What the stop of a running experiment in phase 1 makes way for (design 4.5, 4.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import Change, FieldDiff, Step, Update, step
from ldconf.core.live import RunningExperiment
from ldconf.core.resource import Json
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_slots import FALLTHROUGH, slot_of
from ldconf.kinds.targeting_rules import match_rules
from ldconf.planning import approvals, protection
from ldconf.planning.aftermath import RULES, rollout, with_serve
from ldconf.planning.changes import build, with_values
from ldconf.planning.compare import Comparison, Scene
from ldconf.planning.experiments import starts, stops
from ldconf.planning.pins import Pins
from ldconf.planning.sides import EXPERIMENTS
from ldconf.planning.threeway import Row

Proposed: TypeAlias = Mapping[Address, tuple[Change, ...]]


@dataclass(frozen=True)
class Way:
    """A running experiment of the files, and what may only change once it is stopped.

    `frees` are changes of the plan, `conflicts` objects whose change would be among them if they
    were not in conflict.
    """

    address: Address
    running: RunningExperiment
    frees: frozenset[Address]
    conflicts: frozenset[Address]


def way_of(
    scene: Scene, address: Address, proposed: Proposed, disputed: Mapping[Address, Change]
) -> Way | None:
    """Return what the stop of an experiment would make way for, None if it does not run."""
    running = running_experiment(scene, address)
    if running is None:
        return None

    def disturbs(changes: Sequence[Change]) -> bool:
        return any(True for one in changes for _ in protection.refusals(scene, one, (running,)))

    return Way(
        address,
        running,
        frozenset(at for at, changes in proposed.items() if disturbs(changes)),
        frozenset(at for at, change in disputed.items() if disturbs((change,))),
    )


def running_experiment(scene: Scene, address: Address) -> RunningExperiment | None:
    """Return the running iteration of an experiment, as protection knows it."""
    if address.kind != EXPERIMENTS:
        return None
    environment = (scene.live.values(address) or {}).get("environment")
    for experiment in protection.running(scene):
        if (experiment.key, experiment.environment) == (address.key, environment):
            return experiment
    return None


def disputed(
    scene: Scene, compared: Mapping[Address, Comparison], pins: Pins
) -> dict[Address, Change]:
    """Return what would change of the objects that are in conflict."""
    found: dict[Address, Change] = {}
    for address, one in compared.items():
        if not one.in_conflict or not one.exists or address.kind == EXPERIMENTS:
            continue
        fields = tuple(
            replace(field, row=Row.INTENDED) if field.row is Row.CONFLICT else field
            for field in one.fields
        )
        if (change := build(scene, replace(one, fields=fields), pins)) is not None:
            found[address] = change
    return found


def enforced(
    scene: Scene,
    way: Way,
    steps: Sequence[Change],
    targeting: Comparison | None,
    change: Change | None,
) -> Update | None:
    """Return the targeting change that serves what the files say once an experiment is stopped.

    While it runs, its slot is masked by its control; what LaunchDarkly serves after the stop nobody
    knows before. None if files do not say, or if it starts again at once. Where approvals are
    required, LaunchDarkly is trusted to serve the winner that it is told.
    """
    if not stops(steps) or starts(steps):
        return None
    address = targeting_address(way.running.ai_config, way.running.environment)
    observed, live = scene.live.observed(address), scene.live.values(address)
    if targeting is None or observed is None or live is None or not targeting.exists:
        return None
    slot = slot_of(way.running, observed)
    name = RULES if isinstance(slot, int) else FALLTHROUGH
    row = next((one for one in targeting.fields if one.field == name), None)
    if slot is None or row is None or not (row.is_written or row.is_settled):
        return None
    serve = _serve(row.desired, row.live, slot)
    told = next((one.after.managed().get("winner") for one in steps if stops((one,))), None)  # type: ignore[union-attr]  # a stop has `after`
    if approvals.requires(scene, address, way.running.environment) and serve == told:
        return None
    served = rollout(scene.live.values(way.address) or {})
    before = with_serve(row.live, slot, served) if isinstance(slot, int) else served
    because = f"experiment {way.address.key} stops"
    diff = FieldDiff(name, before, row.desired, because=because)
    others = [d for d in change.fields if d.field != name] if isinstance(change, Update) else []
    diffs = tuple(sorted((*others, diff), key=lambda d: list(targeting.desired).index(d.field)))
    after = with_values(
        scene.desired.workspace.resources[address], {d.field: d.after for d in diffs}
    )
    phase = kind_of(address).phase
    return Update(address, after, diffs, phase=phase, adopts=targeting.adopts)


def _serve(desired: Json, live: Json, slot: str | int) -> Json:
    """Return what the files serve at a slot, None if its rule goes."""
    if not isinstance(slot, int):
        return desired
    pairs = match_rules(desired or (), live or ())
    return next((desired[a]["serve"] for a, b in pairs if b == slot and a is not None), None)


def relies(ways: Mapping[Address, Way], changes: Proposed) -> dict[Step, frozenset[Step]]:
    """Return what each step needs beyond what it names: a freed change its stop, and an iteration
    that starts afterwards all that the stop made way for."""
    found: dict[Step, set[Step]] = {}
    for address, way in ways.items():
        steps = changes.get(address, ())
        if not stops(steps):
            continue
        stop = next(step(one) for one in steps if stops((one,)))
        freed = [step(one) for at in way.frees for one in changes.get(at, ())]
        for at in freed:
            found.setdefault(at, set()).add(stop)
        for later in map(step, steps):
            if later != stop:
                found.setdefault(later, set()).update(freed)
    return {at: frozenset(needed) for at, needed in found.items()}


def is_stopped_by(changes: Proposed, way: Way) -> bool:
    """True if these changes stop the experiment in phase 1."""
    return stops(changes.get(way.address, ()))
