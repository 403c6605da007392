"""The difference of two long texts: word by word, with a little context and the rest folded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

_UNIT = re.compile(r"[^\n]*?(?:[.!?;:]+[ \t]+|\n)|[^\n]+$")  # a sentence or a line
_MARK = re.compile(r"[^\w\s]+(?=\n)")  # punctuation at the end of a line
_WORD = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_MAX_STEPS = 50_000_000  # of difflib, at worst (a few seconds)
_ALIKE = 0.4  # below this a block reads better as removed and added than word by word
_CONTEXT = 72  # characters kept on each side of a change
_WORTH_FOLDING = 60


class Op(Enum):
    """What a span of a text difference is."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    FOLDED = "folded"  # unchanged and left out; the text says how much


@dataclass(frozen=True)
class Span:
    """A piece of a text difference. Without the folds, the spans hold both texts completely."""

    op: Op
    text: str


def compare(before: str, after: str) -> tuple[Span, ...]:
    """Return the spans that lead from one text to the other, unchanged stretches folded."""
    return tuple(_fold(_merge(_at_line_ends(_merge(_spans(before, after))))))


def preview(text: str, op: Op, lines: int = 3, characters: int = 240) -> tuple[Span, ...]:
    """Return the beginning of a text that is only added or only removed, the rest folded."""
    kept = "".join(text.splitlines(keepends=True)[:lines])
    if len(kept) > characters:
        kept = _cut(kept[:characters], at_end=True)
    rest = text[len(kept) :]
    if len(rest) < _WORTH_FOLDING:
        return (Span(op, text),)
    return (Span(op, kept), Span(Op.FOLDED, _amount(rest)))


def _spans(before: str, after: str) -> Iterator[Span]:
    units, units_after = _UNIT.findall(before), _UNIT.findall(after)
    matcher = _matcher(units, units_after)
    if matcher is None:
        yield from _replace(before, after)
        return
    for tag, start, end, start_after, end_after in matcher.get_opcodes():
        removed = "".join(units[start:end])
        added = "".join(units_after[start_after:end_after])
        if tag == "equal":
            yield Span(Op.SAME, removed)
        else:
            yield from _words(removed, added)


def _words(removed: str, added: str) -> Iterator[Span]:
    words, words_after = _WORD.findall(removed), _WORD.findall(added)
    matcher = _matcher(words, words_after)
    if matcher is None or matcher.quick_ratio() < _ALIKE or matcher.ratio() < _ALIKE:
        yield from _replace(removed, added)
        return
    for tag, start, end, start_after, end_after in matcher.get_opcodes():
        if tag == "equal":
            yield Span(Op.SAME, "".join(words[start:end]))
        else:
            yield from _replace(
                "".join(words[start:end]), "".join(words_after[start_after:end_after])
            )


def _matcher(before: Sequence[str], after: Sequence[str]) -> SequenceMatcher[str] | None:
    """Return a matcher that ends in time; None if there is none.

    The cost of difflib is at worst (pairs of equal members) x (matches). Where that is too much,
    members that are very common in `after` are left to be matched by their neighbours.
    """
    counts, counts_after = Counter(before), Counter(after)
    common = len(after) // 100 + 1 if len(after) >= 200 else len(after)  # as difflib has it
    pairs = {member: counts[member] * number for member, number in counts_after.items()}
    rare = sum(number for member, number in pairs.items() if counts_after[member] <= common)
    matches = min(len(before), len(after))
    if sum(pairs.values()) * matches <= _MAX_STEPS:
        return SequenceMatcher(None, before, after, autojunk=False)
    return SequenceMatcher(None, before, after) if rare * matches <= _MAX_STEPS else None


def _replace(removed: str, added: str) -> Iterator[Span]:
    """Yield the two sides, and what they share at the start and the end as unchanged."""
    start = min(removed.rstrip(), added.rstrip(), key=len)
    goes_on = max(removed, added, key=len)[len(start) :][:1].isspace()
    if start and goes_on and removed.startswith(start) and added.startswith(start):
        yield Span(Op.SAME, start)  # one text goes on behind what is the other's end
        removed, added = removed[len(start) :], added[len(start) :]
    blank = _shared_end(removed, added)
    if len(removed) > len(blank):
        yield Span(Op.REMOVED, removed[: len(removed) - len(blank)])
    if len(added) > len(blank):
        yield Span(Op.ADDED, added[: len(added) - len(blank)])
    if blank:
        yield Span(Op.SAME, blank)


def _shared_end(removed: str, added: str) -> str:
    length = 0
    while (
        length < min(len(removed), len(added))
        and removed[-1 - length] == added[-1 - length]
        and removed[-1 - length].isspace()
    ):
        length += 1
    return removed[len(removed) - length :]


def _merge(spans: Iterable[Span]) -> list[Span]:
    """Join neighbours of one kind, and absorb a lone blank between two changes into them."""
    merged: list[Span] = []
    removed = added = ""
    for span in [*_absorbed(list(spans)), Span(Op.SAME, "")]:
        if span.op is Op.REMOVED:
            removed += span.text
        elif span.op is Op.ADDED:
            added += span.text
        else:
            merged.extend(s for s in (Span(Op.REMOVED, removed), Span(Op.ADDED, added)) if s.text)
            removed = added = ""
            if merged and merged[-1].op is Op.SAME:
                span = Span(Op.SAME, merged.pop().text + span.text)
            if span.text:
                merged.append(span)
    return merged


def _at_line_ends(spans: Sequence[Span]) -> Iterator[Span]:
    """Move whole lines that were added or removed from inside a line to behind its end.

    `next[.\n4. More]. ` says the same as `next.[\n4. More.]`, which is what a person did.
    """
    rest = list(spans)
    for index, span in enumerate(rest):
        alone = 0 < index < len(rest) - 1 and rest[index - 1].op is rest[index + 1].op is Op.SAME
        mark = _MARK.match(span.text) if alone and span.op is not Op.SAME else None
        if mark is None or not rest[index + 1].text.startswith(mark[0]):
            yield span
            continue
        yield Span(Op.SAME, mark[0])
        yield Span(span.op, span.text[mark.end() :] + mark[0])
        rest[index + 1] = Span(Op.SAME, rest[index + 1].text[mark.end() :])


def _absorbed(spans: Sequence[Span]) -> Iterator[Span]:
    for index, span in enumerate(spans):
        around = [
            spans[index - 1].op if index else Op.SAME,
            *(s.op for s in spans[index + 1 :][:1]),
        ]
        if not span.text.strip(" ") and len(around) == 2 and Op.SAME not in around:
            yield Span(Op.REMOVED, span.text)
            yield Span(Op.ADDED, span.text)
        else:
            yield span


def _fold(spans: Sequence[Span]) -> Iterator[Span]:
    last = len(spans) - 1
    for index, span in enumerate(spans):
        if span.op is not Op.SAME:
            yield span
            continue
        head = _head(span.text) if index > 0 else ""
        tail = _tail(span.text) if index < last else ""
        middle = span.text[len(head) : len(span.text) - len(tail)]
        if len(head) + len(tail) >= len(span.text) or len(middle) < _WORTH_FOLDING:
            yield span
            continue
        if head:
            yield Span(Op.SAME, head)
        yield Span(Op.FOLDED, _amount(middle))
        if tail:
            yield Span(Op.SAME, tail)


def _head(text: str) -> str:
    """The rest of the line after a change, within the context."""
    line, newline, _ = text.partition("\n")
    return line + newline if len(line) <= _CONTEXT else _cut(text[:_CONTEXT], at_end=True)


def _tail(text: str) -> str:
    """The beginning of the line before a change, and the line before it if this is short."""
    start = text.rfind("\n") + 1
    if len(text) - start > _CONTEXT:
        return _cut(text[-_CONTEXT:], at_end=False)
    previous = text.rfind("\n", 0, max(start - 1, 0)) + 1
    return text[previous:] if len(text) - previous <= _CONTEXT else text[start:]


def _cut(text: str, *, at_end: bool) -> str:
    """Cut back to a blank, unless the text has none."""
    blank = text.rfind(" ") if at_end else text.find(" ")
    if blank < 0:
        return text
    return text[: blank + 1] if at_end else text[blank:]


def _amount(text: str) -> str:
    lines = text.count("\n")
    if lines:
        return f"{lines} line{'s' if lines > 1 else ''}"
    words = len(text.split())
    return f"{words} word{'s' if words != 1 else ''}"
