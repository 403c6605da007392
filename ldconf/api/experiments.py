"""Draft and running experiments on AI Configs, as far as protection needs them.

Source: reference 13.1, 13.5. One list for the whole project, which the kind `experiments` reads
too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.api.reader import LiveReader, Object
from ldconf.core.address import Address
from ldconf.core.errors import ApiError
from ldconf.core.live import RunningExperiment
from ldconf.core.resource import Observed
from ldconf.kinds.experiment import TOLERATED
from ldconf.kinds.experiment_live import is_archived
from ldconf.kinds.experiment_payloads import payloads, targeting
from ldconf.kinds.targeting import by_environment
from ldconf.kinds.targeting_document import VariationIds

STATUS = {"running": "running", "not_started": "draft"}


@dataclass(frozen=True)
class Experiments:
    """The experiments found. `unknown` says what could not be read, for the plan to show; `error`
    is why none could be read at all.

    `targeting` is that of their AI Configs, read for the ids: it names the segments that decide
    who takes part, also where no file speaks of the AI Config.
    """

    running: tuple[RunningExperiment, ...] = ()
    unknown: tuple[str, ...] = ()
    targeting: Mapping[Address, Observed] = field(default_factory=dict)
    error: ApiError | None = None

    @property
    def ai_configs(self) -> frozenset[str]:
        """The AI Configs with an experiment."""
        return frozenset(one.ai_config for one in self.running)


async def read_experiments(reader: LiveReader, ai_configs: frozenset[str]) -> Experiments:
    """Return the draft and running experiments on these AI Configs; never silently none."""
    try:
        listed = await payloads(reader)
    except ApiError as error:
        if error.status not in TOLERATED:
            raise
        words = f"running experiments are unknown and therefore not protected: {error.summary}"
        return Experiments(unknown=(words,), error=error)
    found: set[RunningExperiment] = set()
    unknown: list[str] = []
    documents: dict[Address, Observed] = {}
    for payload in listed:
        for ai_config, iteration in _iterations(payload, ai_configs):
            if "treatments" not in iteration:
                unknown.append(f"the variations of experiment {payload['key']!r} are unknown")
            document = await targeting(reader, ai_config) or {}
            documents.update(by_environment(ai_config, document, reader.environments))
            ids = VariationIds(document)
            keys = {found_id: key for key, found_id in ids.items()}
            found.add(_experiment(payload, ai_config, iteration, keys))
    ordered = sorted(found, key=lambda one: (one.environment, one.key, one.status, one.rule))
    return Experiments(tuple(ordered), tuple(unknown), documents)


def _iterations(experiment: Object, ai_configs: frozenset[str]) -> Iterator[tuple[str, Object]]:
    """Yield (AI Config key, iteration) of what is drafted or runs."""
    if is_archived(experiment):
        return
    for name in ("currentIteration", "draftIteration"):
        iteration = experiment.get(name)
        if not isinstance(iteration, Mapping) or iteration.get("status") not in STATUS:
            continue
        for flag_key in iteration.get("flags") or {}:
            if flag_key in ai_configs:
                yield flag_key, iteration


def _experiment(
    payload: Object, ai_config: str, iteration: Object, keys: Mapping[str, str]
) -> RunningExperiment:
    flag = iteration["flags"][ai_config]
    outside = flag.get("notInExperimentVariationId")
    ids: set[str] = {outside} if outside else set()
    baseline = None
    for treatment in iteration.get("treatments") or ():
        for parameter in treatment.get("parameters") or ():
            if parameter.get("flagKey", ai_config) != ai_config:
                continue
            ids.add(parameter.get("variationId"))
            if treatment.get("baseline"):
                baseline = keys.get(parameter.get("variationId"))
    return RunningExperiment(
        key=payload["key"],
        name=payload.get("name") or payload["key"],
        environment=payload.get("environmentKey") or "",
        ai_config=ai_config,
        status=STATUS[iteration["status"]],
        rule=flag.get("targetingRule") or "fallthrough",
        variations=frozenset(keys[found] for found in ids if found in keys),
        baseline=baseline,
    )
