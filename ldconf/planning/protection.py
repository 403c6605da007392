"""What a running experiment depends on may not change under it (design 4.8 and section 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ldconf.core import address as addresses
from ldconf.core.address import Address
from ldconf.core.change import Change, Create, FieldDiff, Refusal, Restore, Update
from ldconf.core.live import RunningExperiment
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds import experiment_slots as experiments
from ldconf.kinds.experiment_model import RUNNING
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.kinds.targeting_rules import match_rules
from ldconf.planning.scene import Scene

CONTAMINATE = "contaminate"
_SEGMENT_MATCH = "segmentMatch"


def running(scene: Scene) -> tuple[RunningExperiment, ...]:
    """Return the experiments that run, managed or not, in any environment."""
    found = scene.live.live.experiments
    return tuple(one for one in found if one.status == RUNNING)


def refusals(scene: Scene, change: Change, under: Sequence[RunningExperiment]) -> Iterator[Refusal]:
    """Yield a refusal per running experiment of `under` that this change would disturb."""
    if not isinstance(change, Update | Restore):
        return
    match change.address.kind:
        case "variations":
            yield from _of_variation(scene, change, under)
        case "segments":
            yield from _of_segment(scene, change, under)
        case "targeting":
            yield from _of_targeting(scene, change, under)


def warnings(scene: Scene, change: Change) -> Iterator[str]:
    """Yield what a change does to a running experiment without being refused."""
    if not isinstance(change, Update | Create):
        return
    for experiment in running(scene):
        if change.address == addresses.targeting(experiment.ai_config, experiment.environment):
            if isinstance(change, Update) and _diff(change, "targets") is not None:
                yield f"individual targets change while {_named(experiment)} runs"
        elif isinstance(change, Update) and change.address in _judged_by(scene, experiment):
            yield f"a judge of {_named(experiment)} changes while it runs"
        elif isinstance(change, Update) and change.address in _priced_by(scene, experiment):
            yield f"a model config of {_named(experiment)} changes while it runs"
        elif isinstance(change, Update) and change.address in _measured_by(scene, experiment):
            yield f"{change.address} is measured by {_named(experiment)}, which runs"


def _of_variation(
    scene: Scene, change: Update | Restore, under: Sequence[RunningExperiment]
) -> Iterator[Refusal]:
    for experiment in under:
        if (
            experiment.ai_config == change.address.ai_config
            and change.address.key in experiment.variations
        ):
            yield _refusal(scene, change.address, experiment, "uses this variation")


def _of_segment(
    scene: Scene, change: Update | Restore, under: Sequence[RunningExperiment]
) -> Iterator[Refusal]:
    for experiment in under:
        if experiment.environment == change.address.environment and (
            change.address.key in _segments_of(scene, experiment)
        ):
            yield _refusal(scene, change.address, experiment, "depends on this segment")


def _of_targeting(
    scene: Scene, change: Update | Restore, under: Sequence[RunningExperiment]
) -> Iterator[Refusal]:
    observed = scene.live.live.observed[change.address]  # only what exists is updated
    here = list(experiments.of_targeting(change.address, under))
    rules = _diff(change, "rules")
    for experiment in here:
        slot = experiments.slot_of(experiment, observed)
        if slot == FALLTHROUGH and _diff(change, FALLTHROUGH):
            yield _serve_refusal(scene, change.address, experiment, "the default rule")
        if rules is not None and slot is not None:
            yield from _of_rules(scene, change.address, experiment, slot, rules)
    everyone = experiments.of_targeting(change.address, running(scene))
    known = {experiments.slot_of(experiment, observed) for experiment in everyone}
    yield from _of_unknown_slots(change, observed, known)


def _of_rules(
    scene: Scene, address: Address, experiment: RunningExperiment, slot: str | int, diff: FieldDiff
) -> Iterator[Refusal]:
    live, after = list(diff.before or ()), list(diff.after or ())
    if not isinstance(slot, int):
        if not _same_audience(live, after):
            yield _refusal(
                scene, address, experiment, "gets whom the rules above the default rule leave"
            )
        return
    place = _place(live, after, slot)
    if place is None:
        yield _serve_refusal(scene, address, experiment, "the rule, which would be removed,")
        return
    if not same(live[slot]["serve"], after[place]["serve"]):
        yield _serve_refusal(scene, address, experiment, "the rule")
    if not _same_audience(live[: slot + 1], after[: place + 1]):
        yield _refusal(scene, address, experiment, "depends on this rule and the rules above it")


def _of_unknown_slots(
    change: Update | Restore, observed: Observed, known: set[str | int | None]
) -> Iterator[Refusal]:
    """An experiment that could not be read is not overwritten either."""
    for slot in experiments.slots(observed):
        if slot in known:
            continue
        diff = _diff(change, "rules" if isinstance(slot, int) else slot)
        if diff is None:
            continue
        if isinstance(slot, int):
            live, after = list(diff.before or ()), list(diff.after or ())
            place = _place(live, after, slot)
            if place is not None and same(live[slot]["serve"], after[place]["serve"]):
                continue
        yield Refusal(
            change.address,
            "experiment",
            "an experiment runs there that could not be read; it would be overwritten",
            hint="stop the experiment in LaunchDarkly first",
        )


def _place(live: Sequence[Json], after: Sequence[Json], index: int) -> int | None:
    """Return where a live rule stands after the change, None if it goes."""
    pairs = match_rules(after, live)
    return next((in_file for in_file, in_live in pairs if in_live == index), None)


def _same_audience(live: Sequence[Json], after: Sequence[Json]) -> bool:
    return same([rule["clauses"] for rule in live], [rule["clauses"] for rule in after])


def _segments_of(scene: Scene, experiment: RunningExperiment) -> set[str]:
    """Return the segments that decide who takes part: of its rule and those above, and theirs."""
    address = addresses.targeting(experiment.ai_config, experiment.environment)
    observed, values = scene.live.observed(address), scene.live.values(address)
    if observed is None or values is None:
        return set()
    slot = experiments.slot_of(experiment, observed)
    rules = list(values.get("rules") or ())
    todo = _segments_in(rules[: slot + 1] if isinstance(slot, int) else rules)
    found: set[str] = set()
    while todo - found:
        key = min(todo - found)
        found.add(key)
        segment = scene.live.values(addresses.segment(key, experiment.environment)) or {}
        todo |= _segments_in(segment.get("rules") or ())
    return found


def _segments_in(rules: Sequence[Mapping[str, Json]]) -> set[str]:
    return {
        key
        for rule in rules
        for clause in rule["clauses"]
        if clause["op"] == _SEGMENT_MATCH
        for key in clause["values"]
    }


def _judged_by(scene: Scene, experiment: RunningExperiment) -> set[Address]:
    keys = {
        judge["judgeConfigKey"]
        for values in _variations_of(scene, experiment)
        for judge in (values.get("judgeConfiguration") or {}).get("judges") or ()
    }
    return {
        address
        for address in scene.live.live.observed
        if address.kind == "variations" and address.ai_config in keys
    }


def _priced_by(scene: Scene, experiment: RunningExperiment) -> set[Address]:
    return {
        Address.of("modelConfigs", values["modelConfigKey"])
        for values in _variations_of(scene, experiment)
        if values.get("modelConfigKey")
    }


def _measured_by(scene: Scene, experiment: RunningExperiment) -> set[Address]:
    """Return the metrics and groups that a running experiment measures, as far as it was read."""
    values = scene.live.values(Address.of("experiments", experiment.key)) or {}
    return {
        Address.of("metrics", one)
        if isinstance(one, str)
        else Address.of("metricGroups", one["key"])
        for one in values.get("metrics") or ()
    }


def _variations_of(scene: Scene, experiment: RunningExperiment) -> Iterator[Mapping[str, Json]]:
    for key in sorted(experiment.variations):
        yield scene.live.values(addresses.variation(experiment.ai_config, key)) or {}


def _diff(change: Update | Restore, field: str) -> FieldDiff | None:
    return next((diff for diff in change.fields if diff.field == field), None)


def _refusal(scene: Scene, address: Address, experiment: RunningExperiment, why: str) -> Refusal:
    return Refusal(
        address,
        CONTAMINATE,
        f"{_named(experiment)} runs in {experiment.environment} and {why}",
        allow=CONTAMINATE,
        hint=f"{_ways_out(scene, experiment)}; with a consent it goes on, and its results carry the"
        " change",
    )


def _serve_refusal(
    scene: Scene, address: Address, experiment: RunningExperiment, what: str
) -> Refusal:
    control = f" `{experiment.baseline}`" if experiment.baseline else ""
    return Refusal(
        address,
        "experiment",
        f"{_named(experiment)} runs in {experiment.environment} on {what}"
        f" and must go on serving its control{control}",
        hint=f"{_ways_out(scene, experiment)}; what it serves cannot change under it, so no consent"
        " lifts this",
    )


def _ways_out(scene: Scene, experiment: RunningExperiment) -> str:
    """Return how an experiment lets go of what it depends on, in words."""
    address = Address.of("experiments", experiment.key)
    if address not in scene.desired.workspace.resources:
        return (
            f"it is in no file: stop the experiment in LaunchDarkly, or `ldconf import --only"
            f" {address}` to restart it (raise `iteration`) or stop it from there"
        )
    at = (scene.live.values(address) or {}).get("status") or {}
    following = f" to {at['iteration'] + 1}" if "iteration" in at else ""
    return (
        f"raise its `iteration`{following} (it restarts, results begin anew), stop it"
        " (`status: stopped` with `winner` and `reason`)"
    )


def _named(experiment: RunningExperiment) -> str:
    return f"experiment {experiment.key!r}"
