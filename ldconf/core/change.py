"""Changes and the plan: what apply would do, and everything else a plan has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TypeAlias

from ldconf.core.address import Address
from ldconf.core.resource import Json, Resource


class Phase(IntEnum):
    """The seven phases of an apply (design section 4.5), in order."""

    STOP = 1
    OBJECTS = 2
    TARGETING = 3
    GRAPHS = 4
    EXPERIMENTS = 5
    ARCHIVE = 6
    DELETE = 7


@dataclass(frozen=True)
class FieldDiff:
    """One managed field before and after, as canonical JSON (`None` = absent or cleared).

    `because` explains a change the files do not spell out (`re-pin`, `follows modelConfigKey`,
    `restored`). `inherited` is the parent whose edit caused it, except at the paths of `own`
    (`model.parameters.temperature`), which the object writes itself. `unverifiable` means that
    `before` is a fingerprint of a text the API does not return, or None if not even that is known.
    """

    field: str
    before: Json
    after: Json
    because: str | None = None
    inherited: Address | None = None
    unverifiable: bool = False
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Create:
    """Make an object that does not exist live."""

    address: Address
    after: Resource
    phase: Phase = Phase.OBJECTS


@dataclass(frozen=True)
class Update:
    """Change `fields` of an object that exists. `after` holds the fields to send (only those).

    `adopts` is true if this plan claims the object for the first time.
    """

    address: Address
    after: Resource
    fields: tuple[FieldDiff, ...]
    phase: Phase = Phase.OBJECTS
    adopts: bool = False


@dataclass(frozen=True)
class Archive:
    """Retire a variation (reversible)."""

    address: Address
    phase: Phase = Phase.ARCHIVE


@dataclass(frozen=True)
class Restore:
    """Bring an archived variation back; `fields` are edited right after."""

    address: Address
    after: Resource
    fields: tuple[FieldDiff, ...] = ()
    phase: Phase = Phase.OBJECTS


@dataclass(frozen=True)
class Delete:
    """Delete an object for good. `before` is what would be lost (for the plan's text)."""

    address: Address
    before: Resource
    phase: Phase = Phase.DELETE


@dataclass(frozen=True)
class Transition:
    """Move an experiment one step through its life (design section 5).

    `verb` is one of

    - `stop`: the running iteration; `after`: status, iteration, winner, reason (phase 1)
    - `draft`: a new iteration after a stopped one; `after`: its whole design
    - `restart`: stop, clone, edit and start in one call (`saveAndStartNewIteration`)
    - `start`: the draft

    `after` of the last three holds every managed field as it is to be, `status` and `iteration`
    included, so that all of it is read back (of `draft` the whole design, managed or not).
    `fields` tell what changes, `status` first: {status, iteration} and, if stopped, {winner,
    reason}; of `restart` and `draft` the others are the edits that come with it.
    """

    address: Address
    verb: str
    after: Resource
    phase: Phase = Phase.EXPERIMENTS
    fields: tuple[FieldDiff, ...] = ()


Change: TypeAlias = Create | Update | Archive | Restore | Delete | Transition

VERBS: Mapping[type, str] = {
    Create: "create",
    Update: "update",
    Archive: "archive",
    Restore: "restore",
    Delete: "delete",
    Transition: "transition",
}


@dataclass(frozen=True, order=True)
class Step:
    """What names one change of a plan: an experiment may take several steps at one address."""

    address: Address
    verb: str


def verb_of(change: Change) -> str:
    """Return the word of a change: what a person reads, and what tells steps apart."""
    if isinstance(change, Transition):
        return change.verb
    if isinstance(change, Delete) and change.address.kind == "experiments":
        return "archive"  # LaunchDarkly has no delete for experiments (reference 13.1)
    return VERBS[type(change)]


def step(change: Change) -> Step:
    """Return the name of a change."""
    return Step(change.address, verb_of(change))


class NoteKind(Enum):
    """Rows of a plan that send nothing."""

    ADOPTED = "adopted"  # claimed, no difference
    RELEASED = "released"  # no longer managed (field or entry dropped)
    SPENT = "spent"  # a `removed` or consent entry that acted already
    DONE = "done"  # `removed` and absent: entry may be deleted
    PENDING = "pending"  # an approval request with equal instructions exists
    MERGED = "merged"  # merged before, not yet applied
    CONSENT = "consent"  # a consent is used, or still open
    WARNING = "warning"
    SETTINGS = "settings"  # guards, environments or external changed against the base
    PIN_KEPT = "pin-kept"  # pins stay while the object they follow is in drift or refused
    NEWER = "newer"  # an external tool or model config has a newer version
    EXPERIMENT = "experiment"  # where results of experiments come from
    UNKNOWN = "unknown"  # direction unknown / could not be read


@dataclass(frozen=True)
class Note:
    """One line that informs; sends nothing and never changes an exit code by itself."""

    kind: NoteKind
    summary: str
    address: Address | None = None
    field: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Drift:
    """Live moved without us: `base` = files said, `live` = LaunchDarkly says. Left alone."""

    address: Address
    field: str | None  # None: the whole object was deleted in LaunchDarkly
    base: Json
    live: Json


@dataclass(frozen=True)
class Conflict:
    """Both moved. Nothing of this object is written until `pull` or a consent `drift`."""

    address: Address
    field: str | None
    base: Json
    desired: Json
    live: Json


@dataclass(frozen=True)
class Unverifiable:
    """A managed text that the API does not return and that has no usable fingerprint."""

    address: Address
    field: str


@dataclass(frozen=True)
class Refusal:
    """A guard hit. `allow` is the consent that lifts it (None: nothing does)."""

    address: Address | None
    guard: str  # protected, inPlaceEdit, deletes, updates, in-use, contaminate, immutable ...
    summary: str
    allow: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class ConsentUse:
    """A consent that lifted a refusal in this plan."""

    address: Address
    allow: str
    because: str


@dataclass(frozen=True)
class Effect:
    """Where an edited variation takes effect: share (percent) of an environment's traffic."""

    environment: str
    percent: float
    managed: bool
    exact: bool = True  # False when rules or targets also serve it, so `percent` is the default's


@dataclass(frozen=True)
class ApprovalNeed:
    """A targeting change that apply will open an approval request for, instead of writing."""

    address: Address
    blocked_by: str | None = None  # id of a pending request with other instructions


@dataclass(frozen=True)
class Plan:
    """What apply would do, in order, and everything a reviewer must know.

    `changes` are sorted by phase, then kind order, then address; refused ones are left out and
    stand in `refusals` + `refused`. `digest` is over `change_hashes` (design section 9).
    `relies` says which steps need which others to have come about, beyond what the objects that
    they send name: what a stop makes way for needs the stop, a start needs all of that.
    """

    project: str
    workspace: str
    changes: tuple[Change, ...]
    digest: str
    change_hashes: Mapping[Step, str]
    unchanged: int = 0
    drift: tuple[Drift, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    unverifiable: tuple[Unverifiable, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    refused: tuple[Change, ...] = ()
    consents: tuple[ConsentUse, ...] = ()
    notes: tuple[Note, ...] = ()
    effects: Mapping[Address, tuple[Effect, ...]] = field(default_factory=dict)
    approvals: tuple[ApprovalNeed, ...] = ()
    left_out: int = 0  # changes excluded by --target / --environment
    direction_unknown: bool = False
    dirty: bool = False
    base_ref: str | None = None
    head_ref: str | None = None
    relies: Mapping[Step, frozenset[Step]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True if apply would send nothing and refuses nothing."""
        return not (self.changes or self.refused or self.conflicts)
