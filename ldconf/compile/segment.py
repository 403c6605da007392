"""Segments in the form that SDKs read (protocol notes 2.6)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.compile.clause import compile_clause
from ldconf.compile.salt import salt
from ldconf.core.resource import Json
from ldconf.kinds.segment_members import MEMBERS


def compile_segment(
    project: str, environment: str, key: str, segment: Mapping[str, Json]
) -> dict[str, Json]:
    """Return a segment. A big segment (`unbounded`) is compiled without being one: SDKs would look
    for its members in a store that only LaunchDarkly fills."""
    compiled: dict[str, Json] = {"key": key, "version": segment.get("version") or 1}
    for plain, contexts in MEMBERS.items():
        compiled[plain] = list(segment.get(plain) or ())
        compiled[contexts] = [
            {"contextKind": entry.get("contextKind") or "user", "values": list(entry["values"])}
            for entry in segment.get(contexts) or ()
        ]
    compiled["rules"] = [
        _rule(f"{key}/{position}", rule) for position, rule in enumerate(segment.get("rules") or ())
    ]
    compiled["salt"] = salt(project, environment, "segments", key)
    compiled["deleted"] = False
    return compiled


def _rule(name: str, rule: Mapping[str, Json]) -> dict[str, Json]:
    """Return a rule. Without a weight it holds for everybody who matches."""
    compiled: dict[str, Json] = {
        "id": rule.get("_id") or name,
        "clauses": [compile_clause(clause) for clause in rule.get("clauses") or ()],
    }
    if rule.get("weight") is not None:
        compiled["weight"] = rule["weight"]
        compiled["bucketBy"] = rule.get("bucketBy") or "key"
        compiled["rolloutContextKind"] = rule.get("rolloutContextKind") or "user"
    return compiled
