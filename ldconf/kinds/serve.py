"""What a rule or the fallthrough serves: one variation, or a percentage rollout of several.

Three forms: the document's (`rest`, any order, zero arms), the canonical one (percents that sum to
100, no zero arms, a whole rollout collapsed to its variation) and the wire's (exact integer weights
that sum to 100000; reference 5.2, 5.4). Arithmetic is on integers throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import (
    Discriminator,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ldconf.core.resource import Json, Part, Str

DISABLED = "disabled"  # the variation that every AI Config has from birth (reference 5.3)
TOTAL = 100_000  # thousandths of a percent
REST = "rest"


def _percent(value: Any) -> Any:
    if value == REST or (isinstance(value, int | float) and _is_percent(value)):
        return value
    raise ValueError(
        "a percentage is a number from 0 to 100 with up to three decimals, "
        f"or `rest`, not {value!r}"
    )


def _is_percent(value: float) -> bool:
    return not isinstance(value, bool) and 0 <= value <= 100 and _thousandths(value) % 1 == 0


def _thousandths(percent: float) -> Decimal:
    return Decimal(str(percent)) * 1000


Percent: TypeAlias = Annotated[
    int | float | str,
    PlainValidator(_percent),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"const": REST}]}),
]
VariationKey: TypeAlias = Annotated[Str, StringConstraints(min_length=1)]


class Rollout(Part):
    """A percentage rollout. One arm may be `rest`: what the others leave of 100."""

    rollout: dict[VariationKey, Percent] = Field(
        min_length=1, description="Variation key to percent, 0-100 with up to three decimals"
    )
    bucket_by: Str = Field(
        default="key", min_length=1, description="Attribute that decides who gets which arm"
    )
    context_kind: Str = Field(
        default="user", min_length=1, description="Kind of the context that is bucketed"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Rollout:
        if problem := sum_problem(self.rollout):
            raise PydanticCustomError("rollout_weights", "{problem}", {"problem": problem})
        return self


def _form(value: Any) -> str | None:
    if isinstance(value, str):
        return "variation key"
    return "percentage rollout" if isinstance(value, Mapping | Rollout) else None


Serve: TypeAlias = Annotated[
    Annotated[VariationKey, Tag("variation key")] | Annotated[Rollout, Tag("percentage rollout")],
    Discriminator(
        _form,
        custom_error_type="serve_form",
        custom_error_message="takes a variation key, or `rollout:` with percentages",
    ),
]


def sum_problem(rollout: Mapping[str, Json]) -> str | None:
    """Return in words why the percentages of a rollout do not add up, None if they do."""
    if problem := excess_problem(rollout):
        return problem
    stated = _stated(rollout)
    if stated < TOTAL and REST not in rollout.values():
        missing = percent(TOTAL - stated)
        return f"the percentages sum to {percent(stated)}, {missing} missing; `rest` can fill it"
    return None


def excess_problem(shares: Mapping[str, Json]) -> str | None:
    """Return in words why percentages are more than can be shared out, None if they are not."""
    rests = sum(value == REST for value in shares.values())
    if rests > 1:
        return f"only one arm may be `rest`, not {rests}"
    stated = _stated(shares)
    if stated > TOTAL:
        return f"the percentages sum to {percent(stated)}, {percent(stated - TOTAL)} too much"
    return None


def _stated(shares: Mapping[str, Json]) -> int:
    return sum(to_weight(value) for value in shares.values() if value != REST)


def percent(weight: int) -> int | float:
    """Return a weight (thousandths of a percent) as percent; an int if it is whole."""
    return weight // 1000 if weight % 1000 == 0 else weight / 1000


def canonical(serve: Json) -> Json:
    """Return the canonical form of a serve value as dumped from the model (or None)."""
    if not isinstance(serve, Mapping):
        return serve
    return from_weights(
        weights(serve), serve.get("bucketBy") or "key", serve.get("contextKind") or "user"
    )


def weights(serve: Json) -> dict[str, int]:
    """Return variation key -> weight; they sum to 100000 in a valid value. Zero arms are kept."""
    if isinstance(serve, str):
        return {serve: TOTAL}
    stated = {key: to_weight(value) for key, value in serve["rollout"].items() if value != REST}
    left = TOTAL - sum(stated.values())
    return {key: stated.get(key, left) for key in serve["rollout"]}


def from_weights(by_key: Mapping[str, int], bucket_by: str, context_kind: str) -> Json:
    """Return the canonical serve value of these weights."""
    arms = {key: weight for key, weight in sorted(by_key.items()) if weight}
    if list(arms.values()) == [TOTAL]:
        return next(iter(arms))
    rollout = {key: percent(weight) for key, weight in arms.items()}
    return {"rollout": rollout, "bucketBy": bucket_by, "contextKind": context_kind}


def document(serve: Json) -> Json:
    """Return a canonical serve value as a person would write it: without the defaults."""
    if not isinstance(serve, Mapping):
        return serve
    plain = {"rollout": serve["rollout"]}
    if serve["bucketBy"] != "key":
        plain["bucketBy"] = serve["bucketBy"]
    if serve["contextKind"] != "user":
        plain["contextKind"] = serve["contextKind"]
    return plain


def constructed(serve: Json) -> Any:
    """Return a canonical serve value as the model holds it, without validation."""
    if not isinstance(serve, Mapping):
        return serve
    return Rollout.model_construct(
        rollout=serve["rollout"], bucket_by=serve["bucketBy"], context_kind=serve["contextKind"]
    )


def served(serve: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path inside the value, variation key) of each variation a serve value names."""
    if isinstance(serve, str):
        yield (), serve
    elif isinstance(serve, Rollout):
        for key in serve.rollout:
            yield ("rollout", key), key


def to_wire(serve: Json, ids: Mapping[str, str]) -> dict[str, Json]:
    """Return the fields of an instruction that serve this canonical value (reference 5.4)."""
    if isinstance(serve, str):
        return {"variationId": ids[serve]}
    return {
        "rolloutWeights": {ids[key]: weight for key, weight in weights(serve).items() if weight},
        "rolloutBucketBy": serve["bucketBy"],
        "rolloutContextKind": serve["contextKind"],
    }


def to_weight(value: float) -> int:
    """Return a percentage as a weight (thousandths of a percent)."""
    return int(_thousandths(value))
