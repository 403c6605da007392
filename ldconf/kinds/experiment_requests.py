"""The requests that bring an experiment from where it is to where the files want it.

What to do next depends on the experiment as it was just read, not on what the plan called the step:
so an apply that was interrupted goes on where it stopped. A draft is made or edited, read back, and
only started once it is what the files say. Source: reference 13.4, 13.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from ldconf.core.address import variation as variation_address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.errors import ApiError, LdconfError
from ldconf.core.kind import Facts, Request
from ldconf.core.resource import Json, Observed, Resource
from ldconf.kinds.experiment_fields import (
    Design,
    differences,
    edits,
    restart_edits,
    without_lifecycle,
)
from ldconf.kinds.experiment_model import DRAFT, RUNNING, Experiment
from ldconf.kinds.experiment_payloads import path


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """Return the next request, () once nothing is left. Deleting an experiment archives it.

    Raises LdconfError if the step is not possible from where the experiment is.
    """
    live = facts.live(change.address)
    if live is not None and live.meta.get("archived"):
        if isinstance(change, Delete):
            return ()
        raise LdconfError(
            "it is archived in LaunchDarkly", "choose another key, or restore it there"
        )
    match change:
        case Create(after=after) | Update(after=after) | Transition(after=after):
            return _Step(change, after, facts, live).requests()
        case Delete():
            return _archived(change, live, facts)
        case Archive() | Restore():
            raise TypeError(f"experiments have no {type(change).__name__}")
        case _:
            assert_never(change)


def advice(change: Change, error: ApiError) -> str | None:
    """Return what to do if LaunchDarkly does not take an AI Config in an experiment (U6)."""
    if not isinstance(change, Create) or not isinstance(change.after, Experiment):
        return None
    key, said = change.after.ai_config, (error.message or "").lower()
    if error.status not in (400, 404) or "version" in said:
        return None
    if not (key.lower() in said or "flag" in said):
        return None
    return (
        f"nothing was made. Make the experiment on AI Config {key!r} in LaunchDarkly's user"
        f" interface, with the key {change.address.key!r}, as a draft; then run `ldconf plan` again"
    )


def _archived(change: Change, live: Observed | None, facts: Facts) -> Sequence[Request]:
    if live is None:
        return ()
    found = live.resource
    if not isinstance(found, Experiment):
        raise TypeError(f"not an experiment: {found!r}")
    if found.status == RUNNING:
        raise LdconfError(
            "it is running and cannot be archived", "stop it first: `status: stopped`"
        )
    return (_patch(change, found.environment, facts, [{"kind": "archiveExperiment"}]),)


class _Step:
    """One change at the state in which it finds the experiment."""

    def __init__(
        self, change: Change, after: Resource, facts: Facts, live: Observed | None
    ) -> None:
        if not isinstance(after, Experiment):
            raise TypeError(f"not an experiment: {after!r}")
        self._change = change
        self._facts = facts
        self._live = live
        self._experiment = after
        self._wanted = after.managed()
        self._actual: Mapping[str, Json] = live.resource.managed() if live else {}
        self._changed = differences(self._actual, self._wanted)

    def requests(self) -> Sequence[Request]:
        """Return what to send now."""
        if self._live is None:
            return () if isinstance(self._change, Update) else (self._create(),)
        if "status" not in self._wanted:
            return self._edit()
        wanted = (self._wanted["status"], self._wanted["iteration"])
        actual = (self._actual["status"], self._actual["iteration"])
        match actual[0], wanted[0], wanted[1] - actual[1]:
            case before, after, 0 if before == after:
                # What a start or a stop fixed is not edited after it: it is as sent, or failed.
                done = isinstance(self._change, Transition) and after != DRAFT
                return () if done else self._edit()
            case "draft", "running", 0:
                return self._edit() or (self._patch({"kind": "startIteration", **self._because()}),)
            case "running", "stopped", 0:
                return (self._patch(*self._edits(), self._stop()),)
            case "running", "running", 1:
                return (self._restart(),)
            case "stopped", "draft" | "running", 1:
                return (self._draft(),)
            case _:
                raise LdconfError(
                    f"iteration {actual[1]} is {actual[0]} in LaunchDarkly: from there is no way"
                    f" to {wanted[0]} {wanted[1]}",
                    "run `ldconf plan` again",
                )

    def _create(self) -> Request:
        project, environment = self._facts.project, self._experiment.environment
        body = self._design().experiment(self._change.address.key)
        collection = path(project, environment, "").rstrip("/")
        return Request("POST", collection, body, address=self._change.address)

    def _edit(self) -> Sequence[Request]:
        found = self._edits()
        return (self._patch(*found),) if found else ()

    def _edits(self) -> list[Json]:
        """Return the instruction that edits what differs, if anything does."""
        if not self._changed or self._live is None:
            return []
        value = edits(self._live, self._changed, self._design())
        return [{"kind": "updateExperimentFields", "value": value}]

    def _stop(self) -> dict[str, Json]:
        """Winner and reason are sent always (reference U12)."""
        treatments = (self._live.meta if self._live else {}).get("treatment_ids") or {}
        winner = self._wanted.get("winner") or self._actual.get("control")
        if winner not in treatments:
            raise LdconfError(
                f"variation {winner!r} is not part of the iteration that runs",
                f"`winner` is one of {', '.join(sorted(treatments))}",
            )
        reason = self._wanted.get("reason") or "stopped by ldconf"
        ended = {"winningTreatmentId": treatments[winner], "winningReason": reason}
        return {"kind": "stopIteration", **ended}

    def _restart(self) -> Request:
        value = restart_edits(self._changed, self._design())
        extra = {"value": value} if value else {}
        return self._patch({"kind": "saveAndStartNewIteration", **self._because(), **extra})

    def _draft(self) -> Request:
        """A stopped experiment gets its next iteration (deprecated, but there is no other way)."""
        base = path(self._facts.project, self._experiment.environment, self._change.address.key)
        body = self._design().iteration()
        return Request("POST", f"{base}/iterations", body, address=self._change.address)

    def _because(self) -> dict[str, Json]:
        return {"changeJustification": self._facts.comment}

    def _patch(self, *instructions: Json) -> Request:
        return _patch(self._change, self._experiment.environment, self._facts, instructions)

    def _design(self) -> Design:
        """Return the whole design: what is not managed stays as it is live."""
        values = {**without_lifecycle(self._actual), **without_lifecycle(self._wanted)}
        key = self._experiment.ai_config
        values |= {"environment": self._experiment.environment, "aiConfig": key}
        written = self._experiment.document()  # metrics and arms in the order of the file
        values |= {name: written[name] for name in ("metrics", "allocation") if name in written}
        arms = values.get("allocation") or {}
        names = {}
        for arm in arms:
            found = self._facts.live(variation_address(key, arm))
            if found is not None and (name := found.resource.managed().get("name")):
                names[arm] = name
        return Design(values, key, self._facts.targeting(key), names)


def _patch(change: Change, environment: str, facts: Facts, instructions: Sequence[Json]) -> Request:
    body = {"comment": facts.comment, "instructions": list(instructions)}
    at = path(facts.project, environment, change.address.key)
    return Request("PATCH", at, body, semantic=True, address=change.address)
