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
        "rules": [],
        "trackEvents": False,
        "trackEventsFallthrough": False,
        "lastModified": now,
        "_version": 1,
    }


def with_slot(document: Mapping[str, Json], variation: str, source: Source) -> dict[str, Json]:
    """Return the targeting with a slot for a new variation; the first one becomes `defaults.on`."""
    slot = {"_id": source.uuid(), "key": variation}
    defaults = document["defaults"]
    if len(document["slots"]) == 1:
        defaults = {**defaults, "on": slot["_id"]}
    return {**document, "slots": [*document["slots"], slot], "defaults": defaults}


def without_slot(document: Mapping[str, Json], variation: str) -> dict[str, Json]:
    """Return the targeting without the slot of a variation that nothing serves."""
    gone = slot_id(document, variation)
    slots = [slot for slot in document["slots"] if slot["_id"] != gone]
    defaults = {
        name: slots[min(1, len(slots) - 1)]["_id"] if value == gone else value
        for name, value in document["defaults"].items()
    }
    return {**document, "slots": slots, "defaults": defaults}


def slot_id(document: Mapping[str, Json], variation: str | None) -> str | None:
    """Return the targeting id of a variation key (None: the automatic `disabled`)."""
    for slot in document["slots"]:
        if slot["key"] == variation:
            found: str = slot["_id"]
            return found
    return None


def served_ids(environment: Mapping[str, Json]) -> frozenset[str]:
    """Return the slot ids that one environment serves by target, rule or fallthrough."""
    return frozenset(_serve_ids(environment))


def referenced_ids(environment: Mapping[str, Json]) -> frozenset[str]:
    """Return the slot ids that one environment names at all (served, or the off variation)."""
    return served_ids(environment) | {environment["offVariation"]}


def environments_serving(document: Mapping[str, Json], variation: str) -> list[str]:
    """Return the keys of the environments that serve a variation."""
    wanted = slot_id(document, variation)
    environments = document["environments"].items()
    return [key for key, environment in environments if wanted in served_ids(environment)]


def _serve_ids(environment: Mapping[str, Json]) -> Iterator[str]:
    for serve in (environment["fallthrough"], *environment["rules"]):
        if "rollout" in serve:
            yield from (arm["variation"] for arm in serve["rollout"]["variations"])
            allocation = serve["rollout"].get("experimentAllocation")
            if allocation is not None:
                yield allocation["defaultVariation"]
        else:
            yield serve["variation"]
    yield from (target["variation"] for target in environment["targets"])


def targeting_view(
    document: Mapping[str, Json],
    ai_config: Mapping[str, Json],
    values: Sequence[Mapping[str, Json]],
    environment_names: Mapping[str, str],
) -> dict[str, Json]:
    """Return the document of `GET .../targeting`. `values` are `variations[]`, one per slot."""
    index = {slot["_id"]: position for position, slot in enumerate(document["slots"])}
    return {
        "key": document["key"],
        "name": ai_config["name"],
        "tags": ai_config["tags"],
        "createdAt": document["createdAt"],
        "_version": document["_version"],
        "variations": list(values),
        "defaults": {
            "onVariation": index[document["defaults"]["on"]],
            "offVariation": index[document["defaults"]["off"]],
        },
        "experiments": {"baselineIdx": 0, "items": []},
        "environments": {
            key: environment_view(environment, index, environment_names.get(key, key))
            for key, environment in document["environments"].items()
        },
    }


def environment_view(
    environment: Mapping[str, Json], index: Mapping[str, int], name: str
) -> dict[str, Json]:
    """Return the targeting of one environment, with indexes instead of slot ids."""
    targets = [
        {**target, "variation": index[target["variation"]]} for target in environment["targets"]
    ]
    return {
        "enabled": environment["enabled"],
        "offVariation": index[environment["offVariation"]],
        "fallthrough": _serve_view(environment["fallthrough"], index),
        "targets": [target for target in targets if target["contextKind"] == "user"],
        "contextTargets": [target for target in targets if target["contextKind"] != "user"],
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
