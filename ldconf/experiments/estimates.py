"""One metric over all arms: posteriors or tests, and how each arm compares with control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ldconf.core.aggregates import ArmCounts
from ldconf.core.analysis import ArmResult, MetricResult
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.experiments import compare
from ldconf.experiments.fits import Fit, data_of, fit, kind_of
from ldconf.experiments.numeric import Floats, generator
from ldconf.experiments.posterior import Posterior, is_certain

NEAR_ZERO = 3.0  # standard errors; nearer to 0 nothing is divided by control
DRAWS = 100_000


@dataclass(frozen=True)
class Detail:
    """How much is computed: decisions need neither curves nor intervals and losses."""

    draws: int = DRAWS
    intervals: bool = True
    curves: bool = True


FULL = Detail()
SLICED = Detail(draws=20_000, curves=False)
DECIDING = Detail(draws=4_000, intervals=False, curves=False)


def order_of(design: ExperimentDesign, arms: Mapping[str, ArmCounts]) -> tuple[str, ...]:
    """Return the arms that are shown, control first."""
    named = [design.control, *design.treatments]
    return tuple(key for key in named if key in arms or design.allocation.get(key))


def blank(
    design: ExperimentDesign, metric: MetricDesign, arms: Mapping[str, ArmCounts]
) -> MetricResult:
    """Return a metric's counts per arm, without estimates."""
    rows = tuple(
        replace(
            data_of(metric, arms.get(key, ArmCounts(0))),
            variation=key,
            is_control=key == design.control,
        )
        for key in order_of(design, arms)
    )
    return MetricResult(
        metric.key,
        metric.name,
        rows,
        primary=metric.key == design.primary,
        guardrail=metric.key in design.decision.guardrails,
        lower_is_better=metric.lower_is_better,
        unit=metric.unit,
        kind=kind_of(metric),
        group=metric.group,
    )


def bayesian(
    design: ExperimentDesign,
    metric: MetricDesign,
    arms: Mapping[str, ArmCounts],
    detail: Detail = FULL,
    *seed: object,
) -> MetricResult:
    """Return a metric's posteriors and comparisons. Random numbers follow from the experiment, its
    iteration, the metric and `seed`, so the same counts always give the same result."""
    empty = blank(design, metric, arms)
    fits = {arm.variation: fit(design, metric, arms, arm.variation) for arm in empty.arms}
    able = {key: one for key, one in fits.items() if one and not is_certain(one.posterior)}
    draws: dict[str, Floats] = {}
    if len(able) > 2 or detail.intervals:
        random = generator(design.key, design.iteration, metric.key, *seed)
        draws = {key: one.posterior.draws(random, detail.draws) for key, one in able.items()}
    chances = _best(able, draws, detail, lower=metric.lower_is_better)
    compared = _Compared(design, metric, able, draws, detail)
    rows = []
    for arm in empty.arms:
        found, (p_best, loss) = fits[arm.variation], chances.get(arm.variation, (None, None))
        if found is not None:
            arm = replace(_described(arm, found, detail), p_best=p_best, expected_loss=loss)
        rows.append(arm if arm.is_control else compared.with_control(arm))
    return replace(empty, arms=tuple(rows))


def is_near_zero(posterior: Posterior) -> bool:
    """True if a mean is so near to 0 that a relative difference to it says nothing."""
    return abs(posterior.mean) < NEAR_ZERO * posterior.sd


@dataclass(frozen=True)
class _Compared:
    """Adds to a treatment how it compares with control."""

    design: ExperimentDesign
    metric: MetricDesign
    able: Mapping[str, Fit]
    draws: Mapping[str, Floats]
    detail: Detail

    def with_control(self, arm: ArmResult) -> ArmResult:
        own, other = self.able.get(arm.variation), self.able.get(self.design.control)
        if own is None or other is None:
            return arm
        lower, control = self.metric.lower_is_better, other.posterior
        above = compare.greater(own.posterior, control)
        guardrail = self.design.decision.guardrails.get(self.metric.key)
        worse = None
        if guardrail is not None:
            worse = _worse(own.posterior, control, guardrail.margin, lower=lower)
        change = None
        if self.detail.intervals:
            pair = self.draws[arm.variation], self.draws[self.design.control]
            change = compare.difference(
                own.posterior, control, pair, relative=not is_near_zero(control)
            )
        return replace(
            arm,
            p_beat_control=1 - above if lower else above,
            p_worse_than_margin=worse,
            difference=change,
        )


def _worse(treatment: Posterior, control: Posterior, margin: float, *, lower: bool) -> float:
    """Return P(treatment is worse than control by more than `margin` of control's size)."""
    side = margin if lower else -margin
    times = 1 + side if control.mean >= 0 else 1 - side
    above = compare.greater(treatment, control, times)
    return above if lower else 1 - above


def _best(
    able: Mapping[str, Fit], draws: Mapping[str, Floats], detail: Detail, *, lower: bool
) -> dict[str, tuple[float, float | None]]:
    """Return P(best) and expected loss per arm: exact for two arms, by draws for more."""
    keys = list(able)
    if len(keys) < 2:
        return {}
    if len(keys) > 2:
        shares, losses = compare.best([draws[key] for key in keys], lower_is_better=lower)
        return {key: (shares[i], losses[i]) for i, key in enumerate(keys)}
    one, other = (able[key].posterior for key in keys)
    above = compare.greater(one, other)
    lost: tuple[float | None, float | None] = (None, None)
    if detail.intervals:
        lost = compare.loss(one, other), compare.loss(other, one)
    if lower:
        above, lost = 1 - above, (lost[1], lost[0])
    return {keys[0]: (above, lost[0]), keys[1]: (1 - above, lost[1])}


def _described(arm: ArmResult, fit: Fit, detail: Detail) -> ArmResult:
    posterior = fit.posterior
    certain = is_certain(posterior)
    return replace(
        arm,
        mean=posterior.mean,
        model=fit.model,
        interval=posterior.interval() if detail.intervals and not certain else None,
        distribution=posterior.distribution() if detail.intervals and not certain else None,
        density=posterior.density() if detail.curves and not certain else (),
        data_weight=fit.data_weight,
        prior_mean=fit.prior_mean,
    )
