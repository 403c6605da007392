"""Bodies: picks the known fields with their types. Unknown ones are ignored (reference 1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ldconf.core.resource import Json
from ldconf.emulator.http import bad_request

Check = Callable[[Json], bool]
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")


def text(value: Json) -> bool:
    """True for a text."""
    return isinstance(value, str)


def flag(value: Json) -> bool:
    """True for true and false."""
    return isinstance(value, bool)


def integer(value: Json) -> bool:
    """True for an integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: Json) -> bool:
    """True for a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def mapping(value: Json) -> bool:
    """True for a JSON object."""
    return isinstance(value, dict)


def texts(value: Json) -> bool:
    """True for a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def mappings(value: Json) -> bool:
    """True for a list of JSON objects."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


_NAMES: Mapping[Check, str] = {
    text: "a string",
    flag: "a boolean",
    integer: "an integer",
    number: "a number",
    mapping: "an object",
    texts: "a list of strings",
    mappings: "a list of objects",
}


def pick(
    body: Json, checks: Mapping[str, Check], required: tuple[str, ...] = ()
) -> dict[str, Json]:
    """Return the known fields of a body; 400 for a wrong type or a missing one.

    `null` counts as absent: the server decodes into optional fields, so only `""`, `[]` and `{}`
    clear (reference 3.3). [INF]
    """
    if not isinstance(body, dict):
        raise bad_request("the request body must be a JSON object")
    picked = {}
    for name, check in checks.items():
        value = body.get(name)
        if value is None:
            continue
        if not check(value):
            raise bad_request(f"{name} must be {_NAMES[check]}")
        picked[name] = value
    for name in required:
        if name not in picked or picked[name] == "":
            raise bad_request(f"{name} is required")
    return picked


def key_of(body: Mapping[str, Json]) -> str:
    """Return the `key` of a picked body; 400 if it is no key."""
    key: str = body["key"]
    if not KEY.fullmatch(key):
        raise bad_request(
            f"key {key!r} must start with a letter or digit and hold only letters, digits, "
            "'.', '_' and '-'"
        )
    return key


def sorted_tags(tags: Json) -> list[str]:
    """Return tags as the API keeps them: deduplicated and sorted (reference 2.1)."""
    return sorted(set(tags or ()))


def one_maintainer(body: Mapping[str, Json]) -> None:
    """400 if both maintainers are given (reference 3.2)."""
    if body.get("maintainerId") and body.get("maintainerTeamKey"):
        raise bad_request("maintainerId and maintainerTeamKey are mutually exclusive")


def set_maintainer(document: dict[str, Json], body: Mapping[str, Json]) -> None:
    """Move the maintainer of a body into a document. A member replaces a team and the other way
    round; an empty `maintainerId` removes the maintainer, whichever it is [C:ModelConfigPatch]."""
    one_maintainer(body)
    if "maintainerId" in body:
        document.update(maintainerId=body["maintainerId"], maintainerTeamKey="")
    if "maintainerTeamKey" in body:
        document["maintainerTeamKey"] = body["maintainerTeamKey"]
        if body["maintainerTeamKey"]:
            document["maintainerId"] = ""
