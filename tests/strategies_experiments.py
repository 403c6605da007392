"""Experiments that go with drawn objects: drafts, and some that run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from ldconf.core.resource import Json
from tests.strategies_ai import targetings
from tests.strategies_simple import optional, words

ARMS = ("alpha", "beta", "gamma")
METRIC, AI_CONFIG = "measured", "tried"


@st.composite
def with_experiments(
    draw: st.DrawFn, sections: dict[str, dict[str, Json]], environments: Sequence[str]
) -> dict[str, dict[str, Json]]:
    """Draw the sections with, now and then, an AI Config that is experimented on.

    Where an experiment runs, the default rule serves its control. Its key tells where it stands, so
    that another workspace has the same experiment at the same place, or none.
    """
    if draw(st.integers(0, 2)):
        return {**sections, "experiments": {}}
    metric = {"kind": "custom", "eventKey": "good", "isNumeric": False}
    metrics = {**sections["metrics"], METRIC: metric}
    targeting = {environment: draw(targetings(ARMS)) for environment in environments}
    variations = {arm: {"instructions": draw(words)} for arm in ARMS}
    experiments: dict[str, Json] = {}
    for environment in environments:
        status = draw(st.sampled_from(["none", "draft", "running"]))
        if status == "none":
            continue
        design = draw(_designs(_groups_of_users(sections)))
        if status == "running":
            targeting[environment]["fallthrough"] = design["control"]
        place = {"environment": environment, "aiConfig": AI_CONFIG}
        experiments[f"{status}-{environment}"] = {
            **design,
            **place,
            "status": status,
            "iteration": 1,
        }
    tried = {"mode": "agent", "variations": variations, "targeting": targeting}
    return {
        **sections,
        "metrics": metrics,
        "aiConfigs": {**sections["aiConfigs"], AI_CONFIG: tried},
        "experiments": experiments,
    }


def _groups_of_users(sections: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """Return the groups whose metrics are all measured per user, as the experiments are."""

    def of_users(key: str) -> bool:
        return "user" in (sections["metrics"][key].get("analysisUnits") or ["user"])

    return [
        key
        for key, group in sections["metricGroups"].items()
        if all(of_users(one if isinstance(one, str) else one["key"]) for one in group["metrics"])
    ]


@st.composite
def _designs(draw: st.DrawFn, groups: Sequence[str]) -> Mapping[str, Json]:
    part = draw(st.lists(st.sampled_from(ARMS), min_size=2, unique=True))
    share = draw(st.sampled_from([100, 50, 33.333]))
    grouped = draw(st.lists(st.sampled_from(groups), max_size=1)) if groups else []
    extra = draw(
        optional(
            name=words,
            description=words,
            tags=st.lists(st.sampled_from(["x", "y"]), unique=True),
            attributes=st.lists(st.sampled_from(["plan", "country"]), unique=True),
            canReshuffleTraffic=st.booleans(),
            analysisConfig=st.just({"bayesianThreshold": 90}),
        )
    )
    return {
        "hypothesis": draw(words),
        "methodology": "bayesian",
        "metrics": [METRIC, *({"key": key, "isGroup": True} for key in grouped)],
        "primary": METRIC,
        "allocation": dict.fromkeys(part, round(share / len(part) - 0.0005, 3)),
        "control": draw(st.sampled_from(part)),
        "remainder": draw(st.sampled_from(ARMS)),
        **extra,
    }
