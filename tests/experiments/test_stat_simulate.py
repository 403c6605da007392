"""The simulated rule: known chances, the cost of looking often, truths that cannot be."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from ldconf.core.analysis import Verdict
from ldconf.core.errors import UsageError
from ldconf.core.experiment import DecisionRule, Guardrail
from ldconf.experiments.simulate import Outcomes, Plan, report, simulate, world_of
from ldconf.experiments.synthetic import Truth, units_of
from tests.experiments import building as build
from tests.experiments.building import TREATMENT

RATE = Truth(0.6)
ONE = build.design(build.rate(), decision=DecisionRule(100, 582, 28), prior="flat")


def near(found: float, expected: float, runs: int) -> bool:
    return abs(found - expected) < 4 * sqrt(expected * (1 - expected) / runs)


def test_rule_with_planned_units_errs_as_planned() -> None:
    """582 users per arm are for 80 % power at a threshold of 90 % (planner.json)."""
    told: list[int] = []
    found = report(ONE, RATE, 0.1, Plan(runs=400), progress=told.append)
    assert near(found.false_ship.value, 0.10, 400)
    assert near(found.missed_win.value, 0.20, 400)
    assert found.false_ship.error == pytest.approx(0.015, abs=0.004)
    assert (found.per_arm, found.looks, found.better, found.effect) == (582, 1, TREATMENT, 0.1)
    assert told == list(range(1, 801))


def test_acting_on_every_look_ships_by_luck() -> None:
    eager = build.design(build.rate(), decision=DecisionRule(58, None, 28, looks=10), prior="flat")
    found = simulate(eager, {"thumbs-up": RATE}, Plan(runs=150, per_arm=582))
    assert found.ships_treatment.value > 0.2
    patient = simulate(ONE, {"thumbs-up": RATE}, Plan(runs=60, looks=10))
    assert patient.ships_treatment.value < found.ships_treatment.value - 0.05
    assert patient.mean_looks == 10
    assert found.mean_looks < 9


def test_guardrail_that_is_worse_blocks() -> None:
    metrics = build.rate(), build.mean("cost", lower_is_better=True)
    rule = DecisionRule(100, 582, 28, guardrails={"cost": Guardrail()})
    design = build.design(*metrics, decision=rule)
    effects = {TREATMENT: 0.1}
    world = {"thumbs-up": Truth(0.6, effects=effects), "cost": Truth(1, 0.8, {TREATMENT: 0.3})}
    found = simulate(design, world, Plan(runs=60))
    assert found.share(Verdict.BLOCKED_BY_GUARDRAIL).value > 0.95


def test_lower_is_better_finds_the_one_that_is_lower() -> None:
    metric = build.mean(lower_is_better=True)
    design = build.design(metric, decision=DecisionRule(100, 600, 28))
    found = report(design, Truth(1000, 300), 0.1, Plan(runs=40))
    assert found.effect == -0.1
    assert found.missed_win.value < 0.1


def test_same_seed_gives_the_same_outcomes() -> None:
    def run(seed: int) -> Outcomes:
        return simulate(ONE, {"thumbs-up": RATE}, Plan(runs=30, seed=seed))

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_every_kind_of_metric_can_be_simulated() -> None:
    metrics = (
        build.rate(),
        build.mean(),
        build.p95(),
        build.p95("request-latency", over_requests=True),
        build.mean("cost", denominator="requests", lower_is_better=True),
    )
    design = build.design(
        *metrics,
        allocation={"control": 40, TREATMENT: 30, "third": 30},
        decision=DecisionRule(
            100, 300, 28, guardrails={"latency": Guardrail(), "request-latency": Guardrail()}
        ),
    )
    found = simulate(design, world_of(design, {}), Plan(runs=5))
    assert sum(found.verdicts.values()) == 5
    assert Verdict.INVALID not in found.verdicts


@pytest.mark.parametrize(
    "metric", [build.mean(), build.mean(denominator="requests")], ids=["mean", "ratio"]
)
def test_simulated_units_have_their_mean(metric: object) -> None:
    random = np.random.default_rng(1)
    assert isinstance(metric, type(build.mean()))
    sums = units_of(metric, Truth(50, 40, {TREATMENT: 0.2}), TREATMENT, 40_000, random)
    found, fewer = sums(40_000), sums(100)
    events = found.denominator.total if found.denominator else 40_000
    assert found.total / events == pytest.approx(60, rel=0.02)
    assert fewer.units == 100
    assert fewer.total < found.total


def test_truths_that_cannot_be_are_refused_together() -> None:
    design = build.design(build.rate(), build.mean())
    world = {"thumbs-up": Truth(0.6, effects={TREATMENT: 0.9}), "tokens": Truth(5)}
    with pytest.raises(UsageError) as caught:
        simulate(design, world, Plan(runs=1))
    assert "rate of 1.14 for thumbs-up of treatment" in caught.value.summary
    assert "tokens of control needs" in caught.value.summary
    with pytest.raises(UsageError, match="export_only"):
        simulate(build.design(methodology="export_only"), {"thumbs-up": RATE}, Plan(runs=1))


def test_more_units_than_memory_holds_are_refused() -> None:
    with pytest.raises(UsageError, match="values per experiment"):
        simulate(build.design(), {"thumbs-up": Truth(0.5)}, Plan(1, per_arm=10**13))
