"""Experiments as people may write them, for properties."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from ldconf.core.resource import Json

_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=12,
).filter(str.strip)
_PERCENT = st.integers(1_000, 30_000).map(lambda weight: weight / 1000)


@st.composite
def allocations(draw: st.DrawFn, variations: Sequence[str]) -> dict[str, Json]:
    """Draw percents of at least two variations; one may be `rest`."""
    arms = draw(st.lists(st.sampled_from(variations), min_size=2, max_size=3, unique=True))
    found: dict[str, Json] = {arm: draw(_PERCENT) for arm in arms}
    if draw(st.booleans()):
        found[arms[-1]] = "rest"
    return found


@st.composite
def experiments(
    draw: st.DrawFn,
    variations: Sequence[str],
    metrics: Sequence[str],
    groups: Sequence[str] = (),
    *,
    environment: str = "test",
    ai_config: str = "bot",
) -> dict[str, Json]:
    """Draw a draft on the fallthrough, with every field that it needs and some that it may have."""
    allocation = draw(allocations(variations))
    used: list[Json] = draw(st.lists(st.sampled_from(metrics), min_size=1, max_size=3, unique=True))
    primary = draw(st.sampled_from(used))
    measured = [draw(st.sampled_from([key, {"key": key}])) for key in used]
    if groups and draw(st.booleans()):
        measured.append({"key": draw(st.sampled_from(groups)), "isGroup": True})
    methodology = draw(st.sampled_from(["bayesian", "frequentist"]))
    settings: dict[str, Json] = {"bayesianThreshold": draw(st.integers(50, 99))}
    if methodology == "frequentist":
        settings = {"significanceThreshold": draw(st.sampled_from(["0.05", "5", "0.100"]))}
    fixed = {
        "environment": environment,
        "aiConfig": ai_config,
        "hypothesis": draw(_TEXTS),
        "methodology": methodology,
        "metrics": measured,
        "primary": primary,
        "allocation": allocation,
        "control": draw(st.sampled_from(list(allocation))),
        "remainder": draw(st.sampled_from(variations)),
        "status": "draft",
    }
    optional = {
        "name": _TEXTS,
        "description": st.none() | _TEXTS,
        "tags": st.none() | st.lists(st.sampled_from("abc"), max_size=3),
        "attributes": st.none() | st.lists(st.sampled_from(["plan", "country"]), max_size=2),
        "rule": st.just("fallthrough"),
        "randomizationUnit": st.just("user"),
        "dataSource": st.just("launchdarkly"),
        "canReshuffleTraffic": st.booleans(),
        "analysisConfig": st.just(settings),
        "iteration": st.just(1),
        "decision": st.fixed_dictionaries({}, optional={"looks": st.integers(1, 5)}),
    }
    return {**fixed, **draw(st.fixed_dictionaries({}, optional=optional))}
