"""Plan -> `Report`: grouping, order, symbols, counts and words. What is drawn is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ldconf.core.address import Address, targeting, variation
from ldconf.core.change import (
    Archive,
    Change,
    Conflict,
    Create,
    Delete,
    Drift,
    FieldDiff,
    Plan,
    Refusal,
    Restore,
    Transition,
    Update,
    step,
    verb_of,
)
from ldconf.core.cost import CostChange
from ldconf.core.diagnostic import Position
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.render import experiment_steps as steps
from ldconf.render.details import details
from ldconf.render.names import family, label, title
from ldconf.render.redact import redacted
from ldconf.render.rows import (
    ConflictRow,
    ConsentRow,
    ContextEntry,
    Detail,
    DriftRow,
    ExperimentRow,
    FieldRow,
    Group,
    NoteRow,
    RefusalRow,
    Report,
    RequestRow,
    Row,
    SampleRow,
    Summary,
)
from ldconf.render.summary import risk_of, summarise

_Found = TypeVar("_Found", Drift, Conflict)
_SYMBOLS = {Create: "+", Restore: "+", Update: "~", Transition: "~", Archive: "-", Delete: "-"}


@dataclass(frozen=True)
class ReportOptions:
    """What a report is built with beside the plan."""

    workspace: Workspace | None = None  # positions for annotations
    context: tuple[ContextEntry, ...] = ()
    remarks: tuple[str, ...] = ()
    requests: Mapping[str, tuple[RequestRow, ...]] = field(default_factory=dict)
    unmanaged: tuple[Address, ...] | None = None
    redact: bool = False
    costs: Mapping[Address, CostChange] = field(default_factory=dict)
    samples: tuple[SampleRow, ...] = ()
    experiments: tuple[ExperimentRow, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)


_PLAIN = ReportOptions()


def build(plan: Plan, options: ReportOptions = _PLAIN) -> Report:
    """Return the report of a plan: same plan and options, equal report. Pure."""
    return _Builder(plan, options).report()


@dataclass(frozen=True)
class _Builder:
    plan: Plan
    options: ReportOptions

    def report(self) -> Report:
        plan = self.plan
        return Report(
            project=plan.project,
            workspace=plan.workspace,
            digest=plan.digest,
            base=plan.base_ref,
            head=plan.head_ref,
            dirty=plan.dirty,
            direction_unknown=plan.direction_unknown,
            summary=self._summary(),
            groups=self._groups(plan.changes),
            refused=self._groups(plan.refused),
            refusals=tuple(self._refusal(refusal) for refusal in plan.refusals),
            conflicts=tuple(self._conflicts()),
            drift=tuple(self._drift()),
            notes=tuple(self._notes()),
            unverifiable=tuple(f"{u.address} {u.field}" for u in plan.unverifiable),
            remarks=self.options.remarks,
            context=self.options.context,
            unmanaged=self.options.unmanaged,
            hashes=tuple(sorted(plan.change_hashes.values())),
            requests=self._requests(),
            samples=self.options.samples,
            experiments=self.options.experiments,
            consents=self.options.consents,
            prompts=self.options.prompts,
        )

    def _summary(self) -> Summary:
        """Experiments are touched by their own changes, and by those of what they compare."""
        found = summarise(self.plan)
        changed = {change.address for change in (*self.plan.changes, *self.plan.refused)}
        touched = (one.key for one in self.options.experiments if _touches(one, changed))
        return replace(found, experiments=tuple(dict.fromkeys((*found.experiments, *touched))))

    def _requests(self) -> Mapping[str, tuple[RequestRow, ...]]:
        return {
            address: tuple(replace(row, body=self._shown("body", row.body)) for row in rows)
            for address, rows in self.options.requests.items()
        }

    def _groups(self, changes: Iterable[Change]) -> tuple[Group, ...]:
        """Group by `family`: an AI Config takes its variations and targeting with it."""
        rows: dict[tuple[str, ...], list[Row]] = {}
        for change in changes:
            rows.setdefault(family(change.address), []).append(self._row(change))
        return tuple(Group(title(parts), tuple(found)) for parts, found in rows.items())

    def _row(self, change: Change) -> Row:
        address = change.address
        return Row(
            address=address,
            symbol=_SYMBOLS[type(change)],
            word=verb_of(change),
            label=steps.label(change) if isinstance(change, Transition) else label(address),
            fields=self._change_fields(change),
            effects=self.plan.effects.get(address),
            adopts=isinstance(change, Update) and change.adopts,
            summary=self._sentence(change),
            position=self._position(address),
            hash=self.plan.change_hashes.get(step(change)),
            risk=risk_of(self.plan, change),
            cost=self._cost(change),
            phase=change.phase.value,
        )

    def _cost(self, change: Change) -> CostChange | None:
        """Of an experiment, it is the start that alters the cost."""
        is_step = change.address.kind == "experiments" and not steps.starts(change)
        return None if is_step else self.options.costs.get(change.address)

    def _change_fields(self, change: Change) -> tuple[FieldRow, ...]:
        match change:
            case Create(address=address, after=after):
                pairs = [FieldDiff(name, None, value) for name, value in after.managed().items()]
            case Delete(address=address) if address.kind == "experiments":
                pairs = []  # it is archived: nothing of it is lost
            case Delete(address=address, before=before):
                pairs = [FieldDiff(name, value, None) for name, value in before.managed().items()]
            case Update(address=address, fields=fields) | Restore(address=address, fields=fields):
                pairs = list(fields)
            case Transition(address=address):
                pairs = list(steps.edits(change))
            case Archive(address=address):
                pairs = []
        always = isinstance(change, Update | Restore | Transition)
        rows = tuple(
            self._field(address, diff)
            for diff in pairs
            if always or diff.before is not None or diff.after is not None
        )
        served = steps.audience(change)
        return (*rows, served) if served else rows

    def _field(self, address: Address, diff: FieldDiff, *, by_apply: bool = True) -> FieldRow:
        before, after = self._shown(diff.field, diff.before), self._shown(diff.field, diff.after)
        drawn: tuple[Detail, ...] = ()
        if not diff.unverifiable:
            drawn = details(address.kind, diff.field, before, after, by_apply=by_apply)
        return FieldRow(
            diff.field,
            drawn,
            before,
            after,
            diff.because,
            diff.inherited,
            diff.unverifiable,
            diff.own,
        )

    def _shown(self, name: str, value: Json) -> Json:
        return redacted(name, value) if self.options.redact else value

    def _drift(self) -> Iterable[DriftRow]:
        for address, found in _by_address(self.plan.drift).items():
            fields = [
                self._field(address, FieldDiff(drift.field, drift.base, drift.live), by_apply=False)
                for drift in found
                if drift.field is not None
            ]
            yield DriftRow(
                address,
                label(address, alone=True),
                any(drift.field is None for drift in found),
                tuple(fields),
                self._moved(address),
                self._position(address),
            )

    def _conflicts(self) -> Iterable[ConflictRow]:
        for address, found in _by_address(self.plan.conflicts).items():
            named = [(conflict.field, conflict) for conflict in found if conflict.field is not None]
            yield ConflictRow(
                address=address,
                label=label(address, alone=True),
                deleted=len(named) < len(found),
                ours=tuple(
                    self._field(address, FieldDiff(name, c.base, c.desired)) for name, c in named
                ),
                theirs=tuple(
                    self._field(address, FieldDiff(name, c.base, c.live), by_apply=False)
                    for name, c in named
                ),
                hint=f"take LaunchDarkly's side with `ldconf pull {address}`, or keep the files' "
                f"side with a consent `drift` for {address}",
                moved=self._moved(address),
                position=self._position(address),
            )

    def _refusal(self, refusal: Refusal) -> RefusalRow:
        position = self._position(refusal.address) if refusal.address else None
        return RefusalRow(
            refusal.address,
            refusal.guard,
            refusal.summary,
            _consent(refusal),
            refusal.hint,
            position,
        )

    def _notes(self) -> Iterable[NoteRow]:
        for note in self.plan.notes:
            position = self._position(note.address, note.field) if note.address else None
            yield NoteRow(note.kind.value, note.summary, note.address, note.hint, position)
        for use in self.plan.consents:
            text = f"consent {use.allow} used, because: {use.because}"
            yield NoteRow("consent", text, use.address, None, self._position(use.address))
        for need in self.plan.approvals:
            yield NoteRow("approval", _approval(need.blocked_by), need.address)

    def _moved(self, address: Address) -> tuple[ContextEntry, ...]:
        return tuple(
            entry for entry in self.options.context if entry.address == address and entry.who
        )

    def _position(self, address: Address, field: str | None = None) -> Position | None:
        workspace = self.options.workspace
        path = (field,) if field else ()
        return workspace.position(address, *path) if workspace is not None else None

    def _sentence(self, change: Change) -> str | None:
        workspace = self.options.workspace
        match change:
            case Transition():
                return steps.sentence(change)
            case Delete() if change.address.kind == "experiments":
                return "archived: LaunchDarkly keeps it, its results and its key"
            case Archive():
                return "retired; `state: published` brings it back"
            case Delete():
                return "deleted for good; it cannot be brought back"
            case Create() | Update() if workspace and change.address in workspace.off:
                return "switched off: everyone gets `disabled`"
            case _:
                return None


def _touches(experiment: ExperimentRow, changed: Set[Address]) -> bool:
    """True if a change is about what an experiment compares, or about whom it compares it with."""
    compared = [variation(experiment.ai_config, key) for key in experiment.variations]
    return not changed.isdisjoint(
        [targeting(experiment.ai_config, experiment.environment), *compared]
    )


def _by_address(found: Iterable[_Found]) -> Mapping[Address, list[_Found]]:
    grouped: dict[Address, list[_Found]] = {}
    for moved in found:
        grouped.setdefault(moved.address, []).append(moved)
    return grouped


def _consent(refusal: Refusal) -> str | None:
    """What to write under `consents:` to lift a refusal; None if nothing lifts it."""
    if refusal.allow is None:
        return None
    everywhere = refusal.allow in ("deletes", "updates") or refusal.address is None
    address = '"*"' if everywhere else str(refusal.address)
    return f"{{address: {address}, allow: [{refusal.allow}], because: ...}}"


def _approval(blocked_by: str | None) -> str:
    if blocked_by is None:
        return "needs an approval in LaunchDarkly; apply opens the request and exits 5"
    return f"needs an approval, but request {blocked_by} is pending with other instructions"
