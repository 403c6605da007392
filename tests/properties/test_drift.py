"""Whatever moves in LaunchDarkly is left alone; all else arrives, and a consent reverts it."""

from __future__ import annotations

import json

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import (
    ENVIRONMENTS,
    GLOBAL_MODELS,
    SETTINGS,
    Sections,
    World,
    all_applied,
    loaded,
    seen,
    texts_of,
)

from ldconf.core.resource import Json, same
from ldconf.core.workspace import Workspace
from tests import strategies_ai, strategies_simple
from tests.strategies_simple import cleared, optional

KINDS = ("metrics", "tools", "modelConfigs", "segments", "aiConfigs")
VARIATIONS = ("v1", "v2")
PROFILE = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


@st.composite
def same_objects(draw: st.DrawFn) -> Sections:
    """Draw a workspace that always has the same objects, with any fields."""
    neighbours = strategies_ai.Neighbours(["t"], ["Custom.m", *GLOBAL_MODELS])
    tags = cleared(strategies_simple.tag_sets)
    words, texts = strategies_simple.words, cleared(strategies_simple.texts)
    agent = draw(strategies_ai.ai_configs("agent"))
    agent["variations"] = {
        key: draw(strategies_ai.variations("agent", neighbours)) for key in VARIATIONS
    }
    agent["targeting"] = {
        key: draw(strategies_ai.targetings(VARIATIONS, ["s"])) for key in ENVIRONMENTS
    }
    metric = {"kind": "custom", "eventKey": "e", "isNumeric": False}
    tool = {"schema": draw(strategies_simple.schemas())}
    return {
        "metrics": {"m": {**metric, **draw(optional(name=words, tags=tags, description=texts))}},
        "tools": {"t": {**tool, **draw(optional(description=texts, tags=tags))}},
        "modelConfigs": {"Custom.m": {"id": "m", **draw(optional(name=words, tags=tags))}},
        "segments": {"s": {key: draw(strategies_simple.segments()) for key in ENVIRONMENTS}},
        "aiConfigs": {"agent": agent},
    }


def workspace(sections: Sections, **more: Json) -> Workspace:
    return loaded({**texts_of(sections, SETTINGS), "more.yaml": json.dumps(more)})


@PROFILE
@given(same_objects(), same_objects(), same_objects())
def test_what_moved_is_left_alone_and_the_rest_arrives(
    before: Sections, by_hand: Sections, after: Sections
) -> None:
    async def scenario() -> None:
        world, base, desired = World(), workspace(before), workspace(after)
        assert all_applied(await world.apply(base))
        assert all_applied(await world.apply(workspace(by_hand)))
        then, wanted = seen(await world.read()), await world.plan(desired, base)
        outcomes = await world.apply(desired, base)
        assert all_applied(outcomes), outcomes
        now, left = seen(await world.read()), await world.plan(desired, base)
        for one in wanted.drift:
            address, field = str(one.address), one.field or ""
            assert same(then[address][field], now[address][field])
        for conflict in wanted.conflicts:
            assert then[str(conflict.address)] == now[str(conflict.address)]
        assert (left.changes, left.drift, left.conflicts) == ((), wanted.drift, wanted.conflicts)

    anyio.run(scenario)


@PROFILE
@given(same_objects(), same_objects())
def test_consent_drift_brings_all_of_it_back(before: Sections, by_hand: Sections) -> None:
    allowed = [{"address": kind, "allow": ["drift"], "because": "INC-1"} for kind in KINDS]

    async def scenario() -> None:
        world, base = World(), workspace(before)
        assert all_applied(await world.apply(base))
        assert all_applied(await world.apply(workspace(by_hand)))
        outcomes = await world.apply(workspace(before, consents=allowed), base)
        assert all_applied(outcomes), outcomes
        left = await world.plan(base, base)
        assert (left.changes, left.drift, left.conflicts) == ((), (), ())

    anyio.run(scenario)
