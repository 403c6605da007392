"""`ldconf evaluate` and `ldconf test`: which variation a context gets, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from ldconf.api.live import Wants, read_live
from ldconf.api.reader import Progress
from ldconf.compile import Source as Source  # callers hand it from one function to the next
from ldconf.compile import live_source, running_experiments, workspace_source
from ldconf.core.address import targeting as targeting_address
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.evaluation import Distribution, Evaluation, TestResult
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.evaluation.contexts import parse_object, read_samples
from ldconf.evaluation.expectations import run_tests
from ldconf.evaluation.sdk import evaluator
from ldconf.evaluation.shares import distribution
from ldconf.kinds.targeting_document import FALLTHROUGH
from ldconf.workflow.site import Site, load_workspace

SALTS = "LaunchDarkly does not tell its salts: a rollout may serve this context another arm there"
ARMS = (
    "experiment {} is running here: its shares are as shown, and LaunchDarkly's seed decides who"
    " gets which variation"
)
_KINDS = frozenset(
    {"aiConfigs", "variations", "targeting", "segments", "tools", "modelConfigs", "agentGraphs"}
)


@dataclass(frozen=True)
class Question:
    """What is evaluated: an AI Config in one environment, for a context."""

    ai_config: str
    environment: str
    context: Mapping[str, Json] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)


def files_source(root: Path, ai_config: str, environment: str) -> Source:
    """Return what the files serve. Raises UsageError for names that they do not have."""
    workspace, _ = load_workspace(root)
    source = workspace_source(workspace, running_experiments(workspace))
    _check_names(source.ai_configs, ai_config, environment, workspace.settings.environments)
    _check_managed(workspace, ai_config, environment)
    return source


async def account_source(
    site: Site, ai_config: str, environment: str, progress: Progress | None = None
) -> Source:
    """Return what LaunchDarkly serves. Raises UsageError for names that it does not have."""
    wants = Wants(targeting=frozenset({ai_config}), kinds=_KINDS, approvals=False)
    async with site.client() as client:
        live = await read_live(client, site.settings.project, wants, progress)
    known = [address.key for address in live.observed if address.kind == "aiConfigs"]
    _check_names(known, ai_config, environment, live.environments)
    return live_source(live)


def question(
    ai_config: str, environment: str, context: str | None, variables: str | None
) -> Question:
    """Return the question that a person typed. Raises UsageError for what is no JSON object."""
    return Question(
        ai_config,
        environment,
        {} if context is None else parse_object(context, "--context"),
        {} if variables is None else parse_object(variables, "--variables"),
    )


def evaluate(source: Source, question: Question) -> Evaluation:
    """Return what the context gets."""
    with evaluator(source, question.environment) as found:
        return found.evaluate(question.ai_config, question.context, question.variables)


def remark(source: Source, found: Evaluation | Distribution) -> str | None:
    """Return what to know of a result in the files, where an experiment has a hand in it."""
    for one in source.experiments:
        if (one.ai_config, one.environment) != (found.ai_config, found.environment):
            continue
        on_rule = one.rule != FALLTHROUGH
        if isinstance(found, Distribution) or (
            found.reason.is_rollout
            and (found.reason.rule == one.rule if on_rule else found.reason.rule is None)
        ):
            return ARMS.format(one.key)
    return None


def sample(source: Source, question: Question, path: Path) -> Distribution:
    """Return who gets what of the contexts in a file."""
    contexts = read_samples(path)
    if not contexts:
        raise LdconfError(f"{path} holds no contexts", "one JSON object per line")
    return distribution(source, question.ai_config, question.environment, contexts)


def config_tests(root: Path) -> tuple[TestResult, ...]:
    """Return the results of the workspace's tests, in the order of the files.

    A running experiment counts as its control: which of its arms a context gets is not known here.
    """
    workspace, _ = load_workspace(root)
    for one in workspace.tests:
        _check_managed(workspace, one.ai_config, one.environment)
    order = {id(one): place for place, one in enumerate(workspace.tests)}
    results = run_tests(workspace_source(workspace), workspace.tests)
    return tuple(sorted(results, key=lambda result: order[id(result.test)]))


def _check_names(
    ai_configs: Iterable[str], ai_config: str, environment: str, environments: Iterable[str]
) -> None:
    for what, name, known in (
        ("AI Config", ai_config, list(ai_configs)),
        ("environment", environment, list(environments)),
    ):
        if name not in known:
            near = get_close_matches(name, known, 1)
            listed = f"there are: {', '.join(known) or 'none'}"
            hint = f"did you mean {near[0]!r}?" if near else listed
            raise UsageError(f"there is no {what} {name!r}", hint)


def _check_managed(workspace: Workspace, ai_config: str, environment: str) -> None:
    """Refuse to tell what the files leave to others: they would seem to serve `disabled`."""
    address = targeting_address(ai_config, environment)
    found = workspace.resources.get(address)
    if found is None or "fallthrough" not in found.managed_names:
        raise LdconfError(
            f"the files do not say what {ai_config} serves in {environment}",
            f"write {address}, or evaluate with --from live",
        )
