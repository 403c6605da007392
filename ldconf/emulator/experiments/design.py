"""The design of an iteration (reference 13.2, 13.3): checked, and made into a document and back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ldconf.core.resource import Json
from ldconf.emulator import fields, library
from ldconf.emulator.database import Ref
from ldconf.emulator.experiments.metrics import metric_rows, primary_of
from ldconf.emulator.experiments.place import Place
from ldconf.emulator.experiments.rollout import FALLTHROUGH, PERCENT, WHOLE, slot_of, weights
from ldconf.emulator.http import bad_request, not_implemented

Document = Mapping[str, Json]
ITERATION: Mapping[str, fields.Check] = {
    "hypothesis": fields.text,
    "metrics": fields.mappings,
    "primarySingleMetricKey": fields.text,
    "primaryFunnelKey": fields.text,
    "treatments": fields.mappings,
    "flags": fields.mapping,
    "randomizationUnit": fields.text,
    "canReshuffleTraffic": fields.flag,
    "attributes": fields.texts,
    "reallocationFrequencyMillis": fields.integer,
    "covariateId": fields.text,
}
TREATMENT: Mapping[str, fields.Check] = {
    "name": fields.text,
    "baseline": fields.flag,
    "allocationPercent": fields.text,
    "parameters": fields.mappings,
}
PARAMETER: Mapping[str, fields.Check] = {"flagKey": fields.text, "variationId": fields.text}
FLAG: Mapping[str, fields.Check] = {
    "ruleId": fields.text,
    "flagConfigVersion": fields.integer,
    "notInExperimentVariationId": fields.text,
}


def new_iteration(place: Place, body: Json, key: str | None = None) -> dict[str, Json]:
    """Return a draft. `key` is the AI Config that the experiment is on already, if any."""
    iteration = {
        "_id": place.store.object_id(),
        "status": "not_started",
        "createdAt": place.store.clock(),
        "version": 1,
    }
    return {**iteration, **checked_design(place, body, key=key)}


def checked_design(
    place: Place, body: Json, *, key: str | None = None, fresh: bool = True
) -> dict[str, Json]:
    """Return the design of an iteration as it is kept and shown; 400 for what does not fit.

    `fresh`: its `flagConfigVersion` must be the present one. A design that only changes in other
    fields keeps the version that it was made with (reference 13.5).
    """
    needed = ("hypothesis", "metrics", "treatments", "flags")
    design = fields.pick(body, ITERATION, required=needed)
    for name in ("reallocationFrequencyMillis", "covariateId"):
        if name in design:
            raise not_implemented(f"{name} of iterations")
    flag_key, flag = _flag(place, design["flags"], key, fresh=fresh)
    treatments = _treatments(place, design["treatments"], flag_key)
    baseline = next(one for one in treatments if one["baseline"])
    outside = flag.get("notInExperimentVariationId")
    if outside:
        _variation(place, flag_key, outside)
    metrics = metric_rows(place.store, place.project, design["metrics"])
    return {
        "hypothesis": design["hypothesis"],
        "canReshuffleTraffic": design.get("canReshuffleTraffic", True),
        "randomizationUnit": _unit(place, design.get("randomizationUnit", "user")),
        "attributes": list(dict.fromkeys(design.get("attributes", ()))),
        "treatments": treatments,
        "flags": {
            flag_key: {
                **_rule(place, flag_key, flag["ruleId"]),
                "flagConfigVersion": flag["flagConfigVersion"],
                "notInExperimentVariationId": outside or baseline["parameters"][0]["variationId"],
            }
        },
        "metrics": metrics,
        **primary_of(design, metrics),
    }


def design_of(iteration: Document) -> dict[str, Json]:
    """Return the body that would make an iteration again."""
    names = ("hypothesis", "canReshuffleTraffic", "randomizationUnit", "attributes", "treatments")
    design = {name: iteration[name] for name in names}
    for name in ("primarySingleMetricKey", "primaryFunnelKey"):
        if iteration.get(name):
            design[name] = iteration[name]
    design["metrics"] = [
        {name: row[name] for name in ("key", "isGroup", "analysisUnit") if name in row}
        for row in iteration["metrics"]
    ]
    design["flags"] = {
        key: {
            "ruleId": flag["targetingRule"],
            "flagConfigVersion": flag["flagConfigVersion"],
            "notInExperimentVariationId": flag["notInExperimentVariationId"],
        }
        for key, flag in iteration["flags"].items()
    }
    return design


def flag_config_version(place: Place, key: str) -> int:
    """Return the `flagConfigVersion` that a new iteration has to name (U7)."""
    targeting = place.store.get(Ref(place.project, "targeting", key))
    environment = targeting["environments"][place.environment]
    found: int = (targeting if place.faults.flag_version == "document" else environment)["_version"]
    return found


def _flag(place: Place, flags: Document, key: str | None, *, fresh: bool) -> tuple[str, Document]:
    if not flags:
        raise bad_request("flags must name a flag")
    if len(flags) > 1:
        raise not_implemented("experiments on several flags")
    ((flag_key, body),) = flags.items()
    if not isinstance(body, dict):
        raise bad_request(f"flags.{flag_key} must be an object")
    if not place.faults.experiments_on_ai_configs:
        raise bad_request(f"unknown flag {flag_key!r}")
    if place.store.get(Ref(place.project, "aiConfigs", flag_key)) is None:
        raise bad_request(f"unknown flag {flag_key!r}")
    if key not in (None, flag_key):
        raise bad_request(f"the flag of an experiment cannot be changed: it is {key!r}")
    flag = fields.pick(body, FLAG, required=("ruleId", "flagConfigVersion"))
    present = flag_config_version(place, flag_key)
    if fresh and flag["flagConfigVersion"] != present:
        raise bad_request(
            f"flagConfigVersion {flag['flagConfigVersion']} of {flag_key!r} is not the present "
            f"version {present}"
        )
    return flag_key, flag


def _rule(place: Place, key: str, rule: str) -> dict[str, Json]:
    targeting = place.store.get(Ref(place.project, "targeting", key))
    slot = slot_of(targeting["environments"][place.environment], rule)
    if slot is None:
        raise bad_request(f"unknown ruleId {rule!r}")
    shown: dict[str, Json] = {"targetingRule": rule}
    if rule != FALLTHROUGH:
        shown["targetingRuleDescription"] = slot.get("description", "")
        shown["targetingRuleClauses"] = slot["clauses"]
    return shown


def _treatments(place: Place, bodies: Json, key: str) -> list[dict[str, Json]]:
    treatments = [_treatment(place, body, key) for body in bodies]
    served = [one["parameters"][0]["variationId"] for one in treatments]
    if len(set(served)) < len(served):
        raise bad_request("two treatments have the same variation")
    if sum(one["baseline"] for one in treatments) != 1:
        raise bad_request("exactly one treatment must be the baseline")
    total = sum(weights(treatments))
    if total > WHOLE:
        raise bad_request(f"allocationPercent adds up to {total / 1000:g}, more than 100")
    if place.faults.full_audience_only and total != WHOLE:
        raise bad_request(f"allocationPercent adds up to {total / 1000:g}, not to 100")
    if place.faults.whole_audience and 0 < total < WHOLE:
        _fill(treatments, total)
    return treatments


def _fill(treatments: list[dict[str, Json]], total: int) -> None:
    """Scale allocations to 100 in total; the first one takes what rounding leaves."""
    scaled = [share * WHOLE // total for share in weights(treatments)]
    scaled[0] += WHOLE - sum(scaled)
    for treatment, share in zip(treatments, scaled, strict=True):
        treatment["allocationPercent"] = f"{share / 1000:g}"


def _treatment(place: Place, body: Json, key: str) -> dict[str, Json]:
    """Return a treatment. It is shown with the id and name of its variation (reference 13.5)."""
    checked = fields.pick(body, TREATMENT, required=tuple(TREATMENT))
    percent = checked["allocationPercent"]
    if not PERCENT.fullmatch(percent) or Decimal(percent) > 100:
        raise bad_request(
            f"allocationPercent {percent!r} must be a number from 0 to 100 with at most three "
            "decimals, as a string"
        )
    parameters = [
        fields.pick(one, PARAMETER, required=tuple(PARAMETER)) for one in checked["parameters"]
    ]
    if len(parameters) != 1 or parameters[0]["flagKey"] != key:
        raise bad_request(f"a treatment needs exactly one parameter, of flag {key!r}")
    variation = parameters[0]["variationId"]
    own = body.get("_id") or place.store.uuid() if place.faults.own_treatment_ids else variation
    return {
        "_id": own,
        "name": _variation(place, key, variation),
        "allocationPercent": percent,
        "baseline": checked["baseline"],
        "parameters": parameters,
    }


def _variation(place: Place, key: str, wanted: str) -> str:
    """Return the name of a variation of the targeting document by its id there (13.3)."""
    ai_config = place.store.get(Ref(place.project, "aiConfigs", key))
    targeting = place.store.get(Ref(place.project, "targeting", key))
    slots = {slot["_id"]: slot["key"] for slot in targeting["slots"]}
    if wanted not in slots:
        raise bad_request(f"unknown variationId {wanted!r} of flag {key!r}")
    row = place.store.get(Ref(place.project, "variations", slots[wanted] or "", key))
    if row is not None and row["state"] == "archived":
        raise bad_request(f"variation {slots[wanted]!r} is archived and cannot be served")
    shown = library.served_values(place.store, place.project, ai_config, targeting)
    return next(str(one["name"]) for one in shown if one["_id"] == wanted)


def _unit(place: Place, unit: str) -> str:
    stored = place.store.get(Ref(place.project, "experimentationSettings", "settings"))
    allowed = [one["randomizationUnit"] for one in stored["randomizationUnits"]] if stored else []
    if unit and unit not in (allowed or ["user"]):
        raise bad_request(
            f"randomizationUnit {unit!r} is not one of the project's: "
            f"{', '.join(allowed or ['user'])}"
        )
    return unit
