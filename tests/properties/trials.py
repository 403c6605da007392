"""Workspaces with an experiment at each turn of its life, for the tests of convergence."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

from worlds import Sections

from ldconf.core.resource import Json

EXPERIMENT: Mapping[str, Json] = {
    "name": "Exp",
    "environment": "test",
    "aiConfig": "bot",
    "rule": {"description": "Premium"},
    "hypothesis": "b is better",
    "methodology": "bayesian",
    "analysisConfig": {"bayesianThreshold": 90},
    "metrics": ["rate"],
    "primary": "rate",
    "allocation": {"a": 40, "b": 40},
    "control": "a",
    "remainder": "c",
    "status": "running",
    "iteration": 1,
}
PREMIUM = {
    "description": "Premium",
    "clauses": [{"attribute": "plan", "op": "in", "values": ["paid"]}],
    "serve": "a",
}
WITHOUT: Sections = {
    "metrics": {
        "rate": {"kind": "custom", "eventKey": "good", "isNumeric": False},
        "more": {"kind": "custom", "eventKey": "more", "isNumeric": False},
    },
    "aiConfigs": {
        "bot": {
            "name": "Bot",
            "mode": "agent",
            "variations": {key: {"instructions": key} for key in ("a", "b", "c")},
            "targeting": {"test": {"targets": [], "rules": [PREMIUM], "fallthrough": "c"}},
        }
    },
}


def at(**fields: Json) -> Sections:
    """Return the workspace with the experiment; a field of None is left out."""
    found = copy.deepcopy(WITHOUT)
    given = {name: v for name, v in {**EXPERIMENT, **fields}.items() if v is not None}
    return {**found, "experiments": {"exp": given}}


def edited(sections: Sections, edit: Callable[[Json], None]) -> Sections:
    """Return the workspace with its AI Config edited."""
    edit(sections["aiConfigs"]["bot"])
    return sections


def _instructions(bot: Json) -> None:
    bot["variations"]["b"]["instructions"] = "b, but better"
    bot["targeting"]["test"]["rules"][0]["clauses"][0]["values"] = ["paid", "trial"]


def _shipped(bot: Json) -> None:
    bot["targeting"]["test"]["rules"][0]["serve"] = "b"
    bot["variations"]["a"] = {"state": "archived"}


def _new_arm(bot: Json) -> None:
    bot["variations"]["d"] = {"instructions": "d"}


REST: Mapping[str, Json] = {"allocation": {"b": 30, "c": 30}, "remainder": "a"}
STOPPED = {"status": "stopped", "winner": "b", "reason": "b converts better"}
# What is applied one after the other; the last is the turn.
TURNS: Mapping[str, tuple[Sections, ...]] = {
    "begin": (WITHOUT, edited(at(allocation={"a": 40, "d": 40}), _new_arm)),
    "start of a draft": (at(status="draft"), at(hypothesis="Edited", name="Other")),
    "restart": (at(), at(iteration=2, allocation={"a": 50, "b": 50}, metrics=["rate", "more"])),
    "restart of what it depends on": (
        at(),
        edited(at(iteration=2, name="Other", tags=["x"], attributes=["plan"]), _instructions),
    ),
    "restart on the default rule": (at(), at(iteration=2, rule="fallthrough", control="c", **REST)),
    "restart on a rule": (at(rule="fallthrough", control="c", **REST), at(iteration=2)),
    "ship": (at(), edited(at(**STOPPED), _shipped)),
    "next after a stop": (
        at(),
        edited(at(**STOPPED), _shipped),
        edited(at(iteration=2, allocation={"b": 50, "c": 50}, control="b"), _shipped),
    ),
    "edits while it runs": (at(), at(name="Other", tags=["x"], metrics=["rate", "more"])),
}
