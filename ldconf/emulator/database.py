"""JSON documents in SQLite: crash-safe writes, reads from parsed documents kept in memory."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL, family TEXT NOT NULL, parent TEXT NOT NULL, key TEXT NOT NULL,
  json TEXT NOT NULL, UNIQUE(project, family, parent, key));
CREATE TABLE IF NOT EXISTS audit(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, date INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
  json TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS audit_date ON audit(date);
"""
_UPSERT = (
    "INSERT INTO objects(project, family, parent, key, json) VALUES(?, ?, ?, ?, ?)"
    " ON CONFLICT(project, family, parent, key) DO UPDATE SET json = excluded.json"
)
Bucket = dict[str, dict[str, Json]]  # parent -> key -> document, in order of creation


class Ref(NamedTuple):
    """The place of one document. `parent` groups them: a variation's AI Config, an environment."""

    project: str
    family: str
    key: str
    parent: str = ""


class Database:
    """Documents by `Ref`, written in transactions. What a caller got acknowledged survives kill -9.

    Documents that `get`, `documents` and `children` return are shared: copy before changing. One
    lock makes it usable from several threads; one process at a time (see `lock.py`). After each
    transaction `listeners` are told the (project, family) pairs that it wrote.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.listeners: list[Callable[[frozenset[tuple[str, str]]], None]] = []
        self._cache: dict[tuple[str, str], Bucket] = {}
        self._depth = 0
        self._touched: set[tuple[str, str]] = set()
        try:
            self._sql = _open(path)
        except sqlite3.DatabaseError as err:
            raise LdconfError(
                f"cannot open the local state {path}: {err}",
                hint="move the file away to start with an empty local LaunchDarkly",
            ) from err

    def close(self) -> None:
        """Close the file. The database is unusable afterwards."""
        with self.lock:
            self._sql.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are kept together, or not at all. May be nested."""
        with self.lock:
            if self._depth:
                yield
                return
            self._sql.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self._sql.execute("COMMIT")
                written = frozenset(self._touched)
            except BaseException:
                self._sql.execute("ROLLBACK")
                for touched in self._touched:
                    self._cache.pop(touched, None)
                raise
            finally:
                self._depth = 0
                self._touched.clear()
            for listener in self.listeners if written else ():
                listener(written)

    def get(self, ref: Ref) -> Json:
        """Return the document, or None if there is none."""
        return self._bucket(ref.project, ref.family).get(ref.parent, {}).get(ref.key)

    def documents(self, project: str, family: str, parent: str = "") -> list[Json]:
        """Return the documents with this parent, in order of creation."""
        return list(self._bucket(project, family).get(parent, {}).values())

    def children(self, project: str, family: str) -> Iterator[tuple[str, Json]]:
        """Yield (parent, document) of a whole family."""
        for parent, documents in self._bucket(project, family).items():
            for document in documents.values():
                yield parent, document

    def put(self, ref: Ref, document: Json) -> None:
        """Write one document (keeps its place in the order of creation)."""
        with self.transaction():
            bucket = self._touch(ref)
            text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
            self._sql.execute(_UPSERT, (ref.project, ref.family, ref.parent, ref.key, text))
            bucket.setdefault(ref.parent, {})[ref.key] = document

    def delete(self, ref: Ref) -> bool:
        """Remove one document; False if there was none."""
        with self.transaction():
            bucket = self._touch(ref)
            if bucket.get(ref.parent, {}).pop(ref.key, None) is None:
                return False
            self._sql.execute(
                "DELETE FROM objects WHERE project = ? AND family = ? AND parent = ? AND key = ?",
                (ref.project, ref.family, ref.parent, ref.key),
            )
            return True

    def delete_children(self, project: str, family: str, parent: str) -> None:
        """Remove all documents with this parent."""
        for key in list(self._bucket(project, family).get(parent, {})):
            self.delete(Ref(project, family, key, parent))

    def delete_project(self, project: str) -> None:
        """Remove everything that belongs to a project (not the project's own document)."""
        with self.transaction():
            for loaded in [key for key in self._cache if key[0] == project]:
                self._touched.add(loaded)
                del self._cache[loaded]
            self._sql.execute("DELETE FROM objects WHERE project = ?", (project,))

    def append_audit(self, entry: Json) -> None:
        """Add an entry to the audit log, in the transaction that is under way."""
        with self.transaction():
            self._sql.execute(
                "INSERT INTO audit(date, id, json) VALUES(?, ?, ?)",
                (entry["date"], entry["_id"], json.dumps(entry, separators=(",", ":"))),
            )

    def audit(self, after: int | None = None, before: int | None = None) -> Iterator[Json]:
        """Yield audit entries with `after < date < before` (epoch ms), newest first."""
        with self.lock:
            rows = self._sql.execute(
                "SELECT json FROM audit WHERE date > ? AND date < ? ORDER BY seq DESC",
                (-1 if after is None else after, 2**62 if before is None else before),
            )
        while True:  # the lock is not held while the caller looks at an entry
            with self.lock:
                texts = rows.fetchmany(50)
            if not texts:
                return
            for (text,) in texts:
                yield json.loads(text)

    def copy_into(self, other: Database) -> None:
        """Make `other` an exact copy of this database."""
        with self.lock, other.lock:
            self._sql.backup(other._sql)
            other._cache.clear()

    def _touch(self, ref: Ref) -> Bucket:
        bucket = self._bucket(ref.project, ref.family)
        self._touched.add((ref.project, ref.family))
        return bucket

    def _bucket(self, project: str, family: str) -> Bucket:
        found = self._cache.get((project, family))
        if found is not None:
            return found
        with self.lock:
            bucket: Bucket = {}
            rows = self._sql.execute(
                "SELECT parent, key, json FROM objects"
                " WHERE project = ? AND family = ? ORDER BY seq",
                (project, family),
            )
            for parent, key, text in rows:
                bucket.setdefault(parent, {})[key] = json.loads(text)
            self._cache[(project, family)] = bucket
            return bucket


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    sql = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
    try:
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("PRAGMA synchronous = NORMAL")  # survives kill -9; power loss may cost seconds
        (version,) = sql.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"written by a newer ldconf (format {version})")
        sql.executescript(_SCHEMA)
        sql.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        sql.close()
        raise
    return sql
