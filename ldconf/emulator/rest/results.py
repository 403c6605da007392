"""Results of experiments as LaunchDarkly's API gave them until 2025 (statistics notes, section 1).

LaunchDarkly removed these endpoints; clients up to version 17 know them. Only the local
LaunchDarkly still answers, with what its own analysis says; `_ldconf` holds what had no field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ldconf.core.address import Address
from ldconf.core.analysis import Analysis, Decision
from ldconf.core.errors import LdconfError, MissingPackage
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.resource import Json, Resource
from ldconf.core.results_wire import TreatmentNames, group_results_rep, results_rep
from ldconf.emulator.database import Ref
from ldconf.emulator.events.counts import counts
from ldconf.emulator.events.store import EventStore
from ldconf.emulator.http import API, Call, Later, Refusal, Route, bad_request, not_found
from ldconf.emulator.rest.experiments import EXPERIMENTS
from ldconf.emulator.rest.targeting import view
from ldconf.emulator.store import Store
from ldconf.experiments.design import IterationFacts, design_of
from ldconf.kinds import experiment_live
from ldconf.kinds.metric import Metric
from ldconf.kinds.metric_group import MetricGroup
from ldconf.kinds.targeting_document import VariationIds

Result = TypeVar("Result")


def get_metric_results(
    call: Call, project: str, environment: str, experiment: str, metric: str
) -> Json:
    """Return an ExperimentBayesianResultsRep of one metric. Parameters: `iterationId` (the newest
    that was started), `expand=traffic`."""
    design, names, now = _subject(call, project, environment, experiment)
    if all(one.key != metric for one in design.metrics):
        raise not_found(f"metric {metric} of experiment {experiment}")
    events, with_traffic, href = call.events, _with_traffic(call), f"{API}/{call.path}"

    def answer() -> Json:
        found, decision = _analysed(lambda: _concluded(events, design, now))
        result = next(one for one in found.metrics if one.key == metric)
        rep = results_rep(found, result, names, href=href, decision=decision)
        return rep if with_traffic else _without_traffic(rep)

    return Later(answer)


def get_group_results(
    call: Call, project: str, environment: str, experiment: str, group: str
) -> Json:
    """Return a MetricGroupResultsRep: the results of each metric of a group."""
    design, names, now = _subject(call, project, environment, experiment)
    if all(one.group != group for one in design.metrics):
        raise not_found(f"metric group {group} of experiment {experiment}")
    events, with_traffic, href = call.events, _with_traffic(call), f"{API}/{call.path}"

    def answer() -> Json:
        found, _ = _analysed(lambda: _concluded(events, design, now))
        rep = group_results_rep(found, group, names, href=href)
        return rep if with_traffic else _without_traffic(rep)

    return Later(answer)


def _concluded(events: EventStore, design: ExperimentDesign, now: int) -> tuple[Analysis, Decision]:
    """Return what the events say by now. Needs the extra `stats`, else raises LdconfError."""
    from ldconf.experiments.analyse import analyse
    from ldconf.experiments.decide import decide

    found = analyse(design, counts(events, design, (now,))[-1])
    return found, decide(found)


def design_from_store(
    store: Store, project: str, experiment: Mapping[str, Json], iteration: Mapping[str, Json]
) -> tuple[ExperimentDesign, TreatmentNames]:
    """Return the design of a started iteration of a stored experiment, and its treatments' names.

    Raises LdconfError if a metric is gone.
    """
    (flag,) = iteration["flags"]
    ai_config = store.get(Ref(project, "aiConfigs", flag))
    document = view(store, project, ai_config, store.get(Ref(project, "targeting", flag)))
    shown = {**iteration, "primarySingleMetric": {"key": iteration.get("primarySingleMetricKey")}}
    payload = {
        **experiment,
        "currentIteration": shown,
        "draftIteration": None,
        "previousIterations": [],
    }
    observed = experiment_live.observed(payload, document)
    address = Address.of("experiments", experiment["key"])
    resources: dict[Address, Resource] = {address: observed.resource}
    for found in store.documents(project, "metrics"):
        resources[Address.of("metrics", found["key"])] = Metric.from_api(found)
    for found in store.documents(project, "metricGroups"):
        resources[Address.of("metricGroups", found["key"])] = MetricGroup.from_api(found)
    facts = IterationFacts(
        number=_number(experiment, iteration),
        status="stopped" if iteration.get("endedAt") else "running",
        started=iteration["startedAt"],
        ended=iteration.get("endedAt"),
        rule=observed.meta["rule_id"],
        id=iteration["_id"],
        variation_ids=dict(VariationIds(document)),
    )
    names = TreatmentNames(
        ids=observed.meta["treatment_ids"],
        names={
            variation: one["name"]
            for one in iteration["treatments"]
            for variation, treatment in observed.meta["treatment_ids"].items()
            if treatment == one["_id"]
        },
    )
    return design_of(project, experiment["key"], resources, facts), names


def _number(experiment: Mapping[str, Json], iteration: Mapping[str, Json]) -> int:
    started = [one for one in experiment_live.iterations(experiment) if one.get("startedAt")]
    return 1 + [one["_id"] for one in started].index(iteration["_id"])


def _subject(
    call: Call, project: str, environment: str, key: str
) -> tuple[ExperimentDesign, TreatmentNames, int]:
    """Return what is asked for, and the time. 404 without such an iteration."""
    call.environment(project, environment)
    experiment = call.find(Ref(project, "experiments", key, environment), f"experiment {key}")
    started = [one for one in experiment_live.iterations(experiment) if one.get("startedAt")]
    wanted = call.param("iterationId")
    if wanted is not None:
        started = [one for one in started if one["_id"] == wanted]
    if not started:
        what = f"iteration {wanted}" if wanted else f"started iteration of experiment {key}"
        raise not_found(what)
    design, names = _analysed(
        lambda: design_from_store(call.store, project, experiment, started[-1])
    )
    return design, names, call.store.clock()


def _analysed(work: Callable[[], Result]) -> Result:
    """Return the result of a step; what it cannot do becomes a 400 (501: a package is missing)."""
    try:
        return work()
    except LdconfError as err:
        words = f"{err.summary}; {err.hint}" if err.hint else err.summary
        if isinstance(err, MissingPackage):
            raise Refusal(501, "not_implemented", words) from err
        raise bad_request(words) from err


def _with_traffic(call: Call) -> bool:
    unknown = call.names("expand") - {"traffic"}
    if unknown:
        raise bad_request(f"unknown expand value {sorted(unknown)[0]}")
    return "traffic" in call.names("expand")


def _without_traffic(rep: Json) -> Json:
    if isinstance(rep, Mapping):
        return {name: _without_traffic(value) for name, value in rep.items() if name != "traffic"}
    return [_without_traffic(one) for one in rep] if isinstance(rep, list) else rep


ROUTES = (
    Route("GET", EXPERIMENTS + "/{experiment}/metrics/{metric}/results", get_metric_results),
    Route("GET", EXPERIMENTS + "/{experiment}/metric-groups/{group}/results", get_group_results),
)
