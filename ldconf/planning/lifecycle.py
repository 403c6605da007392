"""Where an experiment stands in its life, and which steps lead on (design section 5). Pure.

`status`, `iteration` and, once stopped, `winner` and `reason` are one value of the three-way table:
the field `status` of an experiment is `{status, iteration}` or `{status, iteration, winner,
reason}` wherever it is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ldconf.core.resource import Json, same
from ldconf.kinds.experiment_model import DRAFT, LIFECYCLE, RUNNING, STOPPED

STATUS = "status"
STOP, NEW_DRAFT, RESTART, START = "stop", "draft", "restart", "start"
_END = ("winner", "reason")


@dataclass(frozen=True)
class State:
    """`draft N`: N-1 iterations were started and a draft exists. `running N`, `stopped N`: N were
    started."""

    status: str
    number: int

    @classmethod
    def of(cls, folded: Mapping[str, Json]) -> State:
        """Return the state that a folded field `status` tells."""
        return cls(folded[STATUS], folded["iteration"])

    def __str__(self) -> str:
        return f"{self.status} {self.number}"


@dataclass(frozen=True)
class Impossible:
    """Why no step leads from one state to another, and what to write instead."""

    summary: str
    hint: str


def fold(values: Mapping[str, Json]) -> dict[str, Json]:
    """Return an experiment's fields with all that says where it stands in one, if managed."""
    folded = {name: value for name, value in values.items() if name not in LIFECYCLE}
    if values.get(STATUS) is None:
        return folded
    at: dict[str, Json] = {STATUS: values[STATUS], "iteration": values.get("iteration") or 1}
    if values[STATUS] == STOPPED:
        at |= {name: values[name] for name in _END if values.get(name) is not None}
    return {**folded, STATUS: at}


def path(live: State | None, wanted: State) -> tuple[str, ...] | Impossible:
    """Return the steps from where LaunchDarkly is to where the files want it (None: no such
    experiment; its creation, which leads to `draft 1`, is not among the steps)."""
    if live is None:
        return _first(wanted)
    if live == wanted:
        return ()
    steps = _LEGAL.get((live.status, wanted.status, wanted.number - live.number))
    return _why_not(live, wanted) if steps is None else steps


def restarted_reason(number: int) -> str:
    """Return the reason of a stop that makes way for the next iteration."""
    return f"restarted as iteration {number + 1}"


_LEGAL: Mapping[tuple[str, str, int], tuple[str, ...]] = {
    (DRAFT, RUNNING, 0): (START,),
    (RUNNING, STOPPED, 0): (STOP,),
    (RUNNING, RUNNING, 1): (RESTART,),
    (STOPPED, DRAFT, 1): (NEW_DRAFT,),
    (STOPPED, RUNNING, 1): (NEW_DRAFT, START),
}


def _first(wanted: State) -> tuple[str, ...] | Impossible:
    if wanted.number != 1:
        return Impossible(
            f"a new experiment begins with iteration 1, not {wanted.number}", "write `iteration: 1`"
        )
    if wanted.status == STOPPED:
        return Impossible(
            "it does not exist in LaunchDarkly, so there is nothing to stop",
            "begin with `status: draft` or `status: running`, or drop the entry",
        )
    return (START,) if wanted.status == RUNNING else ()


def _why_not(live: State, wanted: State) -> Impossible:
    """Return why a step is not legal, in the words of what is tried."""
    following = live.number + (live.status != DRAFT)
    if wanted.number > following:
        return Impossible(
            f"iteration {wanted.number} is too far: LaunchDarkly is at `{live}`",
            f"the next iteration is {following}",
        )
    if wanted.number < live.number:
        return Impossible(
            f"LaunchDarkly is at `{live}`: it never goes back to `{wanted}`",
            "run `ldconf pull` for this experiment, or write the next iteration",
        )
    match live.status, wanted.status:
        case "stopped", _ if wanted.number == live.number:
            return Impossible(
                f"iteration {live.number} was stopped and cannot become `{wanted.status}` again",
                f"write `iteration: {live.number + 1}`",
            )
        case "running", "draft" if wanted.number == live.number:
            return Impossible(
                f"iteration {live.number} runs and cannot become a draft again",
                f"stop it (`status: stopped` with `winner` and `reason`), or start over with"
                f" `iteration: {following}`",
            )
        case "running", "draft":
            return Impossible(
                f"iteration {live.number} runs: the next one cannot be drafted beside it",
                f"stop iteration {live.number} first, or write `status: running`",
            )
        case _:
            return Impossible(
                f"iteration {wanted.number} was never started, so it cannot be `{wanted.status}`",
                f"LaunchDarkly is at `{live}`",
            )


class Lifecycle:
    """Equality of the field `status` (design section 9, ours (b))."""

    def in_sync(self, desired: Json, live: Json) -> bool:
        """True if it stands where the files want it: of an end, if they tell it, too."""
        if State.of(desired) != State.of(live):
            return False
        return all(same(desired[name], live.get(name)) for name in _END if name in desired)

    def ours(self, said: Json, live: Json) -> bool:
        """True if live is what files said, or what an interrupted apply of them left.

        That is a stop that made way for the next iteration, a stop with the winner and reason of
        the files, and the draft of an iteration that they want running.
        """
        if self.in_sync(said, live):
            return True
        wanted, at = State.of(said), State.of(live)
        if at.status == STOPPED:
            made_way = live.get("reason") == restarted_reason(at.number)
            told = all(name in said and same(said[name], live.get(name)) for name in _END)
            return told or (made_way and wanted.number in (at.number, at.number + 1))
        return at == State(DRAFT, wanted.number) and wanted.status == RUNNING

    def unmoved(self, base: Json, desired: Json) -> bool:
        """True if the files still say the same."""
        return same(base, desired)


LIFE = Lifecycle()
