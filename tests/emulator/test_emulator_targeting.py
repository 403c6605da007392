"""The semantic patch of targeting (reference 5, 22.9)."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.emulator.patches.targeting_patch import KINDS
from tests.emulator.ld import Ld

PATH = "/projects/p/ai-configs/bot/targeting"
GOLD = {"attribute": "plan", "op": "in", "values": ["gold"]}
FALLTHROUGH = "updateFallthroughVariationOrRollout"


@pytest.fixture
async def ids(ld: Ld) -> dict[str, str]:
    await ld.ai_config("bot", "one", "two")
    return await ld.ids()


def shown(clause: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in clause.items() if name not in ("_id", "id")}


async def rule(ld: Ld, ids: dict[str, str], variation: str = "one", **fields: Any) -> Any:
    """Add a rule and return it."""
    instruction = {"kind": "addRule", "variationId": ids[variation], "clauses": [GOLD], **fields}
    return (await ld.target(instruction))["rules"][-1]


def test_the_documented_kinds_are_all_there() -> None:
    assert len(KINDS) == 21


async def test_the_semantic_content_type_is_needed(ld: Ld, ids: dict[str, str]) -> None:
    body = {"environmentKey": "test", "instructions": [{"kind": "clearTargets"}]}
    answer = await ld.patch(PATH, body, status=400)
    assert "domain-model" in answer["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"instructions": [{"kind": "clearTargets"}]},
        {"environmentKey": "", "instructions": [{"kind": "clearTargets"}]},
        {"environmentKey": "test"},
        {"environmentKey": "test", "instructions": []},
        {"environmentKey": "test", "instructions": ["x"]},
        {"environmentKey": "test", "instructions": [{}]},
    ],
)
async def test_bad_bodies_are_refused(ld: Ld, ids: dict[str, str], body: Any) -> None:
    await ld.patch(PATH, body, status=400, semantic=True)


async def test_an_unknown_environment_or_config_is_not_found(ld: Ld, ids: dict[str, str]) -> None:
    instruction = {"kind": "clearTargets", "variationId": ids["one"]}
    await ld.target(instruction, environment="none", status=404)
    await ld.target(instruction, config="none", status=404)


@pytest.mark.parametrize(
    "kind", ["turnFlagOn", "turnFlagOff", "turnTargetingOn", "turnTargetingOff", "addPrerequisite"]
)
async def test_other_kinds_are_refused_by_name(ld: Ld, ids: dict[str, str], kind: str) -> None:
    answer = await ld.target({"kind": kind}, status=400)
    assert kind in answer["message"]


async def test_a_patch_is_all_or_nothing(ld: Ld, ids: dict[str, str]) -> None:
    before = await ld.targeting()
    await ld.target(
        {"kind": FALLTHROUGH, "variationId": ids["one"]},
        {"kind": FALLTHROUGH, "variationId": "no such"},
        status=400,
    )
    assert await ld.targeting() == before


async def test_versions_grow_on_a_real_change_only(ld: Ld, ids: dict[str, str]) -> None:
    before = await ld.targeting()
    assert (await ld.serve("one"))["_version"] == 2
    assert (await ld.serve("one"))["_version"] == 2
    after = await ld.targeting()
    assert after["_version"] == before["_version"] + 1
    assert after["environments"]["production"] == before["environments"]["production"]


async def test_add_rule_appends_or_inserts(ld: Ld, ids: dict[str, str]) -> None:
    first = await rule(ld, ids)
    assert [shown(clause) for clause in first["clauses"]] == [
        {
            "contextKind": "user",
            "attribute": "plan",
            "op": "in",
            "negate": False,
            "values": ["gold"],
        }
    ]
    assert (first["variation"], first["trackEvents"]) == (1, False)
    weights = {ids["one"]: 25_000, ids["two"]: 75_000}
    clause = {**GOLD, "contextKind": "organization", "negate": True}
    instruction = {
        "kind": "addRule",
        "beforeRuleId": first["_id"],
        "clauses": [clause],
        "rolloutWeights": weights,
        "rolloutContextKind": "organization",
        "rolloutBucketBy": "country",
    }
    rules = (await ld.target(instruction))["rules"]
    assert [found["_id"] for found in rules][1] == first["_id"]
    assert rules[0]["rollout"] == {
        "contextKind": "organization",
        "bucketBy": "country",
        "variations": [{"variation": 1, "weight": 25_000}, {"variation": 2, "weight": 75_000}],
    }
    assert shown(rules[0]["clauses"][0]) == clause


async def test_add_rule_takes_no_description(ld: Ld, ids: dict[str, str]) -> None:
    added = await rule(ld, ids, description="Gold users")
    assert "description" not in added
    instruction = {
        "kind": "updateRuleDescription",
        "ruleId": added["_id"],
        "description": "Gold users",
    }
    assert (await ld.target(instruction))["rules"][0]["description"] == "Gold users"


async def test_replace_rules_takes_descriptions_and_makes_new_ids(
    ld: Ld, ids: dict[str, str]
) -> None:
    before = await rule(ld, ids)
    fresh = {"variationId": ids["two"], "clauses": [GOLD], "description": "Gold"}
    (after,) = (await ld.target({"kind": "replaceRules", "rules": [fresh]}))["rules"]
    assert (after["description"], after["variation"]) == ("Gold", 2)
    assert after["_id"] != before["_id"]
    assert after["clauses"][0]["_id"] != before["clauses"][0]["_id"]
    assert (await ld.target({"kind": "replaceRules", "rules": []}))["rules"] == []


async def test_rules_are_removed_and_reordered_by_id(ld: Ld, ids: dict[str, str]) -> None:
    one, two, three = [(await rule(ld, ids))["_id"] for _ in range(3)]
    answer = await ld.target({"kind": "reorderRules", "ruleIds": [three, one, two]})
    assert [found["_id"] for found in answer["rules"]] == [three, one, two]
    for wrong in ([one, two], [one, two, three, three], [one, two, "x"], "x"):
        await ld.target({"kind": "reorderRules", "ruleIds": wrong}, status=400)
    answer = await ld.target({"kind": "removeRule", "ruleId": one})
    assert [found["_id"] for found in answer["rules"]] == [three, two]
    answer = await ld.target({"kind": "removeRule", "ruleId": one})
    assert len(answer["rules"]) == 2


async def test_a_rule_serves_something_else(ld: Ld, ids: dict[str, str]) -> None:
    found = await rule(ld, ids)
    kind = "updateRuleVariationOrRollout"
    change = {"kind": kind, "ruleId": found["_id"], "variationId": ids["two"]}
    assert (await ld.target(change))["rules"][0]["variation"] == 2
    weights = {ids["disabled"]: 1, ids["one"]: 99_999}
    change = {"kind": kind, "ruleId": found["_id"], "rolloutWeights": weights}
    (after,) = (await ld.target(change))["rules"]
    assert "variation" not in after
    assert after["rollout"]["contextKind"] == "user"
    assert after["_id"] == found["_id"]
    assert after["clauses"] == found["clauses"]


async def test_clauses_are_added_replaced_and_removed(ld: Ld, ids: dict[str, str]) -> None:
    found = await rule(ld, ids)
    of = {"ruleId": found["_id"]}
    more = {"attribute": "age", "op": "greaterThan", "values": [21]}
    (after,) = (await ld.target({"kind": "addClauses", **of, "clauses": [more]}))["rules"]
    first, second = [clause["_id"] for clause in after["clauses"]]
    replace = {"kind": "updateClause", **of, "clauseId": first, "clause": more}
    (after,) = (await ld.target(replace))["rules"]
    assert after["clauses"][0]["attribute"] == "age"
    assert after["clauses"][0]["_id"] == first
    await ld.target({**replace, "clause": "x"}, status=400)
    remove = {"kind": "removeClauses", **of, "clauseIds": [first]}
    (after,) = (await ld.target(remove))["rules"]
    assert [clause["_id"] for clause in after["clauses"]] == [second]
    await ld.target(remove, status=400)


async def test_values_of_a_clause_are_added_and_removed(ld: Ld, ids: dict[str, str]) -> None:
    found = await rule(ld, ids)
    of = {"ruleId": found["_id"], "clauseId": found["clauses"][0]["_id"]}
    add = {"kind": "addValuesToClause", **of, "values": ["silver", "gold"]}
    (after,) = (await ld.target(add))["rules"]
    assert after["clauses"][0]["values"] == ["gold", "silver"]
    remove = {"kind": "removeValuesFromClause", **of, "values": ["gold", "none"]}
    (after,) = (await ld.target(remove))["rules"]
    assert after["clauses"][0]["values"] == ["silver"]
    await ld.target({**add, "values": [1]}, status=400)
    await ld.target({**add, "clauseId": "x"}, status=400)


async def test_targets_are_kept_by_kind_and_variation(ld: Ld, ids: dict[str, str]) -> None:
    add = {"kind": "addTargets", "variationId": ids["one"], "values": ["a", "b", "a"]}
    organization = {**add, "contextKind": "organization", "values": ["acme"]}
    answer = await ld.target(add, organization)
    assert answer["targets"] == [{"contextKind": "user", "variation": 1, "values": ["a", "b"]}]
    assert answer["contextTargets"] == [
        {"contextKind": "organization", "variation": 1, "values": ["acme"]}
    ]
    taken = {**add, "variationId": ids["two"], "values": ["c", "b"]}
    assert "'b'" in (await ld.target(taken, status=400))["message"]
    await ld.target({**taken, "contextKind": "organization"})
    remove = {"kind": "removeTargets", "variationId": ids["one"], "values": ["a", "none"]}
    assert (await ld.target(remove))["targets"][0]["values"] == ["b"]
    clear = {"kind": "clearTargets", "variationId": ids["one"]}
    answer = await ld.target(clear)
    assert answer["targets"] == []
    assert [found["variation"] for found in answer["contextTargets"]] == [2]


async def test_replace_targets_replaces_all(ld: Ld, ids: dict[str, str]) -> None:
    await ld.target({"kind": "addTargets", "variationId": ids["one"], "values": ["a"]})
    targets = [
        {"variationId": ids["two"], "values": ["a", "b"]},
        {"variationId": ids["one"], "values": ["x"], "contextKind": "device"},
    ]
    answer = await ld.target({"kind": "replaceTargets", "targets": targets})
    assert answer["targets"] == [{"contextKind": "user", "variation": 2, "values": ["a", "b"]}]
    assert [found["contextKind"] for found in answer["contextTargets"]] == ["device"]
    twice = [{"variationId": ids[key], "values": ["a"]} for key in ("one", "two")]
    await ld.target({"kind": "replaceTargets", "targets": twice}, status=400)
    answer = await ld.target({"kind": "replaceTargets", "targets": []})
    assert (answer["targets"], answer["contextTargets"]) == ([], [])


async def test_track_events(ld: Ld, ids: dict[str, str]) -> None:
    found = await rule(ld, ids)
    answer = await ld.target(
        {"kind": "updateRuleTrackEvents", "ruleId": found["_id"], "trackEvents": True},
        {"kind": "updateTrackEvents", "trackEvents": True},
        {"kind": "updateTrackEventsFallthrough", "trackEvents": True},
    )
    assert answer["rules"][0]["trackEvents"] is True
    assert answer["trackEvents"] is True
    assert answer["trackEventsFallthrough"] is True


async def test_off_variation(ld: Ld, ids: dict[str, str]) -> None:
    answer = await ld.target({"kind": "updateOffVariation", "variationId": ids["two"]})
    assert answer["offVariation"] == 2


async def test_default_variation_by_value(ld: Ld, ids: dict[str, str]) -> None:
    value = (await ld.targeting())["variations"][2]["value"]
    before = (await ld.targeting())["environments"]
    await ld.target({"kind": "updateDefaultVariation", "OnVariationValue": value})
    after = await ld.targeting()
    assert after["defaults"] == {"onVariation": 2, "offVariation": 0}
    assert after["environments"] == before
    no_value = {"kind": "updateDefaultVariation", "offVariationValue": {"no": "such"}}
    await ld.target(no_value, status=400)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"variationId": "no such"},
        {"variationId": 1},
        {"rolloutWeights": {}},
        {"rolloutWeights": [1]},
        {"rolloutWeights": {"ONE": 50_000}},
        {"rolloutWeights": {"ONE": 100_001, "TWO": -1}},
        {"rolloutWeights": {"ONE": 50_000.5, "TWO": 49_999.5}},
        {"rolloutWeights": {"no such": 100_000}},
        {"rolloutWeights": {"ONE": 100_000}, "variationId": "ONE"},
        {"rolloutWeights": {"ONE": 100_000}, "rolloutBucketBy": 7},
    ],
)
async def test_what_cannot_be_served_is_refused(
    ld: Ld, ids: dict[str, str], fields: dict[str, Any]
) -> None:
    names = {"ONE": ids["one"], "TWO": ids["two"]}
    if isinstance(fields.get("rolloutWeights"), dict):
        weights = {names.get(key, key): value for key, value in fields["rolloutWeights"].items()}
        fields = {**fields, "rolloutWeights": weights}
    if "variationId" in fields:
        fields = {**fields, "variationId": names.get(fields["variationId"], fields["variationId"])}
    await ld.target({"kind": FALLTHROUGH, **fields}, status=400)


@pytest.mark.parametrize(
    "clause",
    [
        "x",
        {},
        {"attribute": "a", "op": "equals", "values": ["x"]},
        {"attribute": "a", "op": "in"},
        {"attribute": "a", "op": "in", "values": []},
        {"attribute": "a", "op": "in", "values": "x"},
        {"op": "in", "values": ["x"]},
        {"attribute": "a", "op": "in", "values": ["x"], "negate": "no"},
        {"attribute": "segmentMatch", "op": "segmentMatch", "values": ["no-such-segment"]},
    ],
)
async def test_bad_clauses_are_refused(ld: Ld, ids: dict[str, str], clause: Any) -> None:
    await ld.target({"kind": "addRule", "variationId": ids["one"], "clauses": [clause]}, status=400)


@pytest.mark.parametrize(
    "instruction",
    [
        {"kind": "replaceRules", "rules": "x"},
        {"kind": "replaceRules", "rules": ["x"]},
        {"kind": "replaceTargets", "targets": "x"},
        {"kind": "updateRuleDescription", "ruleId": "none", "description": "x"},
        {"kind": "updateTrackEvents", "trackEvents": "x"},
        {"kind": "addClauses", "ruleId": "none", "clauses": [GOLD]},
        {"kind": "addTargets", "variationId": "ONE"},
        {"kind": "addTargets", "variationId": "ONE", "values": ["a"], "contextKind": 7},
    ],
)
async def test_bad_instructions_are_refused(
    ld: Ld, ids: dict[str, str], instruction: dict[str, Any]
) -> None:
    if instruction.get("variationId") == "ONE":
        instruction = {**instruction, "variationId": ids["one"]}
    await ld.target(instruction, status=400)


async def test_a_description_must_be_a_text(ld: Ld, ids: dict[str, str]) -> None:
    found = await rule(ld, ids)
    change = {"kind": "updateRuleDescription", "ruleId": found["_id"], "description": 7}
    await ld.target(change, status=400)


async def test_an_archived_variation_may_lose_its_targets(ld: Ld, ids: dict[str, str]) -> None:
    await ld.patch("/projects/p/ai-configs/bot/variations/one", {"state": "archived"})
    await ld.target({"kind": "clearTargets", "variationId": ids["one"]})
    remove = {"kind": "removeTargets", "variationId": ids["one"], "values": ["a"]}
    await ld.target(remove)
    weights = {ids["one"]: 0, ids["two"]: 100_000}
    await ld.target({"kind": FALLTHROUGH, "rolloutWeights": weights})


async def test_segments_in_rules_must_exist_in_the_environment(ld: Ld, ids: dict[str, str]) -> None:
    await ld.post("/segments/p/test", {"key": "beta", "name": "Beta"})
    clause = {"op": "segmentMatch", "values": ["beta"]}
    instruction = {"kind": "addRule", "variationId": ids["one"], "clauses": [clause]}
    (added,) = (await ld.target(instruction))["rules"]
    assert added["clauses"][0]["attribute"] == "segmentMatch"
    await ld.target(instruction, environment="production", status=400)


async def test_a_new_environment_serves_disabled(ld: Ld, ids: dict[str, str]) -> None:
    await ld.serve("one")
    body = {"key": "staging", "name": "Staging", "color": "FFFFFF"}
    await ld.post("/projects/p/environments", body)
    targeting = await ld.targeting()
    assert targeting["environments"]["staging"]["fallthrough"] == {"variation": 0}
    assert targeting["environments"]["staging"]["_environmentName"] == "Staging"
    await ld.delete("/projects/p/environments/staging")
    assert set((await ld.targeting())["environments"]) == {"test", "production"}
