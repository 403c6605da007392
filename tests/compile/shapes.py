"""Compiled flags without what differs between sources that mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def comparable(compiled: Mapping[str, Any], *, rules: bool = False) -> dict[str, Any]:
    """Return flags with variations by key, without versions and, unless `rules`, what the server
    makes and files cannot know: ids of rules and the seeds of experiments."""
    flags = {key: _flag(flag, rules) for key, flag in compiled["flags"].items()}
    segments = {key: _without(found, rules) for key, found in compiled["segments"].items()}
    return {"flags": flags, "segments": segments}


def shapes(value: Any) -> Any:
    """Return the names and types of an object, one level deep."""
    return {name: type(part).__name__ for name, part in value.items()}


def _flag(flag: Mapping[str, Any], rules: bool) -> dict[str, Any]:
    keys = [value["_ldMeta"].get("variationKey", "disabled") for value in flag["variations"]]
    named = _named(_without(flag, rules), keys)
    named = named if rules else _without_seeds(named)
    named["variations"] = {
        key: _without_version(value) for key, value in zip(keys, flag["variations"], strict=True)
    }
    named["offVariation"] = keys[flag["offVariation"]]
    return named


def _without_seeds(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_seeds(part) for part in value]
    if isinstance(value, dict):
        drawn = "seed" if value.get("kind") == "experiment" else None
        return {name: _without_seeds(part) for name, part in value.items() if name != drawn}
    return value


def _named(value: Any, keys: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(part, keys) for part in value]
    if isinstance(value, dict):
        return {
            name: keys[part] if name == "variation" else _named(part, keys)
            for name, part in value.items()
        }
    return value


def _without(found: Mapping[str, Any], rules: bool) -> dict[str, Any]:
    bare = {name: value for name, value in found.items() if name != "version"}
    if not rules:
        bare["rules"] = [{**rule, "id": ""} for rule in found["rules"]]
    return bare


def _without_version(value: Mapping[str, Any]) -> dict[str, Any]:
    versions = ("version", "modelVersion")
    meta = {name: part for name, part in value["_ldMeta"].items() if name not in versions}
    return {**value, "_ldMeta": meta}
