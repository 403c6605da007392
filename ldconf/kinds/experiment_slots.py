"""Which rule an experiment runs on, and live targeting with its rollout masked by its control."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ldconf.core.address import Address
from ldconf.core.live import RunningExperiment
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds.experiment_model import RUNNING
from ldconf.kinds.experiment_parts import FALLTHROUGH


def of_targeting(
    address: Address, experiments: Iterable[RunningExperiment]
) -> Iterator[RunningExperiment]:
    """Yield the draft and running experiments on one AI Config in one environment."""
    for experiment in experiments:
        if (experiment.ai_config, experiment.environment) == (
            address.ai_config,
            address.environment,
        ):
            yield experiment


def slots(observed: Observed) -> Sequence[str | int]:
    """Return what an experiment's rollout fills: `fallthrough` and indexes of rules."""
    return tuple(observed.meta.get("experiment_slots") or ())


def slot_of(experiment: RunningExperiment, observed: Observed) -> str | int | None:
    """Return the slot of an experiment: `fallthrough` or the index of its rule, None if gone."""
    return slot_of_rule(experiment.rule, observed)


def slot_of_rule(rule: str | None, observed: Observed) -> str | int | None:
    """Return the slot of a rule id, or of `fallthrough`; None if live targeting has no such."""
    if rule == FALLTHROUGH:
        return FALLTHROUGH
    ids = list(observed.meta.get("rule_ids") or ())
    return ids.index(rule) if rule and rule in ids else None


def with_serve(rules: Json, index: int, serve: Json) -> list[Json]:
    """Return rules of which one serves something else."""
    return [{**rule, "serve": serve} if at == index else rule for at, rule in enumerate(rules)]


def projected(
    address: Address,
    values: Mapping[str, Json],
    observed: Observed,
    experiments: Iterable[RunningExperiment],
) -> Mapping[str, Json]:
    """Return live targeting with each experiment's rollout replaced by its control.

    Allocation and treatments are compared on the experiment, never on targeting. A rollout whose
    experiment is unknown stays as it is: the guards refuse to touch it. So does a single variation:
    somebody put it there while the experiment runs.
    """
    filled = slots(observed)
    found = dict(values)
    here = of_targeting(address, experiments)
    for experiment in sorted(here, key=lambda one: one.status == RUNNING):  # what runs wins
        slot = slot_of(experiment, observed)
        if slot is None or experiment.baseline is None:
            continue
        if slot not in filled and not (experiment.status == RUNNING and _divides(found, slot)):
            continue
        if isinstance(slot, int):
            found["rules"] = with_serve(found["rules"], slot, experiment.baseline)
        else:
            found[FALLTHROUGH] = experiment.baseline
    return found


def _divides(values: Mapping[str, Json], slot: str | int) -> bool:
    serve = values["rules"][slot]["serve"] if isinstance(slot, int) else values.get(FALLTHROUGH)
    return isinstance(serve, Mapping)


def masked(
    address: Address, observed: Observed, experiments: Iterable[RunningExperiment]
) -> Observed:
    """Return live targeting, read just now, as `projected` shows it: for comparing what was sent.

    What a running experiment serves outside may be another variation than its control.
    """
    before = observed.resource.managed()
    after = projected(address, before, observed, experiments)
    changed: dict[str, Json] = {}
    if not same(before.get(FALLTHROUGH), after.get(FALLTHROUGH)):
        changed[FALLTHROUGH] = after[FALLTHROUGH]
    rules = getattr(observed.resource, "rules", None) or ()
    if not same(before.get("rules"), after.get("rules")):
        changed["rules"] = [
            rule.model_copy(update={"serve": wanted["serve"]})
            if not same(was["serve"], wanted["serve"])
            else rule
            for rule, was, wanted in zip(rules, before["rules"], after["rules"], strict=True)
        ]
    return replace(observed, resource=observed.resource.model_copy(update=changed))
