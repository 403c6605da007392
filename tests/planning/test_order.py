from __future__ import annotations

from typing import Any

from ldconf.core.change import Phase
from ldconf.kinds import KINDS
from ldconf.planning.planner import plan
from tests import build

METRIC: dict[str, Any] = {"kind": "custom", "eventKey": "e", "isNumeric": False}
EVERYTHING: dict[str, Any] = {
    "agentGraphs/g": {"name": "G", "rootConfigKey": "zz-bot", "edges": {}},
    "aiConfigs/zz-bot": {"name": "Bot"},
    "aiConfigs/zz-bot/targeting/test": {"fallthrough": "v"},
    "aiConfigs/zz-bot/variations/v": {
        "tools": ["t"],
        "modelConfigKey": "Custom.m",
        "judgeConfiguration": {"judges": [{"judgeConfigKey": "zzz-judge", "samplingRate": 1}]},
    },
    "aiConfigs/zz-bot/variations/w": {"name": "W"},
    "aiConfigs/zzz-judge": {"name": "Judge", "mode": "judge"},
    "aiConfigs/zzz-judge/targeting/test": {"fallthrough": "j"},
    "aiConfigs/zzz-judge/variations/j": {"name": "J"},
    "experiments/x": {
        **{"environment": "test", "aiConfig": "zz-bot", "hypothesis": "h", "status": "draft"},
        **{"methodology": "bayesian", "metrics": ["m"], "primary": "m"},
        **{"allocation": {"v": 50, "w": 50}, "control": "v", "iteration": 1},
    },
    "metricGroups/mg": {"name": "MG", "kind": "standard", "metrics": [{"key": "m"}]},
    "metrics/m": METRIC,
    "modelConfigs/Custom.m": {"id": "m"},
    "segments/a-uses-z/test": {
        "name": "A",
        "rules": [{"clauses": [{"op": "segmentMatch", "values": ["z"]}]}],
    },
    "segments/z/test": {"name": "Z"},
    "tools/t": {"schema": {}},
}
IN_ORDER = [
    "metrics/m",
    "metricGroups/mg",
    "modelConfigs/Custom.m",
    "tools/t",
    "segments/z/test",
    "segments/a-uses-z/test",
    "aiConfigs/zzz-judge",
    "aiConfigs/zz-bot",
    "aiConfigs/zzz-judge/variations/j",
    "aiConfigs/zz-bot/variations/v",
    "aiConfigs/zz-bot/variations/w",
    "aiConfigs/zzz-judge/targeting/test",
    "aiConfigs/zz-bot/targeting/test",
    "agentGraphs/g",
    "experiments/x",
]


def test_creates_go_by_phase_kind_judges_first_and_what_is_named_first() -> None:
    found = plan(build.workspace(EVERYTHING), build.live(), None)
    assert [str(change.address) for change in found.changes] == IN_ORDER
    assert {kind.name for kind in KINDS} == {change.address.kind for change in found.changes}


def test_deletes_go_backward() -> None:
    listed = {k: v for k, v in EVERYTHING.items() if "targeting" not in k}
    base = build.workspace(listed, guards=build.Guards(max_delete_percent=100))
    removed = [name for name in EVERYTHING if "targeting" not in name]
    found = plan(build.workspace({}, removed=removed), build.as_live(base), base)
    assert found.refusals == ()
    assert {change.phase for change in found.changes} == {Phase.DELETE}
    assert [str(change.address) for change in found.changes] == [
        "experiments/x",
        "agentGraphs/g",
        "aiConfigs/zz-bot",
        "aiConfigs/zzz-judge",
        "segments/a-uses-z/test",
        "segments/z/test",
        "tools/t",
        "modelConfigs/Custom.m",
        "metricGroups/mg",
        "metrics/m",
    ]


def test_objects_that_name_each_other_are_planned_all_the_same() -> None:
    def naming(other: str) -> Any:
        return {"rules": [{"clauses": [{"op": "segmentMatch", "values": [other]}]}]}

    files = build.workspace({"segments/a/test": naming("b"), "segments/b/test": naming("a")})
    found = plan(files, build.live(), None)
    assert len(found.changes) == 2


def test_order_of_the_files_is_irrelevant() -> None:
    forward = plan(build.workspace(EVERYTHING), build.live(), None)
    backward = plan(build.workspace(dict(reversed(EVERYTHING.items()))), build.live(), None)
    assert forward == backward
