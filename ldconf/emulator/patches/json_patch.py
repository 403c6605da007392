"""JSON patch (RFC 6902) and JSON merge patch (RFC 7396) as the API applies them (reference 1.3)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json, same
from ldconf.emulator.http import Call, Refusal, bad_request


def patch_of(call: Call) -> tuple[Json, str]:
    """Return the operations of a JSON patch body, and its comment.

    Accepted: the bare array, and `{"comment", "patch": [...]}` (reference 1.3).
    """
    body = call.body
    if isinstance(body, dict) and isinstance(body.get("patch"), list):
        comment = body.get("comment")
        return body["patch"], comment if isinstance(comment, str) else ""
    return body, ""


def apply_json_patch(document: Mapping[str, Json], operations: Json) -> dict[str, Json]:
    """Return the patched document. 400 `invalid_patch` for a bad operation, 409 for a failed `test`
    [INF on the status]. A `replace` of an absent top-level member adds it, as the provider relies
    on (reference 10.3); a `remove` of an absent path is refused (Q27)."""
    if not isinstance(operations, list):
        raise _invalid("the body must be an array of operations")
    root = copy.deepcopy(dict(document))
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise _invalid("each operation needs `op` and `path`")
        _apply(root, operation)
    return root


def merge_patch(document: Json, patch: Json) -> Json:
    """Return the document after a merge patch."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _invalid(message: str) -> Refusal:
    return bad_request(message, code="invalid_patch")


def _pointer(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise _invalid(f"path {path!r} must start with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _apply(root: dict[str, Json], operation: Mapping[str, Json]) -> None:
    op, path = operation.get("op"), operation["path"]
    pointer = _pointer(path)
    if op == "test":
        if not same(_get(root, pointer, path), operation.get("value")):
            raise Refusal(409, "optimistic_locking_error", f"test of {path} failed")
        return
    if op in ("move", "copy"):
        source = operation.get("from")
        if not isinstance(source, str):
            raise _invalid(f"{op} needs `from`")
        value = copy.deepcopy(_get(root, _pointer(source), source))
        if op == "move":
            _change(root, _pointer(source), source, "remove", None)
        _change(root, pointer, path, "add", value)
        return
    if op not in ("add", "remove", "replace"):
        raise _invalid(f"unknown operation {op!r}")
    if op != "remove" and "value" not in operation:
        raise _invalid(f"{op} of {path} needs a value")
    _change(root, pointer, path, op, copy.deepcopy(operation.get("value")))


def _get(node: Json, pointer: Sequence[str], path: str) -> Json:
    for part in pointer:
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list):
            node = node[_index(node, part, path)]
        else:
            raise _invalid(f"path {path} does not exist")
    return node


def _change(root: Json, pointer: Sequence[str], path: str, op: str, value: Json) -> None:
    if not pointer:
        raise _invalid("the root cannot be changed")
    parent, last = _get(root, pointer[:-1], path), pointer[-1]
    if isinstance(parent, dict):
        absent = last not in parent
        if absent and (op == "remove" or (op == "replace" and len(pointer) > 1)):
            raise _invalid(f"path {path} does not exist")
        if op == "remove":
            del parent[last]
        else:
            parent[last] = value
    elif isinstance(parent, list):
        if op == "add":
            parent.insert(len(parent) if last == "-" else _index(parent, last, path, 1), value)
        elif op == "remove":
            del parent[_index(parent, last, path)]
        else:
            parent[_index(parent, last, path)] = value
    else:
        raise _invalid(f"path {path} does not exist")


def _index(parent: Sequence[Json], part: str, path: str, beyond: int = 0) -> int:
    if not part.isdecimal() or int(part) >= len(parent) + beyond:
        raise _invalid(f"path {path} does not exist")
    return int(part)
