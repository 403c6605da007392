"""An experiment of a against b in test, in files and live, for the tests of its life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ldconf.core.change import Plan, Transition, verb_of
from ldconf.core.live import Live, RunningExperiment
from ldconf.core.resource import Json, Observed
from ldconf.core.workspace import Workspace
from ldconf.kinds.experiment_fields import EXPECTED
from ldconf.planning.options import PlanOptions
from ldconf.planning.planner import plan
from tests import build
from tests.planning.scenes import TEST, edited

EXP = "experiments/exp"
C = "aiConfigs/bot/variations/c"
RATE, COST = "metrics/rate", "metrics/cost"
PREMIUM = {
    "description": "Premium",
    "clauses": [{"attribute": "plan", "op": "in", "values": ["premium"]}],
    "serve": "a",
}
BETA = {
    "description": "Beta",
    "clauses": [{"op": "segmentMatch", "values": ["beta"]}],
    "serve": "c",
}
IDS = ["rule-beta", "rule-premium"]
TRIAL: Mapping[str, Json] = {
    "name": "Trial",
    "environment": "test",
    "aiConfig": "bot",
    "rule": "fallthrough",
    "hypothesis": "b is better",
    "randomizationUnit": "user",
    "methodology": "bayesian",
    "metrics": ["rate"],
    "primary": "rate",
    "allocation": {"a": 50, "b": 50},
    "control": "a",
    "remainder": "a",
    "status": "running",
    "iteration": 1,
}
AROUND: Mapping[str, Mapping[str, Json]] = {
    C: {"name": "C"},
    RATE: {"kind": "custom", "eventKey": "good", "isNumeric": False},
    COST: {"kind": "custom", "eventKey": "cost", "isNumeric": False},
    "segments/beta/test": {"name": "Beta"},
    TEST: {"targets": None, "rules": [BETA, PREMIUM], "fallthrough": "a"},
}
MUTABLE = {"not_started": {}, **{status: dict(EXPECTED[status]) for status in EXPECTED}}


def trial(status: str | None = "running", iteration: int = 1, **fields: Json) -> dict[str, Json]:
    """Return the fields of the experiment at a place of its life; a field of None is left out."""
    given = {**TRIAL, "status": status, "iteration": iteration, **fields}
    if status is None:
        given.pop("iteration")
    return {name: value for name, value in given.items() if value is not None}


def files(
    experiment: Mapping[str, Json] | None = None,
    changes: Mapping[str, Mapping[str, Json] | None] | None = None,
    **more: Any,
) -> Workspace:
    """Return the workspace; `experiment` None leaves it out."""
    found: dict[str, Any] = {name: dict(fields) for name, fields in AROUND.items()}
    if experiment is not None:
        found[EXP] = dict(experiment)
    for name, fields in (changes or {}).items():
        found[name] = None if fields is None else {**found.get(name, {}), **fields}
    return edited(found, **more)


def live(
    experiment: Mapping[str, Json] | None = None,
    changes: Mapping[str, Mapping[str, Json] | None] | None = None,
    *,
    mutable: Any = MUTABLE,
    archived: bool = False,
    served: Json = None,
    meta: Mapping[str, Json] | None = None,
    slots: Sequence[Json] | None = None,
    **more: Any,
) -> Live:
    """Return the live state: the workspace, and the experiment where it stands.

    `served`: what its slot serves, if that is not what the files say (after a stop). `slots`: what
    shows an experiment's rollout, if not that of the running one.
    """
    found = build.as_live(files(None, changes), **more)
    observed = dict(found.observed)
    filled: list[Json] = []
    running: tuple[RunningExperiment, ...] = ()
    if experiment is not None:
        at, one = build.at(EXP), build.observed(EXP, **dict(experiment))
        rule = _rule_id(experiment.get("rule", "fallthrough"))
        facts = {"rule_id": rule, "mutable": mutable, "archived": archived, **(meta or {})}
        observed[at] = build.replace(one, meta={**one.meta, **facts})
        if experiment["status"] in ("running", "draft") and not archived:
            running = (_running(experiment, rule),)
        if experiment["status"] == "running":
            filled = [IDS.index(rule) if rule in IDS else rule]
    place = build.at(TEST)
    there = observed[place]
    resource = there.resource
    if served is not None:
        slot = _rule_id((experiment or {}).get("rule", "fallthrough"))
        resource = _serving(there, slot, served)
    observed[place] = Observed(
        resource,
        1,
        meta={
            **there.meta,
            "rule_ids": IDS,
            "experiment_slots": filled if slots is None else slots,
        },
    )
    return build.replace(found, observed=observed, experiments=running)


def planned(desired: Workspace, state: Live, base: Workspace | None = None, **options: Any) -> Plan:
    """Return the plan; without a base two-way."""
    return plan(desired, state, base, PlanOptions(**options))


def lines(found: Plan) -> list[str]:
    """Return `PHASE VERB ADDRESS` of every change, in order."""
    return [f"{c.phase.value} {verb_of(c)} {c.address}" for c in found.changes]


def steps(found: Plan) -> list[str]:
    """Return the verbs of the experiment's own steps."""
    return [verb_of(c) for c in found.changes if c.address == build.at(EXP)]


def transition(found: Plan, verb: str) -> Transition:
    """Return one step."""
    return next(c for c in found.changes if isinstance(c, Transition) and c.verb == verb)


def _rule_id(rule: Json) -> str:
    if isinstance(rule, str):
        return rule
    return {"Beta": "rule-beta", "Premium": "rule-premium"}[rule["description"]]


def _running(fields: Mapping[str, Json], rule: str) -> RunningExperiment:
    keys = {*fields["allocation"], fields.get("remainder") or fields["control"]}
    return RunningExperiment(
        "exp",
        "Trial",
        fields["environment"],
        fields["aiConfig"],
        fields["status"],
        rule,
        frozenset(keys),
        fields["control"],
    )


def _serving(there: Observed, slot: str, served: Json) -> Any:
    values = there.resource.managed()
    if slot == "fallthrough":
        values["fallthrough"] = served
    else:
        values["rules"][IDS.index(slot)]["serve"] = served
    return build.resource(TEST, **values)
