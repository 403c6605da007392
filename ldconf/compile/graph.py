"""Agent graphs: each is a flag of its own (protocol notes 3.8)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.compile.flag import bare_flag
from ldconf.compile.salt import salt
from ldconf.core.resource import Json

VARIATION = "default"  # graphs have no variations of their own


def compile_graph(
    project: str, environment: str, key: str, graph: Mapping[str, Json]
) -> dict[str, Json]:
    """Return the flag of a graph. One without a root is disabled."""
    root = graph.get("rootConfigKey")
    meta = {"enabled": bool(root), "variationKey": VARIATION, "version": graph.get("version") or 1}
    edges: dict[str, list[Json]] = {}
    for edge in graph.get("edges") or ():
        target = {"key": edge["targetConfig"], "handoff": edge.get("handoff") or {}}
        edges.setdefault(edge["sourceConfig"], []).append(target)
    value: dict[str, Json] = {"_ldMeta": meta, "edges": edges}
    if root:
        value["root"] = root
    disabled = {"_ldMeta": {"enabled": False}, "edges": {}}
    flag = bare_flag(key, [value, disabled])
    return {**flag, "salt": salt(project, environment, "flags", key), "offVariation": 1}
