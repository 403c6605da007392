"""A running experiment as the rollout of its rule or fallthrough (protocol notes 2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ldconf.compile.salt import seed
from ldconf.compile.source import (
    FALLTHROUGH,
    AIConfigSource,
    Arm,
    EnvironmentTargeting,
    ExperimentSource,
    Split,
    TargetRule,
)
from ldconf.core.errors import LdconfError
from ldconf.kinds.serve import TOTAL


def with_experiments(
    project: str,
    ai_config: AIConfigSource,
    environment: str,
    experiments: Sequence[ExperimentSource],
) -> EnvironmentTargeting:
    """Return the targeting with these experiments in the place of what is served there.

    Raises LdconfError for an experiment on a rule that does not exist.
    """
    targeting = ai_config.targeting.get(environment, EnvironmentTargeting())
    for experiment in experiments:
        split = experiment_split(project, experiment)
        if experiment.rule == FALLTHROUGH:
            targeting = replace(targeting, fallthrough=split)
            continue
        if not any(_is_meant(rule, experiment) for rule in targeting.rules):
            raise LdconfError(
                f"experiment {experiment.key} is on rule {experiment.rule!r}, which the targeting "
                f"of {ai_config.key} in {environment} does not have"
            )
        rules = [
            replace(rule, serve=split) if _is_meant(rule, experiment) else rule
            for rule in targeting.rules
        ]
        targeting = replace(targeting, rules=rules)
    return targeting


def experiment_split(project: str, experiment: ExperimentSource) -> Split:
    """Return the rollout of an experiment: its arms in order, then the untracked rest."""
    arms = [
        Arm(variation, round(percent * TOTAL / 100))
        for variation, percent in experiment.allocation.items()
    ]
    rest = TOTAL - sum(arm.weight for arm in arms)
    if rest > 0:
        arms.append(Arm(experiment.remainder, rest, untracked=True))
    made = seed(project, experiment.environment, experiment.key, experiment.iteration)
    return Split(
        arms=tuple(arms),
        context_kind=experiment.unit,
        seed=made if experiment.seed is None else experiment.seed,
        experiment=True,
    )


def _is_meant(rule: TargetRule, experiment: ExperimentSource) -> bool:
    return experiment.rule in (rule.id, rule.description)
