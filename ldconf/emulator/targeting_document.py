"""The targeting of an AI Config: how it is kept, and the document that the API shows.

Kept: variations as `slots` with ids of their own (reference 0.1), everything served is named by
slot id. Shown: everything served is an index into `variations[]` (reference 5.2). Slot 0 is the
automatic `disabled` variation; its `key` is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.emulator.first import Source

DISABLED = "disabled"


def new_targeting(source: Source, key: str, environments: Sequence[str]) -> dict[str, Json]:
    """Return the targeting that a new AI Config gets: on, and serving `disabled` everywhere."""
    disabled = source.uuid()
    now = source.clock()
    return {
        "key": key,
        "createdAt": now,
        "_version": 1,
        "slots": [{"_id": disabled, "key": None}],
        "defaults": {"on": disabled, "off": disabled},
        "environments": {name: new_targeting_environment(disabled, now) for name in environments},
    }


def new_targeting_environment(disabled: str, now: int) -> dict[str, Json]:
    """Return the targeting of one environment that serves the slot `disabled` to everyone."""
    return {
        "enabled": True,
        "offVariation": disabled,
        "fallthrough": {"variation": disabled},
        "targets": [],
        "rules": [_rule_view(rule, index) for rule in environment["rules"]],
        "trackEvents": environment["trackEvents"],
        "trackEventsFallthrough": environment["trackEventsFallthrough"],
        "lastModified": environment["lastModified"],
        "_environmentName": name,
        "_version": environment["_version"],
    }


def _rule_view(rule: Mapping[str, Json], index: Mapping[str, int]) -> dict[str, Json]:
    """Return a rule. The client's clause model says `id`, flags say `_id` (U2): both are shown."""
    clauses = [{**clause, "id": clause["_id"]} for clause in rule["clauses"]]
    return {**_serve_view(rule, index), "clauses": clauses, "ref": "", "disabled": False}


def _serve_view(serve: Mapping[str, Json], index: Mapping[str, int]) -> dict[str, Json]:
    """Return a rule or fallthrough with indexes instead of slot ids."""
    return map_serve(serve, lambda slot: index[slot])


def map_serve(serve: Mapping[str, Json], to: Callable[[str], Json]) -> dict[str, Json]:
    """Return a rule or fallthrough with every variation it names replaced by `to(it)`."""
    if "rollout" not in serve:
        return {**serve, "variation": to(serve["variation"])}
    rollout = dict(serve["rollout"])
    rollout["variations"] = [
        {**arm, "variation": to(arm["variation"])} for arm in rollout["variations"]
    ]
    if "experimentAllocation" in rollout:
        allocation = rollout["experimentAllocation"]
        rollout["experimentAllocation"] = {
            **allocation,
            "defaultVariation": to(allocation["defaultVariation"]),
        }
    return {**serve, "rollout": rollout}
