"""Whatever single thing goes wrong at a turn of an experiment, running again leads on."""

from __future__ import annotations

import contextlib
import os
from functools import cache, partial
from itertools import product

import anyio
import pytest
from convergence import FAULTS, Case
from trials import TURNS
from worlds import Deadly, Killed, World, all_applied, loaded, texts_of

from ldconf.core.change import Plan
from ldconf.core.workspace import Workspace
from ldconf.planning.planfile import dumps

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere

# A quick run tries the two faults that differ most at every turn, and the rest where most happens.
MOST = ("restart of what it depends on", "ship")
CASES = [
    (turn, fault, with_base)
    for turn, fault, with_base in product(TURNS, FAULTS, (False, True))
    if os.environ.get("LDCONF_EXHAUSTIVE")
    or (fault in ("killed", "dropped after") and with_base)
    or (fault == "killed" and turn in MOST)
    or (fault == "500" and turn in MOST and with_base)
]


@cache
def started(turn: str) -> tuple[World, Workspace, Workspace]:
    """Return the account before a turn (to be copied), what is applied there, and what next."""
    *earlier, before, after = (loaded(texts_of(sections)) for sections in TURNS[turn])
    world = World()

    async def scenario() -> None:
        for workspace in (*earlier, before):
            assert all_applied(await world.apply(workspace))

    anyio.run(scenario)
    return world, before, after


def problems(found: Plan) -> list[object]:
    return [*found.changes, *found.refused, *found.refusals, *found.conflicts, *found.drift]


@pytest.mark.parametrize("serves", ["winner", "split"])
@pytest.mark.parametrize("turn", TURNS)
def test_applied_turn_leaves_nothing_to_do(turn: str, serves: str) -> None:
    start, before, after = started(turn)

    async def scenario() -> None:
        world = start.clone()
        world.faults.stopped_serves = serves
        assert dumps(await world.plan(after, before)) == dumps(await world.plan(after, before))
        outcomes = await world.apply(after, before)
        assert all_applied(outcomes), outcomes
        for base in (None, before, after):
            assert problems(await world.plan(after, base)) == []

    anyio.run(scenario)


@pytest.mark.parametrize("serves", ["winner", "split"])
@pytest.mark.parametrize("turn", TURNS)
def test_what_is_left_after_a_kill_was_reviewed(turn: str, serves: str) -> None:
    """The digest of the first run lets the second one through."""
    start, before, after = started(turn)

    async def scenario() -> None:
        reviewed = set((await start.plan(after, before)).change_hashes.values())
        full = start.clone()
        full.faults.stopped_serves = serves
        assert all_applied(await full.apply(after, before))
        for at, (method, _) in enumerate(full.requests):
            if method == "GET":
                continue
            world = start.clone()
            world.faults.stopped_serves = serves
            with contextlib.suppress(Killed, BaseExceptionGroup):
                await world.apply(after, before, partial(Deadly, at=at))
            found = await world.plan(after, before)
            assert set(found.change_hashes.values()) <= reviewed
            assert (found.refusals, found.conflicts, found.drift) == ((), (), ())

    anyio.run(scenario)


@pytest.mark.parametrize(("turn", "fault", "with_base"), CASES)
def test_every_request_may_fail_once_at_a_turn(turn: str, fault: str, with_base: bool) -> None:
    start, before, after = started(turn)

    async def scenario() -> None:
        case = await Case.of(start, after, before if with_base else None)
        for at in case.indexes(fault):
            await case.check(fault, at)

    anyio.run(scenario)
