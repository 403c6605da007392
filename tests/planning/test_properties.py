"""Properties of plans over generated workspaces of all kinds."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldconf.core.address import Address
from ldconf.core.change import Create, Update
from ldconf.core.resource import same
from ldconf.core.workspace import Workspace
from ldconf.kinds import KINDS
from ldconf.planning import planfile
from ldconf.planning.options import PlanOptions, empty_base
from ldconf.planning.planner import needs_history, plan
from tests import build
from tests import strategies_ai as ai
from tests import strategies_simple as simple

quick = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
NO_LIMITS = build.Guards(min_objects=10**6)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a whole workspace: address -> fields."""
    found: dict[str, Any] = {}
    metrics = draw(simple.metrics_documents())
    sections = {
        "metrics": metrics,
        "metricGroups": draw(simple.metric_groups_documents(sorted(metrics))),
        "modelConfigs": draw(simple.model_configs_documents()),
        "tools": draw(simple.tools_documents()),
    }
    segments = draw(simple.segments_documents())
    by_environment = {
        environment: [key for key, places in segments.items() if environment in places]
        for environment in build.ENVIRONMENTS
    }
    neighbours = ai.Neighbours(
        sorted(sections["tools"]), sorted(sections["modelConfigs"]), segments=by_environment
    )
    for section, objects in sections.items():
        found |= {f"{section}/{key}": fields for key, fields in objects.items()}
    for key, places in segments.items():
        found |= {f"segments/{key}/{place}": fields for place, fields in places.items()}
    ai_configs = draw(ai.ai_config_documents(neighbours, max_size=2))
    for key, fields in draw(simple.agent_graphs_documents(sorted(ai_configs))).items():
        found[f"agentGraphs/{key}"] = fields
    for key, fields in ai_configs.items():
        for part in ("variations", "targeting"):
            nested = fields.pop(part, {})
            found |= {f"aiConfigs/{key}/{part}/{inner}": one for inner, one in nested.items()}
        found[f"aiConfigs/{key}"] = fields
    return found


def files(objects: dict[str, Any]) -> Workspace:
    """Return the workspace of these documents."""
    return build.workspace(objects, guards=NO_LIMITS)


@st.composite
def edits(draw: st.DrawFn) -> tuple[Workspace, Workspace, Workspace]:
    """Draw a workspace, an edit of it, and another edit of the same fields."""
    objects = draw(documents())
    editable = sorted(name for name in objects if "name" in objects[name])
    chosen = draw(st.sets(st.sampled_from(editable))) if editable else set()

    def renamed(mark: str) -> Workspace:
        changes = {n: {**objects[n], "name": objects[n]["name"] + mark} for n in chosen}
        return files({**objects, **changes})

    return files(objects), renamed(" one"), renamed(" two")


@given(documents())
@quick
def test_plan_of_a_workspace_against_itself_is_empty(objects: dict[str, Any]) -> None:
    whole = files(objects)
    live = build.as_live(whole)
    for base in (whole, None, empty_base(whole)):
        found = plan(whole, live, base)
        assert found.changes == ()
        assert found.is_empty
        assert found.drift == ()
        assert found.unchanged == len(objects)


@given(documents(), st.randoms(use_true_random=False))
@quick
def test_order_of_files_never_matters(objects: dict[str, Any], random: Any) -> None:
    shuffled = list(objects.items())
    random.shuffle(shuffled)
    first = plan(files(objects), build.live(), None)
    second = plan(files(dict(shuffled)), build.live(), None)
    assert first == second
    assert planfile.dumps(first) == planfile.dumps(second)


@given(documents())
@quick
def test_first_plan_creates_each_object_once_after_what_it_needs(objects: dict[str, Any]) -> None:
    found = plan(files(objects), build.live(), None)
    assert all(isinstance(change, Create) for change in found.changes)
    made = [str(change.address) for change in found.changes]
    assert len(set(made)) == len(made)
    targeting = {name for name in objects if Address.parse(name).kind == "targeting"}
    refused = {str(change.address) for change in found.refused}
    assert set(objects) - targeting <= {*made, *refused}
    order = {kind.name: index for index, kind in enumerate(KINDS)}
    ranks = [(change.phase, order[change.address.kind]) for change in found.changes]
    assert ranks == sorted(ranks)


@given(edits())
@quick
def test_edit_is_intended_and_nothing_else(drawn: tuple[Workspace, ...]) -> None:
    base, desired, _ = drawn
    found = plan(desired, build.as_live(base), base)
    assert found.drift == ()
    assert found.conflicts == ()
    changed = {a for a, r in desired.resources.items() if not _equal(r, base.resources[a])}
    assert {change.address for change in found.changes} == changed
    assert all(isinstance(change, Update) for change in found.changes)


@given(edits())
@quick
def test_edit_in_launchdarkly_is_drift_and_left_alone(drawn: tuple[Workspace, ...]) -> None:
    base, by_hand, _ = drawn
    live = build.as_live(by_hand)
    found = plan(base, live, base)
    assert found.changes == ()
    moved = {a for a, r in by_hand.resources.items() if not _equal(r, base.resources[a])}
    assert {drift.address for drift in found.drift} == moved
    assert needs_history(base, live, base) == bool(moved)
    ours = plan(base, live, base, PlanOptions(history=[by_hand]))
    assert {change.address for change in ours.changes} == moved
    assert ours.drift == ()


@given(edits())
@quick
def test_edit_on_both_sides_is_a_conflict(drawn: tuple[Workspace, ...]) -> None:
    base, desired, by_hand = drawn
    found = plan(desired, build.as_live(by_hand), base)
    assert found.changes == ()
    both = {a for a, r in desired.resources.items() if not _equal(r, base.resources[a])}
    assert {conflict.address for conflict in found.conflicts} == both


@given(edits())
@quick
def test_edit_that_someone_made_already_is_nothing(drawn: tuple[Workspace, ...]) -> None:
    base, desired, _ = drawn
    assert plan(desired, build.as_live(desired), base).is_empty


@given(edits())
@quick
def test_without_base_the_same_edit_is_planned(drawn: tuple[Workspace, ...]) -> None:
    base, desired, _ = drawn
    live = build.as_live(base)
    assert plan(desired, live, None).digest == plan(desired, live, base).digest


def _equal(one: Any, other: Any) -> bool:
    return same(one.managed(), other.managed())
