"""Resources: what one address holds, validated once and compared as canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Strict, StrictFloat, StrictInt
from pydantic.alias_generators import to_camel

Json: TypeAlias = Any  # any JSON value: the one place where `Any` is spelt
Str = Annotated[str, Strict()]
Bool = Annotated[bool, Strict()]
Int = Annotated[int, Strict()]
Number: TypeAlias = StrictInt | StrictFloat

SHARED_CONFIG = ConfigDict(
    frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
)


class Part(BaseModel):
    """A nested value inside a resource (a clause, a rollout, a message)."""

    model_config = SHARED_CONFIG


class Resource(BaseModel):
    """One thing that the API can create, change and delete by itself.

    One model for YAML and API. Attributes are snake_case, wire names camelCase. A field that was
    not given is *unmanaged*: never compared, never sent. `None` means managed and cleared.
    The identity (`Address`) stands beside the resource, never inside it.
    """

    model_config = SHARED_CONFIG

    # Wire names of fields that cannot change after creation (a change is refused by the planner).
    immutable: ClassVar[frozenset[str]] = frozenset()
    # Wire names without which the object cannot be created (fields are otherwise all optional,
    # because a file may manage only part of an object that exists).
    required_to_create: ClassVar[frozenset[str]] = frozenset()
    # Wire names that may be `null` in a document (managed and cleared) are those typed `| None`.

    @property
    def managed_names(self) -> frozenset[str]:
        """Wire names of the fields that were given."""
        fields = type(self).model_fields
        return frozenset(fields[name].alias or name for name in self.model_fields_set)

    def managed(self) -> dict[str, Json]:
        """Return wire name -> canonical JSON value of every managed field.

        Two managed values are the same state exactly if these are equal (`same`). `None` =
        cleared; empty text, list and map become `None` unless the kind says otherwise. The result
        validates as the same model again: `type(r).model_validate(r.managed()).managed()` is equal.
        """
        dumped = self.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings="none")
        return {name: self.canonical(name, value) for name, value in dumped.items()}

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Return the canonical JSON of one field's value; kinds override for sets and defaults.

        Texts are compared after normalising line ends and the final newline (design section 2).
        """
        if isinstance(value, str):
            value = normalise_text(value)
        return None if value in ("", [], {}) else value

    def document(self) -> dict[str, Json]:
        """Return the field values as a person would write them in YAML (inverse of loading)."""
        return {name: value for name, value in self.managed().items() if value is not None}


def canonical_json(value: Json) -> str:
    """Return the one text of a JSON value: sorted keys, no spaces, UTF-8, 1.0 written as 1."""
    return json.dumps(
        _plain_numbers(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def same(before: Json, after: Json) -> bool:
    """True if two canonical values are the same JSON value (1 equals 1.0, True is not 1)."""
    if before is None or isinstance(before, str):
        return bool(before == after)  # most values are texts: no need to write them out
    return canonical_json(before) == canonical_json(after)


def sha256(text: str) -> str:
    """Return the hexadecimal SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def normalise_text(text: str) -> str:
    """Return a text with `\\n` line ends and without final newlines (design section 2).

    All of them, so that a normalised text that was sent and read back is normal already.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _plain_numbers(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_numbers(inner) for inner in value]
    return value


@dataclass(frozen=True)
class Observed:
    """A live resource as read from the API, with every field set, beside what only the API knows.

    `version` is the API's counter, if the kind has one. `omitted` names fields that the API did
    not return although the object may have them (reference 21 U14). `comment` is the comment of
    the highest version of a variation. `meta` holds kind-specific raw facts (documented in the
    kind's file); nothing in it is ever compared.
    """

    resource: Resource
    version: int | None = None
    omitted: frozenset[str] = frozenset()
    comment: str | None = None
    meta: Mapping[str, Json] = field(default_factory=dict)
