"""The rollout of an experiment in the targeting of its AI Config: put there by a start, taken away
by a stop (reference 13.8, protocol notes 2.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from ldconf.core.resource import Json
from ldconf.emulator.database import Ref
from ldconf.emulator.store import Store

FALLTHROUGH = "fallthrough"
WHOLE = 100_000  # weights are thousandths of a percent
PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")  # 0 to 999.999 as a text
Document = Mapping[str, Json]


def slot_of(block: Document, rule: str) -> Document | None:
    """Return the rule or fallthrough of a targeting environment that `ruleId` names, or None."""
    if rule == FALLTHROUGH:
        found: Document = block["fallthrough"]
        return found
    return next((one for one in block["rules"] if one["_id"] == rule), None)


def weights(treatments: Json) -> list[int]:
    """Return the weights of treatments, in thousandths of a percent of the rule's traffic."""
    return [int(Decimal(one["allocationPercent"]) * 1000) for one in treatments]


def subject(iteration: Document) -> tuple[str, Document]:
    """Return (AI Config key, flag) of an iteration: it has exactly one."""
    key, flag = next(iter(iteration["flags"].items()))
    return key, flag


def rollout(iteration: Document, before: Sequence[Document] = ()) -> dict[str, Json]:
    """Return what a running iteration serves: its arms in order, then the untracked rest.

    `before` are the arms of an iteration with the same seed, which this one replaces: who is in an
    arm stays there as far as its share allows. LaunchDarkly promises that but shows no layout
    (protocol notes 2.4). [INF]
    """
    _, flag = subject(iteration)
    outside = flag["notInExperimentVariationId"]
    shares = weights(iteration["treatments"])
    arms: list[dict[str, Json]] = [
        {"variation": treatment["parameters"][0]["variationId"], "weight": share}
        for treatment, share in zip(iteration["treatments"], shares, strict=True)
    ]
    if rest := WHOLE - sum(shares):
        arms.append({"variation": outside, "weight": rest, "_untracked": True})
    return {
        "contextKind": iteration["randomizationUnit"],
        "bucketBy": "key",
        "seed": iteration["_seed"],
        "variations": kept_in_place(before, arms) if before else arms,
        "experimentAllocation": {
            "type": "percentage",
            "canReshuffle": iteration["canReshuffleTraffic"],
            "defaultVariation": outside,
        },
    }


def kept_in_place(before: Sequence[Document], after: Sequence[Document]) -> list[dict[str, Json]]:
    """Return arms with the shares of `after`, in which everybody whose arm of `before` does not
    shrink stays in it. A variation may stand there several times."""
    missing = {_arm(arm): arm["weight"] for arm in after}
    placed: list[tuple[tuple[str, bool] | None, int]] = []  # None: free
    for arm in before:
        keep = min(arm["weight"], missing.get(_arm(arm), 0))
        parts = [(_arm(arm), keep), (None, arm["weight"] - keep)]
        placed += reversed(parts) if arm.get("_untracked") else parts
        missing[_arm(arm)] = missing.get(_arm(arm), 0) - keep
    arms: list[tuple[tuple[str, bool], int]] = []
    for which, weight in placed:
        if which is not None:
            arms.append((which, weight))
            continue
        for wanted in missing:
            taken = min(weight, missing[wanted])
            arms.append((wanted, taken))
            missing[wanted] -= taken
            weight -= taken
    return [
        {"variation": variation, "weight": weight, **({"_untracked": True} if untracked else {})}
        for (variation, untracked), weight in _joined(arms)
    ]


def _arm(arm: Document) -> tuple[str, bool]:
    return arm["variation"], bool(arm.get("_untracked"))


def _joined(
    arms: Sequence[tuple[tuple[str, bool], int]],
) -> list[tuple[tuple[str, bool], int]]:
    """Return arms without empty ones; neighbours that are the same become one."""
    joined: list[tuple[tuple[str, bool], int]] = []
    for which, weight in arms:
        if joined and joined[-1][0] == which:
            joined[-1] = (which, joined[-1][1] + weight)
        elif weight:
            joined.append((which, weight))
    return joined


def put_rollout(
    store: Store,
    project: str,
    environment: str,
    iteration: Document,
    replaced: Document | None = None,
) -> None:
    """Serve a running iteration: what stood in its rule or fallthrough is gone.

    `replaced` is the iteration that ran until now. If its seed is kept and its rollout still stands
    there, nobody changes arms who need not.
    """
    key, flag = subject(iteration)
    before: Sequence[Document] = ()
    if replaced is not None and replaced["_seed"] == iteration["_seed"]:
        targeting = store.get(Ref(project, "targeting", key))
        slot = slot_of(targeting["environments"][environment], flag["targetingRule"]) or {}
        standing = slot.get("rollout") or {}
        if standing.get("seed") == iteration["_seed"]:
            before = standing["variations"]
    _serve(store, project, environment, iteration, {"rollout": rollout(iteration, before)})


def put_winner(store: Store, project: str, environment: str, iteration: Document) -> None:
    """Serve the winner of a stopped iteration to all whom its rule matches.

    LaunchDarkly's documentation says so of the Stop button ("Starting and stopping experiment
    iterations"); that `stopIteration` does the same is inferred. What was served before the start
    does not come back.
    """
    winner = next(
        one for one in iteration["treatments"] if one["_id"] == iteration["winningTreatmentId"]
    )
    served = {"variation": winner["parameters"][0]["variationId"]}
    _serve(store, project, environment, iteration, served)


def put_split(store: Store, project: str, environment: str, iteration: Document) -> None:
    """Leave the shares of a stopped iteration as a plain rollout (`Faults.stopped_serves`)."""
    served = rollout(iteration)
    shares: dict[str, int] = {}
    for arm in served["variations"]:
        shares[arm["variation"]] = shares.get(arm["variation"], 0) + arm["weight"]
    plain = {
        "contextKind": served["contextKind"],
        "bucketBy": "key",
        "variations": [{"variation": slot, "weight": weight} for slot, weight in shares.items()],
    }
    _serve(store, project, environment, iteration, {"rollout": plain})


def _serve(
    store: Store, project: str, environment: str, iteration: Document, served: Document
) -> None:
    """Put `served` into the iteration's rule or fallthrough, unless it is gone; versions grow."""
    key, flag = subject(iteration)
    rule = flag["targetingRule"]
    ref = Ref(project, "targeting", key)
    targeting = store.get(ref)
    if targeting is None or environment not in targeting["environments"]:
        return
    before = targeting["environments"][environment]
    if slot_of(before, rule) is None:
        return
    after = {**before, "_version": before["_version"] + 1, "lastModified": store.clock()}
    if rule == FALLTHROUGH:
        after["fallthrough"] = dict(served)
    else:
        after["rules"] = [
            _with(one, served) if one["_id"] == rule else one for one in before["rules"]
        ]
    environments = {**targeting["environments"], environment: after}
    changed = {**targeting, "environments": environments, "_version": targeting["_version"] + 1}
    store.put(ref, changed)


def _with(rule: Document, served: Document) -> dict[str, Json]:
    kept = {name: value for name, value in rule.items() if name not in ("variation", "rollout")}
    return {**kept, **served}
