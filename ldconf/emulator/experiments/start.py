"""When an iteration may start, and what starting makes of a draft (reference 13.4)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator.database import Ref
from ldconf.emulator.experiments.design import checked_design, design_of
from ldconf.emulator.experiments.metrics import metric_rows
from ldconf.emulator.experiments.place import Place
from ldconf.emulator.experiments.rollout import slot_of, subject, weights
from ldconf.emulator.http import bad_request

Document = Mapping[str, Json]
SEED_BITS = 31


def refuse_start(place: Place, experiment: Document) -> None:
    """400 unless the draft may start: targeting on, unit set, somebody in it, not archived.

    That its rule, variations and metrics must still be there, and that no other experiment may run
    on the same rule, is inferred.
    """
    draft: Document = experiment["draftIteration"]
    key, flag = subject(draft)
    rule = flag["targetingRule"]
    if experiment.get("archivedDate"):
        raise bad_request("the experiment is archived: restore it to start an iteration")
    targeting = place.store.get(Ref(place.project, "targeting", key))
    if targeting is None:
        raise bad_request(f"the flag {key!r} does not exist any more")
    block = targeting["environments"][place.environment]
    if not block["enabled"]:
        raise bad_request(f"the flag {key!r} is off in {place.environment}: toggle it on first")
    if not draft["randomizationUnit"]:
        raise bad_request("randomizationUnit is not set")
    if not any(weights(draft["treatments"])):
        raise bad_request("no treatment has an allocationPercent above zero")
    if slot_of(block, rule) is None:
        raise bad_request(f"the rule {rule!r} does not exist any more")
    checked_design(place, design_of(draft), key=key, fresh=False)
    for other in place.store.documents(place.project, "experiments", place.environment):
        if other["key"] != experiment["key"] and _runs_on(other, key, rule):
            raise bad_request(
                f"experiment {other['key']!r} is running on {rule!r} of {key!r} already"
            )


def started(place: Place, draft: Document, replaced: Document | None) -> dict[str, Json]:
    """Return a draft as it runs. `replaced` is the iteration that runs until now, if any.

    A new seed reshuffles everybody. The seed is kept only if a running iteration is replaced and
    `canReshuffleTraffic` is false: after a stop LaunchDarkly always reshuffles (its documentation,
    "Traffic reshuffling"). Metrics stay in the version they have now (10.3).
    """
    keep = replaced is not None and not draft["canReshuffleTraffic"]
    return {
        **draft,
        "status": "running",
        "startedAt": place.store.clock(),
        "metrics": metric_rows(place.store, place.project, draft["metrics"]),
        "_seed": replaced["_seed"]
        if replaced and keep
        else place.store.random.getrandbits(SEED_BITS),
    }


def _runs_on(experiment: Document, key: str, rule: str) -> bool:
    iteration = experiment.get("currentIteration")
    if not iteration or iteration["status"] != "running":
        return False
    its_key, its_flag = subject(iteration)
    return its_key == key and its_flag["targetingRule"] == rule
