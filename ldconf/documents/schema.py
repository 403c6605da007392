"""The JSON Schema of documents and of `ldconf.yaml`, made from the same models that load them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ldconf.core.resource import Json, Resource
from ldconf.documents import extends
from ldconf.documents.files import SCHEMAS, TEXTS
from ldconf.documents.load_lists import ConsentDocument
from ldconf.documents.load_settings import KEY, NESTED, SECTIONS, SettingsDocument
from ldconf.documents.load_tests import TestDocument
from ldconf.documents.schema_rules import MODEL_CONFIG_KEY, add_keywords
from ldconf.kinds import KIND_BY_NAME, KINDS
from ldconf.kinds.ai_config import AIConfig
from ldconf.kinds.serve import DISABLED

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = "file"
_FILE_REFERENCE: dict[str, Json] = {
    "title": "File",
    "description": "The content of a file, relative to this document",
    "type": "object",
    "properties": {"file": {"type": "string", "minLength": 1, "description": "Path of the file"}},
    "required": ["file"],
    "additionalProperties": False,
}


def schema() -> dict[str, Json]:
    """Return one schema for both: a file that names a `project` is an `ldconf.yaml`."""
    definitions = _definitions()
    return {
        "$schema": DIALECT,
        "title": "ldconf",
        "description": "A document of an ldconf workspace, or its settings (ldconf.yaml)",
        "if": {"type": "object", "required": ["project"]},
        "then": {"$ref": _ref("SettingsDocument")},
        "else": {"$ref": _ref("Document")},
        "$defs": definitions,
    }


def settings_schema() -> dict[str, Json]:
    """Return the schema of `ldconf.yaml` alone."""
    return {"$schema": DIALECT, "$ref": _ref("SettingsDocument"), "$defs": _definitions()}


def document_schema() -> dict[str, Json]:
    """Return the schema of the other documents alone."""
    return {"$schema": DIALECT, "$ref": _ref("Document"), "$defs": _definitions()}


@cache
def _definitions() -> dict[str, Json]:
    models: list[type[BaseModel]] = [kind.model for kind in KINDS]
    models += [SettingsDocument, ConsentDocument, TestDocument]
    _, generated = models_json_schema(
        [(model, "validation") for model in models], by_alias=True, ref_template=_ref("{model}")
    )
    definitions: dict[str, Json] = generated["$defs"]
    for kind in KINDS:
        definition = definitions[kind.model.__name__]
        _as_fields(definition)
        _allow_files(definition)
        if kind.name in extends.RULES:
            _allow_extends(definition, kind.name)
    _or_file(definitions["Message"]["properties"], "content")
    judges = definitions["JudgeConfiguration"]["properties"]["judges"]
    definitions["JudgeConfiguration"]["properties"]["judges"] = _nullable(judges)
    _nest(definitions[AIConfig.__name__])
    _limit_numbers(definitions)
    _tighten_settings(definitions[SettingsDocument.__name__]["properties"])
    add_keywords(definitions)
    for definition in definitions.values():
        for name, field in definition.get("properties", {}).items():
            field["title"] = _title(name)
    definitions[FILE] = _FILE_REFERENCE
    definitions["Document"] = _document()
    return dict(sorted(definitions.items()))


def _document() -> dict[str, Json]:
    return {
        "title": "Document",
        "description": "Sections of all documents of a workspace are merged",
        "type": ["object", "null"],
        "properties": {**dict(_sections()), **_lists()},
        "additionalProperties": False,
    }


def _sections() -> Iterator[tuple[str, Json]]:
    for name in SECTIONS:
        model = KIND_BY_NAME[name].model
        entry: Json = {"$ref": _ref(model.__name__)}
        if name == "segments":
            entry = _map_of(model, "Per environment")
        yield (
            name,
            {
                "description": _summary(model),
                "type": ["object", "null"],
                "propertyNames": {"pattern": MODEL_CONFIG_KEY if name == "modelConfigs" else KEY},
                "additionalProperties": entry,
            },
        )


def _lists() -> dict[str, Json]:
    plain = [name for name in SECTIONS if name not in ("segments", "aiConfigs")]
    forms = (
        f"({'|'.join(plain)})/[^/]+",
        "segments/[^/]+/[^/]+",
        "aiConfigs/[^/]+(/variations/[^/]+)?",
    )
    addresses = {"type": "string", "pattern": f"^({'|'.join(forms)})$"}
    return {
        "removed": {
            "description": "Addresses of objects to delete; it acts once, the entry may stay",
            "type": ["array", "null"],
            "items": addresses,
        },
        "consents": {
            "description": "Written permissions that lift a guard once",
            "type": ["array", "null"],
            "items": {"$ref": _ref(ConsentDocument.__name__)},
        },
        "tests": {
            "description": "What contexts must get; run by `ldconf test`",
            "type": ["array", "null"],
            "items": {"$ref": _ref(TestDocument.__name__)},
        },
    }


def _nest(definition: dict[str, Json]) -> None:
    """Put variations and targeting into the AI Config."""
    texts = {"variations": "Variations by their key", "targeting": "Targeting per environment"}
    for name in NESTED:
        model = KIND_BY_NAME[name].model
        definition["properties"][name] = _map_of(model, texts[name])
    reserved = definition["properties"]["variations"]["propertyNames"]
    reserved["not"] = {"const": DISABLED}


def _map_of(model: type[Resource], description: str) -> dict[str, Json]:
    return {
        "description": description,
        "type": "object",
        "propertyNames": {"pattern": KEY},
        "additionalProperties": {"$ref": _ref(model.__name__)},
    }


def _as_fields(definition: dict[str, Json]) -> None:
    """Take the defaults away: a field of an object that is not written is not managed."""
    for field in definition["properties"].values():
        field.pop("default", None)


def _allow_files(definition: dict[str, Json]) -> None:
    for name in (*TEXTS, *SCHEMAS):
        if name in definition["properties"]:
            _or_file(definition["properties"], name)


def _or_file(properties: dict[str, Json], name: str) -> None:
    field = properties[name]
    outer = {key: field.pop(key) for key in ("title", "description") if key in field}
    options = field.pop("anyOf", None) or [field]
    properties[name] = {**outer, "anyOf": [*options, {"$ref": _ref(FILE)}]}


def _allow_extends(definition: dict[str, Json], kind: str) -> None:
    rules = extends.RULES[kind]
    inheritable = sorted(set(definition["properties"]) - rules.own)
    definition["properties"] |= {
        extends.EXTENDS: {
            "description": "Key of the entry beside this one whose fields are taken over",
            "type": "string",
        },
        extends.UNMANAGED: {
            "description": "Inherited fields that stay unmanaged here",
            "type": "array",
            "items": {"enum": inheritable},
            "uniqueItems": True,
        },
    }
    definition["dependentRequired"] = {extends.UNMANAGED: [extends.EXTENDS]}


_NUMBER = [{"type": "integer"}, {"type": "number"}]
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _limit_numbers(node: Json) -> None:
    """Spell the limits of `int | float` as JSON Schema does; pydantic writes them as `ge: 0`."""
    if isinstance(node, list):
        for inner in node:
            _limit_numbers(inner)
    elif isinstance(node, dict):
        limits = {_LIMITS[name]: node.pop(name) for name in _LIMITS if _is_limit(node, name)}
        if limits:
            del node["anyOf"]
            node |= {"type": "number", **limits}
        for inner in node.values():
            _limit_numbers(inner)


def _is_limit(node: dict[str, Json], name: str) -> bool:
    return node.get("anyOf") == _NUMBER and isinstance(node.get(name), int | float)


def _tighten_settings(properties: dict[str, Json]) -> None:
    """Write what the loader checks of settings with code."""
    properties["environments"]["uniqueItems"] = True
    properties["external"]["propertyNames"] = {"enum": list(SECTIONS)}
    loopback = r"localhost|127(\.\d{1,3}){3}|\[::1\]"
    properties["host"]["pattern"] = rf"^(https://[^/@?]+|http://({loopback})(:\d+)?)/?$"


def _nullable(field: Mapping[str, Json]) -> dict[str, Json]:
    """Allow null: inside a field that merges deeply it takes the inherited value away."""
    outer = {key: field[key] for key in ("title", "description") if key in field}
    inner = {key: value for key, value in field.items() if key not in outer}
    return {**outer, "anyOf": [inner, {"type": "null"}]}


def _title(name: str) -> str:
    """Return a field's name as words: `samplingRate` is `Sampling rate`."""
    words = re.sub(r"([A-Z])", lambda match: f" {match[1].lower()}", name)
    return words[:1].upper() + words[1:]


def _summary(model: type[Resource]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _ref(name: str) -> str:
    return f"#/$defs/{name}"
