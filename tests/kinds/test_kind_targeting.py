"""The kind `targeting`: model, projection of the API's document, reads and requests."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import Archive, Create, Delete, FieldDiff, Restore, Transition, Update
from ldconf.core.errors import LdconfError
from ldconf.core.kind import Request
from ldconf.core.live import Environment
from ldconf.core.resource import Json, same
from ldconf.kinds.ai_config import AIConfig
from ldconf.kinds.targeting import TARGETING, Targeting, observed
from ldconf.kinds.targeting_document import VariationIds, live_targeting, variation_keys
from tests import strategies_ai as strategies
from tests.kinds.ai_fakes import Facts, Reader
from tests.kinds.official import accepts
from tests.kinds.targeting_server import TargetingServer, block, document

TEST = targeting_address("bot", "test")
CONFIGS = "/projects/pets/ai-configs"
PATH = f"{CONFIGS}/bot/targeting"
KEYS = ["one", "two", "three"]
SERVED = [*KEYS, "disabled"]
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

CLAUSE = {"attribute": "plan", "op": "in", "values": ["a"]}
WHOLE_CLAUSE = {**CLAUSE, "contextKind": "user", "negate": False}


def managed(**fields: Json) -> dict[str, Json]:
    return Targeting.model_validate(fields).managed()


def problem(**fields: Json) -> str:
    with pytest.raises(ValidationError) as caught:
        managed(**fields)
    (error,) = caught.value.errors()
    return error["msg"].removeprefix("Value error, ")


def rule(description: str = "A", **fields: Json) -> dict[str, Json]:
    return {"description": description, "clauses": [CLAUSE], "serve": "one", **fields}


def live(**fields: Json) -> dict[str, Json]:
    """Return the canonical targeting of an environment whose block has these fields."""
    found = live_targeting(document({"test": block(**fields)}, KEYS), "test")
    return Targeting.from_live(found).managed()


# The model


@given(drawn=strategies.targetings(SERVED, ["beta"]))
@quick
def test_managed_values_validate_again_as_the_same_resource(drawn: Json):
    found = managed(**drawn)
    assert managed(**found) == found


@given(drawn=strategies.targetings(SERVED, ["beta"]))
@quick
def test_written_form_reads_back_as_the_same(drawn: Json):
    found = managed(**drawn)
    written = Targeting.model_validate(found).document()
    assert managed(**written) == {name: value for name, value in found.items() if value is not None}


@given(drawn=strategies.switched_off(KEYS))
@quick
def test_switched_off_serves_disabled_to_all(drawn: Json):
    off = Targeting.model_validate(drawn)
    assert off.compiled().managed() == {
        "targets": None,
        "rules": None,
        "fallthrough": "disabled",
    }


def test_targets_of_one_slot_are_merged_and_sorted():
    targets = [
        {"variation": "two", "values": ["c", "b"]},
        {"variation": "one", "contextKind": "device", "values": ["x"]},
        {"variation": "two", "contextKind": "user", "values": ["a", "b"]},
        {"variation": "three", "values": []},
    ]
    assert managed(targets=targets)["targets"] == [
        {"variation": "one", "contextKind": "device", "values": ["x"]},
        {"variation": "two", "contextKind": "user", "values": ["a", "b", "c"]},
    ]


def test_clauses_have_all_five_fields():
    assert managed(rules=[rule()])["rules"][0]["clauses"] == [WHOLE_CLAUSE]


def test_order_of_rules_matters():
    assert managed(rules=[rule("A"), rule("B")]) != managed(rules=[rule("B"), rule("A")])


def test_null_targets_and_rules_mean_empty():
    assert managed(targets=None, rules=None) == managed(targets=[], rules=[])


@pytest.mark.parametrize("fields", [{"fallthrough": None}, {"rules": [rule(serve=None)]}])
def test_null_is_no_serve(fields: Json):
    assert problem(**fields) == "takes a variation key, or `rollout:` with percentages"


def test_description_of_a_rule_is_required():
    nameless = rule()
    del nameless["description"]
    assert problem(rules=[nameless]) == "Field required"


def test_description_of_a_rule_is_unique():
    assert problem(rules=[rule("A"), rule("B"), rule("A")]) == (
        "rules 1 and 3 have the same description 'A'; it is what tells rules apart"
    )


def test_a_context_cannot_get_two_variations():
    targets = [{"variation": "one", "values": ["a"]}, {"variation": "two", "values": ["a"]}]
    assert problem(targets=targets) == "user 'a' cannot get both 'one' and 'two'"


def test_a_key_of_two_kinds_is_two_contexts():
    targets = [
        {"variation": "one", "values": ["a"]},
        {"variation": "two", "contextKind": "device", "values": ["a"]},
    ]
    assert len(managed(targets=targets)["targets"]) == 2


def test_rollout_never_stands_beside_clauses():
    assert problem(rules=[rule(rollout={"one": 100})]) == "Extra inputs are not permitted"


def test_off_false_is_compiled_away():
    assert Targeting.model_validate({"off": False, "rules": None}).compiled().managed() == {
        "rules": None
    }


def test_switching_off_leaves_unmanaged_fields_for_the_planner_to_judge():
    off = Targeting.model_validate({"off": True, "fallthrough": "one"})
    assert off.compiled().managed() == {"fallthrough": "disabled"}


def test_written_form_has_no_defaults():
    fallthrough = {"rollout": {"one": 40, "two": 60}}
    segment = {"op": "segmentMatch", "values": ["beta"]}
    found = managed(rules=[rule(clauses=[CLAUSE, segment])], fallthrough=fallthrough)
    assert Targeting.model_validate(found).document() == {
        "rules": [rule(clauses=[CLAUSE, segment])],
        "fallthrough": fallthrough,
    }


def test_written_form_says_what_is_not_default():
    clause = {**CLAUSE, "contextKind": "device", "negate": True}
    assert Targeting.model_validate({"rules": [rule(clauses=[clause])]}).document() == {
        "rules": [rule(clauses=[clause])]
    }


def test_nameless_live_rules_are_written_with_a_name():
    found = live_targeting(
        document({"test": block(rules=[{"clauses": [CLAUSE], "variation": 0}])}, KEYS), "test"
    )
    (written,) = Targeting.from_live(found).document()["rules"]
    assert written["description"] == "rule-1"


# The API's document


def test_variation_keys_come_from_meta_then_key_then_unique_name():
    entries = [
        {"_id": "1", "name": "One", "value": {"_ldMeta": {"variationKey": "one"}}},
        {"_id": "2", "name": "Two", "key": "two", "value": {}},
        {"_id": "3", "name": "three"},
        {"_id": "4", "name": "twin", "value": "text"},
        {"_id": "5", "name": "twin"},
        {"_id": "6", "name": "disabled", "value": {"_ldMeta": {"enabled": False}}},
    ]
    assert variation_keys({"variations": entries}) == (
        "one",
        "two",
        "three",
        "#3",
        "#4",
        "disabled",
    )


def test_variation_without_a_key_is_shown_by_its_number():
    whole = document({"test": block(fallthrough={"variation": 3})}, KEYS)
    whole["variations"][3] = {**whole["variations"][2], "_id": "id-x", "value": {}, "key": ""}
    whole["variations"][2]["value"] = {}
    found = observed(whole, "test")
    assert found.resource.managed()["fallthrough"] == "#3"
    assert found.meta["unsupported"] == (
        "the fallthrough serves a variation without a key (number 3)"
    )


def test_ids_of_a_key_that_two_variations_have_are_not_guessed():
    twin = {"name": "A", "value": {"_ldMeta": {"variationKey": "one"}}}
    ids = VariationIds({"key": "bot", "variations": [{"_id": "1", **twin}, {"_id": "2", **twin}]})
    with pytest.raises(LdconfError, match="AI Config 'bot' has no variation 'one'"):
        ids["one"]


def test_born_targeting_serves_disabled():
    assert live() == {"targets": None, "rules": None, "fallthrough": "disabled"}


def test_user_targets_may_stand_in_either_list():
    targets = [{"contextKind": "user", "values": ["b"], "variation": 0}]
    contexts = [
        {"contextKind": "user", "values": ["a"], "variation": 0},
        {"contextKind": "device", "values": ["x"], "variation": 2},
    ]
    assert live(targets=targets, contextTargets=contexts)["targets"] == [
        {"variation": "one", "contextKind": "user", "values": ["a", "b"]},
        {"variation": "two", "contextKind": "device", "values": ["x"]},
    ]


def test_live_rollout_is_a_map_without_zero_arms():
    arms = [
        {"variation": 0, "weight": 12_345},
        {"variation": 2, "weight": 87_655},
        {"variation": 3, "weight": 0},
    ]
    assert live(fallthrough={"rollout": {"variations": arms, "seed": 3}})["fallthrough"] == {
        "rollout": {"one": 12.345, "two": 87.655},
        "bucketBy": "key",
        "contextKind": "user",
    }


def test_arms_of_one_variation_count_together():
    arms = [{"variation": 0, "weight": 40_000}, {"variation": 0, "weight": 60_000}]
    assert live(fallthrough={"rollout": {"variations": arms}})["fallthrough"] == "one"


def test_live_rule_without_description_gets_none():
    (found,) = live(rules=[{"_id": "r", "clauses": [], "variation": 0, "description": ""}])["rules"]
    assert "description" not in found


def test_what_files_cannot_say_is_named():
    rules = [{"_id": "r", "clauses": [WHOLE_CLAUSE], "variation": 9, "disabled": True}]
    found = observed(document({"test": block(rules=rules)}, KEYS), "test")
    assert found.meta["unsupported"] == (
        "rule 1 serves a variation without a key (number 9); rule 1 is disabled"
    )


def test_condition_that_no_file_could_hold_is_named():
    rules = [{"_id": "r", "clauses": [{**WHOLE_CLAUSE, "op": "guess"}], "variation": 0}]
    found = observed(document({"test": block(rules=rules)}, KEYS), "test")
    assert "rules.0.clauses.0.op" in found.meta["unsupported"]


@pytest.mark.parametrize(
    "rollout",
    [
        {"experimentAllocation": {"defaultVariation": 2, "type": "x", "canReshuffle": True}},
        {"kind": "experiment", "experimentAllocation": {"defaultVariation": 2}},
    ],
)
def test_experiment_is_projected_to_what_is_served_outside(rollout: Json):
    arms = [{"variation": 0, "weight": 50_000}, {"variation": 2, "weight": 50_000}]
    assert live(fallthrough={"rollout": {**rollout, "variations": arms}})["fallthrough"] == "two"


def test_experiment_without_allocation_is_projected_to_its_untracked_arm():
    arms = [
        {"variation": 0, "weight": 10_000},
        {"variation": 2, "weight": 10_000},
        {"variation": 3, "weight": 80_000, "_untracked": True},
    ]
    assert live(fallthrough={"rollout": {"variations": arms}})["fallthrough"] == "three"


def test_experiment_that_tells_no_baseline_is_projected_to_the_documents():
    arms = [{"variation": 0, "weight": 50_000}, {"variation": 2, "weight": 50_000}]
    rollout = {"kind": "experiment", "variations": arms}
    found = document({"test": block(fallthrough={"rollout": rollout})}, KEYS)
    found["experiments"]["baselineIdx"] = 2
    assert live_targeting(found, "test").fallthrough == "two"


def test_baseline_of_the_document_counts_only_if_it_is_an_arm():
    arms = [{"variation": 2, "weight": 50_000}, {"variation": 3, "weight": 50_000}]
    rollout = {"kind": "experiment", "variations": arms}
    assert live(fallthrough={"rollout": rollout})["fallthrough"] == "two"


def test_meta_holds_what_only_the_api_knows():
    experiment = {"kind": "experiment", "variations": [{"variation": 0, "weight": 100_000}]}
    rules = [
        {"_id": "r0", "clauses": [], "variation": 0},
        {"id": "r1", "clauses": [], "rollout": experiment},
    ]
    whole = document(
        {
            "test": block(
                rules=rules, fallthrough={"rollout": experiment}, enabled=False, _version=9
            )
        },
        KEYS,
    )
    meta = observed(whole, "test").meta
    assert meta["raw"] is whole["environments"]["test"]
    assert meta["document"] is whole
    assert (meta["enabled"], meta["version"]) == (False, 9)
    assert meta["rule_ids"] == ["r0", "r1"]
    assert meta["experiment_slots"] == [1, "fallthrough"]


def test_live_resource_has_every_field_of_the_model_but_off():
    found = observed(document({"test": block()}, KEYS), "test").resource
    assert found.managed_names == {"targets", "rules", "fallthrough"}


# Reads


def reader(*targetings: str, answers: Json = None) -> Reader:
    whole = document({"test": block(), "production": block(), "gone": block()}, KEYS)
    lists = [{"key": "bot"}, {"key": "other"}]
    return Reader(
        {CONFIGS: lists, PATH: whole, **(answers or {})}, targetings=frozenset(targetings)
    )


async def test_fetch_reads_one_document_for_all_environments_of_the_project():
    found = reader("bot")
    addresses = [str(address) for address, _ in await TARGETING.fetch(found)]
    assert addresses == ["aiConfigs/bot/targeting/test", "aiConfigs/bot/targeting/production"]
    assert [path for path, _ in found.seen] == [CONFIGS, PATH]


async def test_fetch_reads_no_document_that_nobody_wants():
    found = reader()
    assert list(await TARGETING.fetch(found)) == []
    assert [path for path, _ in found.seen] == [CONFIGS]


async def test_fetch_passes_over_an_ai_config_that_vanished():
    assert list(await TARGETING.fetch(reader("other"))) == []


async def test_fetch_passes_over_an_environment_that_the_document_lacks():
    found = reader("bot")
    found.environments = (Environment("test"), Environment("new"))
    assert [address.parts[3] for address, _ in await TARGETING.fetch(found)] == ["test"]


async def test_read_returns_one_environment():
    found = await TARGETING.read(reader(), TEST)
    assert found is not None
    assert found.resource.managed()["fallthrough"] == "disabled"


@pytest.mark.parametrize(
    "address", [targeting_address("bot", "new"), targeting_address("other", "test")], ids=str
)
async def test_read_returns_none_for_what_is_absent(address: Json):
    assert await TARGETING.read(reader(), address) is None


# References


def test_references_name_served_variations_and_segments_with_their_places():
    resource = Targeting.model_validate(
        {
            "targets": [{"variation": "two", "values": ["a"]}],
            "rules": [
                rule(clauses=[CLAUSE, {"op": "segmentMatch", "values": ["x", "beta"]}]),
                rule("B", serve={"rollout": {"one": 50, "disabled": 50}}),
            ],
            "fallthrough": "three",
        }
    )
    found = TARGETING.references(TEST, resource)
    assert [(str(one.target), one.path, one.served) for one in found] == [
        ("aiConfigs/bot/variations/two", ("targets", 0, "variation"), True),
        ("aiConfigs/bot/variations/one", ("rules", 0, "serve"), True),
        ("aiConfigs/bot/variations/one", ("rules", 1, "serve", "rollout", "one"), True),
        ("aiConfigs/bot/variations/three", ("fallthrough",), True),
        ("segments/x/test", ("rules", 0, "clauses", 1, "values", 0), False),
        ("segments/beta/test", ("rules", 0, "clauses", 1, "values", 1), False),
    ]


def test_unmanaged_fallthrough_is_no_reference():
    assert TARGETING.references(TEST, Targeting.model_validate({"rules": None})) == []


def test_references_of_another_resource_are_a_programming_error():
    with pytest.raises(TypeError, match="not targeting"):
        TARGETING.references(TEST, AIConfig())


# Requests


def facts(server: TargetingServer) -> Facts:
    return Facts(documents={"bot": server.document})


def create(server: TargetingServer, fields: Json) -> list[Request]:
    change = Create(TEST, Targeting.model_validate(fields))
    return list(TARGETING.requests(change, facts(server)))


def test_targeting_of_a_new_ai_config_is_set_whole_in_one_patch():
    server = TargetingServer(document({"test": block()}, KEYS))
    fields = {"rules": [rule()], "fallthrough": "two", "targets": None}
    (request,) = create(server, fields)
    assert accepts(request)
    assert (request.method, request.path, request.semantic) == ("PATCH", PATH, True)
    assert (request.body["environmentKey"], request.body["comment"]) == ("test", "ldconf 0123abc")

    server.patch("test", request.body["instructions"])

    assert same(live(**server.document["environments"]["test"]), managed(**fields))
    assert create(server, fields) == []


def test_update_sends_only_the_fields_that_the_plan_shows():
    server = TargetingServer(document({"test": block()}, KEYS))
    diff = FieldDiff("fallthrough", "disabled", "one")
    change = Update(
        TEST, Targeting.model_validate({"fallthrough": "one", "rules": [rule()]}), (diff,)
    )
    (request,) = TARGETING.requests(change, facts(server))
    assert request.body["instructions"] == [
        {"kind": "updateFallthroughVariationOrRollout", "variationId": "id-one"}
    ]


def test_environment_that_the_document_lacks_is_an_error_that_lists_the_others():
    server = TargetingServer(document({"production": block()}, KEYS))
    with pytest.raises(LdconfError, match="no targeting in environment 'test'") as caught:
        create(server, {"fallthrough": "one"})
    assert caught.value.hint == "environments it has: production"


def test_approval_request_names_the_resource_and_holds_all_instructions():
    assert TARGETING.approval is not None
    server = TargetingServer(document({"test": block()}, KEYS))
    change = Create(TEST, Targeting.model_validate({"rules": [rule()], "fallthrough": "two"}))
    request = TARGETING.approval(change, facts(server))
    assert accepts(request)
    assert (request.method, request.path) == ("POST", "/approval-requests")
    assert request.body["resourceId"] == "proj/pets:env/test:aiconfig/bot"
    assert [one["kind"] for one in request.body["instructions"]] == [
        "replaceRules",
        "updateFallthroughVariationOrRollout",
    ]
    assert request.body["instructions"][0]["rules"][0]["description"] == "A"


@pytest.mark.parametrize(
    "change",
    [
        Archive(TEST),
        Restore(TEST, Targeting()),
        Delete(TEST, Targeting()),
        Transition(TEST, "start", Targeting()),
    ],
    ids=lambda change: type(change).__name__,
)
def test_other_changes_are_a_programming_error(change: Json):
    with pytest.raises(TypeError, match="targeting has no"):
        TARGETING.requests(change, Facts())
