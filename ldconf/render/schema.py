"""The JSON Schema of `plan --format json`, made from the classes that it is written from."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ldconf.core.address import Address
from ldconf.core.resource import Json
from ldconf.render.json import FORMAT_VERSION, camel
from ldconf.render.rows import Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Mapping[Any, Mapping[str, Json]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Address: {"type": "string", "description": "An address: the YAML path of an object"},
    Any: {},
}


def plan_schema() -> dict[str, Json]:
    """Return the schema of a plan, and of a drift, as JSON.

    Fields may be added within a `formatVersion`; none is renamed, removed or given another meaning.
    """
    definitions: dict[str, Json] = {}
    report = members(Report, definitions)
    head = {
        "formatVersion": {"const": FORMAT_VERSION},
        "kind": {"enum": ["plan", "drift"]},
    }
    return {
        "$schema": DIALECT,
        "title": f"ldconf plan, format {FORMAT_VERSION}",
        **report,
        "properties": {**head, **report["properties"]},
        "required": [*head, *report["required"]],
        "$defs": dict(sorted(definitions.items())),
    }


def members(found: type, definitions: dict[str, Json]) -> dict[str, Json]:
    """Return the schema of a dataclass; the classes that it holds go into `definitions`."""
    hints = get_type_hints(found)
    fields = dataclasses.fields(found)
    properties = {camel(one.name): _of(hints[one.name], definitions) for one in fields}
    name = getattr(found, "type", None)
    if isinstance(name, str):
        properties = {"type": {"const": name}, **properties}
    return {
        "description": inspect.cleandoc(found.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _of(hint: Any, definitions: dict[str, Json]) -> dict[str, Json]:
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if Any in arguments:
            return {}
        return {"anyOf": [_of(one, definitions) for one in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if origin is not None and issubclass(origin, Sequence):
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}  # classes may hold each other
        definitions[hint.__name__] = members(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}
