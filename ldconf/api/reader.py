"""Reads for the kinds: every GET at most once for the life of a reader."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import anyio

from ldconf.api.client import Client
from ldconf.api.tasks import concurrently
from ldconf.core.address import Address
from ldconf.core.errors import NotFound
from ldconf.core.live import Environment
from ldconf.core.resource import Json

T = TypeVar("T")
Object: TypeAlias = Mapping[str, Json]

# (what is being read, how many reads are done, how many are known to be needed)
Progress: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wants:
    """What the caller needs of the live state; None means all.

    `fields` are the (address, field) that the files manage, worth an extra read if a list omits
    them; so are the field names in `everywhere`, of every object. `targeting` names the AI Configs
    whose targeting is needed. `kinds` limits what is read to kinds of these names. `approvals`
    reads pending approval requests, if any environment requires approvals. `experiments` says that
    the files manage some, so that not being allowed to read them is an error.
    """

    fields: frozenset[tuple[Address, str]] | None = None
    everywhere: frozenset[str] = frozenset()
    targeting: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    approvals: bool = True
    experiments: bool = False


@dataclass
class _Slot(Generic[T]):
    """One read: running until `done` is set."""

    done: anyio.Event = field(default_factory=anyio.Event)
    value: list[T] = field(default_factory=list)
    error: Exception | None = None


class LiveReader:
    """The `Reader` of one pass over a project. Concurrent reads of the same thing share one GET."""

    def __init__(
        self,
        client: Client,
        project: str,
        environments: Sequence[Environment] = (),
        wants: Wants = Wants(),
        progress: Progress | None = None,
    ) -> None:
        self.project = project
        self.environments = environments
        self._client = client
        self._wants = wants
        self._progress = progress
        self._started = 0
        self._finished = 0
        self._lists: dict[Json, _Slot[Sequence[Object]]] = {}
        self._objects: dict[Json, _Slot[Object]] = {}

    async def list(
        self, path: str, *, beta: bool = False, params: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """Return all items of all pages, read once."""
        key = (path, beta, tuple(sorted((params or {}).items())))
        return await self._once(
            self._lists, key, lambda: self._client.list(path, beta=beta, params=params)
        )

    async def get(self, path: str, *, beta: bool = False) -> Object:
        """Return one object, read once; raises NotFound."""
        return await self._once(
            self._objects, (path, beta), lambda: self._client.get(path, beta=beta)
        )

    async def gather(self, paths: Iterable[str], *, beta: bool = False) -> Sequence[Object | None]:
        """Return many objects in order, None where absent. The client bounds the concurrency."""

        async def get(path: str) -> Object | None:
            try:
                return await self.get(path, beta=beta)
            except NotFound:
                return None

        return await concurrently([partial(get, path) for path in paths])

    def wants(self, address: Address, field: str) -> bool:
        """True if an extra read for this field is worth it."""
        wanted = self._wants
        return (
            wanted.fields is None or field in wanted.everywhere or (address, field) in wanted.fields
        )

    def wants_targeting(self, ai_config: str) -> bool:
        """True if the targeting of this AI Config has to be read."""
        return self._wants.targeting is None or ai_config in self._wants.targeting

    async def _once(
        self, slots: dict[Json, _Slot[T]], key: Json, read: Callable[[], Awaitable[T]]
    ) -> T:
        while (slot := slots.get(key)) is not None:
            await slot.done.wait()
            if slot.error is not None:
                raise slot.error
            if slot.value:
                return slot.value[0]
            # Whoever read it was cancelled and took the slot away; the next one reads.
        slot = slots[key] = _Slot()
        self._tell(started=1)
        try:
            slot.value.append(await read())
        except Exception as error:
            slot.error = error
            raise
        finally:
            if not slot.value and slot.error is None:
                del slots[key]
            slot.done.set()
            self._tell(finished=1)
        return slot.value[0]

    def _tell(self, started: int = 0, finished: int = 0) -> None:
        self._started += started
        self._finished += finished
        if self._progress is not None:
            self._progress("reading LaunchDarkly", self._finished, self._started)
