"""pydantic's errors in words that tell what to write instead."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ldconf.core.resource import Json
from ldconf.documents.load_problems import suggestion
from ldconf.documents.yaml import Path, quoted

Written: TypeAlias = Callable[[Path], str | None]  # a scalar as it stands in the file


@dataclass(frozen=True)
class Flaw:
    """What is wrong at `path`; `at_key` if the key is to blame rather than the value."""

    path: Path
    summary: str
    rule: str
    hint: str | None = None
    at_key: bool = False


_TYPES: Mapping[str, str] = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "null",
}
_WORDS = {"None": "null", "True": "true", "False": "false"}
_LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


def flaws(
    model: type[BaseModel],
    error: ValidationError,
    value: Json,
    written: Written,
    also: Sequence[str] = (),
) -> Iterator[Flaw]:
    """Yield one flaw per place, in the order of pydantic.

    `value` is what was validated; `also` are keys that may stand beside the model's own.
    """
    by_path: dict[Path, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        by_path.setdefault(_real_path(details["loc"], value, details["type"]), []).append(details)
    for path, found in by_path.items():
        others = [other for other in by_path if other[: len(path)] == path and other != path]
        is_shadowed = any(_is_below(by_path[other], path, other) for other in others)
        mismatches = [details for details in found if _expected(details)]
        rest = [details for details in found if not _expected(details)]
        if mismatches and not rest and not is_shadowed:
            yield _mismatch(path, mismatches, written)
        for details in rest[:1] if len(found) > 1 else rest:
            later = _comes_later(model, path, details)
            yield later or _explain(path, details, value, _allowed(model, path, also))


def _comes_later(model: type[BaseModel], path: Path, details: ErrorDetails) -> Flaw | None:
    """Return the flaw of a key that a kind knows of and does not take yet (`later`)."""
    words: Mapping[str, str] = getattr(model, "later", {})
    if details["type"] != "extra_forbidden" or len(path) != 1 or path[0] not in words:
        return None
    summary = f"{words[str(path[0])]} are not supported yet by this version"
    return Flaw(path, summary, "unsupported-key", at_key=True)


def _allowed(model: type[BaseModel], path: Path, also: Sequence[str]) -> list[str]:
    return sorted(allowed_keys(model, path[:-1]).union(() if path[:-1] else also))


def _is_below(errors: Sequence[ErrorDetails], path: Path, other: Path) -> bool:
    """True if the errors at `other` come from inside the value at `path`, not from a union."""
    return len(other) > len(path) and bool(errors)


def _real_path(loc: tuple[int | str, ...], value: Json, kind: str) -> Path:
    """Return the part of pydantic's location that exists in the document.

    Names of union members and validators stand in between; a missing key stands at the end.
    """
    path: list[str | int] = []
    at = value
    last = len(loc) - 1
    for index, step in enumerate(loc):
        is_there = (
            step in at
            if isinstance(at, Mapping)
            else isinstance(at, list) and isinstance(step, int) and 0 <= step < len(at)
        )
        if is_there:
            path.append(step)
            at = at[step]
        elif kind == "missing" and index == last and isinstance(at, Mapping):
            path.append(step)
    return tuple(path)


def _expected(details: ErrorDetails) -> str | None:
    """Return the words for the type that a value should have had, for errors of type."""
    if details["type"] == "literal_error":
        return " or ".join(quoted(choice) for choice in _choices(details))
    return _TYPES.get(details["type"])


def _choices(details: ErrorDetails) -> list[str]:
    expected = str(details.get("ctx", {}).get("expected", ""))
    return re.findall(r"'([^']*)'", expected) or [expected]


def _mismatch(path: Path, found: Sequence[ErrorDetails], written: Written) -> Flaw:
    value = found[0]["input"]
    name = spelt(path)
    if len(found) == 1 and found[0]["type"] == "literal_error":
        choices = _choices(found[0])
        if isinstance(value, str):
            summary = f"{name} cannot be {shown(value)}"
            return Flaw(path, summary, "wrong-value", suggestion(value, choices))
        listed = f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
        return Flaw(path, f"{name} must be {listed}, not {shown(value)}", "wrong-type")
    expected = list(dict.fromkeys(words for words in map(_expected, found) if words))
    if "a number" in expected and "a whole number" in expected:
        expected.remove("a whole number")
    listed = " or ".join(expected)
    if value is None:
        return Flaw(path, f"{name} cannot be null", "wrong-type", f"leave it out or write {listed}")
    hint: str | None = None
    if "text" in expected and isinstance(value, bool | int | float):
        hint = f"write {quoted(written(path) or str(value))}"
    return Flaw(path, f"{name} must be {listed}, not {shown(value)}", "wrong-type", hint)


def _explain(path: Path, details: ErrorDetails, value: Json, allowed: Sequence[str]) -> Flaw:
    kind, context = details["type"], details.get("ctx", {})
    name, given = spelt(path), details["input"]
    if kind == "extra_forbidden":
        unknown = f"unknown key `{path[-1]}`" + (f" in {spelt(path[:-1])}" if path[:-1] else "")
        return Flaw(path, unknown, "unknown-key", suggestion(str(path[-1]), allowed), at_key=True)
    if kind == "missing":
        inside = f" in {spelt(path[:-1])}" if path[:-1] else ""
        return Flaw(path[:-1], f"`{path[-1]}` is missing{inside}", "missing-key", at_key=True)
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        summary = f"{name} must be {words} {context.get(limit):g}, not {given}"
        return Flaw(path, summary, "wrong-value")
    if kind in ("string_too_short", "too_short"):
        return Flaw(path, _too_short(name, given, context), "wrong-value")
    if kind in ("string_too_long", "too_long"):
        limit = str(context.get("max_length"))
        unit = "characters" if kind == "string_too_long" else "entries"
        return Flaw(path, f"{name} has more than {limit} {unit}", "wrong-value")
    if kind == "string_pattern_mismatch":
        hint = f"it must match {context.get('pattern')}"
        return Flaw(path, f"{name} cannot be {shown(given)}", "wrong-value", hint)
    if kind == "rollout_weights":
        return replace(_said_by_a_model(path, details["msg"], value), rule="rollout-weights")
    if kind in ("value_error", "assertion_error"):
        return _said_by_a_model(path, str(context.get("error")), value)
    if given is None:
        return Flaw(path, f"{name} cannot be null: it {details['msg']}", "wrong-type")
    if kind.endswith("_form"):  # a choice between forms, in the kind's own words
        summary = f"{name} {details['msg']}, not {shown(given)}"
        return Flaw(path, summary, "wrong-type")
    return Flaw(path, f"{name}: {details['msg'][:1].lower()}{details['msg'][1:]}", "wrong-value")


def _too_short(name: str, given: Json, context: Mapping[str, Any]) -> str:
    least = context.get("min_length")
    if least == 1 and not isinstance(given, str):
        return f"{name} needs at least one entry"
    if least == 1:
        return f"{name} must not be empty"
    return f"{name} needs at least {least} {'characters' if isinstance(given, str) else 'entries'}"


def _said_by_a_model(path: Path, words: str, value: Json) -> Flaw:
    """Place a validator's message: at the value it quotes or the key it names, if that is there."""
    at = value
    for step in path:
        at = at[step]
    words = re.sub(r"\bnot (None|True|False)$", lambda match: f"not {_WORDS[match[1]]}", words)
    near = {step for step in path if isinstance(step, str)} | set(at if _is_map(at) else ())
    if path and near.isdisjoint(re.findall(r"`([A-Za-z_]+)", words)):
        words = f"{spelt(path)}: {words}"
    for quoted_text in re.findall(r"'([^']+)'", words):
        found = _last_equal(at, quoted_text)
        if found is not None:
            return Flaw((*path, *found), words, "wrong-value")
    if isinstance(at, Mapping):
        for name in re.findall(r"`([A-Za-z_]+)", words):
            if name in at:
                return Flaw((*path, name), words, "wrong-value")
        return Flaw(path, words, "wrong-value", at_key=not path)
    return Flaw(path, words, "wrong-value")


def _last_equal(value: Json, text: str) -> Path | None:
    """Return the path of the last scalar that is this text: of two equal ones, the second."""
    children: list[tuple[str | int, Json]] = []
    if isinstance(value, Mapping):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    elif value == text:
        return ()
    for step, inner in reversed(children):
        found = _last_equal(inner, text)
        if found is not None:
            return (step, *found)
    return None


def _is_map(value: Json) -> bool:
    return isinstance(value, Mapping)


def spelt(path: Path) -> str:
    """Return a path as people write it: `rules[0].clauses[1].op`, in backticks."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return f"`{text}`" if text else "the entry"


def shown(value: Json) -> str:
    """Return a wrong value for a message: scalars as JSON (long texts cut), others by type."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quoted(value if len(value) <= 40 else value[:37] + "...")
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def allowed_keys(model: type[BaseModel], path: Path) -> set[str]:
    """Return the keys that a document may write in the mapping at `path`."""
    found: list[Any] = [model]
    for step in path:
        found = [inner for annotation in found for inner in _inside(annotation, step)]
    keys: set[str] = set()
    for annotation in found:
        for part in _members(annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                keys |= {field.alias or name for name, field in part.model_fields.items()}
    return keys


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    """Yield the annotations of what stands below one step."""
    for part in _members(annotation):
        arguments = get_args(part)
        if isinstance(part, type) and issubclass(part, BaseModel):
            for name, field in part.model_fields.items():
                if (field.alias or name) == step:
                    yield field.annotation
        elif isinstance(step, int) and len(arguments) >= 1 and get_origin(part) in (list, tuple):
            yield arguments[0]
        elif len(arguments) == 2:
            yield arguments[1]


def _members(annotation: Any) -> Iterator[Any]:
    """Yield the members of unions, with `Annotated` taken off."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation
