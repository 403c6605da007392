"""Where an experiment stands: as the files declare it, and as LaunchDarkly runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ldconf.api.client import Client
from ldconf.core.errors import LdconfError, NotFound
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.workspace import Workspace
from ldconf.documents.ship import experiment_of
from ldconf.experiments.design import IterationFacts, design_of
from ldconf.kinds.experiment_live import iterations
from ldconf.kinds.experiment_model import DRAFT, RUNNING, Experiment
from ldconf.kinds.targeting_document import VariationIds
from ldconf.workflow.site import Site, load_workspace

EXPAND = "draftIteration,previousIterations,treatments"


@dataclass(frozen=True)
class Declared:
    """An experiment of the files. `facts` is what LaunchDarkly knows of its iteration, if asked."""

    root: Path
    workspace: Workspace
    key: str
    experiment: Experiment
    facts: IterationFacts | None = None
    remarks: tuple[str, ...] = ()

    @property
    def design(self) -> ExperimentDesign:
        """The design of the iteration. Raises LdconfError if the files lack a metric."""
        project = self.workspace.settings.project
        return design_of(project, self.key, self.workspace.resources, self.facts)


def declared(root: Path, key: str) -> Declared:
    """Return an experiment of the files. Raises UsageError naming those that there are."""
    workspace, _ = load_workspace(root)
    key = key.removeprefix("experiments/")
    return Declared(root, workspace, key, experiment_of(workspace, key))


async def facts_of(client: Client, site: Site, found: Declared) -> IterationFacts | None:
    """Return what LaunchDarkly knows of the iteration that the files speak of.

    None if it does not know the experiment, or has not come to that iteration.
    """
    experiment, project = found.experiment, quote(site.settings.project, safe="")
    environment, key = quote(experiment.environment, safe=""), quote(found.key, safe="")
    path = f"/projects/{project}/environments/{environment}/experiments/{key}?expand={EXPAND}"
    try:
        payload = await client.get(path)
    except NotFound:
        return None
    started = [one for one in iterations(payload) if one.get("startedAt")]
    number = experiment.iteration
    if len(started) < number:
        return None
    iteration = started[number - 1]
    flag = (iteration.get("flags") or {}).get(experiment.ai_config) or {}
    return IterationFacts(
        number=number,
        status="stopped" if iteration.get("endedAt") else "running",
        started=iteration["startedAt"],
        ended=iteration.get("endedAt"),
        rule=flag.get("targetingRule"),
        id=iteration.get("_id"),
        variation_ids=await _variation_ids(client, project, experiment.ai_config),
    )


async def _variation_ids(client: Client, project: str, ai_config: str) -> dict[str, str]:
    """Return variation key -> the id that exported events hold; none if the AI Config is gone."""
    try:
        path = f"/projects/{project}/ai-configs/{quote(ai_config, safe='')}/targeting"
        return dict(VariationIds(await client.get(path)))
    except NotFound:
        return {}


def not_there(found: Declared, *, local: bool) -> LdconfError:
    """Return why an experiment has no events: LaunchDarkly does not have that iteration."""
    place = "the local LaunchDarkly" if local else "LaunchDarkly"
    number, status = found.experiment.iteration, found.experiment.status
    flag = " --local" if local else ""
    if status == DRAFT:
        hint = f"it is a draft: `status: running` and `ldconf apply{flag}` start it"
    elif status == RUNNING:
        hint = f"`ldconf apply{flag}` starts it"
    else:
        hint = f"the files say {status}; `ldconf plan{flag}` shows where they differ"
    return LdconfError(f"{place} has no iteration {number} of experiment {found.key}", hint)
