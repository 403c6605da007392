"""The code behind the tools that the AI Config may name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ldconf.agent.care_guides import search
from ldconf.agent.shop_database import TABLES, Row, shop
from ldconf.agent.tools import Builder, Function, Settings

_WORD = re.compile(r"\w+")
_MOST_RESULTS = 5


def product_lookup(settings: Settings, _user_key: str) -> Function:
    """`get_product`: products whose name or description has the words asked for, best first."""
    table = _table(settings, "products")
    most = int(settings.get("max_search_results", _MOST_RESULTS))

    def get_product(arguments: Mapping[str, Any]) -> Any:
        words = [_singular(word) for word in _WORD.findall(arguments["query"].lower())]
        exact = {name: arguments[name] for name in ("animal", "category") if name in arguments}
        where = "".join(f" AND {name} = ?" for name in exact)
        found = shop().rows(f"SELECT * FROM {table} WHERE 1{where}", list(exact.values()))
        score = {row["id"]: _score(row, words) for row in found}
        matching = [row for row in found if score[row["id"]] > 0]
        if not matching and exact:  # the words said nothing more than animal and category
            matching = found
        matching.sort(key=lambda row: (-score[row["id"]], row["id"]))
        return {"products": matching[: min(most, int(arguments.get("limit", most)))]}

    return get_product


def inventory_lookup(settings: Settings, _user_key: str) -> Function:
    """`get_inventory`: pieces in stock and the date of the next delivery."""
    table = _table(settings, "inventory")

    def get_inventory(arguments: Mapping[str, Any]) -> Any:
        product = arguments["product_id"].upper()
        found = shop().rows(f"SELECT * FROM {table} WHERE product_id = ?", [product])
        return found[0] if found else {"error": f"no product has the id {product}"}

    return get_inventory


def customer_lookup(settings: Settings, user_key: str) -> Function:
    """`get_customer`: the customer who asks and the last orders; nobody else, whoever is named.

    A prompt can be talked out of its rules; this function cannot.
    """
    table = _table(settings, "customers")

    def get_customer(arguments: Mapping[str, Any]) -> Any:
        if arguments["user_id"] != user_key:
            return {"error": "only the customer who asks may be looked up"}
        found = shop().rows(f"SELECT * FROM {table} WHERE user_id = ?", [user_key])
        if not found:
            return {"user_id": user_key, "known": False, "orders": []}
        orders = "SELECT * FROM orders WHERE user_id = ? ORDER BY ordered_on DESC LIMIT 5"
        return {**found[0], "known": True, "orders": shop().rows(orders, [user_key])}

    return get_customer


def care_lookup(settings: Settings, _user_key: str) -> Function:
    """`get_care_advice`: sections of the care guides, best first."""
    least = float(settings.get("minimum_score", 0))
    most = int(settings.get("max_search_results", _MOST_RESULTS))

    def get_care_advice(arguments: Mapping[str, Any]) -> Any:
        found = search(arguments["question"], arguments.get("animal"), least)
        return {"advice": [section.shown() for section in found[:most]]}

    return get_care_advice


TOOL_BUILDERS: Mapping[str, Builder] = {
    "get_product": product_lookup,
    "get_inventory": inventory_lookup,
    "get_care_advice": care_lookup,
    "get_customer": customer_lookup,
}


def _table(settings: Settings, usual: str) -> str:
    """Return the table that `customParameters` name; only tables of the store, it goes into SQL."""
    table = settings.get("table", usual)
    if table not in TABLES:
        raise ValueError(f"no table {table!r}; there are {', '.join(TABLES)}")
    return str(table)


def _score(row: Row, words: list[str]) -> int:
    """Count matching words; those in the name count more."""
    name, rest = _words(row["name"]), _words(f"{row['description']} {row['animal']}")
    return sum(3 if word in name else 1 if word in rest else 0 for word in words)


@lru_cache(maxsize=1000)  # more than the store has texts
def _words(text: str) -> frozenset[str]:
    return frozenset(_singular(word) for word in _WORD.findall(text.lower()))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
