"""One DuckDB file, written by one thread; reads go on beside it.

A body is committed before its sender hears 202, so that nothing acknowledged is lost on kill -9.
Bodies that came while others were being written are committed together.
DuckDB lets one process open a file: others ask the process that serves the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ldconf.core.errors import LdconfError, MissingPackage
from ldconf.core.resource import Json
from ldconf.emulator.events import schema

if TYPE_CHECKING:
    import duckdb

DAY_MS = 86_400_000
KEEP_DAYS = 90
MEMORY_LIMIT = "1GB"
DUPLICATE_WINDOW_MS = DAY_MS  # a retry comes after a second; after a restart a little later
SWEEP_EVERY_MS = 3_600_000
MOST_BODIES = 256  # of one transaction, and their bytes
MOST_BYTES = 8_000_000
Row = tuple[Json, ...]
log = logging.getLogger(__name__)


class EventsRefused(Exception):
    """A body that is no list of events."""


@dataclass(frozen=True)
class Payload:
    """A `/bulk` body. `id` is the same when an SDK sends it again; "" if it does not say."""

    project: str
    environment: str
    id: str
    body: bytes
    received: int

    @property
    def place(self) -> tuple[str, str, str]:
        """What a payload is known by when it comes again."""
        return self.project, self.environment, self.id


@dataclass(frozen=True)
class _Waiting:
    """A payload, and who waits for it."""

    payload: Payload
    done: Future[None]


class EventStore:
    """The events of a local LaunchDarkly. `path` None keeps them in memory.

    DuckDB is imported and the file opened when the first events come or somebody asks for some.
    Events older than `keep_days` are dropped.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        keep_days: float = KEEP_DAYS,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.path = path
        self.dropped = 0  # bodies that could not be read
        self._keep_ms = int(keep_days * DAY_MS)
        self._clock = clock
        self._opening = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._waiting: deque[_Waiting] = deque()
        self._seen: dict[tuple[str, str, str], int] = {}
        self._next_sweep = 0

    async def add(self, payload: Payload) -> None:
        """Keep the events of a body; returns when they are committed. A body that came before is
        taken for the same. Raises EventsRefused if it is no list of events."""
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # it is written, though its sender may be gone
        self._waiting.append(_Waiting(payload, done))
        self._writer.submit(self._write)
        await asyncio.shield(asyncio.wrap_future(done))

    def add_now(self, payload: Payload) -> None:
        """As `add`, in this thread. Call it from one thread at a time."""
        done: Future[None] = Future()
        self._keep([_Waiting(payload, done)])
        done.result()

    def _write(self) -> None:
        """Keep what waits, or the first part of it: each body that waits has called this once."""
        group: list[_Waiting] = []
        places: set[tuple[str, str, str]] = set()
        size = 0
        while self._waiting and len(group) < MOST_BODIES:
            payload = self._waiting[0].payload
            size += len(payload.body)
            if group and (size > MOST_BYTES or (payload.id and payload.place in places)):
                break
            places.add(payload.place)
            group.append(self._waiting.popleft())
        if group:
            self._keep(group)

    def _keep(self, group: Sequence[_Waiting]) -> None:
        """Commit a group and tell each who waits: done, refused, or what else went wrong."""
        try:
            database = self._open()
            self._commit(database, [one for one in group if self._is_new(one)])
        except BaseException as err:
            for one in group:
                if not one.done.done():
                    one.done.set_exception(err)
            return
        try:
            self._sweep(database)
        except Exception:
            log.exception("old events could not be dropped")

    def _is_new(self, one: _Waiting) -> bool:
        if one.payload.id and one.payload.place in self._seen:
            one.done.set_result(None)
            return False
        return True

    def _commit(self, database: duckdb.DuckDBPyConnection, group: Sequence[_Waiting]) -> None:
        """Commit a group in one transaction; if one of it is refused, the others without it."""
        if not group:
            return
        payloads = [one.payload for one in group]
        try:
            with _transaction(database):
                _insert(database, payloads)
        except EventsRefused as err:
            if len(group) == 1:
                self.dropped += 1
                group[0].done.set_exception(err)
            else:
                half = len(group) // 2
                self._commit(database, group[:half])
                self._commit(database, group[half:])
            return
        self._seen |= {one.place: one.received for one in payloads if one.id}
        for one in group:
            one.done.set_result(None)

    def query(self, sql: str, parameters: Json = None) -> Sequence[Row]:
        """Return the rows of a query, for any thread; () if nothing was ever kept.

        It sees what was committed before. See `schema` for tables and views.
        """
        if self._database is None and (self.path is None or not self.path.exists()):
            return ()
        with self._open().cursor() as cursor:
            return cursor.execute(sql, parameters).fetchall()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Callable[[str, Json], Sequence[Row]]]:
        """Give a function that asks as `query` does, for several questions about the same events.

        It sees what was committed before, nothing of what comes meanwhile; temporary tables that
        it makes are gone at the end.
        """
        with self._open().cursor() as cursor:
            cursor.begin()
            try:
                yield lambda sql, parameters: cursor.execute(sql, parameters).fetchall()
            finally:
                cursor.rollback()

    def close(self) -> None:
        """Finish what is being written, and close the file."""
        self._writer.shutdown()
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if self._database is None:
                self._database = _connect(self.path)
                since = self._clock() - DUPLICATE_WINDOW_MS
                for row in self._database.execute(schema.RECENT_PAYLOADS, [since]).fetchall():
                    self._seen[row[0], row[1], row[2]] = self._clock()
            return self._database

    def _sweep(self, database: duckdb.DuckDBPyConnection) -> None:
        """Drop what is too old, once an hour."""
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_EVERY_MS
        for statement in schema.FORGET:
            database.execute(statement, [now - self._keep_ms])
        old = [place for place, at in self._seen.items() if at < now - DUPLICATE_WINDOW_MS]
        for place in old:
            del self._seen[place]


@contextlib.contextmanager
def _transaction(database: duckdb.DuckDBPyConnection) -> Iterator[None]:
    import duckdb

    database.begin()
    try:
        yield
        database.commit()
    except UnicodeDecodeError as err:
        database.rollback()
        raise EventsRefused(f"not UTF-8: {err}") from None
    except (duckdb.ConversionException, duckdb.InvalidInputException) as err:
        database.rollback()
        raise EventsRefused(str(err).partition("\n")[0]) from None
    except BaseException:
        database.rollback()
        raise


def _insert(database: duckdb.DuckDBPyConnection, payloads: Sequence[Payload]) -> None:
    bodies = [payload.body.decode() for payload in payloads]
    database.execute(schema.INSERT, {"bodies": bodies, **_columns(payloads)})
    named = [payload for payload in payloads if payload.id]
    if named:
        ids = [payload.id for payload in named]
        database.execute(schema.REMEMBER, {"ids": ids, **_columns(named)})


def _columns(payloads: Sequence[Payload]) -> dict[str, Json]:
    return {
        "received": [payload.received for payload in payloads],
        "projects": [payload.project for payload in payloads],
        "environments": [payload.environment for payload in payloads],
    }


def require_duckdb() -> None:
    """Raise MissingPackage with the pip line if DuckDB is not installed."""
    from importlib.util import find_spec

    if find_spec("duckdb") is None:
        raise MissingPackage("the local LaunchDarkly needs", "duckdb", "dev")


def _connect(path: Path | None) -> duckdb.DuckDBPyConnection:
    require_duckdb()
    import duckdb

    try:
        database = duckdb.connect(
            ":memory:" if path is None else str(path),
            config={
                "memory_limit": MEMORY_LIMIT,
                "preserve_insertion_order": False,
                # never asks the network, never reads another file
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "enable_external_access": False,
            },
        )
        database.execute(schema.TABLES)
        _check_version(database)
    except duckdb.Error as err:
        raise LdconfError(
            f"cannot open the events {path}: {str(err).partition(chr(10))[0]}",
            hint="move the file away to start without events",
        ) from err
    return database


def _check_version(database: duckdb.DuckDBPyConnection) -> None:
    rows = database.execute("SELECT max(version) FROM format").fetchall()
    version = rows[0][0]
    if version is None:
        database.execute("INSERT INTO format VALUES (?)", [schema.SCHEMA_VERSION])
    elif version > schema.SCHEMA_VERSION:
        raise LdconfError(
            f"the events were written by a newer ldconf (format {version})",
            hint="update ldconf, or move the file away to start without events",
        )
