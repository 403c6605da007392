"""Clauses in the form that SDKs read (protocol notes 2.2)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.kinds.clause import SEGMENT_MATCH


def compile_clause(clause: Mapping[str, Json]) -> dict[str, Json]:
    """Return a clause with all its fields; ids drop here.

    A `segmentMatch` has an empty attribute, which must be there all the same (protocol notes 2.1).
    """
    op = clause["op"]
    return {
        "contextKind": clause.get("contextKind") or "user",
        "attribute": "" if op == SEGMENT_MATCH else clause.get("attribute") or "",
        "op": op,
        "values": list(clause.get("values") or ()),
        "negate": bool(clause.get("negate")),
    }
