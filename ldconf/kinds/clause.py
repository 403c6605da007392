"""Clauses: the conditions of rules, in targeting and in segments alike (reference 5.4)."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from pydantic import (
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from ldconf.core.address import segment
from ldconf.core.kind import Reference
from ldconf.core.resource import Bool, Json, Part, Str, canonical_json

Operator = Literal[
    "in",
    "endsWith",
    "startsWith",
    "matches",
    "contains",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "before",
    "after",
    "segmentMatch",
    "semVerEqual",
    "semVerLessThan",
    "semVerGreaterThan",
]
OPERATORS: tuple[str, ...] = get_args(Operator)
SEGMENT_MATCH = "segmentMatch"

Value: TypeAlias = StrictStr | StrictBool | StrictInt | StrictFloat

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CONTEXT_KIND = re.compile(r"[A-Za-z0-9._-]+")
# The SDKs take `2` and `2.1` for `2.0.0` and `2.1.0`.
SEMVER = re.compile(
    r"(0|[1-9]\d*)(\.(0|[1-9]\d*)(\.(0|[1-9]\d*))?)?"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
# RE2 spellings that Python's `re` does not know; each stands for one character or the text's end.
RE2_ONLY = re.compile(r"\\[pP](\{\^?\w+\}|[A-Z])|\[:\^?\w+:\]|\\C")


class Clause(Part):
    """One condition. Clauses of a rule are ANDed, values ORed; `negate` inverts."""

    context_kind: Str = Field(
        default="user", pattern=r"^[A-Za-z0-9._-]+$", description="Kind of the context looked at"
    )
    attribute: Str = Field(
        default="",
        description="Attribute of the context, or a `/path` into it; not given for `segmentMatch`",
    )
    op: Operator = Field(description="How the attribute is compared with the values")
    negate: Bool = Field(default=False, description="true: the clause holds if nothing matches")
    values: list[Value] = Field(
        min_length=1, description="Any of these matches; segment keys for `segmentMatch`"
    )

    @field_validator("values")
    @classmethod
    def _values_fit_operator(cls, values: list[Value], info: ValidationInfo) -> list[Value]:
        op: str = info.data.get("op", "")  # absent if it is itself wrong
        for value in values if op else ():
            if problem := _value_problem(op, value):
                raise ValueError(f"`{op}` {problem}, not {value!r}")
        return values

    @model_validator(mode="after")
    def _attribute_fits_operator(self) -> Clause:
        if self.context_kind in ("kind", "multi"):
            raise ValueError(f"`contextKind` cannot be {self.context_kind!r}")
        if problem := _attribute_problem(self.op, self.attribute):
            raise ValueError(problem)
        return self

    @model_serializer(mode="plain")
    def canonical(self) -> dict[str, Json]:
        """Return the canonical form: all five keys, values as the set that they mean."""
        return {
            "contextKind": self.context_kind or "user",
            "attribute": SEGMENT_MATCH if self.op == SEGMENT_MATCH else self.attribute,
            "op": self.op,
            "negate": self.negate,
            "values": sorted_values(self.values),
        }

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> Clause:
        """Project a clause of the API without validation; `_id`/`id` drop here.

        A missing or empty `contextKind` means `user`.
        """
        return cls.model_construct(
            context_kind=payload.get("contextKind") or "user",
            attribute=payload.get("attribute") or "",
            op=payload.get("op", ""),
            negate=bool(payload.get("negate")),
            values=list(payload.get("values") or ()),
        )


def clause_id(payload: Mapping[str, Json]) -> str | None:
    """Return the server's id of a clause or rule: `_id`, in some answers `id` (reference U2)."""
    return payload.get("_id") or payload.get("id") or None


def sorted_values(values: Iterable[Json]) -> list[Json]:
    """Return clause values without doubles: booleans, numbers, then texts, each in order."""
    by_text = {canonical_json(value): value for value in values}
    return sorted(by_text.values(), key=_value_order)


def segment_references(
    clauses: Sequence[Clause], environment: str, path: tuple[str | int, ...]
) -> Iterator[Reference]:
    """Yield a reference per segment that the clauses name; `path` leads to the list of clauses."""
    for index, clause in enumerate(clauses):
        if clause.op == SEGMENT_MATCH:
            for at, value in enumerate(clause.values):
                yield Reference(segment(str(value), environment), (*path, index, "values", at))


def _value_order(value: Json) -> tuple[int, float, str]:
    if isinstance(value, bool):
        return (0, float(value), "")
    if isinstance(value, int | float):
        return (1, value, "")
    return (2, 0.0, value if isinstance(value, str) else canonical_json(value))


def _attribute_problem(op: str, attribute: str) -> str | None:
    """Return what is wrong with the attribute reference, if anything."""
    if op == SEGMENT_MATCH:
        return None if attribute in ("", SEGMENT_MATCH) else "`segmentMatch` takes no `attribute`"
    if not attribute:
        return f"`{op}` needs an `attribute`"
    if attribute.startswith("/"):
        parts = attribute[1:].split("/")
        if not all(parts) or any(re.search(r"~(?![01])", part) for part in parts):
            return f"{attribute!r} is not a path into a context"
    return None


def _value_problem(op: str, value: Json) -> str | None:
    """Return what the operator takes, if it does not take this value."""
    if isinstance(value, float) and not math.isfinite(value):
        return "takes finite numbers"
    if op == "in":
        return None
    if op.startswith(("lessThan", "greaterThan")):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if is_number else "takes numbers"
    if op in ("before", "after"):
        return None if _is_date(value) else "takes RFC 3339 dates or milliseconds since 1970"
    if not isinstance(value, str):
        return "takes texts"
    if op == "matches" and (problem := _regex_problem(value)):
        return f"takes regular expressions ({problem})"
    if op.startswith("semVer") and not SEMVER.fullmatch(value):
        return "takes semantic versions"
    if op == SEGMENT_MATCH and not KEY.fullmatch(value):
        return "takes segment keys"
    return None


def _is_date(value: Json) -> bool:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return False
    return isinstance(value, int | float) and not isinstance(value, bool)


def _regex_problem(pattern: str) -> str | None:
    """Return why a pattern does not compile. RE2's own character classes are let through."""
    plain = RE2_ONLY.sub(r"\\w", pattern).replace(r"\z", r"\Z")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            re.compile(plain)
        except re.error as err:
            return str(err)
    return None
