"""Sample contexts (`contexts.jsonl`): who would switch. Evaluated with the extra `agent`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from pydantic import ValidationError

from ldconf.compile import Source, running_experiments, workspace_source
from ldconf.compile.source import FALLTHROUGH, ExperimentSource
from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_at
from ldconf.core.change import Plan, Transition
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.live import Live
from ldconf.core.resource import Resource
from ldconf.core.workspace import Workspace, WorkspaceSettings
from ldconf.evaluation.contexts import read_samples
from ldconf.evaluation.shares import Contexts, Switch, switches
from ldconf.kinds import words
from ldconf.kinds.targeting_model import Targeting
from ldconf.planning.applied import Resources, applied
from ldconf.render.rows import SampleMove, SampleRow
from ldconf.workflow.plan import Planned

FILE = "contexts.jsonl"
NOT_EVALUATED = "sample contexts: not evaluated"
DIVIDED = (
    "sample contexts: a running experiment divides them by a seed of our own here; LaunchDarkly's "
    "seed decides who gets which variation"
)
_KINDS = ("aiConfigs", "variations", "targeting", "segments", "experiments")


@dataclass(frozen=True)
class Sampled:
    """Who would switch: for people, and by place. A place that was not evaluated has no row."""

    remarks: tuple[str, ...] = ()
    rows: tuple[SampleRow, ...] = ()


def check(root: Path, *, skip: bool) -> None:
    """Raise LdconfError if there are sample contexts that cannot be evaluated, unless `skip`."""
    if not (skip or can_evaluate()) and (root / FILE).is_file():
        raise LdconfError(
            f"{FILE} is evaluated with the LaunchDarkly SDK, which is not installed",
            "pip install 'ldconf[agent]', or plan with --no-samples",
        )


def can_evaluate() -> bool:
    """Return True if the extra that evaluates contexts is installed."""
    return all(find_spec(name) is not None for name in ("ldclient", "ldai"))


def sampled(root: Path, planned: Planned, *, skip: bool) -> Sampled:
    """Return what a plan says about sample contexts; nothing without the file.

    Raises LdconfError for a file that cannot be read, and for a line that is no context.
    """
    if not (root / FILE).is_file():
        return Sampled()
    if skip:
        return Sampled((NOT_EVALUATED,))
    contexts = read_samples(root / FILE)
    places = tuple(_places(planned.plan, planned.live))
    if not contexts or not places:
        return Sampled()
    try:
        return _sampled(planned, places, contexts)
    except UsageError as err:
        raise LdconfError(f"{FILE}: {err.summary}", err.hint) from err


def _places(plan: Plan, live: Live) -> Iterator[tuple[str, str]]:
    """Yield (AI Config, environment) where somebody may switch: by targeting, by segments, or as
    an experiment starts or stops."""
    touched = [change.address for change in plan.changes]
    segments = {address.environment for address in touched if address.kind == "segments"}
    known = [*touched, *live.observed] if segments else touched
    found = {
        (address.parts[1], address.parts[3])
        for address in known
        if address.kind == "targeting" and (address in touched or address.parts[3] in segments)
    }
    for change in plan.changes:
        if isinstance(change, Transition):
            observed = live.observed.get(change.address)
            one = (observed.resource if observed else change.after).managed()
            found.add((one["aiConfig"], one["environment"]))
    yield from sorted(found)


def _sampled(planned: Planned, places: Sequence[tuple[str, str]], contexts: Contexts) -> Sampled:
    before, unreadable = _before(planned.live)
    after = applied(before, planned.plan.changes)
    settings = planned.workspace.settings
    told = [place for place in places if place not in unreadable]
    sources = _source(settings, before), _source(settings, after)
    found = switches(*sources, told, contexts)
    by_place = {
        place: list(group)
        for place, group in groupby(found, key=lambda one: (one.ai_config, one.environment))
    }
    rows = {place: _row(place, by_place.get(place, []), len(contexts)) for place in told}
    lines = []
    for place in places:
        where = f"sample contexts: {place[0]} in {place[1]}"
        if place in unreadable:
            lines.append(f"{where}: not evaluated, files cannot represent what is live")
        else:
            lines.append(f"{where}: {_share(rows[place])}")
    divided = {(one.ai_config, one.environment) for side in sources for one in side.experiments}
    if not divided.isdisjoint(told):
        lines.append(DIVIDED)
    return Sampled(tuple(lines), tuple(rows.values()))


def _row(place: tuple[str, str], moves: Sequence[Switch], total: int) -> SampleRow:
    found = tuple(SampleMove(move.before, move.after, move.count) for move in moves)
    switched = sum(move.count for move in moves)
    return SampleRow(*place, total, switched, round(switched / total * 100, 1), found)


def _share(row: SampleRow) -> str:
    if not row.switched:
        return f"none of {row.contexts} would switch"
    each = ", ".join(f"{move.before} → {move.after}: {move.count}" for move in row.moves)
    return f"{words.percent(row.percent)} of {row.contexts} would switch ({each})"


def _before(live: Live) -> tuple[dict[Address, Resource], frozenset[tuple[str, str]]]:
    """Return the live objects that decide who gets what, in the form that files have, so that
    rollouts divide contexts alike before and after; and the places that have no such form."""
    found: dict[Address, Resource] = {}
    unreadable: set[tuple[str, str]] = set()
    for address, observed in live.observed.items():
        resource = observed.resource
        if address.kind not in _KINDS:
            continue
        if isinstance(resource, Targeting):
            try:
                resource = Targeting.model_validate(resource.document())
            except ValidationError:
                unreadable.add((address.parts[1], address.parts[3]))
                continue
        found[address] = resource
    return found, frozenset(unreadable)


def _source(settings: WorkspaceSettings, resources: Resources) -> Source:
    workspace = Workspace(settings, resources)
    running = running_experiments(workspace)
    return workspace_source(workspace, [one for one in running if _has_place(resources, one)])


def _has_place(resources: Resources, experiment: ExperimentSource) -> bool:
    """True if the targeting has the rule that the experiment is on."""
    found = resources.get(targeting_at(experiment.ai_config, experiment.environment))
    rules = found.managed().get("rules") or () if found is not None else ()
    is_there = any(rule.get("description") == experiment.rule for rule in rules)
    return found is not None and (experiment.rule == FALLTHROUGH or is_there)
