"""How the simulated model reads: questions by their words, rules of prompts by their wording."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

ANIMALS = {
    "cat": "cat cats kitten kittens feline",
    "dog": "dog dogs puppy puppies canine",
    "bird": "bird birds budgie budgies parrot parrots canary",
    "fish": "fish goldfish aquarium aquariums tropical",
    "rodent": "rodent rodents hamster hamsters guinea mouse mice rat rats gerbil",
}
OTHERS = "snake snakes lizard iguana horse horses turtle tortoise spider rabbit rabbits ferret cow"
CATEGORIES = {
    "food": "food feed kibble",
    "treats": "treat treats snack snacks",
    "toys": "toy toys",
    "accessories": "accessory accessories",
}
_EMERGENCY = re.compile(
    r"\b(poison\w*|vomit\w*|blood\w*|bleed\w*|seizure\w*|sick|ill|unconscious|chocolate|"
    r"can(?:no|')t breathe|broken leg)\b",
    re.I,
)
_CARE = re.compile(
    r"\b(care (?:for|instructions|advice)|how (?:often|should|do|much exercise|long)\b|train|"
    r"(?:what|when) do \w+(?: \w+)? eat|need company|groom\w*|bath\w*)",
    re.I,
)
_STORE = re.compile(
    r"\b(price|cost|pay|buy|order|sell|in stock|available|left|how (?:much is|many)|product)", re.I
)
_STOP_WORDS = (
    "a about again am an and any are be can care cost deliver do does for have hello hi how i in is"
    " it left like look looking many me much my need new of on or order please price product"
    " products sell show stock tell that the there this to want we what when which will with you"
    " your available should buy pay some something"
)
_STOP = frozenset(_STOP_WORDS.split())
_WORD = re.compile(r"[A-Za-z']+")
_NAME = re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)+\b")


@dataclass(frozen=True)
class Question:
    """A question as the simulated model understands it."""

    text: str
    kind: str  # emergency, other animal, care, or store
    animal: str | None
    category: str | None
    query: str


def read_question(text: str) -> Question:
    """Return what a question is about, by keywords (English only)."""
    words = [word.lower() for word in _WORD.findall(text)]
    animal = _first(words, ANIMALS)
    if _EMERGENCY.search(text):
        kind = "emergency"
    elif animal is None and set(words) & set(OTHERS.split()):
        kind = "other animal"
    elif _CARE.search(text) and not _STORE.search(text):
        kind = "care"
    else:
        kind = "store"
    return Question(text, kind, animal, _first(words, CATEGORIES), _query(text, words))


def _first(words: list[str], table: dict[str, str]) -> str | None:
    return next(
        (name for word in words for name, all_ in table.items() if word in all_.split()), None
    )


def _query(text: str, words: list[str]) -> str:
    """Return a product's name, if one is written with capitals, else the telling words."""
    sentence = text[:1].lower() + text[1:]
    if found := _NAME.search(sentence):
        return found[0]
    return " ".join(word for word in words if word not in _STOP and "'" not in word) or text


@dataclass(frozen=True)
class Rules:
    """The rules that the simulated model finds in a prompt; what is not written is not followed."""

    user_key: str | None
    subscription: str | None
    care_for_subscribers: bool
    discount: float  # percent, for premium customers
    discount_above: float
    free_delivery: bool
    low_stock: int
    declines_others: bool
    sends_to_vet: bool
    most_words: int
    opening: str
    closing: str


@lru_cache(maxsize=256)  # each call of a run has the same prompt
def read_rules(instructions: str) -> Rules:
    """Return the rules written in a prompt; docs/agent.md lists the wordings."""

    def find(pattern: str, convert: Callable[[str], T], default: T) -> T:
        found = re.search(pattern, instructions, re.I)
        return convert(found[1]) if found else default

    return Rules(
        user_key=find(
            r"`get_customer` with the id (\S+)", lambda key: key.rstrip(".,;") or None, None
        ),
        subscription=find(r"subscription is `?(guest|active|premium)\b", str.lower, None),
        care_for_subscribers="care advice is for `active`" in instructions.lower(),
        discount=find(r"(\d+(?:\.\d+)?) ?% discount", float, 0.0),
        discount_above=find(r"discount on orders above \$?(\d+(?:\.\d+)?)", float, 0.0),
        free_delivery="free delivery" in instructions.lower(),
        low_stock=find(r"fewer than (\d+) pieces", int, 0),
        declines_others="decline other animals" in instructions.lower(),
        sends_to_vet="call a vet" in instructions.lower(),
        most_words=find(r"at most (\d+) words", int, 10_000),
        opening=find(r"begin every answer with [\"“]([^\"”]+)[\"”]", str, ""),
        closing=find(r"end every answer with [\"“]([^\"”]+)[\"”]", str, ""),
    )
