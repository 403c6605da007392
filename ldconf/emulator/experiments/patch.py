"""The semantic patch of experiments: all documented kinds, and what they do to targeting (13.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.experiments.design import design_of, flag_config_version, new_iteration
from ldconf.emulator.experiments.edit import with_updates
from ldconf.emulator.experiments.fields import updates_of
from ldconf.emulator.experiments.place import Place
from ldconf.emulator.experiments.rollout import put_rollout, put_split, put_winner, subject
from ldconf.emulator.experiments.start import refuse_start, started
from ldconf.emulator.http import bad_request, not_implemented

Document = Mapping[str, Json]
CURRENT, DRAFT, PREVIOUS = "currentIteration", "draftIteration", "previousIterations"
JUSTIFICATION: Mapping[str, fields.Check] = {"changeJustification": fields.text}
WINNER: Mapping[str, fields.Check] = {
    "winningTreatmentId": fields.text,
    "winningReason": fields.text,
}


@dataclass(frozen=True)
class Done:
    """What one instruction did, for the audit log. `flag`: where targeting changed."""

    action: str
    verb: str
    why: str = ""
    flag: str | None = None


class ExperimentPatch:
    """Applies instructions to a copy of an experiment. Targeting is written at once: the caller's
    transaction undoes it if a later instruction is refused."""

    def __init__(self, place: Place, experiment: Document) -> None:
        self.place = place
        self.experiment = dict(experiment)
        self.done: list[Done] = []

    def apply(self, instructions: Iterable[Document]) -> None:
        """Apply all instructions in order; 501 for an unknown kind, 400 for one that cannot be."""
        for instruction in instructions:
            act = KINDS.get(instruction["kind"])
            if act is None:
                raise not_implemented(f"instruction {instruction['kind']!r} of experiments")
            act(self, instruction)

    @property
    def _current(self) -> Json:
        return self.experiment.get(CURRENT)

    @property
    def _is_running(self) -> bool:
        return bool(self._current) and self._current["status"] == "running"

    def update_fields(self, instruction: Document) -> None:
        """`updateExperimentFields`: of the experiment, and of its draft or else its current
        iteration. What belongs to the experiment itself is locked while an iteration runs."""
        at = DRAFT if self.experiment.get(DRAFT) else CURRENT
        updates = list(updates_of(instruction.get("value")))
        changed = with_updates(self.place, self.experiment, at, updates)
        if changed != self.experiment:
            self.experiment = changed
            self.done.append(Done("updateExperiment", "updated the experiment"))

    def update_name(self, instruction: Document) -> None:
        """`updateName`, deprecated."""
        self._update_one("name", instruction)

    def update_description(self, instruction: Document) -> None:
        """`updateDescription`, deprecated."""
        self._update_one("description", instruction)

    def _update_one(self, name: str, instruction: Document) -> None:
        update = {"operation": "update", "value": instruction.get("value")}
        self.update_fields({"value": {name: update}})

    def start_iteration(self, instruction: Document) -> None:
        """`startIteration`: the draft. One that runs is stopped, which needs a reason."""
        why = _justification(instruction)
        if not self.experiment.get(DRAFT):
            raise bad_request("there is no draft iteration to start")
        if self._is_running and not why:
            raise bad_request("changeJustification is required: an iteration is running")
        self._start(why)

    def save_and_start(self, instruction: Document) -> None:
        """`saveAndStartNewIteration`: stop, clone, edit, start. Refused beside a draft. [INF]"""
        why = _justification(instruction)
        if not self._is_running:
            raise bad_request("no iteration is running: start a draft with startIteration")
        if self.experiment.get(DRAFT):
            raise bad_request("there is a draft iteration already: start it with startIteration")
        key, _ = subject(self._current)
        design = design_of(self._current)
        design["flags"][key]["flagConfigVersion"] = flag_config_version(self.place, key)
        self.experiment[DRAFT] = new_iteration(self.place, design, key)
        if instruction.get("value") is not None:
            updates = list(updates_of(instruction["value"]))
            self.experiment = with_updates(
                self.place, self.experiment, DRAFT, updates, restarting=True
            )
        self._start(why)

    def stop_iteration(self, instruction: Document) -> None:
        """`stopIteration`: needs a winner and a reason (U12). The winner is served from then on."""
        if not self._is_running:
            raise bad_request("no iteration is running")
        given = fields.pick(instruction, WINNER, required=tuple(WINNER))
        winner = given["winningTreatmentId"]
        if winner not in [one["_id"] for one in self._current["treatments"]]:
            raise bad_request(
                f"winningTreatmentId {winner!r} is no treatment of the running iteration"
            )
        ended = self.place.store.clock()
        stopped = {**self._current, **given, "status": "stopped", "endedAt": ended}
        self.experiment[CURRENT] = stopped
        serve = put_split if self.place.faults.stopped_serves == "split" else put_winner
        serve(self.place.store, self.place.project, self.place.environment, stopped)
        self._did("stopped an iteration of the experiment", given["winningReason"])

    def archive(self, _instruction: Document) -> None:
        """`archiveExperiment`: refused while an iteration runs. [INF]"""
        if self._is_running:
            raise bad_request("an iteration is running: stop it before archiving the experiment")
        if not self.experiment.get("archivedDate"):
            self.experiment["archivedDate"] = self.place.store.clock()
            self.done.append(Done("updateExperimentArchived", "archived the experiment"))

    def restore(self, _instruction: Document) -> None:
        """`restoreExperiment`."""
        if self.experiment.pop("archivedDate", None):
            self.done.append(Done("updateExperimentArchived", "restored the experiment"))

    def _start(self, why: str) -> None:
        refuse_start(self.place, self.experiment)
        replaced = self._current if self._is_running else None
        iteration = started(self.place, self.experiment[DRAFT], replaced)
        over = self._current
        if replaced:
            over = {**replaced, "status": "stopped", "endedAt": iteration["startedAt"]}
        if over:
            self.experiment[PREVIOUS] = [*self.experiment[PREVIOUS], over]
        self.experiment[CURRENT] = iteration
        del self.experiment[DRAFT]
        put_rollout(
            self.place.store, self.place.project, self.place.environment, iteration, replaced
        )
        self._did("started an iteration of the experiment", why)

    def _did(self, verb: str, why: str) -> None:
        """Note a start or a stop: it changed targeting, too."""
        self.done.append(Done("updateExperiment", verb, why, subject(self._current)[0]))


KINDS: Mapping[str, Callable[[ExperimentPatch, Document], None]] = {
    "updateExperimentFields": ExperimentPatch.update_fields,
    "saveAndStartNewIteration": ExperimentPatch.save_and_start,
    "startIteration": ExperimentPatch.start_iteration,
    "stopIteration": ExperimentPatch.stop_iteration,
    "archiveExperiment": ExperimentPatch.archive,
    "restoreExperiment": ExperimentPatch.restore,
    "updateName": ExperimentPatch.update_name,
    "updateDescription": ExperimentPatch.update_description,
}


def _justification(instruction: Document) -> str:
    given: str = fields.pick(instruction, JUSTIFICATION).get("changeJustification", "")
    return given
