"""The semantic patch of experiments: all documented kinds, and what they do to targeting (13.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.database import Ref
from ldconf.emulator.experiments.body import (
    Place,
    analysis_config,
    checked_design,
    design_of,
    flag_config_version,
    new_iteration,
    one_of,
)
from ldconf.emulator.experiments.fields import (
    OF_EXPERIMENT,
    FieldUpdate,
    refusal_of,
    updated,
    updates_of,
)
from ldconf.emulator.experiments.metrics import metric_rows
from ldconf.emulator.experiments.rollout import (
    SEED_BITS,
    put_rollout,
    put_split,
    put_winner,
    slot_of,
    subject,
    weights,
)
from ldconf.emulator.http import Refusal, bad_request, not_implemented

Document = Mapping[str, Json]
JUSTIFICATION: Mapping[str, fields.Check] = {"changeJustification": fields.text}


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
            act = _KINDS.get(instruction["kind"])
            if act is None:
                raise not_implemented(f"instruction {instruction['kind']!r} of experiments")
            act(self, instruction)

    @property
    def _current(self) -> Json:
        return self.experiment.get("currentIteration")

    @property
    def _draft(self) -> Json:
        return self.experiment.get("draftIteration")

    @property
    def _is_running(self) -> bool:
        return bool(self._current) and self._current["status"] == "running"

    def update_fields(self, instruction: Document) -> None:
        """`updateExperimentFields`: of the experiment, and of its draft or else its current
        iteration. What belongs to the experiment itself is locked while an iteration runs."""
        before = dict(self.experiment)
        place = "draftIteration" if self._draft else "currentIteration"
        self._update(list(updates_of(instruction.get("value"))), place)
        if self.experiment != before:
            self.done.append(Done("updateExperiment", "updated the experiment"))

    def update_name(self, instruction: Document) -> None:
        """`updateName`, deprecated."""
        self._rename("name", instruction)

    def update_description(self, instruction: Document) -> None:
        """`updateDescription`, deprecated."""
        self._rename("description", instruction)

    def _rename(self, name: str, instruction: Document) -> None:
        self.update_fields({"value": {name: {**instruction, "operation": "update"}}})

    def start_iteration(self, instruction: Document) -> None:
        """`startIteration`: the draft. One that runs is stopped, which needs a reason."""
        why = _justification(instruction)
        if not self._draft:
            raise bad_request("there is no draft iteration to start")
        if self._is_running and not why:
            raise bad_request("changeJustification is required: an iteration is running")
        self._start(why)

    def save_and_start(self, instruction: Document) -> None:
        """`saveAndStartNewIteration`: stop, clone, edit, start. Refused beside a draft. [INF]"""
        why = _justification(instruction)
        if not self._is_running:
            raise bad_request("no iteration is running: start a draft with startIteration")
        if self._draft:
            raise bad_request("there is a draft iteration already: start it with startIteration")
        design = design_of(self._current)
        for key, flag in design["flags"].items():
            flag["flagConfigVersion"] = flag_config_version(self.place, key)
        self.experiment["draftIteration"] = new_iteration(
            self.place, design, subject(self._current)[0]
        )
        if instruction.get("value") is not None:
            updates = list(updates_of(instruction["value"]))
            self._update(updates, "draftIteration", status="not_started")
        self._start(why)

    def stop_iteration(self, instruction: Document) -> None:
        """`stopIteration`: needs a winner and a reason (U12). The winner is served from then on."""
        if not self._is_running:
            raise bad_request("no iteration is running")
        given = fields.pick(
            instruction,
            {"winningTreatmentId": fields.text, "winningReason": fields.text},
            required=("winningTreatmentId", "winningReason"),
        )
        if given["winningTreatmentId"] not in [one["_id"] for one in self._current["treatments"]]:
            raise bad_request(
                f"winningTreatmentId {given['winningTreatmentId']!r} is no treatment of the "
                "running iteration"
            )
        ended = self.place.store.clock()
        stopped = {**self._current, **given, "status": "stopped", "endedAt": ended}
        self.experiment["currentIteration"] = stopped
        serve = put_split if self.place.faults.stopped_serves == "split" else put_winner
        serve(self.place.store, self.place.project, self.place.environment, stopped)
        verb = "stopped an iteration of the experiment"
        self._did(verb, given["winningReason"], subject(stopped)[0])

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
        store = self.place.store
        draft = self._startable()
        now = store.clock()
        running = self._current if self._is_running else None
        if self._current:
            over = {**self._current, "status": "stopped"}
            if running:
                over["endedAt"] = now
            self.experiment["previousIterations"] = [*self.experiment["previousIterations"], over]
        keep = running is not None and not draft["canReshuffleTraffic"]
        started = {
            **draft,
            "status": "running",
            "startedAt": now,
            "metrics": metric_rows(self.place.store, self.place.project, draft["metrics"]),
            "_seed": self._current["_seed"] if keep else store.random.getrandbits(SEED_BITS),
        }
        self.experiment["currentIteration"] = started
        del self.experiment["draftIteration"]
        put_rollout(self.place.store, self.place.project, self.place.environment, started)
        self._did("started an iteration of the experiment", why, subject(started)[0])

    def _startable(self) -> Document:
        """Return the draft; 400 unless LaunchDarkly's conditions of a start are met (13.4)."""
        draft: Document = self._draft
        if self.experiment.get("archivedDate"):
            raise bad_request("the experiment is archived: restore it to start an iteration")
        key, flag = subject(draft)
        store, project, environment = (
            self.place.store,
            self.place.project,
            self.place.environment,
        )
        targeting = store.get(Ref(project, "targeting", key))
        if targeting is None:
            raise bad_request(f"the flag {key!r} does not exist any more")
        block = targeting["environments"][environment]
        if not block["enabled"]:
            raise bad_request(f"the flag {key!r} is off in {environment}: toggle it on first")
        if not draft["randomizationUnit"]:
            raise bad_request("randomizationUnit is not set")
        if not any(weights(draft["treatments"])):
            raise bad_request("no treatment has an allocationPercent above zero")
        if slot_of(block, flag["targetingRule"]) is None:
            raise bad_request(f"the rule {flag['targetingRule']!r} does not exist any more")
        checked_design(self.place, design_of(draft), key=key, fresh=False)
        self._refuse_taken(key, flag["targetingRule"])
        return draft

    def _refuse_taken(self, key: str, rule: str) -> None:
        """400 if another experiment runs on the same rule. [INF]"""
        others = self.place.store.documents(
            self.place.project, "experiments", self.place.environment
        )
        for other in others:
            iteration = other.get("currentIteration")
            if other["key"] == self.experiment["key"] or not iteration:
                continue
            its_key, its_flag = subject(iteration)
            if iteration["status"] == "running" and (its_key, its_flag["targetingRule"]) == (
                key,
                rule,
            ):
                raise bad_request(
                    f"experiment {other['key']!r} is running on {rule!r} of {key!r} already"
                )

    def _update(self, updates: Iterable[FieldUpdate], place: str, status: str = "") -> None:
        """Change fields of the experiment and of the iteration at `place`. `status` replaces the
        state that decides what may change."""
        iteration = self.experiment[place]
        of_experiment = status or ("running" if self._is_running else iteration["status"])
        of_iteration = status or iteration["status"]
        before = design_of(iteration)
        design = dict(before)
        for update in updates:
            own = update.name in OF_EXPERIMENT
            reason = refusal_of(update, of_experiment if own else of_iteration)
            if reason:
                raise Refusal(self.place.faults.locked_status, "invalid_request", reason)
            if own:
                self._set(update)
                continue
            design[update.name] = updated(design.get(update.name), update)
            if update.name == "randomizationUnit":
                design[update.name] = design[update.name] or ""
            other = _EXCLUSIVE.get(update.name)
            if other:
                design.pop(other, None)
        if design == before:
            return
        checked = checked_design(
            self.place, design, key=subject(iteration)[0], fresh=design["flags"] != before["flags"]
        )
        kept = {row["key"]: row for row in iteration["metrics"]}
        if iteration["status"] == "running":  # a metric keeps the version it started with (10.3)
            checked["metrics"] = [kept.get(row["key"], row) for row in checked["metrics"]]
        others = {n: v for n, v in iteration.items() if n not in _EXCLUSIVE}
        version = iteration["version"] + 1
        self.experiment[place] = {**others, **checked, "version": version}

    def _set(self, update: FieldUpdate) -> None:
        """Change a field of the experiment itself."""
        name = {"maintainerId": "_maintainerId"}.get(update.name, update.name)
        value = updated(self.experiment.get(name), update)
        if name == "tags":
            value = fields.sorted_tags(value)
        elif name == "analysisConfig":
            if not isinstance(value, dict):
                raise bad_request("analysisConfig must be an object")
            value = analysis_config(self.place, self.experiment["methodology"], value)
        elif not isinstance(value or "", str):
            raise bad_request(f"{update.name} must be a string")
        elif name in ("methodology", "dataSource"):
            value = one_of(name, value)
        elif name == "name" and not value:
            raise bad_request("name must not be empty")
        self.experiment[name] = value or ("" if name != "tags" else [])

    def _did(self, verb: str, why: str, flag: str) -> None:
        self.done.append(Done("updateExperiment", verb, why, flag))


_EXCLUSIVE = {
    "primarySingleMetricKey": "primaryFunnelKey",
    "primaryFunnelKey": "primarySingleMetricKey",
}
_KINDS: Mapping[str, Callable[[ExperimentPatch, Document], None]] = {
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
