"""Clauses and rules: what targeting and segments have in common (reference 5.4, 15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.http import bad_request

OPERATORS = frozenset(
    {
        *("in", "endsWith", "startsWith", "matches", "contains", "segmentMatch"),
        *("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"),
        *("before", "after", "semVerEqual", "semVerLessThan", "semVerGreaterThan"),
    }
)
CLAUSE: Mapping[str, fields.Check] = {
    "contextKind": fields.text,
    "attribute": fields.text,
    "op": fields.text,
    "negate": fields.flag,
}
NewId = Callable[[], str]


def new_clause(clause: Json, new_id: NewId) -> dict[str, Json]:
    """Return a clause with defaults and an id; 400 if it is none."""
    body = fields.pick(clause, CLAUSE, required=("op",))
    if body["op"] not in OPERATORS:
        raise bad_request(f"unknown operator {body['op']!r}")
    values = clause.get("values")
    if not isinstance(values, list) or not values:
        raise bad_request("a clause needs a list of values")
    if not body.get("attribute") and body["op"] != "segmentMatch":
        raise bad_request("a clause needs an attribute")
    return {
        "_id": new_id(),
        "contextKind": body.get("contextKind", "user"),
        "attribute": body.get("attribute", "segmentMatch"),
        "op": body["op"],
        "negate": body.get("negate", False),
        "values": values,
    }


def new_clauses(clauses: Json, new_id: NewId) -> list[dict[str, Json]]:
    """Return all clauses of a body with ids."""
    if not fields.mappings(clauses):
        raise bad_request("clauses must be a list of objects")
    return [new_clause(clause, new_id) for clause in clauses]


class Rules:
    """The rules of one targeting environment or segment, changed in place by instructions."""

    def __init__(self, rules: list[Json], new_id: NewId) -> None:
        self.rules = rules
        self.new_id = new_id

    def find(self, instruction: Mapping[str, Json]) -> dict[str, Json]:
        """Return the rule that `ruleId` names; 400 if there is none."""
        wanted = instruction.get("ruleId")
        for rule in self.rules:
            if rule["_id"] == wanted:
                found: dict[str, Json] = rule
                return found
        raise bad_request(f"unknown ruleId {wanted!r}")

    def add(self, rule: dict[str, Json], before: Json = None) -> None:
        """Append a rule, or put it before the rule with id `before`."""
        if before is None:
            self.rules.append(rule)
            return
        position = self.rules.index(self.find({"ruleId": before}))
        self.rules.insert(position, rule)

    def remove(self, instruction: Mapping[str, Json]) -> None:
        """Remove a rule; nothing happens if it is absent."""
        self.rules[:] = [rule for rule in self.rules if rule["_id"] != instruction.get("ruleId")]

    def reorder(self, instruction: Mapping[str, Json]) -> None:
        """Bring the rules into the order of `ruleIds`, which must be exactly the present ones."""
        wanted: Json = instruction.get("ruleIds")
        by_id = {rule["_id"]: rule for rule in self.rules}
        if not fields.texts(wanted) or sorted(wanted) != sorted(by_id):
            raise bad_request("ruleIds must be exactly the ids of the present rules")
        self.rules[:] = [by_id[rule_id] for rule_id in wanted]

    def describe(self, instruction: Mapping[str, Json]) -> None:
        """Set a rule's description."""
        description = instruction.get("description")
        if not isinstance(description, str):
            raise bad_request("description must be a string")
        self.find(instruction)["description"] = description

    def add_clauses(self, instruction: Mapping[str, Json]) -> None:
        """Add clauses to a rule."""
        clauses = new_clauses(instruction.get("clauses"), self.new_id)
        self.find(instruction)["clauses"].extend(clauses)

    def remove_clauses(self, instruction: Mapping[str, Json]) -> None:
        """Remove clauses from a rule by id."""
        rule = self.find(instruction)
        ids: Json = instruction.get("clauseIds")
        known = {clause["_id"] for clause in rule["clauses"]}
        if not fields.texts(ids) or not set(ids) <= known:
            raise bad_request("clauseIds must be ids of the rule's clauses")
        rule["clauses"] = [clause for clause in rule["clauses"] if clause["_id"] not in ids]

    def update_clause(self, instruction: Mapping[str, Json]) -> None:
        """Replace a clause whole; its id stays."""
        found = self._clause(instruction)
        fresh = new_clause(instruction.get("clause"), self.new_id)
        found.update({**fresh, "_id": found["_id"]})

    def add_values(self, instruction: Mapping[str, Json]) -> None:
        """Add values that a clause does not have yet."""
        found = self._clause(instruction)
        added = [value for value in texts_of(instruction) if value not in found["values"]]
        found["values"] = [*found["values"], *added]

    def remove_values(self, instruction: Mapping[str, Json]) -> None:
        """Remove values from a clause; absent ones are ignored."""
        found, gone = self._clause(instruction), texts_of(instruction)
        found["values"] = [value for value in found["values"] if value not in gone]

    def _clause(self, instruction: Mapping[str, Json]) -> dict[str, Json]:
        wanted = instruction.get("clauseId")
        for clause in self.find(instruction)["clauses"]:
            if clause["_id"] == wanted:
                found: dict[str, Json] = clause
                return found
        raise bad_request(f"unknown clauseId {wanted!r}")


SHARED: Mapping[str, Callable[[Rules, Mapping[str, Json]], None]] = {
    "removeRule": Rules.remove,
    "reorderRules": Rules.reorder,
    "updateRuleDescription": Rules.describe,
    "addClauses": Rules.add_clauses,
    "removeClauses": Rules.remove_clauses,
    "updateClause": Rules.update_clause,
    "addValuesToClause": Rules.add_values,
    "removeValuesFromClause": Rules.remove_values,
}


def texts_of(instruction: Mapping[str, Json]) -> Sequence[str]:
    """Return the `values` of an instruction, which must be texts."""
    values = instruction.get("values")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise bad_request("values must be a list of strings")
    return values


def context_kind(instruction: Mapping[str, Json]) -> str:
    """Return the context kind of an instruction, `user` unless given."""
    kind = instruction.get("contextKind") or "user"
    if not isinstance(kind, str):
        raise bad_request("contextKind must be a string")
    return kind


def instructions_of(body: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the instructions of a semantic patch; 400 if it has none."""
    found = body.get("instructions")
    if not fields.mappings(found) or not found:
        raise bad_request("instructions must be a non-empty list of objects")
    for instruction in found:
        if not isinstance(instruction.get("kind"), str):
            raise bad_request("each instruction needs a kind")
    listed: list[dict[str, Json]] = found
    return listed
