"""Segments (reference 15, 22.14)."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.emulator.patches.segment_patch import BATCH
from tests.emulator.ld import Ld

TEST = "/segments/p/test"
BETA = f"{TEST}/beta"
GOLD = {"attribute": "plan", "op": "in", "values": ["gold"]}


@pytest.fixture
async def beta(ld: Ld) -> Any:
    return await ld.post(TEST, {"key": "beta", "name": "Beta", "tags": ["b", "a"]})


async def semantic(ld: Ld, *instructions: dict[str, Any], status: int = 200, **body: Any) -> Any:
    sent = {"environmentKey": "test", "instructions": list(instructions), **body}
    return await ld.patch(BETA, sent, status, semantic=True)


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


async def test_rules_and_members_in_a_post_are_ignored(ld: Ld) -> None:
    body = {"key": "s", "name": "S", "included": ["a"], "rules": [{"clauses": [GOLD]}]}
    made = await ld.post(TEST, body)
    assert (made["included"], made["rules"], made["version"]) == ([], [], 1)


async def test_segments_are_per_environment(ld: Ld, beta: Any) -> None:
    assert beta["tags"] == ["a", "b"]
    await ld.get("/segments/p/production/beta", status=404)
    await ld.post("/segments/p/production", {"key": "beta", "name": "Other"})
    await ld.post(TEST, {"key": "beta", "name": "Beta"}, status=409)
    await ld.get("/segments/p/none", status=404)
    await ld.delete("/segments/p/production/beta")
    assert (await ld.get(BETA))["name"] == "Beta"


async def test_json_patch_replaces_everything(ld: Ld, beta: Any) -> None:
    patch = [
        replace("/name", "Better"),
        replace("/description", "d"),
        replace("/tags", ["z", "z"]),
        replace("/included", ["a"]),
        replace("/excluded", ["b"]),
        replace("/includedContexts", [{"contextKind": "org", "values": ["acme"]}]),
        replace("/excludedContexts", [{"values": ["x"]}]),
        replace("/rules", [{"clauses": [GOLD], "weight": 50_000, "bucketBy": "key"}]),
    ]
    patched = await ld.patch(BETA, {"patch": patch, "comment": "why"})
    assert (patched["name"], patched["description"], patched["tags"]) == ("Better", "d", ["z"])
    assert (patched["included"], patched["excluded"]) == (["a"], ["b"])
    assert patched["includedContexts"] == [{"contextKind": "org", "values": ["acme"]}]
    assert patched["excludedContexts"] == [{"contextKind": "user", "values": ["x"]}]
    (rule,) = patched["rules"]
    assert (rule["weight"], rule["bucketBy"]) == (50_000, "key")
    assert len(rule["_id"]) == 36
    assert rule["clauses"][0]["negate"] is False
    assert patched["version"] == 2
    again = await ld.patch(BETA, [replace("/rules", [rule])])
    assert again["version"] == 2
    assert again["rules"] == [rule]


async def test_lists_that_were_emptied_stay_apart(ld: Ld, beta: Any) -> None:
    await ld.patch(BETA, [{"op": "remove", "path": "/included"}])
    await ld.patch(BETA, [{"op": "remove", "path": "/excluded"}, replace("/name", "x")])
    patched = await semantic(
        ld, {"kind": "addIncludedTargets", "contextKind": "user", "values": ["a"]}
    )
    assert (patched["included"], patched["excluded"]) == (["a"], [])


async def test_merge_patch(ld: Ld, beta: Any) -> None:
    patched = await ld.patch(BETA, {"merge": {"included": ["a"], "tags": None}, "comment": "c"})
    assert (patched["included"], patched["tags"], patched["name"]) == (["a"], [], "Beta")
    merge = {"Content-Type": "application/merge-patch+json"}
    assert (await ld.patch(BETA, {"name": "New"}, headers=merge))["name"] == "New"


@pytest.mark.parametrize(
    "patch",
    [
        [replace("/key", "x")],
        [replace("/unbounded", True)],
        [replace("/name", "")],
        [replace("/included", "x")],
        [replace("/included", ["a"]), replace("/excluded", ["a"])],
        [replace("/includedContexts", [{"contextKind": "org"}])],
        [replace("/rules", [{"clauses": [{"op": "no"}]}])],
        [replace("/rules", [{"weight": 100_001}])],
        [{"op": "remove", "path": "/none"}],
        {"nothing": 1},
    ],
)
async def test_bad_patches_are_refused(ld: Ld, beta: Any, patch: Any) -> None:
    await ld.patch(BETA, patch, status=400)
    assert (await ld.get(BETA))["version"] == 1


async def test_dry_run_checks_only(ld: Ld, beta: Any) -> None:
    answer = await ld.patch(f"{BETA}?dryRun=true", [replace("/name", "New")])
    assert answer["name"] == "New"
    assert (await ld.get(BETA))["name"] == "Beta"
    await ld.patch(f"{BETA}?dryRun=true", [replace("/name", "")], status=400)


async def test_details_by_semantic_patch(ld: Ld, beta: Any) -> None:
    patched = await semantic(
        ld,
        {"kind": "addTags", "values": ["c"]},
        {"kind": "removeTags", "values": ["a"]},
        {"kind": "updateName", "value": "New"},
    )
    assert (patched["tags"], patched["name"], patched["version"]) == (["b", "c"], "New", 2)
    await semantic(ld, {"kind": "updateName", "value": ""}, status=400)


async def test_members_by_semantic_patch(ld: Ld, beta: Any) -> None:
    patched = await semantic(
        ld,
        {"kind": "addIncludedTargets", "contextKind": "org", "values": ["acme", "acme"]},
        {"kind": "addIncludedUsers", "values": ["a", "b"]},
        {"kind": "addExcludedUsers", "values": ["c"]},
        {"kind": "addExcludedTargets", "contextKind": "org", "values": ["evil"]},
    )
    assert patched["includedContexts"] == [{"contextKind": "org", "values": ["acme"]}]
    assert (patched["included"], patched["excluded"]) == (["a", "b"], ["c"])
    patched = await semantic(
        ld,
        {"kind": "removeIncludedUsers", "values": ["a", "none"]},
        {"kind": "removeIncludedTargets", "contextKind": "org", "values": ["acme"]},
        {"kind": "removeExcludedTargets", "values": ["c"]},
        {"kind": "removeExcludedUsers", "values": ["zz"]},
    )
    assert (patched["included"], patched["excluded"]) == (["b"], [])
    assert patched["includedContexts"] == []
    both = {"kind": "addExcludedUsers", "values": ["b"]}
    assert "both" in (await semantic(ld, both, status=400))["message"]
    many = [str(number) for number in range(BATCH + 1)]
    await semantic(ld, {"kind": "addIncludedUsers", "values": many}, status=400)
    await semantic(ld, {"kind": "addIncludedUsers", "values": "a"}, status=400)


async def test_rules_by_semantic_patch(ld: Ld, beta: Any) -> None:
    patched = await semantic(
        ld,
        {"kind": "addRule", "clauses": [GOLD], "description": "Gold"},
        {"kind": "addRule", "clauses": [GOLD]},
    )
    first, second = patched["rules"]
    assert first["description"] == "Gold"
    assert "description" not in second
    roll = {"kind": "updateRuleRolloutAndContextKind", "ruleId": first["_id"], "contextKind": "org"}
    patched = await semantic(
        ld,
        {**roll, "weight": "20000"},
        {"kind": "reorderRules", "ruleIds": [second["_id"], first["_id"]]},
        {"kind": "updateRuleDescription", "ruleId": second["_id"], "description": "Other"},
        {"kind": "addClauses", "ruleId": second["_id"], "clauses": [GOLD]},
    )
    assert [rule["_id"] for rule in patched["rules"]] == [second["_id"], first["_id"]]
    assert (patched["rules"][1]["weight"], patched["rules"][1]["rolloutContextKind"]) == (
        20_000,
        "org",
    )
    assert len(patched["rules"][0]["clauses"]) == 2
    patched = await semantic(ld, {"kind": "removeRule", "ruleId": first["_id"]})
    assert len(patched["rules"]) == 1
    await semantic(ld, {**roll, "ruleId": second["_id"], "weight": -1}, status=400)


async def test_semantic_patches_name_their_environment(ld: Ld, beta: Any) -> None:
    instruction = {"kind": "updateName", "value": "x"}
    await semantic(ld, instruction, environmentKey="production", status=400)


async def test_big_segments_are_not_implemented(ld: Ld, beta: Any) -> None:
    answer = await semantic(ld, {"kind": "addBigSegmentIncludedTargets"}, status=501)
    assert "addBigSegmentIncludedTargets" in answer["message"]
    answer = await semantic(ld, {"kind": "turnOn"}, status=400)
    assert "turnOn" in answer["message"]
    made = await ld.post(TEST, {"key": "big", "name": "Big", "unbounded": True})
    assert made["unboundedContextKind"] == "user"


async def test_a_segment_in_use_cannot_be_deleted(ld: Ld, beta: Any) -> None:
    await ld.ai_config("bot", "one")
    match = {"op": "segmentMatch", "values": ["beta"]}
    ids = await ld.ids()
    await ld.target({"kind": "addRule", "variationId": ids["one"], "clauses": [match]})
    assert "bot" in (await ld.delete(BETA, status=409))["message"]
    assert [flag["key"] for flag in (await ld.get(BETA))["_flags"]] == ["bot"]
    await ld.target({"kind": "replaceRules", "rules": []})
    await ld.post(TEST, {"key": "outer", "name": "Outer"})
    await ld.patch(f"{TEST}/outer", [replace("/rules", [{"clauses": [match]}])])
    assert "outer" in (await ld.delete(BETA, status=409))["message"]
    await ld.delete(f"{TEST}/outer")
    await ld.delete(BETA)
    await ld.delete(BETA, status=404)


async def test_approvals_gate_members_and_rules_only(ld: Ld, beta: Any) -> None:
    await ld.require_approvals("segment")
    await ld.patch(BETA, [replace("/name", "Free"), replace("/tags", [])])
    for patch in (
        [replace("/included", ["a"])],
        {"patch": [replace("/included", [])]},  # changes nothing, and is gated all the same
        {"merge": {"included": ["a"]}},
    ):
        answer = await ld.patch(BETA, patch, status=403)
        assert answer["code"] == "forbidden"
        assert "approval is required" in answer["message"]
    await semantic(ld, {"kind": "addIncludedUsers", "values": ["a"]}, status=403)
    await semantic(ld, {"kind": "updateName", "value": "Also free"})
    await ld.delete(BETA)


async def test_filters_and_order(ld: Ld, beta: Any) -> None:
    await ld.post(TEST, {"key": "alpha", "name": "Alpha"})
    await ld.patch(BETA, [replace("/included", ["u1"])])

    async def keys(query: str) -> list[str]:
        return [found["key"] for found in (await ld.get(f"{TEST}?{query}"))["items"]]

    assert await keys("filter=query equals alp") == ["alpha"]
    assert await keys('filter=tags anyOf ["a"]') == ["beta"]
    assert await keys('filter=includedKeys anyOf ["u1"]') == ["beta"]
    assert await keys('filter=excludedKeys anyOf ["u1"]') == []
    assert await keys("filter=unbounded equals false") == ["beta", "alpha"]
    assert await keys("sort=name") == ["alpha", "beta"]
    assert await keys("sort=-lastModified") == ["beta", "alpha"]
    await ld.get(f"{TEST}?sort=x", status=400)


async def test_writes_may_race(ld: Ld, beta: Any) -> None:
    ld.faults.optimistic_conflicts = 1
    answer = await ld.patch(BETA, [replace("/name", "x")], status=409)
    assert answer["code"] == "optimistic_locking_error"
    await ld.patch(BETA, [replace("/name", "x")])
