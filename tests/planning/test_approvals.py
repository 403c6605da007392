from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import ApprovalNeed, NoteKind, Plan
from ldconf.core.errors import LdconfError
from ldconf.core.live import Environment, Live, PendingApproval, RunningExperiment
from ldconf.kinds.targeting import observed as targeting_observed
from ldconf.planning.approvals import LiveFacts
from ldconf.planning.planner import plan
from tests import build
from tests.planning.scenes import (
    BOT,
    PRODUCTION,
    A,
    B,
    edited,
    files,
    guards,
    notes,
    planned,
    verbs,
)

APPROVED = Environment("production", approvals=frozenset({"aiconfig"}))
C = "aiConfigs/bot/variations/c"
CLAUSE = {"contextKind": "user", "attribute": "plan", "op": "in", "negate": False, "values": ["x"]}


def document(production: Any) -> dict[str, Any]:
    """Return a targeting document whose variations are disabled, a, b with ids id-0, id-1, id-2."""
    variations: list[Any] = [
        {"_id": "id-0", "name": "disabled", "value": {"_ldMeta": {"enabled": False}}}
    ]
    for number, key in enumerate("ab", 1):
        meta = {"enabled": True, "variationKey": key}
        variations.append({"_id": f"id-{number}", "name": key, "value": {"_ldMeta": meta}})
    block = {"enabled": True, "_version": 1, "rules": [], "targets": [], **production}
    test = {"enabled": True, "rules": [], "targets": [], "fallthrough": {"variation": 1}}
    return {
        "key": "bot",
        "variations": variations,
        "environments": {"test": test, "production": block},
    }


def live_under_approval(
    environment: Environment = APPROVED, rules: list[Any] | None = None, **more: Any
) -> Live:
    """Return the live state where production requires approval and serves a."""
    live = build.as_live(files(), environments=("test", environment), **more)
    whole = document({"fallthrough": {"variation": 1}, "rules": rules or []})
    found = targeting_observed(whole, "production")
    return build.replace(live, observed={**live.observed, build.at(PRODUCTION): found})


def pending(*instructions: Any, key: str = "req-1") -> PendingApproval:
    """Return a pending request for production."""
    return PendingApproval(key, "bot", "production", instructions)


def serve(number: int) -> dict[str, Any]:
    """Return the instruction that makes production serve a variation."""
    return {"kind": "updateFallthroughVariationOrRollout", "variationId": f"id-{number}"}


TO_B = edited({PRODUCTION: {"fallthrough": "b"}})


def test_targeting_change_needs_an_approval_request() -> None:
    found = planned(TO_B, live_under_approval())
    assert verbs(found) == {PRODUCTION: "update"}
    assert found.approvals == (ApprovalNeed(build.at(PRODUCTION)),)
    assert {at.address for at in found.change_hashes} == {build.at(PRODUCTION)}


def test_other_environment_needs_none() -> None:
    found = planned(
        edited({"aiConfigs/bot/targeting/test": {"fallthrough": "a"}}), live_under_approval()
    )
    assert found.approvals == ()


def test_pending_request_with_equal_instructions_is_no_change() -> None:
    found = planned(TO_B, live_under_approval(approvals=[pending(serve(2))]))
    assert found.changes == ()
    assert found.approvals == ()
    assert [address for address, _ in notes(found, NoteKind.PENDING)] == [PRODUCTION]
    assert found.unchanged == 5


def test_pending_request_with_other_instructions_is_named() -> None:
    found = planned(TO_B, live_under_approval(approvals=[pending(serve(0))]))
    assert found.approvals == (ApprovalNeed(build.at(PRODUCTION), blocked_by="req-1"),)


def test_pending_request_for_another_place_does_not_count() -> None:
    elsewhere = PendingApproval("req-2", "bot", "test", (serve(2),))
    found = planned(TO_B, live_under_approval(approvals=[elsewhere]))
    assert found.approvals == (ApprovalNeed(build.at(PRODUCTION)),)


def test_request_for_a_variation_of_this_plan_cannot_be_pending_already() -> None:
    desired = edited({C: {"name": "C"}, PRODUCTION: {"fallthrough": "c"}})
    found = planned(desired, live_under_approval(approvals=[pending(serve(2))]))
    assert found.approvals == (ApprovalNeed(build.at(PRODUCTION), blocked_by="req-1"),)


def test_new_ai_config_needs_approval_for_its_targeting() -> None:
    live = build.live(environments=("test", APPROVED))
    found = plan(files(), live, None)
    assert found.approvals == (ApprovalNeed(build.at(PRODUCTION)),)


def test_archive_waits_for_a_pending_request() -> None:
    retire: Any = {
        A: {"state": "archived"},
        PRODUCTION: {"fallthrough": "b"},
        "aiConfigs/bot/targeting/test": {"fallthrough": "b"},
    }
    found = planned(edited(retire), live_under_approval(approvals=[pending(serve(2))]))
    assert list(verbs(found)) == ["aiConfigs/bot/targeting/test"]
    assert found.refusals == ()
    waiting = dict(notes(found, NoteKind.PENDING))[A]
    assert waiting.startswith("waits for a pending approval request")


def test_archive_stays_in_the_plan_beside_a_request_to_open() -> None:
    retire: Any = {
        A: {"state": "archived"},
        PRODUCTION: {"fallthrough": "b"},
        "aiConfigs/bot/targeting/test": {"fallthrough": "b"},
    }
    found = planned(edited(retire), live_under_approval())
    assert verbs(found)[A] == "archive"


@pytest.mark.parametrize(
    ("tags", "needed"), [(["payments"], True), (["other"], False), (None, False)]
)
def test_approval_by_tag_of_the_ai_config(tags: Any, needed: bool) -> None:
    environment = Environment("production", approval_tags={"aiconfig": frozenset({"payments"})})
    live = live_under_approval(environment)
    tagged = build.observed(BOT, name="Bot", mode="agent", tags=tags)
    live = build.replace(live, observed={**live.observed, build.at(BOT): tagged})
    assert bool(planned(TO_B, live).approvals) is needed


def with_rule(description: str = "R", serve: str = "b") -> Any:
    """Return the workspace with one rule in production."""
    rule = {"description": description, "clauses": [CLAUSE], "serve": serve}
    return edited({PRODUCTION: {"rules": [rule]}})


def experiment(rule: str) -> RunningExperiment:
    """Return a draft experiment in production."""
    return RunningExperiment("exp", "Exp", "production", "bot", "draft", rule)


def test_rule_cannot_be_requested_where_an_experiment_names_a_rule() -> None:
    live = live_under_approval(experiments=[experiment("rule-1")])
    assert guards(planned(with_rule(), live)) == {PRODUCTION: "approval"}


def test_rule_can_be_requested_beside_an_experiment_on_the_default_rule() -> None:
    live = live_under_approval(experiments=[experiment("fallthrough")])
    assert verbs(planned(with_rule(), live)) == {PRODUCTION: "update"}


def test_changed_rule_can_be_requested_where_an_experiment_names_a_rule() -> None:
    rule = {
        "_id": "rule-1",
        "description": "R",
        "clauses": [{"_id": "c", **CLAUSE}],
        "variation": 1,
    }
    live = live_under_approval(rules=[rule], experiments=[experiment("rule-1")])
    found = planned(with_rule(serve="b"), live, with_rule(serve="a"))
    assert verbs(found) == {PRODUCTION: "update"}


def segments(changes: Any, **environment: Any) -> Plan:
    """Return the plan of a segment's changes where segments need approval."""
    live_fields = {"name": "Beta", "included": ["u1"]}
    base = build.workspace({"segments/beta/production": live_fields})
    live = build.as_live(base, environments=("test", Environment("production", **environment)))
    desired = build.workspace({"segments/beta/production": {**live_fields, **changes}})
    return plan(desired, live, base)


def test_gated_change_of_a_segment_is_refused() -> None:
    found = segments({"included": ["u1", "u2"]}, approvals=frozenset({"segment"}))
    assert guards(found) == {"segments/beta/production": "approval"}


def test_name_of_a_segment_is_not_gated() -> None:
    found = segments({"name": "New"}, approvals=frozenset({"segment"}))
    assert verbs(found) == {"segments/beta/production": "update"}
    assert found.approvals == ()


def test_segment_without_the_tag_is_not_gated() -> None:
    found = segments({"included": []}, approval_tags={"segment": frozenset({"vip"})})
    assert verbs(found) == {"segments/beta/production": "update"}


@pytest.mark.parametrize(("fields", "refused"), [({"included": ["u"]}, True), ({}, False)])
def test_new_segment_is_gated_by_its_members(fields: Any, refused: bool) -> None:
    desired = build.workspace({"segments/beta/production": {"name": "Beta", **fields}})
    gate = Environment("production", approvals=frozenset({"segment"}))
    found = plan(desired, build.live(environments=("test", gate)), None)
    assert bool(found.refusals) is refused


def test_delete_of_a_segment_is_not_gated() -> None:
    base = build.workspace({"segments/beta/production": {"name": "Beta", "included": ["u"]}})
    gate = Environment("production", approvals=frozenset({"segment"}))
    live = build.as_live(base, environments=("test", gate))
    found = plan(build.workspace({}, removed=["segments/beta/production"]), live, base)
    assert verbs(found) == {"segments/beta/production": "delete"}


def test_facts_of_a_plan_are_those_of_the_live_state() -> None:
    facts = LiveFacts(live_under_approval(member="m1"))
    assert (facts.project, facts.member) == ("shop", "m1")
    assert facts.version(build.at("tools/search")) == 1
    assert facts.version(build.at("tools/none")) is None
    assert facts.model_name(build.MODEL) == "gpt-4o"
    assert facts.model_name("No.model") is None
    assert facts.targeting("bot")["key"] == "bot"
    with pytest.raises(LdconfError, match="was not read"):
        facts.targeting("other")


def test_edit_of_a_variation_that_is_not_served_there_is_free() -> None:
    assert verbs(planned(edited({B: {"name": "Bee"}}), live_under_approval())) == {B: "update"}
