from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest
from scripted import Clock
from tiny import Tiny

from ldconf.api.apply import ApplyOptions, apply
from ldconf.api.live import Wants, read_live
from ldconf.api.reader import LiveReader
from ldconf.core.address import Address
from ldconf.core.change import (
    Change,
    Conflict,
    Create,
    Delete,
    FieldDiff,
    Plan,
    Update,
)
from ldconf.core.live import Live
from ldconf.core.outcome import Applied, Failed, Outcome, Skipped
from ldconf.core.resource import same
from ldconf.kinds.metric import METRIC, Metric
from ldconf.kinds.metric_group import MetricGroup
from ldconf.kinds.tool import TOOL, Tool

CLICKS = Address.of("metrics", "clicks")
VIEWS = Address.of("metrics", "views")
GROUP = Address.of("metricGroups", "funnel")
SEARCH = Address.of("tools", "search")


def metric(**fields: Any) -> Metric:
    given = {"kind": "custom", "eventKey": "click", "isNumeric": False, **fields}
    return Metric.model_validate(given)


def tool(**fields: Any) -> Tool:
    return Tool.model_validate({"schema": {"type": "object"}, **fields})


def group(*metrics: str) -> MetricGroup:
    return MetricGroup.model_validate(
        {"kind": "standard", "metrics": [{"key": key} for key in metrics], "maintainerId": "m"}
    )


def update(address: Address, after: Any, *names: str) -> Update:
    values = after.managed()
    diffs = tuple(FieldDiff(name, None, values[name]) for name in names or values)
    return Update(address, after, diffs)


def plan(*changes: Change, **fields: Any) -> Plan:
    return Plan("shop", "_root", tuple(changes), "digest", {}, **fields)


OPTIONS = ApplyOptions(comment="c", commit="abc")
EMPTY = Live("shop", {}, {}, member="me")


async def live_of(tiny: Tiny) -> Live:
    """Read the metrics and tools that the tiny server holds."""
    observed = {}
    async with tiny.client() as client:
        reader = LiveReader(client, "shop")
        for kind in (METRIC, TOOL):
            observed.update(await kind.fetch(reader))
    tiny.log.clear()
    return replace(EMPTY, observed=observed)


async def run(
    tiny: Tiny,
    changes: Plan,
    live: Live = EMPTY,
    options: ApplyOptions = OPTIONS,
    clock: Clock | None = None,
) -> list[Outcome]:
    async with tiny.client(clock) as client:
        return [outcome async for outcome in apply(changes, live, client, options)]


def words(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(type(found).__name__, str(found.change.address)) for found in outcomes]


async def test_create_is_sent_and_read_back() -> None:
    tiny = Tiny()
    outcomes = await run(tiny, plan(Create(CLICKS, metric())))
    assert outcomes == [Applied(Create(CLICKS, metric()), requests=1)]
    assert tiny.log == [("POST", "/metrics/shop"), ("GET", "/metrics/shop/clicks")]
    assert tiny.objects["/metrics/shop/clicks"]["eventKey"] == "click"


async def test_update_is_read_before_and_after() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    live = await live_of(tiny)
    outcomes = await run(tiny, plan(update(SEARCH, tool(description="New"), "description")), live)
    assert words(outcomes) == [("Applied", "tools/search")]
    assert [method for method, _ in tiny.log] == ["GET", "PATCH", "GET"]
    assert tiny.objects["/projects/shop/ai-tools/search"]["description"] == "New"


async def test_update_that_somebody_else_made_sends_nothing() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    live = await live_of(tiny)
    tiny.objects["/projects/shop/ai-tools/search"]["description"] = "New"
    outcomes = await run(tiny, plan(update(SEARCH, tool(description="New"), "description")), live)
    assert [found.requests for found in outcomes if isinstance(found, Applied)] == [0]
    assert tiny.writes == []


async def test_field_that_moved_since_the_plan_is_not_overwritten() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    live = await live_of(tiny)
    tiny.objects["/projects/shop/ai-tools/search"]["description"] = "Theirs"
    outcomes = await run(tiny, plan(update(SEARCH, tool(description="New"), "description")), live)
    assert isinstance(outcomes[0], Failed)
    assert "`description` changed in LaunchDarkly since the plan" in outcomes[0].reason
    assert tiny.writes == []


async def test_other_field_that_moved_since_the_plan_does_not_matter() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    live = await live_of(tiny)
    tiny.objects["/projects/shop/ai-tools/search"]["tags"] = ["theirs"]
    outcomes = await run(tiny, plan(update(SEARCH, tool(description="New"), "description")), live)
    assert words(outcomes) == [("Applied", "tools/search")]


async def test_update_without_a_planned_state_has_nothing_to_be_stale_against() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    outcomes = await run(tiny, plan(update(SEARCH, tool(description="New"), "description")), EMPTY)
    assert words(outcomes) == [("Applied", "tools/search")]


async def test_update_of_something_deleted_since_the_plan_fails() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    live = await live_of(tiny)
    tiny.objects.clear()
    outcomes = await run(tiny, plan(update(SEARCH, tool(description="New"), "description")), live)
    assert isinstance(outcomes[0], Failed)
    assert "deleted in LaunchDarkly since the plan" in outcomes[0].reason


async def test_field_that_is_ignored_silently_is_a_failure() -> None:
    tiny = Tiny(forgets=frozenset({"description"}))
    outcomes = await run(tiny, plan(Create(SEARCH, tool(description="Search"))))
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].reason == "LaunchDarkly did not keep `description`"


async def test_late_read_is_waited_for() -> None:
    tiny = Tiny(stale=3)
    clock = Clock()
    outcomes = await run(tiny, plan(Create(SEARCH, tool())), clock=clock)
    assert words(outcomes) == [("Applied", "tools/search")]
    assert clock.waits == [2.0, 2.0, 2.0]


async def test_read_that_never_shows_the_write_is_a_failure() -> None:
    tiny = Tiny(stale=99)
    clock = Clock()
    outcomes = await run(tiny, plan(Create(SEARCH, tool())), clock=clock)
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].reason == "LaunchDarkly does not show it after the write"
    assert clock.waits == [2.0] * 10


async def test_unversioned_mismatch_is_given_up_sooner() -> None:
    tiny = Tiny(forgets=frozenset({"description"}), versioned=False)
    clock = Clock()
    await run(tiny, plan(Create(SEARCH, tool(description="Search"))), clock=clock)
    assert clock.waits == [2.0, 2.0] * 2  # after the create, and after the edit that it owed


async def test_delete_is_read_back_and_twice_is_done() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool())))
    outcomes = await run(tiny, plan(Delete(SEARCH, tool())))
    assert words(outcomes) == [("Applied", "tools/search")]
    assert tiny.objects == {}
    again = await run(tiny, plan(Delete(SEARCH, tool())))
    assert [found.requests for found in again if isinstance(found, Applied)] == [0]


async def test_delete_that_has_no_effect_is_a_failure() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool())))
    tiny.stale = 99
    outcomes = await run(tiny, plan(Delete(SEARCH, tool())))
    assert isinstance(outcomes[0], Failed)
    assert "still shows it" in outcomes[0].reason


# Doubt: the answer does not tell whether the request had its effect


@pytest.mark.parametrize("fault", [500, "before", "after"])
async def test_create_without_an_answer_is_looked_for_and_never_doubled(fault: Any) -> None:
    tiny = Tiny(faults={0: fault})
    outcomes = await run(tiny, plan(Create(SEARCH, tool(description="S"))))
    assert words(outcomes) == [("Applied", "tools/search")]
    assert tiny.objects["/projects/shop/ai-tools/search"]["version"] == 1
    assert len(tiny.writes) == (1 if fault == "after" else 2)


async def test_create_of_an_equal_object_is_done() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="S"))))
    outcomes = await run(tiny, plan(Create(SEARCH, tool(description="S"))))
    assert words(outcomes) == [("Applied", "tools/search")]


async def test_create_of_a_different_object_fails_and_changes_nothing() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Theirs"))))
    outcomes = await run(tiny, plan(Create(SEARCH, tool(description="Ours"))))
    assert isinstance(outcomes[0], Failed)
    assert "tools/search exists already, with other content (description)" in outcomes[0].reason
    assert tiny.objects["/projects/shop/ai-tools/search"]["description"] == "Theirs"


async def test_create_that_is_refused_says_why() -> None:
    tiny = Tiny(faults={0: 422})
    outcomes = await run(tiny, plan(Create(CLICKS, metric())))
    assert isinstance(outcomes[0], Failed)
    assert "422 to POST /metrics/shop (metrics/clicks): planned failure" in outcomes[0].reason


async def test_conflict_on_update_is_read_judged_and_sent_again() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    live = await live_of(tiny)
    tiny.faults = {1: 409}
    change = update(SEARCH, tool(description="New"), "description")
    outcomes = await run(tiny, plan(change), live)
    assert outcomes == [Applied(change, requests=2)]


async def test_conflict_without_end_fails() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool(description="Old"))))
    live = await live_of(tiny)
    tiny.faults = {1: 409, 3: 409, 5: 409}
    outcomes = await run(tiny, plan(update(SEARCH, tool(description="New"), "description")), live)
    assert isinstance(outcomes[0], Failed)
    assert "409" in outcomes[0].reason
    assert len(tiny.writes) == 3


# Order and dependence


async def test_order_is_phase_then_kind_and_deletes_run_backward() -> None:
    tiny = Tiny()
    old, older = Address.of("metrics", "old"), Address.of("tools", "older")
    await run(tiny, plan(Create(old, metric()), Create(older, tool())))
    tiny.log.clear()
    changes = plan(
        Delete(old, metric()),
        Delete(older, tool()),
        Create(SEARCH, tool()),
        Create(CLICKS, metric()),
    )
    outcomes = await run(tiny, changes)
    assert words(outcomes) == [
        ("Applied", "metrics/clicks"),
        ("Applied", "tools/search"),
        ("Applied", "tools/older"),
        ("Applied", "metrics/old"),
    ]


async def test_failure_skips_only_what_builds_upon_it() -> None:
    tiny = Tiny(forgets=frozenset({"eventKey"}))
    changes = plan(Create(CLICKS, metric()), Create(GROUP, group("clicks")), Create(SEARCH, tool()))
    outcomes = await run(tiny, changes)
    assert words(outcomes) == [
        ("Failed", "metrics/clicks"),
        ("Skipped", "metricGroups/funnel"),
        ("Applied", "tools/search"),
    ]
    skipped = outcomes[1]
    assert isinstance(skipped, Skipped)
    assert skipped.blocked_by == CLICKS
    assert skipped.reason == "builds upon metrics/clicks, which failed"


async def test_delete_waits_for_all_else() -> None:
    tiny = Tiny()
    await run(tiny, plan(Create(SEARCH, tool())))
    tiny.forgets = frozenset({"eventKey"})
    outcomes = await run(tiny, plan(Create(CLICKS, metric()), Delete(SEARCH, tool())))
    assert words(outcomes) == [("Failed", "metrics/clicks"), ("Skipped", "tools/search")]
    assert isinstance(outcomes[1], Skipped)
    assert outcomes[1].reason == "waits until all else is done, and metrics/clicks failed"
    assert "/projects/shop/ai-tools/search" in tiny.objects


async def test_refused_and_conflicting_objects_block_their_dependants_and_deletes() -> None:
    tiny = Tiny()
    views = replace(Create(VIEWS, metric()))
    conflict = Conflict(CLICKS, "unit", None, "s", "ms")
    changes = (
        Create(GROUP, group("clicks")),
        Create(Address.of("metricGroups", "other"), group("views")),
        Delete(SEARCH, tool()),
    )
    outcomes = await run(tiny, plan(*changes, refused=(views,), conflicts=(conflict,)))
    reasons = [found.reason for found in outcomes if isinstance(found, Skipped)]
    assert reasons == [
        "builds upon metrics/clicks, which is in conflict",
        "builds upon metrics/views, which was refused",
        "waits until all else is done, and metrics/clicks is in conflict",
    ]
    assert tiny.log == []


async def test_refused_delete_does_not_hold_other_changes() -> None:
    tiny = Tiny()
    refused = Delete(CLICKS, metric())
    outcomes = await run(tiny, plan(Create(SEARCH, tool()), refused=(refused,)))
    assert words(outcomes) == [("Applied", "tools/search")]


# Interruption


async def test_stop_finishes_what_is_in_flight_and_skips_the_rest() -> None:
    tiny = Tiny()
    options = ApplyOptions(stop=lambda: bool(tiny.writes), concurrency=1)
    changes = plan(Create(CLICKS, metric()), Create(VIEWS, metric()), Create(SEARCH, tool()))
    outcomes = await run(tiny, changes, options=options)
    assert words(outcomes) == [
        ("Applied", "metrics/clicks"),
        ("Skipped", "metrics/views"),
        ("Skipped", "tools/search"),
    ]
    assert isinstance(outcomes[1], Skipped)
    assert outcomes[1].reason == "interrupted"


async def test_cancellation_does_not_tear_a_write_apart() -> None:
    tiny = Tiny()
    scope = anyio.CancelScope()

    def cancel(method: str, path: str) -> None:
        if method == "POST":
            scope.cancel()

    tiny.before = cancel
    with scope:
        await run(tiny, plan(Create(CLICKS, metric()), Create(SEARCH, tool())))
    assert scope.cancelled_caught
    assert list(tiny.objects) == ["/metrics/shop/clicks"]


async def test_revoked_token_stops_the_rest() -> None:
    tiny = Tiny(faults={0: 401})
    changes = plan(Create(CLICKS, metric()), Create(SEARCH, tool()))
    outcomes = await run(tiny, changes)
    assert words(outcomes) == [("Failed", "metrics/clicks"), ("Skipped", "tools/search")]
    assert isinstance(outcomes[1], Skipped)
    assert outcomes[1].reason == "LaunchDarkly no longer accepts the token"
    assert len(tiny.log) == 1


async def test_network_that_is_gone_stops_the_rest() -> None:
    tiny = Tiny(faults=dict.fromkeys(range(100), "before"))
    outcomes = await run(tiny, plan(Create(CLICKS, metric()), Create(SEARCH, tool())))
    assert words(outcomes) == [("Failed", "metrics/clicks"), ("Skipped", "tools/search")]
    assert isinstance(outcomes[1], Skipped)
    assert outcomes[1].reason == "LaunchDarkly cannot be reached"


async def test_rate_limit_without_end_stops_the_rest() -> None:
    tiny = Tiny(faults=dict.fromkeys(range(100), 429))
    outcomes = await run(tiny, plan(Create(CLICKS, metric()), Create(SEARCH, tool())))
    assert words(outcomes) == [("Failed", "metrics/clicks"), ("Skipped", "tools/search")]


async def test_progress_hears_of_every_change() -> None:
    heard: list[tuple[str, int, int]] = []
    options = ApplyOptions(progress=lambda *told: heard.append(told))
    await run(Tiny(), plan(Create(CLICKS, metric()), Create(SEARCH, tool())), options=options)
    assert heard == [("metrics/clicks", 1, 2), ("tools/search", 2, 2)]


# Convergence: any single fault, then a second run


class Killed(BaseException):
    """The process is gone."""


def _kill_at(index: int) -> Callable[[Tiny], None]:
    def install(tiny: Tiny) -> None:
        def before(method: str, path: str) -> None:
            if len(tiny.log) - 1 == index:
                raise Killed

        tiny.before = before

    return install


DESIRED = {
    CLICKS: metric(name="Clicks", maintainerId="me"),
    VIEWS: metric(name="Views", eventKey="view", tags=["a"]),
    SEARCH: tool(description="New", tags=["x"]),
}


def _plan_of(live: Live) -> Plan:
    """The simplest planner: what differs is sent."""
    changes: list[Change] = []
    for address, wanted in DESIRED.items():
        found = live.observed.get(address)
        if found is None:
            changes.append(Create(address, wanted))
            continue
        actual = found.resource.managed()
        diffs = [
            FieldDiff(name, actual.get(name), value)
            for name, value in wanted.managed().items()
            if not same(actual.get(name), value)
        ]
        if diffs:
            changes.append(Update(address, wanted, tuple(diffs)))
    gone = Address.of("tools", "gone")
    if gone in live.observed:
        changes.append(Delete(gone, live.observed[gone].resource))
    return plan(*changes)


async def _seeded() -> Tiny:
    tiny = Tiny(forgets=frozenset())
    seed = plan(
        Create(SEARCH, tool(description="Old")), Create(Address.of("tools", "gone"), tool())
    )
    await run(tiny, seed)
    tiny.log.clear()
    return tiny


FAULTS = [500, 429, "before", "after", "killed"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("index", range(14))
async def test_second_run_converges_after_any_single_fault(fault: Any, index: int) -> None:
    tiny = await _seeded()
    options = ApplyOptions(comment="c", concurrency=1)
    live = await live_of(tiny)
    if fault == "killed":
        _kill_at(index)(tiny)
    else:
        tiny.faults = {index: fault}
    with contextlib.suppress(Killed, BaseExceptionGroup):
        await run(tiny, _plan_of(live), live, options)
    tiny.faults, tiny.before = {}, None

    live = await live_of(tiny)
    outcomes = await run(tiny, _plan_of(live), live, options)
    assert all(isinstance(found, Applied) for found in outcomes)
    after = await live_of(tiny)
    assert _plan_of(after).changes == ()
    versions = {path: found["version"] for path, found in tiny.objects.items()}
    assert versions == {
        "/projects/shop/ai-tools/search": 2,
        "/metrics/shop/clicks": 2,  # the maintainer follows in a PATCH
        "/metrics/shop/views": 1,
    }


async def test_read_live_can_be_limited_to_kinds() -> None:
    tiny = Tiny(objects={"/projects/shop": {"key": "shop", "_version": 1, "version": 1}})
    environments = {"items": [{"key": "test"}], "totalCount": 1}
    tiny.objects["/projects/shop/environments"] = environments
    tiny.objects["/members/me"] = {"_id": "me"}
    await run(tiny, plan(Create(CLICKS, metric())))
    tiny.log.clear()
    async with tiny.client() as client:
        live = await read_live(client, "shop", Wants(kinds=frozenset({"metrics"})))
    assert list(live.observed) == [CLICKS]
    assert list(live.environments) == ["test"]
    assert live.member == "me"
    assert sorted(path for _, path in tiny.log) == [
        "/members/me",
        "/metrics/shop",
        "/projects/shop",
        "/projects/shop/environments",
    ]
