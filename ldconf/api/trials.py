"""What an apply knows of running experiments while it writes.

A stop and a start change targeting by themselves (reference 13.8): what phase 1 did is no drift,
and a slot under an experiment reads back as its control. Several steps at one experiment follow one
another, so each is held against what the one before it left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import Change, Create, Delete, Transition, Update
from ldconf.core.kind import Request
from ldconf.core.live import Live, RunningExperiment
from ldconf.core.resource import Json, Observed, Resource, same
from ldconf.kinds.experiment_model import Experiment, ai_config_of, environment_of
from ldconf.kinds.experiment_parts import FALLTHROUGH, total_percent
from ldconf.kinds.experiment_slots import masked, slot_of, slots, with_serve
from ldconf.kinds.serve import TOTAL

EXPERIMENTS, RULES = "experiments", "rules"
STOP = "stop"


@dataclass
class Trials:
    """The running experiments of one apply, and what each object is held against.

    `known` replaces the planned state of what this apply changed by itself.
    """

    live: Live
    known: dict[Address, Observed | None] = field(default_factory=dict)
    ended: set[tuple[str, str]] = field(default_factory=set)

    def planned(self, address: Address) -> Observed | None:
        """Return the state that a change of this object was planned on."""
        return self.known[address] if address in self.known else self.live.observed.get(address)

    def seen(self, address: Address, observed: Observed | None) -> Observed | None:
        """Return what was read just now, as it is compared: slots masked, archived is gone."""
        if observed is None:
            return None
        if address.kind == "targeting":
            return masked(address, observed, self._running())
        archived = address.kind == EXPERIMENTS and observed.meta.get("archived")
        return None if archived else observed

    def took(self, change: Change, observed: Observed | None) -> None:
        """Take in that a step of an experiment was taken."""
        if change.address.kind == EXPERIMENTS:
            self.known[change.address] = observed
            if _is_stop(change):
                self.ended.add(_identity(change))

    def subject(self, change: Change) -> str | None:
        """Return the AI Config whose targeting a change of an experiment needs."""
        resource = resource_of(change)
        if change.address.kind != EXPERIMENTS or resource is None or isinstance(change, Delete):
            return None
        return ai_config_of(change.address, resource)

    def slot_after(self, change: Change) -> tuple[Address, RunningExperiment] | None:
        """Return where a stop changed targeting by itself, None if it is no stop."""
        if not _is_stop(change):
            return None
        for experiment in self.live.experiments:
            if experiment.status == "running" and _key(experiment) == _identity(change):
                place = targeting_address(experiment.ai_config, experiment.environment)
                return place, experiment
        return None

    def accept(self, place: Address, experiment: RunningExperiment, now: Observed) -> None:
        """Take what a stop left as the state that targeting was planned on.

        Only its own slot: whatever else moved since the plan, moved without us.
        """
        then = self.planned(place)
        if then is None:
            return
        slot = slot_of(experiment, now)
        name = RULES if isinstance(slot, int) else FALLTHROUGH
        before, after = then.resource.managed(), now.resource.managed()
        if same(_without(before, slot).get(name), _without(after, slot).get(name)):
            left = {name: getattr(now.resource, name)}
            resource = then.resource.model_copy(update=left)
            self.known[place] = replace(then, resource=resource)

    def still_filled(self, experiment: RunningExperiment, now: Observed) -> bool:
        """True if targeting still shows the rollout of an experiment that was stopped."""
        return slot_of(experiment, now) in slots(now)

    def _running(self) -> tuple[RunningExperiment, ...]:
        return tuple(one for one in self.live.experiments if _key(one) not in self.ended)


def stale_step(change: Change, then: Observed | None, now: Observed) -> str | None:
    """Return in words why a step of an experiment may not be taken any more, None if it may.

    `then` is the state it was planned on, or that the step before it left.
    """
    at = _place(now)
    if isinstance(change, Transition) and change.fields:
        expected: Json = change.fields[0].before
        wanted = (expected["status"], expected["iteration"])
    elif isinstance(change, Update) and then is not None:
        wanted = _place(then)
    else:
        return None
    if at != wanted:
        return f"it is `{at[0]} {at[1]}` now, not `{wanted[0]} {wanted[1]}`"
    return None


def wrong_share(change: Change, now: Observed, document: Mapping[str, Json]) -> str | None:
    """Return in words how the rollout in targeting differs from the share that should take part.

    Only once an iteration runs, and only if LaunchDarkly shows the rollout.
    """
    experiment = now.resource
    if not isinstance(change, Transition) or not isinstance(experiment, Experiment):
        return None
    if experiment.status != "running":
        return None
    blocks = document.get("environments") or {}
    block = blocks.get(experiment.environment) or {}
    rule = now.meta.get("rule_id") or FALLTHROUGH
    rules = {one.get("_id") or one.get("id"): one for one in block.get("rules") or ()}
    slot = (block.get("fallthrough") if rule == FALLTHROUGH else rules.get(rule)) or {}
    arms = (slot.get("rollout") or {}).get("variations") or ()
    if not arms:
        return None
    outside = sum(arm.get("weight") or 0 for arm in arms if arm.get("_untracked"))
    wanted = total_percent(change.after.managed().get("allocation") or experiment.allocation)
    shown = (TOTAL - outside) / 1000
    if abs(shown - wanted) < 0.0005:
        return None
    return f"{shown:g} % of the traffic take part, not {wanted:g} %"


def with_version(request: Request, version: Json) -> Request:
    """Return the request with another version of targeting (`flagConfigVersion`)."""
    return replace(request, body=_with_version(request.body, version))


def _with_version(body: Json, version: Json) -> Json:
    if isinstance(body, Mapping):
        return {
            name: version
            if name == "flagConfigVersion" and version is not None
            else _with_version(inner, version)
            for name, inner in body.items()
        }
    if isinstance(body, list | tuple):
        return [_with_version(inner, version) for inner in body]
    return body


def is_running(observed: Observed) -> bool:
    """True if an experiment runs as it was read."""
    return observed.resource.managed().get("status") == "running"


def is_same_rule(name: str, then: Observed, now: Observed) -> bool:
    """True for the field `rule` of an experiment whose rule got another name, or went: the plan
    wrote targeting before, and the experiment still names it by its id."""
    ids = [observed.meta.get("rule_id") for observed in (then, now)]
    return name == "rule" and ids[0] is not None and ids[0] == ids[1]


def resource_of(change: Change) -> Resource | None:
    """Return what a change sends, or what it deletes."""
    match change:
        case Delete(before=before):
            return before
        case Create(after=after) | Update(after=after) | Transition(after=after):
            return after
        case _:
            return None


def _is_stop(change: Change) -> bool:
    return isinstance(change, Transition) and change.verb == STOP


def _identity(change: Change) -> tuple[str, str]:
    environment = environment_of(change.address, resource_of(change))
    return change.address.key, environment or ""


def _key(experiment: RunningExperiment) -> tuple[str, str]:
    return experiment.key, experiment.environment


def _place(observed: Observed) -> tuple[Json, Json]:
    values = observed.resource.managed()
    return values.get("status"), values.get("iteration")


def _without(values: Mapping[str, Json], slot: str | int | None) -> dict[str, Json]:
    """Return targeting without what one slot serves."""
    rest = dict(values)
    if isinstance(slot, int) and rest.get(RULES):
        rest[RULES] = with_serve(rest[RULES], slot, None)
    elif slot == FALLTHROUGH:
        rest[FALLTHROUGH] = None
    return rest
