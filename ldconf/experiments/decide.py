"""The decision rule, applied as it was written down beforehand; the first match wins.

Statistics notes, section 3:

1. invalid: sample ratio mismatch or a failed health check
2. keep running: an arm is below the minimum
3. blocked by a guardrail
4. keep running: neither the planned units nor the maximum duration are reached
5. ship the treatment that is best and beats control
6. ship control
7. stop, inconclusive, at the maximum duration; else keep running

Several treatments: one that a guardrail blocks cannot be shipped, and the verdict is blocked if
all are or if the leading one is.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from ldconf.core import figures
from ldconf.core.analysis import (
    ALERT,
    Analysis,
    Caution,
    Code,
    Decision,
    HealthStatus,
    Verdict,
)
from ldconf.core.experiment import ExperimentDesign
from ldconf.experiments.standing import Standing, reaches, standing
from ldconf.experiments.wording import listed, percent, units

DAY_MS = 86_400_000


def decide(analysis: Analysis, as_of: int | None = None) -> Decision:
    """Return what the rule says of an analysis at `as_of` (ms; default: the analysis' own time)."""
    design = analysis.design
    if design.methodology == "export_only":
        words = (
            "methodology is export_only: LaunchDarkly sends the data to your warehouse and neither"
            " it nor ldconf tests them; decide there, or declare bayesian or frequentist"
        )
        return Decision(Verdict.INVALID, design.control, (words,))
    case = _Case(analysis, as_of)
    decision = (
        _unstarted(design)
        or _invalid(analysis)
        or _too_few(case)
        or _blocked(case)
        or _planned(case)
        or _shipped(case)
        or _control(case)
        or _open(case)
    )
    return replace(decision, warnings=_warnings(analysis))


class _Case:
    """An analysis, how long its iteration has run, and whether that is the maximum."""

    def __init__(self, analysis: Analysis, as_of: int | None) -> None:
        self.analysis, self.design = analysis, analysis.design
        now = analysis.as_of if as_of is None else as_of
        self.days = None if self.design.started is None else (now - self.design.started) / DAY_MS
        most = self.design.decision.maximum_days
        self.is_over = most is not None and self.days is not None and self.days >= most

    @cached_property
    def treatments(self) -> tuple[Standing, ...]:
        """Where every treatment stands."""
        return standing(self.analysis)

    @cached_property
    def leader(self) -> Standing | None:
        """The treatment that stands best on the primary metric; of tested ones several may win, and
        then one that the guardrails let pass comes first, one that none blocks next."""
        able = [one for one in self.treatments if one.score is not None]
        return max(able, key=_rank, default=None)

    @property
    def words(self) -> str:
        """How long, as `9.5 days`."""
        return "an unknown time" if self.days is None else f"{self.days:.1f} days"


def _unstarted(design: ExperimentDesign) -> Decision | None:
    """Decide nothing about a draft: events that are older than its start may fit it by chance."""
    if design.status != "draft":
        return None
    words = f"the experiment is a draft: iteration {design.iteration} is not started"
    return Decision(Verdict.KEEP_RUNNING, None, (words,))


def _invalid(analysis: Analysis) -> Decision | None:
    failed = [check for check in analysis.health if check.status is HealthStatus.FAILED]
    reasons = [f"{check.name}: {check.words}" for check in failed]
    ratio = analysis.sample_ratio
    mismatch = ratio is not None and ratio.probability_of_mismatch >= ALERT
    if ratio is not None and mismatch and all(check.name != "sample ratio" for check in failed):
        chance = percent(ratio.probability_of_mismatch)
        reasons.insert(0, f"sample ratio mismatch with probability {chance}")
    if not reasons:
        return None
    return Decision(Verdict.INVALID, analysis.design.control, tuple(reasons))


def _too_few(case: _Case) -> Decision | None:
    """Keep running while an arm is below the minimum, or a percentile that counts is not known."""
    analysis, design = case.analysis, case.design
    least = design.decision.minimum_units_per_arm
    reasons = []
    below = {key: count for key, count in _meant(analysis).items() if count < least}
    if below:
        have = listed(f"{key} has {figures.count(count)}" for key, count in below.items())
        reasons.append(f"{have} of at least {units(least, design.unit)} per arm")
    for metric in analysis.metrics:
        counts = metric.primary or metric.guardrail
        short = [arm for arm in metric.arms if arm.mean is None]
        if counts and metric.kind == "percentile" and short:
            have = listed(f"{arm.variation} {figures.count(arm.units)}" for arm in short)
            reasons.append(
                f"{metric.name}: too few {design.unit}s with a value for a percentile ({have})"
            )
    if not reasons:
        return None
    if case.is_over:
        reasons.append(
            f"the maximum of {design.decision.maximum_days:g} days is over, and so few"
            f" {design.unit}s cannot tell: stop it, or raise the traffic"
        )
    return _running(case, reasons)


def _blocked(case: _Case) -> Decision | None:
    found, leader = case.treatments, case.leader
    stopped = [one for one in found if one.blocks]
    if not stopped or not (len(stopped) == len(found) or (leader is not None and leader.blocks)):
        return None
    reasons = [reason for one in stopped for reason in one.blocks]
    if len(found) > len(stopped) and leader is not None:
        reasons.append(
            f"{leader.variation} leads on {case.analysis.primary.name}, so nothing else can"
        )
    return Decision(Verdict.BLOCKED_BY_GUARDRAIL, case.design.control, tuple(reasons))


def _planned(case: _Case) -> Decision | None:
    """Keep running while neither planned units nor maximum duration are reached."""
    design, leader = case.design, case.leader
    planned = design.decision.planned_units_per_arm
    if planned is None or case.is_over:
        return None
    below = {key: count for key, count in _meant(case.analysis).items() if count < planned}
    if not below:
        return None
    have = listed(f"{key} has {figures.count(count)}" for key, count in below.items())
    reasons = [f"{have} of {units(planned, design.unit)} planned per arm"]
    most = design.decision.maximum_days
    if most is not None and case.days is not None:
        reasons.append(f"day {case.days:.1f} of at most {most:g}")
    if leader is not None and leader.wins:
        words = "stopping as soon as the threshold is passed ships by luck too often"
        reasons.append(f"{leader.words}; provisional: {words}")
    return _running(case, reasons)


def _shipped(case: _Case) -> Decision | None:
    leader = case.leader
    if leader is None or leader.blocks or leader.unproven or not leader.wins:
        return None
    return Decision(Verdict.SHIP_TREATMENT, leader.variation, (leader.words, *leader.passes))


def _control(case: _Case) -> Decision | None:
    """Ship control if it is best, or if every treatment is unlikely to beat it."""
    analysis, design, found = case.analysis, case.design, case.treatments
    own = analysis.primary.arm(design.control)
    if own.p_best is not None and reaches(own.p_best, design.threshold):
        words = (
            f"{design.control} is best on {analysis.primary.name} with probability"
            f" {percent(own.p_best)}, at least {percent(design.threshold)}"
        )
        return Decision(Verdict.SHIP_CONTROL, design.control, (words,))
    if found and all(one.loses for one in found):
        reasons = tuple(one.words for one in found)
        return Decision(Verdict.SHIP_CONTROL, design.control, reasons)
    return None


def _open(case: _Case) -> Decision:
    design, found = case.design, case.treatments
    reasons = [one.words for one in found]
    reasons += [reason for one in found if one.wins for reason in (*one.blocks, *one.unproven)]
    if not case.is_over:
        if design.decision.maximum_days is None:
            reasons.append("no maximum duration is declared, so this can go on for ever")
        return _running(case, reasons)
    winner = design.decision.inconclusive or design.control
    reasons.append(
        f"the maximum of {design.decision.maximum_days:g} days is over without a winner"
        f" ({case.words}): go on with {winner} and try other variations"
    )
    return Decision(Verdict.STOP_INCONCLUSIVE, winner, tuple(reasons))


def _running(case: _Case, reasons: list[str]) -> Decision:
    leader = case.leader
    provisional = leader.variation if leader is not None and leader.is_ahead else None
    return Decision(Verdict.KEEP_RUNNING, None, tuple(reasons), provisional)


def _rank(one: Standing) -> tuple[bool, bool, bool, float]:
    return (
        one.wins and not one.blocks and not one.unproven,
        one.wins and not one.blocks,
        one.wins,
        one.score or 0.0,
    )


def _meant(analysis: Analysis) -> dict[str, int]:
    """Return the exposed units of the arms that are meant to get any."""
    return {key: analysis.exposed.get(key, 0) for key in analysis.design.arms}


def _warnings(analysis: Analysis) -> tuple[Caution, ...]:
    """Return the warnings that bear on the decision."""
    weighty = {Code.ZERO_VARIANCE, Code.STRONG_PRIOR, Code.METRIC_NEVER_SEEN}
    deciding = [metric for metric in analysis.metrics if metric.primary or metric.guardrail]
    return analysis.warnings + tuple(
        replace(one, words=f"{metric.name}: {one.words}")
        for metric in deciding
        for one in metric.warnings
        if one.code in weighty
    )
