"""A report as JSON: the dataclasses field by field, camelCase, with a `formatVersion`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum

from ldconf.core.address import Address
from ldconf.core.resource import Json
from ldconf.render.escape import json_safe

FORMAT_VERSION = 1


def document(kind: str, found: Json) -> str:
    """Return a JSON document: `formatVersion`, `kind` and the members of a dataclass or map."""
    members = data(found)
    whole = {"formatVersion": FORMAT_VERSION, "kind": kind, **members}
    return json_safe(json.dumps(whole, indent=2, ensure_ascii=False)) + "\n"


def data(found: Json) -> Json:
    """Return dataclasses as maps (their class variable `type`, if any, first), enums as values."""
    if isinstance(found, Address):
        return str(found)
    if isinstance(found, Enum):
        return found.value
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        names = [member.name for member in dataclasses.fields(found)]
        type_name = getattr(found, "type", None)
        kind = {"type": type_name} if isinstance(type_name, str) else {}
        return kind | {camel(name): data(getattr(found, name)) for name in names}
    if isinstance(found, Mapping):
        return {str(key): data(value) for key, value in found.items()}
    if isinstance(found, list | tuple | frozenset):
        return [data(member) for member in found]
    return found


def camel(name: str) -> str:
    """Return the JSON name of an attribute."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
