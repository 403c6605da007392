"""What the stop of a running experiment in phase 1 makes way for (design 4.5, 4.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import Change, FieldDiff, Step, Transition, Update, step
from ldconf.core.live import RunningExperiment
from ldconf.core.resource import Json, same
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.kinds.experiment_slots import slot_of, with_serve
from ldconf.planning import approvals, protection
from ldconf.planning.aftermath import RULES, rollout
from ldconf.planning.changes import build, with_values
from ldconf.planning.compare import Comparison
from ldconf.planning.experiments import leaves_its_rule, starts, stops
from ldconf.planning.pins import Pins
from ldconf.planning.scene import Scene
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
) -> Change | None:
    """Return the targeting change of a plan that stops an experiment there for good, or moves it
    to another rule.

    While it runs, its slot is masked by its control; what LaunchDarkly serves after the stop nobody
    knows before, so what the files say is written in any case. Only where approvals are required,
    LaunchDarkly is trusted to serve the winner that it is told.
    """
    if not stops(steps) or (starts(steps) and not leaves_its_rule(steps)):
        return change
    address = targeting_address(way.running.ai_config, way.running.environment)
    observed = scene.live.observed(address)
    if targeting is None or observed is None or not targeting.exists:
        return change
    slot = slot_of(way.running, observed)
    name = RULES if isinstance(slot, int) else FALLTHROUGH
    row = next((one for one in targeting.fields if one.field == name), None)
    if slot is None or row is None or not (row.is_written or row.is_settled):
        return change
    served = rollout(scene.live.values(way.address) or {})
    before = with_serve(row.live, slot, served) if isinstance(slot, int) else served
    diffs = {diff.field: diff for diff in change.fields} if isinstance(change, Update) else {}
    if approvals.requires(scene, address, way.running.environment) and same(
        row.desired, _told(row.live, slot, steps)
    ):
        diffs.pop(name, None)
    else:
        because = f"experiment {way.address.key} stops"
        diffs[name] = FieldDiff(name, before, row.desired, because=because)
    return _update(scene, targeting, diffs)


def _told(live: Json, slot: str | int, steps: Sequence[Change]) -> Json:
    """Return what targeting is if LaunchDarkly serves the winner that it is told."""
    end = next(one for one in steps if isinstance(one, Transition) and stops((one,)))
    winner = end.after.managed().get("winner")
    return with_serve(live, slot, winner) if isinstance(slot, int) else winner


def _update(scene: Scene, targeting: Comparison, diffs: Mapping[str, FieldDiff]) -> Update | None:
    if not diffs:
        return None
    address = targeting.address
    found = tuple(diffs[name] for name in targeting.desired if name in diffs)
    listed = scene.desired.workspace.resources[address]
    after = with_values(listed, {diff.field: diff.after for diff in found})
    phase = kind_of(address).phase
    return Update(address, after, found, phase=phase, adopts=targeting.adopts)


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
