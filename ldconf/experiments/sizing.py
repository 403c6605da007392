"""How many units an experiment needs, for how many days, and what its declared numbers can find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, isfinite, log, sqrt
from statistics import NormalDist

from ldconf.core.errors import UsageError
from ldconf.core.experiment import ExperimentDesign, Frequentist
from ldconf.core.power import (
    POWER,
    Assumption,
    Criterion,
    detectable,
    problems,
    units_of_control,
)

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Question:
    """What to size for. A rate if `sd` (of one unit) is None, else a mean.

    `effect` is the smallest relative difference worth finding, without sign: what better means is
    told by `lower_is_better`. `daily_units` are those per day that the rule's traffic holds.
    """

    baseline: float
    effect: float
    sd: float | None = None
    power: float = POWER
    daily_units: float | None = None
    lower_is_better: bool = False


@dataclass(frozen=True)
class Split:
    """Percent of the rule's traffic per arm, as an experiment's `allocation`."""

    allocation: Mapping[str, float]
    control: str

    @property
    def treatments(self) -> tuple[str, ...]:
        """Arms that are compared with control and get traffic."""
        return tuple(key for key, at in self.allocation.items() if key != self.control and at > 0)

    def ratio(self, treatment: str) -> float:
        """Return the treatment's units per unit of control."""
        return self.allocation[treatment] / self.allocation[self.control]

    def scaled(self, smallest: float) -> dict[str, int]:
        """Return units per arm when the smallest arm has so many."""
        least = min(share for share in self.allocation.values() if share > 0)
        return {
            key: ceil(smallest * share / least - _TOLERANCE)
            for key, share in self.allocation.items()
        }


EVEN = Split({"control": 50.0, "treatment": 50.0}, "control")


@dataclass(frozen=True)
class Size:
    """The answer. `per_arm` is what the smallest arm needs, so what `plannedUnitsPerArm` should
    say; `days` is None without a traffic."""

    arms: Mapping[str, int]
    per_arm: int
    total: int
    days: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """What a declared number of units per arm finds: relative `effect` (signed; infinite if
    nothing that is possible), in `days`."""

    name: str
    per_arm: int
    effect: float
    days: float | None


def size(
    question: Question, threshold: float = 0.95, split: Split = EVEN, notes: tuple[str, ...] = ()
) -> Size:
    """Return the units that find the effect with the question's power, where a probability to beat
    control of `threshold` counts. Raises UsageError with every reason why that cannot be said."""
    signed = -abs(question.effect) if question.lower_is_better else abs(question.effect)
    assumption = Assumption(question.baseline, signed, question.sd)
    _check(assumption, question, threshold, split)
    need = max(
        units_of_control(assumption, Criterion(threshold, question.power, split.ratio(key)))
        for key in split.treatments
    )
    share = split.allocation[split.control]
    arms = {key: ceil(need * own / share - _TOLERANCE) for key, own in split.allocation.items()}
    total = sum(arms.values())
    smallest = min(number for number in arms.values() if number)
    return Size(arms, smallest, total, _days(total, question, split), notes)


def size_design(design: ExperimentDesign, question: Question) -> Size:
    """Return the units that a declared experiment needs. Raises UsageError."""
    return size(question, threshold_of(design), _split(design), _notes(design))


def reaches(design: ExperimentDesign, question: Question) -> tuple[Reach, ...]:
    """Return what the declared minimum and the planned units find. Raises UsageError."""
    split, threshold = _split(design), threshold_of(design)
    lower, sd = question.lower_is_better, question.sd
    assumption = Assumption(question.baseline, -0.01 if lower else 0.01, sd)
    _check(assumption, question, threshold, split)
    declared = [("minimum", design.decision.minimum_units_per_arm)]
    if design.decision.planned_units_per_arm is not None:
        declared.append(("planned", design.decision.planned_units_per_arm))
    found = []
    for name, per_arm in declared:
        arms = split.scaled(per_arm)
        effects = (
            detectable(
                arms[design.control],
                assumption,
                Criterion(threshold, question.power, split.ratio(key)),
                lower=lower,
            )
            for key in split.treatments
        )
        days = _days(sum(arms.values()), question, split)
        found.append(Reach(name, per_arm, max(effects, key=abs), days))
    return tuple(found)


def threshold_of(design: ExperimentDesign) -> float:
    """Return the probability to beat control at which the design ships; of tests the one-sided
    confidence that their significance amounts to, corrected for several treatments or metrics."""
    if design.methodology != "frequentist":
        return design.threshold
    settings = design.frequentist
    alpha = settings.significance / _comparisons(design)
    if settings.sequential:
        return NormalDist().cdf(_sequential_z(settings, alpha))
    return 1 - (alpha / 2 if settings.two_sided else alpha)


def _comparisons(design: ExperimentDesign) -> int:
    """Return by how many comparisons Bonferroni divides; Benjamini-Hochberg counts as none."""
    settings = design.frequentist
    if settings.correction != "bonferroni":
        return 1
    count = {
        "variations": len(design.treatments),
        "metrics": len(design.metrics),
        "variations-and-metrics": len(design.treatments) * len(design.metrics),
    }[settings.scope]
    return max(count, 1)


def _sequential_z(settings: Frequentist, alpha: float) -> float:
    """Return the bound of the always-valid test when the planned units are reached, where it is
    tightest (see `frequentist`)."""
    level = -2 * log(settings.significance)
    mixed = level + log(level + 1)
    odds = sqrt(mixed + 1) / alpha
    return sqrt((mixed + 1) / mixed * 2 * log(odds if settings.two_sided else 1 + odds / 2))


def _split(design: ExperimentDesign) -> Split:
    return Split(design.allocation, design.control)


def _check(assumption: Assumption, question: Question, threshold: float, split: Split) -> None:
    found = list(problems(assumption, Criterion(threshold, question.power)))
    if split.allocation.get(split.control, 0) <= 0 or not split.treatments:
        found.append("control and at least one treatment must get traffic")
    if question.daily_units is not None and question.daily_units <= 0:
        found.append("the traffic per day must be above 0")
    if not all(isfinite(number) for number in (question.baseline, question.effect)):
        found.append("baseline and effect must be finite numbers")
    if found:
        raise UsageError(f"the experiment cannot be sized: {'; '.join(found)}")


def _days(total: float, question: Question, split: Split) -> float | None:
    if question.daily_units is None:
        return None
    return total / (question.daily_units * sum(split.allocation.values()) / 100)


def _notes(design: ExperimentDesign) -> tuple[str, ...]:
    notes = []
    if len(design.treatments) > 1 and design.methodology == "bayesian":
        notes.append(
            "several treatments: one must also be best of all, which takes more units the closer"
            " they are"
        )
    if design.methodology == "frequentist" and design.frequentist.sequential:
        notes.append("sequential tests may be read at any time and take about twice the units")
    primary = design.metric(design.primary)
    if primary.percentile is not None:
        notes.append(
            "for a percentile, sd is the standard error of a pilot times the root of its units"
        )
    return tuple(notes)
