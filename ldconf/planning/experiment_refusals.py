"""Why the steps of an experiment may not be taken: they stand and fall together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import Refusal
from ldconf.core.resource import Observed
from ldconf.kinds.experiment_fields import operation
from ldconf.kinds.experiment_model import DESIGN, DRAFT, RUNNING, STOPPED
from ldconf.kinds.experiment_parts import FALLTHROUGH
from ldconf.planning import guards, readiness
from ldconf.planning.aftermath import RULES
from ldconf.planning.compare import compare
from ldconf.planning.lifecycle import NEW_DRAFT, RESTART, START, STATUS, STOP, State
from ldconf.planning.sides import Values
from ldconf.planning.threeway import MOVED

if TYPE_CHECKING:
    from ldconf.planning.experiments import Steps

EXPERIMENT = "experiment"
_OF_THE_EXPERIMENT = frozenset({"methodology", "dataSource", "analysisConfig"})
ITERATION = tuple(name for name in DESIGN if name not in _OF_THE_EXPERIMENT)


def refusals(steps: Steps) -> Iterator[Refusal]:
    """Yield why the steps of an experiment that exists may not be taken."""
    observed = steps.scene.live.live.observed[steps.address]
    if words := observed.meta.get("unsupported"):
        yield _refuse(steps, f"it is {words}, which files cannot describe", _THERE)
        return
    for diff in steps.diffs:
        if diff.field in type(steps.listed).immutable:
            yield guards.immutable(steps.address, diff)
    if STOP in steps.verbs:
        yield from _unfinished(steps)
    if _meets_draft(steps, observed):
        yield _refuse(
            steps,
            "LaunchDarkly has a draft of its next iteration beside the one that runs, and would"
            " take that for what is meant",
            "start that draft in LaunchDarkly (a draft cannot be deleted), then run"
            f" `ldconf pull {steps.address}`",
        )
    if drifted := sorted(steps.moved & set(DESIGN)) if starts_anew(steps.verbs) else []:
        names = ", ".join(f"`{name}`" for name in drifted)
        yield _refuse(
            steps,
            f"{names} moved in LaunchDarkly: it would start what the files do not say",
            f"run `ldconf pull {steps.address}`, or write a consent"
            f" `{{address: {steps.address}, allow: [drift]}}`",
        )
    if NEW_DRAFT in steps.verbs or starts_anew(steps.verbs):
        yield from unready(steps, {**steps.live, **steps.settled})
    yield from _locked(steps, observed)


_THERE = "change it in LaunchDarkly"


def unready(steps: Steps, design: Values) -> Iterator[Refusal]:
    """Yield why an iteration of this design cannot be made or start."""
    if START in steps.verbs and STOP not in steps.verbs:
        yield from _overwriting(steps, design)
    starts = starts_anew(steps.verbs)
    for reason in readiness.reasons(steps.scene, steps.address, design, starts=starts):
        yield _refuse(steps, reason.summary, reason.hint)


def starts_anew(verbs: Collection[str]) -> bool:
    """True if an iteration starts that did not run before."""
    return START in verbs or RESTART in verbs


def _meets_draft(steps: Steps, observed: Observed) -> bool:
    """True if a step or an edit would meet a draft that was made beside a running iteration."""
    if not observed.meta.get("draft") or State.of(steps.live[STATUS]).status != RUNNING:
        return False
    edited = any(diff.field in ITERATION for diff in steps.diffs)
    return edited or bool({STOP, RESTART} & set(steps.verbs))


def _overwriting(steps: Steps, design: Values) -> Iterator[Refusal]:
    """A start replaces what its rule serves: nothing that moved in LaunchDarkly is replaced."""
    place = targeting_address(design["aiConfig"], design["environment"])
    name = RULES if isinstance(design.get("rule"), Mapping) else FALLTHROUGH
    listed = place in steps.scene.desired.workspace.resources
    found = compare(steps.scene, place) if listed else None
    if any(row.field == name and row.row in MOVED for row in (found.fields if found else ())):
        yield _refuse(
            steps,
            f"`{name}` of {place} moved in LaunchDarkly, and the start would overwrite it",
            f"run `ldconf pull {place}`, or write a consent `{{address: {place}, allow: [drift]}}`",
        )


def _unfinished(steps: Steps) -> Iterator[Refusal]:
    number = State.of(steps.live[STATUS]).number
    end, taking_part = steps.end(number), steps.live.get("allocation") or {}
    if missing := [name for name in ("winner", "reason") if not end.get(name)]:
        yield _refuse(
            steps,
            f"iteration {number} cannot be stopped without {' and '.join(missing)}",
            "LaunchDarkly asks for both; of an inconclusive experiment control wins",
        )
    elif end["winner"] not in taking_part:
        yield _refuse(
            steps,
            f"{end['winner']!r} takes no part in iteration {number}, so it cannot win",
            f"`winner` is one of {', '.join(taking_part)}",
        )


def _locked(steps: Steps, observed: Observed) -> Iterator[Refusal]:
    """Yield what LaunchDarkly does not let change in the state in which it would be sent."""
    now = State.of(steps.live[STATUS])
    status = STOPPED if STOP in steps.verbs else now.status
    if {NEW_DRAFT, RESTART} & set(steps.verbs) or status == DRAFT:
        return
    then = replace(observed, resource=observed.resource.model_copy(update={STATUS: status}))
    names = [
        f"`{diff.field}`"
        for diff in steps.diffs
        if diff.field not in type(steps.listed).immutable
        and operation(then, diff.field, diff.before, diff.after) is None
    ]
    if not names:
        return
    words, following = ", ".join(names), now.number + 1
    if status == RUNNING:
        yield _refuse(
            steps,
            f"experiment {steps.address.key!r} runs in {steps.live['environment']}:"
            f" LaunchDarkly locks {words} while iteration {now.number} runs",
            f"raise `iteration` to {following} (a new iteration starts, results begin anew), or"
            " stop it (`status: stopped` with `winner` and `reason`); the lock is"
            " LaunchDarkly's, so no consent lifts it",
        )
    else:
        yield _refuse(
            steps,
            f"{words} cannot change once iteration {now.number} is stopped",
            f"undo the edit, or write `status: draft` or `running` with `iteration: {following}`",
        )


def _refuse(steps: Steps, summary: str, hint: str) -> Refusal:
    return Refusal(steps.address, EXPERIMENT, summary, hint=hint)
