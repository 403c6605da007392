"""What the stop of an experiment left in targeting: ours, no drift (design section 9, (c))."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds.experiment_model import DRAFT, RUNNING, STOPPED
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.kinds.experiment_slots import slot_of_rule, with_serve
from ldconf.kinds.serve import TOTAL, from_weights, to_weight
from ldconf.kinds.targeting_rules import match_rules
from ldconf.planning.design import named_rule
from ldconf.planning.lifecycle import LIFE, STATUS
from ldconf.planning.scene import Scene
from ldconf.planning.sides import EXPERIMENTS, Values
from ldconf.planning.threeway import Equality

RULES = "rules"


@dataclass(frozen=True)
class Leftover:
    """A rule (its place live) or the fallthrough whose experiment was stopped by the files."""

    slot: str | int
    served: Json  # what plans showed there before the stop
    arms: frozenset[str]
    goes_on: bool  # the next iteration fills the slot again: nothing is to be put right

    @property
    def field(self) -> str:
        """The field of targeting that holds it."""
        return RULES if isinstance(self.slot, int) else FALLTHROUGH


def leftovers(scene: Scene, address: Address) -> tuple[Leftover, ...]:
    """Return what stops of our own left in one environment's targeting.

    Only while the base still says `running`: then nobody had reason to serve anything else since.
    """
    if scene.base is None or address.kind != "targeting":
        return ()
    observed = scene.live.observed(address)
    return tuple(_leftovers(scene, address, observed)) if observed is not None else ()


def _leftovers(scene: Scene, address: Address, observed: Observed) -> Iterator[Leftover]:
    assert scene.base is not None
    for at in scene.base.workspace.resources:
        if at.kind != EXPERIMENTS:
            continue
        base, live = scene.said(at), scene.live.values(at)
        if base is None or live is None or not _was_stopped_by_us(scene, at, base, live):
            continue
        if targeting_address(live["aiConfig"], live["environment"]) != address:
            continue
        slot = slot_of_rule(_ended_on(scene.live.live.observed[at]), observed)
        if slot is not None:
            yield _leftover(scene, at, slot, {**live, **base})


def _leftover(scene: Scene, address: Address, slot: str | int, stopped: Values) -> Leftover:
    """Return what the stop of an iteration of this design left.

    One that is to start again was masked by its control before the stop, and will be again.
    """
    goes_on = _starts_there_again(scene, address)
    served = stopped.get("control") if goes_on else rollout(stopped)
    return Leftover(slot, served, frozenset(arms(stopped)), goes_on)


def _starts_there_again(scene: Scene, address: Address) -> bool:
    """True if the files want the next iteration running, on the rule that the last one was on."""
    observed, wanted = scene.live.live.observed[address], scene.desired.values(address) or {}
    rule = (scene.live.values(address) or {}).get("rule")
    if (wanted.get(STATUS) or {}).get(STATUS) != RUNNING:
        return False
    if _ended_on(observed) != observed.meta.get("rule_id"):
        return False
    return "rule" not in wanted or same(wanted["rule"], named_rule(scene, address, rule))


def _ended_on(observed: Observed) -> Json:
    """Return the id of the rule that the last iteration was on: a draft may be on another."""
    ended = observed.meta.get("iterations") or ()
    return ended[-1]["rule_id"] if ended else observed.meta.get("rule_id")


def _was_stopped_by_us(scene: Scene, address: Address, base: Values, live: Values) -> bool:
    said, now = base.get(STATUS), _last_end(scene, address, live)
    if said is None or said[STATUS] != RUNNING or now is None:
        return False
    sides = (scene.desired, *scene.history)
    wanted = [(side.values(address) or {}).get(STATUS) for side in sides]
    return any(LIFE.ours(one, now) for one in (said, *wanted) if one is not None)


def _last_end(scene: Scene, address: Address, live: Values) -> Json:
    """Return where an experiment stands whose last iteration is over, None if one runs.

    Also of one whose next iteration is drafted: until that starts, the stop is what it left.
    """
    at = live.get(STATUS)
    if at is None or at[STATUS] != DRAFT:
        return at if at is not None and at[STATUS] == STOPPED else None
    ended = scene.live.live.observed[address].meta.get("iterations") or ()
    if not ended or ended[-1]["number"] != at["iteration"] - 1:
        return None
    last = ended[-1]
    place = {STATUS: STOPPED, "iteration": last["number"]}
    return {**place, **{name: last[name] for name in ("winner", "reason") if last.get(name)}}


def arms(experiment: Values) -> Iterator[str]:
    """Yield the variations of an iteration: those that take part, and the one served outside."""
    yield from experiment.get("allocation") or {}
    for name in ("control", "remainder"):
        if experiment.get(name):
            yield experiment[name]


def rollout(experiment: Values) -> Json:
    """Return whom an iteration gives what, as a canonical serve value: its rest included."""
    by_key = {key: to_weight(value) for key, value in (experiment.get("allocation") or {}).items()}
    outside = experiment.get("remainder") or experiment.get("control")
    if outside:
        by_key[outside] = by_key.get(outside, 0) + TOTAL - sum(by_key.values())
    return from_weights(by_key, "key", experiment.get("randomizationUnit") or "user")


class Left:
    """Equality of a field of targeting, in which a stopped experiment's serve counts as ours."""

    def __init__(self, inner: Equality, found: Sequence[Leftover]) -> None:
        self._inner = inner
        self._found = found

    def in_sync(self, desired: Json, live: Json) -> bool:
        """True if live is what the files say: what was left is put right all the same."""
        return self._inner.in_sync(desired, live)

    def ours(self, said: Json, live: Json) -> bool:
        """True if live is ours apart from what stops left."""
        return self._inner.ours(said, served(self._found, said, live))

    def unmoved(self, base: Json, desired: Json) -> bool:
        """True if the files still say the same."""
        return self._inner.unmoved(base, desired)


def served(found: Sequence[Leftover], said: Json, live: Json) -> Json:
    """Return live with what stops left replaced by what the files say there."""
    for leftover in found:
        if not isinstance(leftover.slot, int):
            return said if _uses_only(live, leftover.arms) else live
        pairs = match_rules(said or (), live or ())
        place = next((a for a, b in pairs if b == leftover.slot and a is not None), None)
        if place is not None and _uses_only(live[leftover.slot]["serve"], leftover.arms):
            live = with_serve(live, leftover.slot, said[place]["serve"])
    return live


def before_stop(found: Sequence[Leftover], live: Json) -> Json:
    """Return live as the experiments had it: what a plan showed before the stop, it still shows."""
    for leftover in found:
        if not isinstance(leftover.slot, int):
            return leftover.served if _uses_only(live, leftover.arms) else live
        if _uses_only(live[leftover.slot]["serve"], leftover.arms):
            live = with_serve(live, leftover.slot, leftover.served)
    return live


def _uses_only(serve: Json, keys: frozenset[str]) -> bool:
    if isinstance(serve, Mapping):
        return set(serve["rollout"]) <= keys
    return serve in keys
