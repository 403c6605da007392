"""One DuckDB file, written by one thread; reads go on beside it.

A body is committed before its sender hears 202, so that nothing acknowledged is lost on kill -9.
DuckDB lets one process open a file: others ask the process that serves the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.emulator.events import schema

if TYPE_CHECKING:
    import duckdb

DAY_MS = 86_400_000
KEEP_DAYS = 90
MEMORY_LIMIT = "1GB"
DUPLICATE_WINDOW_MS = DAY_MS  # a retry comes after a second; after a restart a little later
SWEEP_EVERY_MS = 3_600_000
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
        self._seen: dict[tuple[str, str, str], int] = {}
        self._next_sweep = 0

    async def add(self, payload: Payload) -> None:
        """Keep the events of a body; returns when they are committed. A body that came before is
        taken for the same. Raises EventsRefused if it is no list of events."""
        done = self._writer.submit(self.add_now, payload)
        await asyncio.shield(asyncio.wrap_future(done))

    def add_now(self, payload: Payload) -> None:
        """As `add`, in this thread. Call it from one thread at a time."""
        database = self._open()
        place = (payload.project, payload.environment, payload.id)
        if payload.id and place in self._seen:
            return
        values = {
            "received": payload.received,
            "project": payload.project,
            "environment": payload.environment,
        }
        try:
            body = payload.body.decode()
        except UnicodeDecodeError as err:
            self.dropped += 1
            raise EventsRefused(f"not UTF-8: {err}") from None
        with self._transaction(database):
            database.execute(schema.INSERT, {"body": body, **values})
            if payload.id:
                database.execute(schema.REMEMBER, {"payload_id": payload.id, **values})
        if payload.id:
            self._seen[place] = payload.received
        self._sweep(database)

    def query(self, sql: str, parameters: Json = None) -> Sequence[Row]:
        """Return the rows of a query, for any thread; () if nothing was ever kept.

        It sees what was committed before. See `schema` for tables and views.
        """
        if self._database is None and (self.path is None or not self.path.exists()):
            return ()
        with self._open().cursor() as cursor:
            return cursor.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Finish what is being written, and close the file."""
        self._writer.shutdown()
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None

    @contextlib.contextmanager
    def _transaction(self, database: duckdb.DuckDBPyConnection) -> Iterator[None]:
        import duckdb

        database.begin()
        try:
            yield
            database.commit()
        except (duckdb.ConversionException, duckdb.InvalidInputException) as err:
            database.rollback()
            self.dropped += 1
            raise EventsRefused(str(err).partition("\n")[0]) from None
        except BaseException:
            database.rollback()
            raise

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


def require_duckdb() -> None:
    """Raise LdconfError with the pip line if DuckDB is not installed."""
    from importlib.util import find_spec

    if find_spec("duckdb") is None:
        raise LdconfError(
            "the local LaunchDarkly needs the package duckdb, which is not installed",
            hint='pip install "ldconf[dev]"',
        )


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
