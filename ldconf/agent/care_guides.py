"""A small search over the bundled care guides: sections ranked by the words they share."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"[a-z]+")
_ANIMALS = {"dogs": "dog", "cats": "cat", "birds": "bird", "fish": "fish", "rodents": "rodent"}
_STOP_WORDS = (
    "a an and are as at be by can care do does for from how i in is it its many me much my need of"
    " often on or should that the them they this to what when which with you your"
)
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True)
class Section:
    """One section of a guide. `score` is the cosine with the question, 0 to 1."""

    animal: str
    title: str
    text: str
    score: float = 0.0

    def shown(self) -> dict[str, object]:
        """Return what the model gets to see."""
        score = round(self.score, 3)
        return {"animal": self.animal, "title": self.title, "text": self.text, "score": score}


def search(question: str, animal: str | None, least: float) -> list[Section]:
    """Return the sections that answer a question, best first, with a score of at least `least`."""
    index = _index()
    wanted = index.weigh(_words(question))
    scored = (
        Section(one.animal, one.title, one.text, _cosine(wanted, weights))
        for one, weights in index.sections
        if animal is None or one.animal == animal
    )
    found = [one for one in scored if one.score > 0 and one.score >= least]
    return sorted(found, key=lambda one: (-one.score, one.animal, one.title))


@dataclass(frozen=True)
class _Index:
    sections: tuple[tuple[Section, Mapping[str, float]], ...]
    rarity: Mapping[str, float]

    def weigh(self, words: Counter[str]) -> Mapping[str, float]:
        return {
            word: (1 + math.log(count)) * self.rarity[word]
            for word, count in words.items()
            if word in self.rarity
        }


@cache
def _index() -> _Index:
    sections = list(_sections())
    words = [_words(f"{one.title} {one.title} {one.animal} {one.text}") for one in sections]
    frequency = Counter(word for found in words for word in found)
    rarity = {word: math.log(1 + len(sections) / count) for word, count in frequency.items()}
    plain = _Index((), rarity)
    weights = [plain.weigh(found) for found in words]
    return _Index(tuple(zip(sections, weights, strict=True)), rarity)


def _sections() -> Iterator[Section]:
    folder = files("ldconf.agent").joinpath("shop", "care")
    for name, animal in _ANIMALS.items():
        _, *parts = folder.joinpath(f"{name}.md").read_text(encoding="utf-8").split("\n## ")
        for part in parts:
            title, _, text = part.partition("\n")
            yield Section(animal, title.strip(), " ".join(text.split()))


def _words(text: str) -> Counter[str]:
    return Counter(_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP)


def _stem(word: str) -> str:
    """Cut the usual endings, so that `feeding` finds `feed`."""
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    dot = sum(weight * other.get(word, 0.0) for word, weight in one.items())
    lengths = math.hypot(*one.values()) * math.hypot(*other.values())
    return dot / lengths if lengths else 0.0
