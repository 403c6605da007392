"""The steps of an experiment in words: where it stands, and who gets what while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ldconf.core.change import Change, FieldDiff, Transition
from ldconf.core.resource import Json
from ldconf.kinds import words
from ldconf.kinds.experiment_parts import served
from ldconf.kinds.serve import TOTAL, percent, to_weight
from ldconf.render.rows import Detail, FieldRow, ValueChange, WhoChange

_STARTS = ("start", "restart")


def label(change: Transition) -> str:
    """Return what a step is called after its verb: `iteration 1 of experiment KEY (phase 5)`."""
    number, phase = _at(change).get("iteration", 1), f"(phase {change.phase.value})"
    if change.verb == "restart":
        return f"experiment {change.address.key} as iteration {number} {phase}"
    return f"iteration {number} of experiment {change.address.key} {phase}"


def sentence(change: Transition) -> str | None:
    """Return what comes with a step: of a stop, how it ended."""
    at = _at(change)
    if change.verb != "stop":
        return None
    return f"winner {at.get('winner')}, because {at.get('reason')}"


def edits(change: Transition) -> tuple[FieldDiff, ...]:
    """Return what a step changes besides the state, which its label tells."""
    return tuple(diff for diff in change.fields if diff.field != "status")


def starts(change: Change) -> bool:
    """True if an iteration runs once this step is done."""
    return isinstance(change, Transition) and change.verb in _STARTS


def audience(change: Change) -> FieldRow | None:
    """Return who gets what once an iteration runs: as every field in words, and as values.

    The values are maps: `aiConfig`, `environment`, `rule`, and `serve` or `rollout` (percent).
    """
    if not isinstance(change, Transition) or not starts(change):
        return None
    found = _at(change)
    if not found.get("allocation"):
        return None
    rule = found.get("rule") or "fallthrough"
    who = words.rule(rule) if isinstance(rule, Mapping) else "everyone else"
    place = {"aiConfig": found.get("aiConfig"), "environment": found.get("environment")}
    after = {**place, "rule": rule, **_rollout(found)}
    if change.verb == "start":
        was, control = found.get("control"), found.get("control")
        before = {**place, "rule": rule, "serve": control} if control else None
    else:  # it runs: the edits tell what was
        ran = {**found, **{diff.field: diff.before for diff in edits(change)}}
        was, before = _shares(ran), {**place, "rule": rule, **_rollout(ran)}
    return FieldRow("audience", (WhoChange(who, was, _shares(found)),), before, after)


def status(before: Json, after: Json) -> Iterator[Detail]:
    """Yield where an experiment stands: `running 1` is iteration 1, running."""
    yield ValueChange("status", _state(before), _state(after))


def allocation(before: Json, after: Json) -> Iterator[Detail]:
    """Yield the share of each variation that takes part."""
    old, new = before or {}, after or {}
    for key in [*old, *(key for key in new if key not in old)]:
        if old.get(key) != new.get(key):
            yield WhoChange(f"variation {key}", _percent(old.get(key)), _percent(new.get(key)))


def _rollout(found: Mapping[str, Json]) -> dict[str, Json]:
    return {"rollout": served(found), "contextKind": found.get("randomizationUnit") or "user"}


def _shares(found: Mapping[str, Json]) -> str:
    """Return `a 40 %, b 40 % (control a); 20 % outside get c`."""
    arms: Mapping[str, Json] = found["allocation"]
    shares = ", ".join(f"{key} {words.percent(share)}" for key, share in arms.items())
    rest = TOTAL - sum(to_weight(share) for share in arms.values())
    unit = found.get("randomizationUnit") or "user"
    text = f"experiment by {unit}: {shares}"
    if rest <= 0:
        return text
    outside = found.get("remainder") or found.get("control")
    return f"{text}; {words.percent(percent(rest))} outside get {outside}"


def _at(change: Transition) -> Mapping[str, Json]:
    return change.after.managed()


def _state(value: Json) -> str | None:
    if not isinstance(value, Mapping):
        return None if value is None else str(value)
    text = f"{value.get('status')} {value.get('iteration')}"
    end = [f"winner {value['winner']}"] if value.get("winner") else []
    end += [f"because {value['reason']}"] if value.get("reason") else []
    return f"{text} ({', '.join(end)})" if end else text


def _percent(value: Json) -> str | None:
    return None if value is None else words.percent(value)
