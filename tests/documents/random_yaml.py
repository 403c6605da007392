"""Random YAML documents in random styles, with comments, for property tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from hypothesis import settings
from hypothesis import strategies as st

from ldconf.core.resource import Json, canonical_json
from ldconf.documents import emit, yaml

examples = settings(max_examples=30, deadline=None)  # other processes share the machine

WORDS = ["a", "b", "name", "off", "x-y", "no", "1", "with blank", "k:v", "é"]
TEXTS = [
    *(
        "one",
        "no",
        "1.0",
        "null",
        "",
        "two words",
        "no one else",
        "folded text\n",
        "a: b",
        "a #b",
        "it's",
        'say "hi"',
        "$ld:x",
    ),
    *("first\nsecond", "first\n\n  second\n", " lead\nx", "tail\n\n", "\n", "x, y", "{z}", "# no"),
]
NUMBERS = [0, 1, -5, 0.7, 1e-7, True, False, None]

scalars = st.sampled_from([*TEXTS, *NUMBERS])
keys = st.sampled_from(WORDS)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
maps = st.dictionaries(keys, values, min_size=1, max_size=5)


@dataclass
class Writer:
    """Writes a value as YAML, choosing its style at random."""

    random: Random
    sharing: bool = True  # anchors and aliases
    made: int = 0
    anchors: list[tuple[str, Json]] = field(default_factory=list)

    def document(self, value: Mapping[str, Json]) -> str:
        step = self.random.choice([2, 2, 4])
        head = ["---"] if self.random.random() < 0.1 else []
        lines = [*head, *self.noise(0), *self.mapping(value, 0, step), *self.noise(0)]
        text = "\n".join(lines) + self.random.choice(["\n", "\n", "", "\n\n"])
        if self.random.random() < 0.2:
            text = text.replace("\n", "\r\n")
        return "\ufeff" + text if self.random.random() < 0.1 else text

    def noise(self, column: int) -> list[str]:
        kinds = ["", " " * column + "# note"]
        return [self.random.choice(kinds) for _ in range(self.random.choice([0, 0, 0, 1, 2]))]

    def mapping(self, value: Mapping[str, Json], column: int, step: int) -> list[str]:
        lines: list[str] = []
        for name, inner in value.items():
            key = emit.quoted(name) if self.random.random() < 0.1 else emit.key(name)
            lines += self.noise(column) if lines else []
            lines += self.value(" " * column + key + ":", inner, column, step)
        return lines

    def value(self, start: str, value: Json, column: int, step: int) -> list[str]:
        known = [
            name for name, same in self.anchors if canonical_json(same) == canonical_json(value)
        ]
        if known and self.random.random() < 0.2:
            return [f"{start} *{known[0]}{self.trailing()}"]
        if self.sharing and self.random.random() < 0.05:
            self.made += 1
            start += f" &n{self.made}"
        lines = self.plain_value(start, value, column, step)
        if "&" in start:
            self.anchors.append((start.split("&")[1], value))
        return lines

    def plain_value(self, start: str, value: Json, column: int, step: int) -> list[str]:
        if isinstance(value, Mapping | list) and value and self.random.random() < 0.75:
            inner = column + step
            if isinstance(value, list):
                inner = (
                    column
                    if (start.endswith(":") or ": &" in start) and self.random.random() < 0.3
                    else inner
                )
                below = self.sequence(value, inner, step)
            else:
                below = self.mapping(value, inner, step)
            return [start + self.trailing(), *self.noise(inner), *below]
        if isinstance(value, str) and self.random.random() < 0.7:
            block = emit.literal(value)
            if block:
                pad = " " * column
                body = [pad + line if line else "" for line in block.body]
                return [f"{start} {block.head}{self.trailing()}", *body]
        if value in ("two words", "no one else") and self.random.random() < 0.5:
            quote, pad = self.random.choice(["", "'", '"']), " " * (column + 1)
            first, *rest = str(value).split(" ")
            last = f"{pad}{' '.join(rest)}{quote}{self.trailing()}"
            return [f"{start} {quote}{first}  ", last]
        if value == "folded text\n" and self.random.random() < 0.7:
            pad = " " * (column + step)
            return [f"{start} >{self.trailing()}", f"{pad}folded", f"{pad}text"]
        return [f"{start} {self.flow(value)}{self.trailing()}"]

    def sequence(self, value: list[Json], column: int, step: int) -> list[str]:
        lines: list[str] = []
        for inner in value:
            lines += self.noise(column) if lines else []
            dash = " " * column + "-"
            compact = self.random.random() < 0.7
            if compact and isinstance(inner, Mapping | list) and inner:
                write = self.sequence if isinstance(inner, list) else self.mapping
                below = write(inner, column + 2, step)  # type: ignore[arg-type]
                lines += [f"{dash} {below[0][column + 2 :]}", *below[1:]]
            else:
                lines += self.value(dash, inner, column, step)
        return lines

    def flow(self, value: Json) -> str:
        blank = self.random.choice(["", " "])
        if isinstance(value, Mapping) and value:
            pairs = (f"{emit.key(k, flow=True)}: {self.flow(v)}" for k, v in value.items())
            return "{" + blank + ", ".join(pairs) + blank + "}"
        if isinstance(value, list) and value:
            return "[" + blank + ", ".join(self.flow(one) for one in value) + blank + "]"
        if isinstance(value, str) and self.random.random() < 0.2:
            return emit.quoted(value)
        return emit.flow(value)

    def trailing(self) -> str:
        return " # why" if self.random.random() < 0.2 else ""


randoms = st.integers(0, 2**32).map(Random)


def _with_value(text: str) -> tuple[Json, str]:
    return yaml.parse(text, "x.yaml").value, text


texts = st.builds(lambda value, random: Writer(random).document(value), maps, randoms)
plain = st.builds(lambda value, random: Writer(random, False).document(value), maps, randoms)
documents = texts.map(_with_value)
plain_documents = plain.map(_with_value)  # without anchors
