"""`ldconf experiment ship`: an experiment ends in the files, and what won is served.

One edit that `apply` executes whole: the iteration is stopped, its rule or fallthrough serves the
winner, losers are archived if that is wished and nothing else needs them. It is all of it or
nothing: what cannot be edited without changing something else is named, to be changed by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_of
from ldconf.core.address import variation as variation_of
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.resource import Json, Resource
from ldconf.core.workspace import Workspace
from ldconf.documents.pull_family import Edit, family_edits
from ldconf.documents.pull_objects import Documents, Families
from ldconf.documents.pull_style import canonical
from ldconf.documents.tree import Folder, Tree
from ldconf.documents.written import check_written
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_model import DRAFT, STOPPED, Experiment, rule_description
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.targeting import Targeting
from ldconf.kinds.variation_model import ARCHIVED, Variation

FALLTHROUGH, RULES = "fallthrough", "rules"


@dataclass(frozen=True)
class Ending:
    """How an experiment ends: what won, why, and whether the other variations are archived."""

    winner: str
    reason: str
    archive_losers: bool = False


@dataclass(frozen=True)
class Shipped:
    """`files`: path -> new text. `archived`: variations. `remarks`: what a person should know."""

    files: Mapping[str, str]
    archived: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def ship(root: Path, workspace: Workspace, key: str, ending: Ending) -> Shipped:
    """Return the documents that change when an experiment ends like this; nothing if it has.

    Raises UsageError for an experiment that is not in the files or never ran, or a winner that is
    none of its variations; LdconfError, with what to write by hand, if the files cannot be edited
    without changing something else.
    """
    return ship_in(Folder(root), workspace, key, ending)


def ship_in(tree: Tree, workspace: Workspace, key: str, ending: Ending) -> Shipped:
    """Do what `ship` does for a tree."""
    experiment = experiment_of(workspace, key)
    _check(key, experiment, ending)
    shipping = _Shipping(Families(tree, workspace), key, experiment, ending)
    losers = dict(shipping.losers())
    archived = tuple(name for name, why in losers.items() if why is None)
    try:
        written = shipping.written(archived)
        check_written(tree, workspace, written, shipping.expected(archived))
    except LdconfError as error:
        raise LdconfError(
            f"the files were not changed: {error.summary}",
            "change it by hand:\n" + "\n".join(shipping.by_hand(archived)),
        ) from error
    kept = [f"{name} is not archived: {why}" for name, why in losers.items() if why]
    return Shipped(written, archived, (*kept, *shipping.tests()))


def experiment_of(workspace: Workspace, key: str) -> Experiment:
    """Return an experiment of the files. Raises UsageError that names those there are."""
    found = workspace.resources.get(Address.of("experiments", key))
    if isinstance(found, Experiment):
        return found
    names = sorted(address.key for address in workspace.resources if address.kind == "experiments")
    hint = f"they have {', '.join(names)}" if names else "they declare none: see `experiments:`"
    raise UsageError(f"the files have no experiment {key}", hint)


def _check(key: str, experiment: Experiment, ending: Ending) -> None:
    if experiment.status == DRAFT:
        raise UsageError(
            f"experiment {key} is a draft: it never ran, so there is nothing to ship",
            "write `status: running` to start it, or drop it from the files",
        )
    arms = [arm for arm, percent in experiment.allocation.items() if percent]
    if ending.winner not in arms:
        raise UsageError(
            f"{ending.winner} is no variation of experiment {key}",
            f"it compares {', '.join(arms)}",
        )
    if experiment.status == STOPPED and experiment.winner != ending.winner:
        raise UsageError(
            f"experiment {key} is stopped already, and its winner is {experiment.winner}",
            f"a stopped iteration stays as it is: start iteration {experiment.iteration + 1}, "
            "or change the targeting by hand",
        )


@dataclass
class _Shipping:
    """Decides what is edited for one experiment."""

    families: Families
    key: str
    experiment: Experiment
    ending: Ending
    at: Address = field(init=False)
    served_at: Address = field(init=False)

    def __post_init__(self) -> None:
        self.at = Address.of("experiments", self.key)
        self.served_at = targeting_of(self.experiment.ai_config, self.experiment.environment)

    @property
    def workspace(self) -> Workspace:
        """The files as they are."""
        return self.families.workspace

    def written(self, archived: Iterable[str]) -> dict[str, str]:
        """Return path -> new text of every document that changes."""
        documents = Documents(self.families)
        family = self.families.family(self.served_at)
        for change in family_edits(list(family.values()), {self.served_at: self._serves()}):
            documents.write(family[change.address], change, change.value)
        member = self.families.member(self.at)
        for name, value in self._end().items():
            if member.raw.get(name) != value:
                documents.write(member, Edit(self.at, name), value)
        for name in archived:
            loser = self.families.member(self._variation(name))
            documents.write(loser, Edit(loser.address, "state"), ARCHIVED)
        return documents.files

    def expected(self, archived: Iterable[str]) -> _Expected:
        """Return what each object is to come to."""
        values = {
            name: canonical(self.served_at, name, value) for name, value in self._serves().items()
        }
        fields: dict[Address, Mapping[str, Json]] = {self.at: self._end(), self.served_at: values}
        gone = frozenset(self._variation(name) for name in archived)
        return _Expected(fields, gone, self.served_at)

    def by_hand(self, archived: Iterable[str]) -> Iterator[str]:
        """Yield the edits in words."""
        end = ", ".join(f"{name}: {value}" for name, value in self._end().items())
        if end:
            yield f"  {self._place(self.at)}: {end}"
        rule = rule_description(self.experiment)
        slot = FALLTHROUGH if rule is None else f"serve of the rule {rule!r}"
        yield f"  {self._place(self.served_at)}: {slot}: {self.ending.winner}"
        for name in archived:
            yield f"  {self._place(self._variation(name))}: state: {ARCHIVED}"

    def losers(self) -> Iterator[tuple[str, str | None]]:
        """Yield each variation that did not win, with why it is not archived (None: it is)."""
        if not self.ending.archive_losers:
            return
        names = [arm for arm in self.experiment.allocation if arm != self.ending.winner]
        reasons = {name: self._kept_by(name) for name in names}
        while True:  # a child that stays keeps its parent
            leaving = {name for name, why in reasons.items() if why is None}
            found = {name: self._extended_by(name, leaving) for name in leaving}
            if not any(found.values()):
                break
            reasons |= {name: why for name, why in found.items() if why}
        for name in names:
            if not self._is_archived(name):
                yield name, reasons[name]

    def tests(self) -> Iterator[str]:
        """Yield a remark on each test that expects another variation than the winner there."""
        losers = set(self.experiment.allocation) - {self.ending.winner}
        for test in self.workspace.tests:
            here = (test.ai_config, test.environment) == self.served_at.parts[1::2]
            if here and test.variation in losers:
                place = f"{test.position}: " if test.position else ""
                yield f"{place}a test expects {test.variation}; `ldconf test` tells if it holds"

    def _end(self) -> dict[str, str]:
        if self.experiment.status == STOPPED:
            return {}
        return {"status": STOPPED, "winner": self.ending.winner, "reason": self.ending.reason}

    def _serves(self) -> dict[str, Json]:
        """Return the targeting field that changes, as it is to be."""
        if self.served_at not in self.workspace.resources:
            raise LdconfError(f"the files have no {self.served_at}")
        rule = rule_description(self.experiment)
        if rule is None:
            return {FALLTHROUGH: self.ending.winner}
        rules: list[Json] = list(self.families.member(self.served_at).resolved.get(RULES) or ())
        if rule not in [one.get("description") for one in rules]:
            raise LdconfError(f"{self.served_at} has no rule {rule!r}")
        return {
            RULES: [
                {**one, "serve": self.ending.winner} if one.get("description") == rule else one
                for one in rules
            ]
        }

    def _kept_by(self, name: str) -> str | None:
        """Return who needs a variation after this, None if nobody does."""
        at = self._variation(name)
        if name == DISABLED or not isinstance(self.workspace.resources.get(at), Variation):
            return "the files do not list it"
        for address, resource in self.workspace.resources.items():
            after = self._after(address, resource)
            if after is not None and any(
                reference.target == at for reference in kind_of(address).references(address, after)
            ):
                return f"{address} {'serves' if address.kind == 'targeting' else 'names'} it"
        return None

    def _after(self, address: Address, resource: Resource) -> Resource | None:
        """Return an object as it will be, switched off or not; None if it no longer counts."""
        if isinstance(resource, Experiment):
            ended = address == self.at or resource.status == STOPPED
            return None if ended else resource
        if not isinstance(resource, Targeting):
            return resource
        values = dict(self.families.member(address).resolved)
        if address == self.served_at:
            values |= self._serves()
        return Targeting.model_validate(values, by_alias=True, by_name=False)

    def _extended_by(self, name: str, leaving: Iterable[str]) -> str | None:
        at = self._variation(name)
        for member in self.families.family(at).values():
            child = member.address.key
            if member.parent == at and child not in leaving and not self._is_archived(child):
                return f"{child} extends it"
        return None

    def _is_archived(self, name: str) -> bool:
        found = self.workspace.resources.get(self._variation(name))
        return isinstance(found, Variation) and found.state == ARCHIVED

    def _variation(self, name: str) -> Address:
        return variation_of(self.experiment.ai_config, name)

    def _place(self, address: Address) -> str:
        position = self.workspace.position(address)
        return f"{position}: {address}" if position else str(address)


@dataclass(frozen=True)
class _Expected:
    """What each object is to come to: `fields` on top of what it was, `archived` ones apart."""

    fields: Mapping[Address, Mapping[str, Json]]
    archived: frozenset[Address]
    served_at: Address

    def __call__(
        self, address: Address, before: Mapping[str, Json], after: Workspace
    ) -> Mapping[str, Json]:
        """Return canonical value by managed field."""
        if address in self.archived:
            return {"state": ARCHIVED}
        new = dict(self.fields.get(address, {}))
        if address == self.served_at and address in after.off:
            new |= {name: before[name] for name in new}
        return {**before, **new}
