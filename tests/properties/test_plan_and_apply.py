"""What a plan promises, over generated workspaces of all kinds and the local LaunchDarkly."""

from __future__ import annotations

import json
from functools import partial

import anyio
from hypothesis import given
from hypothesis import strategies as st
from worlds import PROFILE, Recorder, Sections, World, all_applied, loaded, texts_of, workspaces

from ldconf.core.change import Plan
from ldconf.core.kind import Request
from ldconf.planning.planfile import dumps
from tests.kinds.official import accepts


def problems(plan: Plan) -> list[object]:
    return [*plan.changes, *plan.refused, *plan.conflicts, *plan.drift, *plan.unverifiable]


@PROFILE
@given(workspaces())
def test_apply_then_plan_is_empty(sections: Sections) -> None:
    async def scenario() -> None:
        world, workspace = World(), loaded(texts_of(sections))
        outcomes = await world.apply(workspace)
        assert all_applied(outcomes), outcomes
        assert problems(await world.plan(workspace)) == []
        assert problems(await world.plan(workspace, base=workspace)) == []

    anyio.run(scenario)


@PROFILE
@given(workspaces(), workspaces())
def test_one_workspace_after_another_converges(first: Sections, second: Sections) -> None:
    """Updates of every kind: the second workspace takes over what the first has made.

    Every request on the way is one that the official client knows.
    """

    async def scenario() -> None:
        world, before, after = World(), loaded(texts_of(first)), loaded(texts_of(second))
        writes = list[Request]()
        record = partial(Recorder, writes=writes)
        assert all_applied(await world.apply(before, through=record))
        plan = await world.plan(after)
        outcomes = await world.apply(after, through=record)
        assert bool(writes) == any([*first.values(), *second.values()])
        assert all(accepts(request) for request in writes)
        if plan.refused or plan.refusals:
            return  # e.g. another mode under the same key: refused by design
        assert all_applied(outcomes), outcomes
        assert problems(await world.plan(after)) == []

    anyio.run(scenario)


@PROFILE
@given(workspaces(), st.randoms(use_true_random=False))
def test_order_of_files_and_keys_is_irrelevant(sections: Sections, random: object) -> None:
    shuffle = random.shuffle  # type: ignore[attr-defined]  # hypothesis' Random
    files = texts_of(sections)
    names = [name for name in files if name != "ldconf.yaml"]
    renamed = [f"{number}.yaml" for number in range(len(names))]
    shuffle(renamed)
    other = {"ldconf.yaml": files["ldconf.yaml"]}
    for name, new in zip(names, renamed, strict=True):
        section, found = next(iter(json.loads(files[name]).items()))
        keys = list(found)
        shuffle(keys)
        other[new] = json.dumps({section: {key: found[key] for key in keys}})

    async def scenario() -> None:
        world = World()
        one, two = await world.plan(loaded(files)), await world.plan(loaded(other))
        assert dumps(one) == dumps(two)

    anyio.run(scenario)


@PROFILE
@given(workspaces())
def test_plan_reads_only_and_is_the_same_twice(sections: Sections) -> None:
    async def scenario() -> None:
        world, workspace = World(), loaded(texts_of(sections))
        one = await world.plan(workspace)
        assert {method for method, _ in world.requests} == {"GET"}
        assert dumps(one) == dumps(await world.plan(workspace))

    anyio.run(scenario)
