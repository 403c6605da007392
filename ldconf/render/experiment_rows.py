"""What is said of an experiment's results, the same in every format: figures, rows, sentences."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from ldconf.core import figures
from ldconf.core.analysis import (
    Analysis,
    ArmResult,
    Caution,
    Decision,
    MetricResult,
    PreRegistration,
    Registration,
    SliceResult,
    Verdict,
)
from ldconf.core.experiment import CREDIBLE_MASS, ExperimentDesign
from ldconf.render.names import counted, numbered
from ldconf.render.scales import DOLLARS, Scale, difference, probability, scale_of

NOTHING = figures.NOTHING
DAY_MS = 86_400_000
VERDICTS = {
    Verdict.SHIP_TREATMENT: "ship the treatment",
    Verdict.SHIP_CONTROL: "ship control",
    Verdict.KEEP_RUNNING: "keep running",
    Verdict.STOP_INCONCLUSIVE: "stop: no winner",
    Verdict.BLOCKED_BY_GUARDRAIL: "blocked by a guardrail",
    Verdict.INVALID: "invalid",
}


@dataclass(frozen=True)
class ArmRow:
    """One arm of one metric in words. `tone` is `good` or `bad` if the threshold is reached."""

    variation: str
    is_control: bool
    exposed: str
    total: str  # units with a conversion of how many, or the total of all values by how many
    mean: str
    interval: str
    change: str
    change_interval: str
    beat: str
    best: str
    loss: str
    weight: str
    p_value: str
    tone: str


def arm_rows(metric: MetricResult, design: ExperimentDesign) -> tuple[ArmRow, ...]:
    """Return the rows of a metric, control first as the analysis has them."""
    scale = scale_of(metric)
    return tuple(_arm_row(arm, scale, metric, design) for arm in metric.arms)


def _arm_row(
    arm: ArmResult, scale: Scale, metric: MetricResult, design: ExperimentDesign
) -> ArmRow:
    change, ends = difference(arm.difference, scale)
    return ArmRow(
        variation=arm.variation,
        is_control=arm.is_control,
        exposed=figures.count(arm.exposed),
        total=_total(arm, metric),
        mean=scale.value(arm.data_mean if design.methodology == "export_only" else arm.mean),
        interval=scale.ends(arm.interval),
        change=change,
        change_interval=ends,
        beat=probability(arm.p_beat_control),
        best=probability(arm.p_best),
        loss=scale.value(arm.expected_loss),
        weight=figures.share(arm.data_weight),
        p_value=_p_value(arm),
        tone=_tone(arm, metric, design),
    )


def _total(arm: ArmResult, metric: MetricResult) -> str:
    units = figures.count(arm.units)
    if metric.kind == "rate":
        return f"{figures.count(arm.total)} / {units}"
    if metric.unit == "ms":
        return f"{figures.duration(arm.total)} by {units}"
    if metric.unit in DOLLARS:
        return f"{figures.dollars(arm.total)} by {units}"
    decimals = 2 if 0 < abs(arm.total) < 1000 and arm.total != int(arm.total) else 0
    return f"{arm.total:,.{decimals}f} by {units}"


def total_label(metric: MetricResult) -> str:
    """Return what a row's `total` is called."""
    return "conversions" if metric.kind == "rate" else "total"


def _p_value(arm: ArmResult) -> str:
    if arm.significance is None:
        return NOTHING
    found = arm.significance.adjusted
    return "<0.001" if found < 0.001 else f"{found:.3f}"


def _tone(arm: ArmResult, metric: MetricResult, design: ExperimentDesign) -> str:
    if arm.significance is not None:
        if not arm.significance.significant or arm.difference is None:
            return ""
        return "good" if (arm.difference.mean < 0) == metric.lower_is_better else "bad"
    if arm.p_beat_control is None:
        return ""
    if arm.p_beat_control >= design.threshold:
        return "good"
    return "bad" if arm.p_beat_control <= 1 - design.threshold else ""


def cautions(analysis: Analysis, decision: Decision | None = None) -> tuple[Caution, ...]:
    """Return the warnings that no health check says already: of the experiment, or (with
    `decision`) those that only the decision has."""
    known = {check.words for check in analysis.health}
    if decision is None:
        return tuple(one for one in analysis.warnings if one.words not in known)
    by_metric = [one.words for metric in analysis.metrics for one in metric.warnings]
    known |= {one.words for one in analysis.warnings}
    return tuple(
        one
        for one in decision.warnings
        if one.words not in known and not any(one.words.endswith(words) for words in by_metric)
    )


def slices(analysis: Analysis) -> list[tuple[str, list[SliceResult]]]:
    """Return (attribute, its slices), by attribute."""
    ordered = sorted(analysis.slices, key=_attribute)
    return [(attribute, list(found)) for attribute, found in groupby(ordered, key=_attribute)]


def _attribute(found: SliceResult) -> str:
    return found.attribute


def is_frequentist(analysis: Analysis) -> bool:
    """True if the results are tests, not probabilities."""
    arms = (arm for metric in analysis.metrics for arm in metric.arms)
    return any(arm.significance is not None for arm in arms)


def interval_label(design: ExperimentDesign) -> str:
    """Return `90 % interval`; of tests what their significance leaves."""
    mass = CREDIBLE_MASS
    if design.methodology == "frequentist":
        mass = 1 - design.frequentist.significance
    return f"{figures.share(mass)} interval"


def mean_label(metric: MetricResult, design: ExperimentDesign) -> str:
    """Return what the estimated figure is: `rate`, `mean`, `ratio` or `p95`."""
    if metric.kind != "percentile":
        return metric.kind
    try:
        wanted = design.metric(metric.key).percentile
    except KeyError:
        wanted = None
    return "percentile" if wanted is None else f"p{wanted:g}"


def roles(metric: MetricResult) -> str:
    """Return `primary, higher is better`."""
    words = ["primary"] if metric.primary else []
    words += ["guardrail"] if metric.guardrail else []
    words += [f"of group {metric.group}"] if metric.group else []
    return ", ".join([*words, "lower is better" if metric.lower_is_better else "higher is better"])


def status(analysis: Analysis) -> str:
    """Return one line: iteration, how long, where."""
    design = analysis.design
    where = f"in {design.environment}, {design.place}"
    return f"iteration {design.iteration}, {_time(analysis)}, {where}"


def source(analysis: Analysis) -> str:
    """Return where the counts are from, and of when."""
    return f"from {analysis.source}, as of {figures.moment(analysis.as_of)}"


def sentence(words: str) -> str:
    """Return the words with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def _time(analysis: Analysis) -> str:
    design = analysis.design
    if design.status == "draft":
        return "a draft, not started"
    ended = design.ended if design.status == "stopped" else None
    length = _length(analysis)
    lasted = "" if length is None else f" ({_days(length)})"
    if design.started is None:
        return f"{design.status}, start not known"
    since = figures.moment(design.started)
    if design.status == "stopped":
        until = f" to {figures.moment(ended)}" if ended is not None else ""
        return f"stopped, from {since}{until}{lasted}"
    return f"running since {since}{lasted}"


def _length(analysis: Analysis) -> float | None:
    """Return how long the iteration has been running at `as_of`, or ran."""
    design = analysis.design
    if design.started is None:
        return None
    ends = analysis.as_of if design.ended is None else min(design.ended, analysis.as_of)
    return max(ends - design.started, 0) / DAY_MS


def _days(length: float) -> str:
    if length < 1 / 24:
        return counted(round(length * 1440), "minute")
    if length < 1:
        return f"{length * 24:.1f} hours"
    return f"{length:.1f} days"


def sample_ratio(analysis: Analysis) -> str:
    """Return the exposures of each arm beside what was meant, and how probable a mismatch is."""
    total = sum(analysis.exposed.values())
    meant = analysis.sample_ratio.expected if analysis.sample_ratio else {}
    parts = []
    for variation, number in analysis.exposed.items():
        words = f"{variation} {figures.count(number)}"
        if total:
            words += f" ({figures.share(number / total)}"
            words += f", meant {figures.share(meant[variation])})" if variation in meant else ")"
        parts.append(words)
    noun = numbered(total, analysis.design.unit)
    line = f"{figures.count(total)} {noun} exposed: {', '.join(parts) or 'none'}"
    if analysis.sample_ratio is not None and total:
        found = analysis.sample_ratio
        line += (
            f"; sample ratio mismatch {probability(found.probability_of_mismatch)}"
            f" (chi-squared p = {found.p_value:.3g})"
        )
    return line


def verdict(decision: Decision) -> str:
    """Return the verdict in one line, naming the variation."""
    words = VERDICTS[decision.verdict]
    if decision.verdict is Verdict.SHIP_TREATMENT and decision.winner:
        words = f"ship {decision.winner}"
    elif decision.verdict is Verdict.SHIP_CONTROL and decision.winner:
        words = f"ship control ({decision.winner})"
    elif decision.verdict is Verdict.STOP_INCONCLUSIVE and decision.winner:
        words = f"stop: no winner; go on with {decision.winner}"
    if decision.provisional and decision.winner is None:
        words += f" ({decision.provisional} leads so far)"
    return words


def rule(design: ExperimentDesign) -> list[tuple[str, str]]:
    """Return the decision rule as (name, value), in words."""
    found = design.decision
    limit = f"at least {probability(design.threshold)} to beat control and to be best"
    if design.methodology == "frequentist":
        tested = design.frequentist
        limit = f"significant at {figures.share(tested.significance)}"
        limit += ", two-sided" if tested.two_sided else ", one-sided"
        limit += ", sequential" if tested.sequential else ""
        limit += f", corrected by {tested.correction}" if tested.correction else ""
    rows = [
        ("primary metric", design.primary),
        ("ships", limit),
        ("minimum per arm", counted(found.minimum_units_per_arm, design.unit)),
    ]
    if found.planned_units_per_arm is not None:
        rows.append(("planned per arm", counted(found.planned_units_per_arm, design.unit)))
    if found.maximum_days is not None:
        rows.append(("at most", f"{found.maximum_days:g} days"))
    rows.append(("without a winner", f"go on with {found.inconclusive or design.control}"))
    for key, guard in found.guardrails.items():
        worse = f"worse by more than {figures.share(guard.margin)}" if guard.margin else "worse"
        rows.append((f"guardrail {key}", f"blocks at {probability(guard.threshold)} to be {worse}"))
    if found.guardrails and found.guardrail_rule == "nonInferior":
        rows.append(("guardrails", "each must also be probably not worse"))
    return rows


def registration(found: PreRegistration | None) -> list[str]:
    """Return what git says of the rule and of what was compared, in sentences."""
    if found is None:
        return []
    said = [f"commit {found.commit[:12]}"] if found.commit else []
    said += [found.date[:10]] if found.date else []
    at = f" ({', '.join(said)})" if said else ""
    match found.status:
        case Registration.SAME:
            lines = [f"the decision block is as it was when the iteration started{at}"]
        case Registration.EDITED:
            fields = ", ".join(found.changed)
            lines = [f"the decision block was edited since the iteration started{at}: {fields}"]
        case Registration.NOT_VERIFIABLE:
            why = found.reason or "git does not know the iteration's start"
            lines = [f"pre-registration not verifiable: {why}"]
    return lines + [f"contaminated: {one}" for one in found.contaminations]
