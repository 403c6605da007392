"""Applies field updates to an experiment and one of its iterations (reference 13.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.experiments.body import DEFAULT_ANALYSIS, analysis_config, one_of
from ldconf.emulator.experiments.design import checked_design, design_of
from ldconf.emulator.experiments.fields import OF_EXPERIMENT, FieldUpdate, refusal_of, updated
from ldconf.emulator.experiments.place import Place
from ldconf.emulator.experiments.rollout import subject
from ldconf.emulator.http import Refusal, bad_request

Document = Mapping[str, Json]
_EXCLUSIVE = {
    "primarySingleMetricKey": "primaryFunnelKey",
    "primaryFunnelKey": "primarySingleMetricKey",
}


def with_updates(
    place: Place,
    experiment: Document,
    at: str,
    updates: Sequence[FieldUpdate],
    *,
    restarting: bool = False,
) -> dict[str, Json]:
    """Return an experiment after updates of its own fields and of the iteration at `at`.

    A field that may not change now is refused with `Faults.locked_status` (U11). `restarting`: the
    iteration that runs makes way, so it locks nothing.
    """
    iteration: Document = experiment[at]
    status = iteration["status"]
    current = experiment.get("currentIteration")
    of_experiment = "running" if current and current["status"] == "running" else status
    design = design_of(iteration)
    changed = dict(experiment)
    for update in sorted(updates, key=lambda one: one.name != "methodology"):
        own = update.name in OF_EXPERIMENT
        reason = refusal_of(update, of_experiment if own and not restarting else status)
        if reason:
            raise Refusal(place.faults.locked_status, "invalid_request", reason)
        if own:
            _set(place, changed, update)
            continue
        value = updated(design.get(update.name), update)
        design[update.name] = "" if value is None else value
        design.pop(_EXCLUSIVE.get(update.name, ""), None)
    changed[at] = _redesigned(place, iteration, design)
    return changed


def _redesigned(place: Place, iteration: Document, design: Document) -> Document:
    """Return an iteration with another design; its version grows if that changes it."""
    before = design_of(iteration)
    if design == before:
        return iteration
    fresh = design["flags"] != before["flags"]
    key, _ = subject(iteration)
    checked = checked_design(place, design, key=key, fresh=fresh)
    if iteration["status"] == "running":  # a metric keeps the version it started with (10.3)
        kept = {row["key"]: row for row in iteration["metrics"]}
        checked["metrics"] = [kept.get(row["key"], row) for row in checked["metrics"]]
    others = {name: value for name, value in iteration.items() if name not in _EXCLUSIVE}
    changed = {**others, **checked}
    return {**changed, "version": iteration["version"] + 1} if changed != iteration else iteration


def _set(place: Place, experiment: dict[str, Json], update: FieldUpdate) -> None:
    """Change a field of the experiment itself."""
    name = {"maintainerId": "_maintainerId"}.get(update.name, update.name)
    value = updated(experiment.get(name), update)
    if name == "tags":
        experiment[name] = fields.sorted_tags(value)
    elif name == "analysisConfig":
        if not isinstance(value, dict):
            raise bad_request("analysisConfig must be an object")
        experiment[name] = analysis_config(place, experiment["methodology"], value)
    elif not isinstance("" if value is None else value, str):
        raise bad_request(f"{update.name} must be a string")
    elif name == "methodology":
        _set_methodology(place, experiment, one_of(name, value))
    elif name == "dataSource":
        experiment[name] = one_of(name, value)
    elif name == "name" and not value:
        raise bad_request("name must not be empty")
    else:
        experiment[name] = value or ""


def _set_methodology(place: Place, experiment: dict[str, Json], methodology: str) -> None:
    """Change the methodology, and the defaults of `analysisConfig` that belong to it."""
    defaults = DEFAULT_ANALYSIS[experiment["methodology"]]
    given = {
        name: value
        for name, value in experiment["analysisConfig"].items()
        if defaults.get(name) != value
    }
    experiment["methodology"] = methodology
    experiment["analysisConfig"] = analysis_config(place, methodology, given)
