"""Reading and applying against the local LaunchDarkly: its traps, and what apply makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ldlocal import OPTIONS, WORLD, Local, workspace

from ldconf.api.apply import ApplyOptions
from ldconf.api.live import Wants
from ldconf.core.address import Address
from ldconf.core.change import ApprovalNeed, Delete, FieldDiff, Phase, Plan, Update
from ldconf.core.outcome import Applied, Awaiting, Failed, Outcome, Skipped
from ldconf.emulator.faults import Drop
from ldconf.kinds.variation_live import wanted_fields
from ldconf.planning.planner import plan

AGENT = "/projects/shop/ai-configs/agent"
TARGETING = f"{AGENT}/targeting"
_WORLD: list[Local] = []


async def world() -> Local:
    """Return a local LaunchDarkly that holds the world; made once, copied for each test."""
    if not _WORLD:
        made = Local.new()
        assert failures(await made.run(workspace())) == []
        _WORLD.append(made)
    return _WORLD[0].clone()


def failures(outcomes: list[Outcome]) -> list[str]:
    return [
        f"{type(found).__name__} {found.change.address}: {getattr(found, 'reason', '')}"
        for found in outcomes
        if not isinstance(found, Applied)
    ]


async def variation(local: Local, key: str) -> Any:
    """Return the highest version of a variation."""
    rows = await local.send("GET", f"{AGENT}/variations/{key}")
    return max(rows["items"], key=lambda row: row["version"])


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_world_is_made_and_the_next_plan_is_empty(concurrency: int) -> None:
    local = Local.new()
    outcomes = await local.run(workspace(), replace(OPTIONS, concurrency=concurrency))
    assert failures(outcomes) == []
    assert {str(found.change.address) for found in outcomes} == set(WORLD)
    assert (await local.plan(workspace())).changes == ()
    assert local.clock.waits == []


async def test_request_budget_of_a_read_is_exact() -> None:
    local = await world()
    files = workspace()
    fields = frozenset(
        (address, name)
        for address, resource in files.resources.items()
        for name in wanted_fields(resource)
    )
    await local.live(Wants(fields=fields))
    assert sorted(path.partition("?")[0] for _, path in local.requests) == [
        "/members/me",
        "/metrics/shop",
        "/projects/shop",
        "/projects/shop/agent-graphs",
        "/projects/shop/agent-graphs/team",
        "/projects/shop/ai-configs",
        "/projects/shop/ai-configs/agent/targeting",
        "/projects/shop/ai-configs/judge/targeting",
        "/projects/shop/ai-configs/model-configs",
        "/projects/shop/ai-tools",
        "/projects/shop/environments",
        "/projects/shop/experiments",
        "/projects/shop/metric-groups",
        "/segments/shop/production",
        "/segments/shop/test",
    ]


async def test_targeting_that_nobody_wants_is_not_read() -> None:
    local = await world()
    live = await local.live(Wants(fields=frozenset(), targeting=frozenset({"judge"})))
    read = [path for _, path in local.requests if path.endswith("/targeting")]
    assert read == ["/projects/shop/ai-configs/judge/targeting"]
    assert live.read_targeting == {"judge"}


async def test_comments_carry_provenance() -> None:
    local = await world()
    comment = (await variation(local, "one"))["comment"]
    assert comment.startswith("ldconf abc1234 i=")


# Traps of the API


async def test_new_variation_is_waited_for_in_targeting() -> None:
    local = await world()
    local.faults.hidden_reads = 3
    files = workspace(
        aiConfigs__agent__variations__three={"name": "Three", "instructions": "Three"},
        aiConfigs__agent__targeting__production={"fallthrough": "three"},
    )
    assert failures(await local.run(files)) == []
    assert local.clock.waits == [2.0, 2.0, 2.0]


async def test_variation_that_never_shows_up_in_targeting_is_named() -> None:
    local = await world()
    local.faults.hidden_reads = 999
    files = workspace(
        aiConfigs__agent__variations__three={"name": "Three", "instructions": "Three"},
        aiConfigs__agent__targeting__production={"fallthrough": "three"},
    )
    assert failures(await local.run(files)) == [
        "Failed aiConfigs/agent/targeting/production: variation 'three' does not show up in the "
        "targeting of 'agent' after 30 s"
    ]
    assert sum(local.clock.waits) == 30.0


async def test_stale_reads_of_a_variation_are_waited_out() -> None:
    local = await world()
    local.faults.stale_reads = 2
    files = workspace(aiConfigs__agent__variations__one={"instructions": "Changed"})
    assert failures(await local.run(files)) == []
    await variation(local, "one")
    await variation(local, "one")
    found = await variation(local, "one")
    assert (found["version"], found["instructions"]) == (2, "Changed")


async def test_text_that_a_create_loses_is_sent_once_more() -> None:
    local = await world()
    local.faults.create_loses_texts = True
    three = {"name": "Three", "instructions": "Three"}
    files = workspace(aiConfigs__agent__variations__three=three)
    (outcome,) = await local.run(files)
    assert outcome == Applied(outcome.change, requests=2)
    assert (await variation(local, "three"))["instructions"] == "Three"


@pytest.mark.parametrize("texts", ["config-only", "nowhere"])
async def test_create_whose_answer_holds_the_texts_is_believed(texts: Any) -> None:
    local = await world()
    local.faults.texts = texts
    three = {"name": "Three", "instructions": "Three"}
    (outcome,) = await local.run(workspace(aiConfigs__agent__variations__three=three))
    assert outcome == Applied(outcome.change, requests=1)


@pytest.mark.parametrize("texts", ["config-only", "nowhere"])
async def test_texts_that_are_not_returned_do_not_fail_the_write(texts: Any) -> None:
    local = await world()
    local.faults.texts = texts
    files = workspace(aiConfigs__agent__variations__one={"instructions": "Changed"})
    assert failures(await local.run(files)) == []
    local.faults.texts = "everywhere"
    assert (await variation(local, "one"))["instructions"] == "Changed"
    assert (await local.plan(files)).changes == ()


async def test_disguised_rate_limit_is_waited_out() -> None:
    local = await world()
    local.faults.disguise_429 = True
    files = workspace(aiConfigs__other={"name": "Other", "mode": "completion"})
    live = await local.live()
    local.faults.throttle_next = 1
    assert failures(await local.apply(plan(files, live, None), live)) == []
    assert local.clock.waits[0] in (2.0, 5.0)


async def test_rate_limits_are_followed_without_an_error() -> None:
    local = await world()
    local.faults.global_limit = 5
    await local.live()
    assert sum(local.clock.waits) > 0


@pytest.mark.parametrize("conflicts", [1, 2])
async def test_optimistic_conflicts_are_retried(conflicts: int) -> None:
    local = await world()
    local.faults.optimistic_conflicts = conflicts
    assert failures(await local.run(workspace(metrics__clicks={"name": "Changed"}))) == []


async def test_transient_delete_is_repeated() -> None:
    local = await world()
    local.faults.transient_delete = True
    live = await local.live()
    gone = [Address.parse(path) for path in ("agentGraphs/team", "aiConfigs/agent")]
    deletes = tuple(Delete(address, live.observed[address].resource) for address in gone)
    outcomes = await local.apply(Plan("shop", "_root", deletes, "digest", {}), live)
    assert failures(outcomes) == []
    assert local.clock.waits == [2.0]


@pytest.mark.parametrize("status", [400, 409])
async def test_create_of_what_somebody_else_just_made_is_compared(status: int) -> None:
    local = await world()
    local.faults.duplicate_status = status
    files = workspace(tools__fresh={"schema": {"type": "object"}, "description": "Ours"})
    live = await local.live()
    found = plan(files, live, None)
    body = {"key": "fresh", "schema": {"type": "object"}, "description": "Theirs"}
    await local.send("POST", "/projects/shop/ai-tools", body)
    (reason,) = failures(await local.apply(found, live))
    assert "tools/fresh exists already, with other content (description)" in reason

    await local.send("PATCH", "/projects/shop/ai-tools/fresh", {"description": "Ours"})
    assert failures(await local.apply(found, live)) == []


async def test_read_only_token_fails_every_change_with_the_role_needed() -> None:
    local = await world()
    local.token = "api-read-only"
    outcomes = await local.run(workspace(tools__search={"description": "Changed"}))
    failed = [found for found in outcomes if isinstance(found, Failed)]
    assert "403" in failed[0].reason
    assert failed[0].hint is not None
    assert "role" in failed[0].hint


# What moved since the plan


async def test_targeting_that_moved_since_the_plan_is_not_overwritten() -> None:
    local = await world()
    files = workspace(aiConfigs__agent__targeting__production={"fallthrough": "two"})
    live = await local.live()
    found = plan(files, live, None)
    theirs = await _serve(local, "production", "disabled")
    (reason,) = failures(await local.apply(found, live))
    assert "`fallthrough` changed in LaunchDarkly since the plan" in reason
    assert local.writes == []
    document = await local.send("GET", TARGETING)
    assert document["environments"]["production"]["_version"] == theirs


async def test_targeting_that_moved_elsewhere_is_written() -> None:
    local = await world()
    files = workspace(aiConfigs__agent__targeting__production={"fallthrough": "two"})
    live = await local.live()
    found = plan(files, live, None)
    await _serve(local, "test", "disabled")
    assert failures(await local.apply(found, live)) == []


async def _serve(local: Local, environment: str, key: str) -> int:
    """Make the fallthrough serve a variation, as somebody else; return the new version."""
    document = await local.send("GET", TARGETING)
    ids = {
        entry["value"]["_ldMeta"].get("variationKey", "disabled"): entry["_id"]
        for entry in document["variations"]
    }
    step = {"kind": "updateFallthroughVariationOrRollout", "variationId": ids[key]}
    body = {"environmentKey": environment, "instructions": [step]}
    document = await local.send("PATCH", TARGETING, body, semantic=True)
    version: int = document["environments"][environment]["_version"]
    return version


# Targeting in rounds

NEW_RULE = {
    "description": "Staff",
    "clauses": [{"attribute": "staff", "op": "in", "values": [True]}],
    "serve": "one",
}


def with_new_rule() -> Any:
    rules = [*WORLD["aiConfigs/agent/targeting/test"]["rules"], NEW_RULE]
    return workspace(aiConfigs__agent__targeting__test={"rules": rules})


async def rules_of(local: Local) -> list[tuple[str, str]]:
    document = await local.send("GET", TARGETING)
    rules = document["environments"]["test"]["rules"]
    return [(rule["_id"], rule.get("description", "")) for rule in rules]


async def test_new_rule_is_added_then_described_and_old_rules_keep_their_ids() -> None:
    local = await world()
    before = await rules_of(local)
    (outcome,) = await local.run(with_new_rule())
    assert outcome == Applied(outcome.change, requests=2)
    after = await rules_of(local)
    assert after[:2] == before
    assert after[2][1] == "Staff"


@pytest.mark.parametrize("fault", ["after", 500])
@pytest.mark.parametrize("nth", [0, 1])
async def test_new_rule_is_never_doubled(fault: Any, nth: int) -> None:
    local = await world()
    live = await local.live()
    found = plan(with_new_rule(), live, None)
    patches = [f"PATCH-{number}" for number in range(nth)]
    # The first PATCH is request 1 (after the fresh read), the second one request 3.
    local.faults.requests = 0
    local.faults.inject(Drop.AFTER if fault == "after" else fault, at=1 + 2 * len(patches))
    await local.apply(found, live)
    local.faults.injections.clear()
    assert failures(await local.run(with_new_rule())) == []
    names = [name for _, name in await rules_of(local)]
    assert names == ["Premium", "Beta", "Staff"]


async def test_variation_write_without_an_answer_makes_one_version() -> None:
    local = await world()
    local.faults.inject(Drop.AFTER, method="PATCH", path="*/variations/one")
    files = workspace(aiConfigs__agent__variations__one={"instructions": "Changed"})
    assert failures(await local.run(files)) == []
    assert (await variation(local, "one"))["version"] == 2


# Variations: archive, restore, pins


async def test_archive_and_restore() -> None:
    local = await world()
    archived = workspace(
        aiConfigs__agent__variations__two={"state": "archived"},
        aiConfigs__agent__targeting__test={"rules": None, "fallthrough": "one"},
    )
    assert failures(await local.run(archived)) == []
    assert (await variation(local, "two"))["state"] == "archived"
    again = workspace(aiConfigs__agent__variations__two={"instructions": "Back again"})
    assert failures(await local.run(again)) == []
    found = await variation(local, "two")
    assert (found["state"], found["instructions"]) == ("published", "Back again")


async def test_restore_without_an_answer_goes_on_to_the_edit() -> None:
    local = await world()
    elsewhere = {"aiConfigs__agent__targeting__test": {"rules": None, "fallthrough": "one"}}
    archived = {"aiConfigs__agent__variations__two": {"state": "archived"}}
    assert failures(await local.run(workspace(**archived, **elsewhere))) == []
    local.faults.inject(Drop.AFTER, method="PATCH", path="*/variations/two")
    edited = {"aiConfigs__agent__variations__two": {"instructions": "Back again"}}
    assert failures(await local.run(workspace(**edited, **elsewhere))) == []
    found = await variation(local, "two")
    assert (found["version"], found["instructions"]) == (4, "Back again")


async def test_restore_of_what_is_published_by_now_is_an_edit() -> None:
    local = await world()
    archived = workspace(
        aiConfigs__agent__variations__two={"state": "archived"},
        aiConfigs__agent__targeting__test={"rules": None, "fallthrough": "one"},
    )
    assert failures(await local.run(archived)) == []
    files = workspace(
        aiConfigs__agent__variations__two={"instructions": "Back again"},
        aiConfigs__agent__targeting__test={"rules": None, "fallthrough": "one"},
    )
    live = await local.live()
    found = plan(files, live, None)
    await local.send("PATCH", f"{AGENT}/variations/two", {"state": "published"})
    assert failures(await local.apply(found, live)) == []
    assert (await variation(local, "two"))["instructions"] == "Back again"


async def test_tool_and_model_config_are_pinned_anew() -> None:
    local = await world()
    files = workspace(
        tools__search={"description": "Changed"},
        **{"modelConfigs__Custom.small": {"params": {"temperature": 1}}},
    )
    assert failures(await local.run(files)) == []
    found = await variation(local, "one")
    assert [(tool["key"], tool["version"]) for tool in found["tools"]] == [("search", 2)]
    assert found["modelConfigVersion"] == 2
    assert (await local.plan(files)).changes == ()


@pytest.mark.parametrize("path", ["*/ai-tools/search", "*/model-configs/Custom.small"])
async def test_pins_stay_when_what_they_follow_failed(path: str) -> None:
    local = await world()
    local.faults.inject(422, method="PATCH", path=path)
    files = workspace(
        tools__search={"description": "Changed"},
        **{"modelConfigs__Custom.small": {"params": {"temperature": 1}}},
    )
    outcomes = await local.run(files)
    skipped = [found for found in outcomes if isinstance(found, Skipped)]
    assert str(skipped[-1].change.address) == "aiConfigs/agent/variations/one"
    assert (await variation(local, "one"))["version"] == 1


# Approvals


async def gated(*environments: str) -> Local:
    """The world, with approvals required in these environments (production)."""
    local = await world()
    for key in environments or ("production",):
        body = {"environmentKey": key, "resourceKind": "aiConfig", "required": True}
        path = "/approval-requests/projects/shop/settings"
        await local.send("PATCH", path, body, beta=True)
    live = await local.live()
    assert live.environments["production"].approvals == {"aiconfig"}
    return local


SERVE_TWO = {"aiConfigs__agent__targeting__production": {"fallthrough": "two"}}
PRODUCTION = Address.parse("aiConfigs/agent/targeting/production")


async def test_approval_request_is_opened_once_and_reused() -> None:
    local = await gated()
    first = await local.run(workspace(**SERVE_TWO))
    (opened,) = first
    assert isinstance(opened, Awaiting)
    assert not opened.reused
    assert [method for method, _ in local.writes] == ["POST"]
    live = await local.live()
    need = ApprovalNeed(PRODUCTION)
    # A plan made before the request was opened, or by somebody who does not look.
    found = replace(plan(workspace(**SERVE_TWO), live, None), approvals=(need,))
    changes = found.changes or (opened.change,)
    (again,) = await local.apply(replace(found, changes=changes), live)
    assert again == Awaiting(again.change, opened.request_id, reused=True)
    assert local.writes == []


async def test_pending_requests_are_listed_once_per_apply() -> None:
    local = await gated("production", "test")
    both = {**SERVE_TWO, "aiConfigs__agent__targeting__test": {"fallthrough": "two"}}
    outcomes = await local.run(workspace(**both))
    assert [type(found) for found in outcomes] == [Awaiting, Awaiting]
    listed = [path for method, path in local.requests if method == "GET" and "approval" in path]
    assert len(listed) == 1


async def test_request_with_other_instructions_is_left_alone_and_named() -> None:
    local = await gated()
    (opened,) = await local.run(workspace(**SERVE_TWO))
    assert isinstance(opened, Awaiting)
    other = workspace(aiConfigs__agent__targeting__production={"fallthrough": "disabled"})
    live = await local.live()
    found = plan(other, live, None)
    found = replace(
        found,
        changes=found.changes or found.refused,
        refused=(),
        approvals=(ApprovalNeed(PRODUCTION),),
    )
    (skipped,) = await local.apply(found, live)
    assert isinstance(skipped, Skipped)
    assert opened.request_id in skipped.reason
    assert local.writes == []


async def test_approval_request_without_an_answer_is_not_opened_twice() -> None:
    local = await gated()
    local.faults.inject(Drop.AFTER, method="POST", path="/approval-requests")
    (opened,) = await local.run(workspace(**SERVE_TWO))
    assert isinstance(opened, Awaiting)
    listed = await local.send("GET", "/approval-requests")
    assert len(listed["items"]) == 1


async def test_approval_that_the_plan_did_not_expect_is_a_failure_with_a_hint() -> None:
    local = await gated()
    live = await local.live()
    found = replace(plan(workspace(**SERVE_TWO), live, None), approvals=())
    (failed,) = await local.apply(found, live)
    assert isinstance(failed, Failed)
    assert "approval is required" in failed.reason
    assert failed.hint is not None
    assert "plan again" in failed.hint


async def test_approval_request_that_is_refused_says_how_to_open_it_by_hand() -> None:
    local = await gated()
    local.faults.inject(400, method="POST", path="/approval-requests")
    (failed,) = await local.run(workspace(**SERVE_TWO))
    assert isinstance(failed, Failed)
    assert failed.hint is not None
    assert '"kind": "updateFallthroughVariationOrRollout"' in failed.hint


@pytest.mark.parametrize("fault", [403, Drop.BEFORE], ids=["forbidden", "dropped before"])
async def test_approval_request_that_was_not_opened_is_a_failure(fault: Any) -> None:
    local = await gated()
    local.faults.inject(fault, method="POST", path="/approval-requests")
    (failed,) = await local.run(workspace(**SERVE_TWO))
    assert isinstance(failed, Failed)
    assert "POST /approval-requests" in failed.reason
    (opened,) = await local.run(workspace(**SERVE_TWO))
    assert isinstance(opened, Awaiting)


async def test_approval_is_not_asked_for_what_is_there_by_now() -> None:
    local = await gated()
    live = await local.live()
    found = plan(workspace(**SERVE_TWO), live, None)
    again = workspace(aiConfigs__agent__targeting__production={"fallthrough": "one"})
    same = replace(found, changes=(_as_update(again, live),))
    (outcome,) = await local.apply(same, live)
    assert outcome == Applied(outcome.change, requests=0)
    assert local.writes == []


def _as_update(files: Any, live: Any) -> Update:
    resource = files.resources[PRODUCTION]
    value = resource.managed()["fallthrough"]
    return Update(PRODUCTION, resource, (FieldDiff("fallthrough", None, value),), Phase.TARGETING)


async def test_kind_without_approvals_cannot_await_one() -> None:
    local = await world()
    live = await local.live()
    found = plan(workspace(tools__search={"description": "Changed"}), live, None)
    need = ApprovalNeed(Address.parse("tools/search"))
    outcomes = await local.apply(replace(found, approvals=(need,)), live)
    assert failures(outcomes)[0].startswith(
        "Failed tools/search: a tool cannot go through an approval request"
    )


async def test_bare_403_where_approvals_are_on_is_explained() -> None:
    local = await gated()
    live = await local.live()
    found = replace(plan(workspace(**SERVE_TWO), live, None), approvals=())
    local.faults.inject(403, method="PATCH", path="*/targeting")
    (failed,) = await local.apply(found, live)
    assert isinstance(failed, Failed)
    assert failed.hint is not None
    assert "requires approvals" in failed.hint


# Deletes


def deletes(live: Any, *paths: str, **fields: Any) -> Plan:
    found = tuple(
        Delete(address, live.observed[address].resource)
        for address in (Address.parse(path) for path in paths)
    )
    return Plan("shop", "_root", found, "digest", {}, **fields)


async def test_delete_of_what_a_failed_delete_may_use_is_skipped() -> None:
    local = await world()
    live = await local.live()
    local.faults.inject(422, method="DELETE", path="*/agent-graphs/team")
    outcomes = await local.apply(deletes(live, "agentGraphs/team", "aiConfigs/agent"), live)
    assert [type(found) for found in outcomes] == [Failed, Skipped]
    skipped = outcomes[1]
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "builds upon agentGraphs/team, which failed"


async def test_refused_delete_does_not_hold_other_deletes() -> None:
    local = await world()
    live = await local.live()
    (refused,) = deletes(live, "aiConfigs/agent").changes
    outcomes = await local.apply(deletes(live, "agentGraphs/team", refused=(refused,)), live)
    assert failures(outcomes) == []


async def test_write_of_a_text_that_is_not_returned_is_known_by_its_comment() -> None:
    local = await world()
    local.faults.texts = "nowhere"
    local.faults.inject(Drop.AFTER, method="PATCH", path="*/variations/one")
    files = workspace(aiConfigs__agent__variations__one={"instructions": "Changed"})
    assert failures(await local.run(files)) == []
    assert (await variation(local, "one"))["version"] == 2


# Convergence

CHANGED = {
    "tools__search": {"description": "Changed"},
    "tools__fresh": {"schema": {"type": "object"}},
    "metrics__clicks": {"name": "Changed"},
    "aiConfigs__agent": {"description": "Changed"},
    "aiConfigs__fresh": {"name": "Fresh", "mode": "completion"},
    "aiConfigs__agent__variations__three": {"name": "Three", "instructions": "Three"},
    "aiConfigs__agent__variations__two": {"instructions": "Changed"},
    "segments__beta__test": {"included": ["a", "c"]},
    "aiConfigs__agent__targeting__production": {"fallthrough": "three"},
}


def end_state(live: Any) -> dict[str, Any]:
    """Return what must be equal however one got there: values and version counters."""
    return {
        str(address): (found.resource.managed(), found.version)
        for address, found in live.observed.items()
    }


@pytest.mark.no_cover  # what these run is covered elsewhere
@pytest.mark.parametrize(
    ("first", "fault"), list(enumerate([500, 429, "before", "after", "killed"]))
)
async def test_single_fault_converges_on_the_second_run(first: int, fault: Any) -> None:
    rules = [NEW_RULE, *WORLD["aiConfigs/agent/targeting/test"]["rules"]]
    files = workspace(**CHANGED, aiConfigs__agent__targeting__test={"rules": rules})
    start = await world()
    smooth = start.clone()
    assert failures(await smooth.run(files)) == []
    total = len(smooth.requests)
    wanted = end_state(await smooth.live())
    live = await start.live()
    found = plan(files, live, None)
    for index in range(first, total, 5):  # every request meets one of the faults
        local = start.clone()
        options = OPTIONS
        if fault == "killed":
            options = _killed_after(local, index)
        else:
            failure = {"before": Drop.BEFORE, "after": Drop.AFTER}.get(fault, fault)
            local.faults.inject(failure, at=index)
        await local.apply(found, live, options)
        local.faults.injections.clear()
        assert failures(await local.run(files)) == [], index
        assert end_state(await local.live()) == wanted, index


def _killed_after(local: Local, index: int) -> ApplyOptions:
    """Everything from this request on fails: what the server sees when the process is gone."""
    for later in range(index, index + 200):
        local.faults.inject(401, at=later)
    return OPTIONS
