"""Where each treatment stands against the rule: on the primary metric, and on every guardrail."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.core.analysis import Analysis, ArmResult, MetricResult
from ldconf.core.experiment import ExperimentDesign, Guardrail
from ldconf.experiments.wording import percent

_EQUAL = 1e-9


@dataclass(frozen=True)
class Standing:
    """One treatment. `score` orders treatments on the primary metric (None: no estimate).

    `blocks` are guardrails that are worse, `unproven` those without any data, and under
    `nonInferior` those not shown to be no worse; `passes` what was checked and is well; in words.
    """

    variation: str
    score: float | None
    wins: bool
    loses: bool
    is_ahead: bool
    words: str
    blocks: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()


def standing(analysis: Analysis) -> tuple[Standing, ...]:
    """Return every treatment that gets traffic, in the design's order."""
    design = analysis.design
    return tuple(
        _standing(analysis, key)
        for key in design.arms
        if key != design.control and _has(analysis.primary, key)
    )


def reaches(probability: float, threshold: float) -> bool:
    """True from the threshold on, whatever rounding says."""
    return probability >= threshold - _EQUAL


def _has(metric: MetricResult, variation: str) -> bool:
    return any(arm.variation == variation for arm in metric.arms)


def _standing(analysis: Analysis, variation: str) -> Standing:
    design, primary = analysis.design, analysis.primary
    arm = primary.arm(variation)
    blocks, unproven, passes = _guardrails(analysis, variation)
    if design.methodology == "frequentist":
        score, wins, loses, words = _tested(arm, primary, design)
        is_ahead = score is not None and score > 0
    else:
        score, wins, loses, words = _probable(arm, primary, design)
        is_ahead = arm.p_beat_control is not None and arm.p_beat_control > 0.5
    return Standing(variation, score, wins, loses, is_ahead, words, blocks, unproven, passes)


def _probable(
    arm: ArmResult, primary: MetricResult, design: ExperimentDesign
) -> tuple[float | None, bool, bool, str]:
    beats, best, limit = arm.p_beat_control, arm.p_best, design.threshold
    if beats is None or best is None:
        return None, False, False, f"{arm.variation}: no estimate of {primary.name}"
    wins = reaches(best, limit) and reaches(beats, limit)
    words = f"{arm.variation} beats {design.control} on {primary.name} with probability"
    words += f" {percent(beats)}"
    if len(design.allocation) > 2:
        words += f" and is best with {percent(best)}"
    words += f"; the rule asks for {percent(limit)}"
    return best, wins, reaches(1 - beats, limit), words


def _tested(
    arm: ArmResult, primary: MetricResult, design: ExperimentDesign
) -> tuple[float | None, bool, bool, str]:
    found, change, settings = arm.significance, arm.difference, design.frequentist
    if found is None or change is None:
        return None, False, False, f"{arm.variation}: no test of {primary.name}"
    gain = -change.mean if primary.lower_is_better else change.mean
    wins = found.significant and gain > 0
    loses = found.significant and gain < 0
    if not settings.two_sided:
        loses = gain < 0 and 1 - found.p_value <= settings.significance and not found.sequential
    shown = "< 0.001" if found.adjusted < 0.001 else f"= {found.adjusted:.3f}"
    kind = "always-valid p" if found.sequential else "p"
    kind = f"corrected {kind}" if found.adjusted != found.p_value else kind
    side = "better" if gain > 0 else "worse"
    words = f"{arm.variation} is {_significantly(wins or loses)} {side} than {design.control}"
    words += f" on {primary.name}: {kind} {shown}, limit {settings.significance:g}"
    return gain, wins, loses, words


def _significantly(is_so: bool) -> str:
    return "significantly" if is_so else "not significantly"


def _guardrails(
    analysis: Analysis, variation: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    design = analysis.design
    strict = design.decision.guardrail_rule == "nonInferior"
    blocks: list[str] = []
    unproven: list[str] = []
    passes: list[str] = []
    for metric in analysis.metrics:
        guardrail = design.decision.guardrails.get(metric.key)
        if guardrail is None or not _has(metric, variation):
            continue
        worse = metric.arm(variation).p_worse_than_margin
        if worse is None:
            words = f"guardrail {metric.name} of {variation} is not known"
            (unproven if strict or _lacks_data(metric, variation) else passes).append(words)
            continue
        words = f"{variation} is worse than {design.control} on guardrail {metric.name}"
        words += f"{_margin(guardrail)} with probability {percent(worse)}"
        if reaches(worse, guardrail.threshold):
            blocks.append(f"{words}, the limit is {percent(guardrail.threshold)}")
        elif strict and not reaches(1 - worse, _proof(design)):
            unproven.append(f"{words}; at most {percent(1 - _proof(design))} is allowed")
        else:
            passes.append(f"{words}, below the limit of {percent(guardrail.threshold)}")
    return tuple(blocks), tuple(unproven), tuple(passes)


def _lacks_data(metric: MetricResult, variation: str) -> bool:
    """True if there is nothing to compare, so that a promised guardrail would not be looked at."""
    return any(
        arm.units == 0 for arm in metric.arms if arm.is_control or arm.variation == variation
    )


def _proof(design: ExperimentDesign) -> float:
    """Return how probable `not worse` must be under `nonInferior`."""
    if design.methodology == "frequentist":
        return 1 - design.frequentist.significance
    return design.threshold


def _margin(guardrail: Guardrail) -> str:
    return f" by more than {percent(guardrail.margin)}" if guardrail.margin else ""
