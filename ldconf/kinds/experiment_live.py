"""A live experiment in the words of files. Source: reference 13.5.

Iterations are told by number, treatments by variation key, rules by description: none of the
server's ids or treatment names is ever compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ldconf.core.resource import Json, Observed
from ldconf.kinds.experiment_model import DRAFT, RUNNING, STOPPED, Experiment, Status
from ldconf.kinds.experiment_parts import (
    FALLTHROUGH,
    AnalysisConfig,
    MetricUse,
    RuleName,
    number,
)
from ldconf.kinds.targeting_document import Document, VariationIds, live_targeting
from ldconf.kinds.targeting_rules import name_rules
from ldconf.kinds.wire import sorted_set, tags, text, unsupported

Payload: TypeAlias = Mapping[str, Json]
_ANALYSIS = {name: field.alias or name for name, field in AnalysisConfig.model_fields.items()}
_OTHER_TYPES = {"mab": "a multi-armed bandit", "holdout": "a holdout"}


@dataclass(frozen=True)
class Stage:
    """The iteration that a live experiment's status speaks of (design section 5)."""

    status: Status
    number: int
    iteration: Payload


def stage(payload: Payload) -> Stage | None:
    """Return where an experiment stands; None if it has no iteration at all.

    Started are the iterations with `startedAt`. One that runs wins over a draft beside it.
    """
    found = iterations(payload)
    started = [one for one in found if one.get("startedAt")]
    for iteration in found:
        if iteration.get("status") == "running":
            return Stage(RUNNING, max(len(started), 1), iteration)
    for iteration in reversed(found):
        if iteration.get("status") == "not_started" and not iteration.get("startedAt"):
            return Stage(DRAFT, len(started) + 1, iteration)
    return Stage(STOPPED, len(started), started[-1]) if started else None


def iterations(payload: Payload) -> list[Payload]:
    """Return every iteration once, in the order of their start; a draft is last."""
    current, draft = payload.get("currentIteration"), payload.get("draftIteration")
    listed = [*(payload.get("previousIterations") or ()), current, draft]
    by_id: dict[Json, Payload] = {}
    for place, iteration in enumerate(listed):
        if isinstance(iteration, Mapping):
            by_id.setdefault(iteration.get("_id") or place, iteration)
    return sorted(
        by_id.values(),
        key=lambda one: (one.get("startedAt") or float("inf"), str(one.get("status"))),
    )


def is_archived(payload: Payload) -> bool:
    """True if an experiment was archived: it can be restored, but not started."""
    return bool(payload.get("archivedDate"))


def subject(payload: Payload) -> tuple[str, ...]:
    """Return the flag keys that the experiment is on: one, if it can stand in a file."""
    at = stage(payload)
    return tuple(at.iteration.get("flags") or ()) if at else ()


def observed(payload: Payload, document: Document | None) -> Observed:
    """Return a live experiment. `document` is the targeting of its AI Config, None if unread.

    `meta`: `raw`, `archived`, `unsupported` (words, if files cannot describe it), `iterations`
    (numbered: id, status, startedAt, endedAt, winner, reason, rule_id), `iteration_id`,
    `treatment_ids` (by variation key), `rule_id`, `rule_was` (its description then), `draft` (the
    raw draft iteration, also beside a running one) and `mutable` (status -> field -> operations;
    None if LaunchDarkly does not tell).
    """
    at, flags = stage(payload), subject(payload)
    ai_config = flags[0] if flags else ""
    words = _Words(payload, ai_config, document)
    resource = words.experiment(at)
    draft = payload.get("draftIteration")
    if at is not None and at.status == DRAFT:
        draft = at.iteration
    meta: dict[str, Json] = {
        "raw": payload,
        "archived": is_archived(payload),
        "iterations": list(words.history()),
        "iteration_id": at.iteration.get("_id") if at else None,
        "treatment_ids": words.treatment_ids(at.iteration) if at else {},
        "rule_id": words.flag(at.iteration).get("targetingRule") if at else None,
        "rule_was": words.flag(at.iteration).get("targetingRuleDescription") if at else None,
        "draft": draft,
        "mutable": payload.get("mutableFieldsByStatus"),
    }
    if problem := _beyond(payload, at, flags, document) or words.problem or unsupported(resource):
        meta["unsupported"] = problem
    return Observed(resource, meta=meta)


def _beyond(
    payload: Payload, at: Stage | None, flags: Sequence[str], document: Document | None
) -> str | None:
    """Return in words what makes an experiment one that ldconf never manages."""
    if other := _OTHER_TYPES.get(payload.get("type") or ""):
        return other
    if payload.get("holdoutId"):
        return "an experiment in a holdout"
    if at is None:
        return "an experiment without iterations"
    if len(flags) != 1:
        return "an experiment on several flags" if flags else "an experiment on no flag"
    if document is None:
        return f"an experiment on {flags[0]!r}, which is no AI Config whose targeting was read"
    if at.iteration.get("primaryFunnel"):
        return "an experiment whose primary metric is a funnel"
    if at.iteration.get("layerSnapshot"):
        return "an experiment in a layer"
    if "treatments" not in at.iteration:
        return "an experiment whose treatments LaunchDarkly does not show"
    return None


class _Words:
    """One pass over a payload, with the names that its ids stand for."""

    def __init__(self, payload: Payload, ai_config: str, document: Document | None) -> None:
        self.payload = payload
        self.ai_config = ai_config
        self.problem: str | None = None
        self._document = document or {}
        self._keys = {found: key for key, found in VariationIds(self._document).items()}

    def experiment(self, at: Stage | None) -> Experiment:
        """Return the design and place of the iteration that counts, without validation."""
        iteration = at.iteration if at else {}
        stopped = at is not None and at.status == STOPPED
        arms = dict(self._arms(iteration))
        control = next((key for key, found in arms.items() if found.get("baseline")), "")
        outside = self.flag(iteration).get("notInExperimentVariationId")
        winner = iteration.get("winningTreatmentId")
        payload, settings = self.payload, self.payload.get("analysisConfig") or {}
        return Experiment.model_construct(
            name=text(payload.get("name")) or "",
            description=text(payload.get("description")),
            tags=tags(payload),
            maintainer_id=payload.get("_maintainerId") or "",
            environment=payload.get("environmentKey") or "",
            ai_config=self.ai_config,
            rule=self._rule(iteration),
            hypothesis=text(iteration.get("hypothesis")) or "",
            randomization_unit=iteration.get("randomizationUnit") or "user",
            methodology=payload.get("methodology") or "bayesian",
            data_source=payload.get("dataSource") or "launchdarkly",
            analysis_config=AnalysisConfig.model_construct(
                **{name: settings.get(alias) for name, alias in _ANALYSIS.items()}
            ),
            metrics=[
                MetricUse.model_construct(key=metric["key"], is_group=bool(metric.get("isGroup")))
                for metric in iteration.get("metrics") or iteration.get("secondaryMetrics") or ()
            ],
            primary=_primary(iteration),
            attributes=sorted_set(iteration.get("attributes") or ()),
            can_reshuffle_traffic=iteration.get("canReshuffleTraffic") is not False,
            allocation={key: number(arm.get("allocationPercent")) for key, arm in arms.items()},
            control=control,
            remainder=self._key(outside) if outside else control,
            status=at.status if at else DRAFT,
            iteration=at.number if at else 1,
            winner=self._won(iteration, winner) if stopped and winner else None,
            reason=text(iteration.get("winningReason")) if stopped else None,
        )

    def history(self) -> Iterator[dict[str, Json]]:
        """Yield what is known of each iteration that was started."""
        started = [one for one in iterations(self.payload) if one.get("startedAt")]
        for place, iteration in enumerate(started):
            winner = iteration.get("winningTreatmentId")
            yield {
                "number": place + 1,
                "id": iteration.get("_id"),
                "status": iteration.get("status"),
                "startedAt": iteration.get("startedAt"),
                "endedAt": iteration.get("endedAt"),
                "winner": self._won(iteration, winner) if winner else None,
                "reason": text(iteration.get("winningReason")),
                "rule_id": self.flag(iteration).get("targetingRule"),
            }

    def treatment_ids(self, iteration: Payload) -> dict[str, Json]:
        """Return variation key -> id of its treatment."""
        return {key: treatment.get("_id") for key, treatment in self._arms(iteration)}

    def flag(self, iteration: Payload) -> Payload:
        """Return what an iteration says of the AI Config's rule."""
        found = (iteration.get("flags") or {}).get(self.ai_config)
        return found if isinstance(found, Mapping) else {}

    def _arms(self, iteration: Payload) -> Iterator[tuple[str, Payload]]:
        for treatment in iteration.get("treatments") or ():
            for parameter in treatment.get("parameters") or ():
                if parameter.get("flagKey", self.ai_config) == self.ai_config:
                    yield self._key(parameter.get("variationId")), treatment

    def _won(self, iteration: Payload, treatment_id: Json) -> str | None:
        """Return the variation of a treatment; its id may be the variation's own (13.5)."""
        for key, found in self.treatment_ids(iteration).items():
            if found == treatment_id:
                return key
        return self._keys.get(treatment_id)

    def _key(self, variation_id: Json) -> str:
        if key := self._keys.get(variation_id):
            return key
        if self._document:
            self.problem = "an experiment on a variation that its AI Config no longer has"
        return f"#{variation_id}"

    def _rule(self, iteration: Payload) -> Literal["fallthrough"] | RuleName:
        """Return `fallthrough` or the name of the rule, as import writes it into `targeting`."""
        flag = self.flag(iteration)
        rule = flag.get("targetingRule") or FALLTHROUGH
        if rule == FALLTHROUGH:
            return FALLTHROUGH
        known = rule_names(self._document, self.payload.get("environmentKey") or "")
        name = known.get(rule) or flag.get("targetingRuleDescription") or f"rule {rule}"
        return RuleName.model_construct(description=name)


def rule_names(document: Document, environment: str) -> dict[str, str]:
    """Return rule id -> description of each rule; a nameless one is called as import calls it."""
    rules = live_targeting(document, environment).rules
    named = name_rules([rule.value for rule in rules])
    return {
        rule.id: name["description"] for rule, name in zip(rules, named, strict=True) if rule.id
    }


def _primary(iteration: Payload) -> str:
    found = iteration.get("primarySingleMetric") or iteration.get("primaryMetric") or {}
    return str(found.get("key") or "")
