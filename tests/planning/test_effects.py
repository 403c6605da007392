from __future__ import annotations

from typing import Any

from ldconf.core.change import Effect
from ldconf.core.live import Live, RunningExperiment
from ldconf.kinds.targeting import observed as targeting_observed
from tests import build
from tests.planning.scenes import SEARCH, TEST, A, B, edited, files, planned

EDIT = {A: {"name": "New"}}


def effects(live: Live | None = None, address: str = A, **more: Any) -> tuple[Effect, ...]:
    """Return where an edit takes effect."""
    return planned(edited({address: {"name": "New"}}), live, **more).effects[build.at(address)]


def test_share_of_the_default_rule_in_every_environment_managed_ones_first() -> None:
    live = build.as_live(files(), environments=("eu", "production", "test"))
    place = build.at("aiConfigs/bot/targeting/eu")
    live = build.replace(
        live, observed={**live.observed, place: build.observed(place, fallthrough="a")}
    )
    assert effects(live) == (
        Effect("test", 60, True),
        Effect("production", 100, True),
        Effect("eu", 100, False),
    )


def test_environment_without_targeting_of_the_ai_config_feels_nothing() -> None:
    live = build.as_live(files(), environments=("test", "production", "new"))
    place = build.at("aiConfigs/bot/targeting/new")
    observed = {address: one for address, one in live.observed.items() if address != place}
    found = effects(build.replace(live, observed=observed))
    assert [effect.environment for effect in found] == ["test", "production"]


def test_variation_that_nobody_gets_has_no_effect() -> None:
    assert effects(address=B) == (Effect("test", 40, True),)


def test_targets_and_rules_make_the_share_inexact() -> None:
    targeting = {TEST: {"targets": [{"variation": "b", "values": ["u"]}], "fallthrough": "a"}}
    base = edited(targeting)
    found = planned(edited({**targeting, B: {"name": "New"}}), build.as_live(base), base)
    assert found.effects[build.at(B)] == (Effect("test", 0, True, exact=False),)


def test_environment_that_is_switched_off_feels_nothing() -> None:
    live = build.as_live(files())
    place = build.at(TEST)
    off = build.replace(live.observed[place], meta={"enabled": False})
    assert [
        e.environment for e in effects(build.replace(live, observed={**live.observed, place: off}))
    ] == ["production"]


def test_arm_of_an_experiment_counts_with_its_own_share() -> None:
    variations: list[Any] = [
        {"_id": key, "name": key, "value": {"_ldMeta": {"variationKey": key, "enabled": True}}}
        for key in "ab"
    ]
    arms = [{"variation": 0, "weight": 70_000}, {"variation": 1, "weight": 30_000}]
    rollout = {"contextKind": "user", "variations": arms, "experimentAllocation": {"type": "x"}}
    block = {"enabled": True, "rules": [], "targets": [], "fallthrough": {"rollout": rollout}}
    document = {"key": "bot", "variations": variations, "environments": {"test": block}}
    live = build.as_live(files())
    place = build.at(TEST)
    experiment = RunningExperiment(
        "exp", "Exp", "test", "bot", "running", "fallthrough", frozenset({"a", "b"}), "a"
    )
    live = build.replace(
        live,
        observed={**live.observed, place: targeting_observed(document, "test")},
        experiments=(experiment,),
    )
    assert effects(live, B) == (Effect("test", 30, True, exact=False),)


def test_refused_edit_still_tells_where_it_would_take_effect() -> None:
    base = files(guards=build.Guards(protect=(A,)))
    found = planned(edited(EDIT), base=base)
    assert found.changes == ()
    assert build.at(A) in found.effects


def test_only_edited_variations_have_effects() -> None:
    found = planned(
        edited({SEARCH: {"maintainerId": "m"}, "aiConfigs/bot/variations/c": {"name": "C"}})
    )
    assert found.effects == {}
