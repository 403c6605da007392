"""Draft and running experiments on AI Configs, as far as protection needs them.

Source: reference 13.1, 13.5. One list for the whole project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from ldconf.api.reader import LiveReader, Object
from ldconf.core.address import Address
from ldconf.core.errors import ApiError
from ldconf.core.live import RunningExperiment
from ldconf.core.resource import Observed
from ldconf.kinds.targeting import by_environment
from ldconf.kinds.targeting_document import VariationIds

# Without `expand` the draft and the treatments are absent. Unknown values may be refused with 400.
EXPAND = (
    "draftIteration,previousIterations,secondaryMetrics,treatments,analysisConfig,"
    "mutableFieldsByStatus"
)
EXPAND_LEAST = "draftIteration,treatments"
STATUS = {"running": "running", "not_started": "draft"}

# An account without experimentation, a role that may not see experiments, a server without them.
TOLERATED = (403, 404, 501)


@dataclass(frozen=True)
class Experiments:
    """The experiments found. `unknown` says what could not be read, for the plan to show.

    `targeting` is that of their AI Configs, read for the ids: it names the segments that decide
    who takes part, also where no file speaks of the AI Config.
    """

    running: tuple[RunningExperiment, ...] = ()
    unknown: tuple[str, ...] = ()
    targeting: Mapping[Address, Observed] = field(default_factory=dict)

    @property
    def ai_configs(self) -> frozenset[str]:
        """The AI Configs with an experiment."""
        return frozenset(one.ai_config for one in self.running)


async def read_experiments(reader: LiveReader, ai_configs: frozenset[str]) -> Experiments:
    """Return the draft and running experiments on these AI Configs; never silently none."""
    try:
        payloads = await _list(reader)
    except ApiError as error:
        if error.status not in TOLERATED:
            raise
        words = f"running experiments are unknown and therefore not protected: {error.summary}"
        return Experiments(unknown=(words,))
    found: set[RunningExperiment] = set()
    unknown: list[str] = []
    targeting: dict[Address, Observed] = {}
    for payload in payloads:
        for ai_config, iteration in _iterations(payload, ai_configs):
            if "treatments" not in iteration:
                unknown.append(f"the variations of experiment {payload['key']!r} are unknown")
            document = await _targeting(reader, ai_config)
            targeting.update(by_environment(ai_config, document, reader.environments))
            ids = VariationIds(document)
            keys = {found_id: key for key, found_id in ids.items()}
            found.add(_experiment(payload, ai_config, iteration, keys))
    ordered = sorted(found, key=lambda one: (one.environment, one.key, one.status, one.rule))
    return Experiments(tuple(ordered), tuple(unknown), targeting)


async def _list(reader: LiveReader) -> Sequence[Object]:
    path = f"/projects/{quote(reader.project, safe='')}/experiments"
    try:
        return await reader.list(path, params={"limit": "50", "expand": EXPAND})
    except ApiError as error:
        if error.status != 400:
            raise
    return await reader.list(path, params={"limit": "50", "expand": EXPAND_LEAST})


async def _targeting(reader: LiveReader, ai_config: str) -> Object:
    """Return the targeting document, for its variation ids; shared with the targeting kind."""
    project = quote(reader.project, safe="")
    return await reader.get(f"/projects/{project}/ai-configs/{quote(ai_config, safe='')}/targeting")


def _iterations(experiment: Object, ai_configs: frozenset[str]) -> Iterator[tuple[str, Object]]:
    """Yield (AI Config key, iteration) of what is drafted or runs."""
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
