"""What is wrong inside one experiment: seen from its own fields alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ldconf.core.kind import Problem
from ldconf.kinds.experiment_model import (
    CONTROL,
    STOPPED,
    Experiment,
    metric_keys,
)
from ldconf.kinds.experiment_parts import MetricUse, total_percent
from ldconf.kinds.serve import DISABLED

BAYESIAN = ("bayesianThreshold",)
FREQUENTIST = (
    "significanceThreshold",
    "testDirection",
    "multipleComparisonCorrectionMethod",
    "multipleComparisonCorrectionScope",
    "sequentialTestingEnabled",
)
# Settings that an analysis of this kind does not look at.
FOREIGN = {
    "bayesian": FREQUENTIST,
    "frequentist": BAYESIAN,
    "export_only": (*BAYESIAN, *FREQUENTIST),
}


def problems(experiment: Experiment) -> Iterator[Problem]:
    """Yield what contradicts itself, with the path inside the experiment."""
    yield from _arms(experiment)
    yield from _metrics(experiment)
    yield from _lifecycle(experiment)
    yield from _methodology(experiment)
    yield from _decision(experiment)
    yield from _analysis(experiment)


def _arms(experiment: Experiment) -> Iterator[Problem]:
    given, arms = experiment.managed_names, experiment.allocation
    if "allocation" not in given:
        return
    listed = ", ".join(arms)
    if DISABLED in arms:
        hint = "compare variations that exist; `remainder` may be `disabled`"
        words = f"{DISABLED!r} cannot take part in an experiment"
        yield Problem(words, ("allocation", DISABLED), hint)
    if "control" in given and experiment.control not in arms:
        words = f"the control {experiment.control!r} is not in `allocation`"
        yield Problem(words, ("control",), f"it is one of {listed}")
    if total_percent(arms) < 100 and "remainder" not in given:
        left = f"{100 - total_percent(arms):.3f}".rstrip("0").rstrip(".")
        rest = experiment.control or "VARIATION"
        yield Problem(
            f"`allocation` leaves {left} % of the traffic and there is no `remainder`",
            ("allocation",),
            f"write which variation the rest gets: `remainder: {rest}`",
        )


def _metrics(experiment: Experiment) -> Iterator[Problem]:
    if not {"metrics", "primary"} <= experiment.managed_names:
        return
    keys, primary = metric_keys(experiment), experiment.primary
    if primary not in keys:
        words = f"the primary metric {primary!r} is not in `metrics`"
        yield Problem(words, ("primary",), f"`metrics` has {', '.join(keys)}")
        return
    use = experiment.metrics[keys.index(primary)]
    if isinstance(use, MetricUse) and use.is_group:
        hint = "name a single metric; a funnel as primary is not supported yet"
        yield Problem(f"the primary metric {primary!r} is a group", ("primary",), hint)


def _lifecycle(experiment: Experiment) -> Iterator[Problem]:
    if "status" not in experiment.managed_names:
        return
    arms = experiment.allocation
    stopped = experiment.status == STOPPED
    for name, value in (("winner", experiment.winner), ("reason", experiment.reason)):
        if stopped and not value:
            hint = f"say which variation goes on: one of {', '.join(arms)}; control if none won"
            if name == "reason":
                hint = "say why it was stopped; LaunchDarkly shows it beside the results"
            yield Problem(f"`status: stopped` needs `{name}`", ("status",), hint)
        elif value and not stopped:
            words = f"`{name}` stands beside `status: {experiment.status}`"
            yield Problem(words, (name,), "only a stopped iteration has it")
    if stopped and experiment.winner and arms and experiment.winner not in arms:
        words = f"the winner {experiment.winner!r} is not in `allocation`"
        yield Problem(words, ("winner",), f"it is one of {', '.join(arms)}")


def _methodology(experiment: Experiment) -> Iterator[Problem]:
    if experiment.analysis_config is None or "methodology" not in experiment.managed_names:
        return
    settings = experiment.analysis_config.model_dump(by_alias=True, exclude_none=True)
    for name in FOREIGN[experiment.methodology]:
        if name in settings:
            words = f"`{name}` has no meaning with `methodology: {experiment.methodology}`"
            yield Problem(words, ("analysisConfig", name), "leave it out")


def _decision(experiment: Experiment) -> Iterator[Problem]:
    decision = experiment.decision
    if decision is None:
        return
    yield from _known(experiment, ("decision", "guardrails"), decision.guardrails)
    least, planned = decision.minimum_units_per_arm, decision.planned_units_per_arm
    if planned is not None and planned < least:
        words = f"`plannedUnitsPerArm` ({planned}) is below `minimumUnitsPerArm` ({least})"
        yield Problem(words, ("decision", "plannedUnitsPerArm"))
    arms, fallback = experiment.allocation, decision.inconclusive
    if arms and fallback != CONTROL and fallback not in arms:
        words = f"`inconclusive` names {fallback!r}, which is not in `allocation`"
        hint = f"`control`, or one of {', '.join(arms)}"
        yield Problem(words, ("decision", "inconclusive"), hint)
    if experiment.primary and experiment.primary in decision.guardrails:
        words = f"{experiment.primary!r} is the primary metric: it decides and guards nothing"
        yield Problem(words, ("decision", "guardrails", experiment.primary))


def _analysis(experiment: Experiment) -> Iterator[Problem]:
    analysis = experiment.analysis
    if analysis is None:
        return
    yield from _known(experiment, ("analysis", "denominators"), analysis.denominators)
    keys = metric_keys(experiment)
    for index, key in enumerate(analysis.over_requests):
        if "metrics" in experiment.managed_names and key not in keys:
            yield _unknown(key, ("analysis", "overRequests", index), keys)


def _known(
    experiment: Experiment, path: tuple[str, ...], named: Iterable[str]
) -> Iterator[Problem]:
    keys = metric_keys(experiment)
    for key in named if "metrics" in experiment.managed_names else ():
        if key not in keys:
            yield _unknown(key, (*path, key), keys)


def _unknown(key: str, path: tuple[str | int, ...], keys: list[str]) -> Problem:
    words = f"{key!r} is not among the metrics of the experiment"
    return Problem(words, path, f"`metrics` has {', '.join(keys)}")
