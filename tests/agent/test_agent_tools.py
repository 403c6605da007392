from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ldconf.agent.care_guides import search
from ldconf.agent.prices import price_list, price_of
from ldconf.agent.shop_database import TABLES, shop
from ldconf.agent.shop_tools import TOOL_BUILDERS
from ldconf.agent.task import ModelSettings, Tokens
from ldconf.agent.tools import build_tools
from ldconf.emulator.catalogue import CATALOGUE
from tests.agent.shop import served


@dataclass
class Served:
    """A tool as the AI SDK hands it out."""

    name: str
    parameters: dict[str, Any] | None = None
    custom_parameters: dict[str, Any] | None = None
    description: str | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)


def call(name: str, user: str = "u1", custom: Any = None, **arguments: Any) -> Any:
    """Call a tool of the workspace as a model would."""
    tool = served()["tools"][name]
    given = Served(name, tool["parameters"], tool.get("customParameters"))
    (built,), _ = build_tools([given], custom or {}, TOOL_BUILDERS, user)
    return json.loads(built.call(arguments))


def names(found: Any) -> list[str]:
    return [product["name"] for product in found["products"]]


def test_settings_are_custom_with_the_tools_own_over_it() -> None:
    seen: list[tuple[Mapping[str, Any], str]] = []

    def builder(settings: Mapping[str, Any], user: str) -> Any:
        seen.append((settings, user))
        return lambda _: "done"

    tools, unknown = build_tools(
        [Served("a", None, {"table": "mine", "limit": 1}), Served("b")],
        {"limit": 5, "shared": True},
        {"a": builder},
        "u1",
    )
    assert seen == [({"limit": 1, "shared": True, "table": "mine"}, "u1")]
    assert [tool.name for tool in tools] == ["a"]
    assert [one.name for one in unknown] == ["b"]


def test_tool_without_a_schema_takes_no_arguments_to_task() -> None:
    (tool,), _ = build_tools([Served("a")], {}, {"a": lambda *_: lambda args: dict(args)}, "u1")
    assert json.loads(tool.call({"x": 1})) == {"x": 1}


def test_broken_schema_is_told_to_the_model() -> None:
    broken = Served("a", {"type": "nonsense"})
    (tool,), _ = build_tools([broken], {}, {"a": lambda *_: lambda _: 1}, "u1")
    assert "nonsense" in json.loads(tool.call({}))["error"]


def test_product_is_found_by_name() -> None:
    (found,) = call("get_product", query="doggy delights")["products"]
    assert (found["id"], found["price"]) == ("DD006", 54.99)


def test_products_are_found_by_animal_and_category() -> None:
    found = names(call("get_product", query="food", animal="dog", category="food"))
    assert sorted(found) == ["Grain Free Salmon Kibble", "Puppy Start Kibble", "Senior Dog Stew"]


def test_products_are_limited_by_the_model_and_by_us() -> None:
    assert len(names(call("get_product", query="cat", animal="cat"))) == 5
    assert len(names(call("get_product", query="cat", animal="cat", limit=2))) == 2
    few = {"max_search_results": 1}
    assert len(names(call("get_product", query="cat", animal="cat", custom=few))) == 1


def test_nothing_found_is_an_empty_list() -> None:
    assert call("get_product", query="submarine") == {"products": []}


def test_stock_of_a_product() -> None:
    assert call("get_inventory", product_id="dd005") == {
        "product_id": "DD005",
        "in_stock": 0,
        "next_delivery": "2027-01-19",
    }
    assert "no product" in call("get_inventory", product_id="XX")["error"]


def test_customer_sees_their_own_orders() -> None:
    found = call("get_customer", user_id="u1")
    assert (found["name"], found["subscription_status"]) == ("Maya Lindqvist", "premium")
    assert [order["order_id"] for order in found["orders"]] == ["O-1002", "O-1001"]


def test_customer_never_sees_others() -> None:
    found = call("get_customer", user="u3", user_id="u1")
    assert found == {"error": "only the customer who asks may be looked up"}


def test_customer_that_nobody_knows() -> None:
    found = call("get_customer", user="nobody", user_id="nobody")
    assert found == {"user_id": "nobody", "known": False, "orders": []}


def test_table_of_the_config_is_one_of_the_store() -> None:
    tool = served()["tools"]["get_product"]
    evil = Served("get_product", tool["parameters"], {"table": "x; DROP TABLE products"})
    tools, (skipped,) = build_tools([evil], {}, TOOL_BUILDERS, "u1")
    assert tools == []
    assert "no table" in skipped.reason


def test_care_advice_has_a_minimum_score() -> None:
    found = call("get_care_advice", question="How do I house train my puppy?")["advice"]
    assert found[0]["title"] == "House training"
    assert all(one["score"] >= 0.2 for one in found)
    assert call("get_care_advice", question="What is the meaning of life?") == {"advice": []}


def test_care_advice_of_an_animal_is_only_of_it() -> None:
    assert {one.animal for one in search("teeth", None, 0)} == {"dog", "rodent"}
    assert {one.animal for one in search("teeth", "rodent", 0)} == {"rodent"}


def test_every_product_has_a_stock() -> None:
    assert all(shop().rows(f"SELECT * FROM {table}") for table in TABLES)
    lost = "SELECT id FROM products LEFT JOIN inventory ON product_id = id WHERE in_stock IS NULL"
    assert shop().rows(lost) == []


def test_price_list_says_what_the_catalogue_says() -> None:
    catalogue = {
        entry["id"]: (entry["costPerInputToken"], entry["costPerOutputToken"])
        for entry in CATALOGUE.values()
    }
    ours = {name: (price.input, price.output) for name, price in price_list().items()}
    assert ours.keys() == catalogue.keys()
    for name, prices in ours.items():
        assert prices == pytest.approx(catalogue[name])


def test_prices_of_the_variation_come_first() -> None:
    custom = {"cost_per_input_token": 0.5, "cost_per_output_token": 2}
    price = price_of(ModelSettings("gpt-4o", "OpenAI", {}, custom))
    assert price is not None
    assert price.of(Tokens(2, 3)) == 7


def test_unknown_model_has_no_price() -> None:
    assert price_of(ModelSettings("my-own", "Custom")) is None
    words = {"cost_per_input_token": "cheap", "cost_per_output_token": 2}
    assert price_of(ModelSettings("my-own", "Custom", {}, words)) is None
