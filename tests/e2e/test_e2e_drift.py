from __future__ import annotations

from tests.e2e.world import BASE, PROJECT, TEST, VARIATION, World

TARGETING = f"/projects/{PROJECT}/ai-configs/pet-store-agent/targeting"


def test_nothing_moved(applied: World) -> None:
    found = applied.run("drift", "--base", "HEAD", "--detailed-exitcode")
    assert (found.code, found.out.splitlines()[-1]) == (0, "No drift.")


def test_hot_fix_is_named_with_who_and_when_and_left_alone(applied: World) -> None:
    applied.hot_fix()
    found = applied.run("drift", "--base", "HEAD", "--detailed-exitcode")
    assert found.code == 4
    assert "changed by owner@local.example on 20" in found.out
    assert "model.parameters.temperature: 0.7 → 0.2" in found.out
    assert applied.run("drift", "--base", "HEAD").code == 0
    plan = applied.run("plan", "--base", "HEAD", "--detailed-exitcode")
    assert plan.code == 0
    assert "1 moved in LaunchDarkly and left alone" in plan.out
    assert applied.run("apply", "--base", "HEAD", "--yes").code == 0
    assert applied.run("drift", "--base", "HEAD", "--detailed-exitcode").code == 4


def test_own_writes_are_not_who_moved_it(applied: World) -> None:
    applied.hot_fix()
    by_hand = applied.run("drift", "--base", "HEAD").out
    other = f"/projects/{PROJECT}/ai-configs/pet-store-agent/variations/model-variant-2"
    applied.rest("PATCH", other, {"name": "Second", "comment": "ldconf 0123abc i=1 d=2"})
    found = applied.run("drift", "--base", "HEAD").out
    said = [line for line in found.splitlines() if "base-config" in line]
    assert said == [line for line in by_hand.splitlines() if "base-config" in line]


def test_without_context_nobody_is_named(applied: World) -> None:
    applied.hot_fix()
    found = applied.run("drift", "--base", "HEAD", "--no-context")
    assert "changed by" not in found.out


def test_context_is_outside_the_digest(applied: World) -> None:
    applied.hot_fix()
    applied.edit("name: Base config", "name: Basis")
    words = ("plan", "--base", "HEAD", "--format", "json")
    with_context, without = applied.run(*words).json, applied.run(*words, "--no-context").json
    assert with_context["digest"] == without["digest"]
    assert with_context["context"]
    assert not without["context"]


def test_repository_ahead(applied: World) -> None:
    applied.edit("name: Base config", "name: Basis")
    found = applied.run("drift", "--base", "HEAD", "--detailed-exitcode")
    assert found.code == 2
    assert f"update {BASE}" in found.out


def test_both_ahead(applied: World) -> None:
    applied.hot_fix()
    applied.edit("name: Base config", "name: Basis")
    assert applied.run("drift", "--base", "HEAD", "--detailed-exitcode").code == 6


def test_conflict_is_refused_and_shows_both_sides(applied: World) -> None:
    applied.hot_fix()
    applied.edit("temperature: 0.7", "temperature: 0.5")
    plan = applied.run("plan", "--base", "HEAD")
    assert plan.code == 3
    assert "model.parameters.temperature: 0.7 → 0.5" in plan.out
    assert "model.parameters.temperature: 0.7 → 0.2" in plan.out
    assert f"ldconf pull {BASE}" in plan.out
    assert applied.run("drift", "--base", "HEAD", "--detailed-exitcode").code == 6


def test_without_base_the_direction_is_unknown(applied: World) -> None:
    applied.hot_fix()
    found = applied.run("drift", "--detailed-exitcode")
    assert found.code == 6
    assert "Different, direction unknown (no base)" in found.out


def test_rule_added_by_hand_is_drift_of_the_rules(applied: World) -> None:
    document = applied.rest("GET", TARGETING)
    key = {v.get("key") or v.get("name"): v["_id"] for v in document["variations"]}
    clause = {"attribute": "email", "op": "endsWith", "values": ["@x.org"], "negate": False}
    instruction = {
        "kind": "addRule",
        "variationId": next(iter(key.values())),
        "clauses": [{**clause, "contextKind": "user"}],
    }
    body = {"environmentKey": "test", "instructions": [instruction]}
    applied.rest("PATCH", TARGETING, body, semantic=True)
    found = applied.run("drift", "--base", "HEAD", "--detailed-exitcode")
    assert found.code == 4
    assert "rule added in LaunchDarkly: user email ends with @x.org" in found.out
    two_way = applied.run("plan")
    assert "would remove rule added in LaunchDarkly: user email ends with @x.org" in two_way.out


def test_unmanaged_objects_are_listed(applied: World) -> None:
    tool = {"key": "by_hand", "description": "x", "schema": {"type": "object"}}
    applied.rest("POST", f"/projects/{PROJECT}/ai-tools", tool)
    found = applied.run("drift", "--unmanaged", "--base", "HEAD", "--format", "json").json
    assert "tools/by_hand" in found["unmanaged"]
    assert BASE not in found["unmanaged"]
    assert not any(address.startswith("modelConfigs/") for address in found["unmanaged"])
    assert TEST not in found["unmanaged"]


def test_show_puts_files_beside_launchdarkly(applied: World) -> None:
    applied.hot_fix()
    found = applied.run("show", BASE)
    assert "model.parameters.temperature: 0.2 → 0.7" in found.out
    assert "Equal" in found.out
    members = applied.run("show", BASE, "--format", "json").json
    assert members["live"]["model"]["parameters"]["temperature"] == 0.2
    assert "`0.2" not in applied.run("show", BASE, "--format", "markdown").err


def test_show_of_nothing_is_a_usage_error(applied: World) -> None:
    for address in ("tools/nothing", "nothing/x", "tools", "a//b"):
        found = applied.run("show", address)
        assert found.code == 64, address
        assert "error: " in found.err


def test_read_targeting_costs_one_request_per_ai_config(applied: World) -> None:
    """The audit log is asked only about what moved."""
    found = applied.run("plan", "--verbose")
    assert "auditlog" not in found.err
    assert found.err.count("/targeting -> 200") == 1
    assert VARIATION not in found.err
