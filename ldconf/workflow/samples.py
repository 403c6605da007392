"""Sample contexts (`contexts.jsonl`): who would switch. Evaluated with the extra `agent`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from pydantic import ValidationError

from ldconf.compile import Source, workspace_source
from ldconf.core.address import Address
from ldconf.core.change import Create, Delete, Plan, Restore, Update
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.live import Live
from ldconf.core.resource import Resource
from ldconf.core.workspace import Workspace, WorkspaceSettings
from ldconf.evaluation.contexts import read_samples
from ldconf.evaluation.shares import Contexts, Switch, switches
from ldconf.kinds import words
from ldconf.kinds.targeting_model import Targeting
from ldconf.workflow.plan import Planned

FILE = "contexts.jsonl"
NOT_EVALUATED = "sample contexts: not evaluated"
_KINDS = ("aiConfigs", "variations", "targeting", "segments")
Resources = Mapping[Address, Resource]


def check(root: Path, *, skip: bool) -> None:
    """Raise LdconfError if there are sample contexts that cannot be evaluated, unless `skip`."""
    if skip or not (root / FILE).is_file():
        return
    if find_spec("ldclient") is None or find_spec("ldai") is None:
        raise LdconfError(
            f"{FILE} is evaluated with the LaunchDarkly SDK, which is not installed",
            "pip install 'ldconf[agent]', or plan with --no-samples",
        )


def remarks(root: Path, planned: Planned, *, skip: bool) -> tuple[str, ...]:
    """Return the plan's lines about sample contexts; none without the file.

    Raises LdconfError for a file that cannot be read, and for a line that is no context.
    """
    if not (root / FILE).is_file():
        return ()
    if skip:
        return (NOT_EVALUATED,)
    contexts = read_samples(root / FILE)
    places = tuple(_places(planned.plan, planned.live))
    if not contexts or not places:
        return ()
    try:
        return tuple(_lines(planned, places, contexts))
    except UsageError as err:
        raise LdconfError(f"{FILE}: {err.summary}", err.hint) from err


def _places(plan: Plan, live: Live) -> Iterator[tuple[str, str]]:
    """Yield (AI Config, environment) where somebody may switch: by targeting, or by segments."""
    touched = [change.address for change in plan.changes]
    segments = {address.environment for address in touched if address.kind == "segments"}
    known = [*touched, *live.observed] if segments else touched
    found = {
        (address.parts[1], address.parts[3])
        for address in known
        if address.kind == "targeting" and (address in touched or address.parts[3] in segments)
    }
    yield from sorted(found)


def _lines(
    planned: Planned, places: Sequence[tuple[str, str]], contexts: Contexts
) -> Iterator[str]:
    before, unreadable = _before(planned.live)
    after = _after(before, planned.plan)
    settings = planned.workspace.settings
    told = [place for place in places if place not in unreadable]
    found = switches(_source(settings, before), _source(settings, after), told, contexts)
    by_place = {
        place: list(group)
        for place, group in groupby(found, key=lambda one: (one.ai_config, one.environment))
    }
    for place in places:
        where = f"sample contexts: {place[0]} in {place[1]}"
        if place in unreadable:
            yield f"{where}: not evaluated, files cannot represent what is live"
        else:
            yield f"{where}: {_share(by_place.get(place, []), len(contexts))}"


def _share(moves: Sequence[Switch], total: int) -> str:
    moved = sum(move.count for move in moves)
    if not moved:
        return f"none of {total} would switch"
    each = ", ".join(f"{move.before} → {move.after}: {move.count}" for move in moves)
    return f"{words.percent(round(moved / total * 100, 1))} of {total} would switch ({each})"


def _before(live: Live) -> tuple[dict[Address, Resource], frozenset[tuple[str, str]]]:
    """Return the live objects that decide who gets what, in the form that files have, so that
    rollouts divide contexts alike before and after; and the places that have no such form.

    A running experiment counts as its control.
    """
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


def _after(before: Resources, plan: Plan) -> dict[Address, Resource]:
    """Return the same objects once the plan is applied."""
    found = dict(before)
    for change in plan.changes:
        if change.address.kind not in _KINDS:
            continue
        match change:
            case Create(address, after):
                found[address] = after
            case Update(address, after) | Restore(address, after):
                found[address] = _laid_over(before.get(address), after)
            case Delete(address):
                found.pop(address, None)
            case _:  # to archive takes nothing from anybody
                pass
    return found


def _laid_over(before: Resource | None, sent: Resource) -> Resource:
    given = [resource for resource in (before, sent) if resource is not None]
    fields = {name: getattr(one, name) for one in given for name in one.model_fields_set}
    return type(sent).model_construct(_fields_set=set(fields), **fields)


def _source(settings: WorkspaceSettings, resources: Resources) -> Source:
    return workspace_source(Workspace(settings, resources))
