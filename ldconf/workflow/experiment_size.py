"""`ldconf experiment size`: how many units an experiment needs, and what its numbers can find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import isfinite, sqrt

from ldconf.core import figures
from ldconf.core.analysis import Analysis, Caution, Code
from ldconf.core.errors import UsageError
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.core.power import POWER
from ldconf.core.sizing import Chances, Detects, SizeReport
from ldconf.experiments.figures_file import Z90
from ldconf.experiments.simulate import Outcomes, Plan, report
from ldconf.experiments.sizing import Question, Reach, Size, reaches, size_design, threshold_of
from ldconf.experiments.synthetic import Truth

TYPED = "typed"


@dataclass(frozen=True)
class SizeWish:
    """What was typed. Shares and probabilities are 0 to 1, `effect` is relative without sign;
    `daily_units` are those of the rule's whole traffic."""

    baseline: float | None = None
    effect: float | None = None
    sd: float | None = None
    threshold: float | None = None
    power: float = POWER
    split: Mapping[str, float] | None = None
    daily_units: float | None = None
    looks: int | None = None
    lower_is_better: bool = False


@dataclass(frozen=True)
class Tries:
    """How many experiments are simulated each way; `progress` is told how many are done."""

    runs: int
    progress: Callable[[int], None] | None = None


def size(
    design: ExperimentDesign | None,
    wish: SizeWish,
    pilot: Analysis | None = None,
    tries: Tries | None = None,
) -> SizeReport:
    """Return the size of a declared experiment, or (None) of one that only figures describe.

    `pilot` gives the baseline that was not typed: control's data on the primary metric. `tries`
    simulates the rule, at the planned units. Raises UsageError with every reason why it cannot be
    said.
    """
    base = design or _imagined(wish)
    if wish.threshold is not None:
        base = _with_threshold(base, wish.threshold)
    if wish.looks is not None:
        base = replace(base, decision=replace(base.decision, looks=wish.looks))
    baseline, sd, origin = _baseline(base, wish, pilot)
    lower = base.metric(base.primary).lower_is_better
    effect = wish.effect
    question = Question(
        baseline, 0.01 if effect is None else effect, sd, wish.power, wish.daily_units, lower
    )
    found = None if effect is None else size_design(base, question)
    detects = tuple(_detects(one, design) for one in reaches(base, question))
    signed = None if effect is None else -abs(effect) if lower else abs(effect)
    return SizeReport(
        experiment=design.key if design else None,
        metric=design.primary if design else None,
        unit=base.unit,
        baseline=baseline,
        baseline_from=origin,
        is_rate=sd is None,
        sd=sd,
        effect=signed,
        threshold=threshold_of(base),
        power=wish.power,
        per_arm=found.per_arm if found else None,
        total=found.total if found else None,
        arms=found.arms if found else {},
        days=found.days if found else None,
        daily_units=wish.daily_units,
        detects=detects,
        looks=base.decision.looks,
        warnings=tuple(_warnings(base, found, detects, signed)),
        simulated=_simulated(base, question, found, tries) if found and tries else (),
        notes=found.notes if found else (),
    )


def _simulated(
    design: ExperimentDesign, question: Question, found: Size, tries: Tries
) -> tuple[Chances, ...]:
    """Return what the rule does without a difference and with the one to find.

    Without declared units per arm the needed ones are simulated: an experiment ends somewhere.
    """
    if design.decision.planned_units_per_arm is None:
        rule = replace(design.decision, planned_units_per_arm=found.per_arm)
        design = replace(design, decision=rule)
    truth = Truth(question.baseline, question.sd)
    told = report(
        design,
        truth,
        question.effect,
        Plan(tries.runs, looks=design.decision.looks),
        progress=tries.progress,
    )
    equal = _chances("no treatment is better", 0.0, told.equal, told.per_arm)
    different = _chances(f"{told.better} is better", told.effect, told.different, told.per_arm)
    return equal, different


def _chances(scenario: str, effect: float, found: Outcomes, per_arm: int) -> Chances:
    verdicts = {one.value: found.share(one).value for one in found.verdicts}
    return Chances(
        scenario=scenario,
        effect=effect,
        runs=found.runs,
        per_arm=per_arm,
        shipped=found.ships_treatment.value,
        error=found.ships_treatment.error,
        verdicts=dict(sorted(verdicts.items(), key=lambda one: -one[1])),
    )


def _imagined(wish: SizeWish) -> ExperimentDesign:
    """Return a design with two arms and one metric, for figures without an experiment."""
    split = dict(wish.split or {"control": 50.0, "treatment": 50.0})
    metric = MetricDesign(
        "primary", "primary", "primary", "occurrence", lower_is_better=wish.lower_is_better
    )
    return ExperimentDesign(
        project="",
        key="",
        name="",
        environment="",
        ai_config="",
        allocation=split,
        control=next(iter(split)),
        metrics=(metric,),
        primary=metric.key,
    )


def _with_threshold(design: ExperimentDesign, threshold: float) -> ExperimentDesign:
    if design.methodology == "frequentist":
        raise UsageError(
            "--threshold is a probability, and the experiment is frequentist",
            "its threshold is `analysisConfig.significanceThreshold`",
        )
    return replace(design, threshold=threshold)


def _baseline(
    design: ExperimentDesign, wish: SizeWish, pilot: Analysis | None
) -> tuple[float, float | None, str]:
    """Return control's mean (or rate), the sd of one unit (None: a rate), and where from."""
    if wish.baseline is not None:
        return wish.baseline, wish.sd, TYPED
    if pilot is None:
        raise UsageError(
            "the baseline is not known",
            "--baseline 60% (a rate), or --baseline 1200 --sd 900 (a mean); or --local, --events "
            "or --aggregates: then it is what control has so far",
        )
    arm, metric = pilot.primary.arm(design.control), pilot.primary
    if not arm.units or arm.data_mean is None:
        raise UsageError(f"{design.control} has no data on {metric.key} yet", "--baseline tells it")
    origin = f"{figures.count(arm.units)} {design.unit}s of {design.control}"
    if metric.kind == "rate":
        return arm.data_mean, None, origin
    if metric.kind in ("percentile", "ratio") and arm.interval is not None:
        # The planner takes sqrt(n) x standard error of a pilot (statistics notes, section 3).
        error = (arm.interval.upper - arm.interval.lower) / (2 * Z90)
        return arm.mean or arm.data_mean, error * sqrt(arm.units), origin
    return arm.data_mean, wish.sd or arm.data_sd, origin


def _detects(found: Reach, design: ExperimentDesign | None) -> Detects:
    effect = found.effect if isfinite(found.effect) else None
    name = found.name if design is not None else f"usual {found.name}"
    return Detects(name, found.per_arm, effect, found.days)


def _warnings(
    design: ExperimentDesign,
    found: Size | None,
    detects: tuple[Detects, ...],
    effect: float | None,
) -> list[Caution]:
    words = []
    last = detects[-1]
    if found is not None and effect is not None and last.per_arm < found.per_arm:
        finds = "nothing that is possible"
        if last.effect is not None:
            finds = f"differences of {abs(last.effect) * 100:.0f} % or more"
        words.append(
            f"{figures.count(last.per_arm)} {design.unit}s per arm ({last.name}) find {finds}, not "
            f"{figures.share(abs(effect))}: "
            f"`plannedUnitsPerArm: {found.per_arm}` would be enough"
        )
    most = design.decision.maximum_days
    if found is not None and found.days is not None and most is not None and found.days > most:
        words.append(
            f"{figures.count(found.total)} {design.unit}s take {found.days:.1f} days, and "
            f"`maximumDays` is {most:g}"
        )
    return [Caution(Code.UNDERPOWERED, one) for one in words]
