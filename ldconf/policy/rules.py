"""The built-in rules. Each reads the plan's JSON and yields (address, what is wrong).

A rule that cannot read what it needs raises; `check` then counts it as violated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TypeAlias

from ldconf.core.address import targeting
from ldconf.core.policy import PolicyRule
from ldconf.core.resource import Json

PlanJson: TypeAlias = Mapping[str, Json]
Finding: TypeAlias = tuple[str, str]  # address, what is wrong
Place: TypeAlias = tuple[str, str]  # AI Config, environment
Rule: TypeAlias = Callable[[PlanJson, PolicyRule], Iterator[Finding]]

DISABLED = "disabled"
_PROMPT = ("instructions", "messages")
_WRITES = ("create", "update", "restore")


def rows(plan: PlanJson) -> Iterator[Mapping[str, Json]]:
    """Yield the changes of a plan, also those that a guard refuses."""
    for group in (*plan["groups"], *plan["refused"]):
        yield from group["rows"]


def _written(plan: PlanJson, kind: str) -> Iterator[Mapping[str, Json]]:
    for row in rows(plan):
        if _kind(row["address"]) == kind and row["word"] in _WRITES:
            yield row


def _kind(address: str) -> str:
    parts = address.split("/")
    return parts[2] if parts[0] == "aiConfigs" and len(parts) > 2 else parts[0]


def _fields(row: Mapping[str, Json]) -> dict[str, tuple[Json, Json]]:
    return {field["field"]: (field["before"], field["after"]) for field in row["fields"]}


def allowed_models(plan: PlanJson, rule: PolicyRule) -> Iterator[Finding]:
    """A variation may only name a model config of the list."""
    for row in _written(plan, "variations"):
        fields = _fields(row)
        named = [fields["modelConfigKey"][1]] if "modelConfigKey" in fields else []
        model = fields.get("model", (None, None))[1] or {}
        if not named and model.get("modelName") and "modelConfigKey" not in fields:
            before = (fields["model"][0] or {}).get("modelName")
            named = [model["modelName"]] if before != model["modelName"] else []
        for key in named:
            if key and not any(fnmatchcase(key, pattern) for pattern in rule.models):
                yield row["address"], f"model {key} is not in the list of allowed models"


def max_temperature(plan: PlanJson, rule: PolicyRule) -> Iterator[Finding]:
    """The temperature of a variation or model config may not be above the maximum."""
    assert rule.maximum is not None
    places = (("variations", "model", "parameters"), ("modelConfigs", "params", ""))
    for kind, field, part in places:
        for row in _written(plan, kind):
            value = _fields(row).get(field, (None, None))[1] or {}
            parameters = (value.get(part) or {}) if part else value
            temperature = parameters.get("temperature")
            if temperature is not None and float(temperature) > rule.maximum:
                yield row["address"], f"temperature {temperature:g} is above {rule.maximum:g}"


def required(plan: PlanJson, rule: PolicyRule) -> Iterator[Finding]:
    """An AI Config that is made, or whose tags or maintainer change, has what is required."""
    for row in _written(plan, "aiConfigs"):
        fields = _fields(row)
        is_new = row["word"] == "create"
        if is_new or "tags" in fields:
            missing = [tag for tag in rule.tags if tag not in (_after(fields, "tags") or [])]
            if missing:
                yield row["address"], f"required tags are missing: {', '.join(missing)}"
        keepers = ("maintainerId", "maintainerTeamKey")
        is_touched = is_new or any(name in fields for name in keepers)
        if rule.maintainer and is_touched and not any(_after(fields, name) for name in keepers):
            yield row["address"], "it has no maintainer"


def _after(fields: Mapping[str, tuple[Json, Json]], name: str) -> Json:
    return fields[name][1] if name in fields else None


def max_cost_increase(plan: PlanJson, rule: PolicyRule) -> Iterator[Finding]:
    """Answers may not become more expensive by more than so many percent."""
    assert rule.maximum is not None
    for row in rows(plan):
        cost = row["cost"]
        if cost is None or cost["before"] is None:
            continue
        was, becomes = cost["before"]["perThousand"], cost["after"]["perThousand"]
        if was is None or becomes is None:
            unknown = cost["before" if was is None else "after"]["model"]
            yield row["address"], f"the price of {unknown} is not known, so neither is the increase"
        elif becomes > was * (1 + rule.maximum / 100):
            more = "from nothing" if not was else f"by {(becomes / was - 1) * 100:.0f} %"
            words = f"1,000 requests cost ${becomes:.2f} instead of ${was:.2f}: {more}"
            yield row["address"], f"{words}, allowed are {rule.maximum:g} %"


def max_audience_switched(plan: PlanJson, rule: PolicyRule) -> Iterator[Finding]:
    """No more than so many percent of an environment's audience may get another variation.

    The larger of two figures counts: sample contexts, and what the default rule moves. Who was
    served `disabled` before gets nothing else now. An experiment that starts moves the share that
    its control gives away.
    """
    assert rule.maximum is not None
    moved: dict[Place, tuple[str, float]] = {}
    for place, address, before, after in _defaults(plan):
        moved[place] = address, _moved(_shares(before), _shares(after))
    for sample in plan["samples"]:
        place = (sample["aiConfig"], sample["environment"])
        switched = sum(m["count"] for m in sample["moves"] if m["before"] != DISABLED)
        share = switched / sample["contexts"] * 100
        address, known = moved.get(place, (str(targeting(*place)), 0))
        moved[place] = address, max(share, known)
    for (_, environment), (address, percent) in moved.items():
        is_meant = not rule.environments or environment in rule.environments
        if is_meant and percent > rule.maximum:
            words = f"{percent:.1f}".removesuffix(".0")
            yield address, f"{words} % of the audience would switch, allowed are {rule.maximum:g} %"


def _defaults(plan: PlanJson) -> Iterator[tuple[Place, str, Json, Json]]:
    """Yield (place, address, before, after) of each default rule that serves something else, by
    targeting or because an experiment starts on it."""
    for row in _written(plan, "targeting"):
        before, after = _fields(row).get("fallthrough", (None, None))
        if before is not None and after is not None:
            _, key, _, environment = row["address"].split("/")
            yield (key, environment), row["address"], before, after
    for row in rows(plan):
        before, after = _fields(row).get("audience", (None, None))
        if before is not None and after["rule"] == "fallthrough":
            place = (after["aiConfig"], after["environment"])
            was, becomes = (side.get("serve") or side for side in (before, after))
            yield place, row["address"], was, becomes


def _shares(serve: Json) -> dict[str, float]:
    return {serve: 100.0} if isinstance(serve, str) else dict(serve["rollout"])


def _moved(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return the least share that has to move; those who had `disabled` do not count."""
    lost = {key: share - after.get(key, 0) for key, share in before.items() if key != DISABLED}
    return sum(share for share in lost.values() if share > 0)


def no_direct_rollout(plan: PlanJson, rule: PolicyRule) -> Iterator[Finding]:
    """The default rule may not give everyone a variation that it gave nobody before."""
    for row in _written(plan, "targeting"):
        environment = row["address"].split("/")[3]
        before, after = _fields(row).get("fallthrough", (None, None))
        if environment not in rule.environments or not isinstance(after, str):
            continue
        if after != DISABLED and not (before is not None and _shares(before).get(after)):
            words = f"{after} would go to everyone in {environment} at once"
            yield row["address"], f"{words}: start with a share of the traffic"


def experiment_for_prompts(plan: PlanJson, rule: PolicyRule) -> Iterator[Finding]:
    """Who is served must not get another prompt unless an experiment compares the two."""
    for row in rows(plan):
        kind, address = _kind(row["address"]), row["address"]
        if kind == "variations":
            if not any(field["field"] in _PROMPT for field in row["fields"]):
                continue
            for effect in row["effects"] or ():
                if effect["environment"] in rule.environments and _is_felt(effect):
                    where = effect["environment"]
                    words = f"the prompt that {where} is served would be edited in place"
                    yield address, f"{words}: make it a new variation and compare it"
        elif kind == "targeting" and row["word"] in _WRITES:
            environment = address.split("/")[3]
            new = _new_prompts(plan, row) if environment in rule.environments else []
            for variation in new:
                if not _is_compared(plan, row, variation):
                    words = f"{variation} brings another prompt to {environment}"
                    yield address, f"{words}, and no experiment there compares it"


def _is_felt(effect: Mapping[str, Json]) -> bool:
    return bool(effect["percent"] > 0 or not effect["exact"])


def _new_prompts(plan: PlanJson, row: Mapping[str, Json]) -> list[str]:
    """Return the variations that a targeting would newly serve, with a prompt that is new there."""
    ai_config = row["address"].rpartition("/targeting/")[0]
    before: set[str] = set()
    after: set[str] = set()
    for name, (was, becomes) in _fields(row).items():
        before |= _served(name, was)
        after |= _served(name, becomes)
    known = {_prompt(plan, ai_config, key) for key in before - {DISABLED}}
    if not known:  # nobody had a prompt
        return []
    new = sorted(after - before - {DISABLED})
    return [key for key in new if _prompt(plan, ai_config, key) not in known]


def _served(field: str, value: Json) -> set[str]:
    if value is None:
        return set()
    if field == "fallthrough":
        return set(_shares(value))
    if field == "rules":
        return {key for one in value for key in _shares(one["serve"])}
    return {target["variation"] for target in value} if field == "targets" else set()


def _prompt(plan: PlanJson, ai_config: str, key: str) -> str:
    """Return the fingerprint of a prompt; one that is not known is like no other."""
    found: str | None = plan["prompts"].get(f"{ai_config}/variations/{key}")
    return found or f"unknown: {key}"


def _is_compared(plan: PlanJson, row: Mapping[str, Json], variation: str) -> bool:
    _, ai_config, _, environment = row["address"].split("/")
    return any(
        found["status"] == "running"
        and (found["aiConfig"], found["environment"]) == (ai_config, environment)
        and variation in found["variations"]
        for found in plan["experiments"]
    )


RULES: Mapping[str, Rule] = {
    "allowedModels": allowed_models,
    "maxTemperature": max_temperature,
    "required": required,
    "maxCostIncrease": max_cost_increase,
    "maxAudienceSwitched": max_audience_switched,
    "noDirectRollout": no_direct_rollout,
    "experimentForPrompts": experiment_for_prompts,
}
