"""Context -> variation, written by hand from the SDK's protocol; evaluated by the SDK itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ldclient import Context

from ldconf.compile import (
    Arm,
    EnvironmentTargeting,
    ExperimentSource,
    Split,
    TargetRule,
    compile_environment,
)
from ldconf.core.errors import LdconfError
from ldconf.kinds.clause import OPERATORS
from tests.compile.official import bot, result, sdk, served

Clause = dict[str, Any]


def clause(attribute: str, op: str, *values: Any, **more: Any) -> Clause:
    return {"attribute": attribute, "op": op, "values": list(values), **more}


def user(key: str = "u", **attributes: Any) -> dict[str, Any]:
    return {"kind": "user", "key": key, **attributes}


def one_rule(*clauses: Clause) -> EnvironmentTargeting:
    return EnvironmentTargeting(rules=[TargetRule("r1", clauses, "hit")], fallthrough="miss")


SEGMENTS = {
    "beta": {
        "included": ["in"],
        "excluded": ["out"],
        "includedContexts": [{"contextKind": "org", "values": ["acme"]}],
        "excludedContexts": [{"contextKind": "org", "values": ["evil"]}],
        "rules": [
            {"clauses": [clause("plan", "in", "gold")]},
            {"clauses": [clause("name", "in", "big", contextKind="org")]},
        ],
    },
    "outer": {"rules": [{"clauses": [{"op": "segmentMatch", "values": ["beta"]}]}]},
    "nobody": {"rules": [{"clauses": [clause("plan", "in", "gold")], "weight": 0}]},
    "everybody": {"rules": [{"clauses": [clause("plan", "in", "gold")], "weight": 100_000}]},
}

OPERATOR_TABLE: list[tuple[Clause, Mapping[str, Any], str]] = [
    # in: deep equality of the same JSON type; any element of an array
    (clause("plan", "in", "gold", "silver"), user(plan="silver"), "hit"),
    (clause("plan", "in", "gold"), user(plan="Gold"), "miss"),
    (clause("age", "in", 1), user(age=True), "miss"),
    (clause("groups", "in", "a"), user(groups=["b", "a"]), "hit"),
    (clause("plan", "in", "gold"), user(), "miss"),
    # texts
    (clause("email", "startsWith", "ann"), user(email="ann@x.org"), "hit"),
    (clause("email", "startsWith", "x"), user(email="ann@x.org"), "miss"),
    (clause("email", "endsWith", "x.org"), user(email="ann@x.org"), "hit"),
    (clause("email", "endsWith", "ann"), user(email="ann@x.org"), "miss"),
    (clause("email", "contains", "n@x"), user(email="ann@x.org"), "hit"),
    (clause("email", "contains", "z"), user(email="ann@x.org"), "miss"),
    (clause("age", "contains", "4"), user(age=42), "miss"),
    (clause("email", "matches", "^a.n@"), user(email="ann@x.org"), "hit"),
    (clause("email", "matches", "[0-9]"), user(email="ann@x.org"), "miss"),
    # numbers
    (clause("age", "lessThan", 18), user(age=17.9), "hit"),
    (clause("age", "lessThan", 18), user(age=18), "miss"),
    (clause("age", "lessThanOrEqual", 18), user(age=18), "hit"),
    (clause("age", "lessThanOrEqual", 18), user(age=18.1), "miss"),
    (clause("age", "greaterThan", 18), user(age=19), "hit"),
    (clause("age", "greaterThan", 18), user(age="19"), "miss"),
    (clause("age", "greaterThanOrEqual", 18), user(age=18), "hit"),
    (clause("age", "greaterThanOrEqual", 18), user(age=17), "miss"),
    # dates: ms since 1970 or RFC 3339, on either side
    (clause("since", "before", "2026-01-01T00:00:00Z"), user(since="2025-12-31T23:00:00Z"), "hit"),
    (clause("since", "before", "2026-01-01T00:00:00Z"), user(since=1_767_225_600_000), "miss"),
    (clause("since", "after", 1_767_225_600_000), user(since="2026-01-01T00:00:01Z"), "hit"),
    (clause("since", "after", 1_767_225_600_000), user(since="yesterday"), "miss"),
    # versions: missing parts are zero
    (clause("app", "semVerEqual", "2.1"), user(app="2.1.0"), "hit"),
    (clause("app", "semVerEqual", "2.1.0"), user(app="2.1.1"), "miss"),
    (clause("app", "semVerLessThan", "2.0.0"), user(app="2.0.0-rc.1"), "hit"),
    (clause("app", "semVerLessThan", "2.0.0"), user(app="2"), "miss"),
    (clause("app", "semVerGreaterThan", "2.9.0"), user(app="2.10.0"), "hit"),
    (clause("app", "semVerGreaterThan", "2.9.0"), user(app="new"), "miss"),
    # segments
    ({"op": "segmentMatch", "values": ["beta"]}, user("in"), "hit"),
    ({"op": "segmentMatch", "values": ["beta"]}, user("else"), "miss"),
    # negation: a missing attribute never matches, negated or not
    (clause("plan", "in", "gold", negate=True), user(plan="tin"), "hit"),
    (clause("plan", "in", "gold", negate=True), user(plan="gold"), "miss"),
    (clause("plan", "in", "gold", negate=True), user(), "miss"),
    ({"op": "segmentMatch", "values": ["beta"], "negate": True}, user("else"), "hit"),
    ({"op": "segmentMatch", "values": ["beta"], "negate": True}, user("in"), "miss"),
    # attribute paths, other kinds, the kind itself
    (clause("/address/city", "in", "Rome"), user(address={"city": "Rome"}), "hit"),
    (clause("/address/city", "in", "Rome"), user(address={"town": "Rome"}), "miss"),
    (clause("/a~1b", "in", 1), user(**{"a/b": 1}), "hit"),
    (clause("name", "in", "Acme", contextKind="org"), user(name="Acme"), "miss"),
    (
        clause("name", "in", "Acme", contextKind="org"),
        {"kind": "multi", "user": {"key": "u"}, "org": {"key": "o", "name": "Acme"}},
        "hit",
    ),
    (clause("kind", "in", "org"), {"kind": "org", "key": "o"}, "hit"),
    (clause("kind", "in", "org"), user(), "miss"),
]


@pytest.mark.parametrize(("condition", "context", "expected"), OPERATOR_TABLE)
def test_operators(condition: Clause, context: Mapping[str, Any], expected: str) -> None:
    source = bot(one_rule(condition), segments={"test": SEGMENTS})
    assert result(source, context) == expected


def test_every_operator_has_two_rows_that_differ() -> None:
    for operator in OPERATORS:
        outcomes = {expected for found, _, expected in OPERATOR_TABLE if found["op"] == operator}
        assert outcomes == {"hit", "miss"}, operator


def test_clauses_of_a_rule_must_all_hold() -> None:
    source = bot(one_rule(clause("plan", "in", "gold"), clause("age", "greaterThan", 18)))
    assert result(source, user(plan="gold", age=19)) == "hit"
    assert result(source, user(plan="gold", age=18)) == "miss"


def test_the_first_rule_that_matches_wins() -> None:
    rules = [
        TargetRule("r1", [clause("plan", "in", "gold")], "miss"),
        TargetRule("r2", [clause("plan", "in", "gold")], "hit"),
    ]
    source = bot(EnvironmentTargeting(rules=rules, fallthrough="hit"))
    assert result(source, user(plan="gold")) == "miss"


@pytest.mark.parametrize(
    ("segment", "context", "expected"),
    [
        ("beta", user("in"), "hit"),  # listed
        ("beta", {"kind": "org", "key": "acme"}, "hit"),  # listed, of another kind
        ("beta", user("acme"), "miss"),  # a user is no organisation
        ("beta", user("out", plan="gold"), "miss"),  # excluded although a rule matches
        ("beta", {"kind": "org", "key": "evil", "name": "big"}, "miss"),  # likewise
        ("beta", {"kind": "org", "key": "other", "name": "big"}, "hit"),  # by rule
        ("beta", user("else", plan="gold"), "hit"),  # by rule
        ("beta", user("else", plan="tin"), "miss"),
        ("outer", user("in"), "hit"),  # a segment within a segment
        ("outer", user("out"), "miss"),
        ("nobody", user(plan="gold"), "miss"),  # no share of those who match
        ("everybody", user(plan="gold"), "hit"),
        ("unknown", user("in"), "miss"),
    ],
)
def test_segments(segment: str, context: Mapping[str, Any], expected: str) -> None:
    condition = {"op": "segmentMatch", "values": [segment]}
    source = bot(one_rule(condition), segments={"test": SEGMENTS})
    assert result(source, context) == expected


def test_segments_of_another_environment_do_not_count() -> None:
    condition = {"op": "segmentMatch", "values": ["beta"]}
    source = bot(one_rule(condition), segments={"production": SEGMENTS})
    assert result(source, user("in")) == "miss"


TARGETS = [
    {"variation": "hit", "contextKind": "user", "values": ["ann"]},
    {"variation": "disabled", "contextKind": "user", "values": ["bob"]},
    {"variation": "hit", "contextKind": "org", "values": ["acme"]},
]


@pytest.mark.parametrize(
    ("targets", "context", "expected"),
    [
        (TARGETS[:2], user("ann"), "hit"),  # users alone
        (TARGETS[:2], user("bob"), "disabled"),
        (TARGETS[:2], user("cid"), "miss"),
        (TARGETS[:2], {"kind": "org", "key": "ann"}, "miss"),
        (TARGETS, user("ann"), "hit"),  # users beside other kinds
        (TARGETS, user("bob"), "disabled"),
        (TARGETS, {"kind": "org", "key": "acme"}, "hit"),
        (TARGETS, user("acme"), "miss"),
        (TARGETS, {"kind": "multi", "user": {"key": "cid"}, "org": {"key": "acme"}}, "hit"),
    ],
)
def test_targets(targets: list[dict[str, Any]], context: Mapping[str, Any], expected: str) -> None:
    assert result(bot(EnvironmentTargeting(targets, fallthrough="miss")), context) == expected


def test_a_target_comes_before_rules_and_is_in_no_experiment() -> None:
    arms = (Arm("hit", 50_000), Arm("miss", 50_000))
    targeting = EnvironmentTargeting(
        targets=[{"variation": "hit", "contextKind": "user", "values": ["ann"]}],
        rules=[TargetRule("r", [clause("key", "in", "ann")], "miss")],
        fallthrough=Split(arms, seed=61, experiment=True),
    )
    with sdk(compile_environment(bot(targeting), "test")) as client:
        detail = client.variation_detail("bot", Context.create("ann"), None)
    assert detail.reason == {"kind": "TARGET_MATCH"}


# Bucket of each key, of flag `support-agent` with salt `salt1`: user-1 0.4556585747037317,
# user-2 0.98060; with seed 61: user-1 0.80184, user-2 0.17057. By attribute n=33: 0.08048473.
@pytest.mark.parametrize(
    ("first_weight", "key", "expected"),
    [
        (45_565, "user-1", "miss"),  # 0.45565 is not greater than the bucket
        (45_566, "user-1", "hit"),  # 0.45566 is
        (98_060, "user-2", "miss"),
        (98_061, "user-2", "hit"),
        (0, "user-1", "miss"),
        (100_000, "user-2", "hit"),
    ],
)
def test_edges_of_a_rollout(first_weight: int, key: str, expected: str) -> None:
    arms = (Arm("hit", first_weight), Arm("miss", 100_000 - first_weight))
    targeting = EnvironmentTargeting(fallthrough=Split(arms), salt="salt1")
    source = bot(targeting, key="support-agent")
    assert result(source, user(key), "support-agent") == expected


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (user("u", n=33), "hit"),  # 0.08048 < 0.08049
        (user("u", n="user-2"), "miss"),
        (user("u", n=33.5), "hit"),  # neither text nor whole number: bucket 0
        (user("u"), "hit"),  # likewise
    ],
)
def test_a_rollout_by_attribute(context: Mapping[str, Any], expected: str) -> None:
    arms = (Arm("hit", 8_049), Arm("miss", 91_951))
    targeting = EnvironmentTargeting(fallthrough=Split(arms, bucket_by="n"), salt="salt1")
    assert result(bot(targeting, key="support-agent"), context, "support-agent") == expected


def test_a_rollout_by_another_kind() -> None:
    arms = (Arm("hit", 45_566), Arm("miss", 54_434))
    targeting = EnvironmentTargeting(fallthrough=Split(arms, context_kind="org"), salt="salt1")
    source = bot(targeting, key="support-agent")
    assert result(source, {"kind": "org", "key": "user-1"}, "support-agent") == "hit"
    assert result(source, {"kind": "org", "key": "user-2"}, "support-agent") == "miss"
    assert result(source, user("user-2"), "support-agent") == "hit"  # no such kind: the first arm


def test_a_new_ai_config_serves_disabled() -> None:
    assert result(bot(None), user()) == "disabled"


def test_disabled_may_be_served_like_any_variation() -> None:
    split = Split((Arm("disabled", 100_000), Arm("hit", 0)))
    assert result(bot(EnvironmentTargeting(fallthrough=split)), user()) == "disabled"


def test_targeting_that_is_off_serves_the_off_variation_to_everybody() -> None:
    targeting = EnvironmentTargeting(TARGETS, fallthrough="hit", on=False)
    assert result(bot(targeting), user("ann")) == "disabled"
    targeting = EnvironmentTargeting(fallthrough="hit", on=False, off_variation="miss")
    assert result(bot(targeting), user("ann")) == "miss"


EXPERIMENT = ExperimentSource(
    "test-models", "test", "bot", {"hit": 50, "miss": 50}, remainder="miss", seed=61
)


def detail_of(experiment: ExperimentSource, context: Context) -> tuple[str, dict[str, Any]]:
    targeting = EnvironmentTargeting(
        rules=[TargetRule("r1", [clause("plan", "in", "gold")], "miss", "Gold users")],
        fallthrough="miss",
    )
    compiled = compile_environment(bot(targeting, experiments=[experiment]), "test")
    with sdk(compiled) as client:
        found = client.variation_detail("bot", context, None)
    return found.value["_ldMeta"]["variationKey"], found.reason


@pytest.mark.parametrize(("key", "expected"), [("user-1", "miss"), ("user-2", "hit")])
def test_a_running_experiment_divides_by_its_seed_and_exposes(key: str, expected: str) -> None:
    found = detail_of(EXPERIMENT, Context.create(key))
    assert found == (expected, {"kind": "FALLTHROUGH", "inExperiment": True})


def test_the_rest_of_the_traffic_is_not_in_the_experiment() -> None:
    part = ExperimentSource("e", "test", "bot", {"miss": 10, "hit": 10}, "hit", seed=61)
    assert detail_of(part, Context.create("user-1")) == ("hit", {"kind": "FALLTHROUGH"})
    variation, reason = detail_of(part, Context.create("user-2"))  # 0.17 is in the second arm
    assert (variation, reason.get("inExperiment")) == ("hit", True)


def test_without_the_unit_a_context_is_not_in_the_experiment() -> None:
    by_org = ExperimentSource("e", "test", "bot", {"hit": 50, "miss": 50}, "miss", unit="org")
    assert detail_of(by_org, Context.create("user-1")) == ("hit", {"kind": "FALLTHROUGH"})


@pytest.mark.parametrize("rule", ["r1", "Gold users"])
def test_an_experiment_on_a_rule(rule: str) -> None:
    on_rule = ExperimentSource("e", "test", "bot", {"hit": 100}, "miss", rule=rule, seed=1)
    gold = Context.from_dict(user(plan="gold"))
    variation, reason = detail_of(on_rule, gold)
    assert variation == "hit"
    assert (reason["ruleId"], reason["inExperiment"]) == ("r1", True)
    assert detail_of(on_rule, Context.create("u"))[0] == "miss"


def test_an_experiment_of_another_environment_changes_nothing() -> None:
    elsewhere = ExperimentSource("e", "production", "bot", {"hit": 100}, "hit")
    assert detail_of(elsewhere, Context.create("u")) == ("miss", {"kind": "FALLTHROUGH"})


def test_an_experiment_on_a_rule_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LdconfError, match="which the targeting of bot in test does not have"):
        detail_of(ExperimentSource("e", "test", "bot", {"hit": 100}, "hit", rule="x"), None)


def test_another_iteration_shuffles_everybody() -> None:
    arms = {"hit": 50, "miss": 50}
    first = ExperimentSource("e", "test", "bot", arms, "miss")
    second = ExperimentSource("e", "test", "bot", arms, "miss", iteration=2)
    keys = [f"u{number}" for number in range(200)]
    answers = []
    for experiment in (first, second, first):
        source = bot(experiments=[experiment], targeting=EnvironmentTargeting())
        with sdk(compile_environment(source, "test")) as client:
            answers.append([served(client, user(key)) for key in keys])
    assert answers[0] == answers[2]
    same = sum(one == other for one, other in zip(answers[0], answers[1], strict=True))
    assert 60 < same < 140
