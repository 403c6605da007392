"""Bodies of experiments (reference 13.2): checked, and made into documents."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ldconf.core.resource import Json
from ldconf.emulator import fields
from ldconf.emulator.experiments.design import new_iteration
from ldconf.emulator.experiments.place import Place
from ldconf.emulator.experiments.rollout import PERCENT
from ldconf.emulator.http import bad_request, not_implemented

Document = Mapping[str, Json]
POST: Mapping[str, fields.Check] = {
    "key": fields.text,
    "name": fields.text,
    "description": fields.text,
    "tags": fields.texts,
    "maintainerId": fields.text,
    "type": fields.text,
    "methodology": fields.text,
    "dataSource": fields.text,
    "holdoutId": fields.text,
    "analysisConfig": fields.mapping,
    "iteration": fields.mapping,
}
ANALYSIS: Mapping[str, fields.Check] = {
    "bayesianThreshold": fields.text,
    "significanceThreshold": fields.text,
    "testDirection": fields.text,
    "multipleComparisonCorrectionMethod": fields.text,
    "multipleComparisonCorrectionScope": fields.text,
    "sequentialTestingEnabled": fields.flag,
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "methodology": ("bayesian", "frequentist", "export_only"),
    "dataSource": ("launchdarkly", "snowflake", "databricks", "redshift"),
    "multipleComparisonCorrectionMethod": ("bonferroni", "benjamini-hochberg"),
    "multipleComparisonCorrectionScope": ("variations", "variations-and-metrics", "metrics"),
}
DEFAULT_ANALYSIS: Mapping[str, Document] = {  # the server's own are not documented
    "bayesian": {"bayesianThreshold": "95"},
    "frequentist": {"significanceThreshold": "5"},
    "export_only": {},
}


def new_experiment(place: Place, body: Json, maintainer: str | None) -> dict[str, Json]:
    """Return an experiment with a draft; 400 for what does not fit, 501 for what is not done here.

    Without `methodology` it is frequentist (U8: the newest client says so).
    """
    checked = fields.pick(body, POST, required=("key", "name", "iteration"))
    fields.key_of(checked)
    if checked.get("type", "experiment") != "experiment":
        raise not_implemented(f"experiments of type {checked['type']!r}")
    if checked.get("holdoutId"):
        raise not_implemented("holdoutId of experiments")
    methodology = one_of("methodology", checked.get("methodology") or "frequentist")
    return {
        "_id": place.store.object_id(),
        "key": checked["key"],
        "name": checked["name"],
        "description": checked.get("description", ""),
        "_maintainerId": checked.get("maintainerId") or maintainer or "",
        "_creationDate": place.store.clock(),
        "environmentKey": place.environment,
        "methodology": methodology,
        "dataSource": one_of("dataSource", checked.get("dataSource") or "launchdarkly"),
        "type": "experiment",
        "tags": fields.sorted_tags(checked.get("tags")),
        "analysisConfig": analysis_config(place, methodology, checked.get("analysisConfig") or {}),
        "previousIterations": [],
        "draftIteration": new_iteration(place, checked["iteration"]),
    }


def one_of(name: str, value: str) -> str:
    """Return a value that is one of the documented ones; 400 otherwise."""
    if value not in CHOICES[name]:
        raise bad_request(f"{name} must be one of {', '.join(CHOICES[name])}")
    return value


def analysis_config(place: Place, methodology: str, body: Json) -> dict[str, Json]:
    """Return an `analysisConfig`; what is not given gets a default of the methodology.

    `Faults.rescaled_thresholds` turns percents into shares of one (U9).
    """
    checked = {**DEFAULT_ANALYSIS[methodology], **fields.pick(body, ANALYSIS)}
    for name, value in checked.items():
        if name in CHOICES:
            one_of(name, value)
    for name in ("bayesianThreshold", "significanceThreshold"):
        if name not in checked:
            continue
        text = checked[name]
        if not PERCENT.fullmatch(text) or Decimal(text) > 100:
            raise bad_request(f"{name} must be a number from 0 to 100, as a string")
        if place.faults.rescaled_thresholds and Decimal(text) >= 1:
            checked[name] = f"{Decimal(text) / 100:f}"
    return checked
