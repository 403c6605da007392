"""The parts of a report. Every decision is made here or in `report`; formats only draw.

The JSON output is these classes, field by field (`render.json`), and its published schema is made
from them (`render.schema`): renaming a field is a change of the public `formatVersion`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from ldconf.core.address import Address
from ldconf.core.change import Effect
from ldconf.core.cost import CostChange
from ldconf.core.diagnostic import Position
from ldconf.core.resource import Json
from ldconf.render.textdiff import Span


@dataclass(frozen=True)
class ValueChange:
    """One value at one path, before and after; `None` = absent."""

    type: ClassVar[str] = "value"
    path: str
    before: Json
    after: Json


@dataclass(frozen=True)
class TextChange:
    """A long text, word by word. `path` as in `ValueChange`."""

    type: ClassVar[str] = "text"
    path: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class SetChange:
    """Members that join or leave a list that means a set (tags, segment members)."""

    type: ClassVar[str] = "set"
    path: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class WhoChange:
    """Who gets what, in words, before and after; `None` = no such rule, or left to the rules."""

    type: ClassVar[str] = "who"
    who: str
    before: str | None
    after: str | None


Detail: TypeAlias = ValueChange | TextChange | SetChange | WhoChange


@dataclass(frozen=True)
class FieldRow:
    """One changed field: whole canonical values, and what to draw of them (`details`).

    `inherited` is the parent that it comes from, except for the paths of `own`.
    """

    field: str
    details: tuple[Detail, ...]
    before: Json = None
    after: Json = None
    because: str | None = None
    inherited: Address | None = None
    unverifiable: bool = False
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One change. `symbol` is one of `+ ~ -`, `word` says the same (create, update, ...)."""

    address: Address
    symbol: str
    word: str
    label: str  # `variation base-config`
    fields: tuple[FieldRow, ...] = ()
    effects: tuple[Effect, ...] | None = None  # None: does not apply; (): served nowhere
    adopts: bool = False
    summary: str | None = None  # one sentence that stands for the fields
    position: Position | None = None
    hash: str | None = None
    risk: str = "low"  # low | medium | high
    cost: CostChange | None = None  # of 1,000 requests; None: the change does not alter it
    phase: int = 0  # of an apply, 1 to 7: the order in which changes are written


@dataclass(frozen=True)
class Group:
    """Changes that belong together: an AI Config with its variations and targeting, a segment in
    its environments, or all tools, metrics ..."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ContextEntry:
    """Who moved an object in LaunchDarkly, from the audit log, or (without `who`) what was seen of
    it, such as events. Depends on the time; outside the digest."""

    address: Address
    who: str
    when: str  # ISO 8601, UTC; empty if never
    what: str = ""


@dataclass(frozen=True)
class DriftRow:
    """LaunchDarkly moved without the files. `fields` lead from what the files said to live."""

    address: Address
    label: str
    deleted: bool
    fields: tuple[FieldRow, ...]
    moved: tuple[ContextEntry, ...] = ()
    position: Position | None = None


@dataclass(frozen=True)
class ConflictRow:
    """Both moved. `ours` leads from base to the files, `theirs` from base to live."""

    address: Address
    label: str
    deleted: bool
    ours: tuple[FieldRow, ...]
    theirs: tuple[FieldRow, ...]
    hint: str
    moved: tuple[ContextEntry, ...] = ()
    position: Position | None = None


@dataclass(frozen=True)
class RefusalRow:
    """A guard that refused, why, and how a person may lift it."""

    address: Address | None
    guard: str
    summary: str
    consent: str | None
    hint: str | None
    position: Position | None = None


@dataclass(frozen=True)
class NoteRow:
    """One line that informs. `kind` is the value of a `core.change.NoteKind`."""

    kind: str
    summary: str
    address: Address | None = None
    hint: str | None = None
    position: Position | None = None


@dataclass(frozen=True)
class RequestRow:
    """One request that apply would send. `body` None: none, or built when it is sent."""

    method: str
    path: str
    body: Json = None


@dataclass(frozen=True)
class SampleMove:
    """How many sample contexts move from one variation to another."""

    before: str
    after: str
    count: int


@dataclass(frozen=True)
class SampleRow:
    """The sample contexts that would switch, of one AI Config in one environment."""

    ai_config: str
    environment: str
    contexts: int
    switched: int
    percent: float
    moves: tuple[SampleMove, ...]


@dataclass(frozen=True)
class ExperimentRow:
    """An experiment with a draft or running iteration in the project."""

    key: str
    name: str
    environment: str
    ai_config: str
    status: str  # draft | running
    variations: tuple[str, ...]


@dataclass(frozen=True)
class ConsentRow:
    """A consent in the files that the base does not have yet, so that it counts."""

    address: str
    allow: str
    because: str


@dataclass(frozen=True)
class Summary:
    """What stands on top: how dangerous, where it takes effect, and the counts."""

    risk: str  # none | low | medium | high
    risk_reasons: tuple[str, ...]
    environments: tuple[str, ...]
    experiments: tuple[str, ...]
    counts: Mapping[str, int]
    todo: str  # `1 to create, 2 to update`; empty if there is nothing to do
    verdict: str  # the last line in words


@dataclass(frozen=True)
class Report:
    """Everything that a plan has to say, ready to be drawn."""

    project: str
    workspace: str
    digest: str
    base: str | None
    head: str | None
    dirty: bool
    direction_unknown: bool
    summary: Summary
    groups: tuple[Group, ...] = ()
    refused: tuple[Group, ...] = ()
    refusals: tuple[RefusalRow, ...] = ()
    conflicts: tuple[ConflictRow, ...] = ()
    drift: tuple[DriftRow, ...] = ()
    notes: tuple[NoteRow, ...] = ()
    unverifiable: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # facts about the run: sample contexts, left-out changes
    context: tuple[ContextEntry, ...] = ()
    unmanaged: tuple[Address, ...] | None = None
    hashes: tuple[str, ...] = ()
    requests: Mapping[str, tuple[RequestRow, ...]] = field(default_factory=dict)
    samples: tuple[SampleRow, ...] = ()
    experiments: tuple[ExperimentRow, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    # address of each variation of a touched AI Config -> fingerprint of its prompt after apply
    prompts: Mapping[str, str] = field(default_factory=dict)
