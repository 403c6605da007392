"""Experiments and iterations as the API shows them (reference 13.5)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator.experiments.fields import mutable_fields
from ldconf.emulator.experiments.metrics import as_metric
from ldconf.emulator.http import Call, bad_request
from ldconf.emulator.paging import link

Document = Mapping[str, Json]
EXPANDABLE = frozenset(
    {
        *("previousIterations", "draftIteration", "secondaryMetrics", "treatments"),
        *("analysisConfig", "mutableFieldsByStatus"),
    }
)
KEPT = frozenset({"_seed", "primarySingleMetricKey", "primaryFunnelKey"})  # never shown


def refuse_expand(call: Call) -> None:
    """400 for a value of `expand` that is not known, or that `Faults.refused_expand` names."""
    unknown = call.names("expand") - (EXPANDABLE - call.faults.refused_expand)
    if unknown:
        raise bad_request(f"unknown expand value {sorted(unknown)[0]}")


def experiment_view(call: Call, project: str, experiment: Document) -> dict[str, Json]:
    """Return an experiment. Draft, treatments and more are absent without `expand`."""
    refuse_expand(call)
    expand = call.names("expand")
    shown = {
        name: value
        for name, value in experiment.items()
        if name not in EXPANDABLE or name in expand
    }
    for name in ("currentIteration", "draftIteration"):
        if shown.get(name):
            shown[name] = iteration_view(call, project, shown[name])
        else:
            shown.pop(name, None)
    if "previousIterations" in shown:
        shown["previousIterations"] = [
            iteration_view(call, project, one) for one in shown["previousIterations"]
        ]
    if "mutableFieldsByStatus" in expand:
        shown["mutableFieldsByStatus"] = mutable_fields()
    path = ("projects", project, "environments", experiment["environmentKey"], "experiments")
    shown["_links"] = {"self": link(*path, experiment["key"]), "parent": link(*path)}
    return shown


def iteration_view(call: Call, project: str, iteration: Document) -> dict[str, Json]:
    """Return an iteration. The primary metric is always shown, the others in `metrics` too."""
    expand = call.names("expand")
    shown = {
        name: value
        for name, value in iteration.items()
        if name not in KEPT and (name != "treatments" or "treatments" in expand)
    }
    shown["metrics"] = [
        {name: value for name, value in row.items() if name != "unitAggregationType"}
        for row in iteration["metrics"]
    ]
    shown["flags"] = {
        key: {**flag, "_links": {"self": link("flags", project, key)}}
        for key, flag in iteration["flags"].items()
    }
    primary = iteration.get("primarySingleMetricKey") or iteration.get("primaryFunnelKey")
    for row in iteration["metrics"]:
        if row["key"] == primary and row["isGroup"] == ("primaryFunnelKey" in iteration):
            name = "primaryFunnel" if row["isGroup"] else "primarySingleMetric"
            shown[name] = as_metric(row)
            shown["primaryMetric"] = row
    if "secondaryMetrics" in expand:
        shown["secondaryMetrics"] = [
            as_metric(row)
            for row in iteration["metrics"]
            if row["key"] != primary and not row["isGroup"]
        ]
    return shown
