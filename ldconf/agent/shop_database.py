"""The pet store's data: CSV files read into an SQLite database in memory."""

from __future__ import annotations

import csv
import sqlite3
import threading
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

_SCHEMA = """
CREATE TABLE products(id TEXT PRIMARY KEY, name TEXT, animal TEXT, category TEXT, price REAL,
  description TEXT);
CREATE TABLE inventory(product_id TEXT PRIMARY KEY, in_stock INTEGER, next_delivery TEXT);
CREATE TABLE customers(user_id TEXT PRIMARY KEY, name TEXT, subscription_status TEXT, since TEXT);
CREATE TABLE orders(order_id TEXT PRIMARY KEY, user_id TEXT, product_id TEXT, quantity INTEGER,
  ordered_on TEXT);
"""
TABLES = ("products", "inventory", "customers", "orders")
Row = dict[str, Any]


class ShopDatabase:
    """Rows of the store by SQL; usable from several threads."""

    def __init__(self) -> None:
        self._sql = sqlite3.connect(":memory:", check_same_thread=False)
        self._sql.row_factory = sqlite3.Row
        self._lock = threading.Lock()
        self._sql.executescript(_SCHEMA)
        for table in TABLES:
            self._load(table)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query."""
        with self._lock:
            return [dict(row) for row in self._sql.execute(sql, values)]

    def _load(self, table: str) -> None:
        source = files("ldconf.agent").joinpath("shop", f"{table}.csv")
        header, *rows = csv.reader(source.read_text(encoding="utf-8").splitlines())
        places = ", ".join("?" for _ in header)
        self._sql.executemany(f"INSERT INTO {table} VALUES({places})", rows)
        self._sql.commit()


@cache
def shop() -> ShopDatabase:
    """Return the one database of this process."""
    return ShopDatabase()
