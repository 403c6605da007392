"""The comparison of an experiment becomes the steps that it takes, each a change of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, FieldDiff, Phase, Refusal, Transition, Update
from ldconf.core.resource import Json, Resource
from ldconf.kinds.experiment_model import DESIGN, DRAFT, RUNNING, STOPPED
from ldconf.planning.changes import diffs_of, with_values
from ldconf.planning.compare import Comparison
from ldconf.planning.experiment_refusals import EXPERIMENT, ITERATION, refusals, unready
from ldconf.planning.lifecycle import (
    NEW_DRAFT,
    RESTART,
    START,
    STATUS,
    STOP,
    Impossible,
    State,
    path,
    restarted_reason,
)
from ldconf.planning.pins import Pins
from ldconf.planning.scene import Scene
from ldconf.planning.sides import Values
from ldconf.planning.threeway import MOVED, Row

IDENTITY = ("environment", "aiConfig")
RULE = "rule"


@dataclass(frozen=True)
class Proposal:
    """The steps of one experiment, in order, and why they may not be taken.

    They stand and fall together: a refusal takes all of them out.
    """

    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def steps_of(found: Comparison) -> tuple[str, ...] | Impossible:
    """Return the steps that the files ask for, () if none: also while it is left alone."""
    if found.row is Row.CREATE:
        wanted = found.desired.get(STATUS)
        return () if wanted is None else path(None, State.of(wanted))
    row = next((field for field in found.fields if field.field == STATUS), None)
    if not found.exists or found.in_conflict or row is None or not row.is_written:
        return ()
    steps = path(State.of(row.live), State.of(row.desired))
    if not steps:  # the same place, and yet not in sync: another end than the files tell
        return Impossible(
            f"iteration {row.live['iteration']} was stopped with another winner or reason,"
            " which cannot change any more",
            f"run `ldconf pull {found.address}`",
        )
    return steps


def propose(scene: Scene, found: Comparison, pins: Pins, *, makes_way: bool = False) -> Proposal:
    """Return the steps of an experiment.

    `makes_way`: what it depends on changes in this plan, so a restart begins with a stop. So does
    one on another rule.
    """
    steps = steps_of(found)
    if isinstance(steps, Impossible):  # only offline: else `problems` told
        why = Refusal(found.address, EXPERIMENT, steps.summary, hint=steps.hint)
        return Proposal(refusals=(why,))
    if found.row is Row.CREATE:
        return Steps(scene, found, pins, steps).creation()
    if not found.exists or found.in_conflict:
        return Proposal()
    if steps == (RESTART,) and (makes_way or _changes_rule(found)):
        steps = (STOP, NEW_DRAFT, START)
    return Steps(scene, found, pins, steps).proposal()


def stops(steps: Sequence[Change]) -> bool:
    """True if one of these steps ends the running iteration in phase 1."""
    return any(isinstance(one, Transition) and one.verb == STOP for one in steps)


def leaves_its_rule(steps: Sequence[Change]) -> bool:
    """True if the next iteration is drafted on another rule."""
    drafts = (one for one in steps if isinstance(one, Transition) and one.verb == NEW_DRAFT)
    return any(diff.field == RULE for one in drafts for diff in one.fields)


def _changes_rule(found: Comparison) -> bool:
    """True if the files move it to another rule: what it leaves there has to be put right."""
    return any(field.field == RULE and field.is_written for field in found.fields)


def starts(steps: Sequence[Change]) -> bool:
    """True if an iteration runs once these steps are done."""
    return any(isinstance(one, Transition) and one.verb in (START, RESTART) for one in steps)


class Steps:
    """The steps of one experiment."""

    def __init__(self, scene: Scene, found: Comparison, pins: Pins, verbs: tuple[str, ...]) -> None:
        self.scene = scene
        self.found = found
        self.verbs = verbs
        self.address: Address = found.address
        self.listed: Resource = scene.desired.workspace.resources[found.address]
        self.live: Values = scene.live.values(found.address) or {}
        written = replace(found, fields=tuple(f for f in found.fields if f.field != STATUS))
        self.diffs = tuple(diffs_of(scene, written, pins)) if found.exists else ()
        self.moved = {field.field for field in found.fields if field.row in MOVED}
        wanted = found.desired.get(STATUS)
        self.wanted: State | None = State.of(wanted) if wanted else None

    def creation(self) -> Proposal:
        """Return the create of a draft, and its start."""
        values = {**self._given(self.found.desired), **_state(State(DRAFT, 1))}
        if self.wanted is None:
            values = self._given(self.found.desired)  # `status` is missing: refused as incomplete
        made = Create(self.address, self._resource(values), phase=Phase.EXPERIMENTS)
        later = [self._start(1)] if self.verbs else []
        return Proposal((made, *later), tuple(unready(self, values)))

    def proposal(self) -> Proposal:
        """Return the steps of an experiment that exists."""
        changes = tuple(self._changes())
        return Proposal(changes, tuple(refusals(self)) if changes else ())

    def _changes(self) -> Iterator[Change]:
        number = self.wanted.number if self.wanted else 0
        edits = self.diffs
        if STOP in self.verbs:
            yield self._stop()
        if NEW_DRAFT in self.verbs:
            yield self._draft(number)
            edits = tuple(diff for diff in edits if diff.field not in ITERATION)
        if RESTART in self.verbs:
            yield self._restart(number)
            return
        if edits:
            values = {diff.field: diff.after for diff in edits}
            yield Update(
                self.address,
                self._resource(values),
                edits,
                phase=Phase.EXPERIMENTS,
                adopts=self.found.adopts,
            )
        if START in self.verbs:
            yield self._start(number)

    # steps

    def _stop(self) -> Transition:
        now = State.of(self.live[STATUS])
        end = self.end(now.number)
        values = {**_state(State(STOPPED, now.number)), **end}
        diff = FieldDiff(STATUS, _state(now), values)
        return Transition(self.address, STOP, self._resource(values), Phase.STOP, (diff,))

    def end(self, number: int) -> dict[str, Json]:
        """Return winner and reason of the stop of the running iteration."""
        if NEW_DRAFT in self.verbs:
            return {"winner": self.live.get("control"), "reason": restarted_reason(number)}
        wanted = self.found.desired[STATUS]
        return {name: wanted[name] for name in ("winner", "reason") if name in wanted}

    def _draft(self, number: int) -> Transition:
        """Of a new iteration every field is sent, managed or not."""
        design = {name: self.live.get(name) for name in ITERATION}
        design |= {n: v for n, v in self.settled.items() if n in ITERATION}
        values = {n: v for n, v in design.items() if v is not None}
        before, after = State(STOPPED, number - 1), State(DRAFT, number)
        edits = (diff for diff in self.diffs if diff.field in ITERATION)
        return self._step(NEW_DRAFT, values, before, after, edits)

    def _restart(self, number: int) -> Transition:
        values = {diff.field: diff.after for diff in self.diffs} | self._design()
        before, after = State(RUNNING, number - 1), State(RUNNING, number)
        return self._step(RESTART, values, before, after, self.diffs)

    def _start(self, number: int) -> Transition:
        before, after = State(DRAFT, number), State(RUNNING, number)
        return self._step(START, self._design(), before, after, ())

    def _step(
        self,
        verb: str,
        values: Values,
        before: State,
        after: State,
        edits: Collection[FieldDiff] | Iterator[FieldDiff],
    ) -> Transition:
        whole = {**self._identity(), **values, **_state(after)}
        diff = FieldDiff(STATUS, _state(before), _state(after))
        resource = self._resource(whole)
        return Transition(self.address, verb, resource, Phase.EXPERIMENTS, (diff, *edits))

    # values

    def _resource(self, values: Values) -> Resource:
        return with_values(self.listed, values)

    def _given(self, folded: Values) -> dict[str, Json]:
        return {name: value for name, value in folded.items() if name != STATUS}

    @property
    def settled(self) -> dict[str, Json]:
        """Return what the files manage, apart from what moved in LaunchDarkly and stays so."""
        given = self._given(self.found.desired)
        return {name: value for name, value in given.items() if name not in self.moved}

    def _design(self) -> dict[str, Json]:
        settled = self.settled
        return {name: settled[name] for name in DESIGN if settled.get(name) is not None}

    def _identity(self) -> dict[str, Json]:
        return {name: self.found.desired[name] for name in IDENTITY if name in self.found.desired}


def _state(state: State) -> dict[str, Json]:
    return {STATUS: state.status, "iteration": state.number}
