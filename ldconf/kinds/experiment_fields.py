"""The fields of an experiment on the wire: what may change when, and how it is said.

Source: reference 13.2 (create), 13.4 (`updateExperimentFields`, `mutableFieldsByStatus`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds.experiment_live import rule_names
from ldconf.kinds.experiment_model import DRAFT, LIFECYCLE, RUNNING, STOPPED
from ldconf.kinds.experiment_parts import FALLTHROUGH, declared
from ldconf.kinds.targeting_document import Document, VariationIds
from ldconf.kinds.wire import given

Values = Mapping[str, Json]

# Our field -> the field of the API that holds it.
WIRE: Mapping[str, str] = {
    "name": "name",
    "description": "description",
    "tags": "tags",
    "maintainerId": "maintainerId",
    "rule": "flags",
    "remainder": "flags",
    "hypothesis": "hypothesis",
    "randomizationUnit": "randomizationUnit",
    "methodology": "methodology",
    "dataSource": "dataSource",
    "analysisConfig": "analysisConfig",
    "metrics": "metrics",
    "primary": "primarySingleMetricKey",
    "attributes": "attributes",
    "canReshuffleTraffic": "canReshuffleTraffic",
    "allocation": "treatments",
    "control": "treatments",
}
SETS = frozenset({"tags", "metrics", "attributes"})
EMPTY: Values = {"description": "", "tags": [], "attributes": [], "analysisConfig": {}}
# What is expected where LaunchDarkly does not tell (reference 13.4).
FREE: Mapping[str, Sequence[str]] = dict.fromkeys(
    ("name", "description", "tags", "maintainerId"), ("update",)
)
EXPECTED: Mapping[str, Mapping[str, Sequence[str]]] = {
    RUNNING: {**FREE, "metrics": ("add",), "attributes": ("add",)},
    STOPPED: FREE,
}
_STATUS = {DRAFT: "not_started", RUNNING: "running", STOPPED: "stopped"}


def differences(live: Values, wanted: Values) -> dict[str, Json]:
    """Return the wanted values that live does not have, apart from where its life stands.

    Of `analysisConfig` only what is wanted counts: the server fills in the rest.
    """
    found: dict[str, Json] = {}
    for name, value in wanted.items():
        actual = live.get(name)
        if name == "analysisConfig":
            actual = declared(value, actual)
        if name in WIRE and not same(actual, value):
            found[name] = value
    return found


def operation(observed: Observed, name: str, before: Json, after: Json) -> str | None:
    """Return the operation that brings a field about, None if there is none in this status.

    `mutableFieldsByStatus` decides, if LaunchDarkly told it; a draft's fields are all free.
    """
    allowed = _allowed(observed, WIRE[name])
    if allowed is None or "update" in allowed:
        return "update"
    if after is None:
        return "remove" if "remove" in allowed else None
    if name in SETS and "add" in allowed and _only_adds(before, after):
        return "add"
    return None


def _allowed(observed: Observed, wire_name: str) -> Collection[str] | None:
    """Return the operations that a field takes now; None means any."""
    status = observed.resource.managed().get("status") or DRAFT
    if status == DRAFT:
        return None
    told = (observed.meta.get("mutable") or {}).get(_STATUS[status])
    table: Mapping[str, Collection[str]] = EXPECTED[status] if told is None else told
    return table.get(wire_name) or ()


def _only_adds(before: Json, after: Json) -> bool:
    return all(any(same(old, new) for new in after) for old in before or ())


def edits(observed: Observed, changed: Values, design: Design) -> dict[str, Json]:
    """Return the map of `updateExperimentFields` that brings these fields about.

    Raises LdconfError for a field that is locked.
    """
    live = observed.resource.managed()
    found: dict[str, Json] = {}
    for name, after in changed.items():
        verb = operation(observed, name, live.get(name), after)
        if verb is None:
            raise LdconfError(
                f"LaunchDarkly does not let `{name}` change while the experiment is"
                f" {live.get('status')}",
                "raise `iteration` to go on with a new iteration, or undo the edit",
            )
        found[WIRE[name]] = _edit(verb, name, live.get(name), design)
    return found


def restart_edits(changed: Values, design: Design) -> dict[str, Json]:
    """Return the map of `saveAndStartNewIteration`: a new iteration takes any field."""
    return {WIRE[name]: _edit("update", name, None, design) for name in changed}


def _edit(verb: str, name: str, before: Json, design: Design) -> dict[str, Json]:
    value = design.field(WIRE[name])
    if verb == "remove":
        return {"operation": "remove"}
    if verb == "add":
        known = [_metric(entry) if name == "metrics" else entry for entry in before or ()]
        value = [entry for entry in value if entry not in known]
    return {"operation": verb, "value": value}


class Design:
    """The whole design that an experiment shall have, as the API takes it.

    `values` are canonical fields of a file; `document` is the targeting of its AI Config, read just
    now, in which variations and rules have the ids that iterations name (reference 13.3).
    `names` are the display names of variations.
    """

    def __init__(
        self, values: Values, ai_config: str, document: Document, names: Mapping[str, str]
    ) -> None:
        self._values = values
        self._ai_config = ai_config
        self._document = document
        self._ids = VariationIds(document)
        self._names = names

    def field(self, wire_name: str) -> Json:
        """Return the value of one field of the API; an empty one if it is cleared."""
        match wire_name:
            case "treatments":
                return self.treatments()
            case "flags":
                return self.flags()
            case "metrics":
                return [_metric(entry) for entry in self._values.get("metrics") or ()]
            case "primarySingleMetricKey":
                return self._values.get("primary")
            case "analysisConfig":
                return analysis_config(self._values.get("analysisConfig"))
            case _:
                value = self._values.get(wire_name)
                return EMPTY.get(wire_name, "") if value is None else value

    def iteration(self) -> dict[str, Json]:
        """Return the IterationInput."""
        wanted = ("hypothesis", "metrics", "primarySingleMetricKey", "treatments", "flags")
        optional = ("randomizationUnit", "canReshuffleTraffic", "attributes")
        given_too = [name for name in optional if self._values.get(name) is not None]
        return {name: self.field(name) for name in (*wanted, *given_too)}

    def experiment(self, key: str) -> dict[str, Json]:
        """Return the ExperimentPost. `methodology` is sent always: defaults conflict (U8)."""
        values = self._values
        optional = ("description", "tags", "maintainerId")
        body: dict[str, Json] = {
            "key": key,
            "name": values.get("name") or key,
            "methodology": values.get("methodology") or "bayesian",
            "dataSource": values.get("dataSource") or "launchdarkly",
            **given({name: values.get(name) for name in optional}),
        }
        if values.get("analysisConfig"):
            body["analysisConfig"] = self.field("analysisConfig")
        return {**body, "iteration": self.iteration()}

    def treatments(self) -> list[dict[str, Json]]:
        """Return the TreatmentInputs: one per variation, the control is the baseline."""
        allocation: Mapping[str, Json] = self._values.get("allocation") or {}
        named = [self._names.get(key) or key for key in allocation]
        unique = len(set(named)) == len(named)
        return [
            {
                "name": name if unique else key,
                "baseline": key == self._values.get("control"),
                "allocationPercent": decimal(percent),
                "parameters": [{"flagKey": self._ai_config, "variationId": self._ids[key]}],
            }
            for (key, percent), name in zip(allocation.items(), named, strict=True)
        ]

    def flags(self) -> dict[str, Json]:
        """Return the map of one AI Config key to its FlagInput."""
        outside = self._values.get("remainder") or self._values["control"]
        return {
            self._ai_config: {
                "ruleId": self._rule_id(),
                "flagConfigVersion": self._environment().get("_version") or 1,
                "notInExperimentVariationId": self._ids[outside],
            }
        }

    def _environment(self) -> Mapping[str, Json]:
        environment = self._values["environment"]
        known = self._document.get("environments") or {}
        if environment not in known:
            raise LdconfError(
                f"AI Config {self._ai_config!r} has no targeting in environment {environment!r}",
                f"environments it has: {', '.join(sorted(known)) or 'none'}",
            )
        block: Mapping[str, Json] = known[environment]
        return block

    def _rule_id(self) -> str:
        rule = self._values.get("rule") or FALLTHROUGH
        if rule == FALLTHROUGH:
            return FALLTHROUGH
        known = rule_names(self._document, self._values["environment"])
        for rule_id, name in known.items():
            if name == rule["description"]:
                return rule_id
        raise LdconfError(
            f"the targeting of {self._ai_config!r} in {self._values['environment']} has no rule"
            f" {rule['description']!r}",
            f"rules it has: {', '.join(known.values()) or 'none'}",
        )


def analysis_config(value: Json) -> dict[str, Json]:
    """Return an AnalysisConfigInput: thresholds are strings in the schema (reference 13.2)."""
    found = dict(value or {})
    if "bayesianThreshold" in found:
        found["bayesianThreshold"] = decimal(found["bayesianThreshold"])
    return found


def decimal(value: Json) -> str:
    """Return a percentage as the API takes it: `50`, `33.333`."""
    return f"{Decimal(str(value)).normalize():f}"


def _metric(entry: Json) -> dict[str, Json]:
    if isinstance(entry, str):
        return {"key": entry, "isGroup": False}
    return {"key": entry["key"], "isGroup": bool(entry.get("isGroup"))}


def without_lifecycle(values: Values) -> dict[str, Json]:
    """Return the fields that say what an experiment is, not where in its life it is."""
    return {name: value for name, value in values.items() if name not in LIFECYCLE}
