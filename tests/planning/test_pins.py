from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.change import Create, NoteKind, Restore, Update
from ldconf.core.errors import LdconfError
from ldconf.core.live import Live
from ldconf.core.workspace import Guards
from ldconf.planning.planner import plan
from tests import build
from tests.planning.scenes import (
    OBJECTS,
    PRODUCTION,
    SEARCH,
    TEST,
    A,
    B,
    changes,
    edited,
    files,
    guards,
    live_with,
    notes,
    planned,
    verbs,
)

OWN = "modelConfigs/Custom.small"
SMALL: dict[str, Any] = {"id": "small", "provider": "Custom", "costPerInputToken": 0.1}


def at_version(live: Live, address: str, version: int) -> Live:
    """Return the live state with a tool or model config at another version."""
    place = build.at(address)
    newer = build.replace(live.observed[place], version=version)
    return build.replace(live, observed={**live.observed, place: newer})


def tools_of(found: Any, address: str = A) -> Any:
    """Return (before, after, because) of the tools of a variation in a plan."""
    update = changes(found)[address]
    assert isinstance(update, Update | Restore)
    diff = next(diff for diff in update.fields if diff.field == "tools")
    return diff.before, diff.after, diff.because


def test_edited_tool_is_repinned_to_its_new_version() -> None:
    found = planned(edited({SEARCH: {"description": "Finds more"}}))
    assert verbs(found) == {SEARCH: "update", A: "update"}
    assert tools_of(found) == (
        [{"key": "search", "version": 1}],
        [{"key": "search", "version": "new"}],
        "re-pin",
    )
    update = changes(found)[A]
    assert isinstance(update, Update)
    assert update.after.managed() == {"tools": [{"key": "search"}]}


def test_new_maintainer_of_a_tool_makes_no_version() -> None:
    found = planned(edited({SEARCH: {"maintainerId": "m1"}}))
    assert verbs(found) == {SEARCH: "update"}


def test_pin_behind_the_current_version_is_repinned_whatever_the_base_says() -> None:
    found = planned(files(), at_version(build.as_live(files()), SEARCH, 4))
    assert tools_of(found) == (
        [{"key": "search", "version": 1}],
        [{"key": "search", "version": 4}],
        "re-pin",
    )
    assert found.drift == ()


def test_written_pin_stays() -> None:
    pinned = {A: {"tools": [{"key": "search", "version": 1}]}}
    found = planned(edited({**pinned, SEARCH: {"description": "Finds more"}}), base=edited(pinned))
    assert verbs(found) == {SEARCH: "update"}


def test_pin_taken_out_of_the_file_follows_the_tool() -> None:
    pinned = {A: {"tools": [{"key": "search", "version": 1}]}}
    live = at_version(live_with(pinned), SEARCH, 3)
    found = planned(files(), live, edited(pinned))
    assert tools_of(found)[1] == [{"key": "search", "version": 3}]


def test_pin_written_into_the_file_is_intended_though_live_was_repinned() -> None:
    live = at_version(live_with({A: {"tools": [{"key": "search", "version": 3}]}}), SEARCH, 3)
    found = planned(edited({A: {"tools": [{"key": "search", "version": 2}]}}), live)
    assert tools_of(found) == (
        [{"key": "search", "version": 3}],
        [{"key": "search", "version": 2}],
        None,
    )
    assert found.conflicts == ()


def test_tool_attached_by_hand_is_drift_and_nothing_is_repinned() -> None:
    by_hand: dict[str, Any] = {
        A: {"tools": ["search", "other"]},
        "tools/other": {"schema": {"type": "object"}},
    }
    live = at_version(live_with(by_hand), SEARCH, 3)
    found = planned(files(), live)
    assert found.changes == ()
    assert [(str(d.address), d.field) for d in found.drift] == [(A, "tools")]


def test_attaching_a_tool_pins_all_at_their_versions() -> None:
    other: dict[str, Any] = {"tools/other": {"schema": {"type": "object"}}}
    desired = edited({A: {"tools": ["search", "other"]}, **other})
    found = planned(desired)
    assert tools_of(found)[1] == [
        {"key": "other", "version": "new"},
        {"key": "search", "version": 1},
    ]


def test_new_variation_pins_known_versions_and_leaves_new_ones_open() -> None:
    other: dict[str, Any] = {"tools/other": {"schema": {"type": "object"}}}
    desired = edited({"aiConfigs/bot/variations/c": {"tools": ["search", "other"]}, **other})
    create = changes(planned(desired))["aiConfigs/bot/variations/c"]
    assert isinstance(create, Create)
    assert create.after.managed()["tools"] == [{"key": "other"}, {"key": "search", "version": 1}]


def external(tools: list[Any]) -> Any:
    """Return a workspace whose variation uses an external tool."""
    return edited(
        {SEARCH: None, A: {"tools": tools}}, external={"modelConfigs": None, "tools": None}
    )


def test_external_tool_keeps_its_version_and_a_newer_one_is_noted() -> None:
    live = at_version(build.as_live(files()), SEARCH, 3)
    found = planned(external(["search"]), live, external(["search"]))
    assert found.changes == ()
    assert notes(found, NoteKind.NEWER) == [(A, "keeps tools/search at version 1; 3 exists")]


def test_external_tool_in_use_keeps_its_version_when_another_is_attached() -> None:
    other: dict[str, Any] = {"tools/other": {"schema": {"type": "object"}}}
    live = live_with(other)
    live = at_version(at_version(live, SEARCH, 3), "tools/other", 5)
    found = planned(external(["search", "other"]), live, external(["search"]))
    assert tools_of(found)[1] == [
        {"key": "other", "version": 5},
        {"key": "search", "version": 1},
    ]


def test_pins_stay_while_the_tool_is_in_drift() -> None:
    live = at_version(live_with({SEARCH: {"description": "By hand"}}), SEARCH, 2)
    found = planned(files(), live)
    assert found.changes == ()
    assert notes(found, NoteKind.PIN_KEPT) == [
        (SEARCH, f"its version stays as it is in {A}, until it is settled")
    ]


def test_variation_goes_on_without_repin_while_its_tool_is_in_conflict() -> None:
    live = at_version(live_with({SEARCH: {"description": "By hand"}}), SEARCH, 2)
    desired = edited({SEARCH: {"description": "Finds more"}, A: {"instructions": "Be kinder."}})
    found = planned(desired, live)
    update = changes(found)[A]
    assert isinstance(update, Update)
    assert [diff.field for diff in update.fields] == ["instructions"]
    assert found.refusals == ()


def test_pins_stay_when_the_tools_update_is_refused() -> None:
    base = files(guards=Guards(protect=(SEARCH,)))
    found = planned(edited({SEARCH: {"description": "Finds more"}}), base=base)
    assert found.changes == ()
    assert guards(found) == {SEARCH: "protected"}
    assert [str(change.address) for change in found.refused] == [SEARCH]
    assert notes(found, NoteKind.PIN_KEPT)


def test_refused_repin_takes_the_tools_update_along() -> None:
    base = files(guards=Guards(in_place_edits={"production": "forbid"}))
    found = planned(edited({SEARCH: {"description": "Finds more"}}), base=base)
    assert found.changes == ()
    assert guards(found) == {A: "inPlaceEdit", SEARCH: "re-pin"}


def test_refused_repin_spares_other_variations_of_the_tool() -> None:
    both = {B: {"tools": ["search"]}}
    base = edited(both, guards=Guards(in_place_edits={"production": "forbid"}))
    found = planned(edited({**both, SEARCH: {"description": "Finds more"}}), live_with(both), base)
    assert found.changes == ()
    assert [str(change.address) for change in found.refused] == [SEARCH]


def test_consent_for_the_variation_lets_tool_and_repin_through() -> None:
    base = files(guards=Guards(in_place_edits={"production": "forbid"}))
    desired = edited(
        {SEARCH: {"description": "Finds more"}}, consents=[build.consent(A, "inPlaceEdit")]
    )
    found = planned(desired, base=base)
    assert verbs(found) == {SEARCH: "update", A: "update"}
    assert [str(use.address) for use in found.consents] == [A]


def test_refused_repin_of_a_version_that_exists_refuses_no_tool() -> None:
    base = files(guards=Guards(in_place_edits={"production": "forbid"}))
    found = planned(files(), at_version(build.as_live(files()), SEARCH, 4), base)
    assert guards(found) == {A: "inPlaceEdit"}


def test_retired_variation_is_not_repinned() -> None:
    retired = edited({A: {"state": "archived"}, TEST: {"fallthrough": "b"}, PRODUCTION: None})
    live = live_with({TEST: {"fallthrough": "b"}, PRODUCTION: None})
    archived = build.observed(A, tools=[{"key": "search", "version": 1}], state="archived")
    live = build.replace(live, observed={**live.observed, build.at(A): archived})
    found = planned(retired, at_version(live, SEARCH, 4), retired)
    assert found.changes == ()


def test_variation_archived_by_hand_is_not_repinned() -> None:
    live = build.as_live(files())
    archived = build.observed(
        A,
        name="A",
        modelConfigKey=build.MODEL,
        model={"modelName": "gpt-4o", "parameters": {"temperature": 0.5}},
        instructions="Be kind.",
        tools=[{"key": "search", "version": 1}],
        state="archived",
    )
    live = build.replace(live, observed={**live.observed, build.at(A): archived})
    found = planned(files(), at_version(live, SEARCH, 4))
    assert found.changes == ()
    assert [drift.field for drift in found.drift] == ["state"]


def with_own_model(**fields: Any) -> Any:
    """Return changes that give a variation a model config of our own."""
    return {OWN: {**SMALL, **fields}, B: {"modelConfigKey": "Custom.small"}}


def pinned_live(version: int) -> Live:
    """Return the live state where the variation holds version 1, the model config is at another."""
    live = live_with(with_own_model())
    place = build.at(B)
    values = {**live.observed[place].resource.managed(), "modelConfigVersion": 1}
    given = {name: value for name, value in values.items() if value is not None}
    observed = {**live.observed, place: build.observed(B, **given)}
    return at_version(build.replace(live, observed=observed), OWN, version)


def test_variation_follows_its_own_model_config() -> None:
    base = edited(with_own_model())
    found = planned(edited(with_own_model(costPerInputToken=0.2)), pinned_live(1), base)
    update = changes(found)[B]
    assert isinstance(update, Update)
    diff = update.fields[0]
    assert (diff.field, diff.before, diff.after) == ("modelConfigVersion", 1, "new")
    assert diff.because == "re-pin"
    assert update.after.managed() == {}


def test_refused_repin_keeps_back_only_the_model_config_that_it_follows() -> None:
    other: dict[str, Any] = {"modelConfigs/Custom.other": {"id": "other", "provider": "Custom"}}
    base = edited({**with_own_model(), **other}, guards=Guards(protect=(B,)))
    live = pinned_live(1)
    place = build.at("modelConfigs/Custom.other")
    live = build.replace(
        live, observed={**live.observed, place: build.observed(place, **other[str(place)])}
    )
    changed = {"modelConfigs/Custom.other": {**other[str(place)], "costPerInputToken": 3}}
    found = planned(edited({**with_own_model(costPerInputToken=2), **changed}), live, base)
    assert verbs(found) == {"modelConfigs/Custom.other": "update"}
    assert guards(found) == {B: "protected", OWN: "re-pin"}


def test_repin_needs_the_model_config_that_it_follows() -> None:
    base = edited(with_own_model())
    with pytest.raises(LdconfError, match="needs modelConfigs/Custom"):
        planned(edited(with_own_model(costPerInputToken=2)), pinned_live(1), base, targets=(B,))


def test_variation_follows_a_model_config_that_is_newer_already() -> None:
    base = edited(with_own_model())
    update = changes(planned(base, pinned_live(3), base))[B]
    assert isinstance(update, Update)
    assert update.fields[0].after == 3
    assert update.after.managed() == {"modelConfigVersion": 3}


def test_written_model_config_version_stays() -> None:
    pinned = edited(
        {**with_own_model(), B: {"modelConfigKey": "Custom.small", "modelConfigVersion": 1}}
    )
    assert planned(pinned, pinned_live(3), pinned).is_empty


def test_unpinning_the_model_config_is_no_release() -> None:
    pinned = edited(
        {**with_own_model(), B: {"modelConfigKey": "Custom.small", "modelConfigVersion": 1}}
    )
    found = planned(edited(with_own_model()), pinned_live(1), pinned)
    assert notes(found, NoteKind.RELEASED) == []


def test_newer_external_model_config_is_noted() -> None:
    outside = edited({B: {"modelConfigKey": "Custom.small"}})
    found = planned(outside, pinned_live(3), outside)
    assert found.changes == ()
    assert notes(found, NoteKind.NEWER) == [
        (B, "keeps modelConfigs/Custom.small at version 1; 3 exists")
    ]


def test_model_name_follows_the_model_config() -> None:
    found = planned(edited({A: {"modelConfigKey": "Anthropic.claude"}}))
    update = changes(found)[A]
    assert isinstance(update, Update)
    assert [(d.field, d.before, d.after) for d in update.fields] == [
        ("modelConfigKey", build.MODEL, "Anthropic.claude"),
        (
            "model",
            {"modelName": "gpt-4o", "parameters": {"temperature": 0.5}},
            {"modelName": "claude", "parameters": {"temperature": 0.5}},
        ),
    ]


def test_model_name_follows_though_model_is_unmanaged() -> None:
    found = planned(edited({B: {"modelConfigKey": "Anthropic.claude"}}))
    update = changes(found)[B]
    assert isinstance(update, Update)
    follow = update.fields[1]
    assert (follow.field, follow.after) == ("model", {"modelName": "claude"})
    assert follow.because == "follows modelConfigKey"


def test_model_config_taken_away_leaves_an_unmanaged_model() -> None:
    update = changes(planned(edited({B: {"modelConfigKey": None}})))[B]
    assert isinstance(update, Update)
    assert [diff.field for diff in update.fields] == ["modelConfigKey"]


def test_unmanaged_model_config_leaves_the_model_name_in_use() -> None:
    bare: dict[str, Any] = {**OBJECTS[A]}
    del bare["modelConfigKey"]
    desired = build.workspace({**OBJECTS, A: bare})
    assert planned(desired, base=desired).is_empty


def test_model_without_any_model_config_keeps_the_live_name() -> None:
    bare = {"name": "A", "model": {"parameters": {"temperature": 0.5}}, "tools": ["search"]}
    desired = build.workspace({**OBJECTS, A: bare})
    live = build.as_live(files())
    place = build.at(A)
    named = build.observed(
        A,
        name="A",
        model={"modelName": "gpt-4o", "parameters": {"temperature": 0.5}},
        tools=[{"key": "search", "version": 1}],
    )
    live = build.replace(live, observed={**live.observed, place: named})
    assert planned(desired, live, desired).is_empty


def test_new_variation_without_model_gets_the_name_of_its_model_config() -> None:
    found = plan(files(), build.live(), None)
    create = changes(found)[B]
    assert isinstance(create, Create)
    assert create.after.managed()["model"] == {"modelName": "gpt-4o"}


def test_new_variation_uses_a_model_config_of_the_same_plan() -> None:
    found = plan(edited(with_own_model()), build.live(), None)
    create = changes(found)[B]
    assert isinstance(create, Create)
    assert create.after.managed()["model"] == {"modelName": "small"}


def test_tool_that_was_deleted_by_hand_refuses_who_would_attach_it() -> None:
    live = live_with({SEARCH: None, A: {"tools": None}})
    desired = edited({A: {"tools": None}, B: {"tools": ["search"]}})
    found = planned(desired, live, edited({A: {"tools": None}}))
    assert found.changes == ()
    assert guards(found) == {B: "dependency"}


def test_tool_that_was_deleted_by_hand_leaves_pins_as_they_are() -> None:
    live = build.as_live(files())
    observed = {a: o for a, o in live.observed.items() if str(a) != SEARCH}
    found = planned(files(), build.replace(live, observed=observed))
    assert found.changes == ()
    assert [(str(d.address), d.field) for d in found.drift] == [(SEARCH, None)]
