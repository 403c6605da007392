"""The head and the last line of a report: risk, environments, counts, verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ldconf.core.change import (
    VERBS,
    Change,
    Create,
    Delete,
    NoteKind,
    Plan,
    Restore,
    Transition,
    Update,
    verb_of,
)
from ldconf.kinds.experiment_model import environment_of
from ldconf.render.names import counted
from ldconf.render.rows import Summary

_LEVELS = ("none", "low", "medium", "high")
_STEPS = ("stop", "draft", "restart", "start")
_TODO = (*(verb for kind, verb in VERBS.items() if kind is not Transition), *_STEPS)


def summarise(plan: Plan) -> Summary:
    """Return risk class, places and counts of a plan."""
    reasons = sorted(set(_risks(plan)), key=lambda found: (-found[0], found[1]))
    level = reasons[0][0] if reasons else 0
    counts = _counts(plan)
    words = Counter(map(verb_of, plan.changes))
    todo = ", ".join(f"{words[verb]} to {verb}" for verb in _TODO if words[verb])
    return Summary(
        risk=_LEVELS[level],
        risk_reasons=tuple(reason for at, reason in reasons if at == level and reason),
        environments=_environments(plan),
        experiments=tuple(
            dict.fromkeys(
                change.address.key
                for change in (*plan.changes, *plan.refused)
                if change.address.kind == "experiments"
            )
        ),
        counts=counts,
        todo=todo,
        verdict=_verdict(plan, counts, todo),
    )


def risk_of(plan: Plan, change: Change) -> str:
    """Return the risk class of one change: low, medium or high."""
    return _LEVELS[_risk(plan, change)[0]]


def _risks(plan: Plan) -> Iterator[tuple[int, str]]:
    """Yield (level, reason): 3 cannot be undone or lifts a guard, 2 users notice, 1 nobody yet."""
    if any(note.kind is NoteKind.SETTINGS for note in plan.notes):
        yield 3, "the settings of the workspace change"
    for use in plan.consents:
        yield 3, f"a consent `{use.allow}` is used"
    for change in plan.changes:
        yield _risk(plan, change)


def _risk(plan: Plan, change: Change) -> tuple[int, str]:
    match change:
        case Delete() if change.address.kind == "experiments":
            return 2, "an experiment is archived"
        case Delete():
            return 3, "objects are deleted for good"
        case Transition(verb="stop" | "restart"):
            return 3, "an iteration of an experiment ends for good"
        case Transition(verb="start"):
            return 2, "who gets what changes"
        case Update() | Restore() if any(
            e.percent > 0 for e in plan.effects.get(change.address, ())
        ):
            return 2, "a variation in use is edited in place"
        case Update() | Create() if change.address.environment is not None:
            return 2, "who gets what changes"
        case _:
            return 1, ""


def _environments(plan: Plan) -> tuple[str, ...]:
    """Where the changes are felt: their own environment, or where an edited variation is served."""
    found: dict[str, None] = {}
    for change in plan.changes:
        if environment := _environment(change):
            found[environment] = None
        for effect in plan.effects.get(change.address, ()):
            if effect.percent > 0 or not effect.exact:
                found[effect.environment] = None
    return tuple(found)


def _environment(change: Change) -> str | None:
    """Return the environment of a change. A draft of an experiment is felt nowhere."""
    if change.address.kind != "experiments":
        return change.address.environment
    return environment_of(change.address, change.after) if isinstance(change, Transition) else None


def _counts(plan: Plan) -> Mapping[str, int]:
    counts = dict.fromkeys(VERBS.values(), 0)
    for change in plan.changes:
        counts[VERBS[type(change)]] += 1
    adopted = [note for note in plan.notes if note.kind is NoteKind.ADOPTED]
    adopting = [change for change in plan.changes if isinstance(change, Update) and change.adopts]
    return {
        **counts,
        "adopt": len(adopted) + len(adopting),
        "unchanged": plan.unchanged,
        "drift": len({drift.address for drift in plan.drift}),
        "conflict": len({conflict.address for conflict in plan.conflicts}),
        "refused": len(plan.refused),
        "unverifiable": len(plan.unverifiable),
        "leftOut": plan.left_out,
        "approval": len(plan.approvals),
    }


def _verdict(plan: Plan, counts: Mapping[str, int], todo: str) -> str:
    """Return the last line: what apply would do, then what it would leave alone."""
    blocked = counts["refused"] or counts["conflict"] or plan.refusals
    head = todo or ("Nothing can be applied" if blocked else "No changes")
    rest = [f"{counts[name]} {words}" for name, words in _LEFT_ALONE.items() if counts[name]]
    rest += [counted(counts["leftOut"], "change") + " left out"] if counts["leftOut"] else []
    rest.append(f"{counts['unchanged']} unchanged")
    return f"{'Plan: ' if todo else ''}{head}. {', '.join(rest)}."


_LEFT_ALONE = {
    "refused": "refused",
    "conflict": "in conflict",
    "drift": "moved in LaunchDarkly and left alone",
    "approval": "waiting for approval",
    "unverifiable": "not verifiable",
}
