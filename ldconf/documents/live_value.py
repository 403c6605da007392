"""Live objects in the words of files: values as a person would write them."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json, Resource
from ldconf.kinds.segment import Segment

CLAUSE_DEFAULTS: Mapping[str, Json] = {"contextKind": "user", "negate": False}


def document_of(resource: Resource) -> dict[str, Json]:
    """Return the fields that are not empty, without what goes without saying."""
    found = resource.document()
    if isinstance(resource, Segment) and found.get("rules"):
        found["rules"] = [_plain_rule(rule) for rule in found["rules"]]
    return found


def _plain_rule(rule: Mapping[str, Json]) -> dict[str, Json]:
    clauses = [
        {
            name: value
            for name, value in clause.items()
            if name not in CLAUSE_DEFAULTS or value != CLAUSE_DEFAULTS[name]
        }
        for clause in rule["clauses"]
    ]
    return {**rule, "clauses": clauses}
