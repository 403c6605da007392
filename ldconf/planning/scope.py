"""`--target` and `--environment`: which changes stay, and what they must not leave behind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Restore
from ldconf.core.dependency import needs
from ldconf.core.errors import LdconfError, UsageError
from ldconf.planning.graph import references
from ldconf.planning.options import PlanOptions
from ldconf.planning.pins import new_pins
from ldconf.planning.scene import Scene
from ldconf.planning.sides import EXPERIMENTS, LiveSide
from ldconf.planning.ways import Proposed, Way, is_stopped_by


@dataclass(frozen=True)
class Scope:
    """What a plan is limited to; everything, if nothing was asked."""

    targets: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    places: Mapping[Address, str] = field(default_factory=dict)  # environment of each experiment

    @classmethod
    def of(cls, scene: Scene) -> Scope:
        """Return the scope of the options. Raises UsageError if something in it names nothing."""
        options: PlanOptions = scene.options
        workspace = scene.desired.workspace
        base = scene.base.workspace.resources if scene.base else {}
        known = [*workspace.resources, *workspace.removed, *base]
        for pattern in options.targets:
            if not any(address.matches(pattern) for address in known):
                raise UsageError(
                    f"--target {pattern} names nothing in the files",
                    hint="an address is a YAML path such as aiConfigs/KEY/variations/KEY; `*` is"
                    " one segment",
                )
        for environment in options.environments:
            if environment not in workspace.settings.environments:
                listed = ", ".join(workspace.settings.environments)
                raise UsageError(
                    f"--environment {environment} is not managed here", hint=f"managed: {listed}"
                )
        return cls(options.targets, options.environments, dict(_places(scene)))

    def keeps(self, address: Address) -> bool:
        """True if changes at this address stay in the plan."""
        if self.targets and not any(address.matches(pattern) for pattern in self.targets):
            return False
        environment = address.environment or self.places.get(address)
        return not self.environments or environment in self.environments

    def split(
        self, scene: Scene, changes: Proposed, ways: Mapping[Address, Way]
    ) -> tuple[dict[Address, tuple[Change, ...]], dict[Address, tuple[Change, ...]]]:
        """Return (kept, left out). Raises LdconfError if a kept change needs a left-out one."""
        kept = {address: steps for address, steps in changes.items() if self.keeps(address)}
        left_out = {address: changes[address] for address in changes.keys() - kept.keys()}
        found = {
            (needed, address)
            for address, steps in kept.items()
            for change in steps
            for needed in _left_behind(scene, change, left_out)
        }
        missing = sorted(found | set(_parted(changes, ways, left_out)))
        if missing:
            words = [f"{address} needs {needed}" for needed, address in missing]
            raise LdconfError(f"{'; '.join(words)}, which is left out", hint=self._to_add(missing))
        return kept, left_out

    def _to_add(self, missing: Iterable[tuple[Address, Address]]) -> str:
        """Return the options that keep what is needed, too."""
        needed = {address for address, _ in missing}
        if not self.environments:
            return f"add {_flags(needed)}"
        # What stands in no environment is never kept beside `--environment`.
        both = needed | {user for _, user in missing}
        return f"name them instead of the environment: {_flags(both)}"


def _flags(addresses: Iterable[Address]) -> str:
    return " ".join(f"--target {address}" for address in sorted(addresses))


def _places(scene: Scene) -> Iterator[tuple[Address, str]]:
    """Yield the environment of every experiment: its address does not tell."""
    for side in (scene.live, scene.base, scene.desired):
        if side is None:
            continue
        known = side.live.observed if isinstance(side, LiveSide) else side.workspace.resources
        for address in known:
            if address.kind == EXPERIMENTS:
                place = (side.values(address) or {}).get("environment")
                if place:
                    yield address, place


def _parted(
    changes: Proposed, ways: Mapping[Address, Way], left_out: Collection[Address]
) -> Iterator[tuple[Address, Address]]:
    """Yield (left out, kept) of a stop and what it makes way for: they go together."""
    for address, way in ways.items():
        if not is_stopped_by(changes, way):
            continue
        for freed in way.frees:
            if address in left_out and freed not in left_out:
                yield address, freed
            elif freed in left_out and address not in left_out:
                yield freed, address


def _left_behind(scene: Scene, change: Change, left_out: Proposed) -> Iterator[Address]:
    """Yield what a change needs to exist, and what it pins at a version that is not there yet."""
    for needed in needs(change, references):
        if any(isinstance(one, Create | Restore) for one in left_out.get(needed, ())):
            yield needed
    for pinned in new_pins(change, scene.desired.values(change.address)):
        if pinned in left_out:
            yield pinned
