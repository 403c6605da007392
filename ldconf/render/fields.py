"""How values, fields and lines read as words. Shared by the text and Markdown drawings."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ldconf.core import figures
from ldconf.core.change import Effect
from ldconf.core.cost import REQUESTS, CostChange, CostSide
from ldconf.core.resource import Json
from ldconf.kinds.words import named, percent
from ldconf.render.rows import ContextEntry, Detail, FieldRow

_LONGEST = 160  # characters of one JSON value; the JSON output has it whole


def value(found: Json) -> str:
    """Return a JSON value in one short line; `(none)` for absent."""
    if found is None:
        return "(none)"
    text = json.dumps(found, ensure_ascii=False)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({len(text) - _LONGEST} more characters)"


def effects(found: Iterable[Effect] | None) -> str | None:
    """Return `takes effect in: test 60 %, production 100 %`; None if that does not apply."""
    if found is None:
        return None
    places = ", ".join(_effect(effect) for effect in found)
    return f"takes effect in: {places}" if places else "takes effect nowhere yet: nothing serves it"


def _effect(effect: Effect) -> str:
    share = percent(effect.percent) if effect.exact else f"{percent(effect.percent)} and by rules"
    return f"{effect.environment} {share}{'' if effect.managed else ' (not managed)'}"


def cost(found: CostChange | None) -> str | None:
    """Return `1,000 requests cost: $10.50 → $0.47 (-95.6 %), ...`; None if that does not apply."""
    if found is None:
        return None
    sides = [_dollars(side) for side in (found.before, found.after) if side is not None]
    more = "" if found.percent is None else f" ({found.percent:+g} %)"
    used = f"{found.tokens.input:,.0f} input and {found.tokens.output:,.0f} output tokens each"
    return f"{REQUESTS:,} requests cost: {' → '.join(sides)}{more}, {used} ({found.tokens.source})"


def _dollars(side: CostSide) -> str:
    if side.per_thousand is None:
        return f"unknown, no price of {side.model}"
    return figures.dollars(side.per_thousand)


def origin(row: FieldRow, found: Detail | None = None) -> str:
    """Return why a field, or a detail of it, changes if the files do not say so at this place."""
    reasons = [row.because] if row.because else []
    path = getattr(found, "path", None)
    is_own = path is not None and any(f"{path}.".startswith(f"{own}.") for own in row.own)
    if row.inherited is not None and not is_own:
        reasons.append(f"inherited from {row.inherited}")
    return f" ({', '.join(reasons)})" if reasons else ""


def unverifiable(row: FieldRow) -> str:
    """Return the sentence for a text that LaunchDarkly does not return."""
    known = "its fingerprint differs" if row.before is not None else "what is live is not known"
    return f"{row.field}: sent; LaunchDarkly does not return it, {known}"


def seen(entries: Iterable[ContextEntry]) -> list[str]:
    """Return the facts of the context that are nobody's doing, such as events that arrived."""
    facts = [entry for entry in entries if not entry.who]
    never: dict[str, list[str]] = {}
    for entry in facts:
        if not entry.when:
            never.setdefault(entry.what, []).append(str(entry.address))
    lines = [f"{what}: {', '.join(names)}" for what, names in never.items()]
    return lines + [f"{one.address}: {one.what} {one.when}" for one in facts if one.when]


def moved(entries: Iterable[ContextEntry]) -> str:
    """Return who moved an object and when, newest first as given; empty if not known."""
    people = [
        f"{entry.who} on {entry.when}" + (f" ({entry.what})" if entry.what else "")
        for entry in entries
    ]
    return f"changed by {named(people)}" if people else ""
