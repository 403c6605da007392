"""How the simulated model writes: answers from results of tools, by the prompt's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ldconf.agent.simulated_question import Question, Rules

_MOST_PRODUCTS = 3


@dataclass(frozen=True)
class Facts:
    """What the tools returned in this run, by tool."""

    results: Mapping[str, Any]

    @property
    def products(self) -> list[Mapping[str, Any]]:
        """The products found."""
        return list(self.results.get("get_product", {}).get("products", []))

    @property
    def advice(self) -> list[Mapping[str, Any]]:
        """The sections of care guides found."""
        return list(self.results.get("get_care_advice", {}).get("advice", []))

    @property
    def stock(self) -> Mapping[str, Any]:
        """The stock of the first product, or nothing."""
        found = self.results.get("get_inventory", {})
        return found if "in_stock" in found else {}

    @property
    def subscription(self) -> str | None:
        """The subscription that the customer table says."""
        found = self.results.get("get_customer", {}).get("subscription_status")
        return None if found is None else str(found)


def write(question: Question, rules: Rules, facts: Facts, *, complete: bool) -> str:
    """Return the answer. One that is not `complete` leaves out the facts (see `Truth.quality`)."""
    subscription = rules.subscription or facts.subscription or "guest"
    if question.kind == "emergency" and rules.sends_to_vet:
        body = "This may be an emergency: please call a vet at once."
    elif question.kind == "other animal" and rules.declines_others:
        body = "I am sorry, we only have products for cats, dogs, birds, fish and rodents."
    elif question.kind == "care":
        body = _care(rules, facts, subscription, complete)
    else:
        body = _store(question, rules, facts, subscription, complete)
    words = " ".join(filter(None, (rules.opening, body))).split()
    return " ".join([*words[: rules.most_words], *rules.closing.split()])


def _care(rules: Rules, facts: Facts, subscription: str, complete: bool) -> str:
    if rules.care_for_subscribers and subscription == "guest":
        return (
            "Care advice is part of our subscription. Subscribe to read all of our guides; "
            "I can tell you about products, prices and availability now."
        )
    if not facts.advice:
        return "Our care guides say nothing about that. A vet or a breeder can tell you more."
    best = facts.advice[0]
    if not complete:
        return "Our care guides may have something about that."
    return f'From our guide "{best["title"]}": {best["text"]}'


def _store(
    question: Question, rules: Rules, facts: Facts, subscription: str, complete: bool
) -> str:
    if not facts.products:
        return f'I found nothing in our store for "{question.query}". Which animal is it for?'
    if not complete:
        return "Yes, I think we have something like that in our store. Have a look around."
    is_listing = question.query not in facts.products[0]["name"] and len(facts.products) > 1
    if is_listing:
        shown = facts.products[:_MOST_PRODUCTS]
        return "We have " + "; ".join(_priced(one) for one in shown) + ". Which one may it be?"
    return " ".join(_one_product(facts.products[0], rules, facts, subscription))


def _one_product(
    product: Mapping[str, Any], rules: Rules, facts: Facts, subscription: str
) -> Iterator[str]:
    yield f"{product['name']} ({product['id']}) costs ${product['price']:.2f}."
    if subscription == "premium" and rules.discount and product["price"] > rules.discount_above:
        reduced = product["price"] * (1 - rules.discount / 100)
        delivery = " with free delivery" if rules.free_delivery else ""
        yield (f"As a premium customer you get {rules.discount:g} % off: ${reduced:.2f}{delivery}.")
    stock = facts.stock
    if stock and stock["in_stock"] == 0:
        yield f"It is out of stock; the next delivery comes on {stock['next_delivery']}."
    elif stock and stock["in_stock"] < rules.low_stock:
        yield f"Stock is low: {stock['in_stock']} left."
    elif stock:
        yield "It is in stock."
    yield f"{product['description']}."


def _priced(product: Mapping[str, Any]) -> str:
    return f"{product['name']} ({product['id']}), ${product['price']:.2f}"
