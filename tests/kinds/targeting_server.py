"""A little server of one targeting document: the documented semantics of semantic patches.

Written from the list of instructions (reference 5.4) and apart from the code under test: it knows
indexes and ids, none of ldconf's canonical forms. Anything undocumented is an error.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json

CLAUSE_FIELDS = {"contextKind", "attribute", "op", "negate", "values"}
SERVE_FIELDS = {"variationId", "rolloutWeights", "rolloutBucketBy", "rolloutContextKind"}

# Methods and arguments are named as the instructions and their fields are.
# ruff: noqa: N802, N803


class Refused(Exception):
    """The server's 400."""


class TargetingServer:
    """Holds a document; `patch` is all or nothing."""

    def __init__(self, document: Json) -> None:
        self.document = copy.deepcopy(document)
        self._numbers = itertools.count(1)

    def patch(self, environment: str, instructions: Sequence[Json]) -> None:
        """Apply instructions one after the other, or none of them."""
        block = copy.deepcopy(self.document["environments"][environment])
        for instruction in instructions:
            fields = copy.deepcopy(dict(instruction))
            method = getattr(self, "_" + fields.pop("kind"))
            method(block, **fields)
        for rule in block["rules"]:
            if not rule["clauses"]:
                raise Refused("a rule without clauses")
        block["_version"] += 1
        self.document["environments"][environment] = block

    # Rules

    def _addRule(self, block: Json, clauses: Json, beforeRuleId: str = "", **serve: Json) -> None:
        rule = self._new_rule(clauses, serve)
        at = self._index(block, beforeRuleId) if beforeRuleId else len(block["rules"])
        block["rules"].insert(at, rule)

    def _removeRule(self, block: Json, ruleId: str) -> None:
        block["rules"] = [rule for rule in block["rules"] if rule["_id"] != ruleId]

    def _replaceRules(self, block: Json, rules: Json) -> None:
        block["rules"] = []
        for rule in rules:
            fields = dict(rule)
            description = fields.pop("description", None)
            made = self._new_rule(fields.pop("clauses"), fields)
            if description:
                made["description"] = description
            block["rules"].append(made)

    def _reorderRules(self, block: Json, ruleIds: Json) -> None:
        by_id = {rule["_id"]: rule for rule in block["rules"]}
        if sorted(by_id) != sorted(ruleIds):
            raise Refused("not exactly the current rules")
        block["rules"] = [by_id[one] for one in ruleIds]

    def _updateRuleDescription(self, block: Json, ruleId: str, description: str) -> None:
        self._rule(block, ruleId)["description"] = description

    def _updateRuleVariationOrRollout(self, block: Json, ruleId: str, **serve: Json) -> None:
        rule = self._rule(block, ruleId)
        rule.pop("variation", None)
        rule.pop("rollout", None)
        rule |= self._served(serve)

    # Clauses

    def _addClauses(self, block: Json, ruleId: str, clauses: Json) -> None:
        self._rule(block, ruleId)["clauses"] += map(self._new_clause, clauses)

    def _removeClauses(self, block: Json, ruleId: str, clauseIds: Json) -> None:
        rule = self._rule(block, ruleId)
        for one in clauseIds:
            self._clause(rule, one)
        rule["clauses"] = [clause for clause in rule["clauses"] if clause["_id"] not in clauseIds]

    def _updateClause(self, block: Json, ruleId: str, clauseId: str, clause: Json) -> None:
        found = self._clause(self._rule(block, ruleId), clauseId)
        found |= {**self._new_clause(clause), "_id": clauseId}

    def _addValuesToClause(self, block: Json, ruleId: str, clauseId: str, values: Json) -> None:
        clause = self._clause(self._rule(block, ruleId), clauseId)
        if not all(isinstance(value, str) for value in values):
            raise Refused("values are texts")
        clause["values"] += [value for value in values if value not in clause["values"]]

    def _removeValuesFromClause(
        self,
        block: Json,
        ruleId: str,
        clauseId: str,
        values: Json,
    ) -> None:
        clause = self._clause(self._rule(block, ruleId), clauseId)
        if not all(isinstance(value, str) for value in values):
            raise Refused("values are texts")
        clause["values"] = [value for value in clause["values"] if value not in values]
        if not clause["values"]:
            raise Refused("a clause without values")

    # Targets

    def _addTargets(
        self,
        block: Json,
        variationId: str,
        values: Json,
        contextKind: str = "user",
    ) -> None:
        variation = self._variation(variationId)
        for target in self._targets(block):
            others = target["contextKind"] == contextKind and target["variation"] != variation
            if others and set(target["values"]) & set(values):
                raise Refused("already targeted by another variation")
        self._slot(block, variation, contextKind)["values"] += values

    def _removeTargets(
        self,
        block: Json,
        variationId: str,
        values: Json,
        contextKind: str = "user",
    ) -> None:
        slot = self._slot(block, self._variation(variationId), contextKind)
        slot["values"] = [value for value in slot["values"] if value not in values]

    def _replaceTargets(self, block: Json, targets: Json) -> None:
        block["targets"], block["contextTargets"] = [], []
        for target in targets:
            self._addTargets(block, **target)

    def _clearTargets(self, block: Json, variationId: str) -> None:
        variation = self._variation(variationId)
        for name in ("targets", "contextTargets"):
            block[name] = [target for target in block[name] if target["variation"] != variation]

    # Fallthrough

    def _updateFallthroughVariationOrRollout(self, block: Json, **serve: Json) -> None:
        block["fallthrough"] = self._served(serve)

    # Pieces

    def _new_rule(self, clauses: Json, serve: Mapping[str, Json]) -> dict[str, Json]:
        made = [self._new_clause(clause) for clause in clauses]
        return {"_id": self._id("rule"), "clauses": made, **self._served(serve)}

    def _new_clause(self, clause: Json) -> dict[str, Json]:
        if set(clause) != CLAUSE_FIELDS or not clause["values"]:
            raise Refused(f"not a clause: {clause}")
        return {"_id": self._id("clause"), **copy.deepcopy(clause)}

    def _served(self, serve: Mapping[str, Json]) -> dict[str, Json]:
        if set(serve) - SERVE_FIELDS or ("variationId" in serve) == ("rolloutWeights" in serve):
            raise Refused(f"serves nothing: {serve}")
        if "variationId" in serve:
            return {"variation": self._variation(serve["variationId"])}
        weights = serve["rolloutWeights"]
        if sum(weights.values()) != 100_000 or not all(
            type(one) is int for one in weights.values()
        ):
            raise Refused(f"weights: {weights}")
        arms = [{"variation": self._variation(one), "weight": weights[one]} for one in weights]
        kind, by = serve.get("rolloutContextKind", "user"), serve.get("rolloutBucketBy")
        return {"rollout": {"variations": arms, "contextKind": kind, "bucketBy": by, "seed": 7}}

    def _variation(self, variation_id: str) -> int:
        ids = [variation["_id"] for variation in self.document["variations"]]
        if variation_id not in ids:
            raise Refused(f"no variation {variation_id}")
        return ids.index(variation_id)

    def _targets(self, block: Json) -> list[Json]:
        return [*block["targets"], *block["contextTargets"]]

    def _slot(self, block: Json, variation: int, kind: str) -> Json:
        for target in self._targets(block):
            if (target["variation"], target["contextKind"]) == (variation, kind):
                return target
        made: Json = {"variation": variation, "contextKind": kind, "values": []}
        block["targets" if kind == "user" else "contextTargets"].append(made)
        return made

    def _index(self, block: Json, rule_id: str) -> int:
        ids = [rule["_id"] for rule in block["rules"]]
        if rule_id not in ids:
            raise Refused(f"no rule {rule_id}")
        return ids.index(rule_id)

    def _rule(self, block: Json, rule_id: str) -> Json:
        return block["rules"][self._index(block, rule_id)]

    def _clause(self, rule: Json, clause_id: str) -> Json:
        found = [clause for clause in rule["clauses"] if clause["_id"] == clause_id]
        if not found:
            raise Refused(f"no clause {clause_id}")
        return found[0]

    def _id(self, word: str) -> str:
        return f"{word}-new-{next(self._numbers)}"


def document(environments: Mapping[str, Json], keys: Sequence[str] = ()) -> dict[str, Json]:
    """Return a targeting document with `disabled` in the middle of these variations."""
    named = [*keys[:1], "disabled", *keys[1:]]
    return {
        "key": "bot",
        "name": "Bot",
        "tags": [],
        "createdAt": 1,
        "_version": 1,
        "variations": [_entry(key) for key in named],
        "experiments": {"baselineIdx": 0, "items": []},
        "environments": dict(environments),
    }


def block(**fields: Json) -> dict[str, Json]:
    """Return the block of an environment, as new unless told otherwise."""
    born = {
        "enabled": True,
        "offVariation": 0,
        "fallthrough": {"variation": 1},
        "targets": [],
        "contextTargets": [],
        "rules": [],
        "trackEvents": False,
        "trackEventsFallthrough": False,
        "lastModified": 1,
        "_environmentName": "Test",
        "_version": 1,
    }
    return {**born, **fields}


def _entry(key: str) -> dict[str, Json]:
    if key == "disabled":
        return {"_id": "id-disabled", "name": "disabled", "value": {"_ldMeta": {"enabled": False}}}
    about = {"enabled": True, "variationKey": key, "version": 1}
    return {"_id": f"id-{key}", "name": f"Name of {key}", "value": {"_ldMeta": about}}
