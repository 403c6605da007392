"""Where an experiment is."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.emulator.database import Ref
from ldconf.emulator.faults import Faults
from ldconf.emulator.store import Store


@dataclass(frozen=True)
class Place:
    """The environment of an experiment, and the switches that apply there."""

    store: Store
    faults: Faults
    project: str
    environment: str

    def ref(self, key: str) -> Ref:
        """Return where an experiment is kept."""
        return Ref(self.project, "experiments", key, self.environment)
