"""Secrets that LaunchDarkly puts into its answers: dropped before anybody sees them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ldconf.core.resource import Json

# Names in environment payloads (reference 2.2). A tool's schema may have a property of the same
# name, so only mappings that are environments lose them: a diff must see the real schema.
SECRET_NAMES = frozenset({"apiKey", "mobileKey"})
# Without any of these in its text an answer holds no such name: a letter may stand escaped.
_SUSPECT = (*(name.encode() for name in sorted(SECRET_NAMES)), rb"\u00")
_SDK_KEY = re.compile(r"(sdk|mob)-[0-9A-Za-z-]{8,}")
_ENVIRONMENT_PATH = re.compile(r"/projects/[^/]+(/environments(/[^/]+)?)?|/approval-requests(/.*)?")


def without_secrets(payload: Json, path: str, text: bytes) -> Json:
    """Return the payload without SDK and mobile keys. `path` starts after `/api/v2`, `text` is the
    JSON that the payload was read from.

    In answers about projects, environments and approvals the names are dropped at any depth and
    so is every value that looks like such a key; in all others only from environment mappings.
    """
    environment = _ENVIRONMENT_PATH.fullmatch(path.partition("?")[0]) is not None
    if not environment and not any(part in text for part in _SUSPECT):
        return payload
    return _clean(payload, environment)


def _clean(value: Json, environment: bool) -> Json:
    if isinstance(value, Mapping):
        inside = environment or _is_environment(value)
        return {
            name: _clean(inner, inside)
            for name, inner in value.items()
            if not (inside and (name in SECRET_NAMES or _is_sdk_key(inner)))
        }
    if isinstance(value, list):
        return [
            _clean(inner, environment)
            for inner in value
            if not (environment and _is_sdk_key(inner))
        ]
    return value


def _is_environment(value: Mapping[str, Json]) -> bool:
    """True for an environment that was expanded into another answer."""
    return "_id" in value and any(isinstance(value.get(name), str) for name in SECRET_NAMES)


def _is_sdk_key(value: Json) -> bool:
    return isinstance(value, str) and _SDK_KEY.fullmatch(value) is not None
