"""Reads of experiments (reference 13.1, 13.5). Writing them is not implemented: 501."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ldconf.core.resource import Json
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Route, bad_request
from ldconf.emulator.paging import link, page

EXPANDABLE = frozenset(
    {
        *("previousIterations", "draftIteration", "secondaryMetrics", "treatments"),
        *("analysisConfig", "mutableFieldsByStatus"),
    }
)
WITHIN_ITERATION = frozenset({"treatments", "secondaryMetrics"})


def experiment_view(call: Call, project: str, experiment: Mapping[str, Json]) -> dict[str, Json]:
    """Return an experiment. Draft, treatments and more are absent without `expand`."""
    expand = call.names("expand")
    unknown = expand - EXPANDABLE
    if unknown:
        raise bad_request(f"unknown expand value {sorted(unknown)[0]}")
    hidden = EXPANDABLE - expand
    shown = {name: value for name, value in experiment.items() if name not in hidden}
    for name in ("currentIteration", "draftIteration"):
        if shown.get(name):
            shown[name] = _iteration(shown[name], hidden)
        else:
            shown.pop(name, None)
    if "previousIterations" in shown:
        shown["previousIterations"] = [
            _iteration(one, hidden) for one in shown["previousIterations"]
        ]
    path = ("projects", project, "environments", experiment["environmentKey"], "experiments")
    shown["_links"] = {"self": link(*path, experiment["key"]), "parent": link(*path)}
    return shown


def _iteration(iteration: Mapping[str, Json], hidden: frozenset[str]) -> dict[str, Json]:
    kept = hidden & WITHIN_ITERATION
    return {name: value for name, value in iteration.items() if name not in kept}


def list_in_environment(call: Call, project: str, environment: str) -> Json:
    """List the experiments of an environment; the count is called `total_count`."""
    call.environment(project, environment)
    return _page(call, project, call.store.documents(project, "experiments", environment))


def list_in_project(call: Call, project: str) -> Json:
    """List the experiments of all environments."""
    call.project(project)
    found = [experiment for _, experiment in call.store.children(project, "experiments")]
    return _page(call, project, found)


def get_experiment(call: Call, project: str, environment: str, key: str) -> Json:
    """Return one experiment."""
    call.environment(project, environment)
    found = call.find(Ref(project, "experiments", key, environment), f"experiment {key}")
    return experiment_view(call, project, found)


def _page(call: Call, project: str, found: list[Json]) -> Json:
    states = call.names("lifecycleState") or {"active"}
    if not states <= {"active", "archived"}:
        raise bad_request("lifecycleState must be active, archived or both")
    found = [e for e in found if ("archived" if e.get("archivedDate") else "active") in states]
    for part in (call.param("filter") or "").split(","):
        name, _, value = part.strip().partition(":")
        if name in FILTERS:
            test = FILTERS[name]
            found = [experiment for experiment in found if test(experiment, value)]
        elif name:
            raise bad_request(f"unknown filter {name}")
    return page(
        call,
        found,
        lambda experiment: experiment_view(call, project, experiment),
        count_key="total_count",
    )


def _iterations(experiment: Json) -> list[Json]:
    named = [experiment.get("currentIteration"), experiment.get("draftIteration")]
    return [iteration for iteration in named if iteration]


FILTERS: Mapping[str, Callable[[Json, str], bool]] = {
    "flagKey": lambda experiment, key: any(key in one["flags"] for one in _iterations(experiment)),
    "metricKey": lambda experiment, key: any(
        key == metric["key"] for one in _iterations(experiment) for metric in one["metrics"]
    ),
    "status": lambda experiment, status: any(
        status == one["status"] for one in _iterations(experiment)
    ),
}
EXPERIMENTS = "/projects/{project}/environments/{environment}/experiments"
HOLDOUTS = "/projects/{project}/environments/{environment}/holdouts"
ROUTES = (
    Route("GET", "/projects/{project}/experiments", list_in_project),
    Route("GET", EXPERIMENTS, list_in_environment),
    Route("POST", EXPERIMENTS),
    Route("GET", EXPERIMENTS + "/{experiment}", get_experiment),
    Route("PATCH", EXPERIMENTS + "/{experiment}"),
    Route("POST", EXPERIMENTS + "/{experiment}/iterations"),
    Route("GET", HOLDOUTS),
    Route("POST", HOLDOUTS),
    Route("GET", HOLDOUTS + "/{holdout}"),
    Route("PATCH", HOLDOUTS + "/{holdout}"),
    Route("GET", HOLDOUTS + "/id/{holdout}"),
    Route("GET", "/projects/{project}/layers"),
    Route("POST", "/projects/{project}/layers"),
    Route("PATCH", "/projects/{project}/layers/{layer}"),
)
