"""`--target` and `--environment`: which changes stay, and what they must not leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.change import Change, Create, Restore
from ldconf.core.dependency import needs
from ldconf.core.errors import LdconfError, UsageError
from ldconf.planning.compare import Scene
from ldconf.planning.graph import references
from ldconf.planning.options import PlanOptions
from ldconf.planning.pins import new_pins


@dataclass(frozen=True)
class Scope:
    """What a plan is limited to; everything, if nothing was asked."""

    targets: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()

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
        return cls(options.targets, options.environments)

    def keeps(self, address: Address) -> bool:
        """True if changes at this address stay in the plan."""
        if self.targets and not any(address.matches(pattern) for pattern in self.targets):
            return False
        return not self.environments or address.environment in self.environments

    def split(
        self, scene: Scene, changes: Mapping[Address, Change]
    ) -> tuple[dict[Address, Change], dict[Address, Change]]:
        """Return (kept, left out). Raises LdconfError if a kept change needs a left-out one."""
        kept = {address: change for address, change in changes.items() if self.keeps(address)}
        left_out = {address: changes[address] for address in changes.keys() - kept.keys()}
        missing = sorted(
            {
                (needed, address)
                for address, change in kept.items()
                for needed in _left_behind(scene, change, left_out)
            }
        )
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


def _left_behind(
    scene: Scene, change: Change, left_out: Mapping[Address, Change]
) -> Iterator[Address]:
    """Yield what a change needs to exist, and what it pins at a version that is not there yet."""
    for needed in needs(change, references):
        if isinstance(left_out.get(needed), Create | Restore):
            yield needed
    for pinned in new_pins(change, scene.desired.values(change.address)):
        if pinned in left_out:
            yield pinned
