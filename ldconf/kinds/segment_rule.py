"""Rules of segments: who belongs to a segment by condition (reference 15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, model_validator

from ldconf.core.resource import Json, Number, Part, Str, same
from ldconf.kinds.clause import Clause
from ldconf.kinds.wire import text

WEIGHT_PER_PERCENT = 1000
DEFAULTS = {"rolloutContextKind": "user", "bucketBy": "key"}


class SegmentRule(Part):
    """Who is in the segment by condition: all clauses hold."""

    description: Str | None = Field(default=None, description="What the rule is for")
    clauses: list[Clause] = Field(min_length=1, description="All of these hold")
    weight: Number | None = Field(
        default=None, ge=0, le=100, description="Percent of those who match; all if absent"
    )
    rollout_context_kind: Str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Kind of the context that `weight` divides; `user` if absent",
    )
    bucket_by: Str | None = Field(
        default=None,
        min_length=1,
        description="Attribute that `weight` divides by; `key` if absent",
    )

    @model_validator(mode="after")
    def _weight_is_whole(self) -> SegmentRule:
        if self.weight is None:
            if self.rollout_context_kind or self.bucket_by:
                raise ValueError("`rolloutContextKind` and `bucketBy` need `weight`")
        elif not same(percent(thousandths(self.weight)), self.weight):
            raise ValueError(f"`weight` {self.weight!r} has more than three decimals")
        return self

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> SegmentRule:
        """Project a UserSegmentRule without validation; `_id` drops here."""
        weight = payload.get("weight")
        return cls.model_construct(
            description=text(payload.get("description")),
            clauses=[Clause.from_api(clause) for clause in payload.get("clauses") or ()],
            weight=None if weight is None else percent(weight),
            rollout_context_kind=payload.get("rolloutContextKind") or None,
            bucket_by=payload.get("bucketBy") or None,
        )


def thousandths(share: float) -> int:
    """Return the API's weight (0-100000) of a percentage."""
    return round(share * WEIGHT_PER_PERCENT)


def percent(weight: float) -> float:
    """Return the percentage of an API's weight: an int when whole."""
    share = weight / WEIGHT_PER_PERCENT
    return int(share) if share.is_integer() else share


def canonical_rule(rule: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of a dumped rule.

    All of those who match is the same with and without a `weight` of 100; without a weight, and
    at their defaults, `rolloutContextKind` and `bucketBy` are left out.
    """
    found: dict[str, Json] = {}
    if description := text(rule.get("description")):
        found["description"] = description
    found["clauses"] = rule["clauses"]
    weight = rule.get("weight")
    if weight is not None and thousandths(weight) < 100 * WEIGHT_PER_PERCENT:
        found["weight"] = percent(thousandths(weight))
        for name, default in DEFAULTS.items():
            if rule.get(name) not in (None, default):
                found[name] = rule[name]
    return found


def canonical_of_live(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of a rule as the API writes it."""
    return canonical_rule(SegmentRule.from_api(raw).model_dump(mode="json", by_alias=True))


def wire_rules(rules: Sequence[Mapping[str, Json]], live: Sequence[Json] = ()) -> list[Json]:
    """Return canonical rules as the API takes them.

    A rule that exists live is sent as it was read, so that it keeps its id.
    """
    kept = [(canonical_of_live(raw), raw) for raw in live]
    return [_taken(rule, kept) or wire_rule(rule) for rule in rules]


def wire_rule(rule: Mapping[str, Json]) -> dict[str, Json]:
    """Return one canonical rule as the API takes it: `weight` in thousandths of a percent."""
    if "weight" not in rule:
        return dict(rule)
    return {**DEFAULTS, **rule, "weight": thousandths(rule["weight"])}


def _taken(rule: Mapping[str, Json], kept: list[tuple[dict[str, Json], Json]]) -> Json:
    """Take the first live rule that equals `rule` out of `kept` and return it, or None."""
    for index, (canonical, raw) in enumerate(kept):
        if same(canonical, rule):
            del kept[index]
            return raw
    return None
