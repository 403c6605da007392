"""JSON of a design and of counts, both ways: they travel between a command and the local server."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from pydantic import TypeAdapter, ValidationError

from ldconf.core.aggregates import Aggregates
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.resource import Json


def design_to_json(design: ExperimentDesign) -> Json:
    """Return a design as JSON; `design_from_json` is its inverse."""
    return _design().dump_python(design, mode="json")


def design_from_json(found: Json) -> ExperimentDesign:
    """Return the design that `design_to_json` wrote. Raises ValueError saying what is wrong."""
    try:
        return _design().validate_python(found)
    except ValidationError as err:
        raise ValueError(problems(err)) from None


def aggregates_to_json(looks: Sequence[Aggregates]) -> Json:
    """Return the counts of several looks as a JSON list; `aggregates_from_json` is its inverse."""
    return _looks().dump_python(tuple(looks), mode="json")


def aggregates_from_json(found: Json) -> tuple[Aggregates, ...]:
    """Return what `aggregates_to_json` wrote. Raises ValueError saying what is wrong."""
    try:
        return _looks().validate_python(found)
    except ValidationError as err:
        raise ValueError(problems(err)) from None


def problems(error: ValidationError) -> str:
    """Return the first three problems of a validation in one line, each with its path."""
    found = error.errors(include_url=False, include_input=False)
    words = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in found[:3]]
    rest = len(found) - 3
    return "; ".join(words) + (f"; and {rest} more" if rest > 0 else "")


@cache  # made when first needed: it takes longer than the rest of the import
def _design() -> TypeAdapter[ExperimentDesign]:
    return TypeAdapter(ExperimentDesign)


@cache
def _looks() -> TypeAdapter[tuple[Aggregates, ...]]:
    return TypeAdapter(tuple[Aggregates, ...])
