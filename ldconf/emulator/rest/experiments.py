"""Experiments (reference 13). There is no DELETE; layers and holdouts answer 501."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.experiments.body import new_experiment
from ldconf.emulator.experiments.design import new_iteration
from ldconf.emulator.experiments.patch import ExperimentPatch
from ldconf.emulator.experiments.place import Place
from ldconf.emulator.experiments.rollout import subject
from ldconf.emulator.experiments.view import experiment_view, iteration_view, refuse_expand
from ldconf.emulator.http import Call, Route, bad_request
from ldconf.emulator.paging import page
from ldconf.emulator.patches.rules import instructions_of
from ldconf.emulator.rest.running import iterations
from ldconf.emulator.rest.targeting import record_change


def place_of(call: Call, project: str, environment: str) -> Place:
    """Return the environment of a request; 404 if there is none."""
    call.environment(project, environment)
    return Place(call.store, call.faults, project, environment)


def create_experiment(call: Call, project: str, environment: str) -> Json:
    """Make an experiment; its iteration is a draft."""
    place = place_of(call, project, environment)
    call.refuse_race()
    refuse_expand(call)
    key = call.fields.get("key")
    if isinstance(key, str):
        call.refuse_duplicate(place.ref(key), f"experiment {key}")
    experiment = new_experiment(place, call.fields, call.actor.member_id)
    call.store.put(place.ref(experiment["key"]), experiment)
    _audit(call, place, experiment, Act("createExperiment", "created the experiment"))
    return experiment_view(call, project, experiment)


def patch_experiment(call: Call, project: str, environment: str, key: str) -> Json:
    """Apply a semantic patch, all or nothing."""
    place = place_of(call, project, environment)
    found = _find(call, project, environment, key)
    if not call.is_semantic:
        raise bad_request(
            "expected a JSON patch array; for a semantic patch add "
            "`domain-model=launchdarkly.semanticpatch` to the content type",
            code="invalid_patch",
        )
    refuse_expand(call)
    instructions = instructions_of(call.fields)
    call.refuse_race()
    patch = ExperimentPatch(place, found)
    patch.apply(instructions)
    if patch.experiment != found:
        call.store.put(place.ref(key), patch.experiment)
    comment = fields.pick(call.fields, {"comment": fields.text}).get("comment")
    for done in patch.done:
        why = ": ".join(filter(None, (comment, done.why)))
        _audit(call, place, patch.experiment, Act(done.action, done.verb, why))
        if done.flag is not None:
            ai_config = call.store.get(Ref(project, "aiConfigs", done.flag))
            record_change(call, project, ai_config, environment, why)
    return experiment_view(call, project, patch.experiment)


def create_iteration(call: Call, project: str, environment: str, key: str) -> Json:
    """Make a draft beside an iteration that runs or is over; deprecated."""
    place = place_of(call, project, environment)
    found = _find(call, project, environment, key)
    call.refuse_race()
    if found.get("draftIteration"):
        raise bad_request("there is a draft iteration already")
    draft = new_iteration(place, call.fields, subject(found["currentIteration"])[0])
    changed = {**found, "draftIteration": draft}
    call.store.put(place.ref(key), changed)
    verb = "created an iteration of the experiment"
    _audit(call, place, changed, Act("updateExperiment", verb))
    return iteration_view(call, project, draft)


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
    found = _find(call, project, environment, key)
    return experiment_view(call, project, found)


def _find(call: Call, project: str, environment: str, key: str) -> Json:
    return call.find(Ref(project, "experiments", key, environment), f"experiment {key}")


def _audit(call: Call, place: Place, experiment: Mapping[str, Json], act: Act) -> None:
    resource = f"proj/{place.project}:env/{place.environment}:experiment/{experiment['key']}"
    audit.record(call, resource, experiment["name"], act)


def _page(call: Call, project: str, found: list[Json]) -> Json:
    refuse_expand(call)
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


FILTERS: Mapping[str, Callable[[Json, str], bool]] = {
    "flagKey": lambda experiment, key: any(key in one["flags"] for one in iterations(experiment)),
    "metricKey": lambda experiment, key: any(
        key == metric["key"] for one in iterations(experiment) for metric in one["metrics"]
    ),
    "status": lambda experiment, status: any(
        status == one["status"] for one in iterations(experiment)
    ),
}
EXPERIMENTS = "/projects/{project}/environments/{environment}/experiments"
HOLDOUTS = "/projects/{project}/environments/{environment}/holdouts"
ROUTES = (
    Route("GET", "/projects/{project}/experiments", list_in_project),
    Route("GET", EXPERIMENTS, list_in_environment),
    Route("POST", EXPERIMENTS, create_experiment, status=201),
    Route("GET", EXPERIMENTS + "/{experiment}", get_experiment),
    Route("PATCH", EXPERIMENTS + "/{experiment}", patch_experiment),
    Route("POST", EXPERIMENTS + "/{experiment}/iterations", create_iteration),
    Route("GET", HOLDOUTS),
    Route("POST", HOLDOUTS),
    Route("GET", HOLDOUTS + "/{holdout}"),
    Route("PATCH", HOLDOUTS + "/{holdout}"),
    Route("GET", HOLDOUTS + "/id/{holdout}"),
    Route("GET", "/projects/{project}/layers"),
    Route("POST", "/projects/{project}/layers"),
    Route("PATCH", "/projects/{project}/layers/{layer}"),
)
