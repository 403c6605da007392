"""The state of the local LaunchDarkly: documents, a clock, a source of ids, and first contents."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ldconf.core.resource import Json
from ldconf.emulator.database import Database, Ref
from ldconf.emulator.first import new_context_kind, new_environment, new_project
from ldconf.emulator.targeting_document import new_targeting_environment

ACCOUNT = ""  # documents that belong to no project
EnvironmentSpec = str | Mapping[str, Json]


def now_ms() -> int:
    """Return the time as epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Store(Database):
    """The documents of one local LaunchDarkly. `path` None keeps them in memory.

    `clock` (epoch ms) and `randomness` (ids, keys, scrambled orders) are injected by tests that
    need the same bytes twice.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Callable[[], int] = now_ms,
        randomness: random.Random | None = None,
    ) -> None:
        super().__init__(path)
        self.clock = clock
        self.random = randomness or random.SystemRandom()

    def object_id(self) -> str:
        """Return a fresh id of 24 hexadecimal digits."""
        return f"{self.random.getrandbits(96):024x}"

    def uuid(self) -> str:
        """Return a fresh UUID (version 4)."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def clone(self) -> Store:
        """Return an independent copy in memory, e.g. to try a failure from the same state."""
        copy = Store(None, clock=self.clock, randomness=self.random)
        self.copy_into(copy)
        return copy

    def ensure_project(
        self,
        key: str,
        environments: Sequence[EnvironmentSpec] = ("test", "production"),
        *,
        name: str | None = None,
    ) -> None:
        """Make the project and these environments unless they exist. An environment is a key or a
        mapping of its fields (`key`, `name`, `critical` ...)."""
        with self.transaction():
            if self.get(Ref(ACCOUNT, "projects", key)) is None:
                self.put(Ref(ACCOUNT, "projects", key), new_project(self, key, {"name": name}))
                self.put(Ref(key, "contextKinds", "user"), new_context_kind(self, "user", "User"))
            for spec in environments:
                fields: Mapping[str, Json] = {"key": spec} if isinstance(spec, str) else spec
                if self.get(Ref(key, "environments", fields["key"])) is None:
                    self.add_environment(key, fields)

    def add_environment(self, project: str, fields: Mapping[str, Json]) -> Json:
        """Add an environment, with targeting that serves `disabled` for every AI Config."""
        with self.transaction():
            environment = new_environment(self, fields)
            key = environment["key"]
            self.put(Ref(project, "environments", key), environment)
            for _, document in list(self.children(project, "targeting")):
                disabled = document["slots"][0]["_id"]
                fresh = new_targeting_environment(disabled, self.clock())
                added = {**document["environments"], key: fresh}
                self.put(
                    Ref(project, "targeting", document["key"]), {**document, "environments": added}
                )
            return environment
