"""The frequentist form of a metric's results: confidence intervals and tests of each treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ldconf.core.aggregates import ArmCounts
from ldconf.core.analysis import ArmResult, MetricResult, Significance
from ldconf.core.experiment import ExperimentDesign, Frequentist, MetricDesign
from ldconf.experiments import frequentist as tests
from ldconf.experiments.estimates import NEAR_ZERO, blank
from ldconf.experiments.fits import kind_of, sample_of
from ldconf.experiments.frequentist import Test
from ldconf.experiments.models import Sample
from ldconf.experiments.numeric import special


def tested(
    design: ExperimentDesign, metric: MetricDesign, arms: Mapping[str, ArmCounts]
) -> MetricResult:
    """Return a metric's means with confidence intervals (of 1 - significance), and the test of each
    treatment against control, p-values not yet corrected.

    `p_worse_than_margin` is 1 minus the one-sided p-value of not being worse.
    """
    empty = blank(design, metric, arms)
    samples: dict[str, Sample | None] = {}
    for arm in empty.arms:
        found = arms[arm.variation].metrics.get(metric.key) if arm.variation in arms else None
        samples[arm.variation] = sample_of(metric, found) if found else None
    control = samples.get(design.control)
    pair = _Pair(design, metric)
    rows = []
    for arm in empty.arms:
        own = samples[arm.variation]
        described = _described(arm, own, metric, design.frequentist)
        if own is not None and control is not None and not arm.is_control:
            described = pair.compared(described, own, control)
        rows.append(described)
    return replace(empty, arms=tuple(rows))


def corrected(metrics: Sequence[MetricResult], settings: Frequentist) -> tuple[MetricResult, ...]:
    """Return the metrics with p-values corrected for being several: over the treatments of one
    metric, over the metrics of one treatment, or over all (`scope`)."""
    p_value_by_place = {
        (metric.key, arm.variation): arm.significance.p_value
        for metric in metrics
        for arm in metric.arms
        if arm.significance is not None
    }
    families: dict[str, list[tuple[str, str]]] = {}
    for key, variation in p_value_by_place:
        names = {"variations": key, "metrics": variation, "variations-and-metrics": ""}
        families.setdefault(names[settings.scope], []).append((key, variation))
    adjusted: dict[tuple[str, str], float] = {}
    for family in families.values():
        values = tests.adjust([p_value_by_place[place] for place in family], settings.correction)
        adjusted.update(zip(family, values, strict=True))
    return tuple(
        replace(
            metric,
            arms=tuple(
                _decided(arm, adjusted.get((metric.key, arm.variation)), settings)
                for arm in metric.arms
            ),
        )
        for metric in metrics
    )


@dataclass(frozen=True)
class _Pair:
    design: ExperimentDesign
    metric: MetricDesign

    def compared(self, arm: ArmResult, own: Sample, control: Sample) -> ArmResult:
        """Add difference and test of a treatment."""
        is_rate = kind_of(self.metric) == "rate"
        test = tests.proportions(own, control) if is_rate else tests.welch(own, control)
        if test is None:
            return arm
        settings, lower = self.design.frequentist, self.metric.lower_is_better
        planned = self.design.decision.planned_units_per_arm
        both = 2 * planned if planned else None
        p_value = tests.p_value(test, settings, both, lower=lower)
        relative = abs(control.mean) >= NEAR_ZERO * control.error and control.mean != 0
        times = tests.multiplier(test, settings, both)
        return replace(
            arm,
            difference=tests.difference(own, control, times, relative=relative),
            significance=Significance(p_value, p_value, False, settings.sequential),
            p_worse_than_margin=self._worse(own, control, test),
        )

    def _worse(self, own: Sample, control: Sample, test: Test) -> float | None:
        guardrail = self.design.decision.guardrails.get(self.metric.key)
        if guardrail is None:
            return None
        lower = self.metric.lower_is_better
        limit = control.mean + (guardrail.margin if lower else -guardrail.margin) * abs(
            control.mean
        )
        times = limit / control.mean if control.mean else 1.0
        spread = (own.error**2 + (times * control.error) ** 2) ** 0.5
        z = test.z if guardrail.margin == 0 or not spread else (own.mean - limit) / spread
        return float(special.ndtr(z if lower else -z))


def _described(
    arm: ArmResult, own: Sample | None, metric: MetricDesign, settings: Frequentist
) -> ArmResult:
    described = replace(arm, model="frequentist")
    if own is None:
        return described
    is_rate = kind_of(metric) == "rate"
    interval = None
    if is_rate:
        interval = tests.rate_interval(own, settings)
    elif own.error > 0:
        interval = tests.mean_interval(own, settings)
    return replace(described, mean=own.mean, interval=interval, data_weight=1.0)


def _decided(arm: ArmResult, adjusted: float | None, settings: Frequentist) -> ArmResult:
    found = arm.significance
    if found is None or adjusted is None:
        return arm
    significant = adjusted <= settings.significance
    return replace(arm, significance=replace(found, adjusted=adjusted, significant=significant))
