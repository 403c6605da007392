"""The comparison of an experiment becomes the steps that it takes, each a change of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, FieldDiff, Phase, Refusal, Transition, Update
from ldconf.core.resource import Json, Observed, Resource
from ldconf.kinds.experiment_fields import operation
from ldconf.kinds.experiment_model import DESIGN, DRAFT, RUNNING, STOPPED
from ldconf.planning import guards, readiness
from ldconf.planning.changes import diffs_of, with_values
from ldconf.planning.compare import Comparison, Scene
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
from ldconf.planning.sides import Values
from ldconf.planning.threeway import MOVED, Row

EXPERIMENT = "experiment"
_OF_THE_EXPERIMENT = frozenset({"methodology", "dataSource", "analysisConfig"})
ITERATION = tuple(name for name in DESIGN if name not in _OF_THE_EXPERIMENT)
IDENTITY = ("environment", "aiConfig")


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

    `makes_way`: what it depends on changes in this plan, so a restart begins with a stop.
    """
    steps = steps_of(found)
    if isinstance(steps, Impossible):  # only offline: else `problems` told
        why = Refusal(found.address, EXPERIMENT, steps.summary, hint=steps.hint)
        return Proposal(refusals=(why,))
    if found.row is Row.CREATE:
        return _Steps(scene, found, pins, steps).creation()
    if not found.exists or found.in_conflict:
        return Proposal()
    if steps == (RESTART,) and makes_way:
        steps = (STOP, NEW_DRAFT, START)
    return _Steps(scene, found, pins, steps).proposal()


def stops(steps: Sequence[Change]) -> bool:
    """True if one of these steps ends the running iteration in phase 1."""
    return any(isinstance(one, Transition) and one.verb == STOP for one in steps)


def starts(steps: Sequence[Change]) -> bool:
    """True if an iteration runs once these steps are done."""
    return any(isinstance(one, Transition) and one.verb in (START, RESTART) for one in steps)


class _Steps:
    """The steps of one experiment."""

    def __init__(self, scene: Scene, found: Comparison, pins: Pins, steps: tuple[str, ...]) -> None:
        self.scene = scene
        self.found = found
        self.steps = steps
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
        later = [self._start(1)] if self.steps else []
        return Proposal((made, *later), tuple(self._unready(values)))

    def proposal(self) -> Proposal:
        """Return the steps of an experiment that exists."""
        changes = tuple(self._changes())
        return Proposal(changes, tuple(self._refusals()) if changes else ())

    def _changes(self) -> Iterator[Change]:
        number = self.wanted.number if self.wanted else 0
        edits = self.diffs
        if STOP in self.steps:
            yield self._stop()
        if NEW_DRAFT in self.steps:
            yield self._draft(number)
            edits = tuple(diff for diff in edits if diff.field not in ITERATION)
        if RESTART in self.steps:
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
        if START in self.steps:
            yield self._start(number)

    # steps

    def _stop(self) -> Transition:
        now = State.of(self.live[STATUS])
        end = self._end(now.number)
        values = {**_state(State(STOPPED, now.number)), **end}
        diff = FieldDiff(STATUS, _state(now), values)
        return Transition(self.address, STOP, self._resource(values), Phase.STOP, (diff,))

    def _end(self, number: int) -> dict[str, Json]:
        if NEW_DRAFT in self.steps:
            return {"winner": self.live.get("control"), "reason": restarted_reason(number)}
        wanted = self.found.desired[STATUS]
        return {name: wanted[name] for name in ("winner", "reason") if name in wanted}

    def _draft(self, number: int) -> Transition:
        """Of a new iteration every field is sent, managed or not."""
        design = {name: self.live.get(name) for name in ITERATION}
        design |= {n: v for n, v in self._settled().items() if n in ITERATION}
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

    def _settled(self) -> dict[str, Json]:
        """Return what the files manage, apart from what moved in LaunchDarkly and stays so."""
        given = self._given(self.found.desired)
        return {name: value for name, value in given.items() if name not in self.moved}

    def _design(self) -> dict[str, Json]:
        settled = self._settled()
        return {name: settled[name] for name in DESIGN if settled.get(name) is not None}

    def _identity(self) -> dict[str, Json]:
        return {name: self.found.desired[name] for name in IDENTITY if name in self.found.desired}

    # refusals

    def _refusals(self) -> Iterator[Refusal]:
        observed = self.scene.live.live.observed[self.address]
        if words := observed.meta.get("unsupported"):
            yield self._refuse(
                f"it is {words}, which files cannot describe", "change it in LaunchDarkly"
            )
            return
        for diff in self.diffs:
            if diff.field in type(self.listed).immutable:
                yield guards.immutable(self.address, diff)
        if STOP in self.steps:
            yield from self._unfinished()
        if drifted := sorted(self.moved & set(DESIGN)) if starts_anew(self.steps) else []:
            names = ", ".join(f"`{name}`" for name in drifted)
            yield self._refuse(
                f"{names} moved in LaunchDarkly: it would start what the files do not say",
                f"run `ldconf pull {self.address}`, or write a consent"
                f" `{{address: {self.address}, allow: [drift]}}`",
            )
        if NEW_DRAFT in self.steps or starts_anew(self.steps):
            yield from self._unready({**self.live, **self._settled()})
        yield from self._locked(observed)

    def _unready(self, design: Values) -> Iterator[Refusal]:
        starts = starts_anew(self.steps)
        for reason in readiness.reasons(self.scene, self.address, design, starts=starts):
            yield self._refuse(reason.summary, reason.hint)

    def _unfinished(self) -> Iterator[Refusal]:
        number = State.of(self.live[STATUS]).number
        end, taking_part = self._end(number), self.live.get("allocation") or {}
        if missing := [name for name in ("winner", "reason") if not end.get(name)]:
            yield self._refuse(
                f"iteration {number} cannot be stopped without {' and '.join(missing)}",
                "LaunchDarkly asks for both; of an inconclusive experiment control wins",
            )
        elif end["winner"] not in taking_part:
            yield self._refuse(
                f"{end['winner']!r} takes no part in iteration {number}, so it cannot win",
                f"`winner` is one of {', '.join(taking_part)}",
            )

    def _locked(self, observed: Observed) -> Iterator[Refusal]:
        """Yield what LaunchDarkly does not let change in the state in which it would be sent."""
        now = State.of(self.live[STATUS])
        status = STOPPED if STOP in self.steps else now.status
        if {NEW_DRAFT, RESTART} & set(self.steps) or status == DRAFT:
            return
        then = replace(observed, resource=observed.resource.model_copy(update={STATUS: status}))
        names = [
            f"`{diff.field}`"
            for diff in self.diffs
            if diff.field not in type(self.listed).immutable
            and operation(then, diff.field, diff.before, diff.after) is None
        ]
        if not names:
            return
        words, following = ", ".join(names), now.number + 1
        if status == RUNNING:
            yield self._refuse(
                f"experiment {self.address.key!r} runs in {self.live['environment']}:"
                f" LaunchDarkly locks {words} while iteration {now.number} runs",
                f"raise `iteration` to {following} (a new iteration starts, results begin anew), or"
                " stop it (`status: stopped` with `winner` and `reason`); the lock is"
                " LaunchDarkly's, so no consent lifts it",
            )
        else:
            yield self._refuse(
                f"{words} cannot change once iteration {now.number} is stopped",
                f"undo the edit, or write `status: draft` or `running` with"
                f" `iteration: {following}`",
            )

    def _refuse(self, summary: str, hint: str) -> Refusal:
        return Refusal(self.address, EXPERIMENT, summary, hint=hint)


def starts_anew(steps: Collection[str]) -> bool:
    """True if an iteration starts that did not run before."""
    return START in steps or RESTART in steps


def _state(state: State) -> dict[str, Json]:
    return {STATUS: state.status, "iteration": state.number}
