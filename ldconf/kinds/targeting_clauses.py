"""The cheapest edits that turn the clauses of a live rule into those of a file, ids kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

from ldconf.core.resource import Json, canonical_json, same

Instruction: TypeAlias = dict[str, Json]
Clause: TypeAlias = Mapping[str, Json]

REMOVAL, ADDITION, EDIT = 1, 2, 3  # relative costs; an edit never loses to removal and addition


def clause_edits(
    rule_id: str, live: Sequence[Clause], ids: Sequence[str | None], desired: Sequence[Clause]
) -> list[Instruction]:
    """Return instructions after which the rule has exactly the desired clauses, in their order.

    No instruction moves a clause, so live clauses are aligned with the desired ones in order: each
    is kept, edited or removed; the desired ones left over are added at the end. Additions precede
    removals: a rule without clauses matches everybody, and never is one, not even in between.
    """
    edits: list[Instruction] = []
    kept = _alignment(live, desired)
    for target, index in enumerate(kept):
        edits += _edit(rule_id, ids[index], live[index], desired[target])
    if added := desired[len(kept) :]:
        edits.append({"kind": "addClauses", "ruleId": rule_id, "clauses": list(added)})
    if removed := [ids[index] for index in range(len(live)) if index not in kept]:
        edits.append({"kind": "removeClauses", "ruleId": rule_id, "clauseIds": removed})
    return edits


def _alignment(live: Sequence[Clause], desired: Sequence[Clause]) -> tuple[int, ...]:
    """Return the live indexes that become desired[0], desired[1], ... at the least cost."""

    @cache
    def best(index: int, target: int) -> tuple[int, tuple[int, ...]]:
        if index == len(live):
            return ADDITION * (len(desired) - target), ()
        cost, kept = best(index + 1, target)
        removing = cost + REMOVAL, kept
        if target == len(desired):
            return removing
        cost, kept = best(index + 1, target + 1)
        change = 0 if same(live[index], desired[target]) else EDIT
        keeping = cost + change, (index, *kept)
        return min(keeping, removing, key=lambda option: option[0])

    return best(0, 0)[1]


def _edit(rule_id: str, clause_id: str | None, live: Clause, desired: Clause) -> list[Instruction]:
    """Return the edits of one clause: single values if that is shorter, else the whole clause."""
    if same(live, desired):
        return []
    at = {"ruleId": rule_id, "clauseId": clause_id}
    whole: list[Instruction] = [{"kind": "updateClause", **at, "clause": dict(desired)}]
    if not same({**live, "values": []}, {**desired, "values": []}):
        return whole
    present = {canonical_json(value) for value in live["values"]}
    wanted = {canonical_json(value) for value in desired["values"]}
    missing = [value for value in desired["values"] if canonical_json(value) not in present]
    surplus = [value for value in live["values"] if canonical_json(value) not in wanted]
    # Only texts can be added and removed one by one (reference 5.4).
    if not all(isinstance(value, str) for value in (*missing, *surplus)):
        return whole
    edits: list[Instruction] = []
    if missing:
        edits.append({"kind": "addValuesToClause", **at, "values": missing})
    if surplus:
        edits.append({"kind": "removeValuesFromClause", **at, "values": surplus})
    return edits if len(canonical_json(edits)) <= len(canonical_json(whole)) else whole
