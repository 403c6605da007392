"""Semantic patches, played on a server that knows only the documented instructions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json, canonical_json, same
from ldconf.kinds.targeting import Targeting
from ldconf.kinds.targeting_document import live_targeting
from ldconf.kinds.targeting_patch import (
    approval_instructions,
    instructions,
    same_instructions,
)
from ldconf.kinds.targeting_rules import match_rules
from tests import strategies_ai as strategies
from tests.kinds.targeting_server import Refused, TargetingServer, block, document

KEYS = ["one", "two", "three"]
SERVED = [*KEYS, "disabled"]
ROUNDS = 2
thorough = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def wire_serve(value: Json, names: Sequence[str]) -> dict[str, Json]:
    """Return what a server keeps of a canonical serve value, in its own terms."""
    if isinstance(value, str):
        return {"variation": names.index(value)}
    arms = [
        {"variation": names.index(key), "weight": round(percent * 1000)}
        for key, percent in value["rollout"].items()
    ]
    spare = next((key for key in names if key not in value["rollout"]), None)
    if spare is not None:
        arms.append({"variation": names.index(spare), "weight": 0})  # zero arms mean nothing
    kinds = {"bucketBy": value["bucketBy"], "contextKind": value["contextKind"]}
    return {"rollout": {"variations": arms, "seed": 1, **kinds}}


def server_with(values: Json) -> TargetingServer:
    """Return a server whose environment `test` has this canonical targeting."""
    made = document({}, KEYS)
    names = ["one", "disabled", "two", "three"]
    targets: dict[bool, list[Json]] = {True: [], False: []}
    for target in values.get("targets") or ():
        entry = {**target, "variation": names.index(target["variation"])}
        targets[target["contextKind"] == "user"].append(entry)
    rules = []
    for at, rule in enumerate(values.get("rules") or ()):
        clauses = [{"_id": f"c-{at}-{n}", **c} for n, c in enumerate(rule["clauses"])]
        named = {"description": rule["description"]} if rule.get("description") else {}
        rules.append(
            {"_id": f"r-{at}", **named, "clauses": clauses, **wire_serve(rule["serve"], names)}
        )
    made["environments"]["test"] = block(
        targets=targets[True],
        contextTargets=targets[False],
        rules=rules,
        fallthrough=wire_serve(values.get("fallthrough", "disabled"), names),
    )
    return TargetingServer(made)


def read(server: TargetingServer) -> dict[str, Json]:
    """Return the canonical targeting of the environment `test`."""
    return Targeting.from_live(live_targeting(server.document, "test")).managed()


def rule_ids(server: TargetingServer) -> list[str]:
    return [rule["_id"] for rule in server.document["environments"]["test"]["rules"]]


def bring(server: TargetingServer, desired: Json) -> list[tuple[Json, ...]]:
    """Patch in rounds until nothing differs; returns the rounds."""
    sent = []
    for _ in range(ROUNDS + 1):
        found = instructions(desired, server.document, "test")
        if not found:
            return sent
        sent.append(found)
        server.patch("test", found)
    raise AssertionError(f"still differs after {ROUNDS} rounds: {found}")


def canonical(document: Json) -> dict[str, Json]:
    return Targeting.model_validate(document).managed()


desired_documents = st.fixed_dictionaries(
    {
        "targets": strategies.cleared(strategies.targets(SERVED)),
        "rules": strategies.cleared(strategies.rules(SERVED, ["beta"])),
        "fallthrough": strategies.serves(SERVED),
    }
).map(canonical)


@st.composite
def live_values(draw: st.DrawFn, desired: Json | None = None) -> dict[str, Json]:
    """Draw live targeting: like the desired in parts; names and clauses lost or mixed up."""
    values = draw(desired_documents)
    rules = list(values["rules"] or ())
    if desired is not None and desired["rules"]:
        rules += draw(st.lists(st.sampled_from(desired["rules"]), max_size=4))
        rules = draw(st.permutations(rules))
    pool = [clause for rule in rules for clause in rule["clauses"]]
    variants = []
    for rule in rules:
        description = draw(st.sampled_from([rule["description"], None, "A"]))
        clauses = rule["clauses"]
        if draw(st.booleans()):
            clauses = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4))
        variants.append({**rule, "description": description, "clauses": clauses})
    return {**values, "rules": variants}


@given(data=st.data())
@thorough
def test_any_live_targeting_becomes_exactly_the_desired(data: st.DataObject):
    desired = data.draw(desired_documents)
    server = server_with(data.draw(live_values(desired)))

    sent = bring(server, desired)

    assert same(read(server), desired)
    assert len(sent) <= ROUNDS
    assert instructions(desired, server.document, "test") == ()


@given(data=st.data())
@thorough
def test_matched_rules_keep_their_ids(data: st.DataObject):
    desired = data.draw(desired_documents)
    live = data.draw(live_values(desired))
    server = server_with(live)
    before = rule_ids(server)
    pairs = match_rules(desired["rules"] or [], read(server)["rules"] or [])

    bring(server, desired)

    after = rule_ids(server)
    for in_file, in_live in pairs:
        if in_file is not None and in_live is not None:
            assert after[in_file] == before[in_live]


@given(data=st.data(), fields=st.sets(st.sampled_from(["targets", "rules", "fallthrough"])))
@thorough
def test_only_the_named_fields_are_touched(data: st.DataObject, fields: set[str]):
    desired = data.draw(desired_documents)
    server = server_with(data.draw(live_values(desired)))
    before = read(server)

    bring(server, {name: desired[name] for name in fields})

    expected = {name: desired[name] if name in fields else before[name] for name in before}
    assert same(read(server), expected)


@given(desired=desired_documents)
@thorough
def test_what_is_there_already_needs_no_instruction(desired: Json):
    assert instructions(desired, server_with(desired).document, "test") == ()


@given(data=st.data())
@thorough
def test_an_approval_request_does_it_in_one_round(data: st.DataObject):
    desired = data.draw(desired_documents)
    server = server_with(data.draw(live_values(desired)))

    server.patch("test", approval_instructions(desired, server.document, "test"))

    assert same(read(server), desired)


small_clauses = st.lists(
    st.builds(
        lambda attribute, values: clause(*values, attribute=attribute),
        st.sampled_from(["plan", "country"]),
        st.sets(st.sampled_from("abc"), min_size=1),
    ),
    min_size=1,
    max_size=4,
)


@given(live=small_clauses, desired=small_clauses)
@thorough
def test_clauses_of_a_rule_become_exactly_the_desired_in_one_round(live: Json, desired: Json):
    server = server_with({"rules": [rule("A", *live)]})

    sent = bring(server, {"rules": [rule("A", *desired)]})

    assert same(read(server)["rules"], [rule("A", *desired)])
    assert len(sent) <= 1
    assert rule_ids(server) == ["r-0"]


# Single cases


def clause(*values: Json, attribute: str = "plan", op: str = "in") -> dict[str, Json]:
    made = {"contextKind": "user", "attribute": attribute, "op": op, "negate": False}
    return {**made, "values": sorted(values)}


def rule(description: str | None, *clauses: Json, serve: Json = "one") -> dict[str, Json]:
    return {"description": description, "clauses": list(clauses) or [clause("a")], "serve": serve}


def patch(live: Json, desired: Json) -> list[Json]:
    return list(instructions(desired, server_with(live).document, "test"))


def kinds(found: Sequence[Json]) -> list[str]:
    return [instruction["kind"] for instruction in found]


def test_new_rule_goes_before_the_next_rule_that_is_there():
    live = {"rules": [rule("A"), rule("C", clause("c"))]}
    desired = {"rules": [rule("A"), rule("B", clause("b")), rule("C", clause("c"))]}
    assert patch(live, desired) == [
        {
            "kind": "addRule",
            "clauses": [clause("b")],
            "beforeRuleId": "r-1",
            "variationId": "id-one",
        }
    ]


def test_second_round_describes_the_rule_that_was_added():
    desired = {"rules": [rule("A"), rule("B", clause("b"))]}
    server = server_with({"rules": [rule("A")]})
    first, second = bring(server, desired)
    assert kinds(first) == ["addRule"]
    assert [*second] == [
        {"kind": "updateRuleDescription", "ruleId": rule_ids(server)[1], "description": "B"}
    ]


def test_first_rules_go_in_whole_because_no_id_can_be_lost():
    sent = bring(server_with({}), {"rules": [rule("A"), rule("B", clause("b"))]})
    assert [kinds(found) for found in sent] == [["replaceRules"]]


def test_renamed_rule_keeps_its_id():
    live, desired = {"rules": [rule("A"), rule("B", clause("b"))]}, {"rules": [rule("X")]}
    desired["rules"].append(rule("B", clause("b")))
    assert patch(live, desired) == [
        {"kind": "updateRuleDescription", "ruleId": "r-0", "description": "X"}
    ]


def test_reordering_names_exactly_the_rules_there_those_to_go_last():
    live = {"rules": [rule(name, clause(name)) for name in "ABC"]}
    desired = {"rules": [rule("C", clause("C")), rule("A", clause("A"))]}
    assert patch(live, desired) == [
        {"kind": "reorderRules", "ruleIds": ["r-2", "r-0", "r-1"]},
        {"kind": "removeRule", "ruleId": "r-1"},
    ]


def test_serve_alone_changes_by_one_instruction():
    half = {"rollout": {"one": 50, "two": 50}, "bucketBy": "key", "contextKind": "user"}
    assert patch({"rules": [rule("A")]}, {"rules": [rule("A", serve=half)]}) == [
        {
            "kind": "updateRuleVariationOrRollout",
            "ruleId": "r-0",
            "rolloutWeights": {"id-one": 50_000, "id-two": 50_000},
            "rolloutBucketBy": "key",
            "rolloutContextKind": "user",
        }
    ]


def test_one_more_value_is_added_to_the_clause():
    many = [f"organization-{number}" for number in range(40)]
    live, desired = (
        {"rules": [rule("A", clause(*many))]},
        {"rules": [rule("A", clause(*many, "x"))]},
    )
    assert patch(live, desired) == [
        {"kind": "addValuesToClause", "ruleId": "r-0", "clauseId": "c-0-0", "values": ["x"]}
    ]


def test_values_are_swapped_additions_first():
    many = [f"organization-{number}" for number in range(40)]
    live = {"rules": [rule("A", clause(*many, "x"))]}
    desired = {"rules": [rule("A", clause(*many, "y"))]}
    assert kinds(patch(live, desired)) == ["addValuesToClause", "removeValuesFromClause"]


def test_number_values_replace_the_whole_clause():
    live = {"rules": [rule("A", clause(*range(100), attribute="age", op="lessThan"))]}
    desired = {"rules": [rule("A", clause(*range(101), attribute="age", op="lessThan"))]}
    assert kinds(patch(live, desired)) == ["updateClause"]


def test_dropped_first_clause_is_removed_and_the_second_kept():
    live = {"rules": [rule("A", clause("a"), clause("b"))]}
    assert patch(live, {"rules": [rule("A", clause("b"))]}) == [
        {"kind": "removeClauses", "ruleId": "r-0", "clauseIds": ["c-0-0"]}
    ]


def test_first_clause_dropped_and_one_added_keeps_the_one_between():
    live = {"rules": [rule("A", clause("a"), clause("b"))]}
    assert patch(live, {"rules": [rule("A", clause("b"), clause("c"))]}) == [
        {"kind": "addClauses", "ruleId": "r-0", "clauses": [clause("c")]},
        {"kind": "removeClauses", "ruleId": "r-0", "clauseIds": ["c-0-0"]},
    ]


def test_added_clause_goes_to_the_end():
    live = {"rules": [rule("A", clause("a"))]}
    assert patch(live, {"rules": [rule("A", clause("a"), clause("b"))]}) == [
        {"kind": "addClauses", "ruleId": "r-0", "clauses": [clause("b")]}
    ]


def test_segment_clause_has_the_official_form():
    desired = canonical(
        {
            "rules": [
                {
                    "description": "Beta",
                    "clauses": [{"op": "segmentMatch", "values": ["beta"]}],
                    "serve": "one",
                }
            ]
        }
    )
    (found,) = patch({"rules": [rule("A")]}, {"rules": [rule("A"), *desired["rules"]]})
    assert found["clauses"] == [
        {
            "contextKind": "user",
            "attribute": "segmentMatch",
            "op": "segmentMatch",
            "negate": False,
            "values": ["beta"],
        }
    ]


def test_two_new_rules_with_equal_content_get_their_names_in_order():
    desired = {"rules": [rule("A"), rule("X", clause("x")), rule("Y", clause("x"))]}
    server = server_with({"rules": [rule("A")]})
    bring(server, desired)
    assert [one["description"] for one in read(server)["rules"]] == ["A", "X", "Y"]


def test_rules_without_ids_are_replaced():
    server = server_with({"rules": [rule("A"), rule("B", clause("b"))]})
    del server.document["environments"]["test"]["rules"][0]["_id"]
    found = instructions({"rules": [rule("A")]}, server.document, "test")
    assert kinds(found) == ["replaceRules"]


def test_rules_without_ids_that_are_as_desired_are_left_alone():
    server = server_with({"rules": [rule("A")]})
    del server.document["environments"]["test"]["rules"][0]["_id"]
    assert instructions({"rules": [rule("A")]}, server.document, "test") == ()


def test_ids_may_be_spelt_without_underscore():
    server = server_with({"rules": [rule("A")]})
    (live,) = server.document["environments"]["test"]["rules"]
    live["id"] = live.pop("_id")
    found = instructions({"rules": [rule("A", serve="two")]}, server.document, "test")
    assert found[0]["ruleId"] == "r-0"


def target(variation: str, *values: str, kind: str = "user") -> dict[str, Json]:
    return {"variation": variation, "contextKind": kind, "values": sorted(values)}


def test_moved_target_is_removed_before_it_is_added():
    many = [f"context-{number}" for number in range(50)]
    live = {"targets": [target("one", *many, "x"), target("two", "y")]}
    desired = {"targets": [target("one", *many), target("two", "x", "y")]}
    assert kinds(patch(live, desired)) == ["removeTargets", "addTargets"]


def test_many_moves_become_one_replacement():
    live = {"targets": [target("one", "a"), target("two", "b"), target("three", "c")]}
    desired = {"targets": [target("one", "b"), target("two", "c"), target("three", "a")]}
    assert kinds(patch(live, desired)) == ["replaceTargets"]


def test_last_targets_of_a_variation_are_cleared_for_all_kinds_at_once():
    live = {"targets": [target("one", "a"), target("one", "b", kind="device")]}
    assert patch(live, {"targets": None}) == [{"kind": "clearTargets", "variationId": "id-one"}]


def test_users_in_context_targets_are_the_same_targets():
    server = server_with({"targets": [target("one", "a")]})
    live = server.document["environments"]["test"]
    live["contextTargets"] = live.pop("targets")
    assert instructions({"targets": [target("one", "a")]}, server.document, "test") == ()


def test_unknown_variation_is_an_error_that_lists_the_known_ones():
    with pytest.raises(LdconfError, match="no variation 'four'") as caught:
        patch({}, {"fallthrough": "four"})
    assert "disabled, one, three, two" in (caught.value.hint or "")


# Experiments


def under_experiment(slot: Json) -> None:
    slot.pop("variation", None)
    slot["rollout"] = {
        "contextKind": "user",
        "experimentAllocation": {"type": "x", "defaultVariation": 0, "canReshuffle": True},
        "variations": [{"variation": 0, "weight": 50_000}, {"variation": 2, "weight": 50_000}],
    }


def test_experiment_on_the_fallthrough_equals_its_baseline():
    server = server_with({})
    under_experiment(server.document["environments"]["test"]["fallthrough"])
    assert read(server)["fallthrough"] == "one"
    assert instructions({"fallthrough": "one"}, server.document, "test") == ()


def test_experiment_rollout_is_not_overwritten_when_something_else_of_its_rule_changes():
    server = server_with({"rules": [rule("A"), rule("B", clause("b"))]})
    under_experiment(server.document["environments"]["test"]["rules"][0])
    desired = {"rules": [rule("A", clause("a", "b"), serve="two")]}
    found = instructions(desired, server.document, "test")
    assert "updateRuleVariationOrRollout" not in kinds(found)


def test_experiment_rollout_gives_way_to_a_variation_outside_of_it():
    server = server_with({})
    under_experiment(server.document["environments"]["test"]["fallthrough"])
    found = instructions({"fallthrough": "disabled"}, server.document, "test")
    assert kinds(found) == ["updateFallthroughVariationOrRollout"]


def test_approval_keeps_ids_of_reordered_rules_while_an_experiment_runs_on_one():
    server = server_with({"rules": [rule("A"), rule("B", clause("b"))]})
    under_experiment(server.document["environments"]["test"]["rules"][0])
    desired = {"rules": [rule("B", clause("b")), rule("A")]}
    found = approval_instructions(desired, server.document, "test")
    assert kinds(found) == ["reorderRules"]


# Approvals


def test_approval_replaces_all_rules_when_one_is_new():
    desired = {"rules": [rule("A"), rule("B", clause("b"))], "fallthrough": "two"}
    server = server_with({"rules": [rule("A")]})
    found = approval_instructions(desired, server.document, "test")
    assert kinds(found) == ["replaceRules", "updateFallthroughVariationOrRollout"]
    assert [one["description"] for one in found[0]["rules"]] == ["A", "B"]


def test_approval_edits_rules_that_stay_in_place():
    server = server_with({"rules": [rule("A")]})
    found = approval_instructions({"rules": [rule("A", serve="two")]}, server.document, "test")
    assert kinds(found) == ["updateRuleVariationOrRollout"]


def test_instructions_are_the_same_whatever_their_order_defaults_and_inner_ids():
    ours = [
        {"kind": "replaceRules", "rules": [{"description": "A", "clauses": [clause("a", "b")]}]},
        {
            "kind": "updateFallthroughVariationOrRollout",
            "rolloutWeights": {"i": 100_000},
            "rolloutBucketBy": "key",
            "rolloutContextKind": "user",
        },
    ]
    kept = {"attribute": "plan", "op": "in", "values": ["b", "a"], "_id": "c1"}
    theirs = [
        {"kind": "updateFallthroughVariationOrRollout", "rolloutWeights": {"i": 100_000, "j": 0}},
        {"kind": "replaceRules", "rules": [{"_id": "r", "description": "A", "clauses": [kept]}]},
    ]
    assert same_instructions(ours, theirs)


@pytest.mark.parametrize(
    "theirs",
    [
        [],
        [{"kind": "removeRule", "ruleId": "s"}],
        [{"kind": "removeRule", "ruleId": "r"}, {"kind": "removeRule", "ruleId": "r"}],
    ],
    ids=["none", "another rule", "once more"],
)
def test_instructions_that_ask_for_something_else_differ(theirs: list[Json]):
    assert not same_instructions([{"kind": "removeRule", "ruleId": "r"}], theirs)


# The server itself: it must be able to refuse


def test_server_refuses_a_key_of_another_variation():
    server = server_with({"targets": [target("one", "a")]})
    with pytest.raises(Refused, match="already targeted"):
        server.patch("test", [{"kind": "addTargets", "variationId": "id-two", "values": ["a"]}])


def test_server_keeps_everything_when_one_instruction_is_bad():
    server = server_with({"rules": [rule("A")]})
    before = canonical_json(server.document)
    bad = [{"kind": "removeRule", "ruleId": "r-0"}, {"kind": "reorderRules", "ruleIds": ["r-0"]}]
    with pytest.raises(Refused, match="not exactly"):
        server.patch("test", bad)
    assert canonical_json(server.document) == before
