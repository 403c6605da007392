"""What the files say: the desired state at one commit (or in the working tree)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.core.evaluation import ConfigTest
from ldconf.core.policy import PolicyRule
from ldconf.core.resource import Resource

DEFAULT_HOST = "https://app.launchdarkly.com"


@dataclass(frozen=True)
class Guards:
    """Limits of one apply (design section 2). Percentages are 0-100."""

    max_delete_percent: float = 30
    max_update_percent: float = 50
    min_objects: int = 10
    protect: tuple[str, ...] = ()
    in_place_edits: Mapping[str, str] = field(default_factory=dict)  # environment -> allow|forbid


@dataclass(frozen=True)
class External:
    """Objects managed elsewhere: may be referenced, must exist when online, never written.

    `keys` maps a kind to its keys, or to None for `"*"` (every key that the files do not list).
    Segments are keyed per environment: `segments/ENVIRONMENT` -> keys.
    """

    keys: Mapping[str, frozenset[str] | None] = field(default_factory=dict)

    def has(self, address: Address) -> bool:
        """True if the address is declared external (the caller knows it is not in the files)."""
        kind = address.kind
        if kind == "segments" and address.environment:
            named = self.keys.get(f"segments/{address.environment}", frozenset())
            everywhere = self.keys.get("segments", frozenset())
            return (
                named is None
                or everywhere is None
                or address.key in named
                or address.key in everywhere
            )
        keys = self.keys.get(kind, frozenset())
        return keys is None or address.key in keys


@dataclass(frozen=True)
class Consent:
    """A written permission that lifts a guard once (design section 9, Consents)."""

    address: str
    allow: str
    because: str
    position: Position | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes two entries equal."""
        return (self.address, self.allow, self.because)


@dataclass(frozen=True)
class WorkspaceSettings:
    """The content of `ldconf.yaml`."""

    project: str
    environments: tuple[str, ...]
    host: str = DEFAULT_HOST
    guards: Guards = Guards()
    external: External = External()
    shared: str | None = None
    lint: Mapping[str, str] = field(default_factory=dict)  # rule id -> off|note|warning|error
    # AI Config key, or "*" for all -> variables that the application passes when it renders
    prompt_variables: Mapping[str, frozenset[str]] = field(default_factory=dict)
    policy: Mapping[str, PolicyRule] = field(default_factory=dict)  # by rule id, as written


@dataclass(frozen=True)
class Inherited:
    """Where an inherited field's value was written.

    Of a field that merges deeply, `levels` names who writes which of its paths further down than
    `parent`, nearest first, the object itself included: (who, `model.parameters.temperature` ...).
    """

    parent: Address
    levels: tuple[tuple[Address, tuple[str, ...]], ...] = ()

    def writer(self, path: str) -> Address:
        """Return who wrote the value at a path; of a whole map, who wrote part of it last."""
        for address, paths in self.levels:
            if any(_overlap(path, own) for own in paths):
                return address
        return self.parent


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


@dataclass(frozen=True)
class Workspace:
    """Everything the files of one commit say. `resources` hold resolved values (`extends`,
    `{file:}` and `off: true` applied), in file order.

    `positions` maps (address, path inside the object) to where it is written; () is the object.
    `files` maps (address, path inside the object) to the `{file:}` path, relative to the workspace.
    `inherited` names fields whose value came from a parent by `extends`.
    `off` names targeting addresses whose file says `off: true` (compiled away in `resources`).
    `sources` holds documents as text, for renderers of snippets and for editors.
    """

    settings: WorkspaceSettings
    resources: Mapping[Address, Resource]
    removed: Mapping[Address, Position] = field(default_factory=dict)
    consents: tuple[Consent, ...] = ()
    tests: tuple[ConfigTest, ...] = ()
    positions: Mapping[tuple[Address, tuple[str | int, ...]], Position] = field(
        default_factory=dict
    )
    files: Mapping[tuple[Address, tuple[str | int, ...]], str] = field(default_factory=dict)
    inherited: Mapping[tuple[Address, str], Inherited] = field(default_factory=dict)
    off: frozenset[Address] = frozenset()
    unloadable: frozenset[Address] = frozenset()  # base only: objects that did not load
    sources: Mapping[str, str] = field(default_factory=dict)
    ref: str | None = None  # the commit, for a base

    def position(self, address: Address, *path: str | int) -> Position | None:
        """Return the nearest known position of a path inside an object."""
        for length in range(len(path), -1, -1):
            found = self.positions.get((address, path[:length]))
            if found is not None:
                return found
        return None
