"""The file that figures of LaunchDarkly's results page are typed into: its fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ldconf.core.kind import Problem
from ldconf.core.resource import Int, Json, Number


class FiguresError(Exception):
    """The figures cannot be used; all problems at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems in the figures")
        self.problems = problems


def _ms(value: Json) -> Json:
    """Take a date, a time or milliseconds; a time without a zone is UTC."""
    if not isinstance(value, str):
        return value
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date or a time, e.g. 2026-11-24 or 2026-11-24T15:00Z") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(found.timestamp() * 1000)


Time = Annotated[Int, BeforeValidator(_ms), Field(ge=0)]
Count = Annotated[Int, Field(ge=0)]
Nonnegative = Annotated[Number, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[Number, Field(allow_inf_nan=False)]


class _Figures(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class ArmFigures(_Figures):
    """What the page shows of one metric in one variation."""

    conversions: Count | None = None
    units: Count | None = None
    total: Finite | None = None
    mean: Finite | None = None
    sd: Nonnegative | None = None
    posterior_mean: Finite | None = None
    interval: tuple[Finite, Finite] | None = None


class FiguresFile(_Figures):
    """The whole file."""

    experiment: str
    iteration: Int = 1
    as_of: Time | None = None
    started: Time | None = None
    exposures: dict[str, Count]
    crossover: dict[str, Count] = Field(default_factory=dict)
    never_seen: list[str] = Field(default_factory=list)
    metrics: dict[str, dict[str, ArmFigures]]


def parsed(found: Json) -> FiguresFile:
    """Return the plain data of a file as one. Raises FiguresError."""
    try:
        return FiguresFile.model_validate(found)
    except ValidationError as err:
        raise FiguresError(tuple(dict.fromkeys(_told(err)))) from None


def _told(error: ValidationError) -> Iterator[Problem]:
    for found in error.errors(include_url=False, include_context=False):
        words = found["msg"].removeprefix("Value error, ")
        if found["type"] == "missing":
            words = f"`{found['loc'][-1]}` is missing"
        elif found["input"] is None:
            words = "is empty"
        elif found["type"] in ("model_type", "dict_type"):
            words = "must be a map: names, each with its value"
        elif found["type"] in ("int_type", "float_type"):
            words = f"must be a number without separators or units, not {found['input']!r}"
        where = [step for step in found["loc"] if step not in ("int", "float")]
        yield Problem(words, tuple(where))
