"""How often the declared rule ships what is no better, and misses what is: by simulation.

Runs the real `analyse` and `decide` on counts of simulated units, once per look, and stops at the
first verdict other than to keep running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import sqrt

from ldconf.core import figures
from ldconf.core.analysis import Decision, Verdict
from ldconf.core.errors import UsageError
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.experiments.analyse import analyse
from ldconf.experiments.decide import DAY_MS, decide
from ldconf.experiments.estimates import DECIDING
from ldconf.experiments.fits import kind_of
from ldconf.experiments.numeric import generator, np
from ldconf.experiments.sizing import Split
from ldconf.experiments.synthetic import Sums, Truth, at_look, units_of

MOST_DRAWN = 20_000_000  # values of one simulated experiment: what memory holds
World = Mapping[str, Truth]  # by metric key
Progress = Callable[[int], None]  # told how many runs are done
TYPICAL = {
    "rate": Truth(0.5),
    "mean": Truth(1000.0, 800.0),
    "ratio": Truth(1000.0, 800.0),
    "percentile": Truth(1000.0, 800.0),
}


@dataclass(frozen=True)
class Share:
    """A share of runs and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Outcomes:
    """What became of the runs: final verdicts, shipped variations, and looks taken."""

    runs: int
    verdicts: Mapping[Verdict, int]
    shipped: Mapping[str, int]
    looks: int

    def share(self, verdict: Verdict) -> Share:
        """Return the share of runs that ended with a verdict."""
        return self._share(self.verdicts.get(verdict, 0))

    @property
    def ships_treatment(self) -> Share:
        """Share of runs that ship any treatment."""
        return self.share(Verdict.SHIP_TREATMENT)

    def ships(self, variation: str) -> Share:
        """Return the share of runs that ship one variation as a treatment."""
        return self._share(self.shipped.get(variation, 0))

    @property
    def mean_looks(self) -> float:
        """Looks until the verdict, on average."""
        return self.looks / self.runs

    def _share(self, number: int) -> Share:
        value = number / self.runs
        return Share(value, sqrt(value * (1 - value) / self.runs))


@dataclass(frozen=True)
class Report:
    """The declared rule in two worlds: all arms equal, and one treatment better on the primary
    metric. `false_ship` and `missed_win` are its two errors."""

    per_arm: int
    looks: int
    better: str
    effect: float
    equal: Outcomes
    different: Outcomes

    @property
    def false_ship(self) -> Share:
        """Share of runs that ship a treatment though all arms are equal."""
        return self.equal.ships_treatment

    @property
    def missed_win(self) -> Share:
        """Share of runs that do not ship the better treatment."""
        shipped = self.different.ships(self.better)
        return Share(1 - shipped.value, shipped.error)


@dataclass(frozen=True)
class Plan:
    """What to simulate. `per_arm` is the smallest arm at the last look, which counts as the maximum
    duration (default: planned units, else the minimum); `looks` as declared unless told."""

    runs: int = 2000
    per_arm: int | None = None
    looks: int | None = None
    seed: int = 0


def report(
    design: ExperimentDesign,
    primary: Truth,
    effect: float,
    plan: Plan = Plan(),
    others: World | None = None,
    progress: Progress | None = None,
) -> Report:
    """Return how the rule does where all arms are equal, and where the first treatment is better by
    the relative `effect` (without sign). Runs 2 x `runs`; `progress` counts over both.

    `primary` is control's truth; metrics not in `others` are taken as typical and equal.
    """
    metric = design.metric(design.primary)
    better = next((key for key in design.arms if key != design.control), None)
    if better is None:
        raise UsageError("an experiment without a treatment cannot be simulated")
    signed = -abs(effect) if metric.lower_is_better else abs(effect)
    world = world_of(design, {**(others or {}), design.primary: replace(primary, effects={})})
    changed = {**world, design.primary: replace(primary, effects={better: signed})}
    later = None if progress is None else _after(progress, plan.runs)
    return Report(
        per_arm=_per_arm(design, plan),
        looks=_looks(design, plan),
        better=better,
        effect=signed,
        equal=simulate(design, world, plan, progress),
        different=simulate(design, changed, replace(plan, seed=plan.seed + 1), later),
    )


def simulate(
    design: ExperimentDesign, world: World, plan: Plan = Plan(), progress: Progress | None = None
) -> Outcomes:
    """Return what the rule does with experiments drawn from `world`. The same arguments always give
    the same answer. Raises UsageError with every reason why the world cannot be."""
    found = _problems(design, world, plan)
    if found:
        raise UsageError(f"this cannot be simulated: {'; '.join(found)}")
    random = generator(design.key, design.iteration, "simulation", plan.seed)
    design = replace(design, started=0, ended=None, status="running")
    verdicts: Counter[Verdict] = Counter()
    shipped: Counter[str] = Counter()
    looks = 0
    for run in range(plan.runs):
        decision, used = _one(design, world, plan, random)
        verdicts[decision.verdict] += 1
        looks += used
        if decision.verdict is Verdict.SHIP_TREATMENT and decision.winner:
            shipped[decision.winner] += 1
        if progress is not None:
            progress(run + 1)
    return Outcomes(plan.runs, dict(verdicts), dict(shipped), looks)


def world_of(design: ExperimentDesign, known: World) -> World:
    """Return a truth for every metric: what is known, else a typical one without effect."""
    return {
        metric.key: known.get(metric.key, TYPICAL[kind_of(metric)]) for metric in design.metrics
    }


def _one(
    design: ExperimentDesign, world: World, plan: Plan, random: np.random.Generator
) -> tuple[Decision, int]:
    """Run one experiment to its end; return the last decision and the looks that it took."""
    looks = _looks(design, plan)
    final = Split(design.allocation, design.control).scaled(_per_arm(design, plan))
    final = {arm: units for arm, units in final.items() if units}
    drawn: dict[str, dict[str, Sums]] = {
        arm: {
            metric.key: units_of(metric, world[metric.key], arm, units, random)
            for metric in design.metrics
        }
        for arm, units in final.items()
    }
    most = design.decision.maximum_days or 1.0
    for look in range(1, looks + 1):
        units = {arm: max(whole * look // looks, 1) for arm, whole in final.items()}
        as_of = round(most * DAY_MS * look / looks)
        decision = decide(analyse(design, at_look(design, drawn, units, as_of), (), DECIDING))
        if decision.verdict is not Verdict.KEEP_RUNNING:
            break
    return decision, look


def _per_arm(design: ExperimentDesign, plan: Plan) -> int:
    rule = design.decision
    return plan.per_arm or rule.planned_units_per_arm or rule.minimum_units_per_arm


def _looks(design: ExperimentDesign, plan: Plan) -> int:
    return max(plan.looks or design.decision.looks, 1)


def _after(progress: Progress, done: int) -> Progress:
    return lambda more: progress(done + more)


def _problems(design: ExperimentDesign, world: World, plan: Plan) -> list[str]:
    found = [
        problem
        for metric in design.metrics
        for variation in design.allocation
        for problem in _problems_of(metric, world.get(metric.key), variation)
    ]
    split = Split(design.allocation, design.control)
    drawn = sum(split.scaled(_per_arm(design, plan)).values()) * len(design.metrics)
    if drawn > MOST_DRAWN:
        found.append(
            f"{drawn:.2g} values per experiment (units by metrics) are more than"
            f" {figures.count(MOST_DRAWN)}"
        )
    if plan.runs < 1:
        found.append("at least one run is needed")
    if design.methodology == "export_only":
        found.append("the methodology export_only has no decision rule")
    return list(dict.fromkeys(found))


def _problems_of(metric: MetricDesign, truth: Truth | None, variation: str) -> list[str]:
    if truth is None:
        return [f"nothing is known of {metric.key}"]
    mean, sd = truth.of(variation)
    if kind_of(metric) == "rate":
        if 0 <= mean <= 1:
            return []
        return [f"a rate of {mean:g} for {metric.key} of {variation} is not between 0 and 1"]
    if mean > 0 and sd > 0:
        return []
    return [f"{metric.key} of {variation} needs a mean and a standard deviation above 0"]
